//! How devices renew, and how they enrol again with the certificate that they have.

use std::time::Duration;

use ca::bounded_text::Pattern;
use ca::template::SubjectAltNameType;
use der::{Decode, Tag};
use scep_cms::attribute::{FailInfo, PkiStatus};
use scep_cms::certificate::Certificate;
use scep_cms::message_type::MessageType;
use scepter_tests::admin::Admin;
use scepter_tests::asn1::{
    CN, EMAIL, IP, URI, common_name, dns, element, name, oid, rdn, request_info, subject_alt_name,
    upn,
};
use scepter_tests::assert::assert_refusal;
use scepter_tests::device::{CertRep, Device, Request};
use scepter_tests::world::{CHALLENGE, World};
use serde_json::json;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

const O: &str = "2.5.4.10";
const OU: &str = "2.5.4.11";
const YEAR: Duration = Duration::from_secs(366 * 24 * 60 * 60);
const BOTH: [MessageType; 2] = [MessageType::RenewalReq, MessageType::PkcsReq];

/// Builds a device's PKCS #10 request for this subject and these names, with the correct challenge.
fn build_csr(device: &Device, subject: &[u8], names: &[Vec<u8>]) -> Vec<u8> {
    let extensions: Vec<_> = match names {
        [] => Vec::new(),
        names => vec![subject_alt_name(names)],
    };
    let spki = device.certificate.subject_public_key_info();
    let info = request_info(subject, spki, &extensions);
    device.sign_request(&info)
}

/// The subjectAltNames of a certificate.
fn read_names(certificate: &Certificate) -> Vec<GeneralName> {
    let certificate = x509_cert::Certificate::from_der(certificate.der()).unwrap();
    let found = certificate.tbs_certificate().get_extension();
    let found: Option<(bool, SubjectAltName)> = found.unwrap();
    found.map_or_else(Vec::new, |(_, names)| names.0)
}

/// A world whose rules accept every type of name.
async fn build_world() -> World {
    let world = World::new().await;
    world
        .edit_template(|template| {
            let rule = &mut template.subject_alt_name;
            for kind in ["dns", "ip", "email", "uri", "upn"] {
                let kind: SubjectAltNameType = serde_json::from_value(json!(kind)).unwrap();
                let pattern = Pattern::new("(?s).*").unwrap();
                rule.patterns.insert(kind, pattern);
                if !rule.types.contains(&kind) {
                    rule.types.push(kind);
                }
            }
        })
        .await;
    world
}

/// A device whose certificate has this subject and these names and may be renewed.
async fn enrol_renewable(world: &World, subject: &[u8], names: &[Vec<u8>]) -> Device {
    let device = Device::rsa();
    let request = device.request(build_csr(&device, subject, names));
    let leaf = world.ask(&device, &request).await.leaf();
    world.make_renewable(&leaf);
    device.holding(leaf)
}

/// Sends a renewal for a new key and reads the reply.
async fn renew_with(
    world: &World,
    holder: &Device,
    message_type: MessageType,
    content: impl FnOnce(&Device) -> Vec<u8>,
) -> CertRep {
    let next = Device::rsa();
    let request = Request {
        message_type,
        ..next.request(content(&next))
    };
    world.ask(holder, &request).await
}

/// RFC 8894 §2.4: clients send the challenge of their first enrolment, and some an empty one.
#[tokio::test]
async fn sscep_certmonger_and_ejbcas_client_renew_with_an_old_or_an_empty_challenge() {
    for has_challenge in [true, false] {
        let world = World::new().await;
        let device = world.enrol_renewable("device-1").await;
        if !has_challenge {
            world
                .edit_scep_profile(|profile| profile.challenge = None)
                .await;
        }
        for message_type in BOTH {
            for challenge in [
                Some(CHALLENGE),
                Some("changed since"),
                Some(""),
                Some("  "),
                None,
            ] {
                let content = |next: &Device| next.csr("device-1", challenge, &[]);
                let leaf = renew_with(&world, &device, message_type, content)
                    .await
                    .leaf();
                assert_eq!(leaf.subject(), device.certificate.subject());
                // Make room for the next renewal: a certificate has at most five valid successors.
                let admin = Admin::of(&world);
                admin.revoke(&leaf, json!({ "reason": "superseded" })).await;
            }
        }
    }
}

/// Without its names the new certificate would no longer work for TLS and 802.1X.
#[tokio::test]
async fn scripts_renew_with_a_request_that_names_nothing_beside_the_subject() {
    let world = build_world().await;
    let address = element(IP, &[&[192, 0, 2, 1]]);
    let had = [
        dns("a.example"),
        address,
        element(URI, &[b"urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"]),
        element(EMAIL, &[b"a@corp.example"]),
        upn("a@corp.example"),
    ];
    let device = enrol_renewable(&world, &common_name("device-1"), &had).await;
    for message_type in BOTH {
        // No extension, and an empty one as Apple's encoder writes it.
        for extensions in [vec![], vec![subject_alt_name(&[])]] {
            let content = |next: &Device| {
                let spki = next.certificate.subject_public_key_info();
                let info = request_info(&common_name("device-1"), spki, &extensions);
                next.sign_request(&info)
            };
            let leaf = renew_with(&world, &device, message_type, content)
                .await
                .leaf();
            assert_eq!(read_names(&leaf), read_names(&device.certificate));
        }
    }
    assert_eq!(read_names(&device.certificate).len(), had.len());
}

/// Names that the present rules forbid are not carried over.
#[tokio::test]
async fn names_that_the_rules_forbid_by_now_are_not_kept() {
    let world = build_world().await;
    let device = enrol_renewable(&world, &common_name("device-1"), &[upn("a@corp.example")]).await;
    world
        .edit_template(|template| {
            let types = &mut template.subject_alt_name.types;
            types.retain(|kind| *kind != SubjectAltNameType::Upn);
        })
        .await;
    let content = |next: &Device| build_csr(next, &common_name("device-1"), &[]);
    let reply = renew_with(&world, &device, MessageType::RenewalReq, content).await;
    assert_eq!(reply.failure().0, FailInfo::BadRequest);
}

fn build_subject(parts: &[(&str, Tag, &str)]) -> Vec<u8> {
    let rdns = parts.iter();
    let rdns: Vec<_> = rdns
        .map(|(kind, tag, value)| rdn(kind, *tag, value.as_bytes()))
        .collect();
    name(&rdns)
}

/// RFC 5280 §7.1: Java reverses the RDNs, and other clients use another string type or other white
/// space.
#[tokio::test]
async fn jscep_and_go_clients_write_their_subject_anew_when_they_renew() {
    let (utf8, printable) = (Tag::Utf8String, Tag::PrintableString);
    let world = World::new().await;
    let had = build_subject(&[
        (O, utf8, "Corp One"),
        (OU, utf8, "Eng"),
        (CN, utf8, "device-1"),
    ]);
    let device = enrol_renewable(&world, &had, &[]).await;
    for same in [
        build_subject(&[
            (O, printable, "Corp One"),
            (OU, printable, "Eng"),
            (CN, printable, "device-1"),
        ]),
        build_subject(&[
            (O, utf8, "CORP ONE"),
            (OU, utf8, "eng"),
            (CN, utf8, "Device-1"),
        ]),
        build_subject(&[
            (O, utf8, " Corp  One "),
            (OU, utf8, "Eng"),
            (CN, utf8, "device-1"),
        ]),
        build_subject(&[
            (CN, utf8, "device-1"),
            (OU, utf8, "Eng"),
            (O, utf8, "Corp One"),
        ]),
    ] {
        let content = |next: &Device| build_csr(next, &same, &[]);
        renew_with(&world, &device, MessageType::RenewalReq, content)
            .await
            .leaf();
    }
    for other in [
        build_subject(&[
            (O, utf8, "Corp One"),
            (OU, utf8, "Eng"),
            (CN, utf8, "device-2"),
        ]),
        build_subject(&[(O, utf8, "Corp One"), (CN, utf8, "device-1")]),
        build_subject(&[
            (O, utf8, "Eng"),
            (OU, utf8, "Corp One"),
            (CN, utf8, "device-1"),
        ]),
        build_subject(&[
            (O, utf8, "CorpOne"),
            (OU, utf8, "Eng"),
            (CN, utf8, "device-1"),
        ]),
        build_subject(&[(O, utf8, "Corp One"), (CN, utf8, "device-1,OU=Eng")]),
    ] {
        let content = |next: &Device| build_csr(next, &other, &[]);
        let reply = renew_with(&world, &device, MessageType::RenewalReq, content).await;
        let text = "a renewal keeps the subject of the certificate".to_owned();
        assert_refusal(&reply, FailInfo::BadRequest, &text);
    }
}

/// A CN whose text looks like a second RDN, and an RDN with several attributes, differ from the
/// RDNs that they resemble.
#[tokio::test]
async fn a_subject_that_looks_the_same_is_not_the_same() {
    let attribute =
        |kind: &str, value: &str| element(0x30, &[&oid(kind), &element(0x0c, &[value.as_bytes()])]);
    let one_rdn = name(&[element(
        0x31,
        &[&attribute(CN, "device-1"), &attribute(OU, "eng")],
    )]);
    let two_rdns = build_subject(&[
        (CN, Tag::Utf8String, "device-1"),
        (OU, Tag::Utf8String, "eng"),
    ]);
    let spelt = common_name("device-1,OU=eng");
    for (had, asked) in [
        (&spelt, &two_rdns),
        (&one_rdn, &two_rdns),
        (&two_rdns, &one_rdn),
    ] {
        let world = World::new().await;
        let device = enrol_renewable(&world, had, &[]).await;
        let content = |next: &Device| build_csr(next, asked, &[]);
        let reply = renew_with(&world, &device, MessageType::RenewalReq, content).await;
        assert_eq!(reply.failure().0, FailInfo::BadRequest);
    }
}

#[tokio::test]
async fn clients_write_the_names_of_a_renewal_in_any_order_and_case() {
    let world = build_world().await;
    let had = [
        dns("a.example"),
        dns("b.example"),
        element(URI, &[b"https://a.example/x"]),
        upn("a@corp.example"),
    ];
    let device = enrol_renewable(&world, &common_name("device-1"), &had).await;
    let same = [
        upn("A@Corp.Example"),
        element(URI, &[b"HTTPS://A.Example/x"]),
        dns("B.EXAMPLE"),
        dns("a.example"),
    ];
    let content = |next: &Device| build_csr(next, &common_name("device-1"), &same);
    let leaf = renew_with(&world, &device, MessageType::RenewalReq, content)
        .await
        .leaf();
    assert_eq!(read_names(&leaf).len(), same.len());
    for more in [
        dns("c.example"),
        element(URI, &[b"https://a.example/X"]),
        element(EMAIL, &[b"a@corp.example"]),
    ] {
        let content = |next: &Device| build_csr(next, &common_name("device-1"), &[more]);
        let reply = renew_with(&world, &device, MessageType::RenewalReq, content).await;
        let text = "a renewal cannot add names to the certificate's".to_owned();
        assert_refusal(&reply, FailInfo::BadRequest, &text);
    }
}

/// The ways in which a device that has a certificate is provisioned again.
#[derive(Clone, Copy, Debug)]
enum Anew {
    /// The certificate may not be renewed yet.
    Early,
    /// The certificate may not be renewed yet, and the request is for the same key.
    SameKey,
    /// The certificate may be renewed, and the request is for another subject.
    OtherSubject,
    /// The certificate may be renewed, and the request has an additional name.
    MoreNames,
    /// The certificate belongs to another RA Profile.
    OtherProfile,
    /// The certificate has expired.
    Expired,
}

const EVERY: [Anew; 6] = [
    Anew::Early,
    Anew::SameKey,
    Anew::OtherSubject,
    Anew::MoreNames,
    Anew::OtherProfile,
    Anew::Expired,
];

/// Sends such a request with this challenge, after the certificate is revoked if there is a reason,
/// and returns the status.
async fn enrol_anew(
    anew: Anew,
    message_type: MessageType,
    challenge: Option<&str>,
    reason: Option<&str>,
) -> PkiStatus {
    let world = World::new().await;
    let device = world.enrolled("device-1").await;
    match anew {
        Anew::Early | Anew::SameKey => {}
        Anew::OtherSubject | Anew::MoreNames => world.make_renewable(&device.certificate),
        Anew::OtherProfile => {
            let admin = Admin::of(&world);
            let authority = admin.find("/authorities", "test-ca").await;
            let other = admin.ra_profile(&authority, "other").await;
            let scep = admin.find("/scepProfiles", "default").await;
            let path = format!("/scepProfiles/{scep}/raProfiles/{other}");
            admin.patch(&path).await.expect(204);
            let path = format!("/raProfiles/{other}/enable");
            admin.patch(&path).await.expect(204);
        }
        Anew::Expired => world.clock.advance(YEAR),
    }
    if let Some(reason) = reason {
        let admin = Admin::of(&world);
        admin
            .revoke(&device.certificate, json!({ "reason": reason }))
            .await;
    }
    let next = match anew {
        Anew::SameKey => device.clone(),
        Anew::Early | Anew::OtherSubject | Anew::MoreNames | Anew::OtherProfile | Anew::Expired => {
            Device::rsa()
        }
    };
    let content = match anew {
        Anew::OtherSubject => next.csr("device-2", challenge, &[]),
        Anew::MoreNames => next.csr("device-1", challenge, &["a.example"]),
        Anew::Early | Anew::SameKey | Anew::OtherProfile | Anew::Expired => {
            next.csr("device-1", challenge, &[])
        }
    };
    let request = Request {
        message_type,
        ..next.request(content)
    };
    let reply = world.ask(&device, &request).await;
    if reply.attributes.pki_status == PkiStatus::Success {
        let key = next.certificate.subject_public_key_info();
        assert_eq!(reply.leaf().subject_public_key_info(), key, "{anew:?}");
    }
    reply.attributes.pki_status
}

/// openxpki/openxpki#360, certnanny/sscep#189, fleetdm/fleet#34780: after months offline, a rename
/// or a reset, devices enrol with the challenge, and sign with the certificate that they have.
#[tokio::test]
async fn sscep_intune_and_fleet_enrol_anew_with_whatever_certificate_they_have() {
    let pkcs_req = MessageType::PkcsReq;
    for anew in EVERY {
        let status = enrol_anew(anew, pkcs_req, Some(CHALLENGE), None).await;
        assert_eq!(status, PkiStatus::Success, "{anew:?}");
        for challenge in [Some("guessed"), Some(""), None] {
            let status = enrol_anew(anew, pkcs_req, challenge, None).await;
            assert_eq!(status, PkiStatus::Failure, "{anew:?} {challenge:?}");
        }
        // A RenewalReq must satisfy the rules of a renewal, even with the correct challenge.
        let status = enrol_anew(anew, MessageType::RenewalReq, Some(CHALLENGE), None).await;
        assert_eq!(status, PkiStatus::Failure, "{anew:?}");
    }
}

/// A revoked certificate cannot be used to enrol, whatever the reason of the revocation: its key
/// may be compromised.
#[tokio::test]
async fn a_revoked_certificate_enrols_nothing_with_the_right_challenge() {
    for anew in EVERY {
        for reason in ["keyCompromise", "superseded"] {
            let pkcs_req = MessageType::PkcsReq;
            let status = enrol_anew(anew, pkcs_req, Some(CHALLENGE), Some(reason)).await;
            assert_eq!(status, PkiStatus::Failure, "{anew:?} {reason}");
        }
    }
}

/// An enrolment that is signed with a certificate awaits approval like any other; a valid renewal
/// does not.
#[tokio::test]
async fn an_enrolment_by_a_holder_waits_for_approval() {
    let world = World::new().await;
    let device = world.enrol_renewable("device-1").await;
    world
        .edit_scep_profile(|profile| profile.settings.require_manual_approval = true)
        .await;
    for (common_name, expected) in [
        ("device-1", PkiStatus::Success),
        ("device-2", PkiStatus::Pending),
    ] {
        let next = Device::rsa();
        let reply = world
            .ask(&device, &next.enrolment(common_name, CHALLENGE))
            .await;
        assert_eq!(reply.attributes.pki_status, expected, "{common_name}");
    }
}
