//! ADAPTER: the store, in three DynamoDB tables. The same code talks to AWS and to the embedded engine.
//!
//! | table | key `id` | items |
//! |---|---|---|
//! | profiles | `{kind}/{uuid}` | an object: `version`, `document` (JSON), `dependents` (the objects that need it) |
//! | | `{kind}/name/{name}` | who has a name: `uuid` |
//! | | `auditRecord/{uuid}` | who changed what |
//! | | `crl/{authority}/{generation}` | which CRL is the latest: its number and times, and where its parts are |
//! | | `crl/{set}/{part}` | a part of a CRL |
//! | transactions | `{uuid}`, made of SCEP Profile and transactionID | a transaction, removed after `expiresAt` |
//! | certificates | `{authority}/{serialNumber}` | a certificate |
//!
//! Lists are read from the indexes of `index.rs`; nothing is ever scanned.

mod audit;
mod certificates;
mod crls;
mod envelopes;
mod guards;
mod index;
mod item;
mod objects;
mod page;
mod tables;
mod transaction_list;
mod transactions;

pub use objects::ProfilesTable;
pub use tables::{Tables, check_tables, create_tables};

use aws_sdk_dynamodb::Client;

/// The store.
#[derive(Clone, Debug)]
pub struct DynamoDbStore {
    client: Client,
    tables: Tables,
}

impl DynamoDbStore {
    /// A store in these tables, which exist.
    #[must_use]
    pub const fn new(client: Client, tables: Tables) -> Self {
        Self { client, tables }
    }
}
