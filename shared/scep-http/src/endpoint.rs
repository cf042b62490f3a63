//! Parses the endpoint that a path names.

use ca::profile_name::ProfileName;
use percent_encoding::percent_decode_str;
use scep_protocol::availability::Unavailable;
use scep_protocol::profile::EndpointName;
use scep_protocol::refusal::HttpRejection;

/// The prefix of every SCEP path.
pub const PREFIX: &str = "/api/v1/protocols/scep/";

/// The path segment between [`PREFIX`] and the name of an RA Profile.
const RA_PROFILE: &str = "raProfile";

/// The endpoint that a path names. Empty segments and everything after the name are ignored:
/// Windows and Cisco IOS append `/pkiclient.exe` to any URL, other clients do not, and
/// administrators configure `mscep.dll` and other suffixes.
///
/// # Errors
/// [`HttpRejection::NotFound`] for paths outside [`PREFIX`]; [`HttpRejection::Unavailable`] when
/// the name is not a valid profile name.
pub(crate) fn parse_endpoint(path: &str) -> Result<EndpointName, HttpRejection> {
    let rest = path.strip_prefix(PREFIX).ok_or(HttpRejection::NotFound)?;
    // Clients that join a URL and a path send double slashes.
    let mut segments = rest.split('/').filter(|segment| !segment.is_empty());
    let name = segments.next().ok_or(HttpRejection::NotFound)?;
    // No profile can be named `raProfile`, so the two kinds of path never collide.
    if name != RA_PROFILE {
        return parse_profile_name(name)
            .map(EndpointName::ScepProfile)
            .ok_or(HttpRejection::Unavailable(Unavailable::ScepProfileUnknown));
    }
    let name = segments.next().ok_or(HttpRejection::NotFound)?;
    parse_profile_name(name)
        .map(EndpointName::RaProfile)
        .ok_or(HttpRejection::Unavailable(Unavailable::RaProfileUnknown))
}

fn parse_profile_name(segment: &str) -> Option<ProfileName> {
    // The name is decoded after the path is split, so that an encoded slash stays in it and makes
    // it invalid.
    let name = percent_decode_str(segment).decode_utf8().ok()?;
    ProfileName::new(&name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: Result<EndpointName, HttpRejection>) {
        assert_eq!(parse_endpoint(path), expected);
    }

    fn scep(name: &str) -> Result<EndpointName, HttpRejection> {
        Ok(EndpointName::ScepProfile(ProfileName::new(name).unwrap()))
    }

    fn ra(name: &str) -> Result<EndpointName, HttpRejection> {
        Ok(EndpointName::RaProfile(ProfileName::new(name).unwrap()))
    }

    #[test]
    fn what_follows_a_name_is_ignored() {
        for tail in [
            "",
            "/",
            "/pkiclient.exe",
            "/pkiclient.exe/",
            "/pkiclient.exe/pkiclient.exe",
            "//pkiclient.exe",
            "/PKICLIENT.EXE",
            "/cgi-bin/pkiclient.exe",
            "/certsrv/mscep/mscep.dll/pkiclient.exe",
            "/anything",
            "/raProfile/other",
            "/%00/%ff",
        ] {
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
        check("/api/v1/protocols/scep//a//pkiclient.exe", scep("a"));
        check("/api/v1/protocols/scep/raProfile//r-1", ra("r-1"));
    }

    #[test]
    fn other_paths_are_not() {
        let unknown = Err(HttpRejection::Unavailable(Unavailable::ScepProfileUnknown));
        check("/api/v1/protocols/scep/", Err(HttpRejection::NotFound));
        check("/api/v1/protocols/scep//", Err(HttpRejection::NotFound));
        check("/api/v1/protocols/scep/a%2fb", unknown.clone());
        check("/api/v1/protocols/scep/../a", unknown);
        check("/api/v1/protocols/scep", Err(HttpRejection::NotFound));
        check(
            "/api/v1/protocols/scep/raProfile",
            Err(HttpRejection::NotFound),
        );
        check(
            "/api/v1/protocols/scep/raProfile/",
            Err(HttpRejection::NotFound),
        );
        check("/cgi-bin/pkiclient.exe", Err(HttpRejection::NotFound));
        let unknown = Err(HttpRejection::Unavailable(Unavailable::RaProfileUnknown));
        check("/api/v1/protocols/scep/raProfile/%00", unknown);
    }
}
