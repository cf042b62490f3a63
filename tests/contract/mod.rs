//! The contracts of the ports, run over every adapter that `crate::adapters` provides.

use std::sync::Arc;

use scep_service::inventory::{AuditFilter, PageRequest};
use scep_service::ports::{CaKeys, RaKeys, Secrets, Store};
use store_dynamodb::DynamoDbStore;
use uuid::Uuid;

mod alternative_names;
mod challenges;
mod decisions;
mod envelopes;
mod inventory;
mod keys;
mod lockouts;
mod notices;
mod objects;
mod requests;
mod store;

/// The ports of keys over one set of adapters.
pub(crate) struct KeyPorts {
    pub(crate) ca_keys: Arc<dyn CaKeys>,
    pub(crate) ra_keys: Arc<dyn RaKeys>,
    pub(crate) secrets: Arc<dyn Secrets>,
}

/// The number of audit records, of this object or of all.
async fn count_records(store: &DynamoDbStore, object: Option<Uuid>) -> usize {
    let filter = AuditFilter {
        object,
        ..AuditFilter::default()
    };
    let page = PageRequest {
        limit: 500,
        cursor: None,
    };
    let records = store.audit_records(&filter, &page).await.unwrap();
    records.items.len()
}
