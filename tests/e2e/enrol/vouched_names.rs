//! Names that a one-time challenge or an administrator vouches for.

mod approvals;
mod refusals;

use std::collections::BTreeMap;

use ca::bounded_text::Description;
use der::Tag;
use scep_cms::attribute::{FailInfo, PkiStatus};
use scep_cms::certificate::Certificate;
use scep_cms::message_type::MessageType;
use scep_protocol::id::ScepProfileUuid;
use scep_protocol::one_time_challenge::{
    ChallengeKey, ChallengeTerms, OneTimeChallenge, encode_challenge,
};
use scep_protocol::profile::ScepProfile;
use scep_protocol::vouching::ChallengeSourceKind;
use scep_service::object::Reference;
use scep_service::ports::{Clock, SecretOwner, Store};
use scepter_tests::admin::text;
use scepter_tests::asn1::{
    CHALLENGE_PASSWORD, CN, EXTENSION_REQUEST, IP, URI, attribute, common_name, dns, element,
    extension, integer, name, other_name, rdn, request_extensions, subject_alt_name, upn,
};
use scepter_tests::device::{CertRep, Device, Request};
use scepter_tests::objects::audit;
use scepter_tests::openssl;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::enrol::habits::names::Asking;

const O: &str = "2.5.4.10";
const UPN: &str = "1.3.6.1.4.1.311.20.2.3";
const SID_EXTENSION: &str = "1.3.6.1.4.1.311.25.2";
const OBJECT_SID: &str = "1.3.6.1.4.1.311.25.2.1";
const SID: &str = "S-1-5-21-1004336348-1177238915-682003330-1103";
const OTHER_SID: &str = "S-1-5-21-1004336348-1177238915-682003330-500";

/// The value of the extension for [`SID`], as published with another implementation of [MS-WCCE].
const SID_DER: &str = "303FA03D060A2B060104018237190201A02F042D532D312D352D32312D31303034333336333438\
                       2D313137373233383931352D3638323030333333302D31313033";

fn tag_uri(sid: &str) -> String {
    format!("tag:microsoft.com,2022-09-14:sid:{sid}")
}

fn uri_name(text: &str) -> Vec<u8> {
    element(URI, &[text.as_bytes()])
}

fn sid_extension(sid: &str) -> Vec<u8> {
    let octets = element(0x04, &[sid.as_bytes()]);
    extension(
        SID_EXTENSION,
        &element(0x30, &[&other_name(OBJECT_SID, &octets)]),
    )
}

/// A SCEP Profile with one-time challenges besides its challengePassword.
struct Challenges {
    asking: Asking,
    profile: ScepProfileUuid,
    key: ChallengeKey,
}

impl Challenges {
    async fn new() -> Self {
        let asking = Asking::new().await;
        let world = &asking.world;
        let profile = world.find::<ScepProfile>().await.object.uuid;
        let key = "key of the digests";
        let owner = SecretOwner::ChallengeKey(profile);
        let sealed = world
            .enrolment
            .secrets
            .seal(owner, &SecretString::from(key))
            .await
            .unwrap();
        world
            .edit_scep_profile(|profile| {
                profile.challenge_key = Some(sealed);
                let sources = [ChallengeSourceKind::OneTime, ChallengeSourceKind::Static];
                profile.chosen_sources = Some(sources.into());
            })
            .await;
        let key = ChallengeKey::new(key.as_bytes());
        Self {
            asking,
            profile,
            key,
        }
    }

    /// Stores a challenge that vouches for these names and returns its secret.
    async fn make_challenge(&self, names: &Value, hold: bool) -> String {
        let secret = encode_challenge(&uuid::Uuid::new_v4().into_bytes());
        let digest = self.key.digest(&secret);
        let now = self.asking.world.clock.now();
        let challenge = OneTimeChallenge {
            uuid: digest.uuid(),
            scep_profile: self.profile,
            digest,
            secret: None,
            terms: ChallengeTerms {
                ra_profile: None,
                transaction_id: None,
                names: serde_json::from_value(names.clone()).unwrap(),
                uses: 1,
                hold,
                note: Description::default(),
                annotations: BTreeMap::new(),
            },
            created_at: now,
            expires_at: now + time::Duration::HOUR,
            taken: Vec::new(),
            deleted: false,
            version: 1,
        };
        let record = audit(Reference::to::<ScepProfile>(self.profile));
        let store = &self.asking.world.store;
        store
            .create_challenges(&[challenge], now, &record)
            .await
            .unwrap();
        secret.reveal().to_owned()
    }

    async fn send(&self, device: &Device, request: &Request) -> CertRep {
        self.asking.world.ask(device, request).await
    }

    /// Asks by a new device with a new challenge that vouches for these names. Returns the
    /// certificate or the failInfoText.
    async fn ask(
        &self,
        vouched: &Value,
        subject: &[u8],
        extensions: &[Vec<u8>],
    ) -> Result<Certificate, String> {
        let device = Device::rsa();
        let challenge = self.make_challenge(vouched, false).await;
        let request = enrolment_request(&device, subject, extensions, &challenge);
        let reply = self.send(&device, &request).await;
        if reply.attributes.pki_status == PkiStatus::Success {
            return Ok(reply.leaf());
        }
        let (fail_info, text) = reply.failure();
        assert_eq!(fail_info, FailInfo::BadRequest);
        Err(text)
    }

    /// Renews the certificate of a device with a request for these names.
    async fn renew(&self, holder: &Device, subject: &[u8], extensions: &[Vec<u8>]) -> CertRep {
        self.asking.world.make_renewable(&holder.certificate);
        let next = Device::rsa();
        let mut request = holder.request(request_of(&next, subject, extensions, None));
        request.message_type = MessageType::RenewalReq;
        request.transaction_id = uuid::Uuid::new_v4().to_string();
        self.send(holder, &request).await
    }

    /// Has a request held, checks what the administrator sees, approves it and returns the device
    /// with its certificate.
    async fn approve(&self, device: &Device, request: &Request, seen: &Value) -> Device {
        let reply = self.send(device, request).await;
        assert_eq!(reply.attributes.pki_status, PkiStatus::Pending);
        let admin = &self.asking.admin;
        let uuid = text(&admin.find_transaction("PENDING").await["uuid"]);
        let shown = admin
            .get(&format!("/scepTransactions/{uuid}"))
            .await
            .expect(200);
        for (field, value) in seen.as_object().unwrap() {
            assert_eq!(shown[field], *value, "{shown}");
        }
        assert_eq!(admin.approve(&uuid).await.status, 204);
        device.holding(self.send(device, request).await.leaf())
    }
}

/// Builds a PKCS #10 request of this device.
fn request_of(
    device: &Device,
    subject: &[u8],
    extensions: &[Vec<u8>],
    challenge: Option<&str>,
) -> Vec<u8> {
    let challenge = challenge.map(|challenge| element(0x0c, &[challenge.as_bytes()]));
    let challenge = challenge.map(|text| attribute(CHALLENGE_PASSWORD, &[text]));
    let attributes = [
        challenge.unwrap_or_default(),
        request_extensions(EXTENSION_REQUEST, extensions),
    ];
    let spki = device.certificate.subject_public_key_info();
    let attributes = element(0xa0, &[&attributes.concat()]);
    device.sign_request(&element(
        0x30,
        &[&integer(&[0]), subject, spki, &attributes],
    ))
}

fn enrolment_request(
    device: &Device,
    subject: &[u8],
    extensions: &[Vec<u8>],
    challenge: &str,
) -> Request {
    device.request(request_of(device, subject, extensions, Some(challenge)))
}

fn printed_subject(certificate: &Certificate) -> String {
    let printed = openssl::print(certificate, &["-subject", "-nameopt", "RFC2253"]);
    printed.trim().trim_start_matches("subject=").to_owned()
}

fn printed_names(certificate: &Certificate) -> String {
    let printed = openssl::print_extension(certificate, "subjectAltName");
    printed.lines().last().unwrap_or_default().trim().to_owned()
}

/// Whether a certificate has the extension for [`SID`], as openssl reads its octets.
fn has_sid_extension(certificate: &Certificate) -> bool {
    let printed = openssl::run(&["asn1parse", "-inform", "DER"], certificate.der());
    String::from_utf8(printed)
        .unwrap()
        .contains(&format!("[HEX DUMP]:{SID_DER}"))
}

fn names_with_sid() -> Value {
    json!({
        "subject": { "CN": "device-7", "O": "Branch" },
        "subjectAltNames": { "dns": ["device-7.corp.example"], "upn": ["seven@corp.example"], "sid": SID },
    })
}

/// Rules that accept nothing of these names from a request.
fn narrow_rules() -> Value {
    json!({
        "subject": {
            "allowed": ["serialNumber", "OU"], "fixed": { "O": "Corp" },
            "commonNamePattern": "router-[0-9]+",
        },
        "subjectAltName": { "types": [], "commonNameAsDns": true },
    })
}

#[tokio::test]
async fn vouched_names_are_issued_whatever_the_request_and_the_rules_say() {
    let challenges = Challenges::new().await;
    let mut rules = narrow_rules();
    rules["subject"]["required"] = json!(["OU"]);
    challenges.asking.put_rules(rules).await.expect(200);
    let vouched = json!({
        "subject": { "CN": "device 7", "O": "Branch", "OU": "Lab", "UID": "7" },
        "subjectAltNames": {
            "ip": ["192.0.2.7", "2001:db8::7"], "email": ["seven@corp.example"],
            "uri": ["spiffe://corp.example/7"], "upn": ["seven@corp.example"],
            "1.3.6.1.4.1.99999.1": ["#0c0137"], "sid": SID,
        },
    });
    let issued = challenges.ask(&vouched, &name(&[]), &[]).await.unwrap();
    assert_eq!(
        printed_subject(&issued),
        "UID=7,CN=device 7,OU=Lab,O=Branch"
    );
    let expected = "IP Address:192.0.2.7, IP Address:2001:DB8:0:0:0:0:0:7, \
                    email:seven@corp.example, URI:spiffe://corp.example/7, \
                    othername: UPN:seven@corp.example, \
                    othername: 1.3.6.1.4.1.99999.1:7";
    assert_eq!(
        printed_names(&issued).replace("::", ":"),
        expected.replace("::", ":")
    );
    assert!(has_sid_extension(&issued));
    // Without vouching the rules apply to everything.
    let refused = challenges
        .ask(&json!({}), &common_name("device 7"), &[])
        .await;
    assert!(
        refused.unwrap_err().starts_with("rule subject.allowed"),
        "the CN is not allowed"
    );
}

#[tokio::test]
async fn a_request_may_ask_for_what_is_vouched_for_in_another_spelling() {
    let challenges = Challenges::new().await;
    let ia5_upn = other_name(UPN, &element(0x16, &[b"SEVEN@corp.example"]));
    let subject = name(&[
        rdn(O, Tag::PrintableString, b"branch"),
        rdn(CN, Tag::PrintableString, b"DEVICE-7"),
    ]);
    let names = [
        dns("Device-7.Corp.Example."),
        ia5_upn,
        uri_name(&tag_uri(SID)),
    ];
    let extensions = [subject_alt_name(&names), sid_extension(SID)];
    let issued = challenges
        .ask(&names_with_sid(), &subject, &extensions)
        .await
        .unwrap();
    assert_eq!(printed_subject(&issued), "CN=device-7,O=Branch");
    let expected = "DNS:device-7.corp.example, othername: UPN:seven@corp.example";
    assert_eq!(printed_names(&issued).replace("::", ":"), expected);
    assert!(has_sid_extension(&issued));
    // A type that is not vouched for is left to the rules.
    let address = [subject_alt_name(&[element(IP, &[&[192, 0, 2, 1]])])];
    let issued = challenges
        .ask(&names_with_sid(), &subject, &address)
        .await
        .unwrap();
    assert!(printed_names(&issued).starts_with("IP Address:192.0.2.1, DNS:device-7.corp.example"));
    let link = [subject_alt_name(&[uri_name("spiffe://corp.example/7")])];
    let refused = challenges.ask(&names_with_sid(), &subject, &link).await;
    assert!(
        refused
            .unwrap_err()
            .starts_with("rule subjectAltName.types")
    );
}

/// A device that is set up anew signs with the certificate that it still has.
#[tokio::test]
async fn a_device_with_an_old_certificate_gets_the_names_of_a_new_challenge() {
    let challenges = Challenges::new().await;
    let device = challenges.asking.world.enrolled("device-7").await;
    challenges.asking.world.make_renewable(&device.certificate);
    let challenge = challenges.make_challenge(&names_with_sid(), false).await;
    let extensions = [
        subject_alt_name(&[upn("seven@corp.example")]),
        sid_extension(SID),
    ];
    let mut request = enrolment_request(&device, &common_name("device-7"), &extensions, &challenge);
    request.transaction_id = "again".to_owned();
    let issued = challenges.send(&device, &request).await.leaf();
    assert_eq!(printed_subject(&issued), "CN=device-7,O=Branch");
    assert!(has_sid_extension(&issued));
}
