//! Revocations that Intune orders.

use scep_cms::certificate::Certificate;
use scep_protocol::profile::ScepProfile;
use scepter_tests::device::Device;
use scepter_tests::intune::{Fault, Step};
use scepter_tests::world::CHALLENGE;

use crate::enrol::intune::IntuneWorld;

/// The issuer as Intune was told of it.
const ISSUER: &str = "CN=Test CA,O=Corp";

impl IntuneWorld {
    async fn enrol_for_revocation(&self, common_name: &str) -> Certificate {
        let (device, request) = self.plan_enrolment(common_name);
        self.world.ask(&device, &request).await.leaf()
    }

    /// Orders the revocation of a certificate.
    fn order(&self, certificate: &Certificate) {
        let serial_number = certificate.issuer_and_serial_number().serial_number_hex();
        self.double.order_revocation(&serial_number, ISSUER);
    }

    /// Whether maintenance could follow every order.
    async fn follow_orders(&self) -> bool {
        let administration = &self.world.administration;
        let followed = administration.follow_revocation_orders(&*self.client).await;
        followed.is_ok()
    }

    async fn is_revoked(&self, certificate: &Certificate) -> bool {
        let serial_number = certificate.issuer_and_serial_number().serial_number_hex();
        let uuid = uuid::Uuid::parse_str(&serial_number).unwrap();
        let store = &self.world.administration.store;
        let uuid = newtype_uuid::GenericUuid::from_untyped_uuid(uuid);
        let found = store.certificate_record(uuid).await.unwrap().unwrap();
        found.summary.revocation.is_some()
    }
}

#[tokio::test]
async fn what_intune_orders_is_revoked_and_reported_once() {
    let asked = IntuneWorld::new().await;
    let lost = asked.enrol_for_revocation("phone-1").await;
    let kept = asked.enrol_for_revocation("phone-2").await;
    assert!(asked.follow_orders().await);
    assert_eq!(asked.double.results().len(), 0);
    asked.order(&lost);
    // Orders for other CAs of the tenant are theirs.
    asked.double.order_revocation("0A", "CN=Other CA");
    assert!(asked.follow_orders().await);
    assert!(asked.is_revoked(&lost).await);
    assert!(!asked.is_revoked(&kept).await);
    let results = asked.double.results();
    assert_eq!(results.len(), 1);
    assert_eq!(results[0]["succeeded"], true);
    assert!(asked.follow_orders().await);
    assert_eq!(asked.double.results().len(), 1);
    asked.double.assert_content();
}

#[tokio::test]
async fn an_order_is_repeated_until_its_report_arrives() {
    let asked = IntuneWorld::new().await;
    let waits = &asked.world.clock.skipped;
    waits.lock().unwrap().get_or_insert_default();
    let lost = asked.enrol_for_revocation("phone-1").await;
    asked.order(&lost);
    asked.double.fail_next(Step::Upload, &[Fault::Outage]);
    assert!(!asked.follow_orders().await);
    assert!(asked.is_revoked(&lost).await);
    asked.double.heal(Step::Upload);
    let untrue = [Fault::Answer(r#"{"value":false}"#.to_owned())];
    asked.double.fail_next(Step::Upload, &untrue);
    assert!(!asked.follow_orders().await);
    assert!(asked.follow_orders().await);
    let results = asked.double.results();
    assert_eq!(results.len(), 1);
    assert_eq!(results[0]["succeeded"], true);
    asked.double.assert_content();
}

#[tokio::test]
async fn intune_has_no_say_about_certificates_that_it_did_not_validate() {
    let asked = IntuneWorld::new().await;
    let fixed = |profile: &mut ScepProfile| {
        let sources = profile.chosen_sources.as_mut().unwrap();
        sources.insert(scep_protocol::vouching::ChallengeSourceKind::Static);
    };
    asked.world.edit_scep_profile(fixed).await;
    let device = Device::rsa();
    let request = device.enrolment("server-1", CHALLENGE);
    let others = asked.world.ask(&device, &request).await.leaf();
    asked.order(&others);
    for unknown in ["0A0B", "not hexadecimal", "../x", &"F".repeat(41)] {
        asked.double.order_revocation(unknown, ISSUER);
    }
    assert!(asked.follow_orders().await);
    assert!(!asked.is_revoked(&others).await);
    let results = asked.double.results();
    assert_eq!(results.len(), 5);
    let is_unknown = |result: &serde_json::Value| result["errorCode"] == "CertificateNotFoundError";
    assert!(results.iter().all(is_unknown), "{results:?}");
    asked.double.assert_content();
}

#[tokio::test]
async fn profiles_that_do_not_serve_follow_no_orders() {
    let asked = IntuneWorld::new().await;
    let lost = asked.enrol_for_revocation("phone-1").await;
    asked.order(&lost);
    let disable = |profile: &mut ScepProfile| profile.enabled = false;
    asked.world.edit_scep_profile(disable).await;
    assert!(asked.follow_orders().await);
    assert_eq!(asked.double.count_calls(Step::Download), 0);
    assert!(!asked.is_revoked(&lost).await);
}
