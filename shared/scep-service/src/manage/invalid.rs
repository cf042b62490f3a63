//! Why an administrator does not get what was asked for.

use ca_issuer::UnfitCertificate;
use scep_protocol::{DescriptionError, ExtendedKeyUsage, NameError, TemplateError};

use crate::{Failure, KeyError, ObjectKind, StoreError};

/// Why a use case of administration came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum ManageError {
    /// Someone else changed the object, or one that it is linked to.
    #[error("someone else changed the object, or one it is linked to; read it again")]
    Conflict,
    /// A fault of ours.
    #[error(transparent)]
    Failed(Failure),
    /// What was asked for breaks rules: all that were found.
    #[error("{} rules are broken", .0.len())]
    Invalid(Vec<Invalid>),
    /// Another object of this kind has the name.
    #[error("another {} has this name", .0.text())]
    NameTaken(ObjectKind),
    /// There is no such object.
    #[error("no such {}", .0.text())]
    NotFound(ObjectKind),
    /// A decision does not say what it is about.
    #[error("If-Match is required: read the transaction, and send the ETag of what you approve")]
    VersionMissing,
}

impl ManageError {
    /// What a store's error means while an object of this kind is written.
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

impl<E: Into<Failure>> From<E> for ManageError {
    fn from(failure: E) -> Self {
        match failure.into() {
            Failure::Key(KeyError::NotAdoptable { reason, .. }) => {
                Self::Invalid(vec![Invalid::KeyNotAdoptable(reason)])
            }
            Failure::Store(StoreError::Cursor) => Self::Invalid(vec![Invalid::Cursor]),
            failure @ (Failure::Busy
            | Failure::Encode(_)
            | Failure::Key(_)
            | Failure::Rejected(_)
            | Failure::Store(_)
            | Failure::Upkeep) => Self::Failed(failure),
        }
    }
}

impl From<Vec<Invalid>> for ManageError {
    fn from(reasons: Vec<Invalid>) -> Self {
        Self::Invalid(reasons)
    }
}

/// A rule that a request of an administrator breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// The authority awaits its certificate.
    #[error("the authority is not active: it awaits its certificate")]
    AuthorityNotActive,
    /// The authority's certificate is not valid now: nothing can be issued under it.
    #[error("the authority's certificate is not valid now")]
    AuthorityNotValid,
    /// A root's certificate is its own.
    #[error("the authority is a root: it signs its own certificate")]
    AuthorityIsRoot,
    /// A certificate does not fit its authority.
    #[error(transparent)]
    Certificate(#[from] UnfitCertificate),
    /// The certificate is revoked for good.
    #[error("the certificate is revoked already")]
    CertificateRevoked,
    /// The challengePassword is empty or too long.
    #[error("challengePassword: 1 to 255 characters")]
    Challenge,
    /// A challenge is to be required, and there is none.
    #[error("enableChallengePassword: there is no challengePassword")]
    ChallengeMissing,
    /// A CN is empty or too long, or holds what cannot be seen.
    #[error("commonName: 1 to 64 characters, none of them a control character")]
    CommonName,
    /// The cursor is none of this list.
    #[error("cursor: not one that a page of this list gave")]
    Cursor,
    /// Others need the object.
    #[error("Dependent {}s ({}): {}", .kind.text(), .names.len(), .names.join(","))]
    Dependents {
        /// Their kind.
        kind: ObjectKind,
        /// Their names, sorted.
        names: Vec<String>,
    },
    /// The description is too long, or holds what cannot be seen.
    #[error(transparent)]
    Description(#[from] DescriptionError),
    /// A profile is enabled and disabled by requests of their own.
    #[error("enabled: read-only; PATCH …/enable or …/disable changes it")]
    EnabledChanged,
    /// Intune cannot be enabled.
    #[error("enableIntune: validation by Intune is not supported yet")]
    Intune,
    /// An existing key cannot be taken.
    #[error("keyArn: {0}")]
    KeyNotAdoptable(&'static str),
    /// An authority's next key is another than all before.
    #[error("keyArn: the authority has this key already")]
    KeyInUse,
    /// The key to be certified is that of a revoked certificate.
    #[error("the key of the request belongs to a revoked certificate")]
    KeyRevoked,
    /// Certificates of an authority live that is to be deleted.
    #[error(
        "certificates of the authority are valid and not revoked, and would fall off every CRL: revoke them, or delete with force=true"
    )]
    LivingCertificates,
    /// A part that must be there is not.
    #[error("{0}: missing")]
    Missing(&'static str),
    /// The name is none.
    #[error("name: {0}")]
    Name(#[from] NameError),
    /// A name is for good.
    #[error("name: a name cannot be changed")]
    NameChanged,
    /// The authority's next certificate is not valid yet, or not any more.
    #[error("the authority's next certificate is not valid now")]
    NextNotValid,
    /// No rollover has begun, or the next generation awaits its certificate.
    #[error(
        "the authority has no next certificate: begin a rollover, and install the certificate of a subordinate"
    )]
    NoNext,
    /// The transaction does not wait for approval, or not any more.
    #[error("the transaction is not pending")]
    NotPending,
    /// A linked RA Profile's authority did not issue the RA certificate.
    #[error("the RA certificate was not issued by the authority of RA Profile {0}")]
    OtherAuthority(String),
    /// No RA certificate has this uuid.
    #[error("caCertificateUuid: no such RA certificate")]
    RaCertificateUnknown,
    /// The RA certificate's key is no RSA key, or the certificate is not valid now.
    #[error("caCertificateUuid: the RA certificate is not valid now")]
    RaCertificateUnusable,
    /// RA keys are RSA keys.
    #[error("keyAlgorithm: an RA key is RSA_2048, RSA_3072 or RSA_4096")]
    RaKeyAlgorithm,
    /// A purpose that makes an RA certificate speak for the authority or for everyone.
    #[error("extendedKeyUsage: {0} is for no RA certificate")]
    RaUsage(ExtendedKeyUsage),
    /// More purposes than an RA certificate may have.
    #[error("extendedKeyUsage: at most 16")]
    RaUsages,
    /// No RA Profile has this uuid.
    #[error("raProfileUuid: no such RA Profile")]
    RaProfileUnknown,
    /// A profile under which something is to be issued does not serve.
    #[error("the SCEP Profile or the RA Profile of the transaction is disabled or deleted")]
    ProfileNotServing,
    /// A reason is too long, or holds what cannot be shown.
    #[error("reason: at most 200 characters, none of them a control character")]
    Reason,
    /// The rules of today do not allow what a request asked for.
    #[error("the RA Profile has changed since the request: {0}")]
    Rule(String),
    /// The subject is no name.
    #[error("subject: not a name in the form of RFC 4514, like CN=Corp CA,O=Corp")]
    Subject,
    /// The certificate template is none.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The period is no time at all, or ends after the year 9999.
    #[error("validity: longer than no time, and ending before the year 10000")]
    Validity,
}
