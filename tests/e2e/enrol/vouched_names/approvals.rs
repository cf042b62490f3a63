//! What an administrator's approval vouches for, and what renewals keep of what was vouched for.

use der::Tag;
use scepter_tests::asn1::{CN, common_name, dns, name, rdn, subject_alt_name, upn};
use scepter_tests::device::Device;
use scepter_tests::world::CHALLENGE;
use serde_json::{Value, json};

use crate::enrol::vouched_names::{
    Challenges, O, OTHER_SID, SID, enrolment_request, has_sid_extension, names_with_sid,
    narrow_rules, printed_names, printed_subject, sid_extension, tag_uri, uri_name,
};

#[tokio::test]
async fn a_sid_has_the_form_that_the_rules_say() {
    let challenges = Challenges::new().await;
    let form = |form: &str| json!({ "subjectAltName": { "sidForm": form } });
    let path = format!("/raProfiles/{}", challenges.asking.ra_profile);
    let unknown = json!({ "certificateTemplate": form("BOTH") });
    let answer = challenges.asking.admin.put(&path, unknown).await;
    assert!(answer.status.is_client_error(), "{answer:?}");
    challenges.asking.put_rules(form("URI")).await.expect(200);
    let device = Device::rsa();
    let challenge = challenges.make_challenge(&names_with_sid(), false).await;
    let request = enrolment_request(&device, &name(&[]), &[sid_extension(SID)], &challenge);
    let issued = challenges.send(&device, &request).await.leaf();
    let as_uri = format!("URI:{}", tag_uri(SID));
    assert!(
        printed_names(&issued).ends_with(&as_uri),
        "{}",
        printed_names(&issued)
    );
    assert!(!has_sid_extension(&issued));
    // A renewal follows the rules of its time.
    challenges
        .asking
        .put_rules(form("EXTENSION"))
        .await
        .expect(200);
    let subject = name(&[
        rdn(O, Tag::Utf8String, b"Branch"),
        rdn(CN, Tag::Utf8String, b"device-7"),
    ]);
    let renewed = challenges
        .renew(&device.holding(issued.clone()), &subject, &[])
        .await
        .leaf();
    assert!(has_sid_extension(&renewed));
    assert_eq!(
        printed_names(&renewed),
        printed_names(&issued).replace(&format!(", {as_uri}"), "")
    );
    challenges.asking.put_rules(form("URI")).await.expect(200);
    let renewed = challenges
        .renew(&device.holding(issued.clone()), &subject, &[])
        .await
        .leaf();
    assert_eq!(printed_names(&renewed), printed_names(&issued));
    assert!(!has_sid_extension(&renewed));
}

#[tokio::test]
async fn a_renewal_keeps_what_was_vouched_for_and_gets_nothing_else() {
    let challenges = Challenges::new().await;
    let device = Device::rsa();
    let challenge = challenges.make_challenge(&names_with_sid(), false).await;
    let request = enrolment_request(&device, &name(&[]), &[], &challenge);
    let issued = challenges.send(&device, &request).await.leaf();
    challenges
        .asking
        .put_rules(narrow_rules())
        .await
        .expect(200);
    let holder = device.holding(issued.clone());
    let subject = || {
        name(&[
            rdn(O, Tag::Utf8String, b"Branch"),
            rdn(CN, Tag::Utf8String, b"device-7"),
        ])
    };
    let same = [
        subject_alt_name(&[dns("device-7.corp.example"), upn("seven@corp.example")]),
        sid_extension(SID),
    ];
    let some = [subject_alt_name(&[upn("seven@corp.example")])];
    for extensions in [&[][..], &same, &some] {
        let renewed = challenges
            .renew(&holder, &subject(), extensions)
            .await
            .leaf();
        assert_eq!(printed_subject(&renewed), printed_subject(&issued));
        for part in printed_names(&issued).split(", ") {
            assert!(printed_names(&renewed).contains(part), "{part}");
        }
        assert!(has_sid_extension(&renewed));
    }
    let other_subject = common_name("device-8");
    let reply = challenges.renew(&holder, &other_subject, &[]).await;
    assert_eq!(
        reply.failure().1,
        "a renewal keeps the subject of the certificate"
    );
    for extensions in [
        vec![subject_alt_name(&[upn("administrator@corp.example")])],
        vec![subject_alt_name(&[dns("device-8.corp.example")])],
        vec![sid_extension(OTHER_SID)],
        vec![subject_alt_name(&[uri_name(&tag_uri(OTHER_SID))])],
    ] {
        let reply = challenges.renew(&holder, &subject(), &extensions).await;
        assert_eq!(
            reply.failure().1,
            "a renewal cannot add names to the certificate's"
        );
    }
}

#[tokio::test]
async fn an_approval_vouches_for_the_sid_that_the_administrator_sees() {
    let challenges = Challenges::new().await;
    challenges
        .asking
        .world
        .edit_scep_profile(|profile| profile.settings.require_manual_approval = true)
        .await;
    for extensions in [
        vec![sid_extension(SID)],
        vec![subject_alt_name(&[
            dns("a.example"),
            uri_name(&tag_uri(SID)),
        ])],
        vec![
            sid_extension(SID),
            subject_alt_name(&[uri_name(&tag_uri(SID))]),
        ],
    ] {
        let device = Device::rsa();
        let request = enrolment_request(&device, &common_name("device-7"), &extensions, CHALLENGE);
        let holder = challenges
            .approve(&device, &request, &json!({ "sid": SID }))
            .await;
        assert!(has_sid_extension(&holder.certificate));
        assert!(!printed_names(&holder.certificate).contains("tag:"));
        let renewed = challenges
            .renew(&holder, &common_name("device-7"), &[])
            .await
            .leaf();
        assert!(has_sid_extension(&renewed));
        let reply = challenges
            .renew(
                &holder,
                &common_name("device-7"),
                &[sid_extension(OTHER_SID)],
            )
            .await;
        assert_eq!(
            reply.failure().1,
            "a renewal cannot add names to the certificate's"
        );
    }
    let begins = "rule sid: a security identifier is not accepted from a request: ";
    for extensions in [
        vec![
            sid_extension(SID),
            subject_alt_name(&[uri_name(&tag_uri(OTHER_SID))]),
        ],
        vec![subject_alt_name(&[
            uri_name(&tag_uri(SID)),
            uri_name(&tag_uri(OTHER_SID)),
        ])],
        vec![subject_alt_name(&[uri_name(&tag_uri(SID).to_uppercase())])],
        vec![sid_extension(&SID.to_lowercase())],
    ] {
        let device = Device::rsa();
        let request = enrolment_request(&device, &common_name("device-7"), &extensions, CHALLENGE);
        let (_, text) = challenges.send(&device, &request).await.failure();
        assert!(text.starts_with(begins), "{text}");
    }
}

#[tokio::test]
async fn an_approval_keeps_what_a_challenge_vouches_for_and_the_rules_reject() {
    let challenges = Challenges::new().await;
    challenges
        .asking
        .put_rules(json!({ "subjectAltName": { "types": ["dns"], "sidForm": "URI" } }))
        .await
        .expect(200);
    let mut vouched = names_with_sid();
    let device = Device::rsa();
    let challenge = challenges.make_challenge(&vouched, true).await;
    let request = enrolment_request(&device, &common_name("device-7"), &[], &challenge);
    let seen = json!({
        "subject": "CN=device-7,O=Branch", "sid": SID,
        "subjectAltNames": [
            "DNS:device-7.corp.example", "UPN:seven@corp.example", format!("URI:{}", tag_uri(SID)),
        ],
    });
    let holder = challenges.approve(&device, &request, &seen).await;
    assert!(printed_names(&holder.certificate).contains("seven@corp.example"));
    // A challenge that leaves the SID open leaves it to the administrator.
    vouched["subjectAltNames"]["sid"] = Value::Null;
    let device = Device::rsa();
    let challenge = challenges.make_challenge(&vouched, true).await;
    let request = enrolment_request(
        &device,
        &common_name("device-7"),
        &[sid_extension(SID)],
        &challenge,
    );
    let holder = challenges.approve(&device, &request, &seen).await;
    assert!(printed_names(&holder.certificate).contains(&tag_uri(SID)));
    // One that names another does not.
    vouched["subjectAltNames"]["sid"] = json!(OTHER_SID);
    let device = Device::rsa();
    let challenge = challenges.make_challenge(&vouched, true).await;
    let request = enrolment_request(
        &device,
        &common_name("device-7"),
        &[sid_extension(SID)],
        &challenge,
    );
    let (_, text) = challenges.send(&device, &request).await.failure();
    assert_eq!(text, "the challengePassword is for another SID");
}
