//! The object identifiers that the database of `const-oid` lacks.

use const_oid::ObjectIdentifier;

pub(crate) const fn from_arcs(arcs: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(arcs)
}

// RFC 3279 §2.2.3.
pub(crate) const ECDSA_WITH_SHA1: ObjectIdentifier = from_arcs("1.2.840.10045.4.1");

// RFC 8018 appendix B.1.1.
pub(crate) const HMAC_WITH_SHA1: ObjectIdentifier = from_arcs("1.2.840.113549.2.7");

// Microsoft's szOID_CERT_EXTENSIONS: older software uses it in place of extensionRequest.
pub(crate) const MICROSOFT_EXTENSIONS: ObjectIdentifier = from_arcs("1.3.6.1.4.1.311.2.1.14");

// The Open Implementers' Workshop's identifier of sha1WithRSAEncryption, in requests of old
// software.
pub(crate) const OIW_SHA1_WITH_RSA: ObjectIdentifier = from_arcs("1.3.14.3.2.29");

// RFC 3211 §2.3: the wrap of a content key under a password.
pub(crate) const PWRI_KEK: ObjectIdentifier = from_arcs("1.2.840.113549.1.9.16.3.9");
