//! The message of a GET, RFC 8894 §4.1: base64 in a query, as clients really send it.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::percent_decode_str;
use scep_protocol::Rejection;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The octets of a raw, still percent-encoded `message` value.
///
/// jscep, Apple and Cisco leave `+` unescaped, which query parsers take for a space: here both are `+`. Line breaks
/// are dropped, base64url and missing padding are taken.
///
/// # Errors
/// [`Rejection::UnreadableMessage`] when it is not base64.
pub(crate) fn decode_message(raw: &str) -> Result<Vec<u8>, Rejection> {
    let base64: Vec<u8> = percent_decode_str(raw)
        .filter_map(|octet| match octet {
            b' ' | b'-' => Some(b'+'),
            b'_' => Some(b'/'),
            b'\r' | b'\n' | b'\t' | b'=' => None,
            other => Some(other),
        })
        .collect();
    LENIENT
        .decode(base64)
        .map_err(|_| Rejection::UnreadableMessage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(raw: &str, expected: Result<&[u8], Rejection>) {
        assert_eq!(decode_message(raw), expected.map(<[u8]>::to_vec));
    }

    #[test]
    fn every_habit_of_clients_is_read() {
        let octets = [0xfb, 0xff, 0xbe, 0x01];
        check("%2B%2F%2B%2BAQ%3D%3D", Ok(&octets));
        check("+/++AQ==", Ok(&octets));
        check(" /  AQ==", Ok(&octets));
        check("%20/%20%20AQ==", Ok(&octets));
        check("-_--AQ", Ok(&octets));
        check("+/++%0D%0AAQ%3d%3d%0A", Ok(&octets));
    }

    #[test]
    fn what_is_not_base64_is_refused() {
        check("!!!!", Err(Rejection::UnreadableMessage));
        check("AAAAA", Err(Rejection::UnreadableMessage));
        check("%ff%fe", Err(Rejection::UnreadableMessage));
    }
}
