//! The contracts of the ports of the store, run over the adapter that `super::adapters` provides.

use scep_service::inventory::{AuditFilter, PageRequest};
use scep_service::ports::Store;
use uuid::Uuid;

use super::adapters;
use super::adapters::Adapter;

pub(crate) mod alternative_names;
mod challenges;
mod decisions;
mod envelopes;
mod inventory;
mod lockouts;
mod notices;
mod objects;
mod requests;
mod store;

/// The number of audit records, of this object or of all.
async fn count_records(store: &Adapter, object: Option<Uuid>) -> usize {
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
