//! The secondary indexes: what each list is read from.

use crate::item::{
    AUTHORITY, CERTIFICATE_UUID, COMMON_NAME, CREATED_AT, EXPIRES_AT, ISSUED_AT, KEY_SHA256, KIND,
    LIST, MESSAGE_TYPE, NOT_AFTER, NOT_BEFORE, OBJECT, ORDER, PENDING_OF, PREDECESSOR, RA_PROFILE,
    REVOCATION_REASON, REVOKED_AT, REVOKED_OF, SCEP_PROFILE, SEARCH_KEY, SERIAL_NUMBER, STATE,
    SUBJECT, TRANSACTION_ID, UUID,
};

/// A global secondary index. Its hash key is text.
#[derive(Debug)]
pub(crate) struct Index {
    pub(crate) name: &'static str,
    pub(crate) hash: &'static str,
    pub(crate) range: Option<Range>,
    pub(crate) projection: Projected,
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

/// What an index holds beside its keys.
#[derive(Debug)]
pub(crate) enum Projected {
    All,
    Nothing,
    Attributes(&'static [&'static str]),
}

/// Objects of a kind by name; audit records by time.
pub(crate) const BY_KIND: Index = Index {
    name: "byKind",
    hash: KIND,
    range: text(ORDER),
    projection: Projected::All,
};

/// Audit records of an object by time.
pub(crate) const BY_OBJECT: Index = Index {
    name: "byObject",
    hash: OBJECT,
    range: text(ORDER),
    projection: Projected::All,
};

/// Transactions of a SCEP Profile that wait for an administrator, by the end of that. No other has its hash key.
pub(crate) const BY_PENDING: Index = Index {
    name: "byPending",
    hash: PENDING_OF,
    range: number(EXPIRES_AT),
    projection: Projected::Nothing,
};

/// Transactions of a state by time.
pub(crate) const BY_STATE: Index = Index {
    name: "byState",
    hash: STATE,
    range: number(CREATED_AT),
    projection: Projected::Attributes(&[
        TRANSACTION_ID,
        SCEP_PROFILE,
        RA_PROFILE,
        MESSAGE_TYPE,
        SUBJECT,
        CERTIFICATE_UUID,
        EXPIRES_AT,
    ]),
};

/// All certificates by their end.
pub(crate) const BY_EXPIRY: Index = certificates("byExpiry", LIST, number(NOT_AFTER));

/// All certificates by CN.
pub(crate) const BY_COMMON_NAME: Index = certificates("byCommonName", LIST, text(SEARCH_KEY));

/// Certificates of an RA Profile by their end.
pub(crate) const BY_RA_PROFILE: Index = certificates("byRaProfile", RA_PROFILE, number(NOT_AFTER));

/// Certificates of a SCEP Profile by their end.
pub(crate) const BY_SCEP_PROFILE: Index =
    certificates("byScepProfile", SCEP_PROFILE, number(NOT_AFTER));

/// Certificates of a key by their end.
pub(crate) const BY_KEY: Index = certificates("byKey", KEY_SHA256, number(NOT_AFTER));

/// Certificates that renewed one, by their end.
pub(crate) const BY_PREDECESSOR: Index =
    certificates("byPredecessor", PREDECESSOR, number(NOT_AFTER));

/// Revoked certificates of a generation of an authority by their end. No other certificate has its hash key.
pub(crate) const BY_REVOCATION: Index = Index {
    name: "byRevocation",
    hash: REVOKED_OF,
    range: number(NOT_AFTER),
    projection: Projected::Attributes(&[UUID, REVOKED_AT, REVOCATION_REASON]),
};

/// A certificate by its identity.
pub(crate) const BY_UUID: Index = Index {
    name: "byUuid",
    hash: UUID,
    range: None,
    projection: Projected::Nothing,
};

/// Indexes of the profiles table.
pub(crate) const OF_PROFILES: &[Index] = &[BY_KIND, BY_OBJECT];

/// Indexes of the transactions table.
pub(crate) const OF_TRANSACTIONS: &[Index] = &[BY_STATE, BY_PENDING];

/// Indexes of the certificates table.
pub(crate) const OF_CERTIFICATES: &[Index] = &[
    BY_EXPIRY,
    BY_COMMON_NAME,
    BY_RA_PROFILE,
    BY_SCEP_PROFILE,
    BY_KEY,
    BY_PREDECESSOR,
    BY_REVOCATION,
    BY_UUID,
];

const fn text(name: &'static str) -> Option<Range> {
    let kind = RangeKind::Text;
    Some(Range { name, kind })
}

const fn number(name: &'static str) -> Option<Range> {
    let kind = RangeKind::Number;
    Some(Range { name, kind })
}

/// An index that holds what a list shows of a certificate; attributes that are keys of it anyway are passed over when it is made.
const fn certificates(name: &'static str, hash: &'static str, range: Option<Range>) -> Index {
    Index {
        name,
        hash,
        range,
        projection: Projected::Attributes(&[
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
    /// The attributes to project, without its own keys.
    pub(crate) fn projected(&self) -> Vec<String> {
        let is_key =
            |name: &str| name == self.hash || self.range.as_ref().is_some_and(|r| r.name == name);
        match self.projection {
            Projected::All | Projected::Nothing => Vec::new(),
            Projected::Attributes(names) => {
                let names = names.iter().filter(|name| !is_key(name));
                names.map(|name| (*name).to_owned()).collect()
            }
        }
    }
}
