//! RA certificates: the keys that clients encrypt to, each certified by an authority.

use ca_issuer::{CaSubject, RaContents, SerialNumber, extended_key_usage_of};
use scep_cms::PublicKey;
use scep_protocol::{
    Authority, ExtendedKeyUsage, IssuingAuthority, KeyAlgorithm, NextCaAnnouncement, Period,
    RaCertificate, RaKeyPair, Signature,
};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::validation::Validation;
use crate::entropy::random_octets;
use crate::next_ca::build_announcement;
use crate::{
    Administration, AuditAction, ErrorChain, Failure, Invalid, ManageError, Object, Reference,
    StoreError, Versioned, list, read,
};

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
    /// Returns [`ManageError::NotFound`] when the authority does not exist;
    /// [`ManageError::Invalid`], also while the authority awaits its certificate; and
    /// [`ManageError::Failed`] for failures of the server.
    pub async fn create_ra_certificate(
        &self,
        new: NewRaCertificate,
        authority: Uuid,
    ) -> Result<Versioned<RaCertificate>, ManageError> {
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
        let uuid = Uuid::new_v4();
        let new_key = NewRaKey {
            algorithm: new.key_algorithm,
            subject: &subject,
            extended_key_usage: &new.extended_key_usage,
            validity: new.validity,
        };
        // The first key has the identity of the RA certificate itself.
        let key = self.create_ra_key(&issuing, uuid, &new_key).await?;
        let ra_certificate = RaCertificate {
            uuid,
            authority: issuing.uuid,
            keys: vec![key],
            announcement: None,
        };
        let created = self.create(ra_certificate).await?;
        let reference = Reference {
            kind: RaCertificate::KIND,
            uuid,
        };
        match self.rotate_ra_keys(&authority.object, reference).await {
            Ok(updated) => Ok(updated.unwrap_or(created)),
            // The RA certificate exists and can serve. Maintenance adds what is missing.
            Err(error) => {
                tracing::warn!(%uuid, error = %ErrorChain(&error), "follow-up work deferred to maintenance");
                Ok(created)
            }
        }
    }

    /// Generates a key for an RA certificate and has a generation of the authority certify it.
    async fn create_ra_key(
        &self,
        authority: &IssuingAuthority,
        uuid: Uuid,
        new_key: &NewRaKey<'_>,
    ) -> Result<RaKeyPair, Failure> {
        let key = self.ra_keys.generate(uuid, new_key.algorithm).await?;
        let crl_url = self.deployment.crl_url(authority);
        let contents = RaContents {
            subject: new_key.subject,
            extended_key_usage: new_key.extended_key_usage,
            crl_url: crl_url.as_deref(),
            validity: new_key.validity,
        };
        let to_be_signed = ca_issuer::ra_certificate(
            authority,
            &contents,
            &key.subject_public_key_info,
            SerialNumber::from_random(random_octets()?),
            self.clock.now(),
        )
        .map_err(Failure::encode)?;
        let object = Reference {
            kind: RaCertificate::KIND,
            uuid,
        };
        let certificate = self
            .sign(
                object,
                &authority.key,
                authority.key_algorithm,
                &to_be_signed,
            )
            .await?;
        Ok(RaKeyPair {
            uuid,
            generation: authority.generation,
            key_algorithm: new_key.algorithm,
            key: key.location,
            certificate,
        })
    }

    /// Brings an RA certificate up to date: issues or rotates its keys for the current and the next
    /// generation, refreshes the rollover announcement, and drops expired keys. Whatever succeeds
    /// is stored before an error is returned. Returns the updated RA certificate, or `None` if
    /// `reference` does not refer to one.
    pub(crate) async fn rotate_ra_keys(
        &self,
        authority: &Authority,
        reference: Reference,
    ) -> Result<Option<Versioned<RaCertificate>>, ManageError> {
        if reference.kind != RaCertificate::KIND {
            return Ok(None);
        }
        let Some(before) = read::<RaCertificate>(&*self.objects, reference.uuid).await? else {
            return Ok(None);
        };
        let mut after = before.object.clone();
        let current = authority.issuing();
        let next = authority
            .next
            .as_ref()
            .and_then(|generation| authority.issuing_by(generation));
        // A generation whose key is lost can sign nothing, which must not stop the other one.
        let mut outcome = Ok(());
        for issuing in current.iter().chain(&next) {
            match self.renew_ra_key(issuing, &after).await {
                Ok(key) => after.keys.extend(key),
                Err(error) => outcome = Err(error),
            }
        }
        // Older keys stay until they expire: clients that fetched the RA certificate earlier still
        // encrypt to them. The newest one of a generation stays even then, as the model for its
        // successor.
        let now = self.clock.now();
        let newest: Vec<_> = current
            .iter()
            .chain(&next)
            .filter_map(|issuing| after.key_of(issuing.generation))
            .map(|key| key.uuid)
            .collect();
        after
            .keys
            .retain(|key| newest.contains(&key.uuid) || key.certificate.is_valid_at(now));
        after.announcement = match (&current, &next) {
            (Some(current), Some(next)) => {
                match self.refresh_announcement(current, next, &after).await {
                    Ok(announcement) => announcement,
                    Err(error) => {
                        outcome = Err(error);
                        None
                    }
                }
            }
            (_, None) | (None, _) => None,
        };
        let updated = self.replace(before, after, AuditAction::Rotate).await?;
        outcome?;
        Ok(Some(updated))
    }

    /// Generates a key of an RA certificate for a generation, if the RA certificate has none for it
    /// or the newest one expires soon.
    async fn renew_ra_key(
        &self,
        authority: &IssuingAuthority,
        ra_certificate: &RaCertificate,
    ) -> Result<Option<RaKeyPair>, Failure> {
        let now = self.clock.now();
        let newest = ra_certificate.key_of(authority.generation);
        // A new key copies algorithm, subject and validity from the one that it replaces.
        let Some(model) = newest.or(ra_certificate.keys.last()) else {
            return Ok(None);
        };
        let validity = model.certificate.validity().map_err(Failure::encode)?;
        let life = validity.not_after - validity.not_before;
        let authority_validity = authority.certificate.validity().map_err(Failure::encode)?;
        let is_fresh = now + ROTATE_BEFORE.min(life / 3) < validity.not_after;
        // A new certificate would expire with the authority as well, so it would not last longer.
        let cannot_last_longer = validity.not_after >= authority_validity.not_after;
        if (newest.is_some() && (is_fresh || cannot_last_longer))
            || !authority.certificate.is_valid_at(now)
        {
            return Ok(None);
        }
        let days = u16::try_from(life.whole_days()).unwrap_or(u16::MAX);
        let new_key = NewRaKey {
            algorithm: model.key_algorithm,
            subject: &CaSubject::of(&model.certificate),
            extended_key_usage: &extended_key_usage_of(&model.certificate)
                .map_err(Failure::encode)?,
            validity: Period::days(days.max(1)),
        };
        let key = self
            .create_ra_key(authority, Uuid::new_v4(), &new_key)
            .await?;
        Ok(Some(key))
    }

    /// Returns the announcement of the next generation, and signs a new one only if the
    /// certificates have changed.
    async fn refresh_announcement(
        &self,
        current: &IssuingAuthority,
        next: &IssuingAuthority,
        ra_certificate: &RaCertificate,
    ) -> Result<Option<NextCaAnnouncement>, Failure> {
        // The announcement contains the RA certificate of the next generation.
        let Some(key) = ra_certificate.key_of(next.generation) else {
            return Ok(None);
        };
        let mut certificates = vec![next.certificate.clone()];
        certificates.extend(next.chain.clone());
        certificates.push(key.certificate.clone());
        if let Some(known) = &ra_certificate.announcement
            && known.generation == next.generation
            && known.certificates == certificates
        {
            return Ok(Some(known.clone()));
        }
        let message = build_announcement(current, &certificates)?;
        let signature = self
            .ca_keys
            .sign(&current.key, current.key_algorithm, message.bytes())
            .await?;
        Ok(Some(NextCaAnnouncement {
            generation: next.generation,
            certificates,
            signature: Signature::new(signature),
        }))
    }

    /// Deletes an RA certificate that no SCEP Profile uses. Its key stays in the key store.
    ///
    /// # Errors
    /// Returns [`ManageError::NotFound`] when this authority has no such RA certificate;
    /// [`ManageError::Conflict`]; [`ManageError::Invalid`]; and [`ManageError::Failed`] for
    /// failures of the server.
    pub async fn delete_ra_certificate(
        &self,
        uuid: Uuid,
        authority: Uuid,
    ) -> Result<(), ManageError> {
        let ra_certificate: Versioned<RaCertificate> = self.get(uuid).await?;
        if ra_certificate.object.authority != authority {
            return Err(ManageError::NotFound(RaCertificate::KIND));
        }
        self.delete(ra_certificate).await
    }

    /// Lists the RA certificates that a SCEP Profile may use now.
    ///
    /// # Errors
    /// Fails when the store fails.
    pub async fn usable_ra_certificates(&self) -> Result<Vec<RaCertificate>, StoreError> {
        let now = self.clock.now();
        Ok(list::<RaCertificate>(&*self.objects)
            .await?
            .into_iter()
            .map(|found| found.object)
            .filter(|object| is_usable(object, now))
            .collect())
    }
}

/// The maximum number of purposes of an RA certificate.
pub(super) const MAX_USAGES: usize = 16;

/// The parameters of a new key of an RA certificate.
struct NewRaKey<'a> {
    algorithm: KeyAlgorithm,
    subject: &'a CaSubject,
    extended_key_usage: &'a [ExtendedKeyUsage],
    validity: Period,
}

/// How long before its expiry an RA certificate gets a new key. One that is valid for less than
/// three times as long gets it in the last third of its validity.
// Clients that cached the old certificate have this long to fetch the new one.
const ROTATE_BEFORE: Duration = Duration::days(30);

/// Returns the current generation of an authority that can issue now.
fn find_issuing(authority: &Authority, now: OffsetDateTime) -> Result<IssuingAuthority, Invalid> {
    let issuing = authority.issuing().ok_or(Invalid::AuthorityNotActive)?;
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
