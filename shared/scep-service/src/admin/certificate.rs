//! Revocation of certificates and of those that renewed them.

use std::collections::{BTreeMap, BTreeSet};

use ca::authority::Authority;
use ca::generation::Generation;
use ca::id::{AuthorityUuid, CertificateUuid};
use ca::revocation::{Revocation, RevocationReason, RevokedCertificate};
use ca::serial_number::SerialNumber;
use scep_protocol::notice;
use scep_protocol::notice::{Notice, NoticeEvent};
use scep_protocol::profile::ScepProfile;
use serde_json::json;
use time::OffsetDateTime;

use crate::admin::Administration;
use crate::admin::invalid::{AdminError, Invalid};
use crate::audit::{Act, AuditAction};
use crate::error::Failure;
use crate::error_chain::ErrorChain;
use crate::inventory::{CertificateFilter, CertificateRecord, PageRequest};
use crate::notices::notices_of;
use crate::object::{ObjectKind, Reference, Versioned, read};
use crate::ports::WriteOutcome;

/// The certificates that a revocation covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The named certificate only.
    Alone,
    /// The named certificate and every certificate that renewed it, directly or indirectly.
    WithSuccessors,
}

impl Administration {
    /// Revokes a certificate, with or without its successors, and publishes CRLs that contain them.
    /// Returns the successors that this call revoked.
    ///
    /// Safe to repeat with the same reason, for example after a lost response. A successor that is
    /// being issued at the same time is withdrawn instead of recorded.
    ///
    /// # Errors
    /// Returns [`AdminError::NotFound`]; [`AdminError::Conflict`]; [`AdminError::Invalid`] when
    /// the certificate is revoked for another reason, except a hold; and [`AdminError::Failed`]
    /// for failures of the server.
    pub async fn revoke_certificate(
        &self,
        uuid: CertificateUuid,
        reason: RevocationReason,
        reach: Reach,
    ) -> Result<Vec<CertificateUuid>, AdminError> {
        let certificate = self
            .store
            .certificate_record(uuid)
            .await?
            .ok_or(AdminError::NotFound(ObjectKind::Certificate))?;
        let revocation = match certificate.summary.revocation {
            Some(revocation) if revocation.reason == reason => revocation,
            // A hold may become final, RFC 5280 §5.3.1. Every other revocation is permanent.
            Some(Revocation {
                reason: RevocationReason::CertificateHold,
                ..
            })
            | None => self.revoke_one(&certificate, reason).await?,
            Some(_) => return Err(Invalid::CertificateRevoked.into()),
        };
        let mut revoked = vec![(certificate, revocation)];
        let mut newly_revoked = Ok(Vec::new());
        if reach == Reach::WithSuccessors {
            newly_revoked = self.revoke_successors(&mut revoked, reason).await;
        }
        // Publish even if some successors could not be revoked: those that were belong on a CRL.
        self.publish_crls(&revoked).await?;
        newly_revoked
    }

    /// Revokes the certificates that renewed the first of `revoked`, directly or indirectly, and
    /// adds them to `revoked`. Returns those that were not revoked before.
    async fn revoke_successors(
        &self,
        revoked: &mut Vec<(CertificateRecord, Revocation)>,
        reason: RevocationReason,
    ) -> Result<Vec<CertificateUuid>, AdminError> {
        let mut newly_revoked = Vec::new();
        let Some((root, _)) = revoked.first() else {
            return Ok(newly_revoked);
        };
        let authority = root.summary.authority;
        let mut waiting = vec![root.summary.uuid];
        let mut seen = BTreeSet::from([root.summary.uuid]);
        while let Some(predecessor) = waiting.pop() {
            for successor in self.find_successors(authority, predecessor).await? {
                // A damaged record must not make this loop forever.
                if !seen.insert(successor) {
                    continue;
                }
                waiting.push(successor);
                let serial_number = SerialNumber::from_uuid(successor).to_hex();
                let found = self
                    .transactions
                    .certificate(authority, &serial_number)
                    .await?;
                // A successor without a record is still being issued. Recording it will fail,
                // because its predecessor is revoked by then.
                let Some(record) = found else {
                    continue;
                };
                let revocation = match record.summary.revocation {
                    // An earlier attempt may have revoked it and failed before it published a CRL.
                    Some(revocation) if revocation.reason == reason => revocation,
                    // Revoked on its own, for a reason that must not be overwritten.
                    Some(_) => continue,
                    None => {
                        let revocation = self.revoke_one(&record, reason).await?;
                        newly_revoked.push(successor);
                        revocation
                    }
                };
                revoked.push((record, revocation));
            }
        }
        Ok(newly_revoked)
    }

    /// Finds the certificates that renewed this one.
    async fn find_successors(
        &self,
        authority: AuthorityUuid,
        predecessor: CertificateUuid,
    ) -> Result<BTreeSet<CertificateUuid>, Failure> {
        // Both sources are needed: the claims include successors that are being issued now, and the
        // inventory those that were dropped from the list to make room for new ones.
        let mut found: BTreeSet<_> = self
            .transactions
            .successors(authority, predecessor)
            .await?
            .into_iter()
            .collect();
        let filter = CertificateFilter {
            predecessor: Some(predecessor),
            ..CertificateFilter::default()
        };
        let mut page = PageRequest {
            limit: PAGE,
            cursor: None,
        };
        loop {
            let listed = self.store.certificates(&filter, &page).await?;
            found.extend(listed.items.iter().map(|summary| summary.uuid));
            page.cursor = listed.cursor;
            if page.cursor.is_none() {
                return Ok(found);
            }
        }
    }

    /// Revokes one certificate, with its audit record.
    async fn revoke_one(
        &self,
        certificate: &CertificateRecord,
        reason: RevocationReason,
    ) -> Result<Revocation, AdminError> {
        let summary = &certificate.summary;
        let now = self.clock.now();
        // RFC 5280 §5.3: a certificate that was on hold keeps the date of the hold.
        let at = summary.revocation.map_or(now, |hold| hold.at);
        let was = summary
            .revocation
            .map(|revocation| revocation.reason.name());
        let audit = Act {
            action: AuditAction::Revoke,
            object: Reference::to_certificate(summary.uuid),
            name: summary.subject.clone(),
            before: json!({ "serialNumber": summary.serial_number, "revoked": was }),
            after: json!({ "serialNumber": summary.serial_number, "revoked": reason.name() }),
        }
        .by(&self.actor, now);
        let revocation = Revocation { at, reason };
        let notices = self
            .notices_of_revocation(certificate, revocation, now)
            .await?;
        let revoked = self
            .store
            .revoke(certificate, revocation, &notices, &audit)
            .await?;
        match revoked {
            WriteOutcome::Won => Ok(revocation),
            WriteOutcome::Lost => Err(AdminError::Conflict),
        }
    }

    /// The notices of a revocation.
    async fn notices_of_revocation(
        &self,
        certificate: &CertificateRecord,
        revocation: Revocation,
        now: OffsetDateTime,
    ) -> Result<Vec<Notice>, AdminError> {
        let summary = &certificate.summary;
        let found = read::<ScepProfile>(&*self.store, summary.scep_profile).await?;
        let Some(scep_profile) = found.map(|found| found.object) else {
            return Ok(Vec::new());
        };
        let event = NoticeEvent::Revoked(notice::RevokedCertificate {
            authority: summary.authority,
            certificate: summary.uuid,
            reason: revocation.reason.name().to_owned(),
            revoked_at: revocation.at.unix_timestamp(),
        });
        Ok(notices_of(event, &scep_profile, &*self.random, now)?)
    }

    /// Publishes a CRL for each generation that issued one of these certificates. Generations that
    /// no longer exist, and those of deleted authorities, are skipped. A failure is logged and does
    /// not stop the other generations.
    ///
    /// # Errors
    /// Fails when the authorities cannot be read, and otherwise with the last of the failures.
    async fn publish_crls(
        &self,
        revoked: &[(CertificateRecord, Revocation)],
    ) -> Result<(), AdminError> {
        let mut generations: BTreeMap<(AuthorityUuid, Generation), Vec<RevokedCertificate>> =
            BTreeMap::new();
        for (record, revocation) in revoked {
            let generation = (record.summary.authority, record.generation);
            generations
                .entry(generation)
                .or_default()
                .push(RevokedCertificate {
                    uuid: record.summary.uuid,
                    revocation: *revocation,
                });
        }
        let mut failures = Vec::new();
        for ((authority, generation), added) in generations {
            let found: Option<Versioned<Authority>> = read(&*self.store, authority).await?;
            let issuing = found.and_then(|found| {
                let authority = found.object;
                authority
                    .generations()
                    .find(|known| known.number == generation)
                    .and_then(|known| authority.issuing_authority_of(known))
            });
            if let Some(issuing) = issuing
                && let Err(failure) = self.crl_publisher().publish(&issuing, &added).await
            {
                let (authority, error) = (&issuing.name, ErrorChain(&failure));
                let generation = generation.get();
                tracing::error!(%authority, generation, %error, "could not publish a CRL");
                failures.push(failure);
            }
        }
        failures.pop().map_or(Ok(()), |failure| Err(failure.into()))
    }
}

/// The number of successors that are listed at a time.
const PAGE: u16 = 100;
