//! Administration: the management API, revocation, rollover and tokens.

mod access;
mod alternative_names;
mod challenges;
mod details;
mod edits;
mod jamf;
mod key_orders;
mod links;
mod lockouts;
mod measurements;
mod ndes;
mod people;
mod profiles;
mod requests;
mod revocation;
mod rollover;
mod server;
mod source_tests;
mod sources;
mod statistics;
mod subordinate;
mod tokens;
mod warnings;
