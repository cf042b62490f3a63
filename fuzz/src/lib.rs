//! What the fuzz targets have in common: a bound on what a parser allocates, how an input is cut
//! into parts, messages of which any part may be nonsense under a signature that verifies, and a
//! server to send them to.

pub mod asn1;
pub mod corpus;
pub mod device;
pub mod input;
pub mod management;
pub mod server;

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What any parser may allocate before its input's length counts, in octets.
const ALLOCATED_ALWAYS: usize = 64 * 1024;

/// What `parse` gives, which allocates at most `factor` times the input's length, and a little: a
/// length that is only claimed costs nothing. All allocations count, also those that are freed at
/// once.
#[track_caller]
pub fn bounded<T>(input: &[u8], factor: usize, parse: impl FnOnce(&[u8]) -> T) -> T {
    let region = Region::new(ALLOCATOR);
    let parsed = parse(input);
    let allocated = region.change().bytes_allocated;
    let allowed = ALLOCATED_ALWAYS + factor * input.len();
    assert!(
        allocated <= allowed,
        "{} octets make {allocated} allocated, of at most {allowed}",
        input.len()
    );
    parsed
}
