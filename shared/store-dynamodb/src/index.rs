//! The secondary indexes from which lists are read.

use crate::item::{
    AUTHORITY, CERTIFICATE_UUID, COMMON_NAME, CREATED_AT, EXPIRES_AT, ISSUED_AT, KEY_SHA256, KIND,
    LIST, MESSAGE_TYPE, NOT_AFTER, NOT_BEFORE, OBJECT, ORDER, PENDING_OF, PREDECESSOR, RA_PROFILE,
    REVOCATION_REASON, REVOKED_AT, REVOKED_OF, SCEP_PROFILE, SEARCH_KEY, SERIAL_NUMBER, STATE,
    SUBJECT, TRANSACTION_ID, UUID,
};

/// A global secondary index whose hash key is text.
#[derive(Debug)]
pub(crate) struct Index {
    pub(crate) name: &'static str,
    pub(crate) hash: &'static str,
    pub(crate) range: Option<Range>,
    pub(crate) projection: IndexProjection,
}

/// The sort key of an index.
#[derive(Debug)]
pub(crate) struct Range {
    pub(crate) name: &'static str,
    pub(crate) kind: RangeKind,
}

/// The type of a sort key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RangeKind {
    Number,
    Text,
}

/// The attributes that an index holds in addition to its keys.
#[derive(Debug)]
pub(crate) enum IndexProjection {
    All,
    KeysOnly,
    Attributes(&'static [&'static str]),
}

/// The objects of one kind by name, and the audit records by time.
pub(crate) const BY_KIND: Index = Index {
    name: "byKind",
    hash: KIND,
    range: text_range(ORDER),
    projection: IndexProjection::All,
};

/// The audit records of one object by time.
pub(crate) const BY_OBJECT: Index = Index {
    name: "byObject",
    hash: OBJECT,
    range: text_range(ORDER),
    projection: IndexProjection::All,
};

/// The transactions of one SCEP Profile that wait for an administrator, by expiry.
// Only pending transactions have the hash key. They are counted before each enrolment that needs
// approval, so this index holds nothing else.
pub(crate) const BY_PENDING: Index = Index {
    name: "byPending",
    hash: PENDING_OF,
    range: number_range(EXPIRES_AT),
    projection: IndexProjection::KeysOnly,
};

/// The transactions of one state by creation time.
pub(crate) const BY_STATE: Index = Index {
    name: "byState",
    hash: STATE,
    range: number_range(CREATED_AT),
    projection: IndexProjection::Attributes(&[
        TRANSACTION_ID,
        SCEP_PROFILE,
        RA_PROFILE,
        MESSAGE_TYPE,
        SUBJECT,
        CERTIFICATE_UUID,
        EXPIRES_AT,
    ]),
};

/// All certificates by notAfter.
pub(crate) const BY_EXPIRY: Index = certificate_index("byExpiry", LIST, number_range(NOT_AFTER));

/// All certificates by search key: the CN, or the subject of a certificate without a CN. Under
/// another hash key, the alternative names of certificates.
pub(crate) const BY_COMMON_NAME: Index =
    certificate_index("byCommonName", LIST, text_range(SEARCH_KEY));

/// The certificates of one RA Profile by notAfter.
pub(crate) const BY_RA_PROFILE: Index =
    certificate_index("byRaProfile", RA_PROFILE, number_range(NOT_AFTER));

/// The certificates of one public key by notAfter.
pub(crate) const BY_KEY: Index = certificate_index("byKey", KEY_SHA256, number_range(NOT_AFTER));

/// The certificates that renewed one certificate, by notAfter.
pub(crate) const BY_PREDECESSOR: Index =
    certificate_index("byPredecessor", PREDECESSOR, number_range(NOT_AFTER));

/// The revoked certificates of one generation of an authority, by notAfter.
// A CRL is built from this index, so it holds what an entry needs. Only revoked certificates have
// the hash key.
pub(crate) const BY_REVOCATION: Index = Index {
    name: "byRevocation",
    hash: REVOKED_OF,
    range: number_range(NOT_AFTER),
    projection: IndexProjection::Attributes(&[UUID, REVOKED_AT, REVOCATION_REASON]),
};

/// The keys of a certificate by its UUID, if an earlier version issued it. Others have the UUID in
/// the key of the table, and no attribute for this index.
pub(crate) const BY_UUID: Index = Index {
    name: "byUuid",
    hash: UUID,
    range: None,
    projection: IndexProjection::KeysOnly,
};

/// The indexes of the profiles table.
pub(crate) const PROFILE_INDEXES: &[Index] = &[BY_KIND, BY_OBJECT];

/// The indexes of the transactions table.
pub(crate) const TRANSACTION_INDEXES: &[Index] = &[BY_STATE, BY_PENDING];

/// The indexes of the certificates table.
pub(crate) const CERTIFICATE_INDEXES: &[Index] = &[
    BY_EXPIRY,
    BY_COMMON_NAME,
    BY_RA_PROFILE,
    BY_KEY,
    BY_PREDECESSOR,
    BY_REVOCATION,
    BY_UUID,
];

const fn text_range(name: &'static str) -> Option<Range> {
    let kind = RangeKind::Text;
    Some(Range { name, kind })
}

const fn number_range(name: &'static str) -> Option<Range> {
    let kind = RangeKind::Number;
    Some(Range { name, kind })
}

/// Describes an index that holds the attributes of a certificate's summary.
const fn certificate_index(name: &'static str, hash: &'static str, range: Option<Range>) -> Index {
    Index {
        name,
        hash,
        range,
        projection: IndexProjection::Attributes(&[
            // The certificate and its annotations are left out: a list does not show them, and
            // every index would store them once more.
            UUID,
            AUTHORITY,
            RA_PROFILE,
            SCEP_PROFILE,
            SERIAL_NUMBER,
            SUBJECT,
            COMMON_NAME,
            KEY_SHA256,
            PREDECESSOR,
            NOT_BEFORE,
            NOT_AFTER,
            ISSUED_AT,
            REVOKED_AT,
            REVOCATION_REASON,
        ]),
    }
}

impl Index {
    /// The attributes to project, without the keys of the index.
    pub(crate) fn projected_attributes(&self) -> Vec<String> {
        // DynamoDB projects keys by itself and expects only other attributes here.
        let is_key =
            |name: &str| name == self.hash || self.range.as_ref().is_some_and(|r| r.name == name);
        match self.projection {
            IndexProjection::All | IndexProjection::KeysOnly => Vec::new(),
            IndexProjection::Attributes(names) => names
                .iter()
                .filter(|name| !is_key(name))
                .map(|name| (*name).to_owned())
                .collect(),
        }
    }
}
