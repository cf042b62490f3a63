//! The ASN.1 structures of CMS (RFC 5652) and X.509 (RFC 5280), as views of DER octets.
//!
//! The types keep the original encoding of names, serial numbers and algorithms. Clients send
//! serial numbers of 33 octets, unsorted sets and version 1 certificates, and replies must identify
//! them by the same octets.

use const_oid::ObjectIdentifier;
use der::asn1::{AnyRef, BitStringRef, Ia5StringRef, OctetStringRef, PrintableStringRef};
use der::{
    DecodeValue, Encode, EncodeValue, FixedTag, Header, Length, Reader, Sequence, SliceReader, Tag,
    Tagged, Writer,
};
use spki::AlgorithmIdentifierRef;
use x509_cert::ext::Extensions;

use crate::error::DecodeError;

/// The contents of a SET OF, in their original order.
#[derive(Clone, Copy, Default)]
pub(crate) struct SetOf<'a>(pub(crate) &'a [u8]);

impl<'a> SetOf<'a> {
    /// Iterates over the encodings of the elements. Ends after the first malformed one.
    pub(crate) fn elements(self) -> impl Iterator<Item = der::Result<&'a [u8]>> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let element = SliceReader::new(rest).and_then(|mut reader| reader.tlv_bytes());
            rest = element
                .as_ref()
                .ok()
                .and_then(|element| rest.get(element.len()..))
                .unwrap_or_default();
            Some(element)
        })
    }

    /// The only element; `None` if there is not exactly one.
    pub(crate) fn single(self) -> Option<&'a [u8]> {
        let mut rest = self.elements();
        let first = rest.next()?.ok()?;
        rest.next().is_none().then_some(first)
    }

    /// Encodes the SET OF with tag and length.
    pub(crate) fn to_der(self) -> der::Result<Vec<u8>> {
        Encode::to_der(&self)
    }
}

impl FixedTag for SetOf<'_> {
    const TAG: Tag = Tag::Set;
}

impl<'a> DecodeValue<'a> for SetOf<'a> {
    type Error = der::Error;

    fn decode_value<R: Reader<'a>>(reader: &mut R, header: Header) -> der::Result<Self> {
        reader.read_slice(header.length()).map(Self)
    }
}

impl EncodeValue for SetOf<'_> {
    fn value_len(&self) -> der::Result<Length> {
        Length::try_from(self.0.len())
    }

    fn encode_value(&self, writer: &mut impl Writer) -> der::Result<()> {
        writer.write(self.0)
    }
}

/// ```asn1
/// ContentInfo ::= SEQUENCE {
///     contentType ContentType,
///     content     [0] EXPLICIT ANY DEFINED BY contentType OPTIONAL }
/// ```
/// EncapsulatedContentInfo has the same fields.
#[derive(Sequence)]
pub(crate) struct ContentInfo<'a> {
    pub(crate) content_type: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub(crate) content: Option<AnyRef<'a>>,
}

/// ```asn1
/// SignedData ::= SEQUENCE {
///     version          CMSVersion,
///     digestAlgorithms SET OF DigestAlgorithmIdentifier,
///     encapContentInfo EncapsulatedContentInfo,
///     certificates     [0] IMPLICIT CertificateSet OPTIONAL,
///     crls             [1] IMPLICIT RevocationInfoChoices OPTIONAL,
///     signerInfos      SET OF SignerInfo }
/// ```
#[derive(Sequence)]
pub(crate) struct SignedData<'a> {
    pub(crate) version: u8,
    pub(crate) digest_algorithms: SetOf<'a>,
    pub(crate) encap_content_info: ContentInfo<'a>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    pub(crate) certificates: Option<SetOf<'a>>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub(crate) crls: Option<SetOf<'a>>,
    pub(crate) signer_infos: SetOf<'a>,
}

/// ```asn1
/// SignerInfo ::= SEQUENCE {
///     version            CMSVersion,
///     sid                SignerIdentifier,
///     digestAlgorithm    DigestAlgorithmIdentifier,
///     signedAttrs        [0] IMPLICIT SET OF Attribute OPTIONAL,
///     signatureAlgorithm SignatureAlgorithmIdentifier,
///     signature          OCTET STRING,
///     unsignedAttrs      [1] IMPLICIT SET OF Attribute OPTIONAL }
/// ```
#[derive(Sequence)]
pub(crate) struct SignerInfo<'a> {
    pub(crate) version: u8,
    pub(crate) sid: AnyRef<'a>,
    pub(crate) digest_algorithm: AlgorithmIdentifierRef<'a>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    pub(crate) signed_attrs: Option<SetOf<'a>>,
    pub(crate) signature_algorithm: AlgorithmIdentifierRef<'a>,
    pub(crate) signature: &'a OctetStringRef,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub(crate) unsigned_attrs: Option<SetOf<'a>>,
}

/// ```asn1
/// Attribute ::= SEQUENCE {
///     attrType   OBJECT IDENTIFIER,
///     attrValues SET OF AttributeValue }
/// ```
#[derive(Sequence)]
pub(crate) struct Attribute<'a> {
    pub(crate) kind: ObjectIdentifier,
    pub(crate) values: SetOf<'a>,
}

/// ```asn1
/// EnvelopedData ::= SEQUENCE {
///     version              CMSVersion,
///     originatorInfo       [0] IMPLICIT OriginatorInfo OPTIONAL,
///     recipientInfos       SET OF RecipientInfo,
///     encryptedContentInfo EncryptedContentInfo,
///     unprotectedAttrs     [1] IMPLICIT SET OF Attribute OPTIONAL }
/// ```
#[derive(Sequence)]
pub(crate) struct EnvelopedData<'a> {
    pub(crate) version: u8,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    pub(crate) originator_info: Option<SetOf<'a>>,
    pub(crate) recipient_infos: SetOf<'a>,
    pub(crate) encrypted_content_info: EncryptedContentInfo<'a>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub(crate) unprotected_attrs: Option<SetOf<'a>>,
}

/// ```asn1
/// EncryptedContentInfo ::= SEQUENCE {
///     contentType                ContentType,
///     contentEncryptionAlgorithm ContentEncryptionAlgorithmIdentifier,
///     encryptedContent           [0] IMPLICIT OCTET STRING OPTIONAL }
/// ```
#[derive(Sequence)]
pub(crate) struct EncryptedContentInfo<'a> {
    pub(crate) content_type: ObjectIdentifier,
    pub(crate) algorithm: AlgorithmIdentifierRef<'a>,
    /// `[0]` in primitive or constructed form.
    // micromdm sends the constructed form. BER normalisation keeps it, because without the schema a
    // constructed `[0]` may as well be a SET.
    pub(crate) encrypted_content: Option<AnyRef<'a>>,
}

/// ```asn1
/// KeyTransRecipientInfo ::= SEQUENCE {
///     version                CMSVersion,
///     rid                    RecipientIdentifier,
///     keyEncryptionAlgorithm KeyEncryptionAlgorithmIdentifier,
///     encryptedKey           OCTET STRING }
/// ```
#[derive(Sequence)]
pub(crate) struct KeyTransRecipientInfo<'a> {
    pub(crate) version: u8,
    pub(crate) rid: AnyRef<'a>,
    pub(crate) key_encryption_algorithm: AlgorithmIdentifierRef<'a>,
    pub(crate) encrypted_key: &'a OctetStringRef,
}

/// ```asn1
/// PasswordRecipientInfo ::= SEQUENCE {
///     version                CMSVersion,
///     keyDerivationAlgorithm [0] IMPLICIT KeyDerivationAlgorithmIdentifier OPTIONAL,
///     keyEncryptionAlgorithm KeyEncryptionAlgorithmIdentifier,
///     encryptedKey           OCTET STRING }
/// ```
#[derive(Sequence)]
pub(crate) struct PasswordRecipientInfo<'a> {
    pub(crate) version: u8,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    pub(crate) key_derivation_algorithm: Option<AlgorithmIdentifierRef<'a>>,
    pub(crate) key_encryption_algorithm: AlgorithmIdentifierRef<'a>,
    pub(crate) encrypted_key: &'a OctetStringRef,
}

/// RFC 8018 appendix A.2, without the salt from another source, which no one uses.
/// ```asn1
/// PBKDF2-params ::= SEQUENCE {
///     salt           OCTET STRING,
///     iterationCount INTEGER,
///     keyLength      INTEGER OPTIONAL,
///     prf            AlgorithmIdentifier DEFAULT algid-hmacWithSHA1 }
/// ```
#[derive(Sequence)]
pub(crate) struct Pbkdf2Parameters<'a> {
    pub(crate) salt: &'a OctetStringRef,
    pub(crate) iteration_count: u32,
    #[asn1(optional = "true")]
    pub(crate) key_length: Option<u16>,
    #[asn1(optional = "true")]
    pub(crate) prf: Option<AlgorithmIdentifierRef<'a>>,
}

/// ```asn1
/// IssuerAndSerialNumber ::= SEQUENCE { issuer Name, serialNumber INTEGER }
/// ```
#[derive(Sequence)]
pub(crate) struct IssuerAndSerialNumber<'a> {
    pub(crate) issuer: AnyRef<'a>,
    pub(crate) serial_number: AnyRef<'a>,
}

/// A certificate, CRL or PKCS #10 request around its signature: all three have this form.
/// ```asn1
/// SIGNED ::= SEQUENCE { toBeSigned ANY, algorithm AlgorithmIdentifier, signature BIT STRING }
/// ```
// `CertificateInner` and `CertReq` of x509-cert decode and encode the signed part anew, and the
// signature covers its original octets.
#[derive(Sequence)]
pub struct Signed<'a> {
    /// The signed structure, whole.
    pub to_be_signed: AnyRef<'a>,
    /// The algorithm of the signature.
    pub algorithm: AlgorithmIdentifierRef<'a>,
    /// The signature.
    pub signature: BitStringRef<'a>,
}

/// RFC 5280 §4.1, with the parts that every certificate has as they were encoded.
/// ```asn1
/// TBSCertificate ::= SEQUENCE {
///     version              [0] EXPLICIT Version DEFAULT v1,
///     serialNumber         INTEGER,
///     signature            AlgorithmIdentifier,
///     issuer               Name,
///     validity             SEQUENCE { notBefore Time, notAfter Time },
///     subject              Name,
///     subjectPublicKeyInfo SubjectPublicKeyInfo,
///     issuerUniqueID       [1] IMPLICIT UniqueIdentifier OPTIONAL,
///     subjectUniqueID      [2] IMPLICIT UniqueIdentifier OPTIONAL,
///     extensions           [3] EXPLICIT Extensions OPTIONAL }
/// ```
// `TbsCertificateInner` of x509-cert encodes names anew: an issuer could differ from the subject of
// the authority's certificate, and some verifiers compare the two octet by octet. It also changes
// or rejects a serial number of 33 octets and an RDN that is not sorted.
#[derive(Sequence)]
pub struct TbsCertificate<'a> {
    /// The version, counted from 0; `None` for version 1.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub version: Option<u8>,
    /// The serial number, an INTEGER of any length.
    pub serial_number: AnyRef<'a>,
    /// The AlgorithmIdentifier of the signature.
    pub signature: AnyRef<'a>,
    /// The issuer, a Name.
    pub issuer: AnyRef<'a>,
    /// The validity period, which [`Validity`](crate::certificate::Validity) decodes.
    pub validity: AnyRef<'a>,
    /// The subject, a Name.
    pub subject: AnyRef<'a>,
    /// The SubjectPublicKeyInfo.
    pub subject_public_key_info: AnyRef<'a>,
    /// The issuerUniqueID.
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub issuer_unique_id: Option<BitStringRef<'a>>,
    /// The subjectUniqueID.
    #[asn1(context_specific = "2", tag_mode = "IMPLICIT", optional = "true")]
    pub subject_unique_id: Option<BitStringRef<'a>>,
    /// The extensions.
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    pub extensions: Option<Extensions>,
}

/// Why a value is not valid text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StringError {
    /// It contains a character outside the alphabet of its string type.
    #[error("is not of the alphabet of its string type")]
    Alphabet,
    /// It is not one of the string types that names use.
    #[error("is not text")]
    NotText,
}

/// The string types that names use.
const DIRECTORY_STRINGS: [Tag; 6] = [
    Tag::BmpString,
    Tag::Ia5String,
    Tag::NumericString,
    Tag::PrintableString,
    Tag::TeletexString,
    Tag::Utf8String,
];

/// Decodes a string whose characters are all in the alphabet of its type, X.680 §41. Certificates
/// may contain only such strings.
///
/// # Errors
/// [`StringError`], also for a type that names do not use although [`directory_string`] decodes it.
pub fn strict_directory_string(value: AnyRef<'_>) -> Result<String, StringError> {
    let tag = value.tag();
    if !DIRECTORY_STRINGS.contains(&tag) {
        return Err(StringError::NotText);
    }
    let digit_or_space = |octet: &u8| octet.is_ascii_digit() || *octet == b' ';
    let is_of_alphabet = (tag != Tag::PrintableString
        || value.decode_as::<PrintableStringRef<'_>>().is_ok())
        && (tag != Tag::Ia5String || value.decode_as::<Ia5StringRef<'_>>().is_ok())
        && (tag != Tag::NumericString || value.value().iter().all(digit_or_space));
    // The other types have no alphabet but Unicode, which decoding checks.
    let text = directory_string(value).filter(|_| is_of_alphabet);
    text.ok_or(StringError::Alphabet)
}

/// Decodes any string type that names and challengePasswords use, X.520 §2.6. `None` if the value
/// has another type or is not valid text. Accepts characters outside the type's alphabet, because
/// old devices write `@` and `_` in a PrintableString.
#[must_use]
pub fn directory_string(value: AnyRef<'_>) -> Option<String> {
    let tag = value.tag();
    let number = u8::try_from(tag.number().value()).ok()?;
    if !tag.is_universal() {
        return None;
    }
    decode_string(number, value.value())
}

/// Decodes the contents of a string with this tag, as [`directory_string`] does. Supports
/// UniversalString too, which `der` has no tag for.
pub(crate) fn decode_string(tag: u8, contents: &[u8]) -> Option<String> {
    match tag {
        // UTF8String; NumericString, PrintableString, IA5String and VisibleString, which are ASCII.
        0x0c | 0x12 | 0x13 | 0x16 | 0x1a => String::from_utf8(contents.to_vec()).ok(),
        // TeletexString: in practice Latin-1, because no implementation used the escapes of T.61.
        0x14 => Some(contents.iter().copied().map(char::from).collect()),
        // UniversalString: UCS-4.
        0x1c => {
            let (characters, []) = contents.as_chunks() else {
                return None;
            };
            characters
                .iter()
                .map(|character| char::from_u32(u32::from_be_bytes(*character)))
                .collect()
        }
        // BMPString: UCS-2, so that half a surrogate pair is not a character.
        0x1e => {
            let (characters, []) = contents.as_chunks() else {
                return None;
            };
            characters
                .iter()
                .map(|character| char::from_u32(u16::from_be_bytes(*character).into()))
                .collect()
        }
        _ => None,
    }
}

/// Decodes one PEM text with this label, RFC 7468, and skips text before it.
pub(crate) fn decode_pem(label: &str, pem: &str) -> Result<Vec<u8>, DecodeError> {
    let (found, der) = der::pem::decode_vec(pem.trim_end().as_bytes())
        .map_err(der::Error::from)
        .map_err(DecodeError::of("PEM"))?;
    if found != label {
        return Err(DecodeError::Unexpected("PEM of something else"));
    }
    Ok(der)
}

/// The whole encoding of an element, which must have this tag.
pub(crate) fn encode_tagged(element: AnyRef<'_>, tag: Tag) -> der::Result<Vec<u8>> {
    element.tag().assert_eq(tag)?;
    element.to_der()
}

#[cfg(test)]
mod tests {
    use der::asn1::Any;

    use super::*;

    #[track_caller]
    fn check(tag: Tag, octets: &[u8], strict: Result<&str, StringError>, lenient: Option<&str>) {
        let value = Any::new(tag, octets).unwrap();
        let value = AnyRef::from(&value);
        let text = strict_directory_string(value);
        assert_eq!(text.as_deref(), strict.as_ref().copied());
        assert_eq!(directory_string(value).as_deref(), lenient);
    }

    #[test]
    fn a_string_is_read_by_the_alphabet_of_its_type() {
        use StringError::{Alphabet, NotText};
        let cyrillic = "\u{430}dmin".as_bytes();
        check(
            Tag::PrintableString,
            b"a-1 (b)",
            Ok("a-1 (b)"),
            Some("a-1 (b)"),
        );
        for octets in [&b"admin\0"[..], b"a*b", b"a@b", b"a_b", b"a&b", cyrillic] {
            let lenient = std::str::from_utf8(octets).ok();
            check(Tag::PrintableString, octets, Err(Alphabet), lenient);
        }
        check(Tag::Ia5String, b"a@b_*\0", Ok("a@b_*\0"), Some("a@b_*\0"));
        check(Tag::Ia5String, cyrillic, Err(Alphabet), Some("\u{430}dmin"));
        check(Tag::Ia5String, &[0xe4], Err(Alphabet), None);
        check(Tag::NumericString, b"1 2", Ok("1 2"), Some("1 2"));
        check(Tag::NumericString, b"1-2", Err(Alphabet), Some("1-2"));
        check(
            Tag::Utf8String,
            cyrillic,
            Ok("\u{430}dmin"),
            Some("\u{430}dmin"),
        );
        // Truncated, overlong, a surrogate.
        for octets in [&b"\xd0"[..], b"\xc0\x80", b"\xed\xa0\x80"] {
            check(Tag::Utf8String, octets, Err(Alphabet), None);
        }
        check(Tag::TeletexString, &[0xe4], Ok("\u{e4}"), Some("\u{e4}"));
        check(Tag::BmpString, &[0, 0x61], Ok("a"), Some("a"));
        // Half a character, and half a pair of surrogates.
        check(Tag::BmpString, &[0], Err(Alphabet), None);
        check(Tag::BmpString, &[0xd8, 0], Err(Alphabet), None);
        check(Tag::VisibleString, b"a", Err(NotText), Some("a"));
        check(Tag::GeneralString, b"a", Err(NotText), None);
        check(Tag::OctetString, b"a", Err(NotText), None);
        check(Tag::Sequence, &[], Err(NotText), None);
    }

    #[test]
    fn a_universal_string_has_four_octets_a_character() {
        let text = |octets: &[u8]| decode_string(0x1c, octets);
        assert_eq!(
            text(&[0, 0, 0, 0x61, 0, 1, 0xf6, 0]).as_deref(),
            Some("a\u{1f600}")
        );
        assert_eq!(text(&[]).as_deref(), Some(""));
        // Truncated, a surrogate, beyond Unicode.
        for octets in [&[0, 0, 0][..], &[0, 0, 0xd8, 0], &[0, 0x11, 0, 0]] {
            assert_eq!(text(octets), None);
        }
        // The tag of another class is not a string's, whatever its number.
        let tagged = Any::new(
            Tag::ContextSpecific {
                constructed: false,
                number: der::TagNumber(12),
            },
            *b"a",
        );
        assert_eq!(directory_string(AnyRef::from(&tagged.unwrap())), None);
    }
}
