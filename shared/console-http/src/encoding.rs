//! Content negotiation: whether a client takes gzip, RFC 9110 §12.5.3.

use http::HeaderMap;
use http::header::ACCEPT_ENCODING;

/// Whether the client names gzip as a coding that it takes. One that names none gets identity,
/// because simple clients leave the header out and decode nothing.
pub(crate) fn accepts_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|coding| {
            let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
            name.trim().eq_ignore_ascii_case("gzip") && !is_zero(weight)
        })
}

/// Whether a weight, such as `q=0.000`, excludes what it belongs to.
fn is_zero(weight: &str) -> bool {
    let value = weight.trim().trim_start_matches(['q', 'Q', '=', ' ']);
    value.starts_with('0') && value.chars().all(|c| matches!(c, '0' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_for_clients_that_name_it() {
        let check = |value: &str, expected| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, value.parse().unwrap());
            assert_eq!(accepts_gzip(&headers), expected, "{value}");
        };
        for taken in [
            "gzip",
            "deflate, GZIP;q=0.1",
            "br;q=0, gzip ; q=1.0",
            "gzip;q=0.5",
        ] {
            check(taken, true);
        }
        for not_taken in ["", "*", "identity", "gzip;q=0", "gzip; q=0.000", "xgzip"] {
            check(not_taken, false);
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }
}
