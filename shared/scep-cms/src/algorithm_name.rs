//! Names of algorithms.

use std::fmt;

use const_oid::ObjectIdentifier;

use crate::oid::{self, from_arcs};

/// An algorithm that this crate does not support, such as MD5, single DES or RC2. Displayed as its
/// name, if it has one, with its object identifier: `MD5 (1.2.840.113549.2.5)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnsupportedAlgorithm {
    oid: ObjectIdentifier,
    digest: Option<&'static str>,
    mask: Option<&'static str>,
}

impl UnsupportedAlgorithm {
    /// The unsupported algorithm with this object identifier.
    #[must_use]
    pub const fn new(oid: ObjectIdentifier) -> Self {
        Self {
            oid,
            digest: None,
            mask: None,
        }
    }

    /// Adds the digest that the algorithm is combined with.
    pub(crate) fn with_digest(self, digest: ObjectIdentifier) -> Self {
        Self {
            digest: Some(digest_name(digest)),
            ..self
        }
    }

    /// Adds the digest of its mask generation function, MGF1.
    pub(crate) fn with_mask(self, mask: ObjectIdentifier) -> Self {
        Self {
            mask: Some(digest_name(mask)),
            ..self
        }
    }
}

impl fmt::Display for UnsupportedAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match algorithm_name(self.oid) {
            Some(name) => write!(f, "{name} ({})", self.oid)?,
            None => write!(f, "{}", self.oid)?,
        }
        if let Some(digest) = self.digest {
            write!(f, " with {digest}")?;
        }
        if let Some(mask) = self.mask {
            write!(f, " and MGF1 with {mask}")?;
        }
        Ok(())
    }
}

impl std::error::Error for UnsupportedAlgorithm {}

fn digest_name(oid: ObjectIdentifier) -> &'static str {
    algorithm_name(oid).unwrap_or("an unknown digest")
}

fn algorithm_name(oid: ObjectIdentifier) -> Option<&'static str> {
    NAMES
        .iter()
        .find(|(known, _)| *known == oid)
        .map(|(_, name)| *name)
}

/// The algorithms that clients are configured with or default to.
// Includes unsupported ones: a refusal names the algorithm, so that an administrator can find it in
// the configuration of the client.
const NAMES: [(ObjectIdentifier, &str); 46] = [
    (from_arcs("1.2.840.113549.2.2"), "MD2"),
    (from_arcs("1.2.840.113549.2.4"), "MD4"),
    (from_arcs("1.2.840.113549.2.5"), "MD5"),
    (oid::SHA1, "SHA-1"),
    (from_arcs("2.16.840.1.101.3.4.2.4"), "SHA-224"),
    (oid::SHA256, "SHA-256"),
    (oid::SHA384, "SHA-384"),
    (oid::SHA512, "SHA-512"),
    (from_arcs("2.16.840.1.101.3.4.2.6"), "SHA-512/256"),
    (from_arcs("2.16.840.1.101.3.4.2.8"), "SHA3-256"),
    (from_arcs("2.16.840.1.101.3.4.2.9"), "SHA3-384"),
    (from_arcs("2.16.840.1.101.3.4.2.10"), "SHA3-512"),
    (oid::RSA_ENCRYPTION, "rsaEncryption"),
    (from_arcs("1.2.840.113549.1.1.2"), "md2WithRSAEncryption"),
    (from_arcs("1.2.840.113549.1.1.4"), "md5WithRSAEncryption"),
    (from_arcs("1.3.14.3.2.3"), "md5WithRSA"),
    (oid::SHA1_WITH_RSA, "sha1WithRSAEncryption"),
    (oid::OIW_SHA1_WITH_RSA, "sha1WithRSA"),
    (oid::RSAES_OAEP, "RSAES-OAEP"),
    (oid::RSASSA_PSS, "RSASSA-PSS"),
    (oid::SHA256_WITH_RSA, "sha256WithRSAEncryption"),
    (oid::SHA384_WITH_RSA, "sha384WithRSAEncryption"),
    (oid::SHA512_WITH_RSA, "sha512WithRSAEncryption"),
    (
        from_arcs("1.2.840.113549.1.1.14"),
        "sha224WithRSAEncryption",
    ),
    (from_arcs("1.2.840.10040.4.1"), "DSA"),
    (from_arcs("1.2.840.10040.4.3"), "dsa-with-sha1"),
    (from_arcs("2.16.840.1.101.3.4.3.2"), "dsa-with-sha256"),
    (oid::EC_PUBLIC_KEY, "id-ecPublicKey"),
    (oid::ECDSA_WITH_SHA1, "ecdsa-with-SHA1"),
    (oid::ECDSA_WITH_SHA256, "ecdsa-with-SHA256"),
    (oid::ECDSA_WITH_SHA384, "ecdsa-with-SHA384"),
    (oid::ECDSA_WITH_SHA512, "ecdsa-with-SHA512"),
    (from_arcs("1.3.101.112"), "Ed25519"),
    (from_arcs("1.3.101.113"), "Ed448"),
    (from_arcs("1.3.14.3.2.7"), "DES-CBC"),
    (oid::DES_EDE3_CBC, "DES-EDE3-CBC"),
    (from_arcs("1.2.840.113549.3.2"), "RC2-CBC"),
    (from_arcs("1.2.840.113549.3.4"), "RC4"),
    (oid::AES128_CBC, "AES-128-CBC"),
    (oid::AES192_CBC, "AES-192-CBC"),
    (oid::AES256_CBC, "AES-256-CBC"),
    (from_arcs("2.16.840.1.101.3.4.1.6"), "AES-128-GCM"),
    (from_arcs("2.16.840.1.101.3.4.1.26"), "AES-192-GCM"),
    (from_arcs("2.16.840.1.101.3.4.1.46"), "AES-256-GCM"),
    (oid::PBKDF2, "PBKDF2"),
    (oid::PWRI_KEK, "id-alg-PWRI-KEK"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(algorithm: UnsupportedAlgorithm, shown: &str) {
        assert_eq!(algorithm.to_string(), shown);
    }

    #[test]
    fn an_algorithm_is_shown_by_name_and_identifier() {
        let md5 = UnsupportedAlgorithm::new(from_arcs("1.2.840.113549.2.5"));
        check(md5, "MD5 (1.2.840.113549.2.5)");
        check(UnsupportedAlgorithm::new(from_arcs("1.2.3")), "1.2.3");
        let oaep = UnsupportedAlgorithm::new(oid::RSAES_OAEP).with_digest(oid::SHA256);
        check(
            oaep.with_mask(oid::SHA1),
            "RSAES-OAEP (1.2.840.113549.1.1.7) with SHA-256 and MGF1 with SHA-1",
        );
        check(
            oaep.with_digest(from_arcs("1.2.3")),
            "RSAES-OAEP (1.2.840.113549.1.1.7) with an unknown digest",
        );
    }

    #[test]
    fn no_algorithm_has_two_names() {
        let oids: std::collections::BTreeSet<_> = NAMES.iter().map(|(oid, _)| oid).collect();
        assert_eq!(oids.len(), NAMES.len());
    }
}
