//! Every test of the whole, in one binary.

mod architecture;
mod availability;
mod clients;
mod crashes;
mod edits;
mod enrolment;
mod inventory;
mod keys;
mod management;
mod management_access;
mod management_links;
mod objects;
mod refusals;
mod rejections;
mod rules;
mod second_opinion;
mod store;
mod subordinate;
mod tokens;
mod vectors;
mod wire;
