//! ADAPTER: the store, in three DynamoDB tables. The same code talks to AWS and to the embedded engine.
//!
//! | table | key `id` | items |
//! |---|---|---|
//! | profiles | `{kind}/{uuid}` | an object: `version`, `document` (JSON) |
//! | | `{kind}/name/{name}` | who has a name: `uuid` |
//! | transactions | `{scepProfile}/{SHA-256 of transactionID}` | a transaction, removed after `expiresAt` |
//! | certificates | `{authority}/{serialNumber}` | a certificate |

mod item;
mod profiles;
mod tables;
mod transactions;

pub use tables::{Tables, create_tables};

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
