//! The contracts of the ports, run over every adapter that `crate::adapters` provides.

mod decisions;
mod inventory;
mod keys;
mod objects;
mod store;
