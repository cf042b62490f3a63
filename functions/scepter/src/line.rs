//! The line of SCEP requests: few are computed at a time, and who waits lets others compute.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use scep_service::ports::{Clock, SystemClock};
use time::OffsetDateTime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The most requests that are computed at a time.
pub(crate) const MAX_COMPUTED: usize = 100;

/// The most requests whose answer has begun, with those that wait for a time or for another
/// request.
// The connection of such a request is never closed, so there must be fewer than connections:
// otherwise refused requests, which wait, could keep administrators out.
const MAX_BEGUN: usize = 700;

tokio::task_local! {
    /// The permit to compute of the request that the task answers; `None` while it waits.
    static COMPUTED: Cell<Option<OwnedSemaphorePermit>>;
}

/// The line of SCEP requests.
pub(crate) struct Line {
    begun: Arc<Semaphore>,
    computed: Arc<Semaphore>,
}

impl Line {
    /// A line in which nobody waits.
    pub(crate) fn new() -> Self {
        Self {
            begun: Arc::new(Semaphore::new(MAX_BEGUN)),
            computed: Arc::new(Semaphore::new(MAX_COMPUTED)),
        }
    }

    /// Waits until another request may be answered.
    pub(crate) async fn wait(&self) -> Permit {
        // The semaphores are never closed, so this never yields `None`.
        let begun = Arc::clone(&self.begun).acquire_owned().await.ok();
        let computed = Arc::clone(&self.computed).acquire_owned().await.ok();
        Permit { begun, computed }
    }
}

/// Permission to answer a request.
pub(crate) struct Permit {
    begun: Option<OwnedSemaphorePermit>,
    computed: Option<OwnedSemaphorePermit>,
}

impl Permit {
    /// Answers the request. Others compute while it waits by [`LineClock`].
    pub(crate) async fn answer<T>(self, answer: impl Future<Output = T>) -> T {
        let Self { begun, computed } = self;
        let answered = COMPUTED.scope(Cell::new(computed), answer).await;
        drop(begun);
        answered
    }
}

/// Lets another request compute until the wait is over.
async fn wait_aside(wait: impl Future<Output = ()>) {
    let permit = COMPUTED.try_with(Cell::take).ok().flatten();
    let computed = permit.map(|permit| Arc::clone(permit.semaphore()));
    wait.await;
    if let Some(computed) = computed {
        let permit = computed.acquire_owned().await.ok();
        COMPUTED.with(|held| held.set(permit));
    }
}

/// The system clock of what is answered in line. The waits of other work are those of
/// [`SystemClock`].
pub(crate) struct LineClock;

#[async_trait]
impl Clock for LineClock {
    fn now(&self) -> OffsetDateTime {
        SystemClock.now()
    }

    fn instant(&self) -> Instant {
        SystemClock.instant()
    }

    async fn sleep(&self, duration: Duration) {
        wait_aside(SystemClock.sleep(duration)).await;
    }

    async fn sleep_until(&self, instant: Instant) {
        wait_aside(SystemClock.sleep_until(instant)).await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::JoinSet;
    use tokio::time::sleep;

    use super::*;

    /// Lines up, answers like this, and returns after how many seconds the answer began and ended.
    async fn answer(line: Arc<Line>, answer: impl Future<Output = ()>) -> (u64, u64) {
        let start = tokio::time::Instant::now();
        let permit = line.wait().await;
        let begun = start.elapsed().as_secs();
        permit.answer(answer).await;
        (begun, start.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_lets_others_compute_and_then_waits_for_them() {
        let line = Arc::new(Line::new());
        let mut waiting = JoinSet::new();
        for _ in 0..MAX_COMPUTED {
            waiting.spawn(answer(
                Arc::clone(&line),
                LineClock.sleep(Duration::from_secs(5)),
            ));
        }
        sleep(Duration::from_secs(1)).await;
        let mut computing = JoinSet::new();
        for _ in 0..=MAX_COMPUTED {
            computing.spawn(answer(Arc::clone(&line), sleep(Duration::from_secs(10))));
        }
        let times = computing.join_all().await;
        let at_once = times.iter().filter(|times| **times == (0, 10));
        assert_eq!(at_once.count(), MAX_COMPUTED);
        assert!(times.contains(&(10, 10)), "{times:?}");
        let times = waiting.join_all().await;
        assert!(
            times
                .iter()
                .all(|(begun, ended)| *begun == 0 && *ended >= 11),
            "{times:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_limited_number_waits() {
        let line = Arc::new(Line::new());
        let mut waiting = JoinSet::new();
        for _ in 0..=MAX_BEGUN {
            waiting.spawn(answer(
                Arc::clone(&line),
                LineClock.sleep(Duration::from_secs(5)),
            ));
        }
        let times = waiting.join_all().await;
        let at_once = times.iter().filter(|times| **times == (0, 5));
        assert_eq!(at_once.count(), MAX_BEGUN);
        assert!(times.contains(&(5, 10)), "{times:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn other_work_waits_without_a_permit() {
        let start = tokio::time::Instant::now();
        LineClock
            .sleep_until((start + Duration::from_secs(5)).into())
            .await;
        assert_eq!(start.elapsed().as_secs(), 5);
    }
}
