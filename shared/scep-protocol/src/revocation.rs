//! Revocation, RFC 5280 §5.3.1.

use time::OffsetDateTime;
use uuid::Uuid;

/// The reason for a revocation: CRLReason, RFC 5280 §5.3.1.
// removeFromCRL is omitted, because it is for delta CRLs and none are issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationReason {
    /// No reason is given.
    Unspecified,
    /// The certificate's private key is compromised.
    KeyCompromise,
    /// The CA's private key is compromised.
    CaCompromise,
    /// The subject's name or other information in the certificate has changed.
    AffiliationChanged,
    /// Another certificate replaces this one.
    Superseded,
    /// The certificate is no longer needed.
    CessationOfOperation,
    /// The certificate is on hold. The hold may become a final revocation and is never released.
    CertificateHold,
    /// A privilege that the certificate states was withdrawn.
    PrivilegeWithdrawn,
    /// The private key of an attribute authority is compromised.
    AaCompromise,
}

impl RevocationReason {
    /// Every reason.
    pub const ALL: [Self; 9] = [
        Self::Unspecified,
        Self::KeyCompromise,
        Self::CaCompromise,
        Self::AffiliationChanged,
        Self::Superseded,
        Self::CessationOfOperation,
        Self::CertificateHold,
        Self::PrivilegeWithdrawn,
        Self::AaCompromise,
    ];

    /// The reason's name in the API and in storage, which is that of the RFC.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::KeyCompromise => "keyCompromise",
            Self::CaCompromise => "cACompromise",
            Self::AffiliationChanged => "affiliationChanged",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessationOfOperation",
            Self::CertificateHold => "certificateHold",
            Self::PrivilegeWithdrawn => "privilegeWithdrawn",
            Self::AaCompromise => "aACompromise",
        }
    }

    /// The reason of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }
}

/// The revocation of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// The time of the revocation.
    pub at: OffsetDateTime,
    /// The reason for the revocation.
    pub reason: RevocationReason,
}

/// An entry of a CRL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevokedCertificate {
    /// The certificate's identity, which is its serial number.
    pub uuid: Uuid,
    /// The time and reason of the revocation.
    pub revocation: Revocation,
}
