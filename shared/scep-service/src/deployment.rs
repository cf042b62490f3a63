//! The settings of a deployment, and their parsers. The Lambda functions read them from variables
//! that the template sets, the local server from arguments as well, and both accept the same
//! values.

use std::time::Duration;

use ca::authority::IssuingAuthority;

/// The settings of a deployment that use cases depend on.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// The URL at which clients reach the server, without a trailing slash.
    pub public_url: String,
    /// The prefix of the CRL URLs in certificates, in the form of [`Self::public_url`]. `None` when
    /// verifiers cannot reach the server at that URL: a wrong URL in an issued certificate cannot
    /// be corrected, so certificates then carry none.
    pub crl_url_base: Option<String>,
    /// How long a request waits for an administrator, and how long the decision is remembered.
    pub pending_validity: Duration,
    /// How long a CRL is valid: `nextUpdate` minus `thisUpdate`.
    pub crl_validity: Duration,
    /// How long the records of refused requests are kept.
    pub request_validity: Duration,
    /// The delay, counted from the last octet of the request, of refusals whose timing could tell
    /// an attacker what an envelope decrypted to. Zero sends them at once, which only tests use.
    pub refusal_delay: Duration,
}

impl Deployment {
    /// The default [`Self::refusal_delay`].
    // It is longer than the work on any request and the jitter of that work. A refusal that leaves
    // earlier would reveal how far the request got.
    pub const REFUSAL_DELAY: Duration = Duration::from_millis(100);

    /// Returns the URL of the CRL of an authority's generation, to be written into certificates.
    #[must_use]
    pub fn crl_url(&self, authority: &IssuingAuthority) -> Option<String> {
        let base = self.crl_url_base.as_ref()?;
        Some(format!("{base}/crl/{}", authority.crl_file()))
    }
}

/// A text that is no value of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSetting {
    /// See [`parse_days`].
    #[error("not a whole number of days from 1 to 365")]
    Days,
    /// See [`parse_public_url`].
    #[error(
        "not a URL that begins with https:// or http:// and has neither a query nor a fragment"
    )]
    PublicUrl,
}

/// The days for which a request may wait for approval and a CRL is valid, unless they are set.
pub const DEFAULT_DAYS: &str = "7";

/// The days for which refused requests are kept, unless they are set.
pub const DEFAULT_REQUEST_DAYS: &str = "30";

/// Parses a number of days from 1 to 365.
///
/// # Errors
/// [`InvalidSetting::Days`] for every other text.
pub fn parse_days(text: &str) -> Result<Duration, InvalidSetting> {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    // Longer than a year is a mistake: nobody would notice a CRL that is not renewed.
    match text.parse::<u32>() {
        Ok(days) if (1..=365).contains(&days) => Ok(DAY * days),
        Ok(_) | Err(_) => Err(InvalidSetting::Days),
    }
}

/// Parses the URL at which clients reach the server, and removes slashes from its end.
///
/// # Errors
/// [`InvalidSetting::PublicUrl`] unless the text begins with `https://` or `http://` and a host,
/// and consists of visible ASCII characters other than `?` and `#`.
pub fn parse_public_url(text: &str) -> Result<String, InvalidSetting> {
    let url = text.trim_end_matches('/');
    let host = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    // Paths are appended to it, which a query or a fragment would swallow, and certificates contain
    // it, as ASCII.
    let is_fit = |c: char| c.is_ascii_graphic() && !"?#".contains(c);
    if !host.is_some_and(|host| !host.is_empty() && host.chars().all(is_fit)) {
        return Err(InvalidSetting::PublicUrl);
    }
    Ok(url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_url(text: &str, expected: Option<&str>) {
        assert_eq!(parse_public_url(text).ok().as_deref(), expected, "{text}");
    }

    #[test]
    fn a_public_url_is_one_that_others_can_be_appended_to() {
        check_url("https://x", Some("https://x"));
        check_url("https://x/y/", Some("https://x/y"));
        check_url("http://x:8080//", Some("http://x:8080"));
        check_url(
            "http://[2001:db8::1]:8080",
            Some("http://[2001:db8::1]:8080"),
        );
        for text in [
            "",
            "x",
            "ftp://x",
            "https://",
            "https:///",
            "http://x?y",
            "http://x#y",
            "http://x y",
        ] {
            check_url(text, None);
        }
    }

    #[test]
    fn days_are_whole_and_at_most_a_year() {
        let days = |text| parse_days(text).map(|days| days.as_secs() / (24 * 60 * 60));
        assert_eq!((days("1"), days("365")), (Ok(1), Ok(365)));
        assert_eq!(days(DEFAULT_DAYS), Ok(7));
        for text in ["", "0", "366", "-1", "1.5", "7 ", "99999999999"] {
            assert_eq!(days(text), Err(InvalidSetting::Days), "{text}");
        }
    }
}
