//! The page of Microsoft's NDES on which administrators, and the MDMs that read it for them, find a
//! challenge.

use http::{HeaderMap, HeaderValue, Uri, header};
use scep_cms::algorithm::DigestAlgorithm;
use scep_cms::certificate::Certificate;
use scep_cms::challenge::ChallengePassword;

/// The encoding of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// UTF-16, little-endian with a byte order mark, as NDES writes it. Fleet reads a page by its
    /// byte order mark, and Zentral reads this encoding alone.
    Utf16,
    /// UTF-8. A page has ASCII characters alone, so it is Windows-1252 as well, in which MDMs read
    /// Okta's page of the same form.
    Utf8,
}

impl Encoding {
    /// The encoding that a request asks for: by `?charset=utf-8` in its URL, which is all that an
    /// administrator can set in an MDM, or by an `Accept-Charset` without UTF-16.
    pub(crate) fn of(uri: &Uri, headers: &HeaderMap) -> Self {
        let wanted = uri.query().and_then(|query| {
            query
                .split('&')
                .find_map(|pair| pair.strip_prefix("charset="))
        });
        let wanted = wanted.or_else(|| headers.get(header::ACCEPT_CHARSET)?.to_str().ok());
        let Some(wanted) = wanted.map(str::to_ascii_lowercase) else {
            return Self::Utf16;
        };
        let accepts = |name: &str| wanted.contains(name);
        let is_8_bit = ["utf-8", "utf8", "iso-8859-1", "ascii", "windows-1252"]
            .into_iter()
            .any(accepts);
        match is_8_bit && !accepts("utf-16") && !accepts("*") {
            true => Self::Utf8,
            false => Self::Utf16,
        }
    }

    /// The media type of a page. NDES names no charset.
    pub(crate) fn media_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Utf16 => "text/html",
            Self::Utf8 => "text/html; charset=utf-8",
        })
    }

    /// Encodes a page.
    pub(crate) fn encode(self, page: &str) -> Vec<u8> {
        match self {
            Self::Utf16 => "\u{feff}"
                .encode_utf16()
                .chain(page.encode_utf16())
                .flat_map(u16::to_le_bytes)
                .collect(),
            Self::Utf8 => page.as_bytes().to_vec(),
        }
    }
}

/// The page with a new challenge. Its sentences are those of NDES, to the space, because MDMs match
/// them as text.
pub(crate) fn render_challenge(
    authority: Option<&Certificate>,
    challenge: &ChallengePassword,
    minutes: u8,
) -> String {
    let mut sentences = String::new();
    // A subordinate authority has no certificate before one is installed.
    if let Some(certificate) = authority {
        let [sha1, sha256] = [DigestAlgorithm::Sha1, DigestAlgorithm::Sha256]
            .map(|algorithm| group_digits(&algorithm.digest(certificate.der())));
        sentences += &format!(
            "<P> The thumbprint (hash value) for the CA certificate is: <B> {sha1} </B> </P>\n\
             <P> Its SHA-256 thumbprint is: <B> {sha256} </B> </P>\n"
        );
    }
    let challenge = challenge.reveal();
    sentences += &format!(
        "<P> The enrollment challenge password is: <B> {challenge} </B> </P>\n\
         <P> This password can be used only once and will expire within {minutes} minutes. </P>\n\
         <P> Each enrollment requires a new challenge password. You can refresh this web page to \
         obtain a new challenge password. </P>\n"
    );
    render_page(&sentences)
}

/// The page with the reason why there is no challenge.
pub(crate) fn render_refusal(reason: &str) -> String {
    render_page(&format!("<P> {reason} </P>\n"))
}

fn render_page(sentences: &str) -> String {
    format!(
        "<HTML><HEAD><TITLE>Network Device Enrollment Service</TITLE></HEAD>\n\
         <BODY>\n<H1>Network Device Enrollment Service</H1>\n{sentences}</BODY></HTML>\n"
    )
}

/// Writes octets in hexadecimal, eight digits at a time, as NDES does.
fn group_digits(octets: &[u8]) -> String {
    let groups: Vec<String> = octets
        .chunks(4)
        .map(|group| group.iter().map(|octet| format!("{octet:02X}")).collect())
        .collect();
    groups.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(uri: &str, accepted: Option<&str>, expected: Encoding) {
        let mut headers = HeaderMap::new();
        if let Some(accepted) = accepted {
            headers.insert(header::ACCEPT_CHARSET, accepted.parse().unwrap());
        }
        assert_eq!(Encoding::of(&uri.parse().unwrap(), &headers), expected);
    }

    #[test]
    fn a_page_is_utf_16_unless_the_client_reads_8_bits_alone() {
        check("/", None, Encoding::Utf16);
        check("/?x=1", Some(""), Encoding::Utf16);
        check("/?charset=utf-8", None, Encoding::Utf8);
        check("/?x&charset=UTF-8", Some("utf-16"), Encoding::Utf8);
        check("/?charset=utf-16", Some("utf-8"), Encoding::Utf16);
        check("/?charset=koi8-r", None, Encoding::Utf16);
        check("/", Some("ISO-8859-1,utf-8;q=0.7"), Encoding::Utf8);
        check("/", Some("utf-8, *;q=0.1"), Encoding::Utf16);
        // Spring lists every charset that Java knows.
        check("/", Some("us-ascii, utf-16le, utf-8"), Encoding::Utf16);
    }

    #[test]
    fn octets_are_written_in_groups_of_eight_digits() {
        assert_eq!(group_digits(&[0, 1, 2, 3, 0xab]), "00010203 AB");
    }

    #[test]
    fn utf_16_begins_with_its_mark() {
        assert_eq!(Encoding::Utf16.encode("a"), [0xff, 0xfe, b'a', 0]);
        assert_eq!(Encoding::Utf8.encode("a"), b"a");
    }
}
