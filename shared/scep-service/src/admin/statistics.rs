//! Statistics: how many requests were granted and refused in each hour.
//!
//! Refusals are counted by the processes that refuse. Certificates are counted afterwards, from
//! their transactions, so that an enrolment costs no write more; each is counted once, and then
//! never read again for a chart.

use scep_cms::message_type::MessageType;
use scep_protocol::id::TransactionUuid;
use time::{Duration, OffsetDateTime};

use crate::admin::Administration;
use crate::error::Failure;
use crate::error_chain::ErrorChain;
use crate::inventory::TransactionStatus;
use crate::ports::WriteOutcome;
use crate::statistics::{HourlyCounts, Series};

/// The age from which a transaction is counted for good. A younger one may still be about to be
/// issued, and lists may lag behind recent writes.
const SETTLED_AFTER: Duration = Duration::minutes(2);

/// The number of transactions that are counted at a time.
const BATCH: u16 = 1_000;

/// The most batches for one chart. What is left, as after an update of a server that has issued
/// many certificates, is counted by the next chart or by maintenance.
const BATCHES_A_CHART: u16 = 10;

/// The most batches for one run of maintenance.
const BATCHES_A_RUN: u16 = 500;

/// How far settled transactions are counted.
#[derive(Debug, PartialEq, Eq)]
enum Progress {
    /// All of them are counted: those that were created up to this time, and none after it; `None`
    /// if there are none.
    CountedUntil(Option<OffsetDateTime>),
    /// Batches are left for the next time.
    Unfinished,
}

impl Administration {
    /// Returns the counts of the days from the one of `from` up to that of `until`.
    ///
    /// # Errors
    /// Fails when the store fails.
    pub async fn read_statistics(
        &self,
        from: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<HourlyCounts, Failure> {
        let progress = self.count_settled(BATCHES_A_CHART).await?;
        let mut counts = self.requests.counts(from, until).await?;
        let now = self.clock.now();
        if let Progress::CountedUntil(mut after) = progress {
            for _ in 0..BATCHES_A_CHART {
                let recent = self.requests.count_issued(after, now, BATCH).await?;
                counts.add_all(&recent.counts);
                if recent.until >= now {
                    break;
                }
                after = Some(recent.until);
            }
        }
        Ok(counts)
    }

    /// Counts the certificates that were issued since the last time.
    ///
    /// # Errors
    /// Fails when the store fails.
    pub(crate) async fn count_certificates(&self) -> Result<(), Failure> {
        if self.count_settled(BATCHES_A_RUN).await? == Progress::Unfinished {
            tracing::info!("statistics do not include the latest certificates yet");
        }
        Ok(())
    }

    /// Adds settled transactions to the counts, in at most so many batches.
    async fn count_settled(&self, batches: u16) -> Result<Progress, Failure> {
        let until = self.clock.now() - SETTLED_AFTER;
        let mut after = self.requests.counted_until().await?;
        for _ in 0..batches {
            let issued = self.requests.count_issued(after, until, BATCH).await?;
            if issued.counts.is_empty() {
                // Nothing is written, so that idle servers cost nothing.
                return Ok(Progress::CountedUntil(after));
            }
            match self.requests.add_issued(&issued, after).await? {
                WriteOutcome::Won if issued.until >= until => {
                    return Ok(Progress::CountedUntil(Some(issued.until)));
                }
                WriteOutcome::Won => after = Some(issued.until),
                // Another process has counted them.
                WriteOutcome::Lost => after = self.requests.counted_until().await?,
            }
        }
        Ok(Progress::Unfinished)
    }

    /// Counts a certificate that was issued long after its request, when others of that time are
    /// counted. A failure is logged: the certificate is issued.
    pub(crate) async fn count_late(&self, uuid: TransactionUuid) {
        if let Err(failure) = self.try_count_late(uuid).await {
            let error = ErrorChain(&failure);
            tracing::error!(%error, "could not count a certificate");
        }
    }

    async fn try_count_late(&self, uuid: TransactionUuid) -> Result<(), Failure> {
        let now = self.clock.now();
        let Some(found) = self.store.transaction_record(uuid, now).await? else {
            return Ok(());
        };
        let summary = found.summary;
        let counted_until = self.requests.counted_until().await?;
        let is_late = counted_until.is_some_and(|until| summary.created_at <= until);
        if is_late && summary.status == TransactionStatus::Issued {
            let series = match summary.message_type == MessageType::RenewalReq.digits() {
                true => Series::Renewals,
                false => Series::Enrolments,
            };
            let mut counts = HourlyCounts::default();
            counts.add(now, series, 1);
            self.requests.add_counts(&counts).await?;
        }
        Ok(())
    }
}
