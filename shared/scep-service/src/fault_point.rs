//! Places where a test can kill the process, to check recovery after a crash.

/// Blocks forever if `SCEPTER_FAULT_POINT` names this place, so that a test can kill the process
/// here. Does nothing in a build without the feature `fault-points`.
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
