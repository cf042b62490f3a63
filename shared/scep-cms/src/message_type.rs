//! messageType, RFC 8894 §3.2.1.2.

use strum::{IntoStaticStr, VariantArray};

/// The kind of a message: messageType, RFC 8894 §3.2.1.2. Sent as its decimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray)]
pub enum MessageType {
    /// The response to every other kind.
    CertRep,
    /// A request authenticated with an existing certificate.
    RenewalReq,
    /// A request authenticated with a shared secret.
    #[strum(serialize = "PKCSReq")]
    PkcsReq,
    /// Polls a pending request; GetCertInitial in early drafts.
    CertPoll,
    /// Asks for a certificate by issuer and serial number.
    GetCert,
    /// Asks for the CRL of an issuer.
    #[strum(serialize = "GetCRL")]
    GetCrl,
}

impl MessageType {
    /// The decimal digits in the attribute.
    #[must_use]
    pub const fn digits(self) -> &'static str {
        match self {
            Self::CertRep => "3",
            Self::RenewalReq => "17",
            Self::PkcsReq => "19",
            Self::CertPoll => "20",
            Self::GetCert => "21",
            Self::GetCrl => "22",
        }
    }

    /// The name in RFC 8894.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The message type with exactly these digits. `019` is not one.
    #[must_use]
    pub fn from_digits(digits: &[u8]) -> Option<Self> {
        // Octets are compared, not numbers: one type has one spelling.
        Self::VARIANTS
            .iter()
            .copied()
            .find(|kind| kind.digits().as_bytes() == digits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_type_is_read_by_its_digits() {
        for kind in MessageType::VARIANTS {
            let found = MessageType::from_digits(kind.digits().as_bytes());
            assert_eq!(found, Some(*kind));
        }
        assert_eq!(MessageType::from_digits(b"019"), None);
        let names = MessageType::VARIANTS.iter().map(|kind| kind.name());
        let expected = [
            "CertRep",
            "RenewalReq",
            "PKCSReq",
            "CertPoll",
            "GetCert",
            "GetCRL",
        ];
        assert!(names.eq(expected));
    }
}
