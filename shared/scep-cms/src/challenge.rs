//! challengePassword, RFC 8894 §2.4: the shared secret and the string types that clients use.

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::asn1::decode_string;
use crate::csr_fault::ChallengeFault;

/// The maximum length of a challengePassword, in octets of UTF-8.
// Bounds what one hostile request makes the server copy and compare. Those of Microsoft Intune are
// signed and encrypted descriptions of the whole request, in base64, of several thousand octets.
const MAX_CHALLENGE_BYTES: usize = 8 * 1024;

/// The shared secret that authorises an enrolment, RFC 8894 §2.4. Never printed, zeroed on drop,
/// compared in constant time.
#[derive(Clone)]
pub struct ChallengePassword(Zeroizing<String>);

impl ChallengePassword {
    /// A challengePassword with this text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    /// Whether both are the same. The time depends on their lengths alone.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }

    /// The secret itself, for encrypting it or showing it to its owner.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Decodes a string of any type that clients use: UTF8String, PrintableString, IA5String,
    /// T61String, BMPString, UniversalString, VisibleString or NumericString. Drops NULs and line
    /// ends at its end.
    pub(crate) fn from_string(tag: u8, contents: &[u8]) -> Result<Self, ChallengeFault> {
        let text = decode_string(tag, contents)
            .map(Zeroizing::new)
            .ok_or(ChallengeFault::NotText)?;
        // Some clients encode the terminator of a C string or the end of a line they read.
        let challenge = text.trim_end_matches(['\0', '\r', '\n']);
        if challenge.len() > MAX_CHALLENGE_BYTES {
            return Err(ChallengeFault::TooLong);
        }
        Ok(Self::new(challenge))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(tag: u8, contents: &[u8], expected: Result<&str, ChallengeFault>) {
        let challenge = ChallengePassword::from_string(tag, contents);
        assert_eq!(
            challenge.as_ref().map(ChallengePassword::reveal),
            expected.as_ref().copied()
        );
    }

    #[test]
    fn a_challenge_comes_in_every_type_of_string() {
        for tag in [0x0c, 0x12, 0x13, 0x14, 0x16, 0x1a] {
            check(tag, b"a_b@c#1", Ok("a_b@c#1"));
        }
        check(0x1e, b"\0a\0_", Ok("a_"));
        check(0x1c, b"\0\0\0a\0\0\0_", Ok("a_"));
        check(0x0c, "\u{e4}".as_bytes(), Ok("\u{e4}"));
        check(0x14, b"\xe4", Ok("\u{e4}"));
        for tag in [0x02, 0x03, 0x04, 0x30] {
            check(tag, b"abc", Err(ChallengeFault::NotText));
        }
        check(0x0c, b"\xe4", Err(ChallengeFault::NotText));
        check(0x1e, b"\0a\0", Err(ChallengeFault::NotText));
    }

    #[test]
    fn a_terminator_is_cut_and_nothing_else() {
        check(0x13, b"secret\0", Ok("secret"));
        check(0x0c, b"secret\r\n", Ok("secret"));
        check(0x1e, b"\0s\0\0", Ok("s"));
        check(0x0c, b" sec\nret \n\0", Ok(" sec\nret "));
        check(0x0c, b"\0secret", Ok("\0secret"));
        check(0x0c, b"\0\r\n", Ok(""));
    }

    #[test]
    fn an_endless_challenge_is_not_looked_at() {
        check(0x0c, &[b'a'; 8192], Ok(&"a".repeat(8192)));
        check(0x0c, &[b'a'; 8193], Err(ChallengeFault::TooLong));
    }
}
