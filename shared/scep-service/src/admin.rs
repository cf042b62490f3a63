//! Administration of authorities, RA certificates, profiles, and the links between them. Every
//! change leaves an audit record.

mod api_token;
mod authority;
mod certificate;
mod challenge;
mod challenge_sources;
mod edit;
mod field;
mod health;
mod invalid;
mod key_order;
mod limits;
mod lockout;
mod ra_certificate;
mod ra_keys;
mod ra_profile;
mod revocation_orders;
mod rollover;
mod scep_profile;
mod source_test;
mod statistics;
mod transaction;
mod validation;
mod warnings;

pub use api_token::RecordedToken;
pub use authority::{NewAuthority, ValidCertificates};
pub use ca::authority::AuthorityKind;
pub use certificate::Reach;
pub use challenge::{ChallengeRequest, NewChallenge};
pub use challenge_sources::WebhookEdit;
pub use edit::Edit;
pub use field::Field;
pub use health::{AuthorityHealth, EndpointHealth, EndpointOwner, Health, RaCertificateHealth};
pub use invalid::{AdminError, Invalid};
pub use limits::{
    MAX_CHALLENGE_CHARACTERS, MAX_CHALLENGE_USES, MAX_CHALLENGES, MAX_REASON_CHARACTERS,
    WEBHOOK_TIMEOUT_SECONDS,
};
pub use ra_certificate::NewRaCertificate;
pub use ra_profile::RaProfileEdit;
pub use rollover::NextKey;
pub use scep_profile::{ScepProfileEdit, SettingsEdit};
pub use source_test::SourceReport;
pub use transaction::Review;

use std::sync::Arc;

use ca::key_algorithm::KeyAlgorithm;
use ca::key_location::KeyLocation;
use ca::tbs_certificate::{assemble_certificate, read_tbs_names};
use newtype_uuid::TypedUuid;
use scep_cms::certificate::Certificate;
use serde_json::json;
use strum::VariantArray;

use crate::audit::{Act, Actor, AuditAction, AuditRecord, States};
use crate::deployment::Deployment;
use crate::error::Failure;
use crate::object::{Object, ObjectKind, Reference, StoredObject, Versioned, read, to_document};
use crate::ports::{
    CaKeys, Change, Clock, RaKeys, Random, RequestLog, Secrets, Store, Transactions,
};
use crate::profile_cache::CachedProfiles;

/// The ports that administration needs, and the administrator on whose behalf it acts.
#[derive(Clone)]
pub struct Administration {
    /// The author of changes, for audit records.
    pub actor: Actor,
    /// Objects, certificates and CRLs, with write access.
    pub store: Arc<dyn Store>,
    /// The cache of requests in the same process, which is cleared after each write of an object.
    pub cache: Option<Arc<CachedProfiles>>,
    /// Keys that sign certificates.
    pub ca_keys: Arc<dyn CaKeys>,
    /// Keys that decrypt requests and sign replies.
    pub ra_keys: Arc<dyn RaKeys>,
    /// The sealed secrets of profiles.
    pub secrets: Arc<dyn Secrets>,
    /// Transactions, some of which wait for approval.
    pub transactions: Arc<dyn Transactions>,
    /// The current time.
    pub clock: Arc<dyn Clock>,
    /// Random octets.
    pub random: Arc<dyn Random>,
    /// Refused requests and statistics.
    pub requests: Arc<dyn RequestLog>,
    /// The settings of this deployment.
    pub deployment: Deployment,
}

/// The treatment of links to an object that is to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dependents {
    /// The links prevent the deletion.
    Keep,
    /// The links are removed first.
    Unlink,
}

impl Administration {
    /// Reads an object that must exist.
    ///
    /// # Errors
    /// Returns [`AdminError::NotFound`] when it does not exist, and [`AdminError::Failed`] for
    /// failures of the server.
    pub async fn get<T: Object>(
        &self,
        uuid: TypedUuid<T::IdKind>,
    ) -> Result<Versioned<T>, AdminError> {
        read(&*self.store, uuid)
            .await?
            .ok_or(AdminError::NotFound(T::KIND))
    }

    /// Reads an object for an edit, and checks that it still has the version that the edit quotes,
    /// if any.
    async fn read_version<T: Object>(
        &self,
        uuid: TypedUuid<T::IdKind>,
        version: Option<u64>,
    ) -> Result<Versioned<T>, AdminError> {
        let found: Versioned<T> = self.get(uuid).await?;
        if version.is_some_and(|version| version != found.version) {
            return Err(AdminError::Conflict);
        }
        Ok(found)
    }

    /// Stores a new object with its audit record.
    async fn create<T: Object>(&self, object: T) -> Result<Versioned<T>, AdminError> {
        self.create_by(object, AuditAction::Create).await
    }

    /// Stores a new object with the audit record of this action.
    async fn create_by<T: Object>(
        &self,
        object: T,
        action: AuditAction,
    ) -> Result<Versioned<T>, AdminError> {
        let change = Change::Create {
            object: to_stored_object(&object, 1, &[])?,
            references: object.references(),
        };
        self.apply(&change, action, States::Created(&object))
            .await?;
        Ok(Versioned {
            object,
            version: 1,
            dependents: Vec::new(),
        })
    }

    /// Stores an edited object with its audit record. An edit that changes nothing writes neither.
    async fn replace<T: Object>(
        &self,
        before: Versioned<T>,
        after: T,
        action: AuditAction,
    ) -> Result<Versioned<T>, AdminError> {
        // An edit without a change must not bump the version, which would make other
        // administrators' edits conflict, nor fill the audit log.
        if to_document(&before.object)? == to_document(&after)? {
            return Ok(before);
        }
        let version = before.version.saturating_add(1);
        let (had, has) = (before.object.references(), after.references());
        let only_in = |these: &[Reference], those: &[Reference]| {
            these
                .iter()
                .filter(|reference| !those.contains(reference))
                .copied()
                .collect()
        };
        let change = Change::Replace {
            object: to_stored_object(&after, version, &before.dependents)?,
            read: before.version,
            added: only_in(&has, &had),
            removed: only_in(&had, &has),
        };
        let states = States::Edited {
            before: &before.object,
            after: &after,
        };
        self.apply(&change, action, states).await?;
        Ok(Versioned {
            object: after,
            version,
            dependents: before.dependents,
        })
    }

    /// Deletes an object that no other object needs.
    async fn delete<T: Object>(&self, object: Versioned<T>) -> Result<(), AdminError> {
        self.delete_by(object, AuditAction::Delete).await
    }

    /// Deletes an object that no other object needs, with the audit record of this action.
    async fn delete_by<T: Object>(
        &self,
        object: Versioned<T>,
        action: AuditAction,
    ) -> Result<(), AdminError> {
        // This check names the dependents. The store checks again, atomically with the deletion.
        let needed_by = self.reasons_to_keep(&object.dependents).await?;
        if !needed_by.is_empty() {
            return Err(AdminError::Invalid(needed_by));
        }
        let change = Change::Delete {
            object: to_stored_object(&object.object, object.version, &[])?,
            references: object.object.references(),
        };
        let states = States::Deleted(&object.object);
        self.apply(&change, action, states).await
    }

    /// Writes a change together with its audit record.
    async fn apply<T: Object>(
        &self,
        change: &Change,
        action: AuditAction,
        states: States<'_, T>,
    ) -> Result<(), AdminError> {
        let audit = AuditRecord::of(&self.actor, action, &states, self.clock.now())?;
        let applied = self.store.apply(change, &audit).await;
        // The cache is cleared after a failed write as well: a write whose answer was lost may have
        // succeeded.
        if let Some(cache) = &self.cache {
            cache.forget();
        }
        applied.map_err(|error| AdminError::of(T::KIND, error))
    }

    /// Returns the reasons why an object with these dependents cannot be deleted, one for each kind
    /// of dependent.
    async fn reasons_to_keep(&self, dependents: &[Reference]) -> Result<Vec<Invalid>, AdminError> {
        let mut reasons = Vec::new();
        for &kind in ObjectKind::VARIANTS {
            let mut names = Vec::new();
            for dependent in dependents.iter().filter(|dependent| dependent.kind == kind) {
                let name = self
                    .store
                    .read(*dependent)
                    .await?
                    .and_then(|stored| stored.name)
                    .map_or_else(|| dependent.uuid.to_string(), |name| name.to_string());
                names.push(name);
            }
            // The store returns dependents in no order, and a message must not vary.
            if !names.is_empty() {
                names.sort();
                reasons.push(Invalid::Dependents { kind, names });
            }
        }
        Ok(reasons)
    }

    /// Signs a certificate of the server itself, which belongs to this object.
    async fn sign(
        &self,
        object: Reference,
        key: &KeyLocation,
        algorithm: KeyAlgorithm,
        to_be_signed: &[u8],
    ) -> Result<Certificate, Failure> {
        // The audit record is written before the signature, so that an authority never signs a
        // certificate that is not on record.
        let named = read_tbs_names(to_be_signed)
            .map_err(Failure::corrupt("the names in a certificate to be signed"))?;
        let audit = Act {
            action: AuditAction::Sign,
            object,
            name: named.subject.clone(),
            before: json!(null),
            after: json!({ "serialNumber": named.serial_number.to_hex(), "subject": named.subject }),
        }
        .by(&self.actor, self.clock.now());
        self.store.record(&audit).await?;
        tracing::info!(%key, "signing a certificate of the server");
        let signature = self.ca_keys.sign(key, algorithm, to_be_signed).await?;
        let issued =
            assemble_certificate(to_be_signed, algorithm, &signature).map_err(Failure::encode)?;
        let (serial_number, subject) = (issued.serial_number.to_hex(), &issued.subject);
        tracing::info!(
            %key,
            serial_number,
            subject,
            "signed a certificate of the server"
        );
        Ok(issued.certificate)
    }
}

/// Converts an object to the form in which a store holds it.
fn to_stored_object<T: Object>(
    object: &T,
    version: u64,
    dependents: &[Reference],
) -> Result<StoredObject, AdminError> {
    Ok(StoredObject {
        reference: Reference::to::<T>(object.uuid()),
        name: object.name().cloned(),
        document: to_document(object)?,
        version,
        dependents: dependents.to_vec(),
    })
}
