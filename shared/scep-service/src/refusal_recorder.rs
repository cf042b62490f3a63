//! Records refused requests without slowing down their answers: what is to be written waits in
//! memory until the answer is on its way.

use std::collections::HashMap;
use std::mem::take;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use scep_protocol::id::ScepProfileUuid;
use scep_protocol::refusal_record::{
    RECORDS_A_MINUTE, RefusalReason, RefusalRecord, RefusalSlot, RefusalVerdict, RequestOutline,
};
use time::OffsetDateTime;
use tokio::sync::Notify;

use crate::error_chain::ErrorChain;
use crate::ports::{RequestLog, WriteOutcome};
use crate::statistics::{HourlyCounts, Series};

/// The most records that wait to be written; a process that cannot write must not fill its memory.
const MAX_WAITING: usize = 1_000;

/// Records refused requests: at most [`RECORDS_A_MINUTE`] for each SCEP Profile and reason, and
/// counts of all.
///
/// [`Self::record`] writes nothing and never fails. [`Self::write_due`] writes, after the answer is
/// sent. Each process writes counts at intervals, together for all profiles and reasons.
/// Of records, each process tries at most ten in a minute for each profile and reason; as the
/// places of records are computed, all processes together leave no more than ten. What a process
/// still has in memory when it ends abruptly is lost.
pub struct RefusalRecorder {
    log: Arc<dyn RequestLog>,
    /// How long records are kept.
    validity: Duration,
    /// The least time between two writes of counts by this process.
    counts_interval: Duration,
    state: Mutex<State>,
    something_waits: Notify,
}

#[derive(Default)]
struct State {
    /// The minute since 1970 of [`Self::taken`].
    minute: i64,
    /// The number of places taken in this minute. Only profiles that exist are in it.
    taken: HashMap<(ScepProfileUuid, RefusalReason), u8>,
    waiting: Vec<RefusalRecord>,
    counts: HourlyCounts,
    counts_written_at: Option<OffsetDateTime>,
}

impl State {
    /// Takes the next place of this profile and reason in the minute of `at`; `None` if there is
    /// none left.
    fn take_slot(
        &mut self,
        scep_profile: ScepProfileUuid,
        reason: RefusalReason,
        at: OffsetDateTime,
    ) -> Option<RefusalSlot> {
        let minute = minute_of(at);
        if minute != self.minute {
            self.taken.clear();
            self.minute = minute;
        }
        let taken = self.taken.entry((scep_profile, reason)).or_default();
        let number = *taken;
        if number >= RECORDS_A_MINUTE {
            return None;
        }
        *taken = number.saturating_add(1);
        Some(RefusalSlot {
            scep_profile,
            reason,
            minute,
            number,
        })
    }

    fn take_due_counts(&mut self, now: OffsetDateTime, interval: Duration) -> HourlyCounts {
        let is_due = self
            .counts_written_at
            // A clock that was set back must not stop the counts.
            .is_none_or(|at| (now - at).abs() >= interval);
        if self.counts.is_empty() || !is_due {
            return HourlyCounts::default();
        }
        self.counts_written_at = Some(now);
        take(&mut self.counts)
    }
}

fn minute_of(at: OffsetDateTime) -> i64 {
    at.unix_timestamp().div_euclid(60)
}

impl RefusalRecorder {
    /// Creates a recorder whose records are kept for `validity`, and which writes counts at most
    /// once in `counts_interval`.
    #[must_use]
    pub fn new(log: Arc<dyn RequestLog>, validity: Duration, counts_interval: Duration) -> Self {
        Self {
            log,
            validity,
            counts_interval,
            state: Mutex::default(),
            something_waits: Notify::new(),
        }
    }

    /// Counts a refused request, and keeps its record for [`Self::write_due`] unless there are too
    /// many like it.
    pub fn record(&self, outline: RequestOutline, verdict: RefusalVerdict, now: OffsetDateTime) {
        let reason = verdict.reason;
        let mut state = self.lock();
        state.counts.add(now, Series::Refusals(reason), 1);
        if state.waiting.len() < MAX_WAITING
            && let Some(slot) = state.take_slot(outline.scep_profile, reason, now)
        {
            state.waiting.push(RefusalRecord {
                uuid: slot.uuid(),
                at: now,
                until: now + self.validity,
                outline,
                reason,
                failed: verdict.failed,
                message: verdict.message,
                fail_info: verdict.fail_info,
            });
        }
        drop(state);
        self.something_waits.notify_one();
    }

    /// Waits until [`Self::record`] was called since the last time.
    pub async fn wait(&self) {
        self.something_waits.notified().await;
    }

    /// Writes the records that wait, and the counts if their interval has passed since the last
    /// time. A failure is logged: it concerns no client.
    pub async fn write_due(&self, now: OffsetDateTime) {
        let (waiting, counts) = {
            let mut state = self.lock();
            (
                take(&mut state.waiting),
                state.take_due_counts(now, self.counts_interval),
            )
        };
        for record in waiting {
            self.write_record(record).await;
        }
        self.write_counts(counts).await;
    }

    /// Writes everything, before the process ends.
    pub async fn write_all(&self, now: OffsetDateTime) {
        self.write_due(now).await;
        let counts = take(&mut self.lock().counts);
        self.write_counts(counts).await;
    }

    async fn write_record(&self, mut record: RefusalRecord) {
        loop {
            match self.log.put_refusal(&record).await {
                Ok(WriteOutcome::Won) => return,
                // Another process took this place. Each further try takes one from what this
                // process may write in the minute.
                Ok(WriteOutcome::Lost) => {}
                Err(error) => {
                    let error = ErrorChain(&error);
                    tracing::error!(%error, "could not record a refused request");
                    return;
                }
            }
            let mut state = self.lock();
            // The places of a minute that is over are not counted any more.
            if minute_of(record.at) != state.minute {
                return;
            }
            let profile = record.outline.scep_profile;
            match state.take_slot(profile, record.reason, record.at) {
                Some(slot) => record.uuid = slot.uuid(),
                None => return,
            }
        }
    }

    async fn write_counts(&self, counts: HourlyCounts) {
        if counts.is_empty() {
            return;
        }
        if let Err(error) = self.log.add_counts(&counts).await {
            let error = ErrorChain(&error);
            tracing::error!(%error, "could not count refused requests");
            // They are written with the next ones. If only the answer was lost, they count twice,
            // which a chart bears better than a gap.
            self.lock().counts.add_all(&counts);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change of the state is complete before the next step that could panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
