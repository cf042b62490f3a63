//! Finds the pkiMessage of a request, RFC 8894 §4.1 and §4.3: the body of a POST or base64 in the
//! query, with the deviations that real clients send.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use http::Method;
use http::request::Parts;
use percent_encoding::{percent_decode, percent_decode_str};
use scep_protocol::refusal::HttpRejection;

use crate::operation::{find_parameter, raw_query};

/// Base64 that tolerates missing padding and stray trailing bits, which clients do send.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The tag of a SEQUENCE, the first octet of every message in DER or BER. It distinguishes a binary
/// message from a base64 one: the base64 encoding of a SEQUENCE starts with `M`.
const SEQUENCE: u8 = 0x30;

/// The octets of the pkiMessage, from the body of a POST, or from `message` in the query of a GET
/// or of a POST without a body.
///
/// # Errors
/// [`HttpRejection::UnreadableMessage`] when the message is missing, or is neither BER nor base64.
pub(crate) fn find_message(head: &Parts, body: &Bytes) -> Result<Bytes, HttpRejection> {
    if head.method == Method::POST && !body.is_empty() {
        return find_posted_message(body);
    }
    let raw = find_parameter(raw_query(head), "message").ok_or(HttpRejection::UnreadableMessage)?;
    decode_message(raw).map(Bytes::from)
}

/// The message in the body of a POST. Some proxies and scripts post base64, or a form with a
/// `message` field, instead of the binary message.
fn find_posted_message(body: &Bytes) -> Result<Bytes, HttpRejection> {
    // Some clients send a line break before the message. A binary message is only trimmed at its
    // start, because its last octets may look like white space.
    let text = body.trim_ascii_start();
    if text.first() == Some(&SEQUENCE) {
        return Ok(body.slice_ref(text));
    }
    let text = std::str::from_utf8(text).map_err(|_| HttpRejection::UnreadableMessage)?;
    let raw = find_parameter(text, "message").unwrap_or(text);
    decode_message(raw).map(Bytes::from)
}

/// Decodes a raw, still percent-encoded `message` value.
///
/// jscep, Apple and Cisco leave `+` unescaped, which query parsers turn into a space, so a space is
/// read as `+`. Line breaks are dropped; base64url, missing padding and a second layer of
/// percent-encoding are accepted.
///
/// # Errors
/// [`HttpRejection::UnreadableMessage`] when the value is not base64.
fn decode_message(raw: &str) -> Result<Vec<u8>, HttpRejection> {
    let once: Vec<u8> = percent_decode_str(raw).collect();
    let base64: Vec<u8> = percent_decode(&once)
        .filter_map(|octet| match octet {
            // `-` and `_` are the base64url spellings of `+` and `/`.
            b' ' | b'-' => Some(b'+'),
            b'_' => Some(b'/'),
            // Some clients wrap base64 into lines. Padding is optional, so it is dropped as well.
            b'\r' | b'\n' | b'\t' | b'\0' | b'=' => None,
            other => Some(other),
        })
        .collect();
    LENIENT
        .decode(base64)
        .map_err(|_| HttpRejection::UnreadableMessage)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[track_caller]
    fn check(raw: &str, expected: Result<&[u8], HttpRejection>) {
        assert_eq!(decode_message(raw), expected.map(<[u8]>::to_vec));
    }

    #[test]
    fn every_habit_of_clients_is_read() {
        let octets = [0xfb, 0xff, 0xbe, 0x01];
        check("%2B%2F%2B%2BAQ%3D%3D", Ok(&octets));
        check("%252B%252f%252B%252BAQ%253D%253D", Ok(&octets));
        check("+/++AQ==", Ok(&octets));
        check(" /  AQ==", Ok(&octets));
        check("%20/%20%20AQ==", Ok(&octets));
        check("-_--AQ", Ok(&octets));
        check("+/++%0D%0AAQ%3d%3d%0A", Ok(&octets));
    }

    #[test]
    fn what_is_not_base64_is_refused() {
        check("!!!!", Err(HttpRejection::UnreadableMessage));
        check("AAAAA", Err(HttpRejection::UnreadableMessage));
        check("%ff%fe", Err(HttpRejection::UnreadableMessage));
    }

    #[track_caller]
    fn check_request(method: &str, query: &str, body: &'static [u8], expected: Option<&[u8]>) {
        let request = Request::builder().method(method).uri(format!("/?{query}"));
        let (head, ()) = request.body(()).unwrap().into_parts();
        let found = find_message(&head, &Bytes::from_static(body)).ok();
        assert_eq!(found.as_deref(), expected, "{method} {query} {body:?}");
    }

    #[test]
    fn a_message_is_found_wherever_clients_and_proxies_put_it() {
        let message = [0x30, 1, 0xff];
        check_request("POST", "", &[0x30, 1, 0xff], Some(&message));
        check_request("POST", "message=AAAA", &[0x30, 1, 0xff], Some(&message));
        check_request("POST", "", &[0x0d, 0x0a, 0x30, 1, 0xff], Some(&message));
        // Octets after the outermost element are left for the decoder to ignore.
        check_request(
            "POST",
            "",
            &[0x30, 0, 0x0d, 0x0a],
            Some(&[0x30, 0, 0x0d, 0x0a]),
        );
        check_request("POST", "", b"MAH/", Some(&message));
        check_request("POST", "", b" MAH_\r\n\0", Some(&message));
        for form in [
            b"operation=PKIOperation&message=MAH%2F".as_slice(),
            b"Message=MAH%252F&operation=PKIOperation",
            b"message=MAH/",
        ] {
            check_request("POST", "", form, Some(&message));
        }
        check_request(
            "POST",
            "operation=PKIOperation&message=MAH%2F",
            b"",
            Some(&message),
        );
        check_request("GET", "MESSAGE=MAH/", b"", Some(&message));
        check_request("GET", "message=MAH/", b"MAAA", Some(&message));
    }

    #[test]
    fn a_request_without_a_readable_message_is_refused() {
        check_request("GET", "operation=PKIOperation", &[0x30, 0], None);
        check_request("POST", "", b"", None);
        check_request("POST", "", b"<html>", None);
        check_request("POST", "", &[0x31, 0xff], None);
        check_request("POST", "message=MAH/", b"message=!", None);
    }
}
