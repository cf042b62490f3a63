//! messageType, RFC 8894 §3.2.1.2.

/// What kind of message this is: messageType, RFC 8894 §3.2.1.2. Sent as its decimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageType {
    /// The answer to every other kind.
    CertRep,
    /// A request authenticated with an existing certificate.
    RenewalReq,
    /// A request authenticated with a shared secret.
    PkcsReq,
    /// Asks what became of a pending request; GetCertInitial in early drafts.
    CertPoll,
    /// Asks for a certificate by issuer and serial number.
    GetCert,
    /// Asks for the CRL of an issuer.
    GetCrl,
}

impl MessageType {
    /// Every message type of Table 3.
    pub const ALL: [Self; 6] = [
        Self::CertRep,
        Self::RenewalReq,
        Self::PkcsReq,
        Self::CertPoll,
        Self::GetCert,
        Self::GetCrl,
    ];

    /// The decimal digits that stand in the attribute.
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

    /// The RFC's name.
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

    /// The type that these digits name; `None` for every other text, also for `019`.
    #[must_use]
    pub fn from_digits(digits: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.digits().as_bytes() == digits)
    }
}
