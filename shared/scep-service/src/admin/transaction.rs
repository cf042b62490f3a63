//! Approval and rejection of transactions that wait for an administrator.

use ca::authority::Authority;
use ca::bounded_text::is_visible;
use ca::error::IssueError;
use ca::leaf::TbsLeaf;
use ca::pending::reissue_tbs;
use ca::tbs_certificate::read_tbs_names;
use ca::template::RuleViolation;
use scep_protocol::id::{ClaimUuid, TransactionUuid};
use scep_protocol::notice::{Notice, NoticeEvent, RefusedRequest};
use scep_protocol::one_time_challenge::OneTimeChallenge;
use scep_protocol::profile::{NotificationKind, RaProfile, ScepProfile};
use scep_protocol::refusal::Refusal;
use scep_protocol::transaction::{
    Fingerprint, Issuance, Transaction, TransactionKey, TransactionState,
};
use serde_json::json;
use time::OffsetDateTime;

use crate::admin::Administration;
use crate::admin::invalid::{AdminError, Invalid};
use crate::admin::limits::MAX_REASON_CHARACTERS;
use crate::audit::{Act, AuditAction, AuditRecord};
use crate::enrol::signing::{CertificateSigner, LEASE, SigningOutcome, Verdict};
use crate::error::{Failure, StoreError};
use crate::error_chain::ErrorChain;
use crate::inventory::{PageRequest, TransactionStatus};
use crate::notices::notices_of;
use crate::object::{ObjectKind, Reference, Versioned, read};
use crate::ports::{Approval, GuardedOutcome, WriteOutcome};

/// A transaction as an administrator reviews it.
pub struct Review {
    /// The TBSCertificate that an approval would sign now, or that is being signed, DER. `None`
    /// when there is nothing to sign.
    pub to_be_signed: Option<Vec<u8>>,
    /// An opaque version, which an approval must quote. It changes whenever an approval would sign
    /// something else: when the client replaces the request, the RA Profile is edited, or the
    /// authority changes its generation.
    pub version: u64,
}

impl Administration {
    /// Approves a pending transaction. Its certificate is issued at once, valid from now, by the
    /// authority's current generation. After a crash, the requester's next poll or maintenance
    /// completes the issuance. `version` quotes [`Review::version`].
    ///
    /// # Errors
    /// Returns [`AdminError::NotFound`]; [`AdminError::Invalid`] when the transaction is not
    /// pending, its profiles are disabled, or its authority cannot issue now;
    /// [`AdminError::VersionMissing`]; [`AdminError::Conflict`], also when the version has
    /// changed; and [`AdminError::Failed`] for failures of the server.
    pub async fn approve_transaction(
        &self,
        uuid: TransactionUuid,
        version: Option<u64>,
    ) -> Result<(), AdminError> {
        let (transaction, held) = self.read_pending(uuid, version).await?;
        // The version is checked after `read_pending`, so that a transaction that does not exist is
        // reported as such.
        if version.is_none() {
            return Err(AdminError::VersionMissing);
        }
        let profiles = self
            .read_enabled_profiles(&transaction.key, &held)
            .await?
            .ok_or(Invalid::ProfileNotServing)?;
        let (issuance, not_after) = self.rebuild_issuance(&profiles.ra_profile, held).await?;
        let now = self.clock.now();
        let audit = self.build_audit_record(
            &transaction,
            AuditAction::Approve,
            TransactionStatus::Issuing,
            None,
        );
        // The approval is itself a claim, so no other process signs, and a crash leaves a lease
        // that expires like any other.
        let claim = self.random.uuid()?;
        let challenge = self
            .read_challenge_of(&issuance)
            .await?
            // Without its use, another device has enrolled by the challenge meanwhile.
            .map(|read| read.confirm(transaction.claim).ok_or(AdminError::Conflict))
            .transpose()?;
        let approval = Approval {
            claim,
            issuance,
            lease_until: now + LEASE,
            request_until: not_after,
            challenge,
        };
        let approved = self
            .transactions
            .approve(&transaction, &approval, &audit)
            .await?;
        match approved {
            GuardedOutcome::Won => {}
            GuardedOutcome::Lost => return Err(AdminError::Conflict),
            GuardedOutcome::Barred(_) => return Err(Invalid::KeyRevoked.into()),
        }
        let finished = self
            .signer_for(Some(&profiles.scep_profile))
            .finish(&transaction.key, claim, &approval.issuance)
            .await?;
        match finished {
            // A process that took the claim over issues what was approved.
            SigningOutcome::Issued { .. } | SigningOutcome::Lost => {
                self.count_late(uuid).await;
                Ok(())
            }
            SigningOutcome::Withdrawn(_) => Err(Invalid::KeyRevoked.into()),
        }
    }

    /// Shows what an approval of a transaction would sign now. When the current rules forbid it,
    /// shows what the request was held with; an approval then reports the reason.
    ///
    /// # Errors
    /// Returns [`AdminError::Failed`] for failures of the server.
    pub async fn review_transaction(
        &self,
        transaction: &Transaction,
    ) -> Result<Review, AdminError> {
        let to_be_signed = match &transaction.state {
            TransactionState::Pending { issuance, .. } => {
                return self.review_pending(transaction.claim, issuance).await;
            }
            TransactionState::Issuing { issuance, .. } => Some(issuance.to_be_signed.clone()),
            TransactionState::Issued { .. } | TransactionState::Rejected { .. } => None,
        };
        Ok(Review {
            to_be_signed,
            version: review_version(transaction.claim, &[]),
        })
    }

    /// Shows what an approval of a pending transaction would sign now.
    async fn review_pending(
        &self,
        claim: ClaimUuid,
        held: &Issuance,
    ) -> Result<Review, AdminError> {
        let ra_profile = read::<RaProfile>(&*self.store, held.ra_profile).await?;
        // Versions start at 1, so 0 stands for a deleted profile.
        let rules = ra_profile.as_ref().map_or(0, |found| found.version);
        let rebuilt = match &ra_profile {
            Some(found) => self.rebuild_issuance(&found.object, held.clone()).await,
            None => Err(Invalid::ProfileNotServing.into()),
        };
        let shown = match rebuilt {
            Ok((issuance, _)) => issuance,
            Err(AdminError::Failed(failure)) => return Err(AdminError::Failed(failure)),
            Err(_) => held.clone(),
        };
        // The dates are left out: they change with every second.
        let generation = shown.generation.get();
        let parts = [&rules.to_be_bytes()[..], &generation.to_be_bytes()];
        Ok(Review {
            version: review_version(claim, &parts.concat()),
            to_be_signed: Some(shown.to_be_signed),
        })
    }

    /// Collects the ports and settings for signing on behalf of an administrator.
    fn signer_for<'a>(&'a self, scep_profile: Option<&'a ScepProfile>) -> CertificateSigner<'a> {
        CertificateSigner {
            transactions: &*self.transactions,
            ca_keys: &*self.ca_keys,
            clock: &*self.clock,
            random: &*self.random,
            // A client that waited this long for approval may collect the certificate as late.
            resend_window: self.deployment.pending_validity,
            scep_profile,
        }
    }

    /// Reads the profiles of a transaction. Returns `None` when one is disabled or deleted.
    async fn read_enabled_profiles(
        &self,
        key: &TransactionKey,
        issuance: &Issuance,
    ) -> Result<Option<EnabledProfiles>, Failure> {
        let objects = &*self.store;
        let scep_profile = read::<ScepProfile>(objects, key.scep_profile).await?;
        let ra_profile = read::<RaProfile>(objects, issuance.ra_profile).await?;
        let (Some(scep_profile), Some(ra_profile)) = (scep_profile, ra_profile) else {
            return Ok(None);
        };
        let (scep_profile, ra_profile) = (scep_profile.object, ra_profile.object);
        let is_serving = scep_profile.enabled && ra_profile.enabled;
        Ok(is_serving.then_some(EnabledProfiles {
            scep_profile,
            ra_profile,
        }))
    }

    /// Completes issuances that a crash interrupted and whose clients do not poll. The failure of
    /// one is logged and does not stop the others.
    ///
    /// # Errors
    /// Fails when the transactions cannot be listed, and otherwise with the last of the failures.
    pub(crate) async fn finish_abandoned(&self) -> Result<(), Failure> {
        let mut page = PageRequest {
            limit: PAGE,
            cursor: None,
        };
        let now = self.clock.now();
        let mut failures = Vec::new();
        loop {
            let found = self
                .store
                .transactions(Some(TransactionStatus::Issuing), &page, now)
                .await?;
            for summary in found.items {
                if let Err(failure) = self.finish_if_abandoned(summary.uuid, now).await {
                    let (uuid, error) = (summary.uuid, ErrorChain(&failure));
                    tracing::error!(%uuid, %error, "could not complete a transaction");
                    failures.push(failure);
                }
            }
            page.cursor = found.cursor;
            if page.cursor.is_none() {
                return failures.pop().map_or(Ok(()), Err);
            }
        }
    }

    /// Completes the issuance of a transaction whose lease has expired.
    async fn finish_if_abandoned(
        &self,
        uuid: TransactionUuid,
        now: OffsetDateTime,
    ) -> Result<(), Failure> {
        let transaction = self.transactions.transaction(uuid).await?;
        if let Some(Transaction {
            key,
            claim,
            state:
                TransactionState::Issuing {
                    issuance,
                    lease_until,
                },
            ..
        }) = transaction
            // While the lease lasts, its holder may still be signing.
            && lease_until < now
        {
            self.finish_or_withdraw(&key, claim, &issuance).await?;
            self.count_late(uuid).await;
        }
        Ok(())
    }

    /// Completes an interrupted issuance if its profiles are still enabled, and withdraws it
    /// otherwise.
    async fn finish_or_withdraw(
        &self,
        key: &TransactionKey,
        claim: ClaimUuid,
        issuance: &Issuance,
    ) -> Result<(), Failure> {
        let profiles = self.read_enabled_profiles(key, issuance).await?;
        let verdict = Verdict::of(profiles.is_some());
        self.signer_for(profiles.as_ref().map(|found| &found.scep_profile))
            .resume(key, claim, issuance, verdict)
            .await
    }

    /// Rejects a pending transaction. The client's next poll receives the reason.
    ///
    /// # Errors
    /// Returns [`AdminError::NotFound`]; [`AdminError::Conflict`]; [`AdminError::Invalid`] when
    /// the transaction is not pending or the reason is too long; and [`AdminError::Failed`] for
    /// failures of the server.
    pub async fn reject_transaction(
        &self,
        uuid: TransactionUuid,
        version: Option<u64>,
        reason: &str,
    ) -> Result<(), AdminError> {
        if reason.chars().count() > MAX_REASON_CHARACTERS || !reason.chars().all(is_visible) {
            return Err(Invalid::Reason.into());
        }
        let (transaction, held) = self.read_pending(uuid, version).await?;
        let audit = self.build_audit_record(
            &transaction,
            AuditAction::Reject,
            TransactionStatus::Rejected,
            Some(reason),
        );
        // The reason is remembered for as long as the request could have waited, so that a client
        // that polls rarely gets the reason.
        let until = self.clock.now() + self.deployment.pending_validity;
        let challenge = self
            .read_challenge_of(&held)
            .await?
            .and_then(|read| read.give_back(transaction.claim));
        let notices = self
            .notices_of_rejection(&transaction, &held, reason)
            .await?;
        let rejected = self
            .transactions
            .reject(
                &transaction,
                reason,
                until,
                challenge.as_ref(),
                &notices,
                &audit,
            )
            .await?;
        match rejected {
            WriteOutcome::Won => Ok(()),
            WriteOutcome::Lost => Err(AdminError::Conflict),
        }
    }

    /// The notices of a held request that is rejected.
    async fn notices_of_rejection(
        &self,
        transaction: &Transaction,
        held: &Issuance,
        reason: &str,
    ) -> Result<Vec<Notice>, AdminError> {
        let found = read::<ScepProfile>(&*self.store, transaction.key.scep_profile).await?;
        let Some(scep_profile) = found.map(|found| found.object) else {
            return Ok(Vec::new());
        };
        let csr = held.reported_csr();
        let tells_webhook = scep_profile
            .webhook
            .as_ref()
            .is_some_and(|webhook| webhook.notify.contains(&NotificationKind::Refused));
        // A request that nobody is told about can be rejected even if it cannot be read any more.
        if csr.is_none() && !tells_webhook {
            return Ok(Vec::new());
        }
        let names = read_tbs_names(&held.to_be_signed)
            .map_err(Failure::corrupt("the names of a held request"))?;
        let refusal = Refusal::Rejected(reason.to_owned());
        let event = NoticeEvent::Refused(Box::new(RefusedRequest {
            ra_profile: held.ra_profile,
            transaction_id: transaction.key.transaction_id.as_str().to_owned(),
            subject: names.subject,
            key_sha256: held.subject_key.to_string(),
            fail_info: refusal.fail_info().name().to_owned(),
            reason: refusal.text().into_owned(),
            client_address: None,
            csr,
        }));
        Ok(notices_of(
            event,
            &scep_profile,
            &*self.random,
            self.clock.now(),
        )?)
    }

    /// Reads the one-time challenge of a held request; `None` if the request has none, or if the
    /// store has forgotten it, as it does some time after its expiry.
    async fn read_challenge_of(
        &self,
        held: &Issuance,
    ) -> Result<Option<OneTimeChallenge>, StoreError> {
        let vouching = held.vouching.as_ref();
        let Some(uuid) = vouching.and_then(|vouching| vouching.challenge) else {
            return Ok(None);
        };
        self.transactions.challenge(uuid).await
    }

    /// Reads a transaction that must be pending, and what it would sign, and checks its version if
    /// one is given.
    async fn read_pending(
        &self,
        uuid: TransactionUuid,
        version: Option<u64>,
    ) -> Result<(Transaction, Issuance), AdminError> {
        let transaction = self
            .transactions
            .transaction(uuid)
            .await?
            .ok_or(AdminError::NotFound(ObjectKind::Transaction))?;
        if let Some(version) = version
            && version != self.review_transaction(&transaction).await?.version
        {
            return Err(AdminError::Conflict);
        }
        match &transaction.state {
            // The store deletes an expired transaction only some time later.
            TransactionState::Pending { issuance, until } if self.clock.now() <= *until => {
                let held = issuance.clone();
                Ok((transaction, held))
            }
            TransactionState::Issued { .. }
            | TransactionState::Issuing { .. }
            | TransactionState::Pending { .. }
            | TransactionState::Rejected { .. } => Err(Invalid::NotPending.into()),
        }
    }

    /// Rebuilds a held certificate by the current rules, dates and generation. Also returns its
    /// expiry.
    async fn rebuild_issuance(
        &self,
        ra_profile: &RaProfile,
        held: Issuance,
    ) -> Result<(Issuance, OffsetDateTime), AdminError> {
        let authority: Versioned<Authority> = self.get(held.authority).await?;
        let issuing = authority
            .object
            .issuing_authority()
            .ok_or(Invalid::AuthorityNotActive)?;
        let crl_url = self.deployment.crl_url(&issuing);
        let TbsLeaf {
            to_be_signed,
            validity,
            ..
        } = reissue_tbs(
            &held.to_be_signed,
            &issuing,
            &ra_profile.template,
            held.vouching.as_ref().map(|vouching| &vouching.names),
            crl_url.as_deref(),
            self.clock.now(),
        )
        .map_err(|error| match error {
            // The validity is limited by the authority's, so the profile is not at fault.
            IssueError::Rule(RuleViolation::Validity) => Invalid::AuthorityNotValid.into(),
            IssueError::Build(error) => AdminError::from(Failure::encode(error)),
            // Renewals never wait for approval, and the names that are held are those that are
            // vouched for, so these are broken rules.
            violation @ (IssueError::Misbound(_)
            | IssueError::Rule(_)
            | IssueError::RenewalNames
            | IssueError::RenewalSubject) => Invalid::Rule(violation.to_string()).into(),
        })?;
        let issuance = Issuance {
            to_be_signed,
            generation: issuing.generation,
            key: issuing.key,
            key_algorithm: issuing.key_algorithm,
            ..held
        };
        Ok((issuance, validity.not_after))
    }

    /// Builds the audit record of a decision.
    fn build_audit_record(
        &self,
        transaction: &Transaction,
        action: AuditAction,
        status: TransactionStatus,
        reason: Option<&str>,
    ) -> AuditRecord {
        let transaction_id = transaction.key.transaction_id.as_str();
        let before = TransactionStatus::Pending.name();
        Act {
            action,
            object: Reference::to_transaction(transaction.key.uuid()),
            name: transaction_id.to_owned(),
            before: json!({ "status": before }),
            after: json!({ "status": status.name(), "reason": reason }),
        }
        .by(&self.actor, self.clock.now())
    }
}

/// Derives the version of a review from the transaction's claim, which is another one whenever the
/// client replaces the request, and from whatever else decides what an approval would sign.
fn review_version(claim: ClaimUuid, decisive: &[u8]) -> u64 {
    Fingerprint::of(&[&claim.as_bytes()[..], decisive].concat()).number()
}

/// The current profiles of a transaction.
struct EnabledProfiles {
    scep_profile: ScepProfile,
    ra_profile: RaProfile,
}

/// The number of transactions that are read at a time.
const PAGE: u16 = 100;
