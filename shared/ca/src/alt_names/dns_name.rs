//! The syntax of DNS names, RFC 5280 §4.2.1.6, and the mistakes in what devices send as one.

/// The maximum length of a name, in octets. RFC 1035 §2.3.4 allows 255 on the wire, of which the
/// first length octet and the root label are not written.
const MAX_BYTES: usize = 253;

/// The maximum length of a label, in octets, RFC 1035 §2.3.4.
const MAX_LABEL_BYTES: usize = 63;

/// Removes the dot with which resolvers write a fully qualified name.
pub(crate) fn without_final_dot(name: &str) -> &str {
    // RFC 5280 §4.2.1.6 requires the preferred name syntax of RFC 1034 §3.5, which has no such dot.
    name.strip_suffix('.').unwrap_or(name)
}

/// Says why a text is not a DNS name, or `None` if it is one: letters, digits, hyphens and
/// underscores in labels of 1 to 63 octets, the first of which may be `*` if others follow.
pub(crate) fn dns_name_fault(name: &str) -> Option<&'static str> {
    let host = name.strip_prefix("*.").unwrap_or(name);
    // RFC 1034 §3.5 has no underscore, but devices use it in the names of hosts.
    let is_of_label = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.len() > MAX_BYTES {
        return Some("a DNS name: it is longer than 253 octets");
    }
    if let Some(other) = host.chars().find(|c| !is_of_label(*c) && *c != '.') {
        return Some(fault_of_character(name, other));
    }
    if host.split('.').any(str::is_empty) {
        return Some("a DNS name: a label is empty");
    }
    if host.split('.').any(|label| label.len() > MAX_LABEL_BYTES) {
        return Some("a DNS name: a label is longer than 63 octets");
    }
    None
}

/// Names the likely mistake in a text that has a character which no DNS name has.
fn fault_of_character(name: &str, other: char) -> &'static str {
    let has_port = name
        .rsplit_once(':')
        .is_some_and(|(_, port)| !port.is_empty() && port.chars().all(|c| c.is_ascii_digit()));
    // The order is from the most telling form to the least: a URL also has a colon, and perhaps an
    // @ or a port.
    if is_variable(name) {
        return "a DNS name: it is a variable without its value";
    }
    if name.contains("://") {
        return "a DNS name: it is a URL";
    }
    if name.chars().any(char::is_whitespace) {
        return "a DNS name: it has white space";
    }
    if name.parse::<std::net::Ipv6Addr>().is_ok() {
        return "a DNS name: it is an address, which is an iPAddress";
    }
    if has_port {
        return "a DNS name: it has a port";
    }
    if name.contains('@') {
        return "a DNS name: it has an @";
    }
    if other == '*' {
        return "a DNS name: a wildcard can only be the whole first label, with others after it";
    }
    if !name.is_ascii() {
        return "a DNS name: it is not written in ASCII, as xn--…";
    }
    "a DNS name: it has a character other than letters, digits, hyphens and underscores"
}

/// Returns whether a text looks like a variable that a device management system did not replace:
/// `{{mail}}`, `${mail}`, `$(mail)`, `%mail%`, `<mail>`.
pub(crate) fn is_variable(text: &str) -> bool {
    let between = |open: &str, close: &str| {
        text.split_once(open)
            .is_some_and(|(_, rest)| rest.contains(close))
    };
    between("{", "}") || between("$(", ")") || between("%", "%") || between("<", ">")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_hosts_and_wildcards_are_dns_names() {
        let long = ["a".repeat(63).as_str(); 3].join(".");
        for name in [
            "host1",
            "my_host.example.com",
            "HOST.Example.COM",
            "*.a-1.example",
            "xn--bro-hoa.example.com",
            "10.0.0.1",
            &long,
        ] {
            assert_eq!(dns_name_fault(name), None, "{name}");
        }
    }

    #[test]
    fn a_text_that_is_not_a_dns_name_gets_a_reason() {
        let (label, long) = ("a".repeat(64), ["a".repeat(60).as_str(); 5].join("."));
        for (name, fault) in [
            ("Jane's iPad", "white space"),
            ("a b.example", "white space"),
            ("host.example.com:443", "a port"),
            ("a_b:443", "a port"),
            ("https://host.example", "a URL"),
            ("{{mail}}", "a variable"),
            ("${name}.example", "a variable"),
            ("%ComputerName%.example", "a variable"),
            ("$(name)", "a variable"),
            ("2001:db8::1", "an address"),
            ("a@b", "an @"),
            ("a.*.example", "wildcard"),
            ("**.example", "wildcard"),
            ("*", "wildcard"),
            ("br\u{f6}.example", "xn--"),
            ("a\0.example", "a character"),
            ("a/b", "a character"),
            ("", "a label is empty"),
            (".", "a label is empty"),
            ("a..example", "a label is empty"),
            (".a", "a label is empty"),
            (&label, "63"),
            (&long, "253"),
        ] {
            let told = dns_name_fault(name).unwrap_or_default();
            assert!(told.contains(fault), "{name}: {told}");
        }
    }

    #[test]
    fn one_final_dot_is_removed() {
        for (name, without) in [("a.example.", "a.example"), ("a..", "a."), ("a", "a")] {
            assert_eq!(without_final_dot(name), without);
        }
    }
}
