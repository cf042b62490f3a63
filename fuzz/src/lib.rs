//! Support for the fuzz targets: a bound on a parser's allocations, splitting an input into parts,
//! messages with any malformed part under a valid signature, and a server to send them to.

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

/// The octets that any parser may allocate, regardless of its input's length.
// Fixed costs outweigh any multiple of a short input's length.
const ALLOCATED_ALWAYS: usize = 64 * 1024;

/// Runs `parse` and asserts that it allocates at most `factor` times the input's length, and a
/// constant more. Counts all allocations, including those that are freed at once.
#[track_caller]
pub fn check_allocations<T>(input: &[u8], factor: usize, parse: impl FnOnce(&[u8]) -> T) -> T {
    // A parser that trusts a claimed length exceeds the bound at once.
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
