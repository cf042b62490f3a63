//! Every test of the whole, in one binary.

mod adapters;
mod architecture;
mod availability;
mod clients;
mod crashes;
mod edits;
mod embedded;
mod enrolment;
mod keys;
mod management;
mod management_access;
mod management_links;
mod metrics;
mod refusals;
mod rejections;
mod rules;
mod second_opinion;
mod subordinate;
mod tokens;
mod vectors;
mod wire;

#[path = "../contract/mod.rs"]
mod contract;
