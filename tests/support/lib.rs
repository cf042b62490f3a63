//! The foundation of the tests: a SCEP client, a server in this process, and the server as a
//! process.

pub mod admin;
pub mod asn1;
pub mod assert;
pub mod browser;
pub mod clock;
pub mod databases;
pub mod device;
pub mod exchanges;
pub mod interop;
pub mod intune;
pub mod objects;
pub mod openssl;
pub mod people_door;
pub mod runtime_api;
pub mod samples;
pub mod server;
pub mod splice;
pub mod user_pool;
pub mod webhook;
pub mod world;
