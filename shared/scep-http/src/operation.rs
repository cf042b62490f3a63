//! Parses the operation that a query names, RFC 8894 §4.1.

use http::Method;
use http::request::Parts;
use percent_encoding::percent_decode_str;
use scep_protocol::refusal::HttpRejection;
use strum::{EnumString, IntoStaticStr};

/// A SCEP operation, as named in the query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(ascii_case_insensitive)]
#[expect(clippy::enum_variant_names, reason = "PKIOperation is the RFC's name")]
pub(crate) enum Operation {
    #[strum(serialize = "GetCACaps")]
    GetCaCaps,
    #[strum(serialize = "GetCACert")]
    GetCaCert,
    #[strum(serialize = "GetNextCACert")]
    GetNextCaCert,
    #[strum(serialize = "PKIOperation")]
    PkiOperation,
}

impl Operation {
    /// The operation's name in RFC 8894, as used in the query.
    pub(crate) fn name(self) -> &'static str {
        self.into()
    }

    /// The operation of a request. A POST that names none is a PKIOperation, the only operation
    /// that is posted.
    ///
    /// The name is compared without regard to case, percent-encoding and white space, because
    /// stricter servers have locked clients out.
    pub(crate) fn of(method: &Method, query: &str) -> Result<Self, HttpRejection> {
        let named = find_parameter(query, "operation")
            .map(decode_value)
            .unwrap_or_default();
        if named.is_empty() && method == Method::POST {
            return Ok(Self::PkiOperation);
        }
        named.parse().map_err(|_| HttpRejection::UnknownOperation)
    }
}

/// Whether a request names an operation, known or not.
#[must_use]
pub fn names_operation(head: &Parts) -> bool {
    find_parameter(raw_query(head), "operation").is_some()
}

/// The raw query of a request, still percent-encoded.
pub(crate) fn raw_query(head: &Parts) -> &str {
    head.uri.query().unwrap_or_default()
}

/// The raw value of the first parameter with this name, compared without regard to case.
pub(crate) fn find_parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| decode_value(key).eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

/// Decodes a key or value of a query: up to two layers of percent-encoding, `+` for a space, and
/// surrounding white space removed.
fn decode_value(raw: &str) -> String {
    let decoded_once = percent_decode_str(raw).decode_utf8_lossy();
    // Some requests arrive percent-encoded twice. The name of an operation contains no `%`, so the
    // second pass does not change a correct request.
    percent_decode_str(&decoded_once)
        .decode_utf8_lossy()
        .trim_matches(|c: char| c == '+' || c == '\0' || c.is_whitespace())
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(method: Method, query: &str, expected: Result<Operation, HttpRejection>) {
        assert_eq!(Operation::of(&method, query), expected);
    }

    #[test]
    fn operations_are_found_by_their_names() {
        check(Method::GET, "operation=GetCACaps", Ok(Operation::GetCaCaps));
        check(
            Method::GET,
            "operation=GetCACert&message=0",
            Ok(Operation::GetCaCert),
        );
        check(
            Method::GET,
            "message=x&operation=PKIOperation",
            Ok(Operation::PkiOperation),
        );
        check(
            Method::GET,
            "operation=GetNextCACert",
            Ok(Operation::GetNextCaCert),
        );
        for none in [
            "",
            "operation",
            "operation=",
            "operation=GetNothing",
            "operation=Get%20CACaps",
            "operation=%ff",
        ] {
            check(Method::GET, none, Err(HttpRejection::UnknownOperation));
        }
    }

    #[test]
    fn neither_case_nor_encoding_nor_white_space_makes_another_operation() {
        for query in [
            "operation=getcacaps",
            "Operation=GetCACaps",
            "OPERATION=GETCACAPS",
            "operation=Get%43ACaps",
            "operation=Get%2543ACaps",
            "%6fperation=GetCACaps",
            "operation=GetCACaps%20",
            "operation=GetCACaps+",
            "operation=+GetCACaps%0d%0a",
            "&operation=GetCACaps&",
        ] {
            check(Method::GET, query, Ok(Operation::GetCaCaps));
        }
        check(
            Method::POST,
            "operation=pkioperation",
            Ok(Operation::PkiOperation),
        );
        check(
            Method::POST,
            "operation=%50KIOperation",
            Ok(Operation::PkiOperation),
        );
    }

    #[test]
    fn a_post_needs_no_operation() {
        check(Method::POST, "", Ok(Operation::PkiOperation));
        check(Method::POST, "operation=", Ok(Operation::PkiOperation));
        check(Method::POST, "operation=%20", Ok(Operation::PkiOperation));
        check(
            Method::POST,
            "operation=Nonsense",
            Err(HttpRejection::UnknownOperation),
        );
    }
}
