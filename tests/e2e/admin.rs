//! Administration: the management API, revocation, rollover and tokens.

mod access;
mod challenges;
mod edits;
mod links;
mod lockouts;
mod profiles;
mod revocation;
mod rollover;
mod sources;
mod subordinate;
mod tokens;
mod warnings;
