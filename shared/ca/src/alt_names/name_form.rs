//! The syntax of names in subjectAltName that are text, RFC 5280 §4.2.1.6.

use percent_encoding::percent_decode_str;

use crate::alt_names::dns_name::{dns_name_fault, is_variable};
use crate::bounded_text::is_visible;
use crate::template::{SubjectAltNameType, ValueFault, check_text};

/// Checks that a name has the form that its type requires, and no invisible characters.
pub(crate) fn check_form(kind: SubjectAltNameType, text: &str) -> Result<(), ValueFault> {
    // This check comes first: an invisible character is the fault to report, whatever else is
    // wrong.
    if !text.chars().all(is_visible) {
        return Err(ValueFault::Hidden);
    }
    let (fits, form) = match kind {
        SubjectAltNameType::Dns => match dns_name_fault(text) {
            Some(fault) => (false, fault),
            None => (true, ""),
        },
        // An address has octets instead of text; an otherName is checked with its encoding.
        SubjectAltNameType::Ip | SubjectAltNameType::OtherName(_) => return Ok(()),
        SubjectAltNameType::Email => {
            let variable = "an e-mail address: it is a variable without its value";
            let usual = "an e-mail address";
            let form = if is_variable(text) { variable } else { usual };
            (is_email_address(text), form)
        }
        SubjectAltNameType::Uri => return check_uri(text),
        SubjectAltNameType::Upn => {
            check_text(text)?;
            let fits = is_user_principal_name(text);
            (fits, "a user and a domain around one @, without spaces")
        }
    };
    if fits {
        return Ok(());
    }
    Err(ValueFault::Form(form))
}

/// Returns whether a text is a Mailbox of RFC 5321 §4.1.2 whose local part is a Dot-string.
fn is_email_address(text: &str) -> bool {
    let Some((local, host)) = text.split_once('@') else {
        return false;
    };
    let is_atext = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&c);
    let is_atom = |part: &str| !part.is_empty() && part.bytes().all(is_atext);
    // A wildcard is a DNS name but not the domain of a mailbox.
    let is_host = !host.contains('*') && dns_name_fault(host).is_none();
    // 64 octets: the limit of RFC 5321 §4.5.3.1.1.
    local.len() <= 64 && local.split('.').all(is_atom) && is_host
}

/// Checks that a text is a URI: a scheme (RFC 3986 §3.1), characters of RFC 3986 §2 only, and no
/// invisible characters, not even percent-encoded.
// The crate `fluent-uri` accepts `a:`, and rejects `a:b[0]` and a second `#`: certificates with
// such names exist, and their renewals would be refused.
fn check_uri(text: &str) -> Result<(), ValueFault> {
    let (scheme, rest) = text.split_once(':').unwrap_or_default();
    let in_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    let in_uri = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(c);
    let has_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(in_scheme)
        && !rest.is_empty();
    let fault = if is_variable(text) && !text.chars().all(in_uri) {
        "a URI: it is a variable without its value"
    } else if !has_scheme {
        "a URI: it has no scheme, like https:"
    } else if !text.chars().all(in_uri) {
        "a URI: it has a character that a URI writes percent-encoded"
    } else if !text.split('%').skip(1).all(is_encoded_octet) {
        "a URI: a % is not followed by two hexadecimal digits"
    } else {
        // Verifiers may decode the URI before they compare or show it.
        let decoded = percent_decode_str(text).decode_utf8_lossy();
        let is_seen = decoded.chars().all(is_visible);
        return is_seen.then_some(()).ok_or(ValueFault::Hidden);
    };
    Err(ValueFault::Form(fault))
}

/// Returns whether a text starts with two hexadecimal digits.
fn is_encoded_octet(text: &str) -> bool {
    text.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2
}

fn is_user_principal_name(text: &str) -> bool {
    text.split_once('@').is_some_and(|(user, domain)| {
        let fits = |part: &str| !part.is_empty() && !part.contains(char::is_whitespace);
        fits(user) && fits(domain) && !domain.contains('@')
    })
}

#[cfg(test)]
mod tests {
    use SubjectAltNameType::{Dns, Email, Upn, Uri};

    use super::*;

    #[track_caller]
    fn check(kind: SubjectAltNameType, texts: &[&str], expected: &str) {
        for text in texts {
            let fault = check_form(kind, text).unwrap_err().to_string();
            assert!(fault.contains(expected), "{text:?}: {fault}");
        }
    }

    #[test]
    fn malformed_texts_are_rejected() {
        let dns = ["a..example", "a.*.example", "**.example", "*", "a@b", ""];
        check(Dns, &dns, "is not a DNS name: ");
        let email = [
            "nobody",
            "@a.example",
            "a@b@c.example",
            "a@*.example",
            "a b@c.example",
            ".a@b.example",
            "a..b@c.example",
            "\"a\"@b.example",
            "a@",
            "<a@b.example>",
            "a@b.example.",
        ];
        check(Email, &email, "is not an e-mail address");
        check(
            Email,
            &["{{mail}}", "%mail%"],
            "a variable without its value",
        );
        let uri = [
            "//a b", "a", ":a", "a:", "1a:b", "a b:c", "a:b c", "a:<b>", "a:%", "a:%4", "a:%4g",
            "a:\"b\"", "a:b\\c", "{{url}}",
        ];
        check(Uri, &uri, "is not a URI: ");
        check(Uri, &["www.example.com/a"], "it has no scheme");
        let upn = [
            "a",
            "@",
            "a@",
            "@b",
            "a@b@c",
            "a b@c",
            " a@b",
            "a@b ",
            "a@b\u{a0}",
            "",
        ];
        check(
            Upn,
            &upn,
            "is not a user and a domain around one @, without spaces",
        );
        check(Upn, &[&format!("{}@b", "a".repeat(255))], "is too long");
    }

    #[test]
    fn texts_with_invisible_characters_are_rejected() {
        let hidden = "holds a control character";
        check(Dns, &["a\0.example"], hidden);
        check(Email, &["a\0@b.example"], hidden);
        let uri = [
            "a:b\r\nc",
            "spiffe://a/b%00c",
            "spiffe://a/b%0d%0Ac",
            "spiffe://a/%E2%80%AEb",
        ];
        check(Uri, &uri, hidden);
        let upn = [
            "administrator@corp.example\0x",
            "nimda\u{202e}@corp.example",
            "a\u{200b}@corp.example",
        ];
        check(Upn, &upn, hidden);
    }

    #[test]
    fn well_formed_texts_are_accepted() {
        for (kind, text) in [
            (Dns, "my_host.example"),
            (Email, "a.b+c@b.example"),
            (Email, "{a}@b.example"),
            (Uri, "https://[2001:db8::1]:443/a%20b?c=%C3%BC#d"),
            (Upn, "j\u{fc}rgen.m@corp.example"),
        ] {
            assert_eq!(check_form(kind, text), Ok(()), "{text}");
        }
    }
}
