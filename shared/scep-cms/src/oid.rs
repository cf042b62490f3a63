//! The object identifiers in SCEP messages.

use const_oid::ObjectIdentifier;

pub(crate) const fn from_arcs(arcs: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(arcs)
}

// RFC 5652: content types and attributes.
pub(crate) const DATA: ObjectIdentifier = from_arcs("1.2.840.113549.1.7.1");
pub(crate) const SIGNED_DATA: ObjectIdentifier = from_arcs("1.2.840.113549.1.7.2");
pub(crate) const ENVELOPED_DATA: ObjectIdentifier = from_arcs("1.2.840.113549.1.7.3");
pub(crate) const CONTENT_TYPE: ObjectIdentifier = from_arcs("1.2.840.113549.1.9.3");
pub(crate) const MESSAGE_DIGEST: ObjectIdentifier = from_arcs("1.2.840.113549.1.9.4");

// RFC 2985: attributes of a PKCS #10 request.
pub(crate) const CHALLENGE_PASSWORD: ObjectIdentifier = from_arcs("1.2.840.113549.1.9.7");
pub(crate) const EXTENSION_REQUEST: ObjectIdentifier = from_arcs("1.2.840.113549.1.9.14");

// Microsoft's szOID_CERT_EXTENSIONS: older software uses it in place of extensionRequest.
pub(crate) const MICROSOFT_EXTENSIONS: ObjectIdentifier = from_arcs("1.3.6.1.4.1.311.2.1.14");

// RFC 8894 §3.2.1, Table 2: SCEP's attributes.
pub(crate) const MESSAGE_TYPE: ObjectIdentifier = from_arcs("2.16.840.1.113733.1.9.2");
pub(crate) const PKI_STATUS: ObjectIdentifier = from_arcs("2.16.840.1.113733.1.9.3");
pub(crate) const FAIL_INFO: ObjectIdentifier = from_arcs("2.16.840.1.113733.1.9.4");
pub(crate) const SENDER_NONCE: ObjectIdentifier = from_arcs("2.16.840.1.113733.1.9.5");
pub(crate) const RECIPIENT_NONCE: ObjectIdentifier = from_arcs("2.16.840.1.113733.1.9.6");
pub(crate) const TRANSACTION_ID: ObjectIdentifier = from_arcs("2.16.840.1.113733.1.9.7");
pub(crate) const FAIL_INFO_TEXT: ObjectIdentifier = from_arcs("1.3.6.1.5.5.7.24.1");

// RFC 5754, RFC 3370: digests.
pub(crate) const SHA1: ObjectIdentifier = from_arcs("1.3.14.3.2.26");
pub(crate) const SHA256: ObjectIdentifier = from_arcs("2.16.840.1.101.3.4.2.1");
pub(crate) const SHA384: ObjectIdentifier = from_arcs("2.16.840.1.101.3.4.2.2");
pub(crate) const SHA512: ObjectIdentifier = from_arcs("2.16.840.1.101.3.4.2.3");

// RFC 8017, RFC 5758: keys and signatures.
pub(crate) const RSA_ENCRYPTION: ObjectIdentifier = from_arcs("1.2.840.113549.1.1.1");
pub(crate) const SHA1_WITH_RSA: ObjectIdentifier = from_arcs("1.2.840.113549.1.1.5");
// The Open Implementers' Workshop's identifier for the same, in requests of old software.
pub(crate) const OIW_SHA1_WITH_RSA: ObjectIdentifier = from_arcs("1.3.14.3.2.29");
pub(crate) const RSAES_OAEP: ObjectIdentifier = from_arcs("1.2.840.113549.1.1.7");
pub(crate) const MGF1: ObjectIdentifier = from_arcs("1.2.840.113549.1.1.8");
pub(crate) const RSASSA_PSS: ObjectIdentifier = from_arcs("1.2.840.113549.1.1.10");
pub(crate) const SHA256_WITH_RSA: ObjectIdentifier = from_arcs("1.2.840.113549.1.1.11");
pub(crate) const SHA384_WITH_RSA: ObjectIdentifier = from_arcs("1.2.840.113549.1.1.12");
pub(crate) const SHA512_WITH_RSA: ObjectIdentifier = from_arcs("1.2.840.113549.1.1.13");
pub(crate) const EC_PUBLIC_KEY: ObjectIdentifier = from_arcs("1.2.840.10045.2.1");
pub(crate) const ECDSA_WITH_SHA1: ObjectIdentifier = from_arcs("1.2.840.10045.4.1");
pub(crate) const ECDSA_WITH_SHA256: ObjectIdentifier = from_arcs("1.2.840.10045.4.3.2");
pub(crate) const ECDSA_WITH_SHA384: ObjectIdentifier = from_arcs("1.2.840.10045.4.3.3");
pub(crate) const ECDSA_WITH_SHA512: ObjectIdentifier = from_arcs("1.2.840.10045.4.3.4");
pub(crate) const P256: ObjectIdentifier = from_arcs("1.2.840.10045.3.1.7");
pub(crate) const P384: ObjectIdentifier = from_arcs("1.3.132.0.34");
pub(crate) const P521: ObjectIdentifier = from_arcs("1.3.132.0.35");

// RFC 3565, RFC 3370: content encryption.
pub(crate) const AES128_CBC: ObjectIdentifier = from_arcs("2.16.840.1.101.3.4.1.2");
pub(crate) const AES192_CBC: ObjectIdentifier = from_arcs("2.16.840.1.101.3.4.1.22");
pub(crate) const AES256_CBC: ObjectIdentifier = from_arcs("2.16.840.1.101.3.4.1.42");
pub(crate) const DES_EDE3_CBC: ObjectIdentifier = from_arcs("1.2.840.113549.3.7");

// RFC 8018, RFC 3211: keys derived from passwords.
pub(crate) const PBKDF2: ObjectIdentifier = from_arcs("1.2.840.113549.1.5.12");
pub(crate) const HMAC_WITH_SHA1: ObjectIdentifier = from_arcs("1.2.840.113549.2.7");
pub(crate) const HMAC_WITH_SHA256: ObjectIdentifier = from_arcs("1.2.840.113549.2.9");
pub(crate) const HMAC_WITH_SHA384: ObjectIdentifier = from_arcs("1.2.840.113549.2.10");
pub(crate) const HMAC_WITH_SHA512: ObjectIdentifier = from_arcs("1.2.840.113549.2.11");
pub(crate) const PWRI_KEK: ObjectIdentifier = from_arcs("1.2.840.113549.1.9.16.3.9");

// RFC 5280 §4.2.1.2: the extension that a RecipientInfo or SignerInfo may name a certificate by.
pub(crate) const SUBJECT_KEY_IDENTIFIER: ObjectIdentifier = from_arcs("2.5.29.14");
