//! The deployed shape: the project's own template on emulated AWS, its functions as Lambda runs them.

mod adapters;
#[path = "../contract/mod.rs"]
mod contract;
mod deployment;
mod door;
mod enrolment;
mod faults;
mod functions;
mod keys;
mod permissions;
mod stack;
