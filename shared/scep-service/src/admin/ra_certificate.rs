//! RA certificates: the keys that clients encrypt to, each certified by an authority.

use ca::authority::{Authority, IssuingAuthority};
use ca::id::AuthorityUuid;
use ca::key_algorithm::KeyAlgorithm;
use ca::server_certificate::CaSubject;
use ca::template::{ExtendedKeyUsage, Period};
use newtype_uuid::GenericUuid;
use scep_cms::public_key::PublicKey;
use scep_protocol::id::{RaCertificateUuid, RaKeyUuid};
use scep_protocol::ra_certificate::RaCertificate;
use time::OffsetDateTime;

use crate::admin::Administration;
use crate::admin::invalid::{AdminError, Invalid};
use crate::admin::limits::MAX_USAGES;
use crate::admin::ra_keys::NewRaKey;
use crate::admin::validation::Validation;
use crate::error::StoreError;
use crate::error_chain::ErrorChain;
use crate::object::{Object, Versioned, list};

/// The fields of a new RA certificate.
#[derive(Clone, Debug)]
pub struct NewRaCertificate {
    /// The CN of the subject.
    pub common_name: String,
    /// The algorithm of the key, which must be RSA.
    pub key_algorithm: KeyAlgorithm,
    /// The purposes of the certificate, in addition to its key usages.
    pub extended_key_usage: Vec<ExtendedKeyUsage>,
    /// The validity period, which the expiry of the authority limits.
    pub validity: Period,
}

impl Administration {
    /// Creates an RA certificate under an authority, with its key.
    ///
    /// # Errors
    /// Returns [`AdminError::NotFound`] when the authority does not exist;
    /// [`AdminError::Invalid`], also while the authority awaits its certificate; and
    /// [`AdminError::Failed`] for failures of the server.
    pub async fn create_ra_certificate(
        &self,
        new: NewRaCertificate,
        authority: AuthorityUuid,
    ) -> Result<Versioned<RaCertificate>, AdminError> {
        let authority: Versioned<Authority> = self.get(authority).await?;
        let now = self.clock.now();
        let mut errors = Validation::default();
        let issuing = errors.check(find_issuing(&authority.object, now));
        let subject =
            errors.check(CaSubject::common_name(&new.common_name).map_err(|_| Invalid::CommonName));
        errors.require(is_rsa(new.key_algorithm), Invalid::RaKeyAlgorithm);
        errors.extend(unfit_usages(&new.extended_key_usage));
        errors.require(
            new.extended_key_usage.len() <= MAX_USAGES,
            Invalid::RaUsages,
        );
        errors.require(
            !new.validity.is_zero() && new.validity.after(now).is_some(),
            Invalid::Validity,
        );
        let (issuing, subject) = errors.finish(issuing.zip(subject))?;
        let uuid: RaCertificateUuid = self.random.uuid()?;
        let new_key = NewRaKey {
            algorithm: new.key_algorithm,
            subject,
            extended_key_usage: new.extended_key_usage,
            validity: new.validity,
        };
        // The first key has the identity of the RA certificate itself.
        let key_uuid = RaKeyUuid::from_untyped_uuid(uuid.into_untyped_uuid());
        let key = self.create_ra_key(key_uuid, &new_key, &issuing).await?;
        let ra_certificate = RaCertificate {
            uuid,
            authority: issuing.uuid,
            keys: vec![key],
            announcement: None,
        };
        let created = self.create(ra_certificate).await?;
        let rotation = self.rotate_ra_keys(uuid, &authority.object).await;
        // The RA certificate exists and can serve. Maintenance adds what is missing.
        for failure in &rotation.failures {
            let error = ErrorChain(failure);
            tracing::warn!(%uuid, %error, "follow-up work deferred to maintenance");
        }
        Ok(rotation.ra_certificate.unwrap_or(created))
    }

    /// Deletes an RA certificate that no SCEP Profile uses. Its key stays in the key store.
    ///
    /// # Errors
    /// Returns [`AdminError::NotFound`] when this authority has no such RA certificate;
    /// [`AdminError::Conflict`]; [`AdminError::Invalid`]; and [`AdminError::Failed`] for
    /// failures of the server.
    pub async fn delete_ra_certificate(
        &self,
        uuid: RaCertificateUuid,
        authority: AuthorityUuid,
    ) -> Result<(), AdminError> {
        let ra_certificate: Versioned<RaCertificate> = self.get(uuid).await?;
        if ra_certificate.object.authority != authority {
            return Err(AdminError::NotFound(RaCertificate::KIND));
        }
        self.delete(ra_certificate).await
    }

    /// Lists the RA certificates that a SCEP Profile may use now.
    ///
    /// # Errors
    /// Fails when the store fails.
    pub async fn usable_ra_certificates(&self) -> Result<Vec<RaCertificate>, StoreError> {
        let now = self.clock.now();
        Ok(list::<RaCertificate>(&*self.store)
            .await?
            .into_iter()
            .map(|found| found.object)
            .filter(|object| is_usable(object, now))
            .collect())
    }
}

/// Returns the current generation of an authority that can issue now.
fn find_issuing(authority: &Authority, now: OffsetDateTime) -> Result<IssuingAuthority, Invalid> {
    let issuing = authority
        .issuing_authority()
        .ok_or(Invalid::AuthorityNotActive)?;
    if !issuing.certificate.is_valid_at(now) {
        return Err(Invalid::AuthorityNotValid);
    }
    Ok(issuing)
}

/// Returns the reasons against those of these purposes that an RA certificate must not have.
fn unfit_usages(usages: &[ExtendedKeyUsage]) -> impl Iterator<Item = Invalid> {
    usages
        .iter()
        .filter(|usage| usage.is_unfit_for_servers())
        .map(|usage| Invalid::RaUsage(*usage))
}

const fn is_rsa(algorithm: KeyAlgorithm) -> bool {
    match algorithm {
        KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa3072 | KeyAlgorithm::Rsa4096 => true,
        KeyAlgorithm::EcP256 | KeyAlgorithm::EcP384 | KeyAlgorithm::EcP521 => false,
    }
}

/// Returns whether a SCEP Profile may use this RA certificate now.
// The key usages need no check: every RA certificate of this server has digitalSignature and
// keyEncipherment.
pub(super) fn is_usable(ra_certificate: &RaCertificate, now: OffsetDateTime) -> bool {
    ra_certificate.keys.iter().any(|key| {
        let certificate = &key.certificate;
        certificate.is_valid_at(now)
            && matches!(certificate.public_key(), Ok(PublicKey::Rsa { .. }))
    })
}
