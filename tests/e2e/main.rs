//! The integration tests of the whole project, in one binary.

mod adapters;
mod admin;
mod architecture;
mod clients;
mod costs;
mod crypto;
mod documents;
mod embedded;
mod enrol;
mod http;

#[path = "../contract/mod.rs"]
mod contract;
#[path = "../crash/mod.rs"]
mod crash;
#[path = "../contract/keys.rs"]
mod key_contract;
mod release;
mod smoke;
mod sqlite;
