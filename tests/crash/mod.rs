//! Crashes and faults: what is left when a process or a call fails at any point.

mod crashes;
pub(crate) mod failing;
mod faults;
pub(crate) mod faulty;
pub(crate) mod faulty_keys;
mod faulty_store;
mod first_claim;
mod knowledge;
mod repeats;
mod scenario;
mod state_machine;
