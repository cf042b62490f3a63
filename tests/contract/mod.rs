//! What the ports promise, run over every adapter: `crate::adapters` says which.

mod decisions;
mod inventory;
mod keys;
mod objects;
mod store;
