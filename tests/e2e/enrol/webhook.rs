//! Enrolments that an administrator's webhook decides about, and what it is told of them.

mod notices;

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use der::Tag;
use scep_cms::attribute::{FailInfo, PkiStatus};
use scepter_tests::admin::{Admin, administered};
use scepter_tests::asn1::{CN, dns, name, rdn, request_info, subject_alt_name};
use scepter_tests::device::Device;
use scepter_tests::interop::root;
use scepter_tests::openssl;
use scepter_tests::webhook::{Reply, SECRET, WebhookDouble};
use scepter_tests::world::{CHALLENGE, World};
use serde_json::{Value, json};

/// A world whose SCEP Profile has a webhook, its administrator, and the webhook.
struct WebhookWorld {
    world: World,
    admin: Admin,
    double: WebhookDouble,
    profile: String,
}

impl WebhookWorld {
    /// A world with these challengeSources; `webhook` has the fields of the webhook besides its URL
    /// and secret.
    async fn new(sources: &[&str], webhook: Value) -> Self {
        let double = WebhookDouble::start().await;
        let (world, admin, _, uuid, _) = administered().await;
        let profile = format!("/scepProfiles/{uuid}");
        let mut settings = json!({ "url": double.url, "secret": SECRET });
        for (field, value) in webhook.as_object().unwrap() {
            settings[field] = value.clone();
        }
        let edit = json!({ "challengeSources": sources, "webhook": settings });
        admin.put(&profile, edit).await.expect(200);
        Self {
            world,
            admin,
            double,
            profile,
        }
    }

    async fn asked() -> Self {
        Self::new(&["WEBHOOK"], json!({})).await
    }

    /// Enrols a new device without a challenge and returns the failInfoText of its refusal.
    async fn refusal(&self, common_name: &str) -> String {
        let device = Device::rsa();
        let request = device.request(device.csr(common_name, None, &[]));
        let (fail_info, text) = self.world.ask(&device, &request).await.failure();
        assert_eq!(fail_info, FailInfo::BadRequest);
        text
    }

    /// Tells the webhook what it has to hear, as the timer of the server does.
    async fn deliver(&self) {
        self.world.enrolment.deliver_due_notices().await.unwrap();
    }

    /// What is left to deliver.
    fn waiting(&self) -> usize {
        let items = self.world.database.items("test-transactions").unwrap();
        let notices = items.iter().filter(|item| item.get("receiver").is_some());
        notices.count()
    }

    /// The name in subjectAltName of a new device's certificate.
    async fn names_of(&self, common_name: &str) -> String {
        let device = Device::rsa();
        let request = device.request(device.csr(common_name, Some(CHALLENGE), &[]));
        let leaf = self.world.ask(&device, &request).await.leaf();
        openssl::print(&leaf, &["-ext", "subjectAltName"])
    }
}

#[tokio::test]
async fn a_webhook_is_asked_and_its_names_are_issued() {
    let asked = WebhookWorld::asked().await;
    let names = json!({ "dns": ["phone-1.corp.example"] });
    asked
        .double
        .decide(json!({ "decision": "ALLOW", "subjectAltNames": names }));
    let device = Device::rsa();
    let request = device.request(device.csr("phone-1", Some("s3cret"), &["phone-1.corp.example"]));
    let leaf = asked.world.ask(&device, &request).await.leaf();
    let printed = openssl::print(&leaf, &["-ext", "subjectAltName"]);
    assert!(printed.contains("DNS:phone-1.corp.example"), "{printed}");
    let [question] = asked.double.questions().try_into().unwrap();
    let data = &question.data;
    assert_eq!(data["scepProfile"]["name"], "default");
    assert_eq!(data["transactionId"], request.transaction_id);
    assert_eq!(data["messageType"], "PKCSReq");
    assert_eq!(data["subject"], "CN=phone-1,O=Corp");
    assert_eq!(data["subjectAltNames"], names);
    assert_eq!(data["keyAlgorithm"], "RSA_2048");
    assert_eq!(data["challengePassword"], "s3cret");
    let csr = scep_cms::csr::CertificationRequest::from_pem(data["csr"].as_str().unwrap()).unwrap();
    assert_eq!(
        csr.subject_public_key_info(),
        leaf.subject_public_key_info()
    );
    let digest = scep_protocol::transaction::Fingerprint::of(leaf.subject_public_key_info());
    assert_eq!(data["keySha256"], digest.to_string());
    // A missing challenge is null, and every question has an identity of its own.
    asked.double.decide(json!({ "decision": "DENY" }));
    assert_eq!(
        asked.refusal("phone-2").await,
        "the enrolment was not authorised"
    );
    let [first, second] = asked.double.questions().try_into().unwrap();
    assert_ne!(first.id, second.id);
    assert_eq!(second.data["challengePassword"], Value::Null);
    // A renewal asks nobody, and keeps the names.
    let mut device = device.holding(leaf);
    asked.world.make_renewable(&device.certificate);
    let renewal = device.renewal("phone-1");
    device = device.holding(asked.world.ask(&device, &renewal).await.leaf());
    let printed = openssl::print(&device.certificate, &["-ext", "subjectAltName"]);
    assert!(printed.contains("DNS:phone-1.corp.example"), "{printed}");
    assert_eq!(asked.double.questions().len(), 2);
}

#[tokio::test]
async fn a_webhook_that_denies_refuses_with_its_reason_and_locks_out() {
    let asked = WebhookWorld::asked().await;
    asked
        .double
        .decide(json!({ "decision": "DENY", "reason": "not in the inventory\n" }));
    let device = Device::rsa();
    for attempt in 1..=11 {
        let request = device.enrolment(&format!("phone-{attempt}"), "x");
        let (fail_info, text) = asked.world.ask(&device, &request).await.failure();
        assert_eq!(fail_info, FailInfo::BadRequest);
        let expected = match attempt {
            ..=10 => "the enrolment was not authorised: not in the inventory",
            _ => "the challengePassword is missing or wrong",
        };
        assert_eq!(text, expected);
    }
    // Whoever is locked out does not reach the webhook.
    assert_eq!(asked.double.questions().len(), 10);
}

#[tokio::test]
async fn a_request_that_the_webhook_holds_waits_for_an_administrator() {
    let asked = WebhookWorld::asked().await;
    let names = json!({ "dns": ["phone-1.corp.example"] });
    asked
        .double
        .decide(json!({ "decision": "HOLD", "subjectAltNames": names }));
    let device = Device::rsa();
    let request = device.request(device.csr("phone-1", None, &[]));
    let reply = asked.world.ask(&device, &request).await;
    assert_eq!(reply.attributes.pki_status, PkiStatus::Pending);
    let pending = asked.admin.find_transaction("PENDING").await;
    asked
        .admin
        .approve(pending["uuid"].as_str().unwrap())
        .await
        .expect(204);
    let leaf = asked
        .world
        .ask(&device, &device.poll(&request))
        .await
        .leaf();
    let printed = openssl::print(&leaf, &["-ext", "subjectAltName"]);
    assert!(printed.contains("DNS:phone-1.corp.example"), "{printed}");
    assert_eq!(asked.double.questions().len(), 1);
}

#[tokio::test]
async fn a_webhook_that_does_not_answer_as_it_should_is_a_failure_of_the_server() {
    let asked = WebhookWorld::new(&["WEBHOOK"], json!({ "timeoutSeconds": 1 })).await;
    let allow = r#"{"decision":"ALLOW"}"#;
    let redirect = Reply {
        location: Some(asked.double.url.clone()),
        ..Reply::with_status(307, allow)
    };
    let late = Reply {
        delay: Duration::from_secs(5),
        ..Reply::with_status(200, allow)
    };
    let long = format!("{}{allow}", " ".repeat(16 * 1024));
    let replies = [
        Reply::with_status(200, r#"{"decision":"MAYBE"}"#),
        Reply::with_status(200, r#"{"decision":"ALLOW","names":[]}"#),
        Reply::with_status(
            200,
            r#"{"decision":"ALLOW","subjectAltNames":{"dns":["no name"]}}"#,
        ),
        Reply::with_status(200, "ALLOW"),
        Reply::with_status(200, ""),
        Reply::with_status(200, &long),
        Reply::with_status(201, allow),
        Reply::with_status(204, ""),
        Reply::with_status(403, allow),
        Reply::with_status(500, allow),
        redirect,
        late,
    ];
    let device = Device::rsa();
    let request = device.enrolment("phone-1", "x");
    let message = || device.message(&request, &asked.world.ra_certificate);
    let count = replies.len();
    for reply in replies {
        asked.double.reply_with(reply.clone());
        let response = asked.world.post(message()).await;
        let shown = (reply.status, &reply.body[..reply.body.len().min(80)]);
        assert_eq!(response.status(), 503, "{shown:?}");
        assert!(response.headers().contains_key("retry-after"), "{shown:?}");
        assert_eq!(response.body(), "the server is busy; try again\n");
    }
    assert_eq!(asked.double.questions().len(), count);
    // A webhook that has another secret, or that is not there.
    asked
        .double
        .expect_secret("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    assert_eq!(asked.world.post(message()).await.status(), 503);
    let [objection] = asked.double.take_objections().try_into().unwrap();
    assert!(objection.starts_with("signature invalid"), "{objection}");
    let nowhere = json!({ "webhook": { "url": "http://127.0.0.1:9/" } });
    asked.admin.put(&asked.profile, nowhere).await.expect(200);
    assert_eq!(asked.world.post(message()).await.status(), 503);
    // None of this counts as a wrong challenge, and the device gets its certificate afterwards.
    let back = json!({ "webhook": { "url": asked.double.url } });
    asked.admin.put(&asked.profile, back).await.expect(200);
    asked.double.expect_secret(SECRET);
    asked.double.decide(json!({ "decision": "ALLOW" }));
    asked.world.exchange(&device, message()).await.leaf();
}

#[tokio::test]
async fn a_gate_decides_after_another_source_vouched() {
    let asked = WebhookWorld::new(&["STATIC"], json!({ "gate": true })).await;
    let names = json!({ "dns": ["phone-1.corp.example"] });
    asked
        .double
        .decide(json!({ "decision": "ALLOW", "subjectAltNames": names }));
    let printed = asked.names_of("phone-1").await;
    assert!(printed.contains("DNS:phone-1.corp.example"), "{printed}");
    let [question] = asked.double.questions().try_into().unwrap();
    assert_eq!(question.data["challengePassword"], CHALLENGE);
    // Whom nobody else vouches for does not reach the gate.
    assert_eq!(
        asked.refusal("phone-2").await,
        "the challengePassword is missing or wrong"
    );
    assert_eq!(asked.double.questions().len(), 1);
    asked
        .double
        .decide(json!({ "decision": "DENY", "reason": "stolen" }));
    let device = Device::rsa();
    let request = device.enrolment("phone-3", CHALLENGE);
    let (_, text) = asked.world.ask(&device, &request).await.failure();
    assert_eq!(text, "the enrolment was not authorised: stolen");
    asked.double.decide(json!({ "decision": "HOLD" }));
    let reply = asked.world.ask(&device, &request).await;
    assert_eq!(reply.attributes.pki_status, PkiStatus::Pending);
    asked.double.reply_with(Reply::with_status(500, ""));
    let device = Device::rsa();
    let request = device.enrolment("phone-4", CHALLENGE);
    let message = device.message(&request, &asked.world.ra_certificate);
    assert_eq!(asked.world.post(message).await.status(), 503);
    // The gate is asked about requests that an administrator alone decides about, too.
    let manual = json!({ "challengeSources": [], "requireManualApproval": true });
    asked.admin.put(&asked.profile, manual).await.expect(200);
    asked.double.decide(json!({ "decision": "DENY" }));
    assert_eq!(
        asked.refusal("phone-5").await,
        "the enrolment was not authorised"
    );
    asked.double.decide(json!({ "decision": "ALLOW" }));
    let device = Device::rsa();
    let request = device.request(device.csr("phone-6", None, &[]));
    let reply = asked.world.ask(&device, &request).await;
    assert_eq!(reply.attributes.pki_status, PkiStatus::Pending);
}

/// The sample receiver in the documentation, on a free port.
struct SampleReceiver {
    child: Child,
    url: String,
}

impl SampleReceiver {
    fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let mut child = Command::new("python3")
            .arg(root().join("docs/webhook-receiver.py"))
            .arg(port.to_string())
            .env("WEBHOOK_SECRET", SECRET)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let url = format!("http://127.0.0.1:{port}/");
        let is_listening = (0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(50));
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        if !is_listening {
            child.kill().unwrap();
            panic!("the receiver does not listen: {:?}", child.wait());
        }
        Self { child, url }
    }

    /// Stops the receiver and returns what it printed.
    fn stop(mut self) -> String {
        self.child.kill().unwrap();
        let mut printed = String::new();
        let mut output = self.child.stdout.take().unwrap();
        std::io::Read::read_to_string(&mut output, &mut printed).unwrap();
        self.child.wait().unwrap();
        printed
    }
}

/// Otherwise the rules would decide about names of which the webhook knows nothing.
#[tokio::test]
async fn a_request_with_more_names_than_can_be_shown_is_refused_unasked() {
    let asked = WebhookWorld::asked().await;
    asked.double.decide(json!({ "decision": "ALLOW" }));
    let device = Device::rsa();
    // Its length is within the limit, and that of the same texts in UTF-8 is not.
    let attributes = [4, 7, 8, 9, 10, 11, 41, 42].map(|arc| format!("2.5.4.{arc}"));
    let wide = |kind: &String| rdn(kind, Tag::TeletexString, &[0xe9; 256]);
    let named = rdn(CN, Tag::Utf8String, b"phone-1");
    let rdns: Vec<_> = attributes.iter().map(wide).chain([named]).collect();
    let alt_names = subject_alt_name(&[dns("vpn.corp.example")]);
    let spki = device.certificate.subject_public_key_info();
    let info = request_info(&name(&rdns), spki, &[alt_names]);
    let request = device.request(device.sign_request(&info));
    let (fail_info, text) = asked.world.ask(&device, &request).await.failure();
    assert_eq!(fail_info, FailInfo::BadRequest);
    assert!(text.contains("octets, at most 4096 are allowed"), "{text}");
    assert!(asked.double.questions().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_receiver_lets_the_devices_of_its_inventory_enrol() {
    let receiver = SampleReceiver::start();
    let (world, admin, _, uuid, _) = administered().await;
    let profile = format!("/scepProfiles/{uuid}");
    let webhook = json!({ "url": receiver.url, "secret": SECRET, "notify": ["issued", "refused"] });
    let edit = json!({ "challengeSources": ["WEBHOOK"], "webhook": webhook });
    admin.put(&profile, edit).await.expect(200);
    let device = Device::rsa();
    let request = device.request(device.csr("device-1", None, &[]));
    let leaf = world.ask(&device, &request).await.leaf();
    let printed = openssl::print(&leaf, &["-ext", "subjectAltName"]);
    assert!(printed.contains("DNS:device-1.corp.example"), "{printed}");
    let request = device.request(device.csr("device-3", None, &[]));
    let (_, text) = world.ask(&device, &request).await.failure();
    assert_eq!(
        text,
        "the enrolment was not authorised: not in the inventory"
    );
    // A device of the inventory does not get the name of another one.
    let other = Device::rsa();
    let request = other.request(other.csr("device-2", None, &["device-1.corp.example"]));
    let (_, text) = world.ask(&other, &request).await.failure();
    assert_eq!(text, "the challengePassword is for another subjectAltName");
    // A request that is signed with another secret is not believed.
    let other = json!({ "webhook": { "secret": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" } });
    admin.put(&profile, other).await.expect(200);
    let request = device.request(device.csr("device-2", None, &[]));
    let message = device.message(&request, &world.ra_certificate);
    assert_eq!(world.post(message).await.status(), 503);
    let printed = receiver.stop();
    let kinds: Vec<_> = printed
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    let expected = [
        "scep.enrolment",
        "scep.certificate.issued",
        "scep.enrolment",
        "scep.request.refused",
        "scep.enrolment",
        "scep.request.refused",
    ];
    assert_eq!(kinds, expected);
}
