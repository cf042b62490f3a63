//! Rollover: an authority gets its next key and certificate, clients are told, and one day it issues with them.

use ca_issuer::CaSubject;
use scep_protocol::{
    Authority, CaGeneration, CertificatePath, Certification, KeyAlgorithm, KeyReference, Period,
    RaCertificate,
};
use uuid::Uuid;

use super::authorities::{ca_key, certify, is_validity, without_authority};
use crate::{
    AuditAction, AuthorityKind, Causes, Invalid, ManageError, Managing, Object, Versioned, read,
};

/// The next key of an authority.
#[derive(Clone, Debug)]
pub struct NextKey {
    /// What it is; `None` for the same as now.
    pub algorithm: Option<KeyAlgorithm>,
    /// An existing key to take; `None` for a new one.
    pub key: Option<KeyReference>,
    /// How long a root's certificate is valid.
    pub validity: Period,
}

/// Gives an authority its next generation: a key, and a root's self-signed certificate or a subordinate's request for one. Again, it
/// finishes what is missing of the generation that there is.
///
/// # Errors
/// [`ManageError::NotFound`], [`ManageError::Conflict`]; [`ManageError::Invalid`] while the authority awaits its first certificate; our
/// own failures.
pub async fn begin_rollover(
    managing: &Managing,
    uuid: Uuid,
    next: NextKey,
) -> Result<Versioned<Authority>, ManageError> {
    let mut authority: Versioned<Authority> = managing.get(uuid).await?;
    if authority.object.next.is_none() {
        authority = make_next(managing, authority, next).await?;
    }
    managing.keep_generations(uuid).await?;
    Ok(authority)
}

async fn make_next(
    managing: &Managing,
    before: Versioned<Authority>,
    next: NextKey,
) -> Result<Versioned<Authority>, ManageError> {
    let current = &before.object.current;
    let path = current.path();
    let path = path.ok_or_else(|| vec![Invalid::AuthorityNotActive])?;
    if !is_validity(next.validity, managing.clock.now()) {
        return Err(vec![Invalid::Validity].into());
    }
    let algorithm = next.algorithm.unwrap_or(current.key_algorithm);
    let kind = match current.certification {
        Certification::Root { .. } => AuthorityKind::Root,
        Certification::Subordinate { .. } => AuthorityKind::Subordinate,
    };
    let name = &before.object.name;
    let key = ca_key(managing, name, next.key.as_ref(), algorithm).await?;
    let has_key = |path: CertificatePath| {
        path.certificate.subject_public_key_info() == key.subject_public_key_info
    };
    let is_in_use = |generation: &CaGeneration| generation.path().is_some_and(has_key);
    if before.object.generations().any(is_in_use) {
        return Err(vec![Invalid::KeyInUse].into());
    }
    let subject = CaSubject::of(&path.certificate);
    let certified = certify(
        managing,
        before.object.uuid,
        &key,
        algorithm,
        kind,
        &subject,
        next.validity,
    )
    .await;
    let replaced = match certified {
        Err(failure) => Err(failure.into()),
        Ok(certification) => {
            let mut after = before.object.clone();
            after.next = Some(CaGeneration {
                number: after.current.number.saturating_add(1),
                key_algorithm: algorithm,
                key: key.reference.clone(),
                certification,
            });
            managing.replace(before, after, AuditAction::Rollover).await
        }
    };
    if replaced.is_err() {
        without_authority(&key.reference);
    }
    replaced
}

/// Lets an authority issue with its next key from now on. What it issued before stays good, can be renewed, and keeps its CRL.
///
/// # Errors
/// [`ManageError::NotFound`], [`ManageError::Conflict`]; [`ManageError::Invalid`] when there is no next certificate, or it is not valid
/// now; our own failures.
pub async fn activate_next(
    managing: &Managing,
    uuid: Uuid,
) -> Result<Versioned<Authority>, ManageError> {
    let before: Versioned<Authority> = managing.get(uuid).await?;
    let next = before.object.next.clone();
    let path = next.as_ref().and_then(CaGeneration::path);
    let (Some(next), Some(path)) = (next, path) else {
        return Err(vec![Invalid::NoNext].into());
    };
    if !path.certificate.is_valid_at(managing.clock.now()) {
        return Err(vec![Invalid::NextNotValid].into());
    }
    // From the next write on, every RA certificate serves with its key of that generation; what the key of before cannot sign any
    // more does not matter.
    let kept = managing.keep_generations(uuid).await;
    if !managing.have_keys_of(next.number, &before).await? {
        kept?;
        return Err(ManageError::Conflict);
    }
    let mut after = before.object.clone();
    let issued = std::mem::replace(&mut after.current, next);
    after.previous.push(issued);
    after.next = None;
    let activated = managing
        .replace(before, after, AuditAction::Rollover)
        .await?;
    managing.keep_afterwards(uuid).await;
    Ok(activated)
}

impl Managing {
    /// What each generation of an authority needs, as it is now: its CRL, and a key of each RA certificate. What fails for one is
    /// logged, and keeps no other from its due.
    pub(crate) async fn keep_generations(&self, authority: Uuid) -> Result<(), ManageError> {
        let Some(found) = read::<Authority>(&*self.objects, authority).await? else {
            return Ok(());
        };
        let mut kept = self
            .keep_crls(&found.object)
            .await
            .map_err(ManageError::from);
        for dependent in &found.dependents {
            if let Err(error) = self.keep_ra_keys(&found.object, *dependent).await {
                let (dependent, cause) = (dependent.uuid, Causes(&error));
                tracing::error!(%authority, %dependent, error = %cause, "no RA key was made");
                kept = Err(error);
            }
        }
        kept
    }

    /// Do all RA certificates of an authority have a key of this generation?
    async fn have_keys_of(
        &self,
        generation: u32,
        authority: &Versioned<Authority>,
    ) -> Result<bool, ManageError> {
        for dependent in &authority.dependents {
            if dependent.kind == RaCertificate::KIND
                && let Some(found) = read::<RaCertificate>(&*self.objects, dependent.uuid).await?
                && found.object.key_of(generation).is_none()
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The same after a change that is written: it stands, and what fails of this is upkeep's to mend.
    pub(crate) async fn keep_afterwards(&self, authority: Uuid) {
        if let Err(error) = self.keep_generations(authority).await {
            let error = Causes(&error);
            tracing::warn!(%authority, %error, "what the change entails is left to upkeep");
        }
    }
}
