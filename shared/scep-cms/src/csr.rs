//! PKCS #10 certification request, RFC 2986, and its challengePassword.

use const_oid::ObjectIdentifier;
use der::asn1::AnyRef;
use der::{Decode, Encode, Tag};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::asn1::{
    Attribute, CertificationRequestInfo, Extension, SetOf, Signed, directory_string, from_pem,
    tagged,
};
use crate::{
    DecodeError, PublicKey, PublicKeyError, SignatureAlgorithm, UnsupportedAlgorithm, oid,
};

/// Longest challengePassword that is looked at, in octets of UTF-8.
const MAX_CHALLENGE_BYTES: usize = 1024;

/// The shared secret that authorises an enrolment, RFC 8894 §2.4. Never printed, zeroed on drop, compared in constant
/// time.
#[derive(Clone)]
pub struct ChallengePassword(Zeroizing<String>);

impl ChallengePassword {
    /// A challenge of this text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    /// Are the two the same? Takes a time that depends on their lengths alone.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }

    /// The secret itself, for whoever encrypts it or shows it to its owner.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    fn from_any(value: AnyRef<'_>) -> Option<Self> {
        let text = Zeroizing::new(directory_string(value)?);
        (text.len() <= MAX_CHALLENGE_BYTES).then_some(Self(text))
    }
}

/// An extension that the request asks for; it is up to the CA what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedExtension {
    /// Its kind.
    pub id: ObjectIdentifier,
    /// Its value, DER.
    pub value: Vec<u8>,
}

/// A certification request, read but not verified.
#[derive(Clone)]
pub struct CertificationRequest {
    der: Zeroizing<Vec<u8>>,
    signed: Zeroizing<Vec<u8>>,
    signature_algorithm: Result<SignatureAlgorithm, UnsupportedAlgorithm>,
    signature: Vec<u8>,
    subject: Vec<u8>,
    subject_public_key_info: Vec<u8>,
    challenge_password: Option<ChallengePassword>,
    extensions: Vec<RequestedExtension>,
}

impl CertificationRequest {
    /// Reads a DER request. Its attributes may come in any order: strongSwan's do.
    ///
    /// # Errors
    /// When `der` is not a request, or names its challengePassword or extensions twice.
    pub fn from_der(der: &[u8]) -> Result<Self, DecodeError> {
        let structure = DecodeError::of("CertificationRequest");
        let request = Signed::from_der(der).map_err(&structure)?;
        let info: CertificationRequestInfo<'_> =
            request.to_be_signed.decode_as().map_err(&structure)?;
        let attributes = info.attributes.unwrap_or_default();
        let challenge = attribute(attributes, oid::CHALLENGE_PASSWORD)?;
        let extensions = attribute(attributes, oid::EXTENSION_REQUEST)?;
        Ok(Self {
            der: Zeroizing::new(der.to_vec()),
            signed: Zeroizing::new(request.to_be_signed.to_der().map_err(&structure)?),
            signature_algorithm: SignatureAlgorithm::from_identifier(&request.algorithm),
            signature: request.signature.raw_bytes().to_vec(),
            subject: tagged(info.subject, Tag::Sequence).map_err(&structure)?,
            subject_public_key_info: tagged(info.subject_public_key_info, Tag::Sequence)
                .map_err(&structure)?,
            challenge_password: challenge.and_then(ChallengePassword::from_any),
            extensions: extensions.map(requested).transpose()?.unwrap_or_default(),
        })
    }

    /// Reads one PEM request, RFC 7468 §7.
    ///
    /// # Errors
    /// When `pem` is not one request; as [`Self::from_der`].
    pub fn from_pem(pem: &str) -> Result<Self, DecodeError> {
        let der = from_pem("CERTIFICATE REQUEST", pem)?;
        Self::from_der(&der)
    }

    /// Verifies that the request is signed with the key that it asks a certificate for, over the bytes as they came.
    ///
    /// Of a request that came in an envelope, [`VerifiedPkiMessage::verify_possession`] does this
    /// without telling an attacker what the envelope opened to.
    ///
    /// [`VerifiedPkiMessage::verify_possession`]: crate::VerifiedPkiMessage::verify_possession
    ///
    /// # Errors
    /// As [`PublicKey::verify`], or [`PublicKeyError::Unsupported`] for a signature algorithm that is not on the list.
    pub fn verify(&self) -> Result<PublicKey, PublicKeyError> {
        let key = self.public_key()?;
        let algorithm = self
            .signature_algorithm
            .map_err(|_| PublicKeyError::Unsupported)?;
        self.verify_with(&key, algorithm)?;
        Ok(key)
    }

    /// The key that it asks a certificate for.
    ///
    /// # Errors
    /// As [`PublicKey::from_der`].
    pub fn public_key(&self) -> Result<PublicKey, PublicKeyError> {
        PublicKey::from_der(&self.subject_public_key_info)
    }

    pub(crate) fn verify_with(
        &self,
        key: &PublicKey,
        algorithm: SignatureAlgorithm,
    ) -> Result<(), PublicKeyError> {
        key.verify(algorithm, &self.signed, &self.signature)
    }

    /// The algorithm of its signature, if verifying that takes `key` a whole public-key operation.
    pub(crate) fn plausible_algorithm(&self, key: &PublicKey) -> Option<SignatureAlgorithm> {
        let algorithm = self.signature_algorithm.ok()?;
        key.is_plausible(algorithm, &self.signature)
            .then_some(algorithm)
    }

    /// The whole request, DER. Holds the challengePassword: not for logs, not for storage.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The algorithm of its own signature.
    ///
    /// # Errors
    /// When it is not on the list.
    pub const fn signature_algorithm(&self) -> Result<SignatureAlgorithm, UnsupportedAlgorithm> {
        self.signature_algorithm
    }

    /// Its subject, a DER Name.
    #[must_use]
    pub fn subject(&self) -> &[u8] {
        &self.subject
    }

    /// Its SubjectPublicKeyInfo, DER.
    #[must_use]
    pub fn subject_public_key_info(&self) -> &[u8] {
        &self.subject_public_key_info
    }

    /// Its challengePassword, if it carries one that is text.
    #[must_use]
    pub const fn challenge_password(&self) -> Option<&ChallengePassword> {
        self.challenge_password.as_ref()
    }

    /// The extensions that it asks for.
    #[must_use]
    pub fn extensions(&self) -> &[RequestedExtension] {
        &self.extensions
    }
}

/// The value of an attribute that may occur once with one value.
fn attribute(
    attributes: SetOf<'_>,
    kind: ObjectIdentifier,
) -> Result<Option<AnyRef<'_>>, DecodeError> {
    let mut found = None;
    for element in attributes.elements() {
        let attribute = element
            .and_then(Attribute::from_der)
            .map_err(DecodeError::of("Attribute"))?;
        if attribute.kind != kind {
            continue;
        }
        let value = attribute
            .values
            .single()
            .and_then(|value| AnyRef::from_der(value).ok())
            .ok_or(DecodeError::Unexpected(
                "an attribute with other than one value",
            ))?;
        if found.replace(value).is_some() {
            return Err(DecodeError::Unexpected("an attribute that occurs twice"));
        }
    }
    Ok(found)
}

fn requested(value: AnyRef<'_>) -> Result<Vec<RequestedExtension>, DecodeError> {
    let extensions: Vec<Extension<'_>> =
        value.decode_as().map_err(DecodeError::of("Extensions"))?;
    Ok(extensions
        .into_iter()
        .map(|extension| RequestedExtension {
            id: extension.id,
            value: extension.value.as_bytes().to_vec(),
        })
        .collect())
}
