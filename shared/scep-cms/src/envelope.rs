//! pkcsPKIEnvelope, RFC 8894 §3.2.2: an EnvelopedData, opened with a content key and sealed to a certificate.

use der::asn1::{AnyRef, OctetStringRef};
use der::{Decode, Encode, Tag, Tagged};
use spki::AlgorithmIdentifierRef;
use subtle::{ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroizing;

use crate::asn1::{
    self, ContentInfo, EncryptedContentInfo, EnvelopedData, KeyTransRecipientInfo, SetOf,
};
use crate::password_recipient::{self, PASSWORD_RECIPIENT_TAG};
use crate::tlv::{self, Element};
use crate::{
    Certificate, ChallengePassword, ContentEncryption, DecodeError, IssuerAndSerialNumber,
    KeyTransport, PasswordRecipient, PasswordWrapping, PublicKeyError, UnsupportedAlgorithm, oid,
    to_der,
};

/// Most recipients that are looked at; micromdm names two.
const MAX_RECIPIENTS: usize = 16;

/// Why an envelope cannot be read, opened or made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// The content is encrypted with something that is not on the list.
    #[error("the envelope's content encryption is not supported")]
    Algorithm(#[source] UnsupportedAlgorithm),
    /// Not an EnvelopedData.
    #[error("reading the envelope")]
    Decode(#[from] DecodeError),
    /// The recipient's certificate holds no key to encrypt to.
    #[error("encrypting to the recipient")]
    Encrypt(#[from] PublicKeyError),
    /// A length or an IV that does not fit the cipher.
    #[error("the envelope's parts do not fit its cipher")]
    Malformed,
    /// No envelope where one belongs.
    #[error("the message has no envelope")]
    Missing,
    /// The padding is not as it must be.
    #[error("the envelope does not open")]
    Open,
}

/// What names a certificate in a SignerInfo or RecipientInfo, RFC 5652 §5.3 and §6.2.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateIdentifier {
    /// By its issuer and serial number.
    IssuerAndSerialNumber(IssuerAndSerialNumber),
    /// By its key.
    SubjectKeyIdentifier(Vec<u8>),
}

impl CertificateIdentifier {
    pub(crate) fn from_any(identifier: AnyRef<'_>) -> Result<Self, DecodeError> {
        if let Tag::ContextSpecific {
            constructed,
            number: der::TagNumber(0),
        } = identifier.tag()
        {
            return key_identifier(identifier.value(), constructed).map(Self::SubjectKeyIdentifier);
        }
        let parts: asn1::IssuerAndSerialNumber<'_> = identifier
            .decode_as()
            .map_err(DecodeError::of("IssuerAndSerialNumber"))?;
        IssuerAndSerialNumber::of(&parts)
            .map(Self::IssuerAndSerialNumber)
            .map_err(DecodeError::of("IssuerAndSerialNumber"))
    }

    /// Is it this certificate that is named? As [`IssuerAndSerialNumber::is_same`] compares, or by the same octets of a
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

/// The octets of a subjectKeyIdentifier, `[0] IMPLICIT OCTET STRING`. Some clients write a whole OCTET STRING into it, or
/// construct it of OCTET STRINGs as BER may.
fn key_identifier(value: &[u8], constructed: bool) -> Result<Vec<u8>, DecodeError> {
    let whole = Element::only(value).and_then(|element| element.tagged(tlv::OCTET_STRING));
    if constructed {
        let pieces = SetOf(value).elements();
        let pieces = pieces.map(|piece| Ok(<&OctetStringRef>::from_der(piece?)?.as_bytes()));
        let pieces = pieces.collect::<der::Result<Vec<_>>>();
        return Ok(pieces
            .map_err(DecodeError::of("SubjectKeyIdentifier"))?
            .concat());
    }
    Ok(match whole {
        // An identifier that begins by chance like an element of its own length is not one of ours: those have 20 octets.
        Some(whole) if whole.contents.len() == KEY_IDENTIFIER_BYTES => whole.contents.to_vec(),
        Some(_) | None => value.to_vec(),
    })
}

/// SHA-1 of the key, RFC 5280 §4.2.1.2.
const KEY_IDENTIFIER_BYTES: usize = 20;

/// One for whom the content key is wrapped.
#[derive(Clone, Debug)]
pub enum Recipient {
    /// The holder of an RSA key, RFC 5652 §6.2.1.
    KeyTrans(KeyTransRecipient),
    /// Whoever knows the challengePassword, RFC 5652 §6.2.4; an error where the key is wrapped in a way that is not taken.
    Password(Result<PasswordRecipient, UnsupportedAlgorithm>),
    /// Key agreement and the like, which SCEP does not use.
    Other,
}

/// A KeyTransRecipientInfo.
#[derive(Clone, Debug)]
pub struct KeyTransRecipient {
    id: CertificateIdentifier,
    transport: Result<KeyTransport, UnsupportedAlgorithm>,
    encrypted_key: Vec<u8>,
}

impl KeyTransRecipient {
    /// Whose key opens [`Self::encrypted_key`].
    #[must_use]
    pub const fn id(&self) -> &CertificateIdentifier {
        &self.id
    }

    /// How the content key is wrapped.
    ///
    /// # Errors
    /// When it is not on the list.
    pub const fn transport(&self) -> Result<KeyTransport, UnsupportedAlgorithm> {
        self.transport
    }

    /// The wrapped content key.
    #[must_use]
    pub fn encrypted_key(&self) -> &[u8] {
        &self.encrypted_key
    }
}

/// A content-encryption key. Zeroed on drop, never printed.
#[derive(Clone)]
pub struct ContentKey {
    octets: Zeroizing<Vec<u8>>,
    unwrapped: Unwrapped,
}

/// What became of the wrapped content key. For the log of a message that did not open, and for
/// nothing that a client can see or measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unwrapped {
    /// It unwrapped to this many octets, where the cipher wants another number.
    Bytes {
        /// What there was; 0 where unwrapping failed.
        found: usize,
        /// What the cipher wants.
        wanted: usize,
    },
    /// It is a key for the cipher.
    Fit,
}

impl ContentKey {
    /// Longest key of [`ContentEncryption`], in octets.
    pub const MAX_BYTES: usize = 32;

    /// These octets as a key for `cipher`.
    ///
    /// # Errors
    /// [`EnvelopeError::Malformed`] when the cipher wants another length.
    pub fn new(cipher: ContentEncryption, octets: &[u8]) -> Result<Self, EnvelopeError> {
        if octets.len() == cipher.key_bytes() {
            return Ok(Self {
                octets: Zeroizing::new(octets.to_vec()),
                unwrapped: Unwrapped::Fit,
            });
        }
        Err(EnvelopeError::Malformed)
    }

    /// The unwrapped key if it is one for `cipher`, else as much of the stand-in as the cipher wants.
    ///
    /// Implicit rejection, as in RFC 5246 §7.4.7.1: whoever probes RSAES-PKCS1-v1_5 learns nothing here, because the
    /// choice is made in constant time and a wrong key fails only later, like any other wrong content. `unwrapped` is
    /// empty where unwrapping failed.
    #[must_use]
    pub fn unwrapped_or_stand_in(
        cipher: ContentEncryption,
        unwrapped: &[u8],
        stand_in: &Zeroizing<[u8; Self::MAX_BYTES]>,
    ) -> Self {
        let mut candidate = Zeroizing::new([0; Self::MAX_BYTES]);
        for (octet, unwrapped) in candidate.iter_mut().zip(unwrapped) {
            *octet = *unwrapped;
        }
        let fits = unwrapped.len().ct_eq(&cipher.key_bytes());
        let chosen = candidate
            .iter()
            .zip(stand_in.iter())
            .map(|(candidate, stand_in)| u8::conditional_select(stand_in, candidate, fits))
            .take(cipher.key_bytes());
        Self {
            octets: Zeroizing::new(chosen.collect()),
            unwrapped: Unwrapped::Bytes {
                found: unwrapped.len(),
                wanted: cipher.key_bytes(),
            },
        }
    }

    /// What became of the wrapped key. To be asked only once the message has been found not to open: until then the same is
    /// done with a stand-in as with a key.
    #[must_use]
    pub const fn unwrapped(&self) -> Unwrapped {
        match self.unwrapped {
            Unwrapped::Bytes { found, wanted } if found != wanted => self.unwrapped,
            Unwrapped::Bytes { .. } | Unwrapped::Fit => Unwrapped::Fit,
        }
    }

    /// The octets, to be wrapped for a recipient.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.octets
    }
}

/// To whom an envelope is sealed.
#[derive(Clone, Copy)]
pub enum SealTo<'a> {
    /// The holder of a certificate's RSA key.
    Certificate(&'a Certificate),
    /// Whoever knows the challengePassword.
    Password {
        /// The challengePassword.
        password: &'a ChallengePassword,
        /// How the key is wrapped under it.
        wrapping: &'a PasswordWrapping,
    },
}

/// An EnvelopedData with a cipher that we take, not yet opened.
#[derive(Clone, Debug)]
pub struct PkcsPkiEnvelope {
    cipher: ContentEncryption,
    iv: Vec<u8>,
    ciphertext: Vec<u8>,
    recipients: Vec<Recipient>,
}

impl PkcsPkiEnvelope {
    /// Reads an envelope, BER or DER.
    ///
    /// # Errors
    /// [`EnvelopeError::Algorithm`] for other ciphers, [`EnvelopeError::Decode`] and [`EnvelopeError::Malformed`].
    pub fn from_ber(ber: &[u8]) -> Result<Self, EnvelopeError> {
        let der = to_der(ber).map_err(DecodeError::Ber)?;
        let content_info = ContentInfo::from_der(&der).map_err(DecodeError::of("ContentInfo"))?;
        let enveloped_data: EnvelopedData<'_> = match content_info.content {
            Some(content) if content_info.content_type == oid::ENVELOPED_DATA => content
                .decode_as()
                .map_err(DecodeError::of("EnvelopedData"))?,
            Some(_) | None => {
                return Err(DecodeError::Unexpected("content other than EnvelopedData").into());
            }
        };
        let content = enveloped_data.encrypted_content_info;
        let cipher = ContentEncryption::from_identifier(&content.algorithm)
            .map_err(EnvelopeError::Algorithm)?;
        let iv = initialization_vector(&content.algorithm, cipher)?;
        let ciphertext = ciphertext(content.encrypted_content, cipher)?;
        Ok(Self {
            cipher,
            iv,
            ciphertext,
            recipients: recipients(enveloped_data.recipient_infos)?,
        })
    }

    /// The cipher that its content is encrypted with.
    #[must_use]
    pub const fn cipher(&self) -> ContentEncryption {
        self.cipher
    }

    /// The encrypted content, whole blocks of the cipher.
    #[must_use]
    pub fn ciphertext(&self) -> &[u8] {
        &self.ciphertext
    }

    /// The initialization vector, one block of the cipher.
    #[must_use]
    pub fn initialization_vector(&self) -> &[u8] {
        &self.iv
    }

    /// Everyone for whom the content key is wrapped.
    #[must_use]
    pub fn recipients(&self) -> &[Recipient] {
        &self.recipients
    }

    /// The messageData inside, as it came.
    ///
    /// # Errors
    /// [`EnvelopeError::Open`] for a wrong key and wrong padding alike. Whoever answers a stranger must not let him tell
    /// this from content that is garbage.
    pub fn open(&self, key: &ContentKey) -> Result<Zeroizing<Vec<u8>>, EnvelopeError> {
        self.cipher
            .decrypt(key.as_bytes(), &self.iv, &self.ciphertext)
            .map(Zeroizing::new)
            .ok_or(EnvelopeError::Open)
    }

    /// Encrypts `content` and wraps the key for one recipient, DER.
    ///
    /// `iv` is fresh and random, of the cipher's block length; so is `key`.
    ///
    /// # Errors
    /// [`EnvelopeError::Encrypt`] when the recipient's key is not RSA; [`EnvelopeError::Malformed`] for an IV of another
    /// length.
    pub fn seal(
        content: &[u8],
        cipher: ContentEncryption,
        key: &ContentKey,
        iv: &[u8],
        to: SealTo<'_>,
    ) -> Result<Vec<u8>, EnvelopeError> {
        let structure = DecodeError::of("EnvelopedData");
        let (version, recipient_info) = match to {
            SealTo::Certificate(recipient) => {
                let encrypted_key = recipient.public_key()?.encrypt(key.as_bytes())?;
                (
                    0,
                    key_trans_info(recipient, &encrypted_key).map_err(&structure)?,
                )
            }
            // RFC 5652 §6.1: version 3 where there is a PasswordRecipientInfo.
            SealTo::Password { password, wrapping } => {
                let info = password_recipient::seal(key, cipher, password, wrapping);
                (3, info.ok_or(EnvelopeError::Malformed)?)
            }
        };
        let ciphertext = cipher
            .encrypt(key.as_bytes(), iv, content)
            .ok_or(EnvelopeError::Malformed)?;
        Self::encode(cipher, iv, &ciphertext, version, &recipient_info)
            .map_err(structure)
            .map_err(EnvelopeError::Decode)
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
                content_type: oid::DATA,
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
            content_type: oid::ENVELOPED_DATA,
            content: Some(AnyRef::from_der(&enveloped_data)?),
        }
        .to_der()
    }
}

fn key_trans_info(recipient: &Certificate, encrypted_key: &[u8]) -> der::Result<Vec<u8>> {
    let rid = recipient.issuer_and_serial_number().to_der()?;
    KeyTransRecipientInfo {
        version: 0,
        rid: AnyRef::from_der(&rid)?,
        key_encryption_algorithm: AlgorithmIdentifierRef {
            oid: oid::RSA_ENCRYPTION,
            parameters: Some(AnyRef::NULL),
        },
        encrypted_key: OctetStringRef::new(encrypted_key)?,
    }
    .to_der()
}

fn initialization_vector(
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

fn ciphertext(
    content: Option<AnyRef<'_>>,
    cipher: ContentEncryption,
) -> Result<Vec<u8>, EnvelopeError> {
    let content = content.ok_or(EnvelopeError::Malformed)?;
    let octets = if content.tag() == ENCRYPTED_CONTENT_TAG {
        content.value().to_vec()
    } else if content.tag() == CONSTRUCTED_ENCRYPTED_CONTENT_TAG {
        // micromdm 2.1.0, and every BER writer: OCTET STRINGs that are to be joined.
        SetOf(content.value())
            .elements()
            .map(|piece| Ok(<&OctetStringRef>::from_der(piece?)?.as_bytes()))
            .collect::<der::Result<Vec<_>>>()
            .map_err(DecodeError::of("encryptedContent"))?
            .concat()
    } else {
        return Err(EnvelopeError::Malformed);
    };
    if octets.is_empty() || !octets.len().is_multiple_of(cipher.block_bytes()) {
        return Err(EnvelopeError::Malformed);
    }
    Ok(octets)
}

fn recipients(infos: SetOf<'_>) -> Result<Vec<Recipient>, DecodeError> {
    infos
        .elements()
        .take(MAX_RECIPIENTS)
        .map(|info| {
            let info = info
                .and_then(AnyRef::from_der)
                .map_err(DecodeError::of("RecipientInfo"))?;
            if info.tag() == Tag::Sequence {
                return key_trans(info).map(Recipient::KeyTrans);
            }
            if info.tag() == PASSWORD_RECIPIENT_TAG {
                return Ok(Recipient::Password(PasswordRecipient::from_any(info)));
            }
            Ok(Recipient::Other)
        })
        .collect()
}

fn key_trans(info: AnyRef<'_>) -> Result<KeyTransRecipient, DecodeError> {
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
