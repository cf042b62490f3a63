//! Authorities: made with their keys, certified by themselves or by another CA.

use ca_issuer::{
    CaSubject, Certified, Keypair, SerialNumber, assemble_request, certification_request,
    check_path,
};
use scep_cms::CertificationRequest;
use scep_protocol::{
    Authority, CaGeneration, CertificatePath, Certification, Description, KeyAlgorithm,
    KeyReference, Period, ProfileName,
};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{describe, new_name, same_name};
use crate::entropy::random;
use crate::{
    AuditAction, CertificateFilter, Edit, Failure, GeneratedKey, Invalid, KeyError, ManageError,
    Managing, Object, PageRequest, Reference, Versioned, find,
};

/// Who certifies an authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorityKind {
    /// Itself.
    Root,
    /// Another CA.
    Subordinate,
}

/// An authority to be made.
#[derive(Clone, Debug)]
pub struct NewAuthority {
    /// Its name.
    pub name: String,
    /// What an administrator notes.
    pub description: Edit<String>,
    /// Who certifies it.
    pub kind: AuthorityKind,
    /// What its key is.
    pub key_algorithm: KeyAlgorithm,
    /// An existing key to take; `None` for a new one.
    pub key: Option<KeyReference>,
    /// Its subject, RFC 4514's text.
    pub subject: String,
    /// How long a root's certificate is valid.
    pub validity: Period,
}

/// Makes an authority: its key, and a root's self-signed certificate or a subordinate's request for one.
///
/// # Errors
/// [`ManageError::NameTaken`], [`ManageError::Invalid`]; our own failures.
pub async fn create_authority(
    managing: &Managing,
    new: NewAuthority,
) -> Result<Versioned<Authority>, ManageError> {
    let mut reasons = Vec::new();
    let name = new_name(Some(new.name), &mut reasons);
    let mut description = Description::default();
    describe(new.description, &mut description, &mut reasons);
    if !is_validity(new.validity, managing.clock.now()) {
        reasons.push(Invalid::Validity);
    }
    let subject = CaSubject::new(&new.subject)
        .map_err(|_| reasons.push(Invalid::Subject))
        .ok();
    let (Some(name), Some(subject), []) = (name, subject, reasons.as_slice()) else {
        return Err(reasons.into());
    };
    // A key is for good: none is made for a name that is taken. The store looks again.
    let taken = find::<Authority>(&*managing.objects, &name).await?;
    if taken.is_some() {
        return Err(ManageError::NameTaken(Authority::KIND));
    }
    let key = ca_key(managing, &name, new.key.as_ref(), new.key_algorithm).await?;
    let uuid = Uuid::new_v4();
    let certified = certify(
        managing,
        uuid,
        &key,
        new.key_algorithm,
        new.kind,
        &subject,
        new.validity,
    );
    let created = match certified.await {
        Err(failure) => Err(failure.into()),
        Ok(certification) => {
            let authority = Authority {
                uuid,
                name,
                description,
                current: CaGeneration {
                    number: 1,
                    key_algorithm: new.key_algorithm,
                    key: key.reference.clone(),
                    certification,
                },
                next: None,
                previous: Vec::new(),
            };
            managing.create(authority).await
        }
    };
    match &created {
        Ok(created) => managing.keep_afterwards(created.object.uuid).await,
        Err(_) => without_authority(&key.reference),
    }
    created
}

/// Can a root's certificate be valid for so long from now on? For some time, and not beyond RFC 5280's dates.
pub(super) fn is_validity(validity: Period, now: OffsetDateTime) -> bool {
    let ends = validity.after(now);
    !validity.is_zero() && ends.is_some_and(|end| end.year() <= 9999)
}

/// The existing key that is to be taken, or a new one.
pub(super) async fn ca_key(
    managing: &Managing,
    authority: &ProfileName,
    existing: Option<&KeyReference>,
    algorithm: KeyAlgorithm,
) -> Result<GeneratedKey, KeyError> {
    match existing {
        Some(reference) => managing.ca_keys.adopt(reference, algorithm).await,
        None => managing.ca_keys.generate(authority, algorithm).await,
    }
}

/// Says that a key was made in vain.
pub(super) fn without_authority(key: &KeyReference) {
    tracing::warn!(
        key = key.0,
        "a key without an authority: adopt it, or delete it"
    );
}

/// What vouches for a new key of this authority: a root's self-signed certificate, or a subordinate's request for one.
pub(super) async fn certify(
    managing: &Managing,
    authority: Uuid,
    key: &GeneratedKey,
    algorithm: KeyAlgorithm,
    kind: AuthorityKind,
    subject: &CaSubject,
    validity: Period,
) -> Result<Certification, Failure> {
    match kind {
        AuthorityKind::Root => root(managing, authority, key, algorithm, subject, validity).await,
        AuthorityKind::Subordinate => request(managing, key, algorithm, subject).await,
    }
}

async fn root(
    managing: &Managing,
    authority: Uuid,
    key: &GeneratedKey,
    algorithm: KeyAlgorithm,
    subject: &CaSubject,
    validity: Period,
) -> Result<Certification, Failure> {
    let to_be_signed = ca_issuer::root_authority(
        subject,
        &keypair(key, algorithm),
        SerialNumber::from_random(random()?),
        validity,
        managing.clock.now(),
    )
    .map_err(Failure::encode)?;
    let object = Reference {
        kind: Authority::KIND,
        uuid: authority,
    };
    let certificate = managing
        .sign(object, &key.reference, algorithm, &to_be_signed)
        .await?;
    Ok(Certification::Root { certificate })
}

async fn request(
    managing: &Managing,
    key: &GeneratedKey,
    algorithm: KeyAlgorithm,
    subject: &CaSubject,
) -> Result<Certification, Failure> {
    let to_be_signed =
        certification_request(subject, &keypair(key, algorithm)).map_err(Failure::encode)?;
    let signature = managing
        .ca_keys
        .sign(&key.reference, algorithm, &to_be_signed)
        .await?;
    let request =
        assemble_request(&to_be_signed, algorithm, &signature).map_err(Failure::encode)?;
    Ok(Certification::Subordinate {
        request,
        installed: None,
    })
}

fn keypair(key: &GeneratedKey, algorithm: KeyAlgorithm) -> Keypair<'_> {
    Keypair {
        algorithm,
        subject_public_key_info: &key.subject_public_key_info,
    }
}

/// Edits an authority's description.
///
/// # Errors
/// [`ManageError::NotFound`], [`ManageError::Conflict`], [`ManageError::Invalid`]; our own failures.
pub async fn edit_authority(
    managing: &Managing,
    uuid: Uuid,
    version: Option<u64>,
    name: Option<&str>,
    description: Edit<String>,
) -> Result<Versioned<Authority>, ManageError> {
    let before: Versioned<Authority> = managing.get_version(uuid, version).await?;
    let mut after = before.object.clone();
    let mut reasons = Vec::new();
    same_name(name, &after.name, &mut reasons);
    describe(description, &mut after.description, &mut reasons);
    if !reasons.is_empty() {
        return Err(reasons.into());
    }
    managing.replace(before, after, AuditAction::Edit).await
}

/// Gives a subordinate its certificate, or a later one for the same key and subject; or its next generation's, once a rollover
/// has begun: that one's key is in the certificate.
///
/// # Errors
/// [`ManageError::NotFound`], [`ManageError::Conflict`]; [`ManageError::Invalid`] when the certificate is not for this
/// authority, or its chain does not fit; our own failures.
pub async fn install_certificate(
    managing: &Managing,
    uuid: Uuid,
    path: CertificatePath,
) -> Result<Versioned<Authority>, ManageError> {
    let before: Versioned<Authority> = managing.get(uuid).await?;
    let mut after = before.object.clone();
    let now = managing.clock.now();
    let is_next = |next: &CaGeneration| match asked_for(next) {
        Ok(key) => key == path.certificate.subject_public_key_info(),
        Err(_) => false,
    };
    match after.next.as_mut().filter(|next| is_next(next)) {
        Some(next) => install(next, path, now)?,
        None => install(&mut after.current, path, now)?,
    }
    let action = AuditAction::InstallCertificate;
    let installed = managing.replace(before, after, action).await?;
    managing.keep_afterwards(uuid).await;
    Ok(installed)
}

/// The key that a subordinate asks a certificate for, SubjectPublicKeyInfo.
fn asked_for(generation: &CaGeneration) -> Result<Vec<u8>, ManageError> {
    match &generation.certification {
        Certification::Root { .. } => Err(vec![Invalid::AuthorityIsRoot].into()),
        Certification::Subordinate { request, .. } => {
            let request = CertificationRequest::from_pem(request).map_err(Failure::encode)?;
            Ok(request.subject_public_key_info().to_vec())
        }
    }
}

fn install(
    generation: &mut CaGeneration,
    path: CertificatePath,
    now: OffsetDateTime,
) -> Result<(), ManageError> {
    let key = asked_for(generation)?;
    let Certification::Subordinate { installed, .. } = &mut generation.certification else {
        return Err(vec![Invalid::AuthorityIsRoot].into());
    };
    let authority = Certified {
        subject_public_key_info: &key,
        replaced: installed.as_ref().map(|installed| &installed.certificate),
    };
    check_path(&authority, &path, now).map_err(|unfit| vec![Invalid::Certificate(unfit)])?;
    *installed = Some(path);
    Ok(())
}

/// What becomes of the certificates of an authority that is to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LivingCertificates {
    /// They keep it from being deleted.
    Keep,
    /// They fall off every CRL.
    Abandon,
}

/// Deletes an authority that nothing needs. Its key stays: whoever wants it gone deletes it where it is.
///
/// # Errors
/// [`ManageError::NotFound`], [`ManageError::Conflict`]; [`ManageError::Invalid`] while RA Profiles or RA certificates need
/// it, or certificates of it live that are not to be abandoned; our own failures.
pub async fn delete_authority(
    managing: &Managing,
    uuid: Uuid,
    living: LivingCertificates,
) -> Result<(), ManageError> {
    let authority: Versioned<Authority> = managing.get(uuid).await?;
    if living == LivingCertificates::Keep && has_living(managing, uuid).await? {
        return Err(vec![Invalid::LivingCertificates].into());
    }
    managing.delete(authority).await
}

/// Is a certificate of this authority neither expired nor revoked?
async fn has_living(managing: &Managing, authority: Uuid) -> Result<bool, Failure> {
    let filter = CertificateFilter {
        authority: Some(authority),
        not_after_from: Some(managing.clock.now()),
        revoked: Some(false),
        ..CertificateFilter::default()
    };
    let mut page = PageRequest {
        limit: 1,
        cursor: None,
    };
    loop {
        let found = managing.certificates.certificates(&filter, &page).await?;
        page.cursor = found.cursor;
        if !found.items.is_empty() || page.cursor.is_none() {
            return Ok(!found.items.is_empty());
        }
    }
}
