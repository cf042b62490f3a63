//! What a request must not ask for besides the names that are vouched for.

use der::Tag;
use scepter_tests::asn1::{
    CN, EMAIL, IP, common_name, dns, element, extension, name, other_name, rdn, subject_alt_name,
    upn,
};
use serde_json::json;

use crate::enrol::vouched_names::{
    Challenges, OBJECT_SID, OTHER_SID, SID, SID_EXTENSION, UPN, names_with_sid, sid_extension,
    tag_uri, uri_name,
};

#[tokio::test]
async fn a_request_for_other_names_than_are_vouched_for_is_refused() {
    let challenges = Challenges::new().await;
    // The rules would take all of them.
    challenges
        .asking
        .put_rules(json!({ "subjectAltName": {
            "types": ["dns", "ip", "email", "uri", "upn", "1.3.6.1.4.1.99999.1"], "ignoreOthers": true,
            "patterns": { "dns": ".*", "email": ".*", "uri": ".*", "upn": ".*" }
        } }))
        .await.expect(200);
    let vouched = json!({
        "subject": { "CN": "device-7" },
        "subjectAltNames": {
            "dns": ["device-7.corp.example"], "ip": [], "email": ["seven@corp.example"], "uri": [],
            "upn": ["seven@corp.example"], "1.3.6.1.4.1.99999.1": ["7"], "sid": SID,
        },
    });
    let right = || common_name("device-7");
    let text_of = |kind: &str| format!("the challengePassword is for another {kind}");
    let cn = |text: &str| rdn(CN, Tag::Utf8String, text.as_bytes());
    for subject in [
        common_name("device-8"),
        name(&[cn("device-7"), cn("device-8")]),
        name(&[cn("device-8"), cn("device-7")]),
        name(&[cn("device-7"), cn("device-7")]),
    ] {
        let refused = challenges.ask(&vouched, &subject, &[]).await;
        assert_eq!(refused, Err(text_of("subject")));
    }
    let utf8 = |text: &str| element(0x0c, &[text.as_bytes()]);
    for other in [
        dns("device-8.corp.example"),
        dns("*.corp.example"),
        element(IP, &[&[192, 0, 2, 1]]),
        element(EMAIL, &[b"eight@corp.example"]),
        uri_name("spiffe://corp.example/7"),
        upn("administrator@corp.example"),
        other_name(UPN, &element(0x16, &[b"administrator@corp.example"])),
        other_name("1.3.6.1.4.1.99999.1", &utf8("8")),
        other_name("1.3.6.1.4.1.99999.1", &element(0x04, &[b"7"])),
    ] {
        for names in [
            vec![other.clone()],
            vec![
                dns("device-7.corp.example"),
                upn("seven@corp.example"),
                other.clone(),
            ],
        ] {
            let refused = challenges
                .ask(&vouched, &right(), &[subject_alt_name(&names)])
                .await;
            assert_eq!(refused, Err(text_of("subjectAltName")), "{names:02x?}");
        }
    }
    let (tag, other_tag) = (uri_name(&tag_uri(SID)), uri_name(&tag_uri(OTHER_SID)));
    for extensions in [
        vec![sid_extension(OTHER_SID)],
        vec![subject_alt_name(std::slice::from_ref(&other_tag))],
        vec![subject_alt_name(&[tag.clone(), other_tag.clone()])],
        vec![
            sid_extension(SID),
            subject_alt_name(std::slice::from_ref(&other_tag)),
        ],
        vec![
            sid_extension(OTHER_SID),
            subject_alt_name(std::slice::from_ref(&tag)),
        ],
    ] {
        let refused = challenges.ask(&vouched, &right(), &extensions).await;
        assert_eq!(refused, Err(text_of("SID")), "{extensions:02x?}");
    }
}

/// A verifier may read a SID in places and spellings in which this server does not compare it.
#[tokio::test]
async fn a_sid_is_issued_only_where_it_is_vouched_for_and_asked_for_in_no_other_spelling() {
    let challenges = Challenges::new().await;
    let without =
        json!({ "subject": { "CN": "device-7" }, "subjectAltNames": { "upn": [], "sid": null } });
    let octets = element(0x04, &[SID.as_bytes()]);
    let tag = tag_uri(SID);
    let names = |name: Vec<u8>| vec![subject_alt_name(&[name])];
    let begins = "rule sid: a security identifier is not accepted from a request: ";
    for extensions in [
        names(uri_name(&tag.replace("tag:", "TAG:"))),
        names(uri_name(&tag.replace("sid", "s%69d"))),
        names(uri_name(&format!("https://corp.example/?{tag}"))),
        names(uri_name(&format!("urn:{tag}"))),
        names(uri_name(&format!("{tag} "))),
        names(uri_name(&tag.replace("2022-09-14", "2023-01-01"))),
        names(dns(&tag)),
        names(element(EMAIL, &[tag.as_bytes()])),
        names(other_name(OBJECT_SID, &octets)),
        names(other_name(SID_EXTENSION, &octets)),
        names(upn(&format!("{tag}@corp.example"))),
        vec![extension(OBJECT_SID, &octets)],
        vec![extension(SID_EXTENSION, &octets)],
        vec![extension(
            SID_EXTENSION,
            &element(0x30, &[&other_name(OBJECT_SID, &octets), &dns("a")]),
        )],
        vec![sid_extension(&SID.to_lowercase())],
    ] {
        // Not even if the very SID is vouched for.
        for vouched in [&without, &names_with_sid()] {
            let refused = challenges
                .ask(vouched, &common_name("device-7"), &extensions)
                .await;
            let text = refused.unwrap_err();
            assert!(text.starts_with(begins), "{text}: {extensions:02x?}");
        }
    }
    for extensions in [names(uri_name(&tag)), vec![sid_extension(SID)]] {
        let refused = challenges
            .ask(&without, &common_name("device-7"), &extensions)
            .await;
        assert!(refused.unwrap_err().starts_with(begins));
    }
}
