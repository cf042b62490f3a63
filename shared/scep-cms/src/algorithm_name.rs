//! Names of algorithms.

use std::fmt;

use const_oid::ObjectIdentifier;
use const_oid::db::{rfc5911, rfc5912, rfc8410, rfc9688};

use crate::oid;
use crate::oid::from_arcs;

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
    (rfc5912::ID_MD_2, "MD2"),
    (from_arcs("1.2.840.113549.2.4"), "MD4"),
    (rfc5912::ID_MD_5, "MD5"),
    (rfc5912::ID_SHA_1, "SHA-1"),
    (rfc5912::ID_SHA_224, "SHA-224"),
    (rfc5912::ID_SHA_256, "SHA-256"),
    (rfc5912::ID_SHA_384, "SHA-384"),
    (rfc5912::ID_SHA_512, "SHA-512"),
    (from_arcs("2.16.840.1.101.3.4.2.6"), "SHA-512/256"),
    (rfc9688::ID_SHA_3_256, "SHA3-256"),
    (rfc9688::ID_SHA_3_384, "SHA3-384"),
    (rfc9688::ID_SHA_3_512, "SHA3-512"),
    (rfc5912::RSA_ENCRYPTION, "rsaEncryption"),
    (rfc5912::MD_2_WITH_RSA_ENCRYPTION, "md2WithRSAEncryption"),
    (rfc5912::MD_5_WITH_RSA_ENCRYPTION, "md5WithRSAEncryption"),
    (from_arcs("1.3.14.3.2.3"), "md5WithRSA"),
    (rfc5912::SHA_1_WITH_RSA_ENCRYPTION, "sha1WithRSAEncryption"),
    (oid::OIW_SHA1_WITH_RSA, "sha1WithRSA"),
    (rfc5912::ID_RSAES_OAEP, "RSAES-OAEP"),
    (rfc5912::ID_RSASSA_PSS, "RSASSA-PSS"),
    (
        rfc5912::SHA_256_WITH_RSA_ENCRYPTION,
        "sha256WithRSAEncryption",
    ),
    (
        rfc5912::SHA_384_WITH_RSA_ENCRYPTION,
        "sha384WithRSAEncryption",
    ),
    (
        rfc5912::SHA_512_WITH_RSA_ENCRYPTION,
        "sha512WithRSAEncryption",
    ),
    (
        rfc5912::SHA_224_WITH_RSA_ENCRYPTION,
        "sha224WithRSAEncryption",
    ),
    (rfc5912::ID_DSA, "DSA"),
    (rfc5912::DSA_WITH_SHA_1, "dsa-with-sha1"),
    (rfc5912::DSA_WITH_SHA_256, "dsa-with-sha256"),
    (rfc5912::ID_EC_PUBLIC_KEY, "id-ecPublicKey"),
    (oid::ECDSA_WITH_SHA1, "ecdsa-with-SHA1"),
    (rfc5912::ECDSA_WITH_SHA_256, "ecdsa-with-SHA256"),
    (rfc5912::ECDSA_WITH_SHA_384, "ecdsa-with-SHA384"),
    (rfc5912::ECDSA_WITH_SHA_512, "ecdsa-with-SHA512"),
    (rfc8410::ID_ED_25519, "Ed25519"),
    (rfc8410::ID_ED_448, "Ed448"),
    (from_arcs("1.3.14.3.2.7"), "DES-CBC"),
    (rfc5911::DES_EDE_3_CBC, "DES-EDE3-CBC"),
    (rfc5911::RC_2_CBC, "RC2-CBC"),
    (from_arcs("1.2.840.113549.3.4"), "RC4"),
    (rfc5911::ID_AES_128_CBC, "AES-128-CBC"),
    (rfc5911::ID_AES_192_CBC, "AES-192-CBC"),
    (rfc5911::ID_AES_256_CBC, "AES-256-CBC"),
    (rfc5911::ID_AES_128_GCM, "AES-128-GCM"),
    (rfc5911::ID_AES_192_GCM, "AES-192-GCM"),
    (rfc5911::ID_AES_256_GCM, "AES-256-GCM"),
    (rfc5911::ID_PBKDF_2, "PBKDF2"),
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
        let oaep =
            UnsupportedAlgorithm::new(rfc5912::ID_RSAES_OAEP).with_digest(rfc5912::ID_SHA_256);
        check(
            oaep.with_mask(rfc5912::ID_SHA_1),
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
