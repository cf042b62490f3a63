//! Adapter: the store, in three DynamoDB tables. The same code talks to AWS and to the embedded
//! engine.
//!
//! | table | key `id` | item |
//! |---|---|---|
//! | profiles | `{kind}/{uuid}` | an object: `version`, `document` (JSON), `dependents` |
//! | | `{kind}/name/{name}` | the `uuid` of the object with this name |
//! | | `auditRecord/{uuid}` | an audit record |
//! | | `crl/{authority}/{generation}` | the head of the latest CRL: number, times, parts |
//! | | `crl/{set}/{part}` | a part of a CRL |
//! | transactions | `{uuid}` (SCEP Profile and transactionID, hashed) | a transaction |
//! | | `request/{fingerprint}` | a PKCS #10 request: its transaction, claim, bytes to be signed |
//! | | `envelope/{fingerprint}` | the ciphertext first seen with an encrypted content key |
//! | | `challenge/{uuid}` | a one-time challenge, with the uses that are taken |
//! | | `challengeOf/{transaction}` | the challenge that is bound to a transactionID |
//! | | `lockout/{uuid}` | the count of one address's or key's wrong challenges |
//! | | `refusal/{uuid}` | a refused request |
//! | | `counts/{day}` | the counts of requests in each hour of a day |
//! | | `countedUntil` | the time up to which certificates are in the counts |
//! | | `successors/{authority}/{uuid}` | the certificates that renew a certificate |
//! | certificates | `certificate/{uuid}` | a certificate |
//! | | `{authority}/{serialNumber}` | a certificate that an earlier version issued |
//! | | `certificate/{uuid}/{n}` | an alternative name of a certificate |
//! | | `key/{fingerprint}` | a key that has a revoked certificate |
//!
//! `dependents` lists the objects that reference this one; `format` is the version of the item's
//! format, if that is not the first. Items of the transactions table expire at `expiresAt`. Lists
//! are read from the indexes in `index.rs`; no table is ever scanned.

mod alternative_names;
mod attribute;
mod audit;
mod batch;
mod certificate_item;
mod certificates;
mod challenge_item;
mod challenges;
mod completion;
mod counts;
mod crls;
mod envelopes;
mod export;
mod expression;
mod first_claim;
mod index;
mod item;
mod lockouts;
mod notice_item;
mod notices;
mod objects;
mod page;
mod profiles_table;
mod refusal_item;
mod request_list;
mod request_log;
mod requests;
mod retry;
mod revoked_keys;
mod store;
mod successors;
mod tables;
mod transaction_item;
mod transaction_list;
mod transaction_parts;
mod transactions;
mod write;
mod written;

#[cfg(test)]
mod samples;

pub use export::{ExportPage, ExportPosition};
pub use item::FORMAT_VERSION;
pub use profiles_table::ProfilesTable;
pub use tables::{Tables, check_tables, create_tables};

use aws_sdk_dynamodb::Client;

/// A store that keeps everything in DynamoDB. Clones share the client and its connections.
#[derive(Clone, Debug)]
pub struct DynamoDbStore {
    client: Client,
    tables: Tables,
}

impl DynamoDbStore {
    /// Creates a store on tables that already exist.
    #[must_use]
    pub const fn new(client: Client, tables: Tables) -> Self {
        Self { client, tables }
    }
}
