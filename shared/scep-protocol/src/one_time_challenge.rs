//! Challenges that are made for one device, bound to what it may ask for, and used up.

use std::collections::BTreeMap;
use std::fmt;

use ca::bounded_text::Description;
use ca::id::CertificateUuid;
use ca::vouched_names::VouchedNames;
use hmac::{Hmac, KeyInit, Mac};
use scep_cms::challenge::ChallengePassword;
use scep_cms::transaction_id::TransactionId;
use sha2::Sha256;
use strum::{EnumString, IntoStaticStr, VariantArray};
use time::{Duration, OffsetDateTime};
use zeroize::Zeroizing;

use crate::id::{ChallengeUuid, ClaimUuid, RaProfileUuid, ScepProfileUuid, TransactionUuid};
use crate::refusal::Refusal;
use crate::sealed_secret::SealedSecret;
use crate::transaction::{Fingerprint, TransactionKey};

/// How long a challenge is kept after it has expired.
const KEPT: Duration = Duration::days(30);

/// The number of random octets in a challenge: 128 bits.
pub const CHALLENGE_BYTES: usize = 16;

/// Crockford's base32: digits and capital letters without I, L, O and U, which people confuse.
// PrintableString holds them all, so Windows can send such a challenge.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Writes random octets as a challengePassword of 26 letters and digits.
#[must_use]
pub fn encode_challenge(octets: &[u8; CHALLENGE_BYTES]) -> ChallengePassword {
    // 26 digits of 5 bits hold 130, so the first digit is at most 7.
    let number = u128::from_be_bytes(*octets);
    let text: Zeroizing<String> = Zeroizing::new(
        (0..26)
            .rev()
            .filter_map(|position: u32| {
                let digit = (number >> (5 * position)) & 31;
                let digit = usize::try_from(digit).ok()?;
                ALPHABET.get(digit).copied().map(char::from)
            })
            .collect(),
    );
    ChallengePassword::new(&text)
}

/// The key of the digests by which a SCEP Profile's one-time challenges are found.
pub struct ChallengeKey(Zeroizing<Vec<u8>>);

impl ChallengeKey {
    /// A key of these octets.
    #[must_use]
    pub fn new(octets: &[u8]) -> Self {
        Self(Zeroizing::new(octets.to_vec()))
    }

    /// Computes the digest of a challenge: HMAC-SHA-256.
    #[must_use]
    pub fn digest(&self, challenge: &ChallengePassword) -> ChallengeDigest {
        // HMAC accepts a key of any length.
        let mut octets = [0; 32];
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) {
            mac.update(challenge.reveal().as_bytes());
            octets = mac.finalize().into_bytes().into();
        }
        ChallengeDigest(octets)
    }
}

/// The keyed digest of a challenge, which is stored in its place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ChallengeDigest(pub [u8; 32]);

impl ChallengeDigest {
    /// The identity of the challenge with this digest: its first 122 bits, as a UUID of version 8,
    /// RFC 9562 §5.8.
    #[must_use]
    pub fn uuid(&self) -> ChallengeUuid {
        Fingerprint(self.0).typed_uuid()
    }
}

impl fmt::Debug for ChallengeDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChallengeDigest(…)")
    }
}

/// A one-time challenge.
#[derive(Clone, PartialEq, Eq)]
pub struct OneTimeChallenge {
    /// The identity in the API and in storage, which [`ChallengeDigest::uuid`] derives.
    pub uuid: ChallengeUuid,
    /// The SCEP Profile at which it is valid.
    pub scep_profile: ScepProfileUuid,
    /// The digest of the secret.
    pub digest: ChallengeDigest,
    /// The secret, if a request may be encrypted under it. That needs a transactionID.
    pub secret: Option<SealedSecret>,
    /// What an enrolment by this challenge may ask for.
    pub terms: ChallengeTerms,
    /// The time at which it was made.
    pub created_at: OffsetDateTime,
    /// The last moment at which it is valid.
    pub expires_at: OffsetDateTime,
    /// The uses that are taken.
    pub taken: Vec<ChallengeUse>,
    /// Whether an administrator has deleted it.
    pub deleted: bool,
    /// A number that grows with every write.
    pub version: u64,
}

impl fmt::Debug for OneTimeChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OneTimeChallenge")
            .field("uuid", &self.uuid)
            .field("terms", &self.terms)
            .field("taken", &self.taken)
            .finish_non_exhaustive()
    }
}

/// What an enrolment by a one-time challenge may ask for, and what it adds to the certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChallengeTerms {
    /// The only RA Profile at which it is valid; `None` for every one that the SCEP Profile serves.
    pub ra_profile: Option<RaProfileUuid>,
    /// The only transactionID that it is valid for; `None` for any.
    pub transaction_id: Option<TransactionId>,
    /// The names that it vouches for.
    pub names: VouchedNames,
    /// How many certificates it is good for.
    pub uses: u16,
    /// Whether an administrator has to approve each enrolment by it.
    pub hold: bool,
    /// The maker's note, which goes onto the record of each certificate.
    pub note: Description,
    /// Further texts for the record of each certificate.
    pub annotations: BTreeMap<String, String>,
}

/// A use of a one-time challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChallengeUse {
    /// The claim that took it.
    pub claim: ClaimUuid,
    /// The certificate that the claim leads to.
    pub certificate: CertificateUuid,
    /// The fingerprint of the PKCS #10 request.
    pub csr: Fingerprint,
    /// The fingerprint of the requester's key.
    pub requester_key: Fingerprint,
    /// The time until which the request waits for an administrator, after which the use is free
    /// again; `None` once it is granted.
    pub held_until: Option<OffsetDateTime>,
}

impl ChallengeUse {
    /// Whether the use still counts: it does unless its request waited in vain.
    pub(crate) fn counts(&self, now: OffsetDateTime) -> bool {
        self.held_until.is_none_or(|until| now <= until)
    }
}

/// The state of a one-time challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "UPPERCASE")]
pub enum ChallengeState {
    /// It has uses left.
    Unused,
    /// It has no use left.
    Used,
    /// It has expired with uses left.
    Expired,
    /// An administrator has deleted it.
    Deleted,
}

impl ChallengeState {
    /// The name in the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// The write of a challenge's uses, which is made only if the challenge has not changed since it
/// was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChallengeUpdate {
    /// The challenge.
    pub uuid: ChallengeUuid,
    /// The [`OneTimeChallenge::version`] that was read.
    pub version: u64,
    /// The uses from now on.
    pub taken: Vec<ChallengeUse>,
}

impl OneTimeChallenge {
    /// The uses that are left.
    #[must_use]
    pub fn uses_left(&self, now: OffsetDateTime) -> u16 {
        let taken = self.taken.iter().filter(|taken| taken.counts(now)).count();
        let taken = u16::try_from(taken).unwrap_or(u16::MAX);
        self.terms.uses.saturating_sub(taken)
    }

    /// The state.
    #[must_use]
    pub fn state(&self, now: OffsetDateTime) -> ChallengeState {
        if self.deleted {
            return ChallengeState::Deleted;
        }
        if self.uses_left(now) == 0 {
            return ChallengeState::Used;
        }
        match now <= self.expires_at {
            true => ChallengeState::Unused,
            false => ChallengeState::Expired,
        }
    }

    /// Whether this key has ever taken a use.
    #[must_use]
    pub fn was_used_by(&self, requester_key: Fingerprint) -> bool {
        let mut taken = self.taken.iter();
        taken.any(|taken| taken.requester_key == requester_key)
    }

    /// The time until which the challenge is kept, so that the list shows what became of it and a
    /// use of it can still be given back.
    #[must_use]
    pub const fn kept_until(&self) -> OffsetDateTime {
        self.expires_at.saturating_add(KEPT)
    }

    /// The transaction whose transactionID the challenge is bound to.
    #[must_use]
    pub fn bound_transaction(&self) -> Option<TransactionUuid> {
        let transaction_id = self.terms.transaction_id.clone()?;
        let key = TransactionKey {
            scep_profile: self.scep_profile,
            transaction_id,
        };
        Some(key.uuid())
    }

    /// Whether no other challenge may be bound to the same transactionID: a request may be
    /// encrypted under this one, or waits for a reply that will be.
    #[must_use]
    pub fn reserves_transaction_id(&self, now: OffsetDateTime) -> bool {
        let is_held = |taken: &ChallengeUse| taken.held_until.is_some() && taken.counts(now);
        self.state(now) == ChallengeState::Unused || self.taken.iter().any(is_held)
    }

    /// The certificate of the last use; `None` before the first.
    #[must_use]
    pub fn last_certificate(&self, now: OffsetDateTime) -> Option<CertificateUuid> {
        let mut granted = self.taken.iter().filter(|taken| taken.counts(now));
        granted.next_back().map(|taken| taken.certificate)
    }

    /// Takes a use for a claim. `replaced` is the claim whose place it takes: the use of a request
    /// that waits for an administrator passes to the one that corrects it.
    ///
    /// # Errors
    /// [`Refusal::ChallengeUsed`] or [`Refusal::ChallengeExpired`].
    pub fn take(
        &self,
        new: ChallengeUse,
        replaced: Option<ClaimUuid>,
        now: OffsetDateTime,
    ) -> Result<ChallengeUpdate, Refusal> {
        let is_replaced =
            |taken: &ChallengeUse| taken.held_until.is_some() && Some(taken.claim) == replaced;
        let mut taken: Vec<_> = self
            .taken
            .iter()
            .filter(|taken| taken.counts(now) && !is_replaced(taken))
            .cloned()
            .collect();
        if taken.len() >= usize::from(self.terms.uses) {
            return Err(Refusal::ChallengeUsed);
        }
        if self.deleted || self.expires_at < now {
            return Err(Refusal::ChallengeExpired);
        }
        taken.push(new);
        Ok(self.update(taken))
    }

    /// Gives back the use of a claim whose request was rejected; `None` if the claim has none.
    #[must_use]
    pub fn give_back(&self, claim: ClaimUuid) -> Option<ChallengeUpdate> {
        let (given_back, remaining): (Vec<_>, Vec<_>) = self
            .taken
            .iter()
            .cloned()
            .partition(|taken| taken.claim == claim);
        (!given_back.is_empty()).then(|| self.update(remaining))
    }

    /// Makes the use of a claim permanent when an administrator approves its request; `None` if the
    /// claim has none.
    #[must_use]
    pub fn confirm(&self, claim: ClaimUuid) -> Option<ChallengeUpdate> {
        let mut taken = self.taken.clone();
        let confirmed = taken.iter_mut().find(|taken| taken.claim == claim)?;
        confirmed.held_until = None;
        Some(self.update(taken))
    }

    const fn update(&self, taken: Vec<ChallengeUse>) -> ChallengeUpdate {
        ChallengeUpdate {
            uuid: self.uuid,
            version: self.version,
            taken,
        }
    }
}

#[cfg(test)]
mod tests;
