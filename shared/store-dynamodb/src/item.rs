//! Items: the names of their attributes, and conversions to and from attribute values.

use std::collections::HashMap;
use std::str::FromStr;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use scep_service::error::StoreError;
use time::OffsetDateTime;
use uuid::Uuid;

pub(crate) type Item = HashMap<String, AttributeValue>;

// Attribute names are the stored format: a changed name makes every existing item unreadable.

// Every table.
pub(crate) const ID: &str = "id";
pub(crate) const UUID: &str = "uuid";

// Profiles: objects, names, audit records.
pub(crate) const ACTION: &str = "action";
pub(crate) const ACTOR: &str = "actor";
pub(crate) const AFTER: &str = "after";
pub(crate) const AT: &str = "at";
pub(crate) const BEFORE: &str = "before";
pub(crate) const DEPENDENTS: &str = "dependents";
pub(crate) const DOCUMENT: &str = "document";
pub(crate) const KIND: &str = "kind";
pub(crate) const NAME: &str = "name";
pub(crate) const OBJECT: &str = "object";
pub(crate) const OBJECT_KIND: &str = "objectKind";
pub(crate) const ORDER: &str = "order";
pub(crate) const VERSION: &str = "version";

// Profiles: CRLs.
pub(crate) const CRL: &str = "crl";
pub(crate) const NEXT_UPDATE: &str = "nextUpdate";
pub(crate) const NUMBER: &str = "number";
pub(crate) const PART_SET: &str = "partSet";
pub(crate) const PARTS: &str = "parts";
pub(crate) const THIS_UPDATE: &str = "thisUpdate";

// Transactions.
pub(crate) const ANNOTATIONS: &str = "annotations";
pub(crate) const CERTIFICATE: &str = "certificate";
pub(crate) const CIPHERTEXT: &str = "ciphertext";
pub(crate) const CERTIFICATE_UUID: &str = "certificateUuid";
pub(crate) const CLAIM: &str = "claim";
pub(crate) const CREATED_AT: &str = "createdAt";
pub(crate) const CSR: &str = "csr";
pub(crate) const GENERATION: &str = "generation";
pub(crate) const EXPIRES_AT: &str = "expiresAt";
pub(crate) const KEY: &str = "key";
pub(crate) const KEY_ALGORITHM: &str = "keyAlgorithm";
pub(crate) const LEASE_UNTIL: &str = "leaseUntil";
pub(crate) const MESSAGE_TYPE: &str = "messageType";
pub(crate) const PENDING_OF: &str = "pendingOf";
pub(crate) const PREDECESSOR: &str = "predecessor";
pub(crate) const REASON: &str = "reason";
pub(crate) const REQUESTER_KEY: &str = "requesterKey";
pub(crate) const SIGNER_CLASS: &str = "signerClass";
pub(crate) const SIGNER_KEY: &str = "signerKey";
pub(crate) const STATE: &str = "state";
pub(crate) const SUBJECT_KEY: &str = "subjectKey";
pub(crate) const SUCCESSORS: &str = "successors";
pub(crate) const TO_BE_SIGNED: &str = "toBeSigned";
pub(crate) const TRANSACTION: &str = "transaction";
pub(crate) const TRANSACTION_ID: &str = "transactionId";

// Certificates.
pub(crate) const AUTHORITY: &str = "authority";
pub(crate) const COMMON_NAME: &str = "commonName";
pub(crate) const ISSUED_AT: &str = "issuedAt";
pub(crate) const KEY_SHA256: &str = "keySha256";
pub(crate) const LIST: &str = "list";
pub(crate) const NOT_AFTER: &str = "notAfter";
pub(crate) const NOT_BEFORE: &str = "notBefore";
pub(crate) const RA_PROFILE: &str = "raProfile";
pub(crate) const REVOCATION_REASON: &str = "revocationReason";
pub(crate) const REVOKED_AT: &str = "revokedAt";
pub(crate) const REVOKED_OF: &str = "revokedOf";
pub(crate) const SCEP_PROFILE: &str = "scepProfile";
pub(crate) const SEARCH_KEY: &str = "searchKey";
pub(crate) const SERIAL_NUMBER: &str = "serialNumber";
pub(crate) const SUBJECT: &str = "subject";

/// A stored item lacks an attribute, or the attribute has an unexpected type.
#[derive(Debug, thiserror::Error)]
#[error("attribute {0} is missing or unreadable")]
struct Attribute(&'static str);

/// Wraps the error of a failed request.
pub(crate) fn unavailable<E>(operation: &'static str) -> impl Fn(E) -> StoreError
where
    E: std::error::Error + Send + Sync + 'static,
{
    move |source| StoreError::Unavailable {
        operation,
        source: Box::new(source),
    }
}

/// Wraps the error of an item that cannot be parsed.
pub(crate) fn corrupt<E>(what: &'static str) -> impl Fn(E) -> StoreError
where
    E: std::error::Error + Send + Sync + 'static,
{
    move |source| StoreError::Corrupt {
        what,
        source: Box::new(source),
    }
}

pub(crate) fn to_text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn to_octets(value: &[u8]) -> AttributeValue {
    AttributeValue::B(Blob::new(value))
}

pub(crate) fn to_number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// Milliseconds since 1970; smaller fractions are dropped.
pub(crate) fn to_millis(at: OffsetDateTime) -> AttributeValue {
    AttributeValue::N((at.unix_timestamp_nanos() / NANOSECONDS_A_MILLISECOND).to_string())
}

/// Seconds since 1970, the unit of DynamoDB's time to live. Rounded up, so that an item never
/// expires before `at`.
pub(crate) fn to_seconds(at: OffsetDateTime) -> AttributeValue {
    AttributeValue::N(at.unix_timestamp().saturating_add(1).to_string())
}

const NANOSECONDS_A_MILLISECOND: i128 = 1_000_000;

/// Reads the attributes of one item; `what` names the item in errors.
pub(crate) struct Reader<'a> {
    pub(crate) what: &'static str,
    pub(crate) item: &'a Item,
}

impl Reader<'_> {
    pub(crate) fn text(&self, name: &'static str) -> Result<&str, StoreError> {
        self.read(name, |value| value.as_s().ok().map(String::as_str))
    }

    /// Reads text; `None` if the attribute is missing.
    pub(crate) fn optional_text(&self, name: &'static str) -> Result<Option<String>, StoreError> {
        if !self.item.contains_key(name) {
            return Ok(None);
        }
        self.text(name).map(|text| Some(text.to_owned()))
    }

    pub(crate) fn octets(&self, name: &'static str) -> Result<&[u8], StoreError> {
        self.read(name, |value| value.as_b().ok().map(Blob::as_ref))
    }

    pub(crate) fn uuid(&self, name: &'static str) -> Result<Uuid, StoreError> {
        self.read(name, |value| value.as_s().ok()?.parse().ok())
    }

    /// Reads a UUID; `None` if the attribute is missing.
    pub(crate) fn optional_uuid(&self, name: &'static str) -> Result<Option<Uuid>, StoreError> {
        if !self.item.contains_key(name) {
            return Ok(None);
        }
        self.uuid(name).map(Some)
    }

    pub(crate) fn number<T: FromStr>(&self, name: &'static str) -> Result<T, StoreError> {
        self.read(name, |value| value.as_n().ok()?.parse().ok())
    }

    pub(crate) fn milliseconds(&self, name: &'static str) -> Result<OffsetDateTime, StoreError> {
        self.read(name, |value| {
            let milliseconds: i128 = value.as_n().ok()?.parse().ok()?;
            let nanoseconds = milliseconds.checked_mul(NANOSECONDS_A_MILLISECOND)?;
            OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).ok()
        })
    }

    pub(crate) fn read<'a, T>(
        &'a self,
        name: &'static str,
        read: impl FnOnce(&'a AttributeValue) -> Option<T>,
    ) -> Result<T, StoreError> {
        self.item
            .get(name)
            .and_then(read)
            .ok_or_else(|| corrupt(self.what)(Attribute(name)))
    }
}
