//! The paths by which API Gateway dispatches SCEP requests to functions.
//!
//! SCEP names the operation in the query, and API Gateway routes by path. Therefore API Gateway, or
//! the edge before it, rewrites the URL to `/internal/scep/{operation}/{endpoint}`. API Gateway
//! also removes the operation from the query, so that no path, however it is read on the way, can
//! lead back to the route that dispatches by the operation. This module restores the URL that the
//! client requested; each function then answers its own operations and no others.

use percent_encoding::{
    AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode,
};

/// The prefix of paths with the operation.
const INTERNAL: &str = "/internal/scep/";

/// The prefix of paths as clients know them.
const PUBLIC: &str = "/api/v1/protocols/scep/";

/// The characters that a decoded path may contain and a URL may not (RFC 3986 §3.3).
// API Gateway decodes paths before it puts them into events.
const NOT_IN_PATHS: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}');

/// Restores the path and query that the client requested, from those of an event. They may make no
/// valid URI.
#[must_use]
pub fn public_url(path: &str, query: &str) -> String {
    let inside = path.strip_prefix(INTERNAL);
    let Some((operation, endpoint)) = inside.and_then(|rest| rest.split_once('/')) else {
        return join_query(path, query);
    };
    let public_path = format!("{PUBLIC}{endpoint}");
    // The edge leaves the operation in the query, and API Gateway leaves one whose name is not
    // written `operation`.
    if query.split('&').any(names_operation) {
        return join_query(&public_path, query);
    }
    let value = utf8_percent_encode(operation, NON_ALPHANUMERIC);
    let separator = if query.is_empty() { "" } else { "&" };
    join_query(
        &public_path,
        &format!("operation={value}{separator}{query}"),
    )
}

/// Whether this parameter is the operation, whose name clients write in any case.
fn names_operation(pair: &str) -> bool {
    let encoded = pair.split('=').next().unwrap_or_default();
    percent_decode_str(encoded)
        .decode_utf8_lossy()
        .trim()
        .eq_ignore_ascii_case("operation")
}

fn join_query(path: &str, query: &str) -> String {
    let encoded = utf8_percent_encode(path, NOT_IN_PATHS);
    if query.is_empty() {
        return encoded.to_string();
    }
    format!("{encoded}?{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, query: &str, public: &str) {
        assert_eq!(public_url(path, query), public);
    }

    #[test]
    fn the_operation_goes_from_the_path_into_the_query() {
        check(
            "/internal/scep/GetCACaps/default/pkiclient.exe",
            "",
            "/api/v1/protocols/scep/default/pkiclient.exe?operation=GetCACaps",
        );
        check(
            "/internal/scep/PKIOperation/raProfile/a",
            "message=a+b",
            "/api/v1/protocols/scep/raProfile/a?operation=PKIOperation&message=a+b",
        );
        // The edge leaves the operation in the query.
        check(
            "/internal/scep/GetCACaps/a",
            "message=0&operation=PKIOperation",
            "/api/v1/protocols/scep/a?message=0&operation=PKIOperation",
        );
        check(
            "/internal/scep/GetCACaps/a",
            "Operation=getcacaps",
            "/api/v1/protocols/scep/a?Operation=getcacaps",
        );
        // API Gateway leaves an operation whose name is not written `operation`.
        check(
            "/internal/scep//a/pkiclient.exe",
            "OPERATION=GetCACaps",
            "/api/v1/protocols/scep/a/pkiclient.exe?OPERATION=GetCACaps",
        );
        check(
            "/internal/scep//a",
            "message=0",
            "/api/v1/protocols/scep/a?operation=&message=0",
        );
    }

    #[test]
    fn what_was_decoded_on_the_way_is_no_other_url() {
        check(
            "/internal/scep/Get CA&Caps=?/a b/c?d#e%2F",
            "message=0",
            "/api/v1/protocols/scep/a%20b/c%3Fd%23e%2F?operation=Get%20CA%26Caps%3D%3F&message=0",
        );
    }

    #[test]
    fn other_urls_stay_as_they_are() {
        for path in [
            "/internal/scep/GetCACaps",
            "/api/v1/authorities",
            "/internal/other/a",
        ] {
            check(path, "", path);
            check(path, "a=b", &format!("{path}?a=b"));
        }
    }
}
