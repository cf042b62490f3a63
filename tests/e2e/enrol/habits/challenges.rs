//! Variations of the challengePassword: its string type, how it ends, and where it is placed.

use scepter_tests::asn1::{
    CHALLENGE_PASSWORD, EXTENSION_REQUEST, at, attribute, challenge, dns, element, extension,
    request_extensions, subject_alt_name, with,
};
use scepter_tests::world::{CHALLENGE, World};

use crate::enrol::habits::requests::Hand;

#[tokio::test]
async fn devices_write_the_challenge_in_every_type_of_string_and_terminate_it() {
    let wide = |octets: usize| -> Vec<u8> {
        let characters = CHALLENGE.chars().map(u32::from);
        characters
            .flat_map(|c| c.to_be_bytes()[4 - octets..].to_vec())
            .collect()
    };
    let ascii = CHALLENGE.as_bytes().to_vec();
    let ended = |end: &[u8]| [&ascii, end].concat();
    for value in [
        element(0x0c, &[&ascii]),
        element(0x13, &[&ascii]),
        element(0x14, &[&ascii]),
        element(0x16, &[&ascii]),
        element(0x1a, &[&ascii]),
        element(0x1c, &[&wide(4)]),
        element(0x1e, &[&wide(2)]),
        element(0x13, &[&ended(b"\0")]),
        element(0x0c, &[&ended(b"\r\n")]),
        element(0x1e, &[&wide(2), b"\0\0"]),
    ] {
        let attributes = [attribute(CHALLENGE_PASSWORD, &[value])];
        Hand::new()
            .await
            .assert_issues(&attributes, b"device-1")
            .await;
    }
    let wrong = "the challengePassword is missing or wrong";
    for value in [
        ended(b"!\0"),
        ended(b" "),
        [b"\0", ascii.as_slice()].concat(),
    ] {
        let attributes = [attribute(CHALLENGE_PASSWORD, &[element(0x0c, &[&value])])];
        Hand::new().await.assert_refuses(&attributes, wrong).await;
    }
}

#[tokio::test]
async fn dot_net_puts_the_challenge_among_the_extensions() {
    let text = element(0x13, &[CHALLENGE.as_bytes()]);
    let set = element(0x31, &[&text]);
    for value in [text.clone(), set] {
        let extensions = [
            extension(CHALLENGE_PASSWORD, &value),
            subject_alt_name(&[dns("a.corp.example")]),
        ];
        let attributes = [request_extensions(EXTENSION_REQUEST, &extensions)];
        Hand::new()
            .await
            .assert_issues(&attributes, &dns("a.corp.example"))
            .await;
    }
    let wrong = extension(CHALLENGE_PASSWORD, &element(0x13, &[b"guessed"]));
    let attributes = [request_extensions(
        EXTENSION_REQUEST,
        std::slice::from_ref(&wrong),
    )];
    let text = "the challengePassword is missing or wrong";
    Hand::new().await.assert_refuses(&attributes, text).await;
    let differ = [challenge(), request_extensions(EXTENSION_REQUEST, &[wrong])];
    let text = "challengePassword: it occurs more than once, with different values";
    Hand::new().await.assert_refuses(&differ, text).await;
}

#[tokio::test]
async fn a_renewing_client_whose_challenges_differ_is_not_asked_for_one() {
    let world = World::new().await;
    let device = world.enrol_renewable("device-1").await;
    let hand = Hand { world, device };
    let other = attribute(CHALLENGE_PASSWORD, &[element(0x0c, &[b"other"])]);
    let subject = at(&hand.device.csr("device-1", None, &[]), &[0, 1]);
    let info = with(&hand.info(Some(&[challenge(), other])), &[1], &subject);
    hand.ask(hand.device.sign_request(&info)).await.leaf();
}
