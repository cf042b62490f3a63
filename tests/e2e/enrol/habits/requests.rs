//! Variations of the PKCS #10 request: where extensions and the challengePassword are placed, and
//! how they are encoded.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use scep_cms::algorithm::DigestAlgorithm;
use scep_cms::attribute::FailInfo;
use scep_protocol::profile::ScepProfile;
use scepter_tests::asn1::{
    CHALLENGE_PASSWORD, EXTENSION_REQUEST, NULL, at, attribute, bits, challenge, children,
    common_name, contents, dns, element, extension, integer, oid, request_extensions, signed,
    subject_alt_name,
};
use scepter_tests::assert::{assert_pending, assert_refusal};
use scepter_tests::device::{CertRep, Device};
use scepter_tests::world::{CHALLENGE, World};

use crate::enrol::refusals::CLOSED;

const MICROSOFT_EXTENSIONS: &str = "1.3.6.1.4.1.311.2.1.14";
const KEY_USAGE: &str = "2.5.29.15";
const SHA1_WITH_RSA: &str = "1.2.840.113549.1.1.5";

/// A world and a device that encodes its request by hand.
pub(crate) struct Hand {
    pub(crate) world: World,
    pub(crate) device: Device,
}

impl Hand {
    pub(crate) async fn new() -> Self {
        Self {
            world: World::new().await,
            device: Device::rsa(),
        }
    }

    /// Encodes the CertificationRequestInfo of `CN=device-1` with these attributes, if any.
    pub(crate) fn info(&self, attributes: Option<&[Vec<u8>]>) -> Vec<u8> {
        let key = self.device.certificate.subject_public_key_info();
        let attributes = attributes.map(|attributes| element(0xa0, &[&attributes.concat()]));
        let subject = common_name("device-1");
        element(
            0x30,
            &[
                &integer(&[0]),
                &subject,
                key,
                &attributes.unwrap_or_default(),
            ],
        )
    }

    /// Builds a request with these attributes and signs it.
    pub(crate) fn request(&self, attributes: &[Vec<u8>]) -> Vec<u8> {
        self.device.sign_request(&self.info(Some(attributes)))
    }

    pub(crate) async fn ask(&self, content: Vec<u8>) -> CertRep {
        self.world
            .ask(&self.device, &self.device.request(content))
            .await
    }

    /// Asserts that a certificate is issued and contains these octets.
    pub(crate) async fn assert_issues(&self, attributes: &[Vec<u8>], with: &[u8]) {
        let leaf = self.ask(self.request(attributes)).await.leaf();
        let names = leaf.der().windows(with.len()).any(|window| window == with);
        assert!(names);
    }

    /// Asserts that the request is refused as badRequest with this text.
    pub(crate) async fn assert_refuses(&self, attributes: &[Vec<u8>], text: &str) {
        let reply = self.ask(self.request(attributes)).await;
        assert_refusal(&reply, FailInfo::BadRequest, text);
    }
}

#[tokio::test]
async fn certreq_iis_and_fortigate_ask_by_microsofts_identifier() {
    let hand = Hand::new().await;
    let san = subject_alt_name(&[dns("a.corp.example")]);
    let usage = extension(KEY_USAGE, &[3, 2, 5, 0xa0]);
    let named = dns("a.corp.example");
    hand.assert_issues(
        &[
            challenge(),
            request_extensions(MICROSOFT_EXTENSIONS, std::slice::from_ref(&san)),
        ],
        &named,
    )
    .await;
    // Together with the other attributes that certreq writes.
    let version = attribute(
        "1.3.6.1.4.1.311.13.2.3",
        &[element(0x16, &[b"10.0.19045.2"])],
    );
    let client = element(0x30, &[&integer(&[5]), &element(0x0c, &[b"CORP\\device"])]);
    let client = attribute("1.3.6.1.4.1.311.21.20", &[client]);
    let attributes = [
        version,
        client,
        request_extensions(MICROSOFT_EXTENSIONS, std::slice::from_ref(&san)),
        challenge(),
    ];
    Hand::new().await.assert_issues(&attributes, &named).await;
    // Both attributes, either with the same contents or each with a part.
    for (pkcs9, microsoft) in [
        (vec![san.clone()], vec![san.clone()]),
        (vec![usage.clone()], vec![san.clone()]),
        (vec![san.clone()], vec![usage, san.clone()]),
        (vec![san.clone()], vec![]),
    ] {
        let attributes = [
            request_extensions(EXTENSION_REQUEST, &pkcs9),
            request_extensions(MICROSOFT_EXTENSIONS, &microsoft),
            challenge(),
        ];
        Hand::new().await.assert_issues(&attributes, &named).await;
    }
    let attributes = [
        request_extensions(EXTENSION_REQUEST, &[san]),
        request_extensions(
            MICROSOFT_EXTENSIONS,
            &[subject_alt_name(&[dns("b.corp.example")])],
        ),
        challenge(),
    ];
    let text = "the extension 2.5.29.17 is asked for twice, with different values";
    Hand::new().await.assert_refuses(&attributes, text).await;
}

#[tokio::test]
async fn microsofts_identifier_is_no_way_around_the_rules() {
    let hand = Hand::new().await;
    let sid = element(0x04, &[b"S-1-5-21-1-2-3-500"]);
    let sid = extension("1.3.6.1.4.1.311.25.2", &sid);
    let upn = subject_alt_name(&[scepter_tests::asn1::upn("admin@corp.example")]);
    for extensions in [[sid], [upn]] {
        let attributes = [
            challenge(),
            request_extensions(MICROSOFT_EXTENSIONS, &extensions),
        ];
        let reply = hand.ask(hand.request(&attributes)).await;
        assert_eq!(reply.failure().0, FailInfo::BadRequest);
    }
}

#[tokio::test]
async fn openssl_scripts_repeat_attributes_and_leave_them_empty() {
    let san = || subject_alt_name(&[dns("a.corp.example")]);
    let named = dns("a.corp.example");
    let twice = element(0x30, &[&san(), &san()]);
    for attributes in [
        vec![
            challenge(),
            challenge(),
            request_extensions(EXTENSION_REQUEST, &[san()]),
        ],
        vec![
            challenge(),
            request_extensions(EXTENSION_REQUEST, &[san()]),
            request_extensions(EXTENSION_REQUEST, &[san()]),
        ],
        vec![challenge(), attribute(EXTENSION_REQUEST, &[twice])],
        vec![
            challenge(),
            attribute(EXTENSION_REQUEST, &[]),
            request_extensions(EXTENSION_REQUEST, &[san()]),
        ],
        vec![
            challenge(),
            attribute(CHALLENGE_PASSWORD, &[]),
            request_extensions(EXTENSION_REQUEST, &[san()]),
        ],
        vec![
            attribute(CHALLENGE_PASSWORD, &[element(0x13, &[])]),
            challenge(),
            request_extensions(EXTENSION_REQUEST, &[san()]),
        ],
    ] {
        Hand::new().await.assert_issues(&attributes, &named).await;
    }
    for attributes in [
        vec![challenge(), attribute(EXTENSION_REQUEST, &[])],
        vec![challenge(), request_extensions(EXTENSION_REQUEST, &[])],
    ] {
        Hand::new()
            .await
            .assert_issues(&attributes, b"device-1")
            .await;
    }
    let other = attribute(CHALLENGE_PASSWORD, &[element(0x0c, &[b"other"])]);
    let text = "challengePassword: it occurs more than once, with different values";
    Hand::new()
        .await
        .assert_refuses(&[challenge(), other], text)
        .await;
    let both = attribute(
        CHALLENGE_PASSWORD,
        &[
            element(0x0c, &[b"other"]),
            element(0x13, &[CHALLENGE.as_bytes()]),
        ],
    );
    Hand::new().await.assert_refuses(&[both], text).await;
    let octets = attribute(
        CHALLENGE_PASSWORD,
        &[element(0x04, &[CHALLENGE.as_bytes()])],
    );
    Hand::new()
        .await
        .assert_refuses(&[octets], "challengePassword: it is not text")
        .await;
    let differ = [
        subject_alt_name(&[dns("a.corp.example")]),
        subject_alt_name(&[dns("b.corp.example")]),
    ];
    let text = "the extension 2.5.29.17 is asked for twice, with different values";
    Hand::new()
        .await
        .assert_refuses(
            &[challenge(), request_extensions(EXTENSION_REQUEST, &differ)],
            text,
        )
        .await;
}

/// The same element with every length in the long form, four octets longer than necessary.
fn long_lengths(der: &[u8]) -> Vec<u8> {
    let inner = match der[0] & 0x20 {
        0 => contents(der),
        _ => children(der)
            .iter()
            .flat_map(|child| long_lengths(child))
            .collect(),
    };
    let length = u32::try_from(inner.len()).unwrap().to_be_bytes();
    [&[der[0], 0x84], length.as_slice(), &inner].concat()
}

/// The same element with an indefinite length wherever BER permits it.
fn indefinite_lengths(der: &[u8]) -> Vec<u8> {
    if der[0] & 0x20 == 0 {
        return der.to_vec();
    }
    let inner: Vec<_> = children(der)
        .iter()
        .flat_map(|child| indefinite_lengths(child))
        .collect();
    [&[der[0], 0x80], inner.as_slice(), &[0, 0]].concat()
}

/// The form in which the octets of a request are sent.
type Form<'a> = &'a dyn Fn(&[u8]) -> Vec<u8>;

#[tokio::test]
async fn scripts_send_pem_base64_and_what_follows_a_request() {
    let forms: [Form<'_>; 9] = [
        &|der| [der, &[0]].concat(),
        &|der| [der, &[0; 7]].concat(),
        &|der| [der, b"\r\n"].concat(),
        &|der| STANDARD.encode(der).into_bytes(),
        &|der| format!("{}\n", STANDARD.encode(der)).into_bytes(),
        &|der| pem("CERTIFICATE REQUEST", der),
        &|der| pem("NEW CERTIFICATE REQUEST", der),
        // Only the outermost length is in a long form.
        &|der| {
            let length = u32::try_from(contents(der).len()).unwrap().to_be_bytes();
            [&[0x30, 0x84], length.as_slice(), &contents(der)].concat()
        },
        &|der| [&[0x30, 0x80], contents(der).as_slice(), &[0, 0]].concat(),
    ];
    for form in forms {
        let hand = Hand::new().await;
        let attributes = [
            challenge(),
            request_extensions(
                EXTENSION_REQUEST,
                &[subject_alt_name(&[dns("a.corp.example")])],
            ),
        ];
        let leaf = hand.ask(form(&hand.request(&attributes))).await.leaf();
        let named = dns("a.corp.example");
        assert!(
            leaf.der()
                .windows(named.len())
                .any(|window| window == named)
        );
    }
}

pub(crate) fn pem(label: &str, der: &[u8]) -> Vec<u8> {
    let base64 = STANDARD.encode(der);
    let lines: Vec<_> = base64
        .as_bytes()
        .chunks(64)
        .map(|line| str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN {label}-----\r\n{}\r\n-----END {label}-----\r\n",
        lines.join("\r\n")
    )
    .into_bytes()
}

#[tokio::test]
async fn old_encoders_write_ber_and_sign_what_they_wrote() {
    let hand = Hand::new().await;
    let attributes = [
        challenge(),
        request_extensions(
            EXTENSION_REQUEST,
            &[subject_alt_name(&[dns("a.corp.example")])],
        ),
    ];
    let der = hand.info(Some(&attributes));
    for info in [long_lengths(&der), indefinite_lengths(&der)] {
        let hand = Hand {
            world: World::new().await,
            device: hand.device.clone(),
        };
        // The signature must cover the octets as sent, not their DER encoding.
        let other = hand.device.sign(DigestAlgorithm::Sha256, &der);
        let reply = hand.ask(signed(&info, &other)).await;
        assert_refusal(&reply, FailInfo::BadMessageCheck, CLOSED);
        hand.ask(hand.device.sign_request(&info)).await.leaf();
    }
}

#[tokio::test]
async fn appliances_write_true_as_1_and_leave_out_the_attributes() {
    // `critical` is a BOOLEAN TRUE written as 01 instead of FF.
    let hand = Hand::new().await;
    let value = at(&subject_alt_name(&[dns("a.corp.example")]), &[1]);
    let critical = element(0x30, &[&oid("2.5.29.17"), &[1, 1, 1], &value]);
    let attributes = [
        challenge(),
        request_extensions(EXTENSION_REQUEST, &[critical]),
    ];
    hand.assert_issues(&attributes, &dns("a.corp.example"))
        .await;
    // The lengths inside the subjectAltName are BER.
    let names = long_lengths(&element(0x30, &[&dns("a.corp.example")]));
    let attributes = [
        challenge(),
        request_extensions(EXTENSION_REQUEST, &[extension("2.5.29.17", &names)]),
    ];
    Hand::new()
        .await
        .assert_issues(&attributes, &dns("a.corp.example"))
        .await;
    // Without `[0]` there is no challenge, so an administrator decides.
    let hand = Hand::new().await;
    let open = |profile: &mut ScepProfile| {
        profile.challenge = None;
        profile.settings.require_manual_approval = true;
    };
    hand.world.edit_scep_profile(open).await;
    let reply = hand.ask(hand.device.sign_request(&hand.info(None))).await;
    assert_pending(&reply);
}

#[tokio::test]
async fn older_ios_signs_its_request_with_sha_1_whatever_is_announced() {
    for arcs in [SHA1_WITH_RSA, "1.3.14.3.2.29"] {
        let hand = Hand::new().await;
        let strict = |profile: &mut ScepProfile| profile.settings.legacy_algorithms = false;
        hand.world.edit_scep_profile(strict).await;
        let info = hand.info(Some(&[challenge()]));
        let signature = hand.device.sign(DigestAlgorithm::Sha1, &info);
        let algorithm = element(0x30, &[&oid(arcs), NULL]);
        hand.ask(element(0x30, &[&info, &algorithm, &bits(&signature)]))
            .await
            .leaf();
    }
}
