//! pkcsPKIEnvelope, RFC 8894 §3.2.2: decoding, decrypting and encrypting an EnvelopedData.

use const_oid::db::{rfc5911, rfc5912};
use der::asn1::{AnyRef, OctetStringRef};
use der::{Decode, Encode, Tag, Tagged};
use spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use crate::algorithm::{ContentEncryption, KeyTransport};
use crate::algorithm_name::UnsupportedAlgorithm;
use crate::asn1::{ContentInfo, EncryptedContentInfo, EnvelopedData, KeyTransRecipientInfo, SetOf};
use crate::ber::to_der;
use crate::certificate::{Certificate, IssuerAndSerialNumber};
use crate::challenge::ChallengePassword;
use crate::content_key::ContentKey;
use crate::error::{CipherLengthError, DecodeError, EncodeCause, EncodeError};
use crate::password_recipient::{
    PASSWORD_RECIPIENT_TAG, PasswordRecipient, PasswordRecipientError, PasswordWrapping,
};
use crate::tlv::Element;
use crate::{asn1, password_recipient, tlv};

/// The number of recipients that are read; further ones are ignored.
// micromdm names two. Bounds the work that a message with thousands of recipients causes.
const MAX_RECIPIENTS: usize = 16;

/// Why an envelope cannot be decoded or decrypted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// The cipher of the content is not supported.
    #[error("the envelope's content encryption is not supported")]
    Algorithm(#[source] UnsupportedAlgorithm),
    /// The input is not an EnvelopedData.
    #[error("decoding the envelope")]
    Decode(#[from] DecodeError),
    /// A length or the IV does not fit the cipher.
    #[error("the envelope's parts do not fit its cipher")]
    Malformed,
    /// The message does not contain an envelope.
    #[error("the message has no envelope")]
    Missing,
    /// The padding is invalid, as it is after decryption with a wrong key.
    #[error("the envelope does not decrypt")]
    Open,
}

/// The identifier of a certificate in a SignerInfo or RecipientInfo, RFC 5652 §5.3 and §6.2.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateIdentifier {
    /// The certificate's issuer and serial number.
    IssuerAndSerialNumber(IssuerAndSerialNumber),
    /// The octets of the certificate's subjectKeyIdentifier.
    SubjectKeyIdentifier(Vec<u8>),
}

impl CertificateIdentifier {
    pub(crate) fn from_any(identifier: AnyRef<'_>) -> Result<Self, DecodeError> {
        if let Tag::ContextSpecific {
            constructed,
            number: der::TagNumber(0),
        } = identifier.tag()
        {
            return parse_key_identifier(identifier.value(), constructed)
                .map(Self::SubjectKeyIdentifier);
        }
        let parts: asn1::IssuerAndSerialNumber<'_> = identifier
            .decode_as()
            .map_err(DecodeError::of("IssuerAndSerialNumber"))?;
        IssuerAndSerialNumber::of(&parts)
            .map(Self::IssuerAndSerialNumber)
            .map_err(DecodeError::of("IssuerAndSerialNumber"))
    }

    /// Whether this identifies `certificate`, by [`IssuerAndSerialNumber::is_same`] or by the same
    /// subjectKeyIdentifier.
    #[must_use]
    pub fn names(&self, certificate: &Certificate) -> bool {
        match self {
            Self::IssuerAndSerialNumber(name) => {
                name.is_same(certificate.issuer_and_serial_number())
            }
            Self::SubjectKeyIdentifier(name) => {
                certificate.subject_key_identifier() == Some(name.as_slice())
            }
        }
    }
}

/// The octets of a subjectKeyIdentifier, `[0] IMPLICIT OCTET STRING`. Accepts the constructed form
/// of BER, and a whole OCTET STRING inside `[0]`, which some clients send.
fn parse_key_identifier(value: &[u8], constructed: bool) -> Result<Vec<u8>, DecodeError> {
    if constructed {
        return join_octet_strings(value).map_err(DecodeError::of("SubjectKeyIdentifier"));
    }
    let whole = Element::only(value).and_then(|element| element.tagged(tlv::OCTET_STRING));
    Ok(match whole {
        // Identifiers that this server issues have 20 octets, so one that happens to look like an
        // OCTET STRING of another length is not unwrapped.
        Some(whole) if whole.contents.len() == KEY_IDENTIFIER_BYTES => whole.contents.to_vec(),
        Some(_) | None => value.to_vec(),
    })
}

/// Concatenates the OCTET STRINGs that are the segments of a constructed one.
fn join_octet_strings(segments: &[u8]) -> der::Result<Vec<u8>> {
    SetOf(segments)
        .elements()
        .map(|segment| Ok(<&OctetStringRef>::from_der(segment?)?.as_bytes()))
        .collect::<der::Result<Vec<_>>>()
        .map(|octets| octets.concat())
}

/// The length of the usual key identifier, the SHA-1 digest of the key, RFC 5280 §4.2.1.2.
const KEY_IDENTIFIER_BYTES: usize = 20;

/// A recipient of an envelope, with the content key encrypted to it.
#[derive(Clone, Debug)]
pub enum Recipient {
    /// The holder of an RSA key, RFC 5652 §6.2.1.
    KeyTrans(KeyTransRecipient),
    /// The holder of the challengePassword, RFC 5652 §6.2.4; an error if the way in which the
    /// content key is wrapped is malformed or not supported.
    // The error concerns only this recipient: the message may name another one that can be read.
    Password(Result<PasswordRecipient, PasswordRecipientError>),
    /// A kind of recipient that SCEP does not use, such as key agreement.
    Other,
}

/// A decoded KeyTransRecipientInfo.
#[derive(Clone, Debug)]
pub struct KeyTransRecipient {
    id: CertificateIdentifier,
    transport: Result<KeyTransport, UnsupportedAlgorithm>,
    encrypted_key: Vec<u8>,
}

impl KeyTransRecipient {
    /// The identifier of the certificate whose key decrypts [`Self::encrypted_key`].
    #[must_use]
    pub const fn id(&self) -> &CertificateIdentifier {
        &self.id
    }

    /// The encryption scheme of [`Self::encrypted_key`].
    ///
    /// # Errors
    /// When the scheme is not supported.
    pub const fn transport(&self) -> Result<KeyTransport, UnsupportedAlgorithm> {
        self.transport
    }

    /// The encrypted content key.
    #[must_use]
    pub fn encrypted_key(&self) -> &[u8] {
        &self.encrypted_key
    }
}

/// The recipient of a new envelope.
#[derive(Clone, Copy)]
pub enum SealTo<'a> {
    /// The holder of a certificate's RSA key.
    Certificate(&'a Certificate),
    /// The holder of the challengePassword.
    Password {
        /// The challengePassword.
        password: &'a ChallengePassword,
        /// The parameters of the key wrap.
        wrapping: &'a PasswordWrapping,
    },
}

/// A decoded EnvelopedData with a supported cipher, still encrypted.
#[derive(Clone, Debug)]
pub struct PkcsPkiEnvelope {
    cipher: ContentEncryption,
    iv: Vec<u8>,
    ciphertext: Vec<u8>,
    recipients: Vec<Recipient>,
}

impl PkcsPkiEnvelope {
    /// Decodes an envelope, BER or DER.
    ///
    /// # Errors
    /// [`EnvelopeError::Algorithm`] for an unsupported cipher, [`EnvelopeError::Decode`] and
    /// [`EnvelopeError::Malformed`].
    pub fn from_ber(ber: &[u8]) -> Result<Self, EnvelopeError> {
        let der = to_der(ber).map_err(DecodeError::Ber)?;
        let content_info = ContentInfo::from_der(&der).map_err(DecodeError::of("ContentInfo"))?;
        let enveloped_data: EnvelopedData<'_> = match content_info.content {
            Some(content) if content_info.content_type == rfc5911::ID_ENVELOPED_DATA => content
                .decode_as()
                .map_err(DecodeError::of("EnvelopedData"))?,
            Some(_) | None => {
                return Err(DecodeError::Unexpected("content other than EnvelopedData").into());
            }
        };
        let content = enveloped_data.encrypted_content_info;
        let cipher = ContentEncryption::from_identifier(&content.algorithm)
            .map_err(EnvelopeError::Algorithm)?;
        let iv = parse_initialization_vector(&content.algorithm, cipher)?;
        let ciphertext = parse_ciphertext(content.encrypted_content, cipher)?;
        Ok(Self {
            cipher,
            iv,
            ciphertext,
            recipients: parse_recipients(enveloped_data.recipient_infos)?,
        })
    }

    /// The cipher of the content.
    #[must_use]
    pub const fn cipher(&self) -> ContentEncryption {
        self.cipher
    }

    /// The encrypted content, in whole blocks of the cipher.
    #[must_use]
    pub fn ciphertext(&self) -> &[u8] {
        &self.ciphertext
    }

    /// The initialization vector, one block of the cipher.
    #[must_use]
    pub fn initialization_vector(&self) -> &[u8] {
        &self.iv
    }

    /// The recipients to which the content key is encrypted, 16 at most.
    #[must_use]
    pub fn recipients(&self) -> &[Recipient] {
        &self.recipients
    }

    /// Decrypts the messageData.
    ///
    /// # Errors
    /// [`EnvelopeError::Open`] for a wrong key or wrong padding. A reply to a client must not
    /// distinguish this from content that decrypts to garbage.
    pub fn open(&self, key: &ContentKey) -> Result<Zeroizing<Vec<u8>>, EnvelopeError> {
        self.cipher
            .decrypt(key.as_bytes(), &self.iv, &self.ciphertext)
            .map(Zeroizing::new)
            .ok_or(EnvelopeError::Open)
    }

    /// Encrypts `content`, and `key` to one recipient. Returns DER.
    ///
    /// `key` and `iv` must be fresh and random. `iv` is as long as the cipher's block.
    ///
    /// # Errors
    /// When the recipient's key is not RSA, or a length does not fit the cipher.
    pub fn seal(
        content: &[u8],
        cipher: ContentEncryption,
        key: &ContentKey,
        iv: &[u8],
        to: SealTo<'_>,
    ) -> Result<Vec<u8>, EncodeError> {
        let (version, recipient_info) = match to {
            SealTo::Certificate(recipient) => {
                let info = seal_key_trans(recipient, key);
                (0, info.map_err(EncodeError::of("KeyTransRecipientInfo"))?)
            }
            // RFC 5652 §6.1: the version is 3 with a PasswordRecipientInfo.
            SealTo::Password { password, wrapping } => {
                let info = password_recipient::wrap_key(key, cipher, password, wrapping);
                (3, info.map_err(EncodeError::of("PasswordRecipientInfo"))?)
            }
        };
        let ciphertext = cipher
            .encrypt(key.as_bytes(), iv, content)
            .ok_or(CipherLengthError)
            .map_err(EncodeError::of("EnvelopedData"))?;
        Self::encode(cipher, iv, &ciphertext, version, &recipient_info)
            .map_err(EncodeError::of("EnvelopedData"))
    }

    fn encode(
        cipher: ContentEncryption,
        iv: &[u8],
        ciphertext: &[u8],
        version: u8,
        recipient_info: &[u8],
    ) -> der::Result<Vec<u8>> {
        let enveloped_data = EnvelopedData {
            version,
            originator_info: None,
            recipient_infos: SetOf(recipient_info),
            encrypted_content_info: EncryptedContentInfo {
                content_type: rfc5911::ID_DATA,
                algorithm: AlgorithmIdentifierRef {
                    oid: cipher.oid(),
                    parameters: Some(AnyRef::new(Tag::OctetString, iv)?),
                },
                encrypted_content: Some(AnyRef::new(ENCRYPTED_CONTENT_TAG, ciphertext)?),
            },
            unprotected_attrs: None,
        }
        .to_der()?;
        ContentInfo {
            content_type: rfc5911::ID_ENVELOPED_DATA,
            content: Some(AnyRef::from_der(&enveloped_data)?),
        }
        .to_der()
    }
}

/// Encrypts the content key to a certificate's key, and encodes the KeyTransRecipientInfo.
fn seal_key_trans(recipient: &Certificate, key: &ContentKey) -> Result<Vec<u8>, EncodeCause> {
    let encrypted_key = recipient.public_key()?.encrypt(key.as_bytes())?;
    let rid = recipient.issuer_and_serial_number().to_der()?;
    let info = KeyTransRecipientInfo {
        version: 0,
        rid: AnyRef::from_der(&rid)?,
        key_encryption_algorithm: AlgorithmIdentifierRef {
            oid: rfc5912::RSA_ENCRYPTION,
            parameters: Some(AnyRef::NULL),
        },
        encrypted_key: OctetStringRef::new(&encrypted_key)?,
    };
    Ok(info.to_der()?)
}

fn parse_initialization_vector(
    algorithm: &AlgorithmIdentifierRef<'_>,
    cipher: ContentEncryption,
) -> Result<Vec<u8>, EnvelopeError> {
    algorithm
        .parameters
        .and_then(|parameters| parameters.decode_as::<&OctetStringRef>().ok())
        .map(|iv| iv.as_bytes().to_vec())
        .filter(|iv| iv.len() == cipher.block_bytes())
        .ok_or(EnvelopeError::Malformed)
}

fn parse_ciphertext(
    content: Option<AnyRef<'_>>,
    cipher: ContentEncryption,
) -> Result<Vec<u8>, EnvelopeError> {
    let content = content.ok_or(EnvelopeError::Malformed)?;
    let octets = if content.tag() == ENCRYPTED_CONTENT_TAG {
        content.value().to_vec()
    } else if content.tag() == CONSTRUCTED_ENCRYPTED_CONTENT_TAG {
        // micromdm 2.1.0 and BER encoders send the segments as OCTET STRINGs.
        join_octet_strings(content.value()).map_err(DecodeError::of("encryptedContent"))?
    } else {
        return Err(EnvelopeError::Malformed);
    };
    // PKCS #7 padding makes at least one block, and the cipher itself reads whole blocks only.
    if octets.is_empty() || !octets.len().is_multiple_of(cipher.block_bytes()) {
        return Err(EnvelopeError::Malformed);
    }
    Ok(octets)
}

fn parse_recipients(infos: SetOf<'_>) -> Result<Vec<Recipient>, DecodeError> {
    infos
        .elements()
        .take(MAX_RECIPIENTS)
        .map(|info| {
            let info = info
                .and_then(AnyRef::from_der)
                .map_err(DecodeError::of("RecipientInfo"))?;
            if info.tag() == Tag::Sequence {
                return parse_key_trans(info).map(Recipient::KeyTrans);
            }
            if info.tag() == PASSWORD_RECIPIENT_TAG {
                return Ok(Recipient::Password(PasswordRecipient::from_any(info)));
            }
            Ok(Recipient::Other)
        })
        .collect()
}

fn parse_key_trans(info: AnyRef<'_>) -> Result<KeyTransRecipient, DecodeError> {
    let info: KeyTransRecipientInfo<'_> = info
        .decode_as()
        .map_err(DecodeError::of("KeyTransRecipientInfo"))?;
    Ok(KeyTransRecipient {
        id: CertificateIdentifier::from_any(info.rid)?,
        transport: KeyTransport::from_identifier(&info.key_encryption_algorithm),
        encrypted_key: info.encrypted_key.as_bytes().to_vec(),
    })
}

const CONSTRUCTED_ENCRYPTED_CONTENT_TAG: Tag = context_specific(0, true);
const ENCRYPTED_CONTENT_TAG: Tag = context_specific(0, false);

const fn context_specific(number: u32, constructed: bool) -> Tag {
    Tag::ContextSpecific {
        constructed,
        number: der::TagNumber(number),
    }
}
