//! Lock-outs after wrong challenges: how administrators see and end them.

use scep_protocol::id::{LockoutUuid, ScepProfileUuid};
use scep_protocol::lockout::Lockout;
use scep_protocol::profile::ScepProfile;
use serde_json::json;

use crate::admin::Administration;
use crate::admin::invalid::AdminError;
use crate::audit::{Act, AuditAction};
use crate::object::{ObjectKind, Reference};
use crate::ports::MAX_LOCKOUTS;

/// How many lists of lock-outs are freed at once, at most.
// In AWS a list may show for a while what is deleted already.
const MAX_LISTS: u32 = 10;

impl Administration {
    /// Lists the clients that are locked out of a SCEP Profile now, newest first, at most a
    /// thousand.
    ///
    /// # Errors
    /// Returns [`AdminError::NotFound`] when the profile does not exist, and
    /// [`AdminError::Failed`].
    pub async fn list_lockouts(
        &self,
        scep_profile: ScepProfileUuid,
    ) -> Result<Vec<Lockout>, AdminError> {
        self.get::<ScepProfile>(scep_profile).await?;
        let now = self.clock.now();
        let found = self.store.locked_out(scep_profile).await?;
        Ok(found
            .into_iter()
            .filter(|lockout| lockout.is_locked(now))
            .collect())
    }

    /// Ends a lock-out, and forgets the failures that led to it.
    ///
    /// # Errors
    /// Returns [`AdminError::NotFound`] when the profile does not exist or nobody is locked out of
    /// it under this uuid, and [`AdminError::Failed`].
    pub async fn free_lockout(
        &self,
        scep_profile: ScepProfileUuid,
        uuid: LockoutUuid,
    ) -> Result<(), AdminError> {
        let profile = self.get::<ScepProfile>(scep_profile).await?.object;
        let found = self
            .store
            .lockout(uuid)
            .await?
            .filter(|found| found.scep_profile == scep_profile && found.until.is_some())
            .ok_or(AdminError::NotFound(ObjectKind::Lockout))?;
        self.free(&profile, &[found]).await
    }

    /// Ends every lock-out of a SCEP Profile, and forgets the failures that led to them.
    ///
    /// # Errors
    /// Returns [`AdminError::NotFound`] when the profile does not exist, and
    /// [`AdminError::Failed`].
    pub async fn free_lockouts(&self, scep_profile: ScepProfileUuid) -> Result<(), AdminError> {
        let profile = self.get::<ScepProfile>(scep_profile).await?.object;
        for _ in 0..MAX_LISTS {
            // Those that have ended are forgotten too: one failure would lock out again.
            let found = self.store.locked_out(scep_profile).await?;
            if !found.is_empty() {
                self.free(&profile, &found).await?;
            }
            if found.len() < usize::from(MAX_LOCKOUTS) {
                break;
            }
        }
        Ok(())
    }

    async fn free(&self, profile: &ScepProfile, lockouts: &[Lockout]) -> Result<(), AdminError> {
        let freed: Vec<_> = lockouts
            .iter()
            .map(|lockout| {
                let subject = &lockout.subject;
                json!({ "by": subject.by(), "value": subject.to_string() })
            })
            .collect();
        let audit = Act {
            action: AuditAction::FreeLockouts,
            object: Reference::to::<ScepProfile>(profile.uuid),
            name: profile.name.to_string(),
            before: json!({ "lockouts": freed }),
            after: json!(null),
        }
        .by(&self.actor, self.clock.now());
        Ok(self.store.free(lockouts, &audit).await?)
    }
}
