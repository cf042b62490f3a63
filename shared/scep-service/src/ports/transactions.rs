//! The port to transactions and to the certificates that they lead to.

use async_trait::async_trait;
use ca::id::{AuthorityUuid, CertificateUuid};
use ca::requested_contents::RequestedContents;
use scep_cms::message_type::MessageType;
use scep_protocol::decide::ReplacedClaims;
use scep_protocol::id::{ChallengeUuid, ClaimUuid, NoticeUuid, ScepProfileUuid, TransactionUuid};
use scep_protocol::lockout::{Lockout, LockoutSubject};
use scep_protocol::notice::Notice;
use scep_protocol::one_time_challenge::{ChallengeUpdate, OneTimeChallenge};
use scep_protocol::refusal::Refusal;
use scep_protocol::transaction::{
    Fingerprint, Issuance, RequestFingerprint, SameRequest, Transaction, TransactionKey,
};
use time::OffsetDateTime;

use crate::audit::AuditRecord;
use crate::error::StoreError;
use crate::inventory::CertificateRecord;

/// The first step of issuing or holding: reserves a transaction for one process and records what
/// is to be signed.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The transaction that is claimed.
    pub key: TransactionKey,
    /// The earlier claims that this one replaces.
    pub replaced: ReplacedClaims,
    /// The identity of this claim.
    pub claim: ClaimUuid,
    /// The fingerprint of the request.
    pub request: RequestFingerprint,
    /// The fingerprint of the key that signed the message.
    pub signer_key: Fingerprint,
    /// The fingerprint of the requester's key, which `AuthorisedRequest::requester_key` defines.
    pub requester_key: Fingerprint,
    /// The identity of the certificate to be signed: its serial number.
    pub certificate: CertificateUuid,
    /// The messageType of the request.
    pub message_type: MessageType,
    /// The subject to be certified, in the text form of RFC 4514.
    pub subject: String,
    /// What the request asks for, if an administrator is to compare it with what would be
    /// certified.
    pub requested: Option<RequestedContents>,
    /// The time of the claim.
    pub claimed_at: OffsetDateTime,
    /// The bytes to be signed, and the key that signs them.
    pub issuance: Issuance,
    /// The certificate that a renewal succeeds; `None` for an enrolment.
    pub renewal: Option<Renewal>,
    /// How long the same request is recognised under another transactionID.
    pub request_until: OffsetDateTime,
    /// The use of a one-time challenge that the claim takes.
    pub challenge: Option<ChallengeUpdate>,
    /// Whether the claimant signs now or an administrator decides first.
    pub stage: ClaimKind,
}

/// An administrator's approval of a pending transaction, which is a claim.
#[derive(Clone, Debug)]
pub struct Approval {
    /// The identity of this claim.
    pub claim: ClaimUuid,
    /// The bytes to be signed, and the key that signs them.
    pub issuance: Issuance,
    /// The time until which other processes wait for the claimant.
    pub lease_until: OffsetDateTime,
    /// See [`Claim::request_until`].
    pub request_until: OffsetDateTime,
    /// The one-time challenge, a use of which becomes permanent.
    pub challenge: Option<ChallengeUpdate>,
}

/// The link between a certificate and the one that renews it.
#[derive(Clone, Copy, Debug)]
pub struct Renewal {
    /// The certificate that is renewed.
    pub predecessor: CertificateUuid,
    /// The expiry of the predecessor.
    pub predecessor_not_after: OffsetDateTime,
    /// The new certificate: its serial number.
    pub successor: CertificateUuid,
}

/// The next step of a claimed transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimKind {
    /// The claimant signs. Other processes wait for it until this time.
    Sign(OffsetDateTime),
    /// The transaction waits for an administrator until this time.
    Hold(OffsetDateTime),
}

/// The outcome of a conditional write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteOutcome {
    /// The write succeeded.
    Won,
    /// Another process was faster; nothing was written.
    Lost,
}

/// What an encrypted content key was received with before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnvelopeSighting {
    /// The key is new, or what is known of it has expired.
    First,
    /// The key was received before with the same ciphertext.
    Repeated,
    /// The key was received before with another ciphertext; nothing was written.
    Altered,
}

/// The outcome of a conditional write that also depends on other records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuardedOutcome {
    /// The write succeeded.
    Won,
    /// Another process was faster; nothing was written, but see [`Transactions::complete`].
    Lost,
    /// Another record forbids the write; nothing was written, but see [`Transactions::complete`].
    Barred(Bar),
}

/// Why other records forbid a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bar {
    /// A certificate for the same key is revoked.
    KeyRevoked,
    /// The certificate to be renewed is revoked.
    PredecessorRevoked,
    /// The certificate to be renewed has [`MAX_SUCCESSORS`] successors.
    TooManySuccessors,
}

impl Bar {
    /// Returns the refusal that the requester receives.
    #[must_use]
    pub const fn refusal(self) -> Refusal {
        match self {
            Self::KeyRevoked => Refusal::KeyRevoked,
            Self::PredecessorRevoked => Refusal::SignerRevoked,
            Self::TooManySuccessors => Refusal::TooManySuccessors,
        }
    }
}

/// The maximum number of successors of one certificate that are neither revoked nor expired.
// It is more than one, because a client that lost its new key must be able to renew again, and few,
// because a stolen key must not be able to obtain certificates without limit.
pub const MAX_SUCCESSORS: usize = 5;

/// The records of transactions and of the certificates that they lead to.
///
/// # Errors
/// Each operation fails with [`StoreError::Unavailable`] when the store does not answer, and with
/// [`StoreError::Corrupt`] when a record cannot be read. A write also fails with
/// [`StoreError::Conflict`] while others write the same records again and again.
#[async_trait]
pub trait Transactions: Send + Sync {
    /// Reads a transaction by its identity ([`TransactionKey::uuid`]), with strong consistency.
    async fn transaction(&self, uuid: TransactionUuid) -> Result<Option<Transaction>, StoreError>;

    /// Reads, with strong consistency, what became of an earlier copy of this request by the same
    /// key, under any transactionID of this SCEP Profile.
    async fn same_request(
        &self,
        scep_profile: ScepProfileUuid,
        request: &RequestFingerprint,
        requester_key: Fingerprint,
    ) -> Result<Option<SameRequest>, StoreError>;

    /// Remembers, until the given time, the ciphertext that an encrypted content key was first
    /// received with. A time that has passed makes the next sight of the key the first again.
    async fn remember_envelope(
        &self,
        encrypted_key: Fingerprint,
        ciphertext: Fingerprint,
        until: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<EnvelopeSighting, StoreError>;

    /// Counts the requests that wait for an administrator under this SCEP Profile, up to `most`.
    /// On AWS the count may lag behind recent writes.
    async fn pending_requests(
        &self,
        scep_profile: ScepProfileUuid,
        most: u16,
        now: OffsetDateTime,
    ) -> Result<u16, StoreError>;

    /// Claims a transaction and its request, before anything is signed. The write succeeds only if
    /// both are in the state that [`Claim::replaced`] states, no certificate for the key is
    /// revoked, the predecessor of a renewal is not revoked and has fewer than
    /// [`MAX_SUCCESSORS`] successors, and the one-time challenge is unchanged since it was read.
    /// The use of the challenge is taken in the same write.
    async fn claim(&self, claim: &Claim) -> Result<GuardedOutcome, StoreError>;

    /// Approves a pending transaction: replaces what `held` would sign, and gives it to the new
    /// claimant, unless a certificate for the key is revoked. The change and its audit record are
    /// written atomically, and with them the use of a one-time challenge.
    async fn approve(
        &self,
        held: &Transaction,
        approval: &Approval,
        audit: &AuditRecord,
    ) -> Result<GuardedOutcome, StoreError>;

    /// Rejects a pending transaction and remembers the reason until the given time. The change and
    /// its audit record are written atomically, and with them the use of a one-time challenge and
    /// these notices.
    async fn reject(
        &self,
        held: &Transaction,
        reason: &str,
        until: OffsetDateTime,
        challenge: Option<&ChallengeUpdate>,
        notices: &[Notice],
        audit: &AuditRecord,
    ) -> Result<WriteOutcome, StoreError>;

    /// Takes over a claim whose lease has expired. Only the claim and its lease change; the bytes
    /// to be signed stay the same.
    async fn take_over(
        &self,
        key: &TransactionKey,
        expired: ClaimUuid,
        claim: ClaimUuid,
        lease_until: OffsetDateTime,
    ) -> Result<WriteOutcome, StoreError>;

    /// Records the signed certificate, and marks its transaction issued and writes these notices,
    /// the latter two atomically. Succeeds only if the claim still holds, no certificate for the
    /// key is revoked, and the predecessor is not revoked. If it does not succeed, or the process
    /// ends, the certificate may be on record while the transaction is still being issued; then
    /// either this or [`Self::withdraw`] follows, for a certificate of the same contents.
    async fn complete(
        &self,
        claim: ClaimUuid,
        record: &CertificateRecord,
        resend_until: OffsetDateTime,
        notices: &[Notice],
    ) -> Result<GuardedOutcome, StoreError>;

    /// Takes the place of [`Self::complete`] for a certificate that is signed but must not be
    /// issued any more. Records the certificate with its [`CertificateSummary::revocation`], and
    /// marks its transaction rejected for this reason until the given time. Both happen atomically,
    /// and only if the claim still holds.
    ///
    /// [`CertificateSummary::revocation`]: crate::inventory::CertificateSummary::revocation
    async fn withdraw(
        &self,
        claim: ClaimUuid,
        record: &CertificateRecord,
        reason: &str,
        until: OffsetDateTime,
    ) -> Result<WriteOutcome, StoreError>;

    /// Reads a certificate of the inventory.
    async fn certificate(
        &self,
        authority: AuthorityUuid,
        serial_number: &str,
    ) -> Result<Option<CertificateRecord>, StoreError>;

    /// Returns whether any certificate for this key is revoked, read with strong consistency.
    async fn is_key_revoked(&self, key: Fingerprint) -> Result<bool, StoreError>;

    /// Returns the successors of a certificate of this authority, claimed or recorded, read with
    /// strong consistency.
    async fn successors(
        &self,
        authority: AuthorityUuid,
        predecessor: CertificateUuid,
    ) -> Result<Vec<CertificateUuid>, StoreError>;

    /// Replaces the list of a certificate's successors by `remaining`, if it is still `known`, so
    /// that revoked and expired successors make room for new ones.
    async fn forget_successors(
        &self,
        authority: AuthorityUuid,
        predecessor: CertificateUuid,
        known: &[CertificateUuid],
        remaining: &[CertificateUuid],
    ) -> Result<WriteOutcome, StoreError>;

    /// Reads a one-time challenge, with strong consistency.
    async fn challenge(&self, uuid: ChallengeUuid) -> Result<Option<OneTimeChallenge>, StoreError>;

    /// Reads the one-time challenge that is bound to this transactionID.
    async fn challenge_of(
        &self,
        key: &TransactionKey,
    ) -> Result<Option<OneTimeChallenge>, StoreError>;

    /// Reads the counts of these subjects' failures under a SCEP Profile. Subjects without failures
    /// are left out.
    async fn lockouts(
        &self,
        scep_profile: ScepProfileUuid,
        subjects: &[LockoutSubject],
    ) -> Result<Vec<Lockout>, StoreError>;

    /// Writes a count, if the stored one still has the [`Lockout::version`] of this one. The stored
    /// version grows by one.
    async fn count_failure(&self, lockout: &Lockout) -> Result<WriteOutcome, StoreError>;

    /// Writes a notice of something that leaves no other record.
    async fn put_notice(&self, notice: &Notice) -> Result<(), StoreError>;

    /// Reads the notices that are due, at most `limit` and at most a hundred, longest due first. On
    /// AWS those of the last seconds may be missing.
    async fn due_notices(&self, now: OffsetDateTime, limit: u16)
    -> Result<Vec<Notice>, StoreError>;

    /// Forgets a notice, because it is delivered or given up.
    async fn settle_notice(&self, uuid: NoticeUuid) -> Result<(), StoreError>;

    /// Writes a notice as [`Notice::postponed`] returns it. Returns [`WriteOutcome::Lost`] if
    /// another process delivered or postponed it meanwhile.
    async fn postpone_notice(&self, postponed: &Notice) -> Result<WriteOutcome, StoreError>;
}
