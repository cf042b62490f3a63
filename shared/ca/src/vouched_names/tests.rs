use const_oid::db::rfc5280;
use der::asn1::Ia5String;
use serde_json::{Value, json};

use super::*;
use crate::template::SECURITY_EXTENSION;

const SID: &str = "S-1-5-21-1004336348-1177238915-682003330-512";

fn read_json(names: Value) -> Result<VouchedNames, String> {
    let spec: VouchedNamesSpec =
        serde_json::from_value(names).map_err(|error| error.to_string())?;
    VouchedNames::try_from(spec).map_err(|error| error.to_string())
}

#[test]
fn names_are_read_from_json_and_written_again() {
    let names = json!({
        "subject": { "CN": "device-7", "unstructuredName": "Gerät" },
        "subjectAltNames": {
            "dns": ["device-7.corp.example"], "ip": ["192.0.2.1"], "upn": [], "uri": null,
            "1.3.6.1.5.2.2": ["#0c0161"], "sid": SID,
        },
    });
    let read = read_json(names.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), names);
    assert_eq!(serde_json::from_value::<VouchedNames>(names).unwrap(), read);
    for (kind, binds) in [
        ("dns", true),
        ("upn", true),
        ("uri", false),
        ("email", false),
    ] {
        assert_eq!(read.binds(kind.parse().unwrap()), binds, "{kind}");
    }
    assert_eq!(read.alt_names().len(), 3);
}

#[test]
fn what_is_null_or_absent_is_left_to_the_rules() {
    for names in [
        json!({}),
        json!({ "subject": null, "subjectAltNames": null }),
        json!({ "subject": { "CN": null }, "subjectAltNames": { "sid": null, "dns": null } }),
    ] {
        assert!(read_json(names.clone()).unwrap().is_empty(), "{names}");
    }
    let none = json!({ "subjectAltNames": { "dns": [] } });
    assert!(!read_json(none).unwrap().is_empty());
}

#[test]
fn malformed_names_are_rejected_with_their_field() {
    let alt = |names: Value| json!({ "subjectAltNames": names });
    let subject = |names: Value| json!({ "subject": names });
    for (names, reason) in [
        (subject(json!({ "CN": " " })), "subject.CN: is blank"),
        (
            subject(json!({ "C": "Germany" })),
            r#"subject.C: "Germany" is not two letters"#,
        ),
        (
            subject(json!({ "CN": "a\0" })),
            r#"subject.CN: "a\0" holds a control character, or one that hides or reorders text"#,
        ),
        (
            alt(json!({ "dns": ["a.example", "a b"] })),
            r#"subjectAltNames.dns: "a b" is not a DNS name: it has white space"#,
        ),
        (
            alt(json!({ "ip": [""] })),
            r#"subjectAltNames.ip: "" is blank"#,
        ),
    ] {
        assert_eq!(read_json(names), Err(reason.to_owned()));
    }
    for (names, reason) in [
        (json!({ "sid": SID }), "unknown field `sid`"),
        (subject(json!({ "nobody": "a" })), "neither an attribute"),
        (
            subject(json!({ "CN": "a", "2.5.4.3": "b" })),
            "CN appears more than once",
        ),
        (
            subject(json!({ "1.3.6.1.4.1.311.20.2.3": "a@b" })),
            "a UPN or SID is not allowed in a subject",
        ),
        (alt(json!({ "host": [] })), "neither dns, ip"),
        (
            alt(json!({ "dns": [], "DNS": [] })),
            "dns appears more than once",
        ),
        (
            alt(json!({ "1.3.6.1.4.1.311.25.2": ["a"] })),
            "a security identifier is not accepted",
        ),
        (
            alt(json!({ "sid": "S-1-5" })),
            "not a security identifier like",
        ),
        (
            alt(json!({ "sid": "s-1-5-18" })),
            "not a security identifier like",
        ),
        (
            alt(json!({ "uri": [format!("tag:microsoft.com,2022-09-14:sid:{SID}")] })),
            "which has a field of its own: sid",
        ),
    ] {
        let error = read_json(names).unwrap_err();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn names_are_bounded_as_in_a_request() {
    let numbered =
        |count: usize| -> Vec<_> { (0..count).map(|at| format!("d{at}.example")).collect() };
    let dns = |names: Vec<String>| json!({ "subjectAltNames": { "dns": names } });
    assert!(read_json(dns(numbered(100))).is_ok());
    let text = "subjectAltNames: 101 names, at most 100 are allowed";
    assert_eq!(read_json(dns(numbered(101))), Err(text.to_owned()));
    let with_sid = json!({ "subjectAltNames": { "dns": numbered(100), "sid": SID } });
    assert_eq!(read_json(with_sid), Err(text.to_owned()));
    let long: Vec<_> = (0..60)
        .map(|at| format!("{at}.{}", ["a".repeat(60).as_str(); 3].join(".")))
        .collect();
    let error = read_json(dns(long)).unwrap_err();
    assert!(
        error.ends_with("octets, at most 8192 are allowed"),
        "{error}"
    );
    let wide: BTreeMap<_, _> = (0..20)
        .map(|at| (format!("1.2.3.{at}"), "a".repeat(256)))
        .collect();
    let error = read_json(json!({ "subject": wide })).unwrap_err();
    assert!(
        error.ends_with("octets, at most 4096 are allowed"),
        "{error}"
    );
}

#[test]
fn the_names_of_a_validated_request_are_its_readable_ones() {
    let sid: SecurityIdentifier = SID.parse().unwrap();
    let uri = |text: &str| GeneralName::UniformResourceIdentifier(Ia5String::new(text).unwrap());
    let dns = |text: &str| GeneralName::DnsName(Ia5String::new(text).unwrap());
    let names: GeneralNames = vec![
        dns("a.example"),
        dns("b.example"),
        uri("urn:a:b"),
        sid.build_uri().unwrap(),
        // Unreadable or of no type, so left to the rules.
        dns("a b"),
        GeneralName::DirectoryName("CN=a".parse().unwrap()),
    ];
    let extensions = [RequestedExtension {
        id: rfc5280::ID_CE_SUBJECT_ALT_NAME,
        value: names.to_der().unwrap(),
    }];
    let subject: Name = "CN=device-7,OU=a,OU=b,1.3.6.1.4.1.311.20.2.3=a@b,O=Corp"
        .parse()
        .unwrap();
    let read = VouchedNames::of_request(&subject.to_der().unwrap(), &extensions).unwrap();
    let expected = json!({
        "subject": { "CN": "device-7", "O": "Corp" },
        "subjectAltNames": { "dns": ["a.example", "b.example"], "uri": ["urn:a:b"], "sid": SID },
    });
    assert_eq!(serde_json::to_value(&read).unwrap(), expected);
    assert!(VouchedNames::of_request(b"", &[]).unwrap().is_empty());
}

#[test]
fn a_request_has_a_sid_if_all_its_spellings_agree_and_a_validated_one_in_its_names() {
    let extension = |sid: &str| {
        let sid: SecurityIdentifier = sid.parse().unwrap();
        RequestedExtension {
            id: SECURITY_EXTENSION,
            value: sid.build_extension_value().unwrap().to_der().unwrap(),
        }
    };
    let uris = |uris: &[&str]| {
        let names: GeneralNames = uris
            .iter()
            .map(|uri| GeneralName::UniformResourceIdentifier(Ia5String::new(uri).unwrap()))
            .collect();
        RequestedExtension {
            id: rfc5280::ID_CE_SUBJECT_ALT_NAME,
            value: names.to_der().unwrap(),
        }
    };
    let tag = format!("tag:microsoft.com,2022-09-14:sid:{SID}");
    let tag_of_other = "tag:microsoft.com,2022-09-14:sid:S-1-5-18";
    let validated = |extensions: &[RequestedExtension]| {
        let names = VouchedNames::of_request(b"", extensions).unwrap();
        names.subject_alt_names.sid.clone()
    };
    for (extensions, is_found, is_in_names) in [
        (vec![], false, false),
        (vec![extension(SID)], true, false),
        (vec![uris(&["urn:a:b", &tag])], true, true),
        (vec![uris(&[&tag, &tag])], true, true),
        (vec![extension(SID), uris(&[&tag])], true, true),
        (vec![extension("S-1-5-18"), uris(&[&tag])], false, true),
        (vec![uris(&[&tag, tag_of_other])], false, false),
        (vec![uris(&[&tag.to_uppercase()])], false, false),
        (vec![uris(&[&tag.replace("sid", "s%69d")])], false, false),
        (vec![uris(&[&format!("{tag} ")])], false, false),
    ] {
        let expected = |found: bool| found.then(|| SID.parse().unwrap());
        let read = read_requested_sid(&extensions);
        assert_eq!(read, expected(is_found), "{extensions:?}");
        let read = validated(&extensions);
        assert_eq!(read, expected(is_in_names), "{extensions:?}");
    }
}
