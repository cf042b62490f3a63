//! Which endpoint a path names.

use percent_encoding::percent_decode_str;
use scep_protocol::{EndpointName, ProfileName, Rejection, Unavailable};

/// What every SCEP path begins with.
pub const PREFIX: &str = "/api/v1/protocols/scep/";

/// Between [`PREFIX`] and the name of an RA Profile.
const RA_PROFILE: &str = "raProfile";

/// What clients expect a SCEP path to end with, RFC 8894 §4.1; several append it, others leave it out.
const TAIL: &str = "pkiclient.exe";

/// The endpoint of a path, with or without `/pkiclient.exe` and a trailing slash.
///
/// # Errors
/// [`Rejection::NotFound`] for other paths; the profile is unknown when its name is none.
pub(crate) fn endpoint(path: &str) -> Result<EndpointName, Rejection> {
    let rest = path.strip_prefix(PREFIX).ok_or(Rejection::NotFound)?;
    let mut segments: Vec<_> = rest.split('/').collect();
    if segments.last() == Some(&"") {
        segments.pop();
    }
    if segments.len() > 1 && segments.last() == Some(&TAIL) {
        segments.pop();
    }
    match segments.as_slice() {
        [RA_PROFILE] => Err(Rejection::NotFound),
        [name] => profile_name(name)
            .map(EndpointName::ScepProfile)
            .ok_or(Rejection::Unavailable(Unavailable::ScepProfileUnknown)),
        [RA_PROFILE, name] => profile_name(name)
            .map(EndpointName::RaProfile)
            .ok_or(Rejection::Unavailable(Unavailable::RaProfileUnknown)),
        _ => Err(Rejection::NotFound),
    }
}

fn profile_name(segment: &str) -> Option<ProfileName> {
    let name = percent_decode_str(segment).decode_utf8().ok()?;
    ProfileName::new(&name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: Result<EndpointName, Rejection>) {
        assert_eq!(endpoint(path), expected);
    }

    fn scep(name: &str) -> Result<EndpointName, Rejection> {
        Ok(EndpointName::ScepProfile(ProfileName::new(name).unwrap()))
    }

    fn ra(name: &str) -> Result<EndpointName, Rejection> {
        Ok(EndpointName::RaProfile(ProfileName::new(name).unwrap()))
    }

    #[test]
    fn both_forms_are_found_with_and_without_their_tail() {
        for tail in ["", "/", "/pkiclient.exe", "/pkiclient.exe/"] {
            check(
                &format!("/api/v1/protocols/scep/a.b~c{tail}"),
                scep("a.b~c"),
            );
            check(
                &format!("/api/v1/protocols/scep/raProfile/r-1{tail}"),
                ra("r-1"),
            );
        }
        check("/api/v1/protocols/scep/a%2Eb%7ec", scep("a.b~c"));
    }

    #[test]
    fn other_paths_are_not() {
        let unknown = Err(Rejection::Unavailable(Unavailable::ScepProfileUnknown));
        check("/api/v1/protocols/scep/", Err(Rejection::NotFound));
        check("/api/v1/protocols/scep/a%2fb", unknown.clone());
        check("/api/v1/protocols/scep/..", unknown);
        check("/api/v1/protocols/scep", Err(Rejection::NotFound));
        check("/api/v1/protocols/scep/raProfile", Err(Rejection::NotFound));
        check(
            "/api/v1/protocols/scep/raProfile/pkiclient.exe/x/y",
            Err(Rejection::NotFound),
        );
        check("/cgi-bin/pkiclient.exe", Err(Rejection::NotFound));
        let unknown = Err(Rejection::Unavailable(Unavailable::RaProfileUnknown));
        check("/api/v1/protocols/scep/raProfile/%00", unknown);
    }
}
