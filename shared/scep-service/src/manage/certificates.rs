//! Certificates that were issued: revoking them.

use scep_protocol::{Authority, Revocation, RevocationReason, RevokedCertificate};
use serde_json::json;
use uuid::Uuid;

use crate::audit::Act;
use crate::{
    AuditAction, CertificateRecord, ClaimOutcome, Invalid, ManageError, Managing, ObjectKind,
    Reference, Versioned, read,
};

/// Revokes a certificate, and publishes a CRL with it on. Again with the same reason is as once: who lost the answer may ask again.
///
/// # Errors
/// [`ManageError::NotFound`], [`ManageError::Conflict`]; [`ManageError::Invalid`] when it is revoked for another reason, other than
/// a hold; our own failures.
pub async fn revoke_certificate(
    managing: &Managing,
    uuid: Uuid,
    reason: RevocationReason,
) -> Result<(), ManageError> {
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
    publish(managing, &certificate, revocation).await
}

async fn revoke(
    managing: &Managing,
    certificate: &CertificateRecord,
    reason: RevocationReason,
) -> Result<Revocation, ManageError> {
    let summary = &certificate.summary;
    let at = managing.clock.now();
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
    .by(&managing.actor, at);
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

/// A CRL with the certificate on. None for an authority that is gone, or a generation that is.
async fn publish(
    managing: &Managing,
    certificate: &CertificateRecord,
    revocation: Revocation,
) -> Result<(), ManageError> {
    let authority = certificate.summary.authority;
    let found: Option<Versioned<Authority>> = read(&*managing.objects, authority).await?;
    let issuing = found.and_then(|found| {
        let authority = found.object;
        let mut generations = authority.generations();
        let generation = generations.find(|of| of.number == certificate.generation)?;
        authority.issuing_by(generation)
    });
    let Some(issuing) = issuing else {
        return Ok(());
    };
    let added = RevokedCertificate {
        uuid: certificate.summary.uuid,
        revocation,
    };
    Ok(managing.make_crl(&issuing, Some(added)).await?)
}
