//! Fixed paths for devices whose SCEP path cannot be configured.

use ca::profile_name::ProfileName;
use http::Uri;
use http::request::Parts;

use crate::PREFIX;

/// The SCEPPATH of RFC 8894 §4.1, which Cisco IOS uses when its URL has no path, and the path of
/// Microsoft's NDES.
const FIXED: [&[&str]; 2] = [
    &["cgi-bin", "pkiclient.exe"],
    &["certsrv", "mscep", "mscep.dll"],
];

/// Rewrites a request to a fixed path into a request to the given SCEP Profile. Other requests are
/// returned unchanged.
///
/// Fixed paths are matched as prefixes and without regard to case: NDES ignores case, and devices
/// append `/pkiclient.exe`.
#[must_use]
pub fn at_fixed_path(mut head: Parts, profile: &ProfileName) -> Parts {
    if is_fixed(head.uri.path()) {
        let query = head.uri.query().map(|query| format!("?{query}"));
        let uri = format!("{PREFIX}{profile}{}", query.unwrap_or_default());
        // This always parses: profile names consist of URL characters, and the query comes from a
        // valid URL.
        if let Ok(uri) = Uri::try_from(uri) {
            head.uri = uri;
        }
    }
    head
}

fn is_fixed(path: &str) -> bool {
    let begins = |fixed: &&[&str]| {
        let mut segments = path.split('/').filter(|segment| !segment.is_empty());
        fixed.iter().all(|fixed_segment| {
            segments
                .next()
                .is_some_and(|segment| segment.eq_ignore_ascii_case(fixed_segment))
        })
    };
    FIXED.iter().any(begins)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[track_caller]
    fn check(uri: &str, expected: &str) {
        let (head, ()) = Request::get(uri).body(()).unwrap().into_parts();
        let head = at_fixed_path(head, &ProfileName::new("old.ones").unwrap());
        assert_eq!(head.uri, expected);
    }

    #[test]
    fn fixed_paths_lead_to_the_profile() {
        for path in [
            "/cgi-bin/pkiclient.exe",
            "/cgi-bin/pkiclient.exe/pkiclient.exe",
            "/CGI-BIN/PKIClient.exe",
            "//cgi-bin//pkiclient.exe/",
            "/certsrv/mscep/mscep.dll",
            "/CertSrv/mscep/mscep.dll/pkiclient.exe",
            "http://ca.example/certsrv/mscep/mscep.dll",
        ] {
            check(path, "/api/v1/protocols/scep/old.ones");
            check(
                &format!("{path}?operation=PKIOperation&message=a+b%2B"),
                "/api/v1/protocols/scep/old.ones?operation=PKIOperation&message=a+b%2B",
            );
        }
    }

    #[test]
    fn other_paths_stay_as_they_are() {
        for path in [
            "/",
            "/cgi-bin",
            "/cgi-bin/other",
            "/certsrv/mscep",
            "/certsrv/mscep_admin",
            "/a/cgi-bin/pkiclient.exe",
            "/api/v1/protocols/scep/a/cgi-bin/pkiclient.exe",
            "/api/v1/authorities?a=/cgi-bin/pkiclient.exe",
        ] {
            check(path, path);
        }
    }
}
