//! The fields of administrators' requests, by which a violated rule says what it is about.

/// A field of a request. An interface of administration adds the name under which its callers know
/// the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The challengePassword of a SCEP Profile.
    Challenge,
    /// Whether a SCEP Profile requires a challengePassword.
    ChallengeRequired,
    /// The CN of an RA certificate.
    CommonName,
    /// The cursor of a page.
    Cursor,
    /// Whether a profile is enabled.
    Enabled,
    /// The reference to a key that exists already, which an authority is to adopt.
    ExistingKey,
    /// The purposes of an RA certificate.
    ExtendedKeyUsage,
    /// Whether to do what would leave something behind.
    Force,
    /// Whether Intune validates the challenges of a SCEP Profile.
    Intune,
    /// The application by which Intune is asked.
    IntuneApplicationId,
    /// The secret of that application.
    IntuneApplicationKey,
    /// The Entra tenant of that application.
    IntuneTenant,
    /// The algorithm of a key.
    KeyAlgorithm,
    /// The name of an object.
    Name,
    /// The RA certificate of a SCEP Profile.
    RaCertificate,
    /// The default RA Profile of a SCEP Profile.
    RaProfile,
    /// The note of a one-time challenge.
    Note,
    /// The reason of a rejection.
    Reason,
    /// The subject of an authority.
    Subject,
    /// The transactionID that a one-time challenge is bound to.
    TransactionId,
    /// How many certificates a one-time challenge is good for.
    Uses,
    /// The validity period of a certificate or of a one-time challenge.
    Validity,
    /// The secret of a webhook.
    WebhookSecret,
    /// How long a webhook may take to answer.
    WebhookTimeout,
    /// The URL of a webhook.
    WebhookUrl,
}
