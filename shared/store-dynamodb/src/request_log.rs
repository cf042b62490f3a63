//! The port to refused requests, the list of all requests, and their counts.

use scep_protocol::refusal_record::RefusalRecord;
use scep_service::error::StoreError;
use scep_service::inventory::{Page, PageRequest};
use scep_service::ports::{RequestLog, WriteOutcome};
use scep_service::request_list::{ListedRequest, RequestFilter};
use scep_service::statistics::{HourlyCounts, IssuedCounts};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::DynamoDbStore;
use crate::expression::Condition;
use crate::item::ID;
use crate::refusal_item::refusal_item;
use crate::write::Write;

#[async_trait::async_trait]
impl RequestLog for DynamoDbStore {
    async fn put_refusal(&self, record: &RefusalRecord) -> Result<WriteOutcome, StoreError> {
        let write = Write::put(&self.tables.transactions, refusal_item(record)?)
            .on_condition(Condition::Missing(ID))
            .with_random_mark();
        self.write_one("recording a refused request", write)
            .await
            .map(WriteOutcome::from)
    }

    async fn requests(
        &self,
        filter: &RequestFilter,
        page: &PageRequest,
        now: OffsetDateTime,
    ) -> Result<Page<ListedRequest>, StoreError> {
        self.read_request_page(filter, page, now).await
    }

    async fn request(
        &self,
        uuid: Uuid,
        now: OffsetDateTime,
    ) -> Result<Option<ListedRequest>, StoreError> {
        self.read_request(uuid, now).await
    }

    async fn add_counts(&self, counts: &HourlyCounts) -> Result<(), StoreError> {
        self.increase_counts(counts).await
    }

    async fn counts(
        &self,
        from: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<HourlyCounts, StoreError> {
        self.read_counts(from, until).await
    }

    async fn count_issued(
        &self,
        after: Option<OffsetDateTime>,
        until: OffsetDateTime,
        most: u16,
    ) -> Result<IssuedCounts, StoreError> {
        self.count_issued_transactions(after, until, most).await
    }

    async fn counted_until(&self) -> Result<Option<OffsetDateTime>, StoreError> {
        self.read_counted_until().await
    }

    async fn add_issued(
        &self,
        issued: &IssuedCounts,
        after: Option<OffsetDateTime>,
    ) -> Result<WriteOutcome, StoreError> {
        self.add_issued_counts(issued, after).await
    }
}
