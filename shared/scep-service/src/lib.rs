//! The use cases of the server, and the ports through which they reach stores, keys and clocks.
//!
//! A use case is a method of the service that holds the ports that it may use: [`ProfileService`]
//! for GetCACaps and GetCACert, [`Enrolment`] for PKIOperation and GetNextCACert,
//! [`Administration`] for administration and maintenance.
//!
//! [`ProfileService`]: ca_info::ProfileService
//! [`Enrolment`]: enrol::Enrolment
//! [`Administration`]: admin::Administration

pub mod admin;
pub mod audit;
pub mod ca_info;
mod configuration;
pub mod crl_cache;
pub mod crl_publisher;
pub mod deployment;
pub mod enrol;
pub mod error;
pub mod error_chain;
mod fault_point;
pub mod inventory;
mod maintenance;
mod notices;
pub mod object;
pub mod ports;
pub mod profile_cache;
pub mod ra_key;
pub mod record;
pub mod refusal_recorder;
pub mod request_list;
pub mod statistics;
