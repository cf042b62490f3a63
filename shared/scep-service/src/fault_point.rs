//! Places where a test stops a process dead, to see what a crash there leaves.

/// In a build with `fault-points`, hangs for good where `SCEPTER_FAULT_POINT` names this place, so that a test can kill
/// the process there. In every other build, nothing.
#[cfg(feature = "fault-points")]
pub(crate) fn fault_point(place: &'static str) {
    if std::env::var("SCEPTER_FAULT_POINT").is_ok_and(|named| named == place) {
        tracing::warn!(place, "fault point reached");
        loop {
            std::thread::park();
        }
    }
}

#[cfg(not(feature = "fault-points"))]
pub(crate) const fn fault_point(_place: &'static str) {}
