//! Certificates that were issued: revoking them, and those that renewed them.

use std::collections::{BTreeMap, BTreeSet};

use ca_issuer::SerialNumber;
use scep_protocol::{Authority, Revocation, RevocationReason, RevokedCertificate};
use serde_json::json;
use uuid::Uuid;

use crate::audit::Act;
use crate::{
    AuditAction, CertificateFilter, CertificateRecord, ClaimOutcome, Failure, Invalid, ManageError,
    Managing, ObjectKind, PageRequest, Reference, Versioned, read,
};

/// Which certificates a revocation reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The one that is named.
    Alone,
    /// That one and every certificate that renewed it, directly or in turn.
    WithSuccessors,
}

/// Revokes a certificate, perhaps with its successors, and publishes CRLs with them on. The successors that it revoked.
///
/// Again with the same reason is as once: who lost the answer may ask again. A successor that is being issued meanwhile is
/// withdrawn when it is to be recorded.
///
/// # Errors
/// [`ManageError::NotFound`], [`ManageError::Conflict`]; [`ManageError::Invalid`] when it is revoked for another reason, other than
/// a hold; our own failures.
pub async fn revoke_certificate(
    managing: &Managing,
    uuid: Uuid,
    reason: RevocationReason,
    reach: Reach,
) -> Result<Vec<Uuid>, ManageError> {
    let found = managing.certificates.certificate_record(uuid).await?;
    let certificate = found.ok_or(ManageError::NotFound(ObjectKind::Certificate))?;
    let revocation = match certificate.summary.revocation {
        Some(revocation) if revocation.reason == reason => revocation,
        Some(Revocation {
            reason: RevocationReason::CertificateHold,
            ..
        })
        | None => revoke(managing, &certificate, reason).await?,
        Some(_) => return Err(vec![Invalid::CertificateRevoked].into()),
    };
    let mut revoked = vec![(certificate, revocation)];
    let mut taken = Ok(Vec::new());
    if reach == Reach::WithSuccessors {
        taken = revoke_successors(managing, &mut revoked, reason).await;
    }
    // What is revoked by now belongs on a CRL, whatever came of the rest.
    publish(managing, &revoked).await?;
    taken
}

/// Revokes whatever renewed the first of `revoked`, and adds it there; also what was revoked
/// for the same reason before,
/// perhaps by a try that came to no CRL. Those that were not.
async fn revoke_successors(
    managing: &Managing,
    revoked: &mut Vec<(CertificateRecord, Revocation)>,
    reason: RevocationReason,
) -> Result<Vec<Uuid>, ManageError> {
    let mut taken = Vec::new();
    let Some((root, _)) = revoked.first() else {
        return Ok(taken);
    };
    let authority = root.summary.authority;
    let mut waiting = vec![root.summary.uuid];
    let mut seen = BTreeSet::from([root.summary.uuid]);
    while let Some(predecessor) = waiting.pop() {
        for successor in successors(managing, authority, predecessor).await? {
            if !seen.insert(successor) {
                continue;
            }
            waiting.push(successor);
            let serial_number = SerialNumber::of_uuid(successor).hex();
            let found = managing
                .transactions
                .certificate(authority, &serial_number)
                .await?;
            // One that is claimed only finds its predecessor revoked when it is to be recorded.
            let Some(record) = found else {
                continue;
            };
            let revocation = match record.summary.revocation {
                Some(revocation) if revocation.reason == reason => revocation,
                Some(_) => continue,
                None => {
                    let revocation = revoke(managing, &record, reason).await?;
                    taken.push(successor);
                    revocation
                }
            };
            revoked.push((record, revocation));
        }
    }
    Ok(taken)
}

/// The certificates that renewed this one: those that are claimed at this moment, and those that the inventory lists.
async fn successors(
    managing: &Managing,
    authority: Uuid,
    predecessor: Uuid,
) -> Result<BTreeSet<Uuid>, Failure> {
    let claimed = managing.transactions.successors(authority, predecessor);
    let mut found: BTreeSet<_> = claimed.await?.into_iter().collect();
    let filter = CertificateFilter {
        predecessor: Some(predecessor),
        ..CertificateFilter::default()
    };
    let mut page = PageRequest {
        limit: PAGE,
        cursor: None,
    };
    loop {
        let listed = managing.certificates.certificates(&filter, &page).await?;
        found.extend(listed.items.iter().map(|summary| summary.uuid));
        page.cursor = listed.cursor;
        if page.cursor.is_none() {
            return Ok(found);
        }
    }
}

/// How many successors are listed in one step.
const PAGE: u16 = 100;

async fn revoke(
    managing: &Managing,
    certificate: &CertificateRecord,
    reason: RevocationReason,
) -> Result<Revocation, ManageError> {
    let summary = &certificate.summary;
    let now = managing.clock.now();
    // What was on hold has been revoked since then, RFC 5280 §5.3.
    let at = summary.revocation.map_or(now, |hold| hold.at);
    let was = summary
        .revocation
        .map(|revocation| revocation.reason.name());
    let audit = Act {
        action: AuditAction::Revoke,
        object: Reference {
            kind: ObjectKind::Certificate,
            uuid: summary.uuid,
        },
        name: summary.subject.clone(),
        before: json!({ "serialNumber": summary.serial_number, "revoked": was }),
        after: json!({ "serialNumber": summary.serial_number, "revoked": reason.name() }),
    }
    .by(&managing.actor, now);
    let revocation = Revocation { at, reason };
    match managing
        .certificates
        .revoke(certificate, revocation, &audit)
        .await?
    {
        ClaimOutcome::Won => Ok(revocation),
        ClaimOutcome::Lost => Err(ManageError::Conflict),
    }
}

/// A CRL of each generation that issued one of these certificates, with them on. None for an authority that is gone, or
/// a generation that is.
async fn publish(
    managing: &Managing,
    revoked: &[(CertificateRecord, Revocation)],
) -> Result<(), ManageError> {
    let mut generations: BTreeMap<(Uuid, u32), Vec<RevokedCertificate>> = BTreeMap::new();
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
    for ((authority, generation), added) in generations {
        let found: Option<Versioned<Authority>> = read(&*managing.objects, authority).await?;
        let issuing = found.and_then(|found| {
            let authority = found.object;
            let mut generations = authority.generations();
            let generation = generations.find(|of| of.number == generation)?;
            authority.issuing_by(generation)
        });
        if let Some(issuing) = issuing {
            managing.make_crl(&issuing, &added).await?;
        }
    }
    Ok(())
}
