//! The port to what is kept of requests beside their transactions: records of those that were
//! refused, and counts for statistics.

use async_trait::async_trait;
use scep_protocol::refusal_record::RefusalRecord;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::StoreError;
use crate::inventory::{Page, PageRequest};
use crate::ports::transactions::WriteOutcome;
use crate::request_list::{ListedRequest, RequestFilter};
use crate::statistics::{HourlyCounts, IssuedCounts};

/// Records of refused requests, the list of all requests, and their counts.
///
/// # Errors
/// Each operation fails with [`StoreError::Unavailable`] when the store does not answer, and with
/// [`StoreError::Corrupt`] when a record cannot be read.
#[async_trait]
pub trait RequestLog: Send + Sync {
    /// Writes the record of a refused request, unless there is one with its identity.
    async fn put_refusal(&self, record: &RefusalRecord) -> Result<WriteOutcome, StoreError>;

    /// Lists refused requests and transactions, newest first. Requests of the same millisecond are
    /// in any order. Those that have expired are left out. Fails with [`StoreError::Cursor`] for a
    /// cursor that does not come from a page of such a list.
    async fn requests(
        &self,
        filter: &RequestFilter,
        page: &PageRequest,
        now: OffsetDateTime,
    ) -> Result<Page<ListedRequest>, StoreError>;

    /// Reads a refused request or a transaction by its identity.
    async fn request(
        &self,
        uuid: Uuid,
        now: OffsetDateTime,
    ) -> Result<Option<ListedRequest>, StoreError>;

    /// Adds these counts to those of their hours.
    async fn add_counts(&self, counts: &HourlyCounts) -> Result<(), StoreError>;

    /// Reads the counts of the days from the one of `from` up to that of `until`, both included.
    async fn counts(
        &self,
        from: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<HourlyCounts, StoreError>;

    /// Counts the transactions that led to a certificate and were created after the first time, and
    /// not after the second, oldest first. It stops early after about `most` of them, and says up
    /// to which time it has counted.
    async fn count_issued(
        &self,
        after: Option<OffsetDateTime>,
        until: OffsetDateTime,
        most: u16,
    ) -> Result<IssuedCounts, StoreError>;

    /// Reads the time up to which issued transactions are in [`Self::counts`].
    async fn counted_until(&self) -> Result<Option<OffsetDateTime>, StoreError>;

    /// Adds issued transactions to the counts, atomically, if [`Self::counted_until`] is still
    /// `after`; then it is [`IssuedCounts::until`].
    async fn add_issued(
        &self,
        issued: &IssuedCounts,
        after: Option<OffsetDateTime>,
    ) -> Result<WriteOutcome, StoreError>;
}
