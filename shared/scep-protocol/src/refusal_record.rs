//! The record of a request that was refused, as administrators see it.

use std::net::IpAddr;

use ca::bounded_text::bound_text;
use scep_cms::algorithm::EcCurve;
use scep_cms::attribute::FailInfo;
use scep_cms::message_type::MessageType;
use scep_cms::public_key::PublicKey;
use scep_cms::transaction_id::TransactionId;
use sha2::{Digest, Sha256};
use strum::VariantArray;
use time::OffsetDateTime;

use crate::availability::Unavailable;
use crate::check::Check;
use crate::id::{RaProfileUuid, RefusalUuid, ScepProfileUuid};
use crate::refusal::{HttpRejection, Refusal, RefusalKind};
use crate::transaction::Fingerprint;

/// The most records of one SCEP Profile and one reason in a minute. What is beyond is only counted,
/// so that attackers can neither fill the store nor buy writes.
pub const RECORDS_A_MINUTE: u8 = 10;

/// Why a request was refused: the kind, without what it says about the request.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum RefusalReason {
    /// A signed refusal.
    Refused(RefusalKind),
    /// A plain HTTP error, because the endpoint does not serve.
    Unavailable(Unavailable),
    /// A plain HTTP error, because the message is not a readable SignedData.
    UnreadableMessage,
}

impl RefusalReason {
    /// Returns every reason.
    pub fn all() -> impl Iterator<Item = Self> {
        let refused = RefusalKind::VARIANTS.iter().copied().map(Self::Refused);
        let unavailable = Unavailable::VARIANTS.iter().copied();
        refused
            .chain(unavailable.map(Self::Unavailable))
            .chain([Self::UnreadableMessage])
    }

    /// Returns the name used in the API and in the store.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Refused(kind) => kind.into(),
            Self::Unavailable(unavailable) => unavailable.into(),
            Self::UnreadableMessage => "unreadableMessage",
        }
    }

    /// Returns the reason with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|reason| reason.name() == name)
    }
}

/// How a request was refused.
#[derive(Clone, Debug)]
pub struct RefusalVerdict {
    /// The reason.
    pub reason: RefusalReason,
    /// The check that the request failed.
    pub failed: Check,
    /// The true reason in words, which the client may not have learnt.
    pub message: String,
    /// The failInfo of the CertRep; `None` for a plain HTTP error.
    pub fail_info: Option<FailInfo>,
}

impl RefusalVerdict {
    /// The verdict of a signed refusal. See [`Refusal::failed_check`] for `is_open`.
    #[must_use]
    pub fn of_refusal(refusal: &Refusal, is_open: bool) -> Self {
        Self {
            reason: RefusalReason::Refused(refusal.into()),
            failed: refusal.failed_check(is_open),
            message: bound_text(&refusal.log_reason()),
            fail_info: Some(refusal.fail_info()),
        }
    }

    /// The verdict of an endpoint that does not serve.
    #[must_use]
    pub fn of_unavailable(unavailable: Unavailable) -> Self {
        Self {
            reason: RefusalReason::Unavailable(unavailable),
            failed: Check::Availability,
            message: unavailable.to_string(),
            fail_info: None,
        }
    }

    /// The verdict of a message that cannot be read.
    #[must_use]
    pub fn of_unreadable_message() -> Self {
        Self {
            reason: RefusalReason::UnreadableMessage,
            failed: Check::Format,
            message: HttpRejection::UnreadableMessage.text().into_owned(),
            fail_info: None,
        }
    }
}

/// A key that a request asks to have certified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedKey {
    /// The algorithm and its size, such as `RSA 2048` or `EC P-256`.
    pub algorithm: String,
    /// The fingerprint of the SubjectPublicKeyInfo.
    pub sha256: Fingerprint,
}

impl RequestedKey {
    /// Describes a key.
    #[must_use]
    pub fn of(key: &PublicKey) -> Self {
        let algorithm = match key {
            PublicKey::Rsa { modulus_bits, .. } => format!("RSA {modulus_bits}"),
            PublicKey::Ec { curve, .. } => format!("EC {}", curve_name(*curve)),
        };
        Self {
            algorithm,
            sha256: Fingerprint::of_key(key),
        }
    }
}

const fn curve_name(curve: EcCurve) -> &'static str {
    match curve {
        EcCurve::P256 => "P-256",
        EcCurve::P384 => "P-384",
        EcCurve::P521 => "P-521",
    }
}

/// What is known of a request besides its refusal. It has no place for a challengePassword.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestOutline {
    /// The SCEP Profile that received the request.
    pub scep_profile: ScepProfileUuid,
    /// The RA Profile, if there is one.
    pub ra_profile: Option<RaProfileUuid>,
    /// The messageType, if it is a known one.
    pub message_type: Option<MessageType>,
    /// The beginning of the transactionID, if it could be read.
    pub transaction_id: Option<String>,
    /// The address of the client as far as it is known.
    pub client_address: Option<IpAddr>,
    /// The beginning of the requested subject, in the text form of RFC 4514, if the envelope
    /// opened.
    pub subject: Option<String>,
    /// The key to be certified, if the envelope opened.
    pub key: Option<RequestedKey>,
}

impl RequestOutline {
    /// The outline of a request of which nothing is known yet but who received it.
    #[must_use]
    pub const fn new(
        scep_profile: ScepProfileUuid,
        ra_profile: Option<RaProfileUuid>,
        client_address: Option<IpAddr>,
    ) -> Self {
        Self {
            scep_profile,
            ra_profile,
            message_type: None,
            transaction_id: None,
            client_address,
            subject: None,
            key: None,
        }
    }

    /// Adds what the attributes of the message say.
    #[must_use]
    pub fn with_attributes(
        self,
        message_type: Option<MessageType>,
        transaction_id: Option<&TransactionId>,
    ) -> Self {
        Self {
            message_type,
            transaction_id: transaction_id.map(|id| id.excerpt().to_owned()),
            ..self
        }
    }

    /// Adds what the opened envelope asks for.
    #[must_use]
    pub fn with_content(self, subject: &str, key: &PublicKey) -> Self {
        Self {
            subject: Some(bound_text(subject)),
            key: Some(RequestedKey::of(key)),
            ..self
        }
    }
}

/// The record of a refused request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusalRecord {
    /// The identity, which [`RefusalSlot::uuid`] computes.
    pub uuid: RefusalUuid,
    /// The time of the refusal.
    pub at: OffsetDateTime,
    /// The last moment at which the record is shown.
    pub until: OffsetDateTime,
    /// The request.
    pub outline: RequestOutline,
    /// The reason of the refusal.
    pub reason: RefusalReason,
    /// The check that the request failed.
    pub failed: Check,
    /// The true reason in words.
    pub message: String,
    /// The failInfo of the CertRep; `None` for a plain HTTP error.
    pub fail_info: Option<FailInfo>,
}

/// One of the [`RECORDS_A_MINUTE`] places that a SCEP Profile and a reason have in each minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusalSlot {
    /// The SCEP Profile.
    pub scep_profile: ScepProfileUuid,
    /// The reason.
    pub reason: RefusalReason,
    /// The minute since 1970.
    pub minute: i64,
    /// The number of the place in that minute.
    pub number: u8,
}

impl RefusalSlot {
    /// Returns the identity of the record in this place: 122 bits of SHA-256.
    // As the identity is computed, processes that know nothing of each other cannot fill more
    // places together than one alone.
    #[must_use]
    pub fn uuid(&self) -> RefusalUuid {
        let digest = Sha256::new_with_prefix(self.scep_profile)
            .chain_update(self.minute.to_be_bytes())
            .chain_update([self.number])
            .chain_update(self.reason.name())
            .finalize();
        Fingerprint(digest.into()).typed_uuid()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_reason_has_a_name_of_its_own() {
        let names: BTreeSet<_> = RefusalReason::all().map(RefusalReason::name).collect();
        assert_eq!(names.len(), RefusalReason::all().count());
        for reason in RefusalReason::all() {
            assert_eq!(RefusalReason::from_name(reason.name()), Some(reason));
        }
        for name in ["challengeMissing", "raProfileDisabled", "unreadableMessage"] {
            assert!(names.contains(name), "{name}");
        }
        assert_eq!(RefusalReason::from_name("Challenge"), None);
    }

    #[test]
    fn each_place_has_an_identity_of_its_own() {
        let slot = RefusalSlot {
            scep_profile: ScepProfileUuid::nil(),
            reason: RefusalReason::UnreadableMessage,
            minute: 7,
            number: 1,
        };
        let others = [
            RefusalSlot { number: 2, ..slot },
            RefusalSlot { minute: 8, ..slot },
            RefusalSlot {
                reason: RefusalReason::Refused(RefusalKind::Signature),
                ..slot
            },
            RefusalSlot {
                scep_profile: ScepProfileUuid::from_u128(1),
                ..slot
            },
        ];
        assert!(others.iter().all(|other| other.uuid() != slot.uuid()));
    }
}
