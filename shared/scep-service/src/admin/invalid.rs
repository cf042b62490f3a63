//! The errors of administration: validation failures, conflicts, and failures of the server.

use ca::bounded_text::DescriptionError;
use ca::key_algorithm::KeyAlgorithm;
use ca::profile_name::NameError;
use ca::subordinate::UnfitCertificate;
use ca::template::{ExtendedKeyUsage, TemplateError};
use scep_protocol::service_url::UnfitUrl;
use scep_protocol::vouching::ChallengeSourceKind;
use scep_protocol::webhook_secret::UnfitSecret;

use crate::admin::field::Field;
use crate::admin::limits::{
    MAX_CHALLENGE_CHARACTERS, MAX_CHALLENGE_DAYS, MAX_CHALLENGE_USES, MAX_CHALLENGES,
    MAX_REASON_CHARACTERS, MAX_USAGES, WEBHOOK_TIMEOUT_SECONDS,
};
use crate::error::{Failure, KeyError, StoreError};
use crate::object::ObjectKind;
use crate::ports::EntropyError;

/// Why a use case of administration failed.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The object, or one that it is linked to, was changed since it was read.
    #[error("someone else changed the object, or one it is linked to; read it again")]
    Conflict,
    /// The server failed.
    #[error(transparent)]
    Failed(Failure),
    /// The request is invalid, for all of these reasons.
    #[error("{} rules are broken", .0.len())]
    Invalid(Vec<Invalid>),
    /// Another object of this kind has the name.
    #[error("another {} has this name", .0.text())]
    NameTaken(ObjectKind),
    /// The object does not exist.
    #[error("no such {}", .0.text())]
    NotFound(ObjectKind),
    /// An approval does not quote the version that it is based on.
    #[error("an approval must quote the version of the transaction that it is based on")]
    VersionMissing,
}

impl AdminError {
    /// Converts a store's error that occurred while an object of this kind was written.
    pub(super) fn of(kind: ObjectKind, error: StoreError) -> Self {
        match error {
            StoreError::NameTaken => Self::NameTaken(kind),
            StoreError::Conflict => Self::Conflict,
            StoreError::Corrupt { .. } | StoreError::Cursor | StoreError::Unavailable { .. } => {
                Self::Failed(error.into())
            }
        }
    }
}

impl From<Failure> for AdminError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Key(error) => error.into(),
            Failure::Store(error) => error.into(),
            Failure::Busy
            | Failure::Corrupt { .. }
            | Failure::Encode(_)
            | Failure::Entropy(_)
            | Failure::Maintenance
            | Failure::Rejected(_)
            | Failure::Source { .. }
            | Failure::SourceMissing(_)
            | Failure::Unfinished { .. } => Self::Failed(failure),
        }
    }
}

impl From<EntropyError> for AdminError {
    fn from(error: EntropyError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Invalid> for AdminError {
    fn from(reason: Invalid) -> Self {
        Self::Invalid(vec![reason])
    }
}

impl From<KeyError> for AdminError {
    fn from(error: KeyError) -> Self {
        match error {
            // The request names a key that cannot be adopted.
            KeyError::NotAdoptable { reason, .. } => Invalid::KeyNotAdoptable(reason).into(),
            KeyError::Broken { .. }
            | KeyError::Foreign { .. }
            | KeyError::Gone { .. }
            | KeyError::Unavailable { .. } => Self::Failed(error.into()),
        }
    }
}

impl From<StoreError> for AdminError {
    fn from(error: StoreError) -> Self {
        match error {
            // The cursor is part of the request.
            StoreError::Cursor => Invalid::Cursor.into(),
            StoreError::Conflict
            | StoreError::Corrupt { .. }
            | StoreError::NameTaken
            | StoreError::Unavailable { .. } => Self::Failed(error.into()),
        }
    }
}

/// Why a request of an administrator is invalid. The texts name no field of an interface:
/// [`Self::field`] tells which one they are about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// The authority awaits its certificate.
    #[error("the authority is not active: it awaits its certificate")]
    AuthorityNotActive,
    /// The authority's certificate is not valid now, so it can issue nothing.
    #[error("the authority's certificate is not valid now")]
    AuthorityNotValid,
    /// A root signs its own certificate, so none can be installed.
    #[error("the authority is a root: it signs its own certificate")]
    AuthorityIsRoot,
    /// The certificate does not fit its authority.
    #[error(transparent)]
    Certificate(#[from] UnfitCertificate),
    /// The certificate is revoked for another reason, and not on hold.
    #[error("the certificate is revoked already")]
    CertificateRevoked,
    /// The challengePassword is empty or too long.
    #[error("1 to {MAX_CHALLENGE_CHARACTERS} characters")]
    Challenge,
    /// The number of challenges to make at once is zero, or too large.
    #[error("1 to {MAX_CHALLENGES} challenges at once")]
    ChallengeCount,
    /// A challengePassword is to be required, but none is set.
    #[error("there is no challengePassword")]
    ChallengeMissing,
    /// A one-time challenge cannot vouch for these names. The text begins with the field.
    #[error("{0}")]
    VouchedNames(String),
    /// A one-time challenge is good for too few or too many certificates.
    #[error("1 to {MAX_CHALLENGE_USES}")]
    ChallengeUses,
    /// A one-time challenge is valid for too short or too long a time.
    #[error("must be greater than zero and at most P{MAX_CHALLENGE_DAYS}D")]
    ChallengeValidity,
    /// A CN is empty, too long, or contains a control character.
    #[error("1 to 64 characters, none of them a control character")]
    CommonName,
    /// The cursor does not come from a page of this list.
    #[error("invalid for this list")]
    Cursor,
    /// Other objects need the one to be deleted.
    #[error("Dependent {}s ({}): {}", .kind.text(), .names.len(), .names.join(","))]
    Dependents {
        /// The kind of the other objects.
        kind: ObjectKind,
        /// The names of the other objects, sorted.
        names: Vec<String>,
    },
    /// The description is too long, or contains invisible characters.
    #[error(transparent)]
    Description(#[from] DescriptionError),
    /// An element of a list breaks a rule.
    #[error("[{index}]: {reason}")]
    Element {
        /// The place in the list, from 0.
        index: usize,
        /// The rule.
        reason: Box<Invalid>,
    },
    /// An edit cannot enable or disable a profile; separate requests do.
    #[error("read-only")]
    EnabledChanged,
    /// An existing key cannot be adopted.
    #[error("{0}")]
    KeyNotAdoptable(&'static str),
    /// An earlier attempt has ordered a key of another kind for the authority.
    #[error("an earlier attempt has ordered a key of {} for the authority: repeat it with that", .0.name())]
    KeyOrdered(KeyAlgorithm),
    /// The next key of an authority is one that it already has.
    #[error("the authority has this key already")]
    KeyInUse,
    /// The key to be certified belongs to a revoked certificate.
    #[error("the key of the request belongs to a revoked certificate")]
    KeyRevoked,
    /// The authority to be deleted has certificates that are valid and not revoked.
    #[error(
        "certificates of the authority are valid and not revoked, and would fall off every CRL"
    )]
    ValidCertificates,
    /// A required field is missing.
    #[error("missing")]
    Missing(Field),
    /// The name is invalid.
    #[error(transparent)]
    Name(#[from] NameError),
    /// An edit tries to change the name.
    #[error("a name cannot be changed")]
    NameChanged,
    /// The authority's next certificate is not yet valid, or has expired.
    #[error("the authority's next certificate is not valid now")]
    NextNotValid,
    /// No rollover has begun, or the next generation awaits its certificate.
    #[error(
        "the authority has no next certificate: begin a rollover, and install the certificate of a subordinate"
    )]
    NoNext,
    /// The note is too long, or contains invisible characters.
    #[error("at most 300 characters, and none that hides or reorders text")]
    Note,
    /// The transaction does not wait for an administrator.
    #[error("the transaction is not pending")]
    NotPending,
    /// The profile has no one-time challenges.
    #[error("the SCEP Profile does not have ONE_TIME among its challengeSources")]
    OneTimeNotChosen,
    /// The RA certificate was not issued by the authority of a linked RA Profile.
    #[error("the RA certificate was not issued by the authority of RA Profile {0}")]
    OtherAuthority(String),
    /// No RA certificate has this uuid.
    #[error("no such RA certificate")]
    RaCertificateUnknown,
    /// The RA certificate has no RSA key, or is not valid now.
    #[error("the RA certificate is not valid now")]
    RaCertificateUnusable,
    /// The algorithm of an RA key must be RSA.
    #[error("an RA key is RSA_2048, RSA_3072 or RSA_4096")]
    RaKeyAlgorithm,
    /// A purpose would let an RA certificate act for the authority, or for any purpose.
    #[error("{0} is not allowed in an RA certificate")]
    RaUsage(ExtendedKeyUsage),
    /// An RA certificate would have too many purposes.
    #[error("at most {MAX_USAGES}")]
    RaUsages,
    /// No RA Profile has this uuid.
    #[error("no such RA Profile")]
    RaProfileUnknown,
    /// A profile of the transaction is disabled or deleted.
    #[error("the SCEP Profile or the RA Profile of the transaction is disabled or deleted")]
    ProfileNotServing,
    /// The reason is too long, or contains a control character.
    #[error("at most {MAX_REASON_CHARACTERS} characters, none of them a control character")]
    Reason,
    /// The current rules of the RA Profile do not allow the request.
    #[error("the RA Profile does not allow the request: {0}")]
    Rule(String),
    /// A challenge source of the profile cannot work without this field.
    #[error("the challenge source {0} needs it")]
    SourceNeeds(ChallengeSourceKind, Field),
    /// The field says of one challenge source something else than the list of all.
    #[error("it contradicts the challenge sources in the same request")]
    SourcesContradict(Field),
    /// The subject is not a valid name.
    #[error("not a name in the form of RFC 4514, like CN=Corp CA,O=Corp")]
    Subject,
    /// The certificate template is invalid.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A text cannot be a transactionID.
    #[error("1 to 255 octets of text")]
    TransactionId,
    /// Another challenge, which can still be used, is bound to the transactionID.
    #[error("another challenge that can still be used is bound to it")]
    TransactionIdTaken,
    /// The period is zero, or ends after the year 9999.
    #[error("must be greater than zero and end before the year 10000")]
    Validity,
    /// The secret of a webhook does not fit the Standard Webhooks specification.
    #[error(transparent)]
    WebhookSecret(#[from] UnfitSecret),
    /// A webhook would get too little or too much time.
    #[error("{} to {} seconds", WEBHOOK_TIMEOUT_SECONDS.start(), WEBHOOK_TIMEOUT_SECONDS.end())]
    WebhookTimeout,
    /// Requests cannot be sent to the URL of a webhook.
    #[error(transparent)]
    WebhookUrl(#[from] UnfitUrl),
}

impl Invalid {
    /// The same reason, as that of an element of a list.
    pub(super) fn of_element(self, index: usize) -> Self {
        let reason = Box::new(self);
        Self::Element { index, reason }
    }

    /// Returns the field that breaks the rule; `None` if the state of an object breaks it, or if
    /// the text names a part of the field.
    #[must_use]
    pub const fn field(&self) -> Option<Field> {
        let field = match self {
            Self::Challenge => Field::Challenge,
            Self::ChallengeUses => Field::Uses,
            Self::ChallengeValidity | Self::Validity => Field::Validity,
            Self::ChallengeMissing => Field::ChallengeRequired,
            Self::CommonName => Field::CommonName,
            Self::Cursor => Field::Cursor,
            Self::EnabledChanged => Field::Enabled,
            Self::KeyInUse | Self::KeyNotAdoptable(_) => Field::ExistingKey,
            Self::Missing(field) | Self::SourceNeeds(_, field) | Self::SourcesContradict(field) => {
                *field
            }
            Self::Name(_) | Self::NameChanged => Field::Name,
            Self::Note => Field::Note,
            Self::RaCertificateUnknown | Self::RaCertificateUnusable => Field::RaCertificate,
            Self::KeyOrdered(_) | Self::RaKeyAlgorithm => Field::KeyAlgorithm,
            Self::RaProfileUnknown => Field::RaProfile,
            Self::RaUsage(_) | Self::RaUsages => Field::ExtendedKeyUsage,
            Self::Reason => Field::Reason,
            Self::Subject => Field::Subject,
            Self::TransactionId | Self::TransactionIdTaken => Field::TransactionId,
            Self::WebhookSecret(_) => Field::WebhookSecret,
            Self::WebhookTimeout => Field::WebhookTimeout,
            Self::ValidCertificates => Field::Force,
            Self::WebhookUrl(_) => Field::WebhookUrl,
            Self::AuthorityIsRoot
            | Self::AuthorityNotActive
            | Self::AuthorityNotValid
            | Self::Certificate(_)
            | Self::CertificateRevoked
            | Self::ChallengeCount
            | Self::Dependents { .. }
            | Self::Description(_)
            | Self::Element { .. }
            | Self::KeyRevoked
            | Self::NextNotValid
            | Self::NoNext
            | Self::NotPending
            | Self::OneTimeNotChosen
            | Self::OtherAuthority(_)
            | Self::ProfileNotServing
            | Self::Rule(_)
            | Self::Template(_)
            | Self::VouchedNames(_) => return None,
        };
        Some(field)
    }
}
