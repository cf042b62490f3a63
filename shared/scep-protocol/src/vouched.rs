//! The yes of a challenge source.

use std::collections::BTreeMap;

use ca::vouched_names::VouchedNames;
use scep_cms::transaction_id::TransactionId;
use time::OffsetDateTime;

use crate::id::RaProfileUuid;
use crate::one_time_challenge::{ChallengeState, OneTimeChallenge};
use crate::refusal::Refusal;
use crate::transaction::Fingerprint;
use crate::vouching::{ChallengeSourceKind, Vouching};

/// The yes of a challenge source.
#[derive(Clone, Debug)]
pub struct Vouched {
    /// The source.
    pub source: ChallengeSourceKind,
    /// The names that the source stands for.
    pub names: VouchedNames,
    /// Whether an administrator has to approve the enrolment nevertheless.
    pub hold: bool,
    /// Texts for the record of the certificate, such as a device's serial number.
    pub annotations: BTreeMap<String, String>,
    /// The one-time challenge, a use of which the claim takes.
    pub challenge: Option<Box<OneTimeChallenge>>,
}

impl Vouched {
    /// The yes of a source that stands for no names and adds nothing to the record.
    #[must_use]
    pub fn by(source: ChallengeSourceKind) -> Self {
        Self {
            source,
            names: VouchedNames::default(),
            hold: false,
            annotations: BTreeMap::new(),
            challenge: None,
        }
    }
}

impl From<&Vouched> for Vouching {
    fn from(vouched: &Vouched) -> Self {
        Self {
            source: vouched.source,
            challenge: vouched.challenge.as_ref().map(|challenge| challenge.uuid),
            names: vouched.names.clone(),
            annotations: vouched.annotations.clone(),
        }
    }
}

impl OneTimeChallenge {
    /// Decides whether the challenge is good for an enrolment at this RA Profile.
    ///
    /// A request that has taken a use, or corrects one that waits for an administrator, is accepted
    /// again: [`Self::take`] decides whether it takes another use.
    ///
    /// # Errors
    /// [`Refusal::ChallengeMisbound`], [`Refusal::ChallengeUsed`] and
    /// [`Refusal::ChallengeExpired`].
    pub fn vouch(
        &self,
        ra_profile: RaProfileUuid,
        transaction_id: &TransactionId,
        csr: Fingerprint,
        requester_key: Fingerprint,
        now: OffsetDateTime,
    ) -> Result<Vouched, Refusal> {
        let terms = &self.terms;
        if terms.ra_profile.is_some_and(|bound| bound != ra_profile) {
            return Err(Refusal::ChallengeMisbound("RA Profile"));
        }
        let bound = terms.transaction_id.as_ref();
        if bound.is_some_and(|bound| bound != transaction_id) {
            return Err(Refusal::ChallengeMisbound("transactionID"));
        }
        let has_taken = self.taken.iter().any(|taken| {
            let is_held = taken.held_until.is_some() && taken.counts(now);
            taken.requester_key == requester_key && (taken.csr == csr || is_held)
        });
        match self.state(now) {
            ChallengeState::Unused => {}
            ChallengeState::Used | ChallengeState::Expired | ChallengeState::Deleted
                if has_taken => {}
            ChallengeState::Used => return Err(Refusal::ChallengeUsed),
            ChallengeState::Expired | ChallengeState::Deleted => {
                return Err(Refusal::ChallengeExpired);
            }
        }
        let mut annotations = terms.annotations.clone();
        if !terms.note.as_str().is_empty() {
            annotations.insert("note".to_owned(), terms.note.as_str().to_owned());
        }
        Ok(Vouched {
            names: terms.names.clone(),
            hold: terms.hold,
            annotations,
            challenge: Some(Box::new(self.clone())),
            ..Vouched::by(ChallengeSourceKind::OneTime)
        })
    }
}
