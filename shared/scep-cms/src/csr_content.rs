//! The forms in which clients send a PKCS #10 request: binary, PEM or base64.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

use crate::csr_fault::CsrFault;

/// The PEM label of RFC 7468 §7, and the one that Windows writes.
const LABELS: [&str; 2] = ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"];

/// Standard base64 with or without padding, because some clients omit it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The octets of a request, decoded if it is text. Only white space and NULs may surround the text.
pub(crate) fn decode_content(content: &[u8]) -> Result<Cow<'_, [u8]>, CsrFault> {
    let first = content.first().ok_or(CsrFault::Empty)?;
    if *first == SEQUENCE {
        return Ok(Cow::Borrowed(content));
    }
    let text = str::from_utf8(content).map_err(|_| CsrFault::Content(*first))?;
    // Nothing else around the text is skipped. An attacker who modifies the ciphertext of a
    // captured envelope controls only parts of the plaintext, and could hide the others there.
    let trimmed = text.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\0');
    let is_text = |c: char| matches!(c, '\n' | '\r' | '\t' | ' '..='~');
    if trimmed.is_empty() || !trimmed.chars().all(is_text) {
        return Err(CsrFault::Content(*first));
    }
    let lines = match trimmed.strip_prefix(BEGIN) {
        Some(rest) => between_lines(rest).ok_or(CsrFault::Text("it is PEM of something else"))?,
        None => trimmed,
    };
    let base64: Vec<_> = lines
        .bytes()
        .filter(|octet| !octet.is_ascii_whitespace())
        .collect();
    let octets = BASE64.decode(base64).map_err(|_| NOT_BASE64)?;
    match octets.first() {
        // Any word decodes as base64 of something; only a SEQUENCE can be a request.
        Some(&SEQUENCE) => Ok(Cow::Owned(octets)),
        Some(_) | None => Err(NOT_BASE64),
    }
}

/// The text between the PEM boundaries. `text` lacks [`BEGIN`].
fn between_lines(text: &str) -> Option<&str> {
    LABELS.into_iter().find_map(|label| {
        text.strip_prefix(label)?
            .strip_prefix(DASHES)?
            .strip_suffix(DASHES)?
            .strip_suffix(label)?
            .strip_suffix(END)
    })
}

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";
const END: &str = "-----END ";
const NOT_BASE64: CsrFault = CsrFault::Text("it is text, but not base64 of one");
const SEQUENCE: u8 = 0x30;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(content: &[u8], expected: Result<&[u8], CsrFault>) {
        let octets = decode_content(content);
        assert_eq!(octets.as_deref(), expected.as_ref().map(|octets| *octets));
    }

    const REQUEST: &[u8] = &[0x30, 2, 5, 0];

    #[test]
    fn a_request_comes_as_octets_as_base64_or_as_pem() {
        check(REQUEST, Ok(REQUEST));
        for text in ["MAIFAA==", "MAIFAA", "MAI\r\nFAA=\r\n", " MAIF AA==\n\0"] {
            check(text.as_bytes(), Ok(REQUEST));
        }
        for label in ["", "NEW "] {
            let pem = format!(
                "-----BEGIN {label}CERTIFICATE REQUEST-----\r\nMAIF\r\nAA==\r\n-----END {label}CERTIFICATE REQUEST-----\r\n"
            );
            check(pem.as_bytes(), Ok(REQUEST));
        }
    }

    #[test]
    fn what_is_none_is_named() {
        let something = CsrFault::Text("it is PEM of something else");
        check(b"", Err(CsrFault::Empty));
        check(b"\x04\x00", Err(CsrFault::Content(4)));
        check(b"\xff", Err(CsrFault::Content(0xff)));
        check(b" \n", Err(CsrFault::Content(b' ')));
        check(b"no request at all", Err(NOT_BASE64));
        // The base64 of an INTEGER.
        check(b"AgEF", Err(NOT_BASE64));
        check(
            b"-----BEGIN CERTIFICATE-----\nMAIFAA==\n-----END CERTIFICATE-----",
            Err(something),
        );
        check(
            b"-----BEGIN CERTIFICATE REQUEST-----\nMAIFAA==",
            Err(something),
        );
        let around =
            b"x\n-----BEGIN CERTIFICATE REQUEST-----\nMAIFAA==\n-----END CERTIFICATE REQUEST-----";
        check(around, Err(NOT_BASE64));
    }
}
