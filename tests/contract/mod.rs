//! What the ports promise, run over every adapter: `crate::adapters` says which.

mod inventory;
mod keys;
mod objects;
mod store;
