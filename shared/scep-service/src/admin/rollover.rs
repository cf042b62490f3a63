//! Rollover of an authority: creates its next key and certificate, which clients learn of in
//! advance, and later switches to them.

use ca::authority::{Authority, CaGeneration};
use ca::generation::Generation;
use ca::id::AuthorityUuid;
use ca::key_algorithm::KeyAlgorithm;
use ca::key_location::KeyName;
use ca::key_order::KeyOrder;
use ca::template::Period;
use scep_protocol::ra_certificate::RaCertificate;

use crate::admin::Administration;
use crate::admin::authority::is_allowed_validity;
use crate::admin::invalid::{AdminError, Invalid};
use crate::audit::AuditAction;
use crate::error_chain::ErrorChain;
use crate::object::{Versioned, read};

/// The next key of an authority.
#[derive(Clone, Debug)]
pub struct NextKey {
    /// The algorithm; `None` for that of the current key.
    pub algorithm: Option<KeyAlgorithm>,
    /// An existing key to adopt; `None` to generate one.
    pub key: Option<KeyName>,
    /// The validity period of a root's certificate.
    pub validity: Period,
}

impl Administration {
    /// Creates the next generation of an authority: a key, and a root's self-signed certificate or
    /// a subordinate's request for one. Safe to repeat: completes a rollover that was interrupted.
    ///
    /// # Errors
    /// Returns [`AdminError::NotFound`]; [`AdminError::Conflict`]; [`AdminError::Invalid`] while
    /// the authority awaits its first certificate; and [`AdminError::Failed`] for failures of the
    /// server.
    pub async fn begin_rollover(
        &self,
        uuid: AuthorityUuid,
        next: NextKey,
    ) -> Result<Versioned<Authority>, AdminError> {
        let mut authority: Versioned<Authority> = self.get(uuid).await?;
        // Only the first call creates a key. A repeated one must not replace a generation that
        // clients may already know.
        if authority.object.next.is_none() {
            authority = self.create_next_generation(&authority, next).await?;
        }
        self.reconcile_authority(uuid).await?;
        Ok(authority)
    }

    /// Creates the key and the certificate, or the request for one, of the next generation.
    async fn create_next_generation(
        &self,
        before: &Versioned<Authority>,
        next: NextKey,
    ) -> Result<Versioned<Authority>, AdminError> {
        let current = &before.object.current;
        if current.path().is_none() {
            return Err(Invalid::AuthorityNotActive.into());
        }
        if !is_allowed_validity(next.validity, self.clock.now()) {
            return Err(Invalid::Validity.into());
        }
        let wanted = KeyOrder {
            uuid: self.random.uuid()?,
            authority: before.object.uuid,
            name: before.object.name.clone(),
            generation: current.number.next(),
            key_algorithm: next.algorithm.unwrap_or(current.key_algorithm),
            validity: next.validity,
            first: None,
            held_until: None,
            key: None,
        };
        let Some(existing) = &next.key else {
            return self.fulfil_order(wanted).await;
        };
        let key = self.ca_keys.adopt(existing, wanted.key_algorithm).await?;
        // Generations are told apart by their keys, for example when a subordinate's certificate is
        // installed.
        let is_in_use = before
            .object
            .generations()
            .filter_map(CaGeneration::path)
            .any(|path| path.certificate.subject_public_key_info() == key.subject_public_key_info);
        if is_in_use {
            return Err(Invalid::KeyInUse.into());
        }
        self.use_key(&wanted, &key).await
    }

    /// Switches an authority to its next generation. Certificates issued before stay valid, can be
    /// renewed, and keep their CRL.
    ///
    /// # Errors
    /// Returns [`AdminError::NotFound`]; [`AdminError::Conflict`]; [`AdminError::Invalid`] when
    /// there is no next certificate or it is not valid now; and [`AdminError::Failed`] for
    /// failures of the server.
    pub async fn activate_next(
        &self,
        uuid: AuthorityUuid,
    ) -> Result<Versioned<Authority>, AdminError> {
        let before: Versioned<Authority> = self.get(uuid).await?;
        let next = before.object.next.clone();
        let path = next.as_ref().and_then(CaGeneration::path);
        let (Some(next), Some(path)) = (next, path) else {
            return Err(Invalid::NoNext.into());
        };
        if !path.certificate.is_valid_at(self.clock.now()) {
            return Err(Invalid::NextNotValid.into());
        }
        // From the next write on, every RA certificate serves with its key of the next generation,
        // so each must have one. Other failures do not matter: a rollover must also work when the
        // current key is lost and can sign nothing any more.
        let outcome = self.reconcile_authority(uuid).await;
        if !self.have_keys_of(next.number, &before).await? {
            outcome?;
            return Err(AdminError::Conflict);
        }
        // The old generation stays on record: its certificates are renewed and its CRL is
        // maintained.
        let mut after = before.object.clone();
        let issued = std::mem::replace(&mut after.current, next);
        after.previous.push(issued);
        after.next = None;
        let activated = self.replace(before, after, AuditAction::Rollover).await?;
        self.reconcile_best_effort(uuid).await;
        Ok(activated)
    }

    /// Brings the CRLs of an authority and the keys of its RA certificates up to date. Each failure
    /// is logged and does not stop the rest.
    ///
    /// # Errors
    /// Fails with the last of the failures.
    pub(crate) async fn reconcile_authority(&self, uuid: AuthorityUuid) -> Result<(), AdminError> {
        let Some(authority) = read::<Authority>(&*self.store, uuid).await? else {
            // Deleted in the meantime.
            return Ok(());
        };
        let crl_failures = self.crl_publisher().refresh_all(&authority.object).await;
        let mut failures: Vec<AdminError> = crl_failures.into_iter().map(Into::into).collect();
        for dependent in authority.dependents_of::<RaCertificate>() {
            let rotation = self.rotate_ra_keys(dependent, &authority.object).await;
            for failure in &rotation.failures {
                let error = ErrorChain(failure);
                tracing::error!(
                    authority = %uuid, %dependent, %error,
                    "could not update an RA certificate"
                );
            }
            failures.extend(rotation.failures);
        }
        failures.pop().map_or(Ok(()), Err)
    }

    /// Returns whether every RA certificate of an authority has a key of this generation.
    async fn have_keys_of(
        &self,
        generation: Generation,
        authority: &Versioned<Authority>,
    ) -> Result<bool, AdminError> {
        for dependent in authority.dependents_of::<RaCertificate>() {
            if let Some(found) = read::<RaCertificate>(&*self.store, dependent).await?
                && found.object.key_of(generation).is_none()
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Does the same as [`Self::reconcile_authority`] after a change that is already written. A
    /// failure does not undo the change and is left to maintenance.
    pub(crate) async fn reconcile_best_effort(&self, authority: AuthorityUuid) {
        if let Err(error) = self.reconcile_authority(authority).await {
            let error = ErrorChain(&error);
            tracing::warn!(%authority, %error, "follow-up work deferred to maintenance");
        }
    }
}
