//! The security identifiers of devices that Intune vouches for.

use scep_cms::attribute::FailInfo;
use scepter_tests::asn1::{
    CHALLENGE_PASSWORD, EXTENSION_REQUEST, URI, attribute, common_name, dns, element, extension,
    integer, other_name, request_extensions, subject_alt_name,
};
use scepter_tests::device::{Device, Request};
use scepter_tests::intune::Step;

use crate::enrol::intune::IntuneWorld;

const SID: &str = "S-1-5-21-1004336348-1177238915-682003330-512";
const OTHER_SID: &str = "S-1-5-21-1004336348-1177238915-682003330-500";

fn tag_uri(sid: &str) -> Vec<u8> {
    let tag = format!("tag:microsoft.com,2022-09-14:sid:{sid}");
    element(URI, &[tag.as_bytes()])
}

fn sid_extension(sid: &str) -> Vec<u8> {
    let octets = element(0x04, &[sid.as_bytes()]);
    let name = other_name("1.3.6.1.4.1.311.25.2.1", &octets);
    extension("1.3.6.1.4.1.311.25.2", &element(0x30, &[&name]))
}

/// The request of a device called pc-7 for these extensions.
fn request_with_extensions(device: &Device, challenge: &str, extensions: &[Vec<u8>]) -> Request {
    let attributes = [
        attribute(
            CHALLENGE_PASSWORD,
            &[element(0x13, &[challenge.as_bytes()])],
        ),
        request_extensions(EXTENSION_REQUEST, extensions),
    ];
    let info = [
        integer(&[0]),
        common_name("pc-7"),
        device.certificate.subject_public_key_info().to_vec(),
        element(0xa0, &[&attributes.concat()]),
    ];
    device.request(device.sign_request(&element(0x30, &[&info.concat()])))
}

/// The rules of the profile would not take this SID from a request; Intune has looked at it.
#[tokio::test]
async fn what_intune_validated_is_issued_with_its_security_identifier() {
    let asked = IntuneWorld::new().await;
    let names = [tag_uri(SID), dns("pc-7.example")];
    let in_names = subject_alt_name(&names);
    for extensions in [
        vec![in_names.clone()],
        vec![in_names.clone(), sid_extension(SID)],
    ] {
        let device = Device::rsa();
        let challenge = asked.double.make_challenge_with_names("pc-7", &names);
        let request = request_with_extensions(&device, &challenge, &extensions);
        let leaf = asked.world.ask(&device, &request).await.leaf();
        let holds = |text: &str| {
            leaf.der()
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        };
        assert!(holds(SID));
        assert!(holds("pc-7.example"));
        // By default it is in Microsoft's extension and not a URI.
        assert!(!holds("tag:microsoft.com"));
    }
    asked.double.assert_content();
}

/// Intune knows SIDs as URIs in subjectAltName, and says yes whatever is in the extension.
#[tokio::test]
async fn a_security_identifier_that_intune_did_not_look_at_is_refused() {
    let asked = IntuneWorld::new().await;
    let names = [tag_uri(SID)];
    let refusal = async |challenge: &str, extensions: &[Vec<u8>]| {
        let device = Device::rsa();
        let request = request_with_extensions(&device, challenge, extensions);
        let (info, text) = asked.world.ask(&device, &request).await.failure();
        assert_eq!(info, FailInfo::BadRequest);
        text
    };
    let challenge = asked.double.make_challenge("pc-7");
    let text = refusal(&challenge, &[sid_extension(SID)]).await;
    assert!(text.contains("1.3.6.1.4.1.311.25.2"), "{text}");
    let challenge = asked.double.make_challenge_with_names("pc-7", &names);
    let differing = [subject_alt_name(&names), sid_extension(OTHER_SID)];
    let text = refusal(&challenge, &differing).await;
    assert!(text.contains("SID"), "{text}");
    assert_eq!(asked.double.count_calls(Step::Validate), 2);
    // Of what is in subjectAltName it says no itself.
    let foreign = [subject_alt_name(&[tag_uri(OTHER_SID)])];
    let text = refusal(&challenge, &foreign).await;
    assert!(text.contains("Intune: SubjectAltNameMismatch"), "{text}");
    assert_eq!(asked.world.count_transactions(), 0);
    asked.double.assert_content();
}
