//! The integration tests of the whole project, in one binary.

mod adapters;
mod approval;
mod architecture;
mod attacks;
mod availability;
mod capabilities;
mod clients;
mod content;
mod crashes;
mod crl_cost;
mod data_folder;
mod documents;
mod edits;
mod embedded;
mod enrolment;
mod failing;
mod faults;
mod faulty;
mod habits;
mod keys;
mod management;
mod management_access;
mod management_links;
mod metrics;
mod oracles;
mod passwords;
mod refusals;
mod rejections;
mod renewal;
mod resending;
mod revocation;
mod rollover;
mod rules;
mod second_opinion;
mod slow_clients;
mod state_machine;
mod subordinate;
mod tokens;
mod vectors;
mod warnings;
mod weak_keys;
mod wire;

#[path = "../contract/mod.rs"]
mod contract;
