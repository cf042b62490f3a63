//! Recognises a message that was refused before: an attacker who recorded it can send it without
//! end, which must neither lock out its signer nor tell services again.

use std::sync::OnceLock;

use scep_protocol::addressed_request::AddressedRequest;
use scep_protocol::transaction::Fingerprint;
use time::{Duration, OffsetDateTime};

use crate::enrol::{ENVELOPE_MEMORY, Exchange};
use crate::error::StoreError;
use crate::ports::EnvelopeSighting;

/// A message, as far as a repetition is recognised by it.
pub(crate) struct RefusedMessage {
    identity: Fingerprint,
    ciphertext: Fingerprint,
    /// Whether this is its first refusal, once that is known.
    is_first: OnceLock<bool>,
}

impl RefusedMessage {
    pub(crate) fn of(addressed: &AddressedRequest) -> Self {
        let (request, ciphertext) = (addressed.message(), addressed.ciphertext());
        let parts: [&[u8]; 5] = [
            b"refused",
            &addressed.encrypted_key().0,
            &ciphertext.0,
            &request.signer_key().0,
            request.transaction_id().as_str().as_bytes(),
        ];
        Self {
            identity: Fingerprint::of(&parts.concat()),
            ciphertext,
            is_first: OnceLock::new(),
        }
    }
}

impl Exchange<'_> {
    /// Whether the message is refused for the first time, and remembers that it was.
    // That it was received before would not do. A client that is locked out is refused unlooked-at,
    // and could send all its guesses meanwhile, in order to repeat them uncounted afterwards.
    pub(crate) async fn is_first_refusal(&self) -> Result<bool, StoreError> {
        let Some(message) = self.refused.get() else {
            return Ok(true);
        };
        if let Some(is_first) = message.is_first.get() {
            return Ok(*is_first);
        }
        let now = self.enrolment.profile_service.clock.now();
        let sighting = self.remember(message, now + ENVELOPE_MEMORY, now).await?;
        let is_first = sighting == EnvelopeSighting::First;
        Ok(*message.is_first.get_or_init(|| is_first))
    }

    /// Makes the next refusal of the message the first one again, because this one was not counted.
    pub(crate) async fn forget_refusal(&self) -> Result<(), StoreError> {
        if let Some(message) = self.refused.get() {
            let now = self.enrolment.profile_service.clock.now();
            self.remember(message, now - Duration::SECOND, now).await?;
        }
        Ok(())
    }

    async fn remember(
        &self,
        message: &RefusedMessage,
        until: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<EnvelopeSighting, StoreError> {
        let (identity, ciphertext) = (message.identity, message.ciphertext);
        self.enrolment
            .transactions
            .remember_envelope(identity, ciphertext, until, now)
            .await
    }
}
