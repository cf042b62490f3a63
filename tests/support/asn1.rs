//! DER that no library would write, built element by element: names and PKCS #10 requests of
//! arbitrary parts.

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode, Encode, Length, Reader, SliceReader, Tag};

use crate::world::CHALLENGE;

/// Encodes one DER element.
pub fn element(tag: u8, contents: &[&[u8]]) -> Vec<u8> {
    let contents = contents.concat();
    let length = Length::try_from(contents.len()).unwrap();
    [&[tag], &*length.to_der().unwrap(), &contents].concat()
}

/// Encodes an OBJECT IDENTIFIER.
pub fn oid(arcs: &str) -> Vec<u8> {
    ObjectIdentifier::new(arcs).unwrap().to_der().unwrap()
}

/// Encodes a non-negative INTEGER, given its octets.
pub fn integer(octets: &[u8]) -> Vec<u8> {
    let sign: &[u8] = if octets[0] < 0x80 { &[] } else { &[0] };
    element(0x02, &[sign, octets])
}

/// Encodes a BIT STRING of whole octets.
pub fn bits(octets: &[u8]) -> Vec<u8> {
    element(0x03, &[&[0], octets])
}

/// Encodes an RDN with one attribute.
pub fn rdn(kind: &str, tag: Tag, value: &[u8]) -> Vec<u8> {
    let value = element(tag.to_der().unwrap()[0], &[value]);
    element(0x31, &[&element(0x30, &[&oid(kind), &value])])
}

/// Encodes a Name.
pub fn name(rdns: &[Vec<u8>]) -> Vec<u8> {
    element(0x30, &[&rdns.concat()])
}

/// Encodes a Name with a single CN, a UTF8String.
pub fn common_name(text: &str) -> Vec<u8> {
    name(&[rdn(CN, Tag::Utf8String, text.as_bytes())])
}

/// Encodes the SubjectPublicKeyInfo of an RSA key with this exponent.
pub fn rsa_spki(modulus: &[u8], exponent: &[u8], parameters: &[u8]) -> Vec<u8> {
    let key = element(0x30, &[&integer(modulus), &integer(exponent)]);
    let algorithm = element(0x30, &[&oid(RSA_ENCRYPTION), parameters]);
    element(0x30, &[&algorithm, &bits(&key)])
}

/// The OID of commonName.
pub const CN: &str = "2.5.4.3";
/// The OID of the attribute challengePassword.
pub const CHALLENGE_PASSWORD: &str = "1.2.840.113549.1.9.7";
/// The OID of the attribute extensionRequest of PKCS #9.
pub const EXTENSION_REQUEST: &str = "1.2.840.113549.1.9.14";
/// The DER of NULL.
pub const NULL: &[u8] = &[5, 0];
/// The OID of rsaEncryption.
pub const RSA_ENCRYPTION: &str = "1.2.840.113549.1.1.1";
/// The OID of sha256WithRSAEncryption.
pub const SHA256_WITH_RSA: &str = "1.2.840.113549.1.1.11";
/// The tag of an rfc822Name.
pub const EMAIL: u8 = 0x81;
/// The tag of a uniformResourceIdentifier.
pub const URI: u8 = 0x86;
/// The tag of an iPAddress.
pub const IP: u8 = 0x87;
pub(crate) const SUBJECT_ALT_NAME: &str = "2.5.29.17";
const UPN: &str = "1.3.6.1.4.1.311.20.2.3";

/// Encodes a CertificationRequestInfo with the correct challengePassword and these extensions.
pub fn request_info(subject: &[u8], spki: &[u8], extensions: &[Vec<u8>]) -> Vec<u8> {
    let mut attributes = challenge();
    if !extensions.is_empty() {
        attributes.extend(request_extensions(EXTENSION_REQUEST, extensions));
    }
    element(
        0x30,
        &[
            &integer(&[0]),
            subject,
            spki,
            &element(0xa0, &[&attributes]),
        ],
    )
}

/// Encodes an attribute of a PKCS #10 request with these values.
pub fn attribute(kind: &str, values: &[Vec<u8>]) -> Vec<u8> {
    element(0x30, &[&oid(kind), &element(0x31, &[&values.concat()])])
}

/// Encodes the attribute with the correct challengePassword.
pub fn challenge() -> Vec<u8> {
    let text = element(0x0c, &[CHALLENGE.as_bytes()]);
    attribute(CHALLENGE_PASSWORD, &[text])
}

/// Encodes an attribute of this type that requests these extensions.
pub fn request_extensions(kind: &str, extensions: &[Vec<u8>]) -> Vec<u8> {
    attribute(kind, &[element(0x30, &[&extensions.concat()])])
}

/// Encodes signed contents together with their sha256WithRSAEncryption signature.
pub fn signed(contents: &[u8], signature: &[u8]) -> Vec<u8> {
    let algorithm = element(0x30, &[&oid(SHA256_WITH_RSA), NULL]);
    element(0x30, &[contents, &algorithm, &bits(signature)])
}

/// Encodes a non-critical extension.
pub fn extension(kind: &str, value: &[u8]) -> Vec<u8> {
    element(0x30, &[&oid(kind), &element(0x04, &[value])])
}

/// Encodes the subjectAltName extension.
pub fn subject_alt_name(names: &[Vec<u8>]) -> Vec<u8> {
    extension(SUBJECT_ALT_NAME, &element(0x30, &[&names.concat()]))
}

/// Encodes a dNSName.
pub fn dns(name: &str) -> Vec<u8> {
    element(0x82, &[name.as_bytes()])
}

/// Encodes an otherName.
pub fn other_name(kind: &str, value: &[u8]) -> Vec<u8> {
    element(0xa0, &[&oid(kind), &element(0xa0, &[value])])
}

/// Encodes an otherName of type userPrincipalName.
pub fn upn(name: &str) -> Vec<u8> {
    other_name(UPN, &element(0x0c, &[name.as_bytes()]))
}

/// The contents of an element.
pub fn contents(der: &[u8]) -> Vec<u8> {
    AnyRef::from_der(der).unwrap().value().to_vec()
}

/// Splits the contents of a constructed element into its child elements.
pub fn children(der: &[u8]) -> Vec<Vec<u8>> {
    let contents = contents(der);
    let mut reader = SliceReader::new(&contents).unwrap();
    let mut children = Vec::new();
    while !reader.is_finished() {
        children.push(reader.tlv_bytes().unwrap().to_vec());
    }
    children
}

/// The element reached by descending through these child indices.
pub fn at(der: &[u8], path: &[usize]) -> Vec<u8> {
    path.iter()
        .fold(der.to_vec(), |der, index| children(&der)[*index].clone())
}

/// The same DER with the element at this path replaced, and the lengths around it corrected.
pub fn with(der: &[u8], path: &[usize], element_there: &[u8]) -> Vec<u8> {
    let Some((index, path)) = path.split_first() else {
        return element_there.to_vec();
    };
    let mut children = children(der);
    children[*index] = with(&children[*index], path, element_there);
    element(der[0], &[&children.concat()])
}

/// The same DER with every occurrence of an element replaced, and the lengths around it corrected.
pub fn replace_element(der: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    if der == from {
        return to.to_vec();
    }
    if der[0] & 0x20 == 0 {
        return der.to_vec();
    }
    let children = children(der);
    let children = children
        .iter()
        .map(|child| replace_element(child, from, to));
    element(der[0], &[&children.collect::<Vec<_>>().concat()])
}
