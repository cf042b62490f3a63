//! RA certificates: the keys that clients encrypt to, certified by an authority.

use ca_issuer::{CaSubject, RaContents, SerialNumber, extended_key_usage_of};
use scep_cms::PublicKey;
use scep_protocol::{
    Authority, ExtendedKeyUsage, IssuingAuthority, KeyAlgorithm, NextCaAnnouncement, Period,
    RaCertificate, RaKeyPair, Signature,
};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::entropy::random;
use crate::next_ca::announcement_of;
use crate::{
    AuditAction, Causes, Failure, Invalid, ManageError, Managing, Object, Reference, StoreError,
    Versioned, list, read,
};

/// An RA certificate to be made.
#[derive(Clone, Debug)]
pub struct NewRaCertificate {
    /// The CN of its subject.
    pub common_name: String,
    /// What its key is: RSA.
    pub key_algorithm: KeyAlgorithm,
    /// What it is for, besides its key usages.
    pub extended_key_usage: Vec<ExtendedKeyUsage>,
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
    let usages = new.extended_key_usage.iter();
    let unfit = usages.filter(|usage| usage.is_unfit_for_servers());
    reasons.extend(unfit.map(|usage| Invalid::RaUsage(*usage)));
    if new.extended_key_usage.len() > MAX_USAGES {
        reasons.push(Invalid::RaUsages);
    }
    if new.validity.is_zero() || new.validity.after(managing.clock.now()).is_none() {
        reasons.push(Invalid::Validity);
    }
    let (Some(issuing), Some(subject), []) = (issuing, subject, reasons.as_slice()) else {
        return Err(reasons.into());
    };
    let uuid = Uuid::new_v4();
    let wanted = Wanted {
        algorithm: new.key_algorithm,
        subject: &subject,
        extended_key_usage: &new.extended_key_usage,
        validity: new.validity,
    };
    // Its first key has its own identity.
    let key = managing.ra_key(&issuing, uuid, &wanted).await?;
    let ra_certificate = RaCertificate {
        uuid,
        authority: issuing.uuid,
        keys: vec![key],
        announcement: None,
    };
    let created = managing.create(ra_certificate).await?;
    let reference = Reference {
        kind: RaCertificate::KIND,
        uuid,
    };
    match managing.keep_ra_keys(&authority.object, reference).await {
        Ok(kept) => Ok(kept.unwrap_or(created)),
        // It is there, and upkeep mends what it lacks.
        Err(error) => {
            tracing::warn!(%uuid, error = %Causes(&error), "an RA certificate lacks its next key");
            Ok(created)
        }
    }
}

/// Most purposes of an RA certificate.
const MAX_USAGES: usize = 16;

/// A key that an RA certificate is to get.
struct Wanted<'a> {
    algorithm: KeyAlgorithm,
    subject: &'a CaSubject,
    extended_key_usage: &'a [ExtendedKeyUsage],
    validity: Period,
}

impl Managing {
    /// A new key of an RA certificate, certified by a generation of its authority.
    async fn ra_key(
        &self,
        authority: &IssuingAuthority,
        uuid: Uuid,
        wanted: &Wanted<'_>,
    ) -> Result<RaKeyPair, Failure> {
        let key = self.ra_keys.generate(uuid, wanted.algorithm).await?;
        let crl_url = self.deployment.crl_url(authority);
        let contents = RaContents {
            subject: wanted.subject,
            extended_key_usage: wanted.extended_key_usage,
            crl_url: crl_url.as_deref(),
            validity: wanted.validity,
        };
        let to_be_signed = ca_issuer::ra_certificate(
            authority,
            &contents,
            &key.subject_public_key_info,
            SerialNumber::from_random(random()?),
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
            key_algorithm: wanted.algorithm,
            key: key.reference,
            certificate,
        })
    }

    /// Gives an RA certificate what it lacks: a key of the generation that issues and of the next one, each anew before it ends; the
    /// announcement of the next one. Forgets keys that have ended. What could be made is stored before an error. What it has become; `None` when `reference` is no RA certificate.
    pub(crate) async fn keep_ra_keys(
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
        let next = authority.next.as_ref();
        let next = next.and_then(|generation| authority.issuing_by(generation));
        // What one generation's key cannot sign any more keeps no other's from its due.
        let mut made = Ok(());
        for issuing in current.iter().chain(&next) {
            match self.renewed_ra_key(issuing, &after).await {
                Ok(key) => after.keys.extend(key),
                Err(error) => made = Err(error),
            }
        }
        let now = self.clock.now();
        let issuing = current.iter().chain(&next);
        let newest = issuing.filter_map(|issuing| after.key_of(issuing.generation));
        let newest: Vec<_> = newest.map(|key| key.uuid).collect();
        after
            .keys
            .retain(|key| newest.contains(&key.uuid) || key.certificate.is_valid_at(now));
        after.announcement = match (&current, &next) {
            (Some(current), Some(next)) => match self.announcement(current, next, &after).await {
                Ok(announcement) => announcement,
                Err(error) => {
                    made = Err(error);
                    None
                }
            },
            (_, None) | (None, _) => None,
        };
        let kept = self.replace(before, after, AuditAction::Rotate).await?;
        made?;
        Ok(Some(kept))
    }

    /// The key that an RA certificate is to have besides, while a generation issues: in the place of none, or of one that ends soon.
    async fn renewed_ra_key(
        &self,
        authority: &IssuingAuthority,
        ra_certificate: &RaCertificate,
    ) -> Result<Option<RaKeyPair>, Failure> {
        let now = self.clock.now();
        let newest = ra_certificate.key_of(authority.generation);
        let Some(model) = newest.or(ra_certificate.keys.last()) else {
            return Ok(None);
        };
        let validity = model.certificate.validity().map_err(Failure::encode)?;
        let life = validity.not_after - validity.not_before;
        let ends = authority.certificate.validity().map_err(Failure::encode)?;
        let lasts = now + ROTATE_BEFORE.min(life / 3) < validity.not_after;
        // Nothing that is made now would last longer than the authority does.
        let last = validity.not_after >= ends.not_after;
        if (newest.is_some() && (lasts || last)) || !authority.certificate.is_valid_at(now) {
            return Ok(None);
        }
        let days = u16::try_from(life.whole_days()).unwrap_or(u16::MAX);
        let wanted = Wanted {
            algorithm: model.key_algorithm,
            subject: &CaSubject::of(&model.certificate),
            extended_key_usage: &extended_key_usage_of(&model.certificate)
                .map_err(Failure::encode)?,
            validity: Period::days(days.max(1)),
        };
        let key = self.ra_key(authority, Uuid::new_v4(), &wanted).await?;
        Ok(Some(key))
    }

    /// What clients are told of the next generation: signed anew when it is not what they were told.
    async fn announcement(
        &self,
        current: &IssuingAuthority,
        next: &IssuingAuthority,
        ra_certificate: &RaCertificate,
    ) -> Result<Option<NextCaAnnouncement>, Failure> {
        let Some(key) = ra_certificate.key_of(next.generation) else {
            return Ok(None);
        };
        let mut certificates = vec![next.certificate.clone()];
        certificates.extend(next.chain.clone());
        certificates.push(key.certificate.clone());
        let told = ra_certificate.announcement.as_ref();
        let told = told
            .filter(|told| told.generation == next.generation && told.certificates == certificates);
        if let Some(told) = told {
            return Ok(Some(told.clone()));
        }
        let message = announcement_of(current, &certificates)?;
        let signing = self
            .ca_keys
            .sign(&current.key, current.key_algorithm, message.bytes());
        Ok(Some(NextCaAnnouncement {
            generation: next.generation,
            certificates,
            signature: Signature(signing.await?),
        }))
    }
}

/// How long before it ends an RA certificate gets a new key; of a short one, in the last third of its life.
const ROTATE_BEFORE: Duration = Duration::days(30);

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
    ra_certificate.keys.iter().any(|key| {
        let certificate = &key.certificate;
        certificate.is_valid_at(now)
            && matches!(certificate.public_key(), Ok(PublicKey::Rsa { .. }))
    })
}
