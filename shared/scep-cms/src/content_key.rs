//! The key that encrypts the content of an envelope.

use subtle::{ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroizing;

use crate::algorithm::ContentEncryption;
use crate::error::CipherLengthError;

/// A content-encryption key, zeroed on drop and never printed.
#[derive(Clone)]
pub struct ContentKey {
    octets: Zeroizing<Vec<u8>>,
    outcome: UnwrapOutcome,
}

/// The result of decrypting a content key, for the log of a message that failed to decrypt. Nothing
/// that a client can see or measure may depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnwrapOutcome {
    /// The length does not fit the cipher.
    Bytes {
        /// The number of decrypted octets; 0 if decryption failed.
        found: usize,
        /// The number of octets in a key of the cipher.
        wanted: usize,
    },
    /// The length fits the cipher.
    Fit,
}

impl ContentKey {
    /// The length of the longest key of a [`ContentEncryption`], in octets.
    pub const MAX_BYTES: usize = 32;

    /// A key for `cipher` with these octets.
    ///
    /// # Errors
    /// When the length does not fit the cipher.
    pub fn new(cipher: ContentEncryption, octets: &[u8]) -> Result<Self, CipherLengthError> {
        if octets.len() == cipher.key_bytes() {
            return Ok(Self {
                octets: Zeroizing::new(octets.to_vec()),
                outcome: UnwrapOutcome::Fit,
            });
        }
        Err(CipherLengthError)
    }

    /// A fresh key for `cipher` of random octets, cut to the length that the cipher needs.
    #[must_use]
    pub fn from_random(
        cipher: ContentEncryption,
        random: &Zeroizing<[u8; Self::MAX_BYTES]>,
    ) -> Self {
        let octets = random.iter().copied().take(cipher.key_bytes()).collect();
        Self {
            octets: Zeroizing::new(octets),
            outcome: UnwrapOutcome::Fit,
        }
    }

    /// The unwrapped key if its length fits `cipher`, otherwise the implicit-rejection key cut to
    /// that length. `unwrapped` is empty if decryption failed.
    ///
    /// Implicit rejection, as in RFC 5246 §7.4.7.1, hides from an attacker who probes
    /// RSAES-PKCS1-v1_5 whether the padding was valid: the choice takes constant time, and a wrong
    /// key fails later, like any other wrong content.
    #[must_use]
    pub fn unwrapped_or_rejection_key(
        cipher: ContentEncryption,
        unwrapped: &[u8],
        rejection_key: &Zeroizing<[u8; Self::MAX_BYTES]>,
    ) -> Self {
        let mut candidate = Zeroizing::new([0; Self::MAX_BYTES]);
        for (octet, unwrapped) in candidate.iter_mut().zip(unwrapped) {
            *octet = *unwrapped;
        }
        // There is no branch on whether it fits: both keys are read, and each octet is selected.
        let fits = unwrapped.len().ct_eq(&cipher.key_bytes());
        let chosen = candidate
            .iter()
            .zip(rejection_key.iter())
            .map(|(candidate, rejection_key)| {
                u8::conditional_select(rejection_key, candidate, fits)
            })
            .take(cipher.key_bytes());
        Self {
            octets: Zeroizing::new(chosen.collect()),
            outcome: UnwrapOutcome::Bytes {
                found: unwrapped.len(),
                wanted: cipher.key_bytes(),
            },
        }
    }

    /// The result of decrypting the key. Call it only after decryption of the message has failed:
    /// until then, the implicit-rejection key must be handled like a real one.
    #[must_use]
    pub const fn unwrap_outcome(&self) -> UnwrapOutcome {
        match self.outcome {
            UnwrapOutcome::Bytes { found, wanted } if found != wanted => self.outcome,
            UnwrapOutcome::Bytes { .. } | UnwrapOutcome::Fit => UnwrapOutcome::Fit,
        }
    }

    /// The octets of the key, for encrypting it to a recipient.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.octets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REJECTION_KEY: [u8; ContentKey::MAX_BYTES] = [0xaa; ContentKey::MAX_BYTES];

    #[track_caller]
    fn check(cipher: ContentEncryption, unwrapped: &[u8], outcome: UnwrapOutcome) {
        let rejection_key = Zeroizing::new(REJECTION_KEY);
        let key = ContentKey::unwrapped_or_rejection_key(cipher, unwrapped, &rejection_key);
        let expected = match outcome {
            UnwrapOutcome::Fit => unwrapped,
            UnwrapOutcome::Bytes { .. } => &REJECTION_KEY[..cipher.key_bytes()],
        };
        assert_eq!((key.as_bytes(), key.unwrap_outcome()), (expected, outcome));
    }

    #[test]
    fn a_key_of_another_length_is_the_rejection_key() {
        let octets = [7; 40];
        for cipher in ContentEncryption::ALL {
            let wanted = cipher.key_bytes();
            check(cipher, &octets[..wanted], UnwrapOutcome::Fit);
            for found in [0, 1, wanted - 1, wanted + 1, octets.len()] {
                let outcome = UnwrapOutcome::Bytes { found, wanted };
                check(cipher, &octets[..found], outcome);
                assert!(ContentKey::new(cipher, &octets[..found]).is_err());
            }
        }
    }
}
