//! One-time challenges: how administrators make, list and delete them.

use std::collections::{BTreeMap, BTreeSet};

use ca::bounded_text::Description;
use ca::id::AuthorityUuid;
use ca::template::Period;
use ca::vouched_names::{VouchedNames, VouchedNamesSpec};
use scep_cms::challenge::ChallengePassword;
use scep_cms::transaction_id::TransactionId;
use scep_protocol::id::{ChallengeUuid, RaProfileUuid, ScepProfileUuid};
use scep_protocol::one_time_challenge::{
    CHALLENGE_BYTES, ChallengeKey, ChallengeState, ChallengeTerms, OneTimeChallenge,
    encode_challenge,
};
use scep_protocol::profile::{RaProfile, ScepProfile};
use scep_protocol::ra_certificate::RaCertificate;
use scep_protocol::vouching::ChallengeSourceKind;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use time::{Duration, OffsetDateTime};
use zeroize::Zeroizing;

use crate::admin::Administration;
use crate::admin::field::Field;
use crate::admin::invalid::{AdminError, Invalid};
use crate::admin::limits::{MAX_CHALLENGE_DAYS, MAX_CHALLENGE_USES, MAX_CHALLENGES};
use crate::admin::scep_profile::check_authority;
use crate::admin::validation::Validation;
use crate::audit::{Act, AuditAction};
use crate::inventory::{Page, PageRequest};
use crate::object::{ObjectKind, Reference, Versioned, read};
use crate::ports::{CreationOutcome, SecretOwner, WriteOutcome};

/// How often a deletion is tried while enrolments take uses of the challenge.
const MAX_DELETION_TRIES: u32 = 5;

/// The fields of a new one-time challenge.
pub struct ChallengeRequest {
    /// How long it is valid, at most 90 days.
    pub validity: Option<Period>,
    /// How many certificates it is good for, 1 to 100; by default 1.
    pub uses: Option<u16>,
    /// The only RA Profile at which it is valid.
    pub ra_profile: Option<RaProfileUuid>,
    /// The only transactionID that it is valid for. A request can be encrypted under the challenge
    /// only if it has one.
    pub transaction_id: Option<String>,
    /// The names that it vouches for.
    pub names: VouchedNamesSpec,
    /// Whether an administrator has to approve each enrolment by it.
    pub hold: bool,
    /// The maker's note, which goes onto the record of each certificate.
    pub note: Option<String>,
    /// Further texts for the record of each certificate.
    pub annotations: BTreeMap<String, String>,
}

/// A challenge that was just made, with its secret, which nobody can read again.
pub struct NewChallenge {
    /// The challenge.
    pub challenge: OneTimeChallenge,
    /// The secret: 26 letters and digits.
    pub secret: ChallengePassword,
}

impl Administration {
    /// Makes one-time challenges of a SCEP Profile, all or none.
    ///
    /// # Errors
    /// Returns [`AdminError::NotFound`] when the profile does not exist; [`AdminError::Invalid`]
    /// with an [`Invalid::Element`] for each broken rule of a request, or another reason if the
    /// profile has no one-time challenges or the number of requests is not 1 to 500; and
    /// [`AdminError::Failed`] for failures of the server.
    pub async fn create_challenges(
        &self,
        uuid: ScepProfileUuid,
        requests: Vec<ChallengeRequest>,
    ) -> Result<Vec<NewChallenge>, AdminError> {
        let profile = self.get::<ScepProfile>(uuid).await?.object;
        if !(1..=MAX_CHALLENGES).contains(&requests.len()) {
            return Err(Invalid::ChallengeCount.into());
        }
        let sealed_key = profile
            .challenge_sources()
            .contains(&ChallengeSourceKind::OneTime)
            .then_some(profile.challenge_key.as_ref())
            .flatten()
            .ok_or(Invalid::OneTimeNotChosen)?;
        let now = self.clock.now();
        let checked = self.check_requests(&profile, requests, now).await?;
        let owner = SecretOwner::ChallengeKey(uuid);
        let key = self.secrets.open(owner, sealed_key).await?;
        let key = ChallengeKey::new(key.expose_secret().as_bytes());
        let mut made = Vec::new();
        for checked in checked {
            made.push(self.make_challenge(uuid, &key, checked, now).await?);
        }
        let challenges: Vec<_> = made.iter().map(|new| new.challenge.clone()).collect();
        let uuids: Vec<_> = challenges.iter().map(|new| new.uuid).collect();
        let audit = Act {
            action: AuditAction::CreateChallenges,
            object: Reference::to::<ScepProfile>(uuid),
            name: profile.name.to_string(),
            before: json!(null),
            after: json!({ "count": uuids.len(), "challenges": uuids }),
        }
        .by(&self.actor, now);
        let created = self
            .store
            .create_challenges(&challenges, now, &audit)
            .await?;
        match created {
            CreationOutcome::Created => Ok(made),
            CreationOutcome::TransactionIdTaken(index) => {
                Err(Invalid::TransactionIdTaken.of_element(index).into())
            }
        }
    }

    /// Checks requests for challenges, and reports every broken rule of each.
    async fn check_requests(
        &self,
        profile: &ScepProfile,
        requests: Vec<ChallengeRequest>,
        now: OffsetDateTime,
    ) -> Result<Vec<CheckedRequest>, AdminError> {
        let authority = self.find_authority(profile).await?;
        let bound: BTreeSet<_> = requests.iter().filter_map(|new| new.ra_profile).collect();
        let mut ra_profiles = BTreeMap::new();
        for uuid in bound {
            let found: Option<Versioned<RaProfile>> = read(&*self.store, uuid).await?;
            let ra_profile = found.as_ref().map(|found| &found.object);
            ra_profiles.insert(uuid, check_authority(ra_profile, authority));
        }
        let mut transaction_ids = BTreeSet::new();
        let mut errors = Validation::default();
        let mut checked = Some(Vec::new());
        for (index, request) in requests.into_iter().enumerate() {
            let mut own_errors = Validation::default();
            if let Some(transaction_id) = &request.transaction_id {
                let is_new = transaction_ids.insert(transaction_id.clone());
                own_errors.require(is_new, Invalid::TransactionIdTaken);
            }
            if let Some(Err(reason)) = request.ra_profile.and_then(|uuid| ra_profiles.get(&uuid)) {
                own_errors.extend([reason.clone()]);
            }
            let valid = request.check(own_errors, now).map_err(|reasons| {
                errors.extend(reasons.into_iter().map(|reason| reason.of_element(index)));
            });
            checked = checked.zip(valid.ok()).map(|(mut checked, valid)| {
                checked.push(valid);
                checked
            });
        }
        errors.finish(checked)
    }

    /// The authority that a profile serves: that of its RA certificate.
    async fn find_authority(&self, profile: &ScepProfile) -> Result<AuthorityUuid, AdminError> {
        let found: Versioned<RaCertificate> = self.get(profile.ra_certificate).await?;
        Ok(found.object.authority)
    }

    async fn make_challenge(
        &self,
        scep_profile: ScepProfileUuid,
        key: &ChallengeKey,
        CheckedRequest { terms, expires_at }: CheckedRequest,
        now: OffsetDateTime,
    ) -> Result<NewChallenge, AdminError> {
        let octets = Zeroizing::new(self.random.octets::<CHALLENGE_BYTES>()?);
        let secret = encode_challenge(&octets);
        let digest = key.digest(&secret);
        // Without a transactionID, no message would be found to belong to the challenge before it
        // is opened, so the secret is of no use.
        let sealed = match terms.transaction_id {
            None => None,
            Some(_) => {
                let owner = SecretOwner::ScepProfile(scep_profile);
                let text = SecretString::from(secret.reveal());
                Some(self.secrets.seal(owner, &text).await?)
            }
        };
        let challenge = OneTimeChallenge {
            uuid: digest.uuid(),
            scep_profile,
            digest,
            secret: sealed,
            terms,
            created_at: now,
            expires_at,
            taken: Vec::new(),
            deleted: false,
            version: 1,
        };
        Ok(NewChallenge { challenge, secret })
    }

    /// Lists the one-time challenges of a SCEP Profile that have this state, or all, newest first.
    ///
    /// # Errors
    /// Returns [`AdminError::NotFound`] when the profile does not exist; [`AdminError::Invalid`]
    /// for a cursor that does not belong to the list; and [`AdminError::Failed`].
    pub async fn list_challenges(
        &self,
        scep_profile: ScepProfileUuid,
        state: Option<ChallengeState>,
        page: &PageRequest,
    ) -> Result<Page<OneTimeChallenge>, AdminError> {
        self.get::<ScepProfile>(scep_profile).await?;
        let now = self.clock.now();
        Ok(self
            .store
            .challenges(scep_profile, state, page, now)
            .await?)
    }

    /// Reads a one-time challenge of a SCEP Profile.
    ///
    /// # Errors
    /// Returns [`AdminError::NotFound`] and [`AdminError::Failed`].
    pub async fn read_challenge(
        &self,
        scep_profile: ScepProfileUuid,
        uuid: ChallengeUuid,
    ) -> Result<OneTimeChallenge, AdminError> {
        self.get::<ScepProfile>(scep_profile).await?;
        let found = self.transactions.challenge(uuid).await?;
        found
            .filter(|found| found.scep_profile == scep_profile)
            .ok_or(AdminError::NotFound(ObjectKind::Challenge))
    }

    /// Deletes a one-time challenge, so that nobody can enrol by it. Certificates that were issued
    /// by it stay valid. Safe to repeat.
    ///
    /// # Errors
    /// Returns [`AdminError::NotFound`]; [`AdminError::Conflict`] while enrolments take uses of it
    /// again and again; and [`AdminError::Failed`].
    pub async fn delete_challenge(
        &self,
        scep_profile: ScepProfileUuid,
        uuid: ChallengeUuid,
    ) -> Result<(), AdminError> {
        let profile = self.get::<ScepProfile>(scep_profile).await?.object;
        for _ in 0..MAX_DELETION_TRIES {
            let challenge = self.read_challenge(scep_profile, uuid).await?;
            if challenge.deleted {
                return Ok(());
            }
            let now = self.clock.now();
            let audit = Act {
                action: AuditAction::DeleteChallenge,
                object: Reference::to::<ScepProfile>(scep_profile),
                name: profile.name.to_string(),
                before: json!({ "challenge": uuid, "state": challenge.state(now).name() }),
                after: json!({ "challenge": uuid, "state": ChallengeState::Deleted.name() }),
            }
            .by(&self.actor, now);
            match self.store.delete_challenge(&challenge, &audit).await? {
                WriteOutcome::Won => return Ok(()),
                WriteOutcome::Lost => {}
            }
        }
        Err(AdminError::Conflict)
    }
}

/// A request for a challenge that breaks no rule.
struct CheckedRequest {
    terms: ChallengeTerms,
    expires_at: OffsetDateTime,
}

impl ChallengeRequest {
    /// Checks the request. `errors` are the reasons that are already known.
    fn check(
        self,
        mut errors: Validation,
        now: OffsetDateTime,
    ) -> Result<CheckedRequest, Vec<Invalid>> {
        let expires_at = errors.check(parse_validity(self.validity, now));
        let uses = self.uses.unwrap_or(1);
        errors.require(
            (1..=MAX_CHALLENGE_USES).contains(&uses),
            Invalid::ChallengeUses,
        );
        let transaction_id = self
            .transaction_id
            .map(|text| TransactionId::new(&text).map_err(|_| Invalid::TransactionId))
            .transpose();
        let transaction_id = errors.check(transaction_id);
        let note = self.note.unwrap_or_default();
        let note = errors.check(Description::new(&note).map_err(|_| Invalid::Note));
        let names = VouchedNames::try_from(self.names)
            .map_err(|fault| Invalid::VouchedNames(fault.to_string()));
        let names = errors.check(names);
        let values = expires_at.zip(transaction_id).zip(note.zip(names));
        let ((expires_at, transaction_id), (note, names)) = errors.into_result(values)?;
        Ok(CheckedRequest {
            terms: ChallengeTerms {
                ra_profile: self.ra_profile,
                transaction_id,
                names,
                uses,
                hold: self.hold,
                note,
                annotations: self.annotations,
            },
            expires_at,
        })
    }
}

/// The last moment at which a challenge is valid that is made now.
fn parse_validity(
    validity: Option<Period>,
    now: OffsetDateTime,
) -> Result<OffsetDateTime, Invalid> {
    let validity = validity.ok_or(Invalid::Missing(Field::Validity))?;
    let expires_at = validity.after(now).ok_or(Invalid::ChallengeValidity)?;
    let lasts = expires_at - now;
    if validity.is_zero() || lasts > Duration::days(MAX_CHALLENGE_DAYS) {
        return Err(Invalid::ChallengeValidity);
    }
    Ok(expires_at)
}
