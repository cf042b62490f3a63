//! The deployed system: the project's own template on emulated AWS, with its functions run as
//! Lambda runs them.

mod adapters;
mod challenges;
mod deployment;
mod door;
mod enrolment;
mod faults;
mod functions;
mod keys;
mod permissions;
mod stack;

#[path = "../contract/mod.rs"]
mod contract;
