//! Content that a device cannot get into its certificate: each attempt is refused, and the reason
//! names the rule and the value.

use der::Tag;
use scep_cms::attribute::FailInfo;
use scep_cms::message_type::MessageType;
use scep_cms::public_key::PublicKey;
use scepter_tests::asn1::{
    CN, EMAIL, NULL, RSA_ENCRYPTION, URI, bits, common_name, dns, element, extension, integer,
    name, oid, other_name, rdn, request_info, rsa_spki, subject_alt_name, upn,
};
use scepter_tests::assert::assert_refusal;
use scepter_tests::device::Device;
use serde_json::json;

use crate::enrol::habits::names::Asking;

const SID_EXTENSION: &str = "1.3.6.1.4.1.311.25.2";
const SID: &str = "S-1-5-21-1004336348-1177238915-682003330-512";

const HIDDEN: &str = "holds a control character, or one that hides or reorders text";
const ALPHABET: &str = "is not of the alphabet of its string type";

#[tokio::test]
async fn a_subject_hides_nothing() {
    let asking = Asking::new().await;
    for (kind, tag, value, text) in [
        (
            CN,
            Tag::Utf8String,
            &b"admin.corp\0.evil.example"[..],
            format!(r#"CN "admin.corp\0.evil.example" {HIDDEN}"#),
        ),
        (
            CN,
            Tag::Utf8String,
            b"a\r\n\x1b[31mroot",
            format!(r#"CN "a\r\n\u{{1b}}[31mroot" {HIDDEN}"#),
        ),
        (
            CN,
            Tag::Utf8String,
            "nimda\u{202e}".as_bytes(),
            format!(r#"CN "nimda\u{{202e}}" {HIDDEN}"#),
        ),
        (
            CN,
            Tag::BmpString,
            &[0, 0x61, 0x20, 0x0b],
            format!(r#"CN "a\u{{200b}}" {HIDDEN}"#),
        ),
        (
            CN,
            Tag::TeletexString,
            b"a\x9b31mb",
            format!(r#"CN "a\u{{9b}}31mb" {HIDDEN}"#),
        ),
        (
            CN,
            Tag::PrintableString,
            b"admin\0*@_",
            format!(r#"CN "admin\0*@_" {ALPHABET}"#),
        ),
        (
            CN,
            Tag::Ia5String,
            "\u{430}dmin".as_bytes(),
            format!("CN \"\u{430}dmin\" {ALPHABET}"),
        ),
        (
            CN,
            Tag::NumericString,
            b"1-2",
            format!(r#"CN "1-2" {ALPHABET}"#),
        ),
        (
            "2.5.4.6",
            Tag::PrintableString,
            b"Germany",
            r#"C "Germany" is not two letters"#.to_owned(),
        ),
        (
            "2.5.4.12",
            Tag::Utf8String,
            b"boss\0",
            format!(r#"title "boss\0" {HIDDEN}"#),
        ),
        (
            "2.5.4.12",
            Tag::Sequence,
            &[4, 1, 0x61],
            r#"title "\u{4}\u{1}a" is not text"#.to_owned(),
        ),
    ] {
        let at = |place| format!("rule subject: subject[{place}] {text}");
        assert_eq!(
            asking.ask(&name(&[rdn(kind, tag, value)]), &[]).await,
            Err((FailInfo::BadRequest, at(0).to_owned()))
        );
        // A harmless RDN in front of it changes nothing.
        let harmless = rdn(CN, Tag::Utf8String, b"router-1");
        assert_eq!(
            asking
                .ask(&name(&[harmless, rdn(kind, tag, value)]), &[])
                .await,
            Err((FailInfo::BadRequest, at(1).to_owned()))
        );
    }
}

#[tokio::test]
async fn an_rdn_has_parts_and_none_twice() {
    let asking = Asking::new().await;
    let part = |text: &[u8]| element(0x30, &[&oid(CN), &element(0x0c, &[text])]);
    let empty = element(0x31, &[]);
    let twice = element(0x31, &[&part(b"a"), &part(b"b")]);
    let is_empty = |place| format!("rule subject: subject[{place}] is empty");
    let harmless = rdn(CN, Tag::Utf8String, b"router-1");
    assert_eq!(
        asking.ask(&name(std::slice::from_ref(&empty)), &[]).await,
        Err((FailInfo::BadRequest, is_empty(0).to_owned()))
    );
    assert_eq!(
        asking.ask(&name(&[harmless, empty]), &[]).await,
        Err((FailInfo::BadRequest, is_empty(1).to_owned()))
    );
    let text = "rule subject: subject[0] has CN more than once";
    assert_eq!(
        asking.ask(&name(&[twice]), &[]).await,
        Err((FailInfo::BadRequest, text.to_owned()))
    );
    let apart = [
        rdn(CN, Tag::Utf8String, b"a"),
        rdn(CN, Tag::Utf8String, b"b"),
    ];
    asking.ask(&name(&apart), &[]).await.unwrap();
}

/// Every string type is accepted with any text that fits it, and attributes without a rule are
/// accepted as text.
#[tokio::test]
async fn what_devices_write_is_taken_as_they_wrote_it() {
    let asking = Asking::new().await;
    for subject in [
        name(&[rdn(CN, Tag::Utf8String, "Gerät א-7".as_bytes())]),
        name(&[rdn(CN, Tag::PrintableString, b"router-1 (a)")]),
        name(&[rdn(CN, Tag::Ia5String, b"a_b@c")]),
        name(&[rdn(CN, Tag::TeletexString, b"Ger\xe4t")]),
        name(&[rdn(CN, Tag::BmpString, &[0, 0x61])]),
        name(&[rdn("1.2.840.113549.1.9.2", Tag::Ia5String, b"router.corp")]),
        name(&[rdn(CN, Tag::Utf8String, "d".repeat(200).as_bytes())]),
    ] {
        let certificate = asking.ask(&subject, &[]).await.unwrap();
        assert_eq!(certificate.subject(), subject);
    }
    // A subjectAltName suffices without a subject, and a subject without a CN suffices.
    asking
        .ask(&name(&[]), &[subject_alt_name(&[dns("a.example")])])
        .await
        .unwrap();
    let text = "rule subject: the request has neither a subject nor a subjectAltName";
    assert_eq!(
        asking.ask(&name(&[]), &[]).await,
        Err((FailInfo::BadRequest, text.to_owned()))
    );
}

#[tokio::test]
async fn by_default_nobody_chooses_who_he_is() {
    let asking = Asking::new().await;
    let subject = common_name("x");
    let names = [
        (
            upn("administrator@corp.example"),
            "types",
            r#"otherName userPrincipalName "administrator@corp.example": upn is not allowed"#,
        ),
        (
            element(URI, &[b"spiffe://corp.example/admin"]),
            "types",
            r#"uniformResourceIdentifier "spiffe://corp.example/admin": uri is not allowed"#,
        ),
        (
            element(EMAIL, &[b"ceo@corp.example"]),
            "types",
            r#"rfc822Name "ceo@corp.example": email is not allowed"#,
        ),
        (
            dns("*.corp.example"),
            "patterns",
            r#"dNSName "*.corp.example": a wildcard is allowed only with a pattern for dns"#,
        ),
        (
            other_name("1.3.6.1.5.5.7.8.5", &element(0x0c, &[b"a@b"])),
            "types",
            r#"otherName 1.3.6.1.5.5.7.8.5 "a@b": 1.3.6.1.5.5.7.8.5 is not allowed"#,
        ),
        (
            element(0xa4, &[&common_name("admin")]),
            "types",
            r#"directoryName "CN=admin": no rule allows this type of name"#,
        ),
    ];
    for (name, rule, text) in names {
        let at = |place| format!("rule subjectAltName.{rule}: subjectAltName[{place}] {text}");
        assert_eq!(
            asking
                .ask(&subject, &[subject_alt_name(std::slice::from_ref(&name))])
                .await,
            Err((FailInfo::BadRequest, at(0).to_owned()))
        );
        let behind = subject_alt_name(&[dns("a.example"), name]);
        assert_eq!(
            asking.ask(&subject, &[behind]).await,
            Err((FailInfo::BadRequest, at(1).to_owned()))
        );
    }
    asking
        .ask(&subject, &[subject_alt_name(&[dns("a.example")])])
        .await
        .unwrap();
}

/// Tests rules that were stored before a pattern became mandatory for such names.
#[tokio::test]
async fn rules_of_an_earlier_version_take_no_name_without_a_pattern() {
    use ca::template::SubjectAltNameType;
    let asking = Asking::new().await;
    asking
        .world
        .edit_template(|template| {
            template.subject_alt_name.types = SubjectAltNameType::NAMED.to_vec();
        })
        .await;
    for (name, kind, value) in [
        (
            upn("administrator@corp.example"),
            "upn",
            r#"otherName userPrincipalName "administrator@corp.example""#,
        ),
        (
            element(URI, &[b"spiffe://corp/a"]),
            "uri",
            r#"uniformResourceIdentifier "spiffe://corp/a""#,
        ),
        (
            element(EMAIL, &[b"a@corp.example"]),
            "email",
            r#"rfc822Name "a@corp.example""#,
        ),
    ] {
        let text = format!(
            "rule subjectAltName.patterns: subjectAltName[0] {value}: {kind} is allowed only with a pattern"
        );
        assert_eq!(
            asking
                .ask(&common_name("x"), &[subject_alt_name(&[name])])
                .await,
            Err((FailInfo::BadRequest, text.to_owned()))
        );
    }
    // Such rules do not block edits of other fields; the API warns about them.
    let path = format!("/raProfiles/{}", asking.ra_profile);
    let body = json!({ "description": "old" });
    let shown = asking.admin.put(&path, body).await.expect(200);
    let warnings = shown["warnings"].to_string();
    assert!(
        warnings.contains("email, uri, upn has no pattern"),
        "{warnings}"
    );
}

#[tokio::test]
async fn a_pattern_admits_names_and_nothing_hidden_in_them() {
    let asking = Asking::new().await;
    asking.put_rules(json!({ "subjectAltName": {
            "types": ["dns", "email", "uri", "upn"],
            "patterns": { "dns": r"(\*\.)?[a-z]+\.example", "email": "(?s).*", "uri": "(?s).*", "upn": "(?s).*" }
        } }))
        .await.expect(200);
    let subject = common_name("x");
    for name in [
        dns("*.corp.example"),
        dns("corp.example"),
        element(EMAIL, &[b"a@corp.example"]),
        element(URI, &[b"spiffe://corp/a"]),
        upn("a@corp.example"),
    ] {
        asking
            .ask(&subject, &[subject_alt_name(&[name])])
            .await
            .unwrap();
    }
    for (name, text) in [
        (
            upn("administrator@corp.example\0x"),
            format!(r#"otherName userPrincipalName "administrator@corp.example\0x" {HIDDEN}"#),
        ),
        (
            upn("nimda\u{202e}@corp.example"),
            format!(r#"otherName userPrincipalName "nimda\u{{202e}}@corp.example" {HIDDEN}"#),
        ),
        (
            upn("a@corp.example@evil.example"),
            r#"otherName userPrincipalName "a@corp.example@evil.example" is not a user and a domain around one @, without spaces"#.to_owned(),
        ),
        (
            element(URI, &[b"spiffe://corp/a%00b"]),
            format!(r#"uniformResourceIdentifier "spiffe://corp/a%00b" {HIDDEN}"#),
        ),
        (
            element(URI, &[b"spiffe://corp/a b"]),
            r#"uniformResourceIdentifier "spiffe://corp/a b" is not a URI: it has a character that a URI writes percent-encoded"#.to_owned(),
        ),
        (
            element(EMAIL, &[b"a\r\n@corp.example"]),
            format!(r#"rfc822Name "a\r\n@corp.example" {HIDDEN}"#),
        ),
        (
            dns("a\0.example"),
            format!(r#"dNSName "a\0.example" {HIDDEN}"#),
        ),
    ] {
        let text = format!("rule subjectAltName: subjectAltName[0] {text}");
        assert_eq!(asking.ask(&subject, &[subject_alt_name(&[name])]).await, Err((FailInfo::BadRequest, text.to_owned())));
    }
    let text = r#"rule subjectAltName.patterns: subjectAltName[0] dNSName "*.a.b.example" does not match the pattern for dns"#;
    assert_eq!(
        asking
            .ask(&subject, &[subject_alt_name(&[dns("*.a.b.example")])])
            .await,
        Err((FailInfo::BadRequest, text.to_owned()))
    );
}

#[tokio::test]
async fn a_sid_is_taken_from_no_request() {
    let asking = Asking::new().await;
    // Even if the rules allow every name.
    asking
        .put_rules(json!({ "subjectAltName": {
            "types": ["dns", "email", "uri", "upn"],
            "patterns": { "email": "(?s).*", "uri": "(?s).*", "upn": "(?s).*" }
        } }))
        .await
        .expect(200);
    let tag = format!("tag:microsoft.com,2022-09-14:sid:{SID}");
    let encoded: String = tag.bytes().map(|octet| format!("%{octet:02X}")).collect();
    let assert_refused = async |subject: &[u8], extension: Vec<u8>| {
        let asked = asking.ask(subject, &[extension]).await;
        let (fail_info, text) = asked.unwrap_err();
        assert_eq!(fail_info, FailInfo::BadRequest);
        let beginning = "rule sid: a security identifier is not accepted from a request: ";
        assert!(text.starts_with(beginning), "{text}");
    };
    let subject = common_name("x");
    for spelling in [
        tag.clone(),
        tag.to_uppercase(),
        tag.replace("sid", "SiD"),
        tag.replace(':', "%3a"),
        tag.replace(':', "%253A"),
        tag.replace("sid", "s%69d"),
        tag.replace("sid", "s%2525369d"),
        encoded.clone(),
        encoded.replace('%', "%25"),
        format!("https://corp.example/?{tag}"),
        format!("spiffe://corp.example/{encoded}"),
        format!(" {tag}"),
        tag.replace(',', ", "),
        tag.replace(":sid:", ":%09sid%20:"),
    ] {
        assert_refused(
            &subject,
            subject_alt_name(&[element(URI, &[spelling.as_bytes()])]),
        )
        .await;
        assert_refused(
            &subject,
            subject_alt_name(&[dns("a.example"), element(URI, &[spelling.as_bytes()])]),
        )
        .await;
    }
    assert_refused(
        &subject,
        subject_alt_name(&[upn(&format!("{tag}@corp.example"))]),
    )
    .await;
    let sid = element(0x04, &[SID.as_bytes()]);
    for kind in [SID_EXTENSION, "1.3.6.1.4.1.311.25.2.1"] {
        assert_refused(&subject, subject_alt_name(&[other_name(kind, &sid)])).await;
        let text = rdn(kind, Tag::Utf8String, SID.as_bytes());
        assert_refused(&name(&[text]), subject_alt_name(&[dns("a.example")])).await;
    }
    let value = element(0x30, &[&other_name("1.3.6.1.4.1.311.25.2.1", &sid)]);
    assert_refused(&subject, extension(SID_EXTENSION, &value)).await;
}

/// Of the requested extensions only subjectAltName is read.
#[tokio::test]
async fn no_other_extension_comes_from_a_request() {
    let asking = Asking::new().await;
    let ca = extension("2.5.29.19", &element(0x30, &[&[1, 1, 0xff]]));
    let usage = extension("2.5.29.37", &element(0x30, &[&oid("2.5.29.37.0")]));
    let unknown = extension("1.2.3.4", b"\x04\x03abc");
    let certificate = asking
        .ask(&common_name("x"), &[ca, usage, unknown.clone()])
        .await
        .unwrap();
    let der = certificate.der();
    let holds = |octets: &[u8]| der.windows(octets.len()).any(|window| window == octets);
    assert!(!holds(&unknown) && !holds(&oid("2.5.29.37.0")) && !holds(&[1, 1, 0xff, 0x30, 0]));
    // The value of a basicConstraints extension with CA:TRUE does not occur in the certificate.
    assert!(!holds(&element(0x30, &[&[1, 1, 0xff]])));
}

#[tokio::test]
async fn a_key_is_certified_in_its_canonical_form() {
    let asking = Asking::new().await;
    let PublicKey::Rsa { modulus, .. } = asking.device.certificate.public_key().unwrap() else {
        panic!("the device has no RSA key");
    };
    let canonical = rsa_spki(modulus, &[1, 0, 1], NULL);
    // Some clients omit the parameters.
    for (at, parameters) in [NULL, &[]].into_iter().enumerate() {
        let spki = rsa_spki(modulus, &[1, 0, 1], parameters);
        let subject = common_name(&format!("device-{at}"));
        let certificate = asking
            .ask_by(&asking.device, &subject, &spki, &[])
            .await
            .unwrap();
        assert_eq!(certificate.subject_public_key_info(), canonical);
    }
    let smuggled = element(0x04, &[&b"smuggled".repeat(1_000)]);
    let mut unused_bits = canonical.clone();
    let at =
        unused_bits.len() - element(0x30, &[&integer(modulus), &integer(&[1, 0, 1])]).len() - 1;
    unused_bits[at] = 1;
    let key = element(0x30, &[&integer(modulus), &integer(&[1, 0, 1])]);
    let algorithm = element(0x30, &[&oid(RSA_ENCRYPTION), NULL]);
    let trailing = element(
        0x30,
        &[&algorithm, &bits(&[&key[..], b"smuggled"].concat())],
    );
    let third = element(0x30, &[&algorithm, &bits(&key), &smuggled]);
    let long_modulus = element(0x02, &[&[0, 0], modulus]);
    let key = element(0x30, &[&long_modulus, &integer(&[1, 0, 1])]);
    let not_minimal = element(0x30, &[&algorithm, &bits(&key)]);
    for spki in [
        rsa_spki(modulus, &[1, 0, 1], &smuggled),
        rsa_spki(modulus, &[1, 0, 1], &[NULL, &smuggled].concat()),
        rsa_spki(modulus, &[1, 0, 1], &[5, 1, 0]),
        unused_bits,
        trailing,
        third,
        not_minimal,
    ] {
        let refused = asking
            .ask_by(&asking.device, &common_name("x"), &spki, &[])
            .await;
        // Without a usable public key the request's signature cannot be checked, so the reason must
        // not differ from that of a failed decryption.
        let text = "the content cannot be decrypted".to_owned();
        assert_eq!(refused, Err((FailInfo::BadMessageCheck, text)));
    }
}

/// A renewal must satisfy the present rules, and may encode the text of its certificate in another
/// string type.
#[tokio::test]
async fn a_certificate_is_renewed_with_the_same_text_in_another_string_type() {
    let asking = Asking::new().await;
    let printable = name(&[rdn(CN, Tag::PrintableString, b"router-1")]);
    let certificate = asking.ask(&printable, &[]).await.unwrap();
    let holder = asking.device.holding(certificate.clone());
    asking.world.make_renewable(&certificate);
    let renewal = |subject: Vec<u8>| {
        let next = Device::rsa();
        let spki = next.certificate.subject_public_key_info().to_vec();
        let info = request_info(&subject, &spki, &[]);
        let csr = next.sign_request(&info);
        let mut request = holder.request(csr);
        request.message_type = MessageType::RenewalReq;
        request.transaction_id = format!("renewal-{}", subject.len());
        request
    };
    let hidden = name(&[rdn(CN, Tag::Utf8String, b"router-1\0")]);
    let reply = asking.world.ask(&holder, &renewal(hidden)).await;
    let text = format!(r#"rule subject: subject[0] CN "router-1\0" {HIDDEN}"#);
    assert_refusal(&reply, FailInfo::BadRequest, &text);
    let reply = asking
        .world
        .ask(&holder, &renewal(common_name("router-1")))
        .await;
    assert_eq!(reply.leaf().subject(), common_name("router-1"));
}
