//! RA certificates: the keys that clients encrypt to, certified by an authority.

use ca_issuer::{CaSubject, SerialNumber};
use scep_cms::PublicKey;
use scep_protocol::{Authority, KeyAlgorithm, Period, RaCertificate};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::entropy::random;
use crate::{Failure, Invalid, ManageError, Managing, Object, StoreError, Versioned, list};

/// An RA certificate to be made.
#[derive(Clone, Debug)]
pub struct NewRaCertificate {
    /// The CN of its subject.
    pub common_name: String,
    /// What its key is: RSA.
    pub key_algorithm: KeyAlgorithm,
    /// How long it is valid, if its authority is for so long.
    pub validity: Period,
}

/// Makes an RA certificate under an authority: its key, the certificate, its record.
///
/// # Errors
/// [`ManageError::NotFound`] when there is no such authority; [`ManageError::Invalid`], also while the authority awaits its
/// certificate; our own failures.
pub async fn create_ra_certificate(
    managing: &Managing,
    authority: Uuid,
    new: NewRaCertificate,
) -> Result<Versioned<RaCertificate>, ManageError> {
    let authority: Versioned<Authority> = managing.get(authority).await?;
    let mut reasons = Vec::new();
    let issuing = authority.object.issuing();
    match &issuing {
        None => reasons.push(Invalid::AuthorityNotActive),
        Some(issuing) if !issuing.certificate.is_valid_at(managing.clock.now()) => {
            reasons.push(Invalid::AuthorityNotValid);
        }
        Some(_) => {}
    }
    let subject = CaSubject::common_name(&new.common_name)
        .map_err(|_| reasons.push(Invalid::CommonName))
        .ok();
    if !is_rsa(new.key_algorithm) {
        reasons.push(Invalid::RaKeyAlgorithm);
    }
    if new.validity.is_zero() || new.validity.after(managing.clock.now()).is_none() {
        reasons.push(Invalid::Validity);
    }
    let (Some(issuing), Some(subject), []) = (issuing, subject, reasons.as_slice()) else {
        return Err(reasons.into());
    };
    let uuid = Uuid::new_v4();
    let key = managing.ra_keys.generate(uuid, new.key_algorithm).await?;
    let to_be_signed = ca_issuer::ra_certificate(
        &issuing,
        &subject,
        &key.subject_public_key_info,
        SerialNumber::from_random(random()?),
        new.validity,
        managing.clock.now(),
    )
    .map_err(Failure::encode)?;
    let certificate = managing
        .sign(&issuing.key, issuing.key_algorithm, &to_be_signed)
        .await?;
    let ra_certificate = RaCertificate {
        uuid,
        authority: issuing.uuid,
        key_algorithm: new.key_algorithm,
        key: key.reference,
        certificate,
    };
    managing.create(ra_certificate).await
}

const fn is_rsa(algorithm: KeyAlgorithm) -> bool {
    match algorithm {
        KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa3072 | KeyAlgorithm::Rsa4096 => true,
        KeyAlgorithm::EcP256 | KeyAlgorithm::EcP384 | KeyAlgorithm::EcP521 => false,
    }
}

/// Deletes an RA certificate that no SCEP Profile uses. Its key stays.
///
/// # Errors
/// [`ManageError::NotFound`] when this authority has no such RA certificate; [`ManageError::Conflict`],
/// [`ManageError::Invalid`]; our own failures.
pub async fn delete_ra_certificate(
    managing: &Managing,
    authority: Uuid,
    uuid: Uuid,
) -> Result<(), ManageError> {
    let ra_certificate: Versioned<RaCertificate> = managing.get(uuid).await?;
    if ra_certificate.object.authority != authority {
        return Err(ManageError::NotFound(RaCertificate::KIND));
    }
    managing.delete(ra_certificate).await
}

/// The RA certificates that a SCEP Profile may use now.
///
/// # Errors
/// Our own failures.
pub async fn usable_ra_certificates(managing: &Managing) -> Result<Vec<RaCertificate>, StoreError> {
    let now = managing.clock.now();
    let all = list::<RaCertificate>(&*managing.objects).await?;
    let objects = all.into_iter().map(|found| found.object);
    Ok(objects.filter(|object| is_usable(object, now)).collect())
}

/// May a SCEP Profile use it now? Every RA certificate of ours is for digitalSignature and keyEncipherment.
pub(super) fn is_usable(ra_certificate: &RaCertificate, now: OffsetDateTime) -> bool {
    let certificate = &ra_certificate.certificate;
    certificate.is_valid_at(now) && matches!(certificate.public_key(), Ok(PublicKey::Rsa { .. }))
}
