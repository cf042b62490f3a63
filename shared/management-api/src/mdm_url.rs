//! The URLs at which an MDM gets a one-time challenge.

use ca::profile_name::ProfileName;
use http::Method;
use percent_encoding::percent_decode_str;
use scep_http::PREFIX as SCEP_PREFIX;

/// The path segment that stands before the names of RA Profiles.
const RA_PROFILE: &str = "raProfile";

/// The folder of NDES, which MDMs that are made for it append to the URL of a server.
const NDES_FOLDER: &str = "certsrv";

const NDES_PAGE: &str = "mscep_admin";
const JAMF: &str = "jamf";

/// A URL at which an MDM gets a challenge of a SCEP Profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MdmUrl {
    /// How the MDM asks.
    pub(crate) form: MdmForm,
    /// The name of the SCEP Profile.
    pub(crate) profile: ProfileName,
}

/// How an MDM asks for a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MdmForm {
    /// It reads the page of NDES.
    NdesPage,
    /// It sends an event of Jamf Pro.
    Jamf,
}

impl MdmForm {
    /// The form as logged.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NdesPage => NDES_PAGE,
            Self::Jamf => JAMF,
        }
    }
}

impl MdmUrl {
    /// The URL of a request: `GET …/scep/{name}/mscep_admin` or `…/{name}/certsrv/mscep_admin`,
    /// `POST …/scep/{name}/jamf`, and `GET /certsrv/mscep_admin` for the default SCEP Profile.
    /// `None` for every other: with other methods, SCEP ignores what follows a name.
    ///
    /// What follows the name is matched without regard to case or empty segments, as NDES does.
    #[must_use]
    pub fn of(method: &Method, path: &str, default: Option<&ProfileName>) -> Option<Self> {
        let form = match *method {
            Method::GET | Method::HEAD => MdmForm::NdesPage,
            Method::POST => MdmForm::Jamf,
            _ => return None,
        };
        if let Some(rest) = path.strip_prefix(SCEP_PREFIX) {
            let (name, tail) = rest.trim_start_matches('/').split_once('/')?;
            return (is_tail(form, tail) && name != RA_PROFILE)
                .then(|| parse_profile_name(name))
                .flatten()
                .map(|profile| Self { form, profile });
        }
        let profile = default.filter(|_| matches_segments(path, &[NDES_FOLDER, NDES_PAGE]))?;
        (form == MdmForm::NdesPage).then(|| Self {
            form,
            profile: profile.clone(),
        })
    }
}

/// Whether a path after the name of a profile is that of a form.
fn is_tail(form: MdmForm, tail: &str) -> bool {
    match form {
        MdmForm::NdesPage => {
            matches_segments(tail, &[NDES_PAGE])
                || matches_segments(tail, &[NDES_FOLDER, NDES_PAGE])
        }
        MdmForm::Jamf => matches_segments(tail, &[JAMF]),
    }
}

fn matches_segments(path: &str, expected: &[&str]) -> bool {
    let segments = path.split('/').filter(|segment| !segment.is_empty());
    let lower: Vec<_> = segments.map(str::to_ascii_lowercase).collect();
    lower == expected
}

fn parse_profile_name(segment: &str) -> Option<ProfileName> {
    let name = percent_decode_str(segment).decode_utf8().ok()?;
    ProfileName::new(&name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(method: &Method, path: &str, expected: Option<(MdmForm, &str)>) {
        let default = ProfileName::new("old.ones").unwrap();
        let found = MdmUrl::of(method, path, Some(&default));
        let found = found.map(|url| (url.form, url.profile.to_string()));
        let expected = expected.map(|(form, name)| (form, name.to_owned()));
        assert_eq!(found, expected, "{method} {path}");
    }

    #[test]
    fn the_page_of_ndes_is_below_a_profile_and_at_its_own_path() {
        for tail in [
            "mscep_admin",
            "mscep_admin/",
            "certsrv/mscep_admin",
            "certsrv/mscep_admin/",
            "CertSrv/MSCEP_ADMIN",
            "/certsrv//mscep_admin",
        ] {
            for method in [Method::GET, Method::HEAD] {
                let path = format!("/api/v1/protocols/scep/a.b/{tail}");
                check(&method, &path, Some((MdmForm::NdesPage, "a.b")));
            }
        }
        let own = Some((MdmForm::NdesPage, "old.ones"));
        check(&Method::GET, "/certsrv/mscep_admin", own);
        check(&Method::GET, "//CertSrv/mscep_admin/", own);
        let encoded = "/api/v1/protocols/scep/a%2Eb/mscep_admin";
        check(&Method::GET, encoded, Some((MdmForm::NdesPage, "a.b")));
        assert_eq!(MdmUrl::of(&Method::GET, "/certsrv/mscep_admin", None), None);
    }

    #[test]
    fn jamf_posts() {
        for tail in ["jamf", "jamf/", "/Jamf"] {
            let path = format!("/api/v1/protocols/scep/a/{tail}");
            check(&Method::POST, &path, Some((MdmForm::Jamf, "a")));
            check(&Method::GET, &path, None);
        }
    }

    #[test]
    fn what_is_of_scep_stays_with_it() {
        for path in [
            "/api/v1/protocols/scep/",
            "/api/v1/protocols/scep/mscep_admin",
            "/api/v1/protocols/scep/jamf",
            "/api/v1/protocols/scep/a/pkiclient.exe",
            "/api/v1/protocols/scep/a/mscep_admin/pkiclient.exe",
            "/api/v1/protocols/scep/a/certsrv/mscep/mscep.dll",
            "/api/v1/protocols/scep/a/jamf/pkiclient.exe",
            "/api/v1/protocols/scep/raProfile/mscep_admin",
            "/api/v1/protocols/scep/raProfile/jamf",
            "/api/v1/protocols/scep/raProfile/certsrv/mscep_admin",
            "/api/v1/protocols/scep/raProfile/a/mscep_admin",
            "/api/v1/protocols/scep/a%2fb/mscep_admin",
            "/api/v1/protocols/scep/a b/jamf",
            "/certsrv/mscep/mscep.dll",
            "/certsrv/mscep_admin/x",
            "/mscep_admin",
        ] {
            for method in [Method::GET, Method::HEAD, Method::POST, Method::PUT] {
                check(&method, path, None);
            }
        }
        check(&Method::POST, "/certsrv/mscep_admin", None);
        let page = "/api/v1/protocols/scep/a/mscep_admin";
        for method in [Method::POST, Method::OPTIONS, Method::PUT] {
            check(&method, page, None);
        }
    }
}
