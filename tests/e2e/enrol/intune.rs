//! Enrolments of devices that Microsoft Intune manages, against a double of Entra, Microsoft Graph
//! and Intune.

mod notices;
mod process;
mod revocations;
mod security_identifiers;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use authorise_http::{IntuneClient, IntuneNotifier, IntuneSource, IntuneUrls};
use scep_cms::attribute::{FailInfo, PkiStatus};
use scep_protocol::notice::NoticeReceiver;
use scep_protocol::profile::{IntuneCredential, IntuneSettings, ScepProfile};
use scep_protocol::vouching::ChallengeSourceKind;
use scep_service::object::Versioned;
use scep_service::ports::SecretOwner;
use scepter_tests::asn1::{
    CHALLENGE_PASSWORD, EXTENSION_REQUEST, attribute, common_name, element, integer,
    request_extensions,
};
use scepter_tests::device::{Device, Request};
use scepter_tests::intune::{APPLICATION_ID, APPLICATION_KEY, Fault, IntuneDouble, Step, TENANT};
use scepter_tests::world::World;

/// A world whose SCEP Profile asks Intune, and the double that answers.
struct IntuneWorld {
    world: World,
    double: IntuneDouble,
    client: Arc<IntuneClient>,
}

impl IntuneWorld {
    async fn new() -> Self {
        Self::with_key(APPLICATION_KEY).await
    }

    /// The same with another secret of the application.
    async fn with_key(key: &str) -> Self {
        let double = IntuneDouble::start().await;
        let mut world = World::new().await;
        let urls = IntuneUrls {
            login: double.login_url().parse().unwrap(),
            graph: double.graph_url().parse().unwrap(),
        };
        let client = IntuneClient::new(
            urls,
            world.enrolment.secrets.clone(),
            None,
            world.clock.clone(),
        );
        let client = Arc::new(client);
        let source = Arc::new(IntuneSource::new(Arc::clone(&client)));
        let services = &mut world.enrolment.services;
        services.insert(ChallengeSourceKind::Intune, source);
        let notifier = Arc::new(IntuneNotifier::new(Arc::clone(&client)));
        let notifiers = &mut world.enrolment.notifiers;
        notifiers.insert(NoticeReceiver::Intune, notifier);
        let found: Versioned<ScepProfile> = world.find().await;
        let owner = SecretOwner::ServiceCredentials(found.object.uuid);
        let sealed = world.enrolment.secrets.seal(owner, &key.into()).await;
        let settings = IntuneSettings {
            tenant: Some(TENANT.to_owned()),
            application_id: Some(APPLICATION_ID.to_owned()),
            application_key: Some(sealed.unwrap()),
            credential: IntuneCredential::Secret,
        };
        world
            .edit_scep_profile(|profile| {
                profile.intune = settings;
                profile.chosen_sources = Some(BTreeSet::from([ChallengeSourceKind::Intune]));
            })
            .await;
        Self {
            world,
            double,
            client,
        }
    }

    /// A device and its request for this CN, with a challenge that Intune made for it.
    fn plan_enrolment(&self, common_name: &str) -> (Device, Request) {
        let device = Device::rsa();
        let challenge = self.double.make_challenge(common_name);
        let request = device.enrolment(common_name, &challenge);
        (device, request)
    }

    /// Sends a request and returns the HTTP status of the reply.
    async fn status_of(&self, device: &Device, request: &Request) -> u16 {
        let message = device.message(request, &self.world.ra_certificate);
        self.world.post(message).await.status().as_u16()
    }

    /// Enrols a new device and asserts that it gets its certificate.
    async fn assert_enrols(&self, common_name: &str) {
        let (device, request) = self.plan_enrolment(common_name);
        self.world.ask(&device, &request).await.leaf();
    }
}

#[tokio::test]
async fn intune_vouches_for_a_device_that_asks_for_what_it_was_told_to() {
    let IntuneWorld { world, double, .. } = &IntuneWorld::new().await;
    let challenge = double.make_challenge("phone-1");
    let device = Device::rsa();
    let leaf = world
        .ask(&device, &device.enrolment("phone-1", &challenge))
        .await
        .leaf();
    let key = device.certificate.subject_public_key_info();
    assert_eq!(leaf.subject_public_key_info(), key);
    double.assert_content();
    assert_eq!(double.count_calls(Step::Login), 2);
    assert_eq!(double.count_calls(Step::Graph), 1);
    assert_eq!(double.count_calls(Step::Validate), 1);
    // Tokens and locations are used again.
    let challenge = double.make_challenge("phone-2");
    let device = Device::rsa();
    let request = device.enrolment("phone-2", &challenge);
    world.ask(&device, &request).await.leaf();
    assert_eq!(double.count_calls(Step::Login), 2);
    assert_eq!(double.count_calls(Step::Graph), 1);
    assert_eq!(double.count_calls(Step::Validate), 2);
}

/// Windows' MDM client, as SimpleSCEP's authors saw it: a signer that is thrown away, attributes of
/// the operating system, and a challenge that is a PrintableString.
#[tokio::test]
async fn windows_enrols() {
    let asked = IntuneWorld::new().await;
    let proxy = |profile: &mut ScepProfile| profile.settings.allow_proxy_signer = true;
    asked.world.edit_scep_profile(proxy).await;
    let device = Device::rsa();
    let challenge = asked.double.make_challenge("pc-7");
    let client = element(0x30, &[&integer(&[9]), &element(0x0c, &[b"PC-7"])]);
    let attributes = [
        attribute(
            "1.3.6.1.4.1.311.13.2.3",
            &[element(0x16, &[b"10.0.22631.2"])],
        ),
        attribute("1.3.6.1.4.1.311.21.20", &[client]),
        attribute(
            CHALLENGE_PASSWORD,
            &[element(0x13, &[challenge.as_bytes()])],
        ),
    ];
    let info = [
        integer(&[0]),
        common_name("pc-7"),
        device.certificate.subject_public_key_info().to_vec(),
        element(0xa0, &[&attributes.concat()]),
    ];
    let request = device.request(device.sign_request(&element(0x30, &[&info.concat()])));
    let signer = Device::named("SCEP Protocol Certificate", &[1]);
    let leaf = asked.world.ask(&signer, &request).await.leaf();
    let key = device.certificate.subject_public_key_info();
    assert_eq!(leaf.subject_public_key_info(), key);
    asked.double.assert_content();
}

/// Apple's client: an empty list of extensions, and a challenge that is a UTF8String.
#[tokio::test]
async fn apple_enrols() {
    let asked = IntuneWorld::new().await;
    let device = Device::rsa();
    let challenge = asked.double.make_challenge("ipad-3");
    let attributes = [
        attribute(
            CHALLENGE_PASSWORD,
            &[element(0x0c, &[challenge.as_bytes()])],
        ),
        request_extensions(EXTENSION_REQUEST, &[]),
    ];
    let info = [
        integer(&[0]),
        common_name("ipad-3"),
        device.certificate.subject_public_key_info().to_vec(),
        element(0xa0, &[&attributes.concat()]),
    ];
    let request = device.request(device.sign_request(&element(0x30, &[&info.concat()])));
    asked.world.ask(&device, &request).await.leaf();
    asked.double.assert_content();
}

#[tokio::test]
async fn what_intune_refuses_is_refused_with_its_code() {
    let asked = IntuneWorld::new().await;
    let IntuneWorld { world, double, .. } = &asked;
    let device = Device::rsa();
    let refusal = async |request: &Request| world.ask(&device, request).await.failure();
    let other = device.enrolment("phone-1", "never made by Intune");
    let (info, text) = refusal(&other).await;
    assert_eq!(info, FailInfo::BadRequest);
    assert!(text.contains("Intune: ChallengeDecryptionError"), "{text}");
    let challenge = double.make_challenge("phone-2");
    let (_, text) = refusal(&device.enrolment("phone-1", &challenge)).await;
    assert!(
        text.contains("Intune: SubjectNameMismatch, the subject"),
        "{text}"
    );
    double.expire_challenges();
    let (_, text) = refusal(&device.enrolment("phone-2", &challenge)).await;
    assert!(text.contains("Intune: ChallengeExpired, "), "{text}");
    for code in ["KeyLengthMismatch", "Unknown", "SomethingNew"] {
        double.refuse_next(code);
        let (_, text) = refusal(&device.enrolment("phone-3", &challenge)).await;
        assert!(text.contains(code), "{text}");
    }
    // A no is final: nobody asks twice.
    assert_eq!(double.count_calls(Step::Validate), 6);
    assert_eq!(world.count_transactions(), 0);
    double.assert_content();
}

#[tokio::test]
async fn intune_is_not_asked_about_a_request_without_challenge() {
    let asked = IntuneWorld::new().await;
    let device = Device::rsa();
    let request = device.request(device.csr("phone-1", None, &[]));
    let (info, text) = asked.world.ask(&device, &request).await.failure();
    assert_eq!(info, FailInfo::BadRequest);
    assert_eq!(text, "the challengePassword is missing or wrong");
    assert_eq!(asked.double.count_calls(Step::Validate), 0);
}

#[tokio::test]
async fn the_same_request_again_gets_the_same_certificate() {
    let asked = IntuneWorld::new().await;
    let (device, request) = asked.plan_enrolment("phone-1");
    let leaf = asked.world.ask(&device, &request).await.leaf();
    // Intune knows a challenge for an hour, and a device may ask again later.
    asked.double.expire_challenges();
    assert_eq!(asked.world.ask(&device, &request).await.leaf(), leaf);
    assert_eq!(asked.double.count_calls(Step::Validate), 1);
    assert_eq!(asked.world.count_transactions(), 1);
    asked.double.assert_content();
}

#[tokio::test]
async fn an_outage_is_no_refusal_and_the_next_try_succeeds() {
    for step in [Step::Login, Step::Graph, Step::Validate] {
        let asked = IntuneWorld::new().await;
        asked
            .world
            .clock
            .skipped
            .lock()
            .unwrap()
            .get_or_insert_default();
        let (device, request) = asked.plan_enrolment("phone-1");
        asked.double.fail_next(step, &[Fault::Outage]);
        let message = device.message(&request, &asked.world.ra_certificate);
        let response = asked.world.post(message).await;
        assert_eq!(response.status(), 503, "{step:?}");
        assert!(response.headers().contains_key("retry-after"));
        assert_eq!(asked.double.count_calls(step), 3, "{step:?}");
        assert_eq!(asked.world.count_transactions(), 0);
        asked.double.heal(step);
        asked.world.ask(&device, &request).await.leaf();
        asked.double.assert_content();
    }
}

#[tokio::test]
async fn a_passing_failure_is_tried_again_before_the_device_notices() {
    for step in [Step::Login, Step::Graph, Step::Validate] {
        let asked = IntuneWorld::new().await;
        asked
            .world
            .clock
            .skipped
            .lock()
            .unwrap()
            .get_or_insert_default();
        let faults = [Fault::Status(500), Fault::Throttled(2)];
        asked.double.fail_next(step, &faults);
        asked.assert_enrols("phone-1").await;
        asked.double.assert_content();
        // The second wait is as long as the service wants.
        let waited = asked.world.clock.skipped.lock().unwrap().unwrap();
        assert!(waited >= Duration::from_millis(2_250), "{waited:?}");
    }
}

#[tokio::test]
async fn a_service_that_wants_a_long_wait_is_left_alone() {
    let asked = IntuneWorld::new().await;
    asked
        .world
        .clock
        .skipped
        .lock()
        .unwrap()
        .get_or_insert_default();
    let (device, request) = asked.plan_enrolment("phone-1");
    let throttled = [Fault::Throttled(600)];
    asked.double.fail_next(Step::Validate, &throttled);
    assert_eq!(asked.status_of(&device, &request).await, 503);
    assert_eq!(asked.double.count_calls(Step::Validate), 1);
}

#[tokio::test]
async fn an_answer_that_is_none_is_a_failure() {
    for (step, body) in [
        (Step::Login, "<html>"),
        (Step::Login, r#"{"token_type":"Bearer","expires_in":3599}"#),
        (
            Step::Login,
            r#"{"token_type":"mac","expires_in":3599,"access_token":"x"}"#,
        ),
        (Step::Graph, "{}"),
        (Step::Graph, r#"{"value":[]}"#),
        (Step::Validate, ""),
        (Step::Validate, "[]"),
        (Step::Validate, r#"{"errorDescription":"Success"}"#),
        (Step::Validate, r#"{"code":true}"#),
        (Step::Validate, r#"{"code":"Suc cess"}"#),
    ] {
        let asked = IntuneWorld::new().await;
        let (device, request) = asked.plan_enrolment("phone-1");
        let fault = [Fault::Answer(body.to_owned())];
        asked.double.fail_next(step, &fault);
        assert_eq!(asked.status_of(&device, &request).await, 503, "{body}");
        assert_eq!(asked.world.count_transactions(), 0);
        asked.world.ask(&device, &request).await.leaf();
    }
}

#[tokio::test]
async fn a_status_that_no_retry_changes_fails_at_once() {
    let asked = IntuneWorld::new().await;
    let (device, request) = asked.plan_enrolment("phone-1");
    asked
        .double
        .fail_next(Step::Validate, &[Fault::Status(400)]);
    assert_eq!(asked.status_of(&device, &request).await, 503);
    assert_eq!(asked.double.count_calls(Step::Validate), 1);
    // Another status of success than 200 is none either.
    asked
        .double
        .fail_next(Step::Validate, &[Fault::Status(204)]);
    assert_eq!(asked.status_of(&device, &request).await, 503);
}

#[tokio::test]
async fn tokens_that_end_or_are_withdrawn_are_replaced() {
    let asked = IntuneWorld::new().await;
    asked.assert_enrols("phone-1").await;
    asked.world.clock.advance(Duration::from_secs(3_599 - 120));
    asked.assert_enrols("phone-2").await;
    // Microsoft Graph was not asked again, so its token was not needed.
    assert_eq!(asked.double.count_calls(Step::Login), 3);
    asked.double.assert_content();
    asked.double.forget_tokens();
    asked.assert_enrols("phone-3").await;
    assert_eq!(asked.double.count_calls(Step::Login), 5);
}

#[tokio::test]
async fn services_that_moved_are_found_again() {
    let asked = IntuneWorld::new().await;
    asked.assert_enrols("phone-1").await;
    asked.double.move_services();
    asked.assert_enrols("phone-2").await;
    assert_eq!(asked.double.count_calls(Step::Graph), 2);
    for status in [302, 404, 410] {
        asked
            .double
            .fail_next(Step::Validate, &[Fault::Status(status)]);
        asked.assert_enrols("phone-3").await;
    }
    // Once only: a service that always says so is not asked forever.
    let before = asked.double.count_calls(Step::Validate);
    let gone = [Fault::Status(404), Fault::Status(404)];
    asked.double.fail_next(Step::Validate, &gone);
    let (device, request) = asked.plan_enrolment("phone-4");
    assert_eq!(asked.status_of(&device, &request).await, 503);
    assert_eq!(asked.double.count_calls(Step::Validate), before + 2);
}

#[tokio::test]
async fn a_silent_service_is_given_up_in_time() {
    let asked = IntuneWorld::new().await;
    let (device, request) = asked.plan_enrolment("phone-1");
    let silent = [Fault::Silence, Fault::Silence, Fault::Silence];
    asked.double.fail_next(Step::Validate, &silent);
    let start = std::time::Instant::now();
    assert_eq!(asked.status_of(&device, &request).await, 503);
    assert!(start.elapsed() < Duration::from_secs(12));
}

#[tokio::test]
async fn a_wrong_secret_or_setting_is_our_failure() {
    let asked = IntuneWorld::with_key("wrong").await;
    let (device, request) = asked.plan_enrolment("phone-1");
    assert_eq!(asked.status_of(&device, &request).await, 503);
    assert_eq!(asked.double.count_calls(Step::Login), 1);
    let asked = IntuneWorld::new().await;
    let (device, request) = asked.plan_enrolment("phone-1");
    let edits: [fn(&mut ScepProfile); 4] = [
        |profile| profile.intune.tenant = None,
        |profile| profile.intune.tenant = Some("a/../b".to_owned()),
        |profile| profile.intune.application_id = None,
        |profile| profile.intune.application_key = None,
    ];
    for edit in edits {
        let found: Versioned<ScepProfile> = asked.world.find().await;
        asked.world.edit_scep_profile(edit).await;
        assert_eq!(asked.status_of(&device, &request).await, 503);
        let intune = found.object.intune;
        asked
            .world
            .edit_scep_profile(|profile| profile.intune = intune)
            .await;
    }
    assert_eq!(asked.double.count_calls(Step::Login), 0);
    asked.world.ask(&device, &request).await.leaf();
}

#[tokio::test]
async fn an_administrator_may_have_to_approve_what_intune_vouches_for() {
    let asked = IntuneWorld::new().await;
    let hold = |profile: &mut ScepProfile| profile.settings.require_manual_approval = true;
    asked.world.edit_scep_profile(hold).await;
    let (device, request) = asked.plan_enrolment("phone-1");
    let reply = asked.world.ask(&device, &request).await;
    assert_eq!(reply.attributes.pki_status, PkiStatus::Pending);
}
