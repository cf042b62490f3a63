//! A clock that tests set.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use scep_service::ports::Clock;
use time::OffsetDateTime;

/// A clock that stands still until a test moves it. Waits take as long as they say until a test
/// makes the clock impatient.
#[derive(Debug)]
pub struct TestClock {
    now: AtomicI64,
    start: Instant,
    /// The sum of the waits that an impatient clock has skipped: all waits end at once while this
    /// is `Some`, and the time stands still meanwhile.
    pub skipped: Mutex<Option<Duration>>,
}

#[async_trait]
impl Clock for TestClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(self.now.load(Ordering::SeqCst)).unwrap()
    }

    fn instant(&self) -> Instant {
        match *self.skipped.lock().unwrap() {
            None => Instant::now(),
            Some(skipped) => self.start + skipped,
        }
    }

    async fn sleep(&self, duration: Duration) {
        let is_impatient = match &mut *self.skipped.lock().unwrap() {
            None => false,
            Some(skipped) => {
                *skipped += duration;
                true
            }
        };
        match is_impatient {
            true => tokio::task::yield_now().await,
            false => tokio::time::sleep(duration).await,
        }
    }

    async fn sleep_until(&self, instant: Instant) {
        self.sleep(instant.saturating_duration_since(self.instant()))
            .await;
    }
}

impl TestClock {
    /// Makes the clock impatient.
    pub fn skip_waits(&self) {
        *self.skipped.lock().unwrap() = Some(Duration::ZERO);
    }

    /// Creates a clock that stands at this time.
    pub fn at(now: OffsetDateTime) -> Self {
        Self {
            now: AtomicI64::new(now.unix_timestamp()),
            start: Instant::now(),
            skipped: Mutex::default(),
        }
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.now.fetch_add(by.as_secs() as i64, Ordering::SeqCst);
    }
}
