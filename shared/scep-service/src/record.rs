//! Everything that a store holds, record by record, to be copied into a store of another kind.

use ca::generation::Generation;
use ca::id::{AuthorityUuid, CertificateUuid};
use scep_protocol::id::{ClaimUuid, TransactionUuid};
use scep_protocol::lockout::Lockout;
use scep_protocol::notice::Notice;
use scep_protocol::one_time_challenge::OneTimeChallenge;
use scep_protocol::refusal_record::RefusalRecord;
use scep_protocol::transaction::Fingerprint;
use time::OffsetDateTime;

use crate::audit::AuditRecord;
use crate::inventory::{CertificateRecord, TransactionRecord};
use crate::object::StoredObject;
use crate::ports::StoredCrl;
use crate::statistics::HourlyCounts;

/// A record of a store.
#[derive(Clone)]
pub enum Record {
    /// An audit record.
    Audit(AuditRecord),
    /// A certificate.
    Certificate(Box<CertificateRecord>),
    /// A one-time challenge.
    Challenge(Box<OneTimeChallenge>),
    /// Up to when issued transactions are in the counts.
    CountedUntil(OffsetDateTime),
    /// Counts of requests.
    Counts(HourlyCounts),
    /// The latest CRL of a generation.
    Crl(AuthorityUuid, Generation, StoredCrl),
    /// An encrypted content key that was seen.
    Envelope(EnvelopeRecord),
    /// A count of wrong challenges.
    Lockout(Lockout),
    /// A notice that is not delivered yet.
    Notice(Box<Notice>),
    /// An authority, an RA certificate or a profile, with its dependents.
    Object(StoredObject),
    /// A refused request.
    Refusal(Box<RefusalRecord>),
    /// A request, which leads to its transaction.
    Request(RequestRecord),
    /// A key that has a revoked certificate, and since when.
    RevokedKey(Fingerprint, OffsetDateTime),
    /// The successors of a certificate.
    Successors(SuccessorsRecord),
    /// A transaction.
    Transaction(Box<TransactionRecord>),
}

/// An encrypted content key, with the ciphertext that it was received with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnvelopeRecord {
    /// The hash of the encrypted key.
    pub encrypted_key: Fingerprint,
    /// The hash of the ciphertext.
    pub ciphertext: Fingerprint,
    /// The time until which it is remembered.
    pub until: OffsetDateTime,
}

/// A request and the claim that took it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestRecord {
    /// The identity, which `RequestFingerprint::identify` computes.
    pub id: Fingerprint,
    /// The transaction that claimed the request.
    pub transaction: TransactionUuid,
    /// The claim.
    pub claim: ClaimUuid,
    /// The certificate that the claim leads to, and its authority. Records of earlier versions lack
    /// both.
    pub certificate: Option<(AuthorityUuid, CertificateUuid)>,
    /// The time until which the request is recognised.
    pub until: OffsetDateTime,
}

/// The certificates, claimed or recorded, that renew a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuccessorsRecord {
    /// The authority of all of them.
    pub authority: AuthorityUuid,
    /// The certificate that they renew.
    pub predecessor: CertificateUuid,
    /// The successors, the oldest first.
    pub successors: Vec<CertificateUuid>,
    /// The expiry of the predecessor.
    pub until: OffsetDateTime,
}
