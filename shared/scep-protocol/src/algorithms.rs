//! The algorithms that a profile allows, and the capabilities that it therefore announces.

use scep_cms::algorithm::{ContentEncryption, DigestAlgorithm};
use strum::IntoStaticStr;

use crate::profile::ScepProfile;

/// The algorithms that a profile allows in messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlgorithmPolicy {
    legacy: bool,
}

/// A line of GetCACaps, RFC 8894 §3.5.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
pub enum Capability {
    /// AES in CBC mode.
    #[strum(serialize = "AES")]
    Aes,
    /// Triple DES in CBC mode.
    #[strum(serialize = "DES3")]
    Des3,
    /// GetNextCACert.
    #[strum(serialize = "GetNextCACert")]
    GetNextCaCert,
    /// PKIOperation by POST.
    #[strum(serialize = "POSTPKIOperation")]
    PostPkiOperation,
    /// RenewalReq.
    Renewal,
    /// Everything that RFC 8894 §2.9 requires.
    #[strum(serialize = "SCEPStandard")]
    ScepStandard,
    /// SHA-1.
    #[strum(serialize = "SHA-1")]
    Sha1,
    /// SHA-256.
    #[strum(serialize = "SHA-256")]
    Sha256,
    /// SHA-384. Not defined by the RFC, but strongSwan 5.9.8 interprets the third SHA as support of
    /// AES.
    #[strum(serialize = "SHA-384")]
    Sha384,
    /// SHA-512.
    #[strum(serialize = "SHA-512")]
    Sha512,
}

impl Capability {
    /// The keyword, in the case that the RFC specifies.
    #[must_use]
    pub fn keyword(self) -> &'static str {
        self.into()
    }

    const fn of_digest(digest: DigestAlgorithm) -> Self {
        match digest {
            DigestAlgorithm::Sha1 => Self::Sha1,
            DigestAlgorithm::Sha256 => Self::Sha256,
            DigestAlgorithm::Sha384 => Self::Sha384,
            DigestAlgorithm::Sha512 => Self::Sha512,
        }
    }

    const fn of_cipher(cipher: ContentEncryption) -> Self {
        match cipher {
            ContentEncryption::Aes128Cbc
            | ContentEncryption::Aes192Cbc
            | ContentEncryption::Aes256Cbc => Self::Aes,
            ContentEncryption::DesEde3Cbc => Self::Des3,
        }
    }
}

impl AlgorithmPolicy {
    /// The policy of a profile.
    #[must_use]
    pub const fn of(profile: &ScepProfile) -> Self {
        Self {
            legacy: profile.settings.legacy_algorithms,
        }
    }

    /// Whether the profile allows this digest.
    #[must_use]
    pub const fn allows_digest(self, digest: DigestAlgorithm) -> bool {
        match digest {
            DigestAlgorithm::Sha1 => self.legacy,
            DigestAlgorithm::Sha256 | DigestAlgorithm::Sha384 | DigestAlgorithm::Sha512 => true,
        }
    }

    /// Whether the profile allows this cipher.
    #[must_use]
    pub const fn allows_cipher(self, cipher: ContentEncryption) -> bool {
        match cipher {
            ContentEncryption::DesEde3Cbc => self.legacy,
            ContentEncryption::Aes128Cbc
            | ContentEncryption::Aes192Cbc
            | ContentEncryption::Aes256Cbc => true,
        }
    }

    /// The capabilities of every profile with this policy, in the order of announcement.
    #[must_use]
    pub(crate) fn capabilities(self) -> Vec<Capability> {
        // The list is derived from the checks themselves, so that a profile announces exactly what
        // it accepts.
        let digests = DigestAlgorithm::ALL
            .into_iter()
            .filter(|digest| self.allows_digest(*digest))
            .map(Capability::of_digest);
        let ciphers = ContentEncryption::ALL
            .into_iter()
            .filter(|cipher| self.allows_cipher(*cipher))
            .map(Capability::of_cipher);
        let mut capabilities = vec![Capability::PostPkiOperation];
        capabilities.extend(digests);
        capabilities.extend(ciphers);
        capabilities.extend([Capability::Renewal, Capability::ScepStandard]);
        // The three key lengths of AES are one capability.
        capabilities.dedup();
        capabilities
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(legacy: bool, expected: &[&str]) {
        let keywords: Vec<_> = AlgorithmPolicy { legacy }
            .capabilities()
            .into_iter()
            .map(Capability::keyword)
            .collect();
        assert_eq!(keywords, expected);
    }

    #[test]
    fn each_algorithm_is_announced_once_and_in_order() {
        check(
            true,
            &[
                "POSTPKIOperation",
                "SHA-1",
                "SHA-256",
                "SHA-384",
                "SHA-512",
                "DES3",
                "AES",
                "Renewal",
                "SCEPStandard",
            ],
        );
    }

    #[test]
    fn algorithms_that_are_switched_off_are_not_announced() {
        check(
            false,
            &[
                "POSTPKIOperation",
                "SHA-256",
                "SHA-384",
                "SHA-512",
                "AES",
                "Renewal",
                "SCEPStandard",
            ],
        );
    }
}
