//! The subjects that clients write, each test named after the clients: which are issued unchanged,
//! and which are refused.

use der::Tag;
use scepter_tests::asn1::{CN, dns, element, name, oid, rdn, subject_alt_name};
use scepter_tests::openssl;
use serde_json::json;

use crate::enrol::habits::names::Asking;

const UNSTRUCTURED_NAME: &str = "1.2.840.113549.1.9.2";

#[tokio::test]
async fn cisco_ios_has_no_cn_and_finds_its_certificate_by_its_whole_subject() {
    let asking = Asking::new().await;
    let unstructured = |tag| rdn(UNSTRUCTURED_NAME, tag, b"router.example");
    let part = |kind: &str, text: &[u8]| element(0x30, &[&oid(kind), &element(0x13, &[text])]);
    let serial_number = part("2.5.4.5", b"FTX1840A0BC");
    let name_part = part(UNSTRUCTURED_NAME, b"router.example");
    for subject in [
        name(&[unstructured(Tag::Ia5String)]),
        name(&[unstructured(Tag::PrintableString)]),
        name(&[element(0x31, &[&serial_number, &name_part])]),
    ] {
        let certificate = asking.ask(&subject, &[]).await.unwrap();
        assert_eq!(certificate.subject(), subject);
    }
    // An RDN whose attributes are not in DER's order is issued unchanged.
    let unsorted = name(&[element(0x31, &[&name_part, &serial_number])]);
    let certificate = asking.ask(&unsorted, &[]).await.unwrap();
    assert_eq!(certificate.subject(), unsorted);
    // If the rules require a CN, the refusal names it.
    asking
        .put_rules(json!({ "subject": { "required": ["CN"] } }))
        .await
        .expect(200);
    let subject = name(&[unstructured(Tag::Ia5String)]);
    let (_, text) = asking.ask(&subject, &[]).await.unwrap_err();
    assert_eq!(text, "rule subject.required: the subject has no CN");
}

#[tokio::test]
async fn macos_without_a_subject_has_its_name_in_a_critical_extension() {
    let asking = Asking::new().await;
    let names = subject_alt_name(&[dns("mac.example")]);
    let certificate = asking.ask(&name(&[]), &[names]).await.unwrap();
    let printed = openssl::print_extension(&certificate, "subjectAltName");
    assert!(printed.contains("critical\n"), "{printed}");
    assert!(printed.contains("DNS:mac.example"), "{printed}");
    let (_, text) = asking.ask(&name(&[]), &[]).await.unwrap_err();
    assert!(text.contains("neither a subject nor"), "{text}");
}

#[tokio::test]
async fn subjects_of_every_kind_come_back_unchanged() {
    let asking = Asking::new().await;
    let utf8 = |text: &str| rdn(CN, Tag::Utf8String, text.as_bytes());
    let of = |kind: &str, tag, text: &[u8]| rdn(kind, tag, text);
    let part = |kind: &str, text: &[u8]| element(0x30, &[&oid(kind), &element(0x13, &[text])]);
    let email_address = "1.2.840.113549.1.9.1";
    for subject in [
        vec![utf8("Doe, Jane + \"X\" \\ <a> ; #1 = \u{fc}")],
        vec![utf8("phone \u{1f600}")],
        vec![utf8(" a ")],
        vec![utf8("a"), utf8("b")],
        (0..50)
            .map(|n| of("2.5.4.11", Tag::Utf8String, format!("ou {n}").as_bytes()))
            .collect(),
        vec![of(CN, Tag::TeletexString, b"Ger\xe4t")],
        vec![of(CN, Tag::BmpString, &[0, 0x61, 4, 0x30])],
        vec![of(CN, Tag::Ia5String, b"a_b@c")],
        vec![
            of(email_address, Tag::Utf8String, b"a@b.example"),
            utf8("a"),
        ],
        vec![of(email_address, Tag::Ia5String, b"a@b.example"), utf8("a")],
        vec![
            of("0.9.2342.19200300.100.1.25", Tag::Ia5String, b"example"),
            of("0.9.2342.19200300.100.1.1", Tag::Utf8String, b"jane"),
            utf8("a"),
        ],
        vec![
            of("2.5.4.42", Tag::Utf8String, b"Jane"),
            of("2.5.4.4", Tag::Utf8String, b"Doe"),
            of("2.5.4.12", Tag::Utf8String, b"Dr"),
        ],
        vec![of("1.3.6.1.4.1.99999.1", Tag::Utf8String, b"a"), utf8("a")],
        vec![element(0x31, &[&part("2.5.4.5", b"17"), &part(CN, b"a")])],
    ] {
        let subject = name(&subject);
        let certificate = asking.ask(&subject, &[]).await.unwrap();
        assert_eq!(certificate.subject(), subject);
    }
}

#[tokio::test]
async fn a_second_cn_is_no_way_around_the_pattern() {
    let asking = Asking::new().await;
    asking
        .put_rules(json!({ "subject": { "commonNamePattern": "device-[0-9]+" } }))
        .await
        .expect(200);
    let cn = |tag, text: &str| rdn(CN, tag, text.as_bytes());
    let right = cn(Tag::Utf8String, "device-1");
    for (second, text) in [
        (
            Tag::Utf8String,
            "rule subject.commonNamePattern: the CN does not match: \"admin\"",
        ),
        (
            Tag::VisibleString,
            "rule subject: subject[1] CN \"admin\" is not text",
        ),
    ] {
        let subject = name(&[right.clone(), cn(second, "admin")]);
        let (_, told) = asking.ask(&subject, &[]).await.unwrap_err();
        assert_eq!(told, text);
    }
    asking.ask(&name(&[right]), &[]).await.unwrap();
}
