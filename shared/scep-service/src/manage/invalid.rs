//! The errors of administration: validation failures, conflicts, and failures of the server.

use ca_issuer::UnfitCertificate;
use scep_protocol::{DescriptionError, ExtendedKeyUsage, NameError, TemplateError};

use crate::{Failure, KeyError, ObjectKind, StoreError};

/// Why a use case of administration failed.
#[derive(Debug, thiserror::Error)]
pub enum ManageError {
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
    #[error("If-Match is required: read the transaction, and send the ETag of what you approve")]
    VersionMissing,
}

impl ManageError {
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

impl From<Failure> for ManageError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Key(error) => error.into(),
            Failure::Store(error) => error.into(),
            Failure::Busy | Failure::Encode(_) | Failure::Maintenance | Failure::Rejected(_) => {
                Self::Failed(failure)
            }
        }
    }
}

impl From<Invalid> for ManageError {
    fn from(reason: Invalid) -> Self {
        Self::Invalid(vec![reason])
    }
}

impl From<KeyError> for ManageError {
    fn from(error: KeyError) -> Self {
        match error {
            // The request names a key that cannot be adopted.
            KeyError::NotAdoptable { reason, .. } => Invalid::KeyNotAdoptable(reason).into(),
            KeyError::Broken { .. } | KeyError::Unavailable { .. } => Self::Failed(error.into()),
        }
    }
}

impl From<StoreError> for ManageError {
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

/// Why a request of an administrator is invalid.
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
    #[error("challengePassword: 1 to 255 characters")]
    Challenge,
    /// A challengePassword is to be required, but none is set.
    #[error("enableChallengePassword: there is no challengePassword")]
    ChallengeMissing,
    /// A CN is empty, too long, or contains a control character.
    #[error("commonName: 1 to 64 characters, none of them a control character")]
    CommonName,
    /// The cursor does not come from a page of this list.
    #[error("cursor: invalid for this list")]
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
    /// An edit cannot enable or disable a profile; separate requests do.
    #[error("enabled: read-only; PATCH …/enable or …/disable changes it")]
    EnabledChanged,
    /// Intune validation cannot be enabled.
    #[error("enableIntune: validation by Intune is not supported yet")]
    Intune,
    /// An existing key cannot be adopted.
    #[error("keyArn: {0}")]
    KeyNotAdoptable(&'static str),
    /// The next key of an authority is one that it already has.
    #[error("keyArn: the authority has this key already")]
    KeyInUse,
    /// The key to be certified belongs to a revoked certificate.
    #[error("the key of the request belongs to a revoked certificate")]
    KeyRevoked,
    /// The authority to be deleted has certificates that are valid and not revoked.
    #[error(
        "certificates of the authority are valid and not revoked, and would fall off every CRL: revoke them, or delete with force=true"
    )]
    ValidCertificates,
    /// A required field is missing.
    #[error("{0}: missing")]
    Missing(&'static str),
    /// The name is invalid.
    #[error("name: {0}")]
    Name(#[from] NameError),
    /// An edit tries to change the name.
    #[error("name: a name cannot be changed")]
    NameChanged,
    /// The authority's next certificate is not yet valid, or has expired.
    #[error("the authority's next certificate is not valid now")]
    NextNotValid,
    /// No rollover has begun, or the next generation awaits its certificate.
    #[error(
        "the authority has no next certificate: begin a rollover, and install the certificate of a subordinate"
    )]
    NoNext,
    /// The transaction does not wait for an administrator.
    #[error("the transaction is not pending")]
    NotPending,
    /// The RA certificate was not issued by the authority of a linked RA Profile.
    #[error("the RA certificate was not issued by the authority of RA Profile {0}")]
    OtherAuthority(String),
    /// No RA certificate has this uuid.
    #[error("caCertificateUuid: no such RA certificate")]
    RaCertificateUnknown,
    /// The RA certificate has no RSA key, or is not valid now.
    #[error("caCertificateUuid: the RA certificate is not valid now")]
    RaCertificateUnusable,
    /// The algorithm of an RA key must be RSA.
    #[error("keyAlgorithm: an RA key is RSA_2048, RSA_3072 or RSA_4096")]
    RaKeyAlgorithm,
    /// A purpose would let an RA certificate act for the authority, or for any purpose.
    #[error("extendedKeyUsage: {0} is not allowed in an RA certificate")]
    RaUsage(ExtendedKeyUsage),
    /// An RA certificate would have too many purposes.
    #[error("extendedKeyUsage: at most 16")]
    RaUsages,
    /// No RA Profile has this uuid.
    #[error("raProfileUuid: no such RA Profile")]
    RaProfileUnknown,
    /// A profile of the transaction is disabled or deleted.
    #[error("the SCEP Profile or the RA Profile of the transaction is disabled or deleted")]
    ProfileNotServing,
    /// The reason is too long, or contains a control character.
    #[error("reason: at most 200 characters, none of them a control character")]
    Reason,
    /// The current rules of the RA Profile do not allow the request.
    #[error("the RA Profile has changed since the request: {0}")]
    Rule(String),
    /// The subject is not a valid name.
    #[error("subject: not a name in the form of RFC 4514, like CN=Corp CA,O=Corp")]
    Subject,
    /// The certificate template is invalid.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The period is zero, or ends after the year 9999.
    #[error("validity: must be greater than zero and end before the year 10000")]
    Validity,
}
