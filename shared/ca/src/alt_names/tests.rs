use crate::bounded_text::Pattern;
use crate::template::{NamePlace, TemplateSpec, UPN};
use const_oid::ObjectIdentifier;
use const_oid::db::rfc5280;
use der::asn1::{Any, Ia5String, OctetString};
use der::{Decode, Encode, Tag};
use x509_cert::ext::pkix::name::{GeneralName, OtherName};

use super::*;

const ALL: &[SubjectAltNameType] = &SubjectAltNameType::NAMED;

fn names_extension(value: Vec<u8>) -> RequestedExtension {
    RequestedExtension {
        id: rfc5280::ID_CE_SUBJECT_ALT_NAME,
        value,
    }
}

fn shown_name(index: usize, kind: &str, value: &str) -> RequestedName {
    RequestedName {
        place: NamePlace::SubjectAltName(index),
        kind: kind.to_owned(),
        value: value.to_owned(),
    }
}

fn ia5_text(text: &str) -> Ia5String {
    Ia5String::new(text).unwrap()
}

fn dns_name(name: &str) -> GeneralName {
    GeneralName::DnsName(ia5_text(name))
}

fn upn_name(octets: &[u8]) -> GeneralName {
    other_name(&UPN.to_string(), Tag::Utf8String, octets)
}

fn other_name(type_id: &str, tag: Tag, octets: &[u8]) -> GeneralName {
    GeneralName::OtherName(OtherName {
        type_id: ObjectIdentifier::new_unwrap(type_id),
        value: Any::new(tag, octets).unwrap(),
    })
}

fn uri_name(uri: &str) -> GeneralName {
    GeneralName::UniformResourceIdentifier(ia5_text(uri))
}

/// Selects names where nobody vouches for any.
fn select_unvouched(
    extensions: &[RequestedExtension],
    common_names: &[String],
    rule: &SubjectAltNameRule,
) -> Result<SubjectAltNames, RuleViolation> {
    select_alt_names(extensions, common_names, rule, &VouchedNames::default()).map_err(|error| {
        let IssueError::Rule(violation) = error else {
            panic!("{error}")
        };
        violation
    })
}

/// Applies a rule to a request for these names whose CN is `device 1`.
fn ask(
    names: &[GeneralName],
    edit: impl FnOnce(&mut SubjectAltNameRule),
) -> Result<SubjectAltNames, RuleViolation> {
    ask_as("device 1", names, edit)
}

fn ask_as(
    common_name: &str,
    names: &[GeneralName],
    edit: impl FnOnce(&mut SubjectAltNameRule),
) -> Result<SubjectAltNames, RuleViolation> {
    let mut rule = TemplateSpec::default().subject_alt_name;
    edit(&mut rule);
    let extension = names_extension(names.to_vec().to_der().unwrap());
    select_unvouched(&[extension], &[common_name.to_owned()], &rule)
}

fn issued_names(names: &[GeneralName]) -> Result<SubjectAltNames, RuleViolation> {
    Ok(SubjectAltNames {
        names: (!names.is_empty()).then(|| names.to_vec()),
        left_out: Vec::new(),
    })
}

fn any_of(types: &[SubjectAltNameType]) -> impl FnOnce(&mut SubjectAltNameRule) {
    move |rule| {
        let any = Pattern::new(".*").unwrap();
        rule.types = types.to_vec();
        rule.patterns = types.iter().map(|kind| (*kind, any.clone())).collect();
    }
}

#[test]
fn the_cn_is_a_dns_name_where_the_rule_says_so() {
    let as_dns = |rule: &mut SubjectAltNameRule| rule.common_name_as_dns = true;
    let (a, b) = (dns_name("a.example"), dns_name("b.example"));
    let ask = |common_name: &str, edit: &dyn Fn(&mut SubjectAltNameRule)| {
        ask_as(common_name, std::slice::from_ref(&a), edit)
    };
    assert_eq!(
        ask("b.example", &|_| {}),
        issued_names(std::slice::from_ref(&a))
    );
    assert_eq!(
        ask("b.example", &as_dns),
        issued_names(&[a.clone(), b.clone()])
    );
    assert_eq!(ask("b.example.", &as_dns), issued_names(&[a.clone(), b]));
    assert_eq!(
        ask("a.example", &as_dns),
        issued_names(std::slice::from_ref(&a))
    );
    let refused = ask("device 1", &as_dns).unwrap_err().to_string();
    let text = r#"rule subjectAltName.commonNameAsDns: the CN "device 1" is not a DNS name: it has white space"#;
    assert_eq!(refused, text);
}

#[test]
fn names_match_the_pattern_of_their_type() {
    let ask = |kind, pattern: &str| {
        let names = [dns_name("a.example")];
        ask_as("b.example", &names, |rule| {
            rule.common_name_as_dns = true;
            rule.patterns.insert(kind, Pattern::new(pattern).unwrap());
        })
    };
    let both = || issued_names(&[dns_name("a.example"), dns_name("b.example")]);
    let kind = SubjectAltNameType::Dns;
    let refused = |name| Err(RuleViolation::SubjectAltNamePattern(name, kind));
    assert_eq!(ask(kind, r".*\.example"), both());
    let first = shown_name(0, "dNSName", "a.example");
    assert_eq!(ask(kind, "b.*"), refused(first));
    let place = NamePlace::CommonName;
    let of_common_name = RequestedName {
        place,
        ..shown_name(0, "dNSName", "b.example")
    };
    assert_eq!(ask(kind, "a.*"), refused(of_common_name));
    assert_eq!(ask(SubjectAltNameType::Ip, "none"), both());
}

#[test]
fn names_of_other_types_are_refused_by_place_or_left_out() {
    let first = dns_name("a.example");
    let kerberos: SubjectAltNameType = "1.3.6.1.5.2.2".parse().unwrap();
    for (name, kind, label, value) in [
        (
            upn_name(b"a@b"),
            Some(SubjectAltNameType::Upn),
            "otherName userPrincipalName",
            "a@b",
        ),
        (
            uri_name("a:b"),
            Some(SubjectAltNameType::Uri),
            "uniformResourceIdentifier",
            "a:b",
        ),
        // Also when the name is malformed.
        (
            uri_name("a b"),
            Some(SubjectAltNameType::Uri),
            "uniformResourceIdentifier",
            "a b",
        ),
        (
            GeneralName::DirectoryName("CN=a".parse().unwrap()),
            None,
            "directoryName",
            "CN=a",
        ),
        (
            GeneralName::RegisteredId(ObjectIdentifier::new_unwrap("1.2.3.4")),
            None,
            "registeredID",
            "1.2.3.4",
        ),
        (
            other_name("1.3.6.1.5.2.2", Tag::Utf8String, b"a@B"),
            Some(kerberos),
            "otherName 1.3.6.1.5.2.2",
            "a@B",
        ),
    ] {
        let names = [first.clone(), name];
        let shown = shown_name(1, label, value);
        let refused = RuleViolation::SubjectAltNameType(shown.clone(), kind);
        assert_eq!(ask(&names, |_| {}), Err(refused));
        let left_out = SubjectAltNames {
            names: Some(vec![first.clone()]),
            left_out: vec![shown],
        };
        assert_eq!(ask(&names, |rule| rule.ignore_others = true), Ok(left_out));
    }
    // A malformed name of an allowed type is an error and never ignored.
    let malformed = ask(&[dns_name("a b")], |rule| rule.ignore_others = true);
    assert!(malformed.is_err());
}

#[test]
fn a_security_identifier_is_not_left_out_but_refused() {
    let ignoring = |rule: &mut SubjectAltNameRule| rule.ignore_others = true;
    let tag = "tag:microsoft.com,2022-09-14:sid:S-1-5";
    let sid = other_name("1.3.6.1.4.1.311.25.2.1", Tag::OctetString, b"S-1-5");
    let hidden = other_name("1.3.6.1.5.2.2", Tag::OctetString, tag.as_bytes());
    for name in [uri_name(tag), sid, hidden] {
        let refused = ask(&[dns_name("a.example"), name], ignoring).unwrap_err();
        let text = refused.to_string();
        assert!(text.starts_with("rule sid: "), "{text}");
        assert!(text.contains("subjectAltName[1] "), "{text}");
    }
}

#[test]
fn names_of_persons_and_accounts_need_a_pattern() {
    use SubjectAltNameType::{Dns, Email, Upn, Uri};
    let email = GeneralName::Rfc822Name(ia5_text("a@b.example"));
    let mailbox: SubjectAltNameType = "1.3.6.1.5.5.7.8.9".parse().unwrap();
    for (name, kind, text) in [
        (
            upn_name(b"administrator@corp.example"),
            Upn,
            ": upn is allowed only with a pattern",
        ),
        (
            uri_name("spiffe://a/b"),
            Uri,
            ": uri is allowed only with a pattern",
        ),
        (email, Email, ": email is allowed only with a pattern"),
        (
            other_name("1.3.6.1.5.5.7.8.9", Tag::Utf8String, "ä@b".as_bytes()),
            mailbox,
            ": 1.3.6.1.5.5.7.8.9 is allowed only with a pattern",
        ),
        (
            dns_name("*.example"),
            Dns,
            ": a wildcard is allowed only with a pattern for dns",
        ),
    ] {
        let types = [ALL, &[mailbox]].concat();
        let mut rule = TemplateSpec::default().subject_alt_name;
        rule.types = types.clone();
        let names = std::slice::from_ref(&name);
        let ask = |rule: &SubjectAltNameRule| ask(names, |asked| *asked = rule.clone());
        let refused = ask(&rule).unwrap_err().to_string();
        assert!(refused.ends_with(text), "{refused}");
        // The pattern for another type does not count.
        for other in types.iter().filter(|other| **other != kind) {
            rule.patterns.insert(*other, Pattern::new(".*").unwrap());
        }
        assert!(ask(&rule).is_err());
        rule.patterns.insert(kind, Pattern::new(".*").unwrap());
        assert_eq!(ask(&rule), issued_names(names));
    }
}

#[test]
fn a_wildcard_is_admitted_as_it_is_written() {
    let name = dns_name("*.b.example");
    let ask = |pattern: &str| {
        ask(std::slice::from_ref(&name), |rule| {
            let pattern = Pattern::new(pattern).unwrap();
            rule.patterns.insert(SubjectAltNameType::Dns, pattern);
        })
    };
    assert!(ask("[a-z.]+").is_err());
    assert_eq!(
        ask(r"(\*\.)?[a-z.]+"),
        issued_names(std::slice::from_ref(&name))
    );
}

#[test]
fn an_other_name_allowed_by_its_oid_is_issued_unchanged() {
    // KRB5PrincipalName of a@B, as certmonger writes it.
    let principal = [
        0x30, 0x17, 0xa0, 0x03, 0x1b, 0x01, 0x42, 0xa1, 0x10, 0x30, 0x0e, 0xa0, 0x03, 0x02, 0x01,
        0x01, 0xa1, 0x07, 0x30, 0x05, 0x1b, 0x03, 0x61, 0x2d, 0x31,
    ];
    let oid = "1.3.6.1.5.2.2";
    let kind: SubjectAltNameType = oid.parse().unwrap();
    let name = GeneralName::OtherName(OtherName {
        type_id: ObjectIdentifier::new_unwrap(oid),
        value: Any::from_der(&principal).unwrap(),
    });
    let names = [dns_name("a.example"), name];
    let allowed = |rule: &mut SubjectAltNameRule| rule.types.push(kind);
    assert_eq!(ask(&names, allowed), issued_names(&names));
    for (pattern, admitted) in [("a-[0-9]@B", true), ("host/.*@B", false)] {
        let answer = ask(&names, |rule| {
            allowed(rule);
            rule.patterns.insert(kind, Pattern::new(pattern).unwrap());
        });
        let refused = RuleViolation::SubjectAltNamePattern(
            shown_name(1, "otherName 1.3.6.1.5.2.2", "a-1@B"),
            kind,
        );
        assert_eq!(
            answer,
            if admitted {
                issued_names(&names)
            } else {
                Err(refused)
            }
        );
    }
    // A name without text matches no pattern.
    let octets = other_name(oid, Tag::OctetString, b"a-1@B");
    assert!(ask(std::slice::from_ref(&octets), any_of(&[kind])).is_err());
    let hidden = other_name(oid, Tag::Utf8String, b"a\0");
    let refused = ask(&[hidden], allowed).unwrap_err().to_string();
    assert!(refused.contains("holds a control character"), "{refused}");
}

#[test]
fn empty_names_and_empty_extensions_ask_for_nothing() {
    let empty = |tag: u8| vec![tag, 0];
    let good = dns_name("a.example").to_der().unwrap();
    let upn = upn_name(b"").to_der().unwrap();
    let all = any_of(ALL);
    let mut rule = TemplateSpec::default().subject_alt_name;
    all(&mut rule);
    for (elements, expected) in [
        (vec![], vec![]),
        (vec![empty(0x81)], vec![]),
        (vec![empty(0x82)], vec![]),
        (vec![empty(0x86), empty(0x87), empty(0x88)], vec![]),
        (vec![vec![0xa4, 2, 0x30, 0]], vec![]),
        (vec![upn], vec![]),
        (vec![vec![0x82, 1, b' ']], vec![]),
        (vec![empty(0x81), good.clone()], vec![dns_name("a.example")]),
        (vec![good.clone(), empty(0x82)], vec![dns_name("a.example")]),
    ] {
        let value = Any::new(Tag::Sequence, elements.concat()).unwrap();
        let extension = names_extension(value.to_der().unwrap());
        // Also when the type is not allowed.
        for rule in [&rule, &TemplateSpec::default().subject_alt_name] {
            let names = select_unvouched(std::slice::from_ref(&extension), &[], rule);
            assert_eq!(names, issued_names(&expected), "{elements:02x?}");
        }
    }
}

#[test]
fn a_final_dot_is_cut_and_a_upn_is_a_utf8_string() {
    let names = [
        dns_name("a.example."),
        dns_name("a.example"),
        dns_name("b."),
    ];
    let expected = issued_names(&[dns_name("a.example"), dns_name("b")]);
    assert_eq!(ask(&names, |_| {}), expected);
    let pattern = |rule: &mut SubjectAltNameRule| {
        let pattern = Pattern::new("a[.]example").unwrap();
        rule.patterns.insert(SubjectAltNameType::Dns, pattern);
    };
    assert_eq!(
        ask(&names[..1], pattern),
        issued_names(&[dns_name("a.example")])
    );
    let ia5 = other_name(&UPN.to_string(), Tag::Ia5String, b"a@b");
    let expected = issued_names(&[upn_name(b"a@b")]);
    assert_eq!(ask(&[ia5], any_of(ALL)), expected);
}

#[test]
fn each_malformed_name_is_quoted_with_its_place() {
    let ip = |octets: &[u8]| GeneralName::IpAddress(OctetString::new(octets).unwrap());
    for (name, text) in [
        (
            dns_name("host.example.com:443"),
            r#"dNSName "host.example.com:443" is not a DNS name: it has a port"#,
        ),
        (
            dns_name("Jane's iPad"),
            r#"dNSName "Jane's iPad" is not a DNS name: it has white space"#,
        ),
        (
            GeneralName::Rfc822Name(ia5_text("{{mail}}")),
            r#"rfc822Name "{{mail}}" is not an e-mail address: it is a variable without its value"#,
        ),
        (
            uri_name("www.example.com/a"),
            r#"uniformResourceIdentifier "www.example.com/a" is not a URI: it has no scheme, like https:"#,
        ),
        (ip(&[127]), r#"iPAddress "7f" is not 4 or 16 octets"#),
        (
            dns_name("a\0b"),
            r#"dNSName "a\0b" holds a control character, or one that hides or reorders text"#,
        ),
    ] {
        let refused = ask(&[dns_name("a.example"), name], any_of(ALL)).unwrap_err();
        let text = format!("rule subjectAltName: subjectAltName[1] {text}");
        assert_eq!(refused.to_string(), text);
    }
    let beyond = names_extension(vec![0x30, 4, 0x82, 2, 0xc3, 0xa4]);
    let rule = TemplateSpec::default().subject_alt_name;
    let refused = select_unvouched(&[beyond], &[], &rule).unwrap_err();
    assert_eq!(
        refused.to_string(),
        r#"rule subjectAltName: subjectAltName[0] dNSName "ä" is not a DNS name: it is not written in ASCII, as xn--…"#
    );
}
