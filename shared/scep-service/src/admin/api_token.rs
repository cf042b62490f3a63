//! The audit records of tokens of the management API, which the server keeps outside of the store.

use serde_json::json;
use uuid::Uuid;

use crate::admin::Administration;
use crate::audit::{Act, AuditAction};
use crate::error::StoreError;
use crate::object::{ObjectKind, Reference};

/// What audit records say of a token.
pub struct RecordedToken<'a> {
    /// The token's id, which becomes the UUID of the object in the record.
    pub id: u32,
    /// The token's name.
    pub name: &'a str,
    /// The names of the token's scopes.
    pub scopes: &'a [String],
}

impl Administration {
    /// Records that a token was created.
    ///
    /// # Errors
    /// Fails when the store fails.
    pub async fn record_token_creation(&self, token: &RecordedToken<'_>) -> Result<(), StoreError> {
        let after = json!({ "name": token.name, "scopes": token.scopes });
        self.record_token_act(AuditAction::Create, token, json!(null), after)
            .await
    }

    /// Records that a token is revoked.
    ///
    /// # Errors
    /// Fails when the store fails.
    pub async fn record_token_revocation(
        &self,
        token: &RecordedToken<'_>,
    ) -> Result<(), StoreError> {
        let before = json!({ "name": token.name, "scopes": token.scopes });
        self.record_token_act(AuditAction::Revoke, token, before, json!(null))
            .await
    }

    async fn record_token_act(
        &self,
        action: AuditAction,
        token: &RecordedToken<'_>,
        before: serde_json::Value,
        after: serde_json::Value,
    ) -> Result<(), StoreError> {
        let act = Act {
            action,
            object: Reference {
                kind: ObjectKind::Token,
                uuid: Uuid::from_u128(token.id.into()),
            },
            name: token.name.to_owned(),
            before,
            after,
        };
        self.store
            .record(&act.by(&self.actor, self.clock.now()))
            .await
    }
}
