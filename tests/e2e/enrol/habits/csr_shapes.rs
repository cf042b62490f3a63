//! The shapes of PKCS #10 requests, each test named after the clients that write them.

use scep_protocol::profile::ScepProfile;
use scepter_tests::asn1::{
    EXTENSION_REQUEST, attribute, challenge, common_name, dns, element, extension, integer, oid,
    request_extensions, subject_alt_name,
};
use scepter_tests::assert::assert_pending;
use scepter_tests::device::{CertRep, Device};
use scepter_tests::openssl::print_extension;
use scepter_tests::world::World;

/// Sends a request of this version with these attributes, or without the whole `[0]`, and reads the
/// reply.
async fn ask_with_attributes(
    world: &World,
    version: u8,
    attributes: Option<&[Vec<u8>]>,
) -> CertRep {
    let device = Device::rsa();
    let mut parts = [
        integer(&[version]),
        common_name("x"),
        device.certificate.subject_public_key_info().to_vec(),
    ]
    .concat();
    parts.extend(attributes.map_or(Vec::new(), |attributes| {
        element(0xa0, &[&attributes.concat()])
    }));
    let info = element(0x30, &[&parts]);
    let request = device.request(device.sign_request(&info));
    world.ask(&device, &request).await
}

#[tokio::test]
async fn apple_and_others_ask_for_no_extensions_in_many_words() {
    let world = World::new().await;
    let attributes = [challenge(), request_extensions(EXTENSION_REQUEST, &[])];
    let leaf = ask_with_attributes(&world, 0, Some(&attributes))
        .await
        .leaf();
    assert_eq!(print_extension(&leaf, "subjectAltName"), "");
}

#[tokio::test]
async fn go_and_openssl_users_write_versions_and_orders_of_their_own() {
    let world = World::new().await;
    let names = || request_extensions(EXTENSION_REQUEST, &[subject_alt_name(&[dns("a.example")])]);
    for (version, attributes) in [
        (0, [challenge(), names()]),
        // Not in DER's order, which puts the shorter attribute first.
        (0, [names(), challenge()]),
        (1, [challenge(), names()]),
    ] {
        let leaf = ask_with_attributes(&world, version, Some(&attributes))
            .await
            .leaf();
        let printed = print_extension(&leaf, "subjectAltName");
        assert!(printed.ends_with("DNS:a.example\n"), "{printed}");
    }
}

#[tokio::test]
async fn windows_says_who_made_the_request_and_how() {
    let world = World::new().await;
    let version = element(0x16, &[b"10.0.22631.2"]);
    let client = element(0x30, &[&integer(&[9]), &element(0x0c, &[b"PC-7"])]);
    let provider = element(
        0x30,
        &[
            &integer(&[1]),
            &element(0x1e, &[&[0, 0x4d, 0, 0x53]]),
            &element(0x03, &[&[0]]),
        ],
    );
    let attributes = [
        attribute("1.3.6.1.4.1.311.13.2.3", &[version]),
        attribute("1.3.6.1.4.1.311.21.20", &[client]),
        attribute("1.3.6.1.4.1.311.13.2.2", &[provider]),
        challenge(),
        request_extensions(
            EXTENSION_REQUEST,
            &[subject_alt_name(&[dns("pc-7.example")])],
        ),
    ];
    let leaf = ask_with_attributes(&world, 0, Some(&attributes))
        .await
        .leaf();
    let printed = print_extension(&leaf, "subjectAltName");
    assert!(printed.ends_with("DNS:pc-7.example\n"), "{printed}");
}

#[tokio::test]
async fn vault_and_others_ask_for_a_critical_extension() {
    let world = World::new().await;
    let names = element(0x30, &[&dns("a.example")]);
    let critical = element(
        0x30,
        &[&oid("2.5.29.17"), &[1, 1, 0xff], &element(0x04, &[&names])],
    );
    let unknown = extension("1.3.6.1.4.1.99999.9", &[5, 0]);
    let attributes = [
        challenge(),
        request_extensions(EXTENSION_REQUEST, &[critical, unknown]),
    ];
    let leaf = ask_with_attributes(&world, 0, Some(&attributes))
        .await
        .leaf();
    let printed = print_extension(&leaf, "subjectAltName");
    assert!(printed.ends_with("DNS:a.example\n"), "{printed}");
    // The requested criticality does not matter: in a certificate with a subject the extension is
    // not critical.
    assert!(!printed.contains("critical"), "{printed}");
}

#[tokio::test]
async fn clients_without_attributes_or_with_a_challenge_that_nobody_asked_for_wait() {
    let world = World::new().await;
    let approval = |profile: &mut ScepProfile| {
        profile.challenge = None;
        profile.settings.require_manual_approval = true;
    };
    world.edit_scep_profile(approval).await;
    for attributes in [None, Some(&[][..]), Some(&[challenge()])] {
        let reply = ask_with_attributes(&world, 0, attributes).await;
        assert_pending(&reply);
    }
}
