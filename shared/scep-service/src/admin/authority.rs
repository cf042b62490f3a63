//! Creation, editing and deletion of authorities, which are roots or are certified by another CA.

use ca::authority::{Authority, AuthorityKind, CaGeneration, CertificatePath, Certification};
use ca::generation::Generation;
use ca::id::AuthorityUuid;
use ca::key_algorithm::KeyAlgorithm;
use ca::key_location::KeyName;
use ca::key_order::{FirstGeneration, KeyOrder};
use ca::serial_number::SerialNumber;
use ca::server_certificate::{CaSubject, SubjectKey};
use ca::subordinate::{
    ExpectedAuthority, assemble_request, build_certification_request, check_path,
};
use ca::template::Period;
use scep_cms::csr::CertificationRequest;
use time::OffsetDateTime;

use crate::admin::Administration;
use crate::admin::edit::Edit;
use crate::admin::invalid::{AdminError, Invalid};
use crate::admin::validation::{Validation, check_name_unchanged, parse_description, parse_name};
use crate::audit::AuditAction;
use crate::error::Failure;
use crate::inventory::{CertificateFilter, PageRequest};
use crate::object::{Object, Reference, Versioned, find};
use crate::ports::GeneratedKey;

/// The fields of a new authority.
#[derive(Clone, Debug)]
pub struct NewAuthority {
    /// The name.
    pub name: String,
    /// The administrator's notes.
    pub description: Edit<String>,
    /// The issuer of its certificate.
    pub kind: AuthorityKind,
    /// The algorithm of its key.
    pub key_algorithm: KeyAlgorithm,
    /// An existing key to adopt; `None` to generate one.
    pub key: Option<KeyName>,
    /// The subject, in the text form of RFC 4514.
    pub subject: String,
    /// The validity period of a root's certificate.
    pub validity: Period,
}

/// The treatment of valid certificates of an authority that is to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValidCertificates {
    /// Valid certificates prevent the deletion.
    Keep,
    /// The authority is deleted, and its certificates can no longer be revoked by a CRL.
    Abandon,
}

impl Administration {
    /// Creates an authority with its key, and a root's self-signed certificate or a subordinate's
    /// request for one. Safe to repeat after a failure of the server: continues with the same key.
    ///
    /// # Errors
    /// Returns [`AdminError::NameTaken`] or [`AdminError::Invalid`], and [`AdminError::Failed`]
    /// for failures of the server.
    pub async fn create_authority(
        &self,
        new: NewAuthority,
    ) -> Result<Versioned<Authority>, AdminError> {
        let mut errors = Validation::default();
        let name = errors.check(parse_name(Some(&new.name)));
        let description = errors.check(parse_description(new.description));
        errors.require(
            is_allowed_validity(new.validity, self.clock.now()),
            Invalid::Validity,
        );
        let subject = errors.check(CaSubject::new(&new.subject).map_err(|_| Invalid::Subject));
        let ((name, description), _) = errors.finish(name.zip(description).zip(subject))?;
        // Keys are never deleted, so check the name before generating one. The store checks it
        // again, atomically.
        if find::<Authority>(&*self.store, &name).await?.is_some() {
            return Err(AdminError::NameTaken(Authority::KIND));
        }
        let wanted = KeyOrder {
            uuid: self.random.uuid()?,
            authority: self.random.uuid()?,
            name,
            generation: Generation::FIRST,
            key_algorithm: new.key_algorithm,
            validity: new.validity,
            first: Some(FirstGeneration {
                description: description.or_default(),
                kind: new.kind,
                subject: new.subject,
            }),
            held_until: None,
            key: None,
        };
        match &new.key {
            Some(existing) => {
                let key = self.ca_keys.adopt(existing, new.key_algorithm).await?;
                self.use_key(&wanted, &key).await
            }
            None => self.fulfil_order(wanted).await,
        }
    }

    /// Creates a root's self-signed certificate, or a subordinate's request for one, for a new key.
    pub(super) async fn certify_key(
        &self,
        order: &KeyOrder,
        key: &GeneratedKey,
        kind: AuthorityKind,
        subject: &CaSubject,
    ) -> Result<Certification, Failure> {
        match kind {
            AuthorityKind::Root => self.sign_root_certificate(order, key, subject).await,
            AuthorityKind::Subordinate => {
                self.sign_request(key, order.key_algorithm, subject).await
            }
        }
    }

    /// Signs a root's own certificate.
    async fn sign_root_certificate(
        &self,
        order: &KeyOrder,
        key: &GeneratedKey,
        subject: &CaSubject,
    ) -> Result<Certification, Failure> {
        let algorithm = order.key_algorithm;
        let to_be_signed = ca::server_certificate::build_root_tbs(
            subject,
            &keypair_of(key, algorithm),
            SerialNumber::from_random(self.random.octets()?),
            order.validity,
            self.clock.now(),
        )
        .map_err(Failure::encode)?;
        let object = Reference::to::<Authority>(order.authority);
        let certificate = self
            .sign(object, &key.location, algorithm, &to_be_signed)
            .await?;
        Ok(Certification::Root { certificate })
    }

    /// Signs a subordinate's request for a certificate.
    async fn sign_request(
        &self,
        key: &GeneratedKey,
        algorithm: KeyAlgorithm,
        subject: &CaSubject,
    ) -> Result<Certification, Failure> {
        let to_be_signed = build_certification_request(subject, &keypair_of(key, algorithm))
            .map_err(Failure::encode)?;
        let signature = self
            .ca_keys
            .sign(&key.location, algorithm, &to_be_signed)
            .await?;
        let request =
            assemble_request(&to_be_signed, algorithm, &signature).map_err(Failure::encode)?;
        Ok(Certification::Subordinate {
            request,
            installed: None,
        })
    }

    /// Edits an authority's description.
    ///
    /// # Errors
    /// Returns [`AdminError::NotFound`], [`AdminError::Conflict`] or [`AdminError::Invalid`],
    /// and [`AdminError::Failed`] for failures of the server.
    pub async fn edit_authority(
        &self,
        uuid: AuthorityUuid,
        version: Option<u64>,
        name: Option<&str>,
        description: Edit<String>,
    ) -> Result<Versioned<Authority>, AdminError> {
        let before: Versioned<Authority> = self.read_version(uuid, version).await?;
        let mut after = before.object.clone();
        let mut errors = Validation::default();
        errors.check(check_name_unchanged(name, &after.name));
        let description = errors.check(parse_description(description));
        errors.finish(description)?.apply(&mut after.description);
        self.replace(before, after, AuditAction::Edit).await
    }

    /// Installs a subordinate's certificate, or a later one for the same key and subject. During a
    /// rollover, the key in the certificate decides whether it is for the current or the next
    /// generation.
    ///
    /// # Errors
    /// Returns [`AdminError::NotFound`]; [`AdminError::Conflict`]; [`AdminError::Invalid`] when
    /// the certificate is not for this authority or its chain does not fit; and
    /// [`AdminError::Failed`] for failures of the server.
    pub async fn install_certificate(
        &self,
        uuid: AuthorityUuid,
        path: CertificatePath,
    ) -> Result<Versioned<Authority>, AdminError> {
        let before: Versioned<Authority> = self.get(uuid).await?;
        let mut after = before.object.clone();
        let now = self.clock.now();
        let is_next = |next: &CaGeneration| match requested_key(next) {
            Ok(key) => key == path.certificate.subject_public_key_info(),
            Err(_) => false,
        };
        // A certificate for neither key is checked against the current one, whose error is
        // reported.
        match after.next.as_mut().filter(|next| is_next(next)) {
            Some(next) => install_path(next, path, now)?,
            None => install_path(&mut after.current, path, now)?,
        }
        let action = AuditAction::InstallCertificate;
        let installed = self.replace(before, after, action).await?;
        self.reconcile_best_effort(uuid).await;
        Ok(installed)
    }

    /// Deletes an authority that no other object needs. Its key stays in the key store, where an
    /// administrator may delete it.
    ///
    /// # Errors
    /// Returns [`AdminError::NotFound`]; [`AdminError::Conflict`]; [`AdminError::Invalid`] while
    /// RA Profiles or RA certificates need the authority, or it has valid certificates that are not
    /// to be abandoned; and [`AdminError::Failed`] for failures of the server.
    pub async fn delete_authority(
        &self,
        uuid: AuthorityUuid,
        certificates: ValidCertificates,
    ) -> Result<(), AdminError> {
        let authority: Versioned<Authority> = self.get(uuid).await?;
        // Without the authority no CRL is published, so its certificates cannot be revoked.
        if certificates == ValidCertificates::Keep && self.has_valid_certificates(uuid).await? {
            return Err(Invalid::ValidCertificates.into());
        }
        self.delete(authority).await
    }

    /// Returns whether the authority has a certificate that is neither expired nor revoked.
    async fn has_valid_certificates(&self, authority: AuthorityUuid) -> Result<bool, Failure> {
        let filter = CertificateFilter {
            authority: Some(authority),
            not_after_from: Some(self.clock.now()),
            revoked: Some(false),
            ..CertificateFilter::default()
        };
        let mut page = PageRequest {
            limit: 1,
            cursor: None,
        };
        loop {
            let found = self.store.certificates(&filter, &page).await?;
            // An empty page may be followed by others.
            page.cursor = found.cursor;
            if !found.items.is_empty() || page.cursor.is_none() {
                return Ok(!found.items.is_empty());
            }
        }
    }
}

/// Returns whether a root's certificate can be valid for this period from now.
// GeneralizedTime, RFC 5280 §4.1.2.5.2, has four digits for the year.
pub(super) fn is_allowed_validity(validity: Period, now: OffsetDateTime) -> bool {
    let ends = validity.after(now);
    !validity.is_zero() && ends.is_some_and(|end| end.year() <= 9999)
}

/// Returns the issuer of the certificate of a generation.
pub(super) const fn kind_of(certification: &Certification) -> AuthorityKind {
    match certification {
        Certification::Root { .. } => AuthorityKind::Root,
        Certification::Subordinate { .. } => AuthorityKind::Subordinate,
    }
}

fn keypair_of(key: &GeneratedKey, algorithm: KeyAlgorithm) -> SubjectKey<'_> {
    SubjectKey {
        algorithm,
        subject_public_key_info: &key.subject_public_key_info,
    }
}

/// Returns the key of a subordinate's request for a certificate, SubjectPublicKeyInfo, DER.
fn requested_key(generation: &CaGeneration) -> Result<Vec<u8>, AdminError> {
    match &generation.certification {
        Certification::Root { .. } => Err(Invalid::AuthorityIsRoot.into()),
        Certification::Subordinate { request, .. } => {
            let request = CertificationRequest::from_pem(request)
                .map_err(Failure::corrupt("the request of a subordinate authority"))?;
            Ok(request.subject_public_key_info().to_vec())
        }
    }
}

/// Checks a certificate for a generation and stores it there.
fn install_path(
    generation: &mut CaGeneration,
    path: CertificatePath,
    now: OffsetDateTime,
) -> Result<(), AdminError> {
    let key = requested_key(generation)?;
    let Certification::Subordinate { installed, .. } = &mut generation.certification else {
        return Err(Invalid::AuthorityIsRoot.into());
    };
    let authority = ExpectedAuthority {
        subject_public_key_info: &key,
        replaced: installed.as_ref().map(|installed| &installed.certificate),
    };
    check_path(&authority, &path, now).map_err(Invalid::Certificate)?;
    *installed = Some(path);
    Ok(())
}
