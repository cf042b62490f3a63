//! Revocation, RFC 5280 §5.3.1.

use strum::{EnumString, IntoStaticStr, VariantArray};
use time::OffsetDateTime;

use crate::id::CertificateUuid;

/// The reason for a revocation: CRLReason, RFC 5280 §5.3.1.
// removeFromCRL is omitted, because it is for delta CRLs and none are issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "camelCase")]
pub enum RevocationReason {
    /// No reason is given.
    Unspecified,
    /// The certificate's private key is compromised.
    KeyCompromise,
    /// The CA's private key is compromised.
    #[strum(serialize = "cACompromise")]
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
    #[strum(serialize = "aACompromise")]
    AaCompromise,
}

impl RevocationReason {
    /// The reason's name in the API and in storage, which is that of the RFC.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
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
    pub uuid: CertificateUuid,
    /// The time and reason of the revocation.
    pub revocation: Revocation,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_read_by_the_name_that_the_rfc_gives_it() {
        for reason in RevocationReason::VARIANTS {
            assert_eq!(reason.name().parse(), Ok(*reason));
        }
        let names = RevocationReason::VARIANTS
            .iter()
            .map(|reason| reason.name());
        let expected = [
            "unspecified",
            "keyCompromise",
            "cACompromise",
            "affiliationChanged",
            "superseded",
            "cessationOfOperation",
            "certificateHold",
            "privilegeWithdrawn",
            "aACompromise",
        ];
        assert!(names.eq(expected));
    }
}
