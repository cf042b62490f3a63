//! The federated credential of the stack, by which Entra and Microsoft Intune trust it without a
//! secret.

use std::sync::LazyLock;

use scepter_tests::assert::expect_status;
use scepter_tests::device::Device;
use scepter_tests::intune::{APPLICATION_ID, TENANT};
use serde_json::{Value, json};

use crate::challenges::find_profile;
use crate::services::SERVICES;
use crate::stack::{ALONE, STACK};

/// The name of the SCEP Profile for which Intune vouches.
pub(crate) const INTUNE_PROFILE: &str = "intune";

/// The endpoint for which Intune vouches, made on first use.
static INTUNE_ENDPOINT: LazyLock<()> = LazyLock::new(make_intune_endpoint);

/// The URL of a path at the API.
fn api_url(path: &str) -> String {
    STACK.outputs["ApiUrl"].replace("/api/v1", path)
}

fn make_intune_endpoint() {
    let admin = STACK.admin();
    let settings = json!({
        "challengeSources": ["INTUNE"], "intuneTenant": TENANT,
        "intuneApplicationId": APPLICATION_ID, "intuneCredential": "FEDERATED",
        "enableChallengePassword": false,
    });
    admin
        .endpoint_with(INTUNE_PROFILE, "s3cret", &settings)
        .unwrap();
    let uuid = find_profile(&admin, INTUNE_PROFILE).unwrap();
    let keys = STACK.http(&[&api_url("/.well-known/jwks.json")], &[]);
    let keys = serde_json::from_slice(&expect_status(keys, 200)).unwrap();
    let issuer = &STACK.outputs["IntuneCredentialIssuer"];
    SERVICES.intune.federate_with_keys(issuer, &uuid, keys);
}

/// Makes the endpoint for which Intune vouches, unless it was made before.
pub(crate) fn ensure_intune_endpoint() {
    LazyLock::force(&INTUNE_ENDPOINT);
}

/// Enrols a new device for which Intune made a challenge. Returns the serial number of its
/// certificate, or the status of the failure.
pub(crate) fn enrol_by_intune(common_name: &str) -> Result<String, u16> {
    ensure_intune_endpoint();
    // Functions that are still running would use the token that they have.
    SERVICES.intune.forget_tokens();
    let url = STACK.scep_url("ScepUrl", INTUNE_PROFILE);
    let ra_certificate = STACK.ra_certificate(&url);
    let device = Device::rsa();
    let challenge = SERVICES.intune.make_challenge(common_name);
    let request = device.enrolment(common_name, &challenge);
    let (status, reply) = STACK.post(&url, &device.message(&request, &ra_certificate));
    if status != 200 {
        return Err(status);
    }
    let leaf = device.read(&reply, &ra_certificate).leaf();
    Ok(leaf.issuer_and_serial_number().serial_number_hex())
}

#[test]
fn entra_reads_the_key_of_the_stack_over_https_at_both_front_doors() {
    let _shared = ALONE.read();
    // By this header the emulator's edge takes a request for one over HTTPS.
    let read = |url: &str| -> Value {
        let https = ["--header", "X-Forwarded-Proto: https", url];
        let body = expect_status(STACK.http(&https, &[]), 200);
        serde_json::from_slice(&body).unwrap()
    };
    let (edge, _) = STACK.outputs["EdgeScepUrl"].split_once("/api/").unwrap();
    let issuer = &STACK.outputs["IntuneCredentialIssuer"];
    assert_eq!(*issuer, edge.replace("http://", "https://"));
    for path in [
        "/.well-known/openid-configuration",
        "/.well-known/jwks.json",
    ] {
        let document = read(&api_url(path));
        assert_eq!(read(&format!("{edge}{path}")), document);
        assert_eq!(STACK.http(&[&format!("{edge}{path}")], &[]).0, 403);
        match document.get("issuer") {
            Some(named) => {
                assert_eq!(named, issuer);
                let keys = format!("{issuer}/.well-known/jwks.json");
                assert_eq!(document["jwks_uri"], keys);
            }
            None => {
                let members: Vec<_> = document["keys"][0].as_object().unwrap().keys().collect();
                assert_eq!(members, ["alg", "e", "kid", "kty", "n", "use"]);
            }
        }
    }
    let unknown = api_url("/.well-known/security.txt");
    assert_eq!(STACK.http(&[&unknown], &[]).0, 404);
}

#[test]
fn intune_vouches_for_devices_by_a_federated_credential_of_the_stack() {
    let _shared = ALONE.read();
    let serial_number = enrol_by_intune("phone-1").unwrap();
    let told = SERVICES.intune.successes();
    let is_ours = |told: &Value| told["certificateSerialNumber"] == serial_number.as_str();
    assert!(told.iter().any(is_ours), "{told:?}");
}
