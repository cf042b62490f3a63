//! The port to the current time.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use time::OffsetDateTime;

/// A source of the current time, and a way to wait.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Returns the current time, UTC.
    fn now(&self) -> OffsetDateTime;

    /// Returns the current instant of a clock that is never set back. It measures durations.
    fn instant(&self) -> Instant;

    /// Waits for this duration.
    async fn sleep(&self, duration: Duration);

    /// Waits until this instant of [`Self::instant`], and not at all if it has passed.
    async fn sleep_until(&self, instant: Instant);
}

/// A [`Clock`] that reads the system clock.
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }

    fn instant(&self) -> Instant {
        Instant::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    async fn sleep_until(&self, instant: Instant) {
        tokio::time::sleep_until(instant.into()).await;
    }
}
