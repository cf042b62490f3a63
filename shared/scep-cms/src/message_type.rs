//! messageType, RFC 8894 §3.2.1.2.

/// The kind of a message: messageType, RFC 8894 §3.2.1.2. Sent as its decimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageType {
    /// The response to every other kind.
    CertRep,
    /// A request authenticated with an existing certificate.
    RenewalReq,
    /// A request authenticated with a shared secret.
    PkcsReq,
    /// Polls a pending request; GetCertInitial in early drafts.
    CertPoll,
    /// Asks for a certificate by issuer and serial number.
    GetCert,
    /// Asks for the CRL of an issuer.
    GetCrl,
}

impl MessageType {
    /// Every message type in Table 3 of RFC 8894.
    pub const ALL: [Self; 6] = [
        Self::CertRep,
        Self::RenewalReq,
        Self::PkcsReq,
        Self::CertPoll,
        Self::GetCert,
        Self::GetCrl,
    ];

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
    pub const fn name(self) -> &'static str {
        match self {
            Self::CertRep => "CertRep",
            Self::RenewalReq => "RenewalReq",
            Self::PkcsReq => "PKCSReq",
            Self::CertPoll => "CertPoll",
            Self::GetCert => "GetCert",
            Self::GetCrl => "GetCRL",
        }
    }

    /// The message type with exactly these digits. `019` is not one.
    #[must_use]
    pub fn from_digits(digits: &[u8]) -> Option<Self> {
        // Octets are compared, not numbers: one type has one spelling.
        Self::ALL
            .into_iter()
            .find(|kind| kind.digits().as_bytes() == digits)
    }
}
