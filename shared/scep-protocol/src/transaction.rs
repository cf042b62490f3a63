//! A transaction: one enrolment, known by (SCEP Profile, transactionID), RFC 8894 §3.2.1.1.

use std::fmt;

use scep_cms::{Certificate, PublicKey, TransactionId};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Annotations, KeyAlgorithm, KeyReference};

/// What a transaction is known by. The same transactionID under another SCEP Profile is another transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionKey {
    /// The SCEP Profile that the request came to.
    pub scep_profile: Uuid,
    /// The client's transactionID.
    pub transaction_id: TransactionId,
}

impl TransactionKey {
    /// The transaction's identity in the API and in storage: 122 bits of SHA-256 over the SCEP Profile and the transactionID,
    /// which is a stranger's text and so nobody's key as it is.
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        let digest = Sha256::new_with_prefix(self.scep_profile)
            .chain_update(self.transaction_id.as_str())
            .finalize();
        let mut octets = [0; 16];
        for (octet, digest) in octets.iter_mut().zip(digest) {
            *octet = digest;
        }
        Uuid::new_v8(octets)
    }
}

/// SHA-256 of a request or key, by which two of them are compared without being kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// Of these octets.
    #[must_use]
    pub fn of(octets: &[u8]) -> Self {
        Self(Sha256::digest(octets).into())
    }

    /// The fingerprint of 64 hexadecimal digits; `None` for any other text.
    #[must_use]
    pub fn from_hexadecimal(digits: &str) -> Option<Self> {
        let digits = digits.as_bytes();
        let (pairs, []) = digits.as_chunks::<2>() else {
            return None;
        };
        let octets: Option<Vec<u8>> = pairs
            .iter()
            .map(|pair| {
                let is_digits = pair.iter().all(u8::is_ascii_hexdigit);
                let digits = std::str::from_utf8(pair).ok().filter(|_| is_digits)?;
                u8::from_str_radix(digits, 16).ok()
            })
            .collect();
        octets?.try_into().ok().map(Self)
    }

    /// Its first 64 bits as a number.
    #[must_use]
    pub const fn number(self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }

    /// Of a key: its canonical SubjectPublicKeyInfo.
    #[must_use]
    pub fn of_key(key: &PublicKey) -> Self {
        Self::of(key.canonical_spki())
    }
}

/// Lower-case hexadecimal.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// On whose word a request was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignerClass {
    /// That of a valid certificate of this authority: a renewal.
    Certificate,
    /// That of a challengePassword: an enrolment.
    Challenge,
    /// Nobody's yet: an enrolment that an administrator is to approve.
    Nobody,
}

/// What makes two requests the same request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestFingerprint {
    /// The RA Profile under which it was made.
    pub ra_profile: Uuid,
    /// Of the whole PKCS #10 request.
    pub csr: Fingerprint,
    /// Who signed.
    pub signer_class: SignerClass,
}

/// What the store knows of a transaction.
#[derive(Clone, Debug)]
pub struct Transaction {
    /// What it is known by.
    pub key: TransactionKey,
    /// Changes with every claim; who writes names the one that was read.
    pub claim: Uuid,
    /// The request that it is about.
    pub request: RequestFingerprint,
    /// Of the key that signed the message.
    pub signer_key: Fingerprint,
    /// Of the key whose request it is: [`AuthorisedRequest::requester_key`](crate::AuthorisedRequest::requester_key).
    pub requester_key: Fingerprint,
    /// How far it is.
    pub state: TransactionState,
}

impl Transaction {
    /// A number that is another one whenever the request was made anew: who decides names the one that was looked at.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.claim.as_u64_pair().0
    }
}

/// A certificate on its way to its signature. Kept whole: by the time that a crash is mended, the profiles may name
/// another authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuance {
    /// TBSCertificate, DER.
    pub to_be_signed: Vec<u8>,
    /// The authority that issues.
    pub authority: Uuid,
    /// Which of its generations does.
    pub generation: u32,
    /// Where its key is.
    pub key: KeyReference,
    /// What its key is.
    pub key_algorithm: KeyAlgorithm,
    /// The RA Profile whose rules made the certificate.
    pub ra_profile: Uuid,
    /// Of the key that is certified.
    pub subject_key: Fingerprint,
    /// The certificate that this one renews.
    pub predecessor: Option<Uuid>,
    /// What is put on the certificate's record.
    pub annotations: Annotations,
}

/// Everything that is known when a request comes.
#[derive(Clone, Debug, Default)]
pub struct KnownTransactions {
    /// What its transactionID stands for.
    pub own: Option<Transaction>,
    /// The same request, if it came before under any transactionID of the profile.
    pub same: Option<SameRequest>,
}

/// A request that came before.
#[derive(Clone, Debug)]
pub struct SameRequest {
    /// The claim by which it was made.
    pub claim: Uuid,
    /// What became of it.
    pub outcome: RequestOutcome,
}

/// What became of a request that came before.
#[derive(Clone, Debug)]
pub enum RequestOutcome {
    /// Its transaction is still about it.
    Transaction(Box<Transaction>),
    /// Its transaction has gone on to another request; this certificate was issued before that, and is not revoked.
    Certificate(PastCertificate),
    /// Its transaction has gone on to another request, and there is no certificate.
    Nothing,
}

/// The certificate of a request whose transaction has gone on to another request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastCertificate {
    /// The certificate.
    pub certificate: Certificate,
    /// The authority that issued it.
    pub authority: Uuid,
    /// Which of its generations did.
    pub generation: u32,
    /// When it was recorded.
    pub issued_at: OffsetDateTime,
}

/// How far a transaction is.
#[derive(Clone, Debug)]
pub enum TransactionState {
    /// Claimed, and perhaps signed: these bytes and no others may become its certificate.
    Issuing {
        /// What is being signed, and by which key.
        issuance: Issuance,
        /// Until then the claimant is taken to be at work.
        lease_until: OffsetDateTime,
    },
    /// Waits for an administrator.
    Pending {
        /// What is to be signed, but for its dates.
        issuance: Issuance,
        /// Until then it waits.
        until: OffsetDateTime,
    },
    /// An administrator said no.
    Rejected {
        /// Why, in the administrator's words; may be empty.
        reason: String,
        /// Until then the requester is told so.
        until: OffsetDateTime,
    },
    /// Done.
    Issued {
        /// The certificate.
        certificate: Certificate,
        /// The authority that issued it.
        authority: Uuid,
        /// Which of its generations did.
        generation: u32,
        /// The end of the resend window: about when the certificate may be renewed.
        resend_until: OffsetDateTime,
    },
}
