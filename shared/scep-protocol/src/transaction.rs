//! A transaction: one enrolment, known by (SCEP Profile, transactionID), RFC 8894 §3.2.1.1.

use std::fmt;

use ca::generation::Generation;
use ca::id::{AuthorityUuid, CertificateUuid};
use ca::key_algorithm::KeyAlgorithm;
use ca::key_location::KeyLocation;
use newtype_uuid::{GenericUuid, TypedUuid, TypedUuidKind};
use scep_cms::certificate::Certificate;
use scep_cms::public_key::PublicKey;
use scep_cms::transaction_id::TransactionId;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::annotations::Annotations;
use crate::id::{ClaimUuid, RaProfileUuid, ScepProfileUuid, TransactionUuid};
use crate::reported_csr::ReportedCsr;
use crate::vouching::Vouching;

/// The key of a transaction. The same transactionID under another SCEP Profile is another
/// transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionKey {
    /// The SCEP Profile that received the request.
    pub scep_profile: ScepProfileUuid,
    /// The client's transactionID.
    pub transaction_id: TransactionId,
}

impl TransactionKey {
    /// The transaction's identity in the API and in storage: 122 bits of SHA-256 over the SCEP
    /// Profile and the transactionID. The transactionID is attacker-controlled, so it is hashed
    /// rather than used as a key.
    #[must_use]
    pub fn uuid(&self) -> TransactionUuid {
        let digest = Sha256::new_with_prefix(self.scep_profile)
            .chain_update(self.transaction_id.as_str())
            .finalize();
        Fingerprint(digest.into()).typed_uuid()
    }
}

/// SHA-256 of a request or key. Comparing fingerprints avoids storing the originals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// The fingerprint of these octets.
    #[must_use]
    pub fn of(octets: &[u8]) -> Self {
        Self(Sha256::digest(octets).into())
    }

    /// Parses 64 hexadecimal digits; `None` for any other text.
    #[must_use]
    pub fn from_hexadecimal(digits: &str) -> Option<Self> {
        let (pairs, []) = digits.as_bytes().as_chunks::<2>() else {
            return None;
        };
        pairs
            .iter()
            .map(|pair| {
                // `from_str_radix` would also accept a sign.
                let is_hexadecimal = pair.iter().all(u8::is_ascii_hexdigit);
                let pair = std::str::from_utf8(pair).ok().filter(|_| is_hexadecimal)?;
                u8::from_str_radix(pair, 16).ok()
            })
            .collect::<Option<Vec<u8>>>()?
            .try_into()
            .ok()
            .map(Self)
    }

    /// The first 122 bits as the identity of something that is found by them.
    #[must_use]
    pub(crate) fn typed_uuid<K: TypedUuidKind>(self) -> TypedUuid<K> {
        // RFC 9562 §5.8: version 8 is for values computed by an application's own method.
        let mut octets = [0; 16];
        for (octet, digest) in octets.iter_mut().zip(self.0) {
            *octet = digest;
        }
        TypedUuid::from_untyped_uuid(Uuid::new_v8(octets))
    }

    /// The first 64 bits as a big-endian number.
    #[must_use]
    pub const fn number(self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }

    /// The fingerprint of a key, over its canonical SubjectPublicKeyInfo.
    #[must_use]
    pub fn of_key(key: &PublicKey) -> Self {
        Self::of(key.canonical_spki())
    }
}

/// Formats as lower-case hexadecimal.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// What authorised a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignerClass {
    /// The signer's valid certificate of this authority: the request is a renewal.
    Certificate,
    /// A challenge source: the request is an enrolment.
    Challenge,
    /// Nothing yet: the request is an enrolment that an administrator has to approve.
    Nobody,
}

/// The identity of a request. Two requests with equal fingerprints are the same request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestFingerprint {
    /// The RA Profile that received the request.
    pub ra_profile: RaProfileUuid,
    /// The fingerprint of the whole PKCS #10 request.
    pub csr: Fingerprint,
    /// What authorised the request.
    pub signer_class: SignerClass,
}

impl RequestFingerprint {
    /// Computes the identity of a request under a SCEP Profile, by this requester: a hash of
    /// everything that makes two requests the same.
    #[must_use]
    pub fn identify(
        &self,
        scep_profile: ScepProfileUuid,
        requester_key: Fingerprint,
    ) -> Fingerprint {
        // The numbers are part of stored identities and must not change.
        let class = match self.signer_class {
            SignerClass::Certificate => 1,
            SignerClass::Challenge => 2,
            SignerClass::Nobody => 3,
        };
        // Each part has a fixed length, so different parts never concatenate to the same bytes.
        let parts = [
            &scep_profile.into_bytes()[..],
            &self.ra_profile.into_bytes(),
            &self.csr.0,
            &[class],
            &requester_key.0,
        ];
        Fingerprint::of(&parts.concat())
    }
}

/// A transaction as the store records it.
#[derive(Clone, Debug)]
pub struct Transaction {
    /// The transaction's key.
    pub key: TransactionKey,
    /// An id that changes with every claim. A write quotes the claim that it was based on.
    pub claim: ClaimUuid,
    /// The request that the transaction is for.
    pub request: RequestFingerprint,
    /// The fingerprint of the key that signed the message.
    pub signer_key: Fingerprint,
    /// The fingerprint of the requester's key, which `AuthorisedRequest::requester_key` defines.
    pub requester_key: Fingerprint,
    /// The current state.
    pub state: TransactionState,
}

/// A certificate that is about to be signed. Stored whole, because the profiles may name another
/// authority by the time that an interrupted issuance is finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuance {
    /// The TBSCertificate, DER.
    pub to_be_signed: Vec<u8>,
    /// The authority that issues the certificate.
    pub authority: AuthorityUuid,
    /// The generation of that authority that issues the certificate.
    pub generation: Generation,
    /// The location of the generation's private key.
    pub key: KeyLocation,
    /// The algorithm of the generation's key.
    pub key_algorithm: KeyAlgorithm,
    /// The RA Profile whose template the certificate follows.
    pub ra_profile: RaProfileUuid,
    /// The fingerprint of the key to be certified.
    pub subject_key: Fingerprint,
    /// The certificate that this one renews.
    pub predecessor: Option<CertificateUuid>,
    /// The annotations to write to the certificate's record.
    pub annotations: Annotations,
    /// What vouched for the certificate; `None` without a challenge source.
    pub vouching: Option<Vouching>,
}

impl Issuance {
    /// The PKCS #10 request, if the source that vouched wants to hear what became of it.
    #[must_use]
    pub fn reported_csr(&self) -> Option<ReportedCsr> {
        self.vouching.as_ref()?.csr.clone()
    }
}

/// What the store knows when a request arrives.
#[derive(Clone, Debug, Default)]
pub struct KnownTransactions {
    /// The transaction of the request's transactionID.
    pub own: Option<Transaction>,
    /// An earlier occurrence of the same request, under any transactionID of the profile.
    pub same: Option<SameRequest>,
}

/// An earlier occurrence of a request.
#[derive(Clone, Debug)]
pub struct SameRequest {
    /// The claim that the earlier occurrence made.
    pub claim: ClaimUuid,
    /// The outcome of that claim.
    pub outcome: RequestOutcome,
}

/// The outcome of an earlier request.
#[derive(Clone, Debug)]
pub enum RequestOutcome {
    /// The transaction still belongs to the request.
    Transaction(Box<Transaction>),
    /// The transaction has moved on to another request. This certificate was issued before that and
    /// is not revoked.
    Certificate(PastCertificate),
    /// The transaction has moved on to another request, and there is no certificate.
    Nothing,
}

/// The certificate of a request whose transaction has moved on to another request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastCertificate {
    /// The certificate.
    pub certificate: Certificate,
    /// The authority that issued it.
    pub authority: AuthorityUuid,
    /// The generation of that authority that issued it.
    pub generation: Generation,
    /// The time at which it was recorded.
    pub issued_at: OffsetDateTime,
}

/// The state of a transaction.
#[derive(Clone, Debug)]
pub enum TransactionState {
    /// The transaction is claimed, and its certificate may be signed already. No other bytes may
    /// become its certificate.
    Issuing {
        /// The certificate that is being signed, and the key that signs it.
        issuance: Issuance,
        /// The time until which the claimant is assumed to be working.
        lease_until: OffsetDateTime,
    },
    /// The request is waiting for an administrator.
    Pending {
        /// The certificate to sign on approval; its dates are set then.
        issuance: Issuance,
        /// The time until which the request may be approved.
        until: OffsetDateTime,
    },
    /// An administrator rejected the request.
    Rejected {
        /// The administrator's reason; may be empty.
        reason: String,
        /// The time until which polls are answered with the rejection.
        until: OffsetDateTime,
    },
    /// The certificate is issued and recorded.
    Issued {
        /// The certificate.
        certificate: Certificate,
        /// The authority that issued it.
        authority: AuthorityUuid,
        /// The generation of that authority that issued it.
        generation: Generation,
        /// The end of the resend window, about when the certificate may be renewed.
        resend_until: OffsetDateTime,
    },
}

impl TransactionState {
    /// Whether a transaction in this state still counts at this time. Windows include their last
    /// moment.
    pub(crate) fn is_live(&self, now: OffsetDateTime) -> bool {
        match self {
            Self::Issued { resend_until, .. } => now <= *resend_until,
            // An issuance never expires: its certificate may be signed and not yet recorded.
            Self::Issuing { .. } => true,
            Self::Pending { until, .. } | Self::Rejected { until, .. } => now <= *until,
        }
    }

    /// The reason that an administrator gave for rejecting the request, which may be empty; `None`
    /// unless it is rejected.
    #[must_use]
    pub fn rejection_reason(&self) -> Option<&str> {
        match self {
            Self::Rejected { reason, .. } => Some(reason),
            Self::Issued { .. } | Self::Issuing { .. } | Self::Pending { .. } => None,
        }
    }
}
