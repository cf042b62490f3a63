//! The deployed system: the project's own template on emulated AWS, with its functions run as
//! Lambda runs them.

mod adapters;
mod challenges;
mod deployer;
mod deployment;
mod door;
mod emulator;
mod enrolment;
mod faults;
mod federation;
mod functions;
mod keys;
mod other_stacks;
mod people;
mod permissions;
mod recovery;
mod services;
mod shell;
mod stack;

#[path = "../contract/mod.rs"]
mod contract;
#[path = "../contract/keys.rs"]
mod key_contract;
