//! Random octets from the operating system, for secrets that the local server generates.

use rand::TryRng;
use rand::rngs::{SysError, SysRng};

/// Crockford's base32 in lower case. Windows can only send letters and digits in a
/// challengePassword, and these characters are hard to confuse with each other.
const ALPHABET: [u8; 32] = *b"0123456789abcdefghjkmnpqrstvwxyz";

/// Fresh random octets.
pub(crate) fn random_octets<const N: usize>() -> Result<[u8; N], SysError> {
    let mut octets = [0; N];
    SysRng.try_fill_bytes(&mut octets)?;
    Ok(octets)
}

/// A text of `N` random characters of [`ALPHABET`], with five bits of entropy each.
pub(crate) fn random_text<const N: usize>() -> Result<String, SysError> {
    // 256 is a multiple of 32, so masking keeps the distribution uniform.
    Ok(random_octets::<N>()?
        .iter()
        .filter_map(|octet| ALPHABET.get(usize::from(octet & 0x1f)))
        .map(|character| char::from(*character))
        .collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_secret_has_letters_and_digits_alone_and_every_one_of_them() {
        let text = random_text::<4096>().unwrap();
        assert_eq!(text.len(), 4096);
        let seen: BTreeSet<u8> = text.bytes().collect();
        assert_eq!(seen, BTreeSet::from(ALPHABET));
        assert!(ALPHABET.iter().all(u8::is_ascii_alphanumeric));
        assert_ne!(random_text::<26>().unwrap(), random_text::<26>().unwrap());
    }
}
