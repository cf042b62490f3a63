//! One-time challenges in AWS: who makes them, and what devices get for them at both front doors.

use scep_cms::attribute::PkiStatus;
use scep_cms::certificate::Certificate;
use scepter_tests::device::Device;
use scepter_tests::webhook::SECRET;
use serde_json::{Value, json};

use crate::services::SERVICES;
use crate::stack::{ALONE, Api, STACK};

const CHALLENGE: &str = "s3cret";

/// The URL of MDMs below a profile of this name.
fn mdm_url(profile: &str, tail: &str) -> String {
    let url = STACK.scep_url("ScepUrl", profile);
    url.replace("pkiclient.exe", tail)
}

/// Creates an endpoint for one-time challenges besides its own, and returns the uuid of its SCEP
/// Profile.
pub(crate) fn make_one_time_endpoint(admin: &Api<'_>, name: &str) -> Result<String, u16> {
    let sources = json!({ "challengeSources": ["ONE_TIME", "STATIC"] });
    admin.endpoint_with(name, CHALLENGE, &sources)?;
    find_profile(admin, name)
}

/// Finds a SCEP Profile by its name and returns its uuid, or the status of the refusal.
pub(crate) fn find_profile(admin: &Api<'_>, name: &str) -> Result<String, u16> {
    let (status, profiles) = admin.call("GET", "/scepProfiles", &Value::Null);
    if status != 200 {
        return Err(status);
    }
    let mut profiles = profiles.as_array().unwrap().iter();
    let profile = profiles.find(|profile| profile["name"] == name).unwrap();
    Ok(profile["uuid"].as_str().unwrap().to_owned())
}

/// Makes a challenge by the API and returns its secret, or the status of the refusal.
pub(crate) fn make_challenge(admin: &Api<'_>, profile: &str) -> Result<String, u16> {
    let path = format!("/scepProfiles/{profile}/challenges");
    let body = json!({ "validity": "PT1H", "note": "asset 4711" });
    match admin.call("POST", &path, &body) {
        (201, made) => Ok(made["challengePassword"].as_str().unwrap().to_owned()),
        (status, _) => Err(status),
    }
}

/// Enrols a new device, and returns whether it got a certificate.
fn is_issued(url: &str, ra_certificate: &Certificate, name: &str, challenge: &str) -> bool {
    let device = Device::rsa();
    let message = device.message(&device.enrolment(name, challenge), ra_certificate);
    let (status, reply) = STACK.post(url, &message);
    assert_eq!(status, 200);
    let reply = device.read(&reply, ra_certificate);
    reply.attributes.pki_status == PkiStatus::Success
}

#[test]
fn a_one_time_challenge_enrols_once_through_each_front_door() {
    let _shared = ALONE.read();
    let admin = STACK.admin();
    let profile = make_one_time_endpoint(&admin, "onetime").unwrap();
    for door in ["ScepUrl", "EdgeScepUrl"] {
        let url = STACK.scep_url(door, "onetime");
        let ra_certificate = STACK.ra_certificate(&url);
        let challenge = make_challenge(&admin, &profile).unwrap();
        assert!(is_issued(&url, &ra_certificate, door, &challenge), "{door}");
        assert!(!is_issued(&url, &ra_certificate, "again", &challenge));
    }
    let path = format!("/scepProfiles/{profile}/challenges?state=USED");
    let (_, list) = admin.call("GET", &path, &Value::Null);
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
}

#[test]
fn a_webhook_vouches_through_each_front_door() {
    let _shared = ALONE.read();
    let admin = STACK.admin();
    let webhook = json!({ "url": SERVICES.webhook.url, "secret": SECRET });
    let sources = json!({ "challengeSources": ["STATIC", "WEBHOOK"], "webhook": webhook });
    admin
        .endpoint_with("inventory", CHALLENGE, &sources)
        .unwrap();
    for door in ["ScepUrl", "EdgeScepUrl"] {
        let url = STACK.scep_url(door, "inventory");
        let ra_certificate = STACK.ra_certificate(&url);
        SERVICES.webhook.decide(json!({ "decision": "ALLOW" }));
        assert!(is_issued(&url, &ra_certificate, door, "of the inventory"));
        let questions = SERVICES.webhook.questions();
        let asked = &questions.last().unwrap().data;
        assert!(asked["subject"].as_str().unwrap().contains(door), "{asked}");
        assert!(asked["clientAddress"].is_string(), "{asked}");
        let unknown = json!({ "decision": "DENY", "reason": "not in the inventory" });
        SERVICES.webhook.decide(unknown);
        assert!(!is_issued(
            &url,
            &ra_certificate,
            "unknown",
            "of the inventory"
        ));
    }
}

#[test]
fn of_devices_that_show_a_challenge_to_several_functions_at_once_one_enrols() {
    let _alone = ALONE.write();
    let admin = STACK.admin();
    let profile = make_one_time_endpoint(&admin, "onceonly").unwrap();
    let url = STACK.scep_url("ScepUrl", "onceonly");
    let ra_certificate = STACK.ra_certificate(&url);
    for round in 0..3 {
        let challenge = make_challenge(&admin, &profile).unwrap();
        let issued = std::thread::scope(|scope| {
            let enrol = |number: usize| {
                let name = format!("device-{round}-{number}");
                let (url, challenge, ra_certificate) = (&url, &challenge, &ra_certificate);
                scope.spawn(move || is_issued(url, ra_certificate, &name, challenge))
            };
            let enrolled = [enrol(0), enrol(1), enrol(2)];
            enrolled.map(|enrolled| enrolled.join().unwrap())
        });
        let issued = issued.iter().filter(|issued| **issued).count();
        assert_eq!(issued, 1, "round {round}");
    }
}

#[test]
fn an_mdm_gets_challenges_for_a_token_or_for_its_client_secret() {
    let _shared = ALONE.read();
    let admin = STACK.admin();
    make_one_time_endpoint(&admin, "mdm").unwrap();
    let url = STACK.scep_url("ScepUrl", "mdm");
    let ra_certificate = STACK.ra_certificate(&url);
    let token = STACK.token("scepter/challenge");
    let event = json!({
        "webhook": { "webhookEvent": "SCEPChallenge" },
        "event": { "targetDevice": { "serialNumber": "C02M23PJFH50", "udid": "EBBFF74D" } }
    });
    let ask = |header: &[&str], tail: &str| {
        let url = mdm_url("mdm", tail);
        match tail {
            "jamf" => {
                let sent = ["--header", "Content-Type: application/json", "--data", "@-"];
                let arguments = [header, &sent, &[&url]].concat();
                STACK.http(&arguments, event.to_string().as_bytes())
            }
            _ => STACK.http(&[header, &[&url]].concat(), &[]),
        }
    };
    let user = format!("any:{token}");
    let bearer = format!("Authorization: Bearer {token}");
    let api_key = format!("X-API-Key: {token}");
    for (number, (header, tail)) in [
        (["--user", user.as_str()], "mscep_admin"),
        (["--user", &user], "certsrv/mscep_admin"),
        (["--user", &STACK.mdm], "mscep_admin"),
        (["--user", &user], "jamf"),
        (["--header", &bearer], "jamf"),
        (["--header", &api_key], "jamf"),
        (["--user", &STACK.mdm], "jamf"),
    ]
    .into_iter()
    .enumerate()
    {
        let (status, answer) = ask(&header, tail);
        assert_eq!(status, 200, "{header:?} {tail}");
        let challenge = match tail {
            "jamf" => String::from_utf8(answer).unwrap(),
            _ => read_page(&answer),
        };
        let name = format!("mdm-{number}");
        assert!(is_issued(&url, &ra_certificate, &name, &challenge));
    }
    // A HEAD makes no challenge.
    let page = mdm_url("mdm", "mscep_admin");
    let (status, answer) = STACK.http(&["--head", "--user", &user, &page], &[]);
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
    let read = format!("u:{}", STACK.token("scepter/read"));
    let (client, _) = STACK.mdm.split_once(':').unwrap();
    let wrong_secret = format!("{client}:0123456789abcdef");
    let changed = format!("any:{}x", &token[..token.len() - 1]);
    for tail in ["mscep_admin", "jamf"] {
        assert_eq!(ask(&[], tail).0, 401);
        assert_eq!(ask(&["--user", &wrong_secret], tail).0, 401);
        assert_eq!(ask(&["--user", &changed], tail).0, 401);
        assert_eq!(ask(&["--user", &read], tail).0, 403);
    }
}

/// The challenge on NDES's page, which is UTF-16 with a byte order mark.
fn read_page(page: &[u8]) -> String {
    assert_eq!(page[..2], [0xff, 0xfe], "{}", String::from_utf8_lossy(page));
    let units: Vec<_> = page[2..]
        .chunks(2)
        .map(|unit| u16::from_le_bytes([unit[0], unit[1]]))
        .collect();
    let page = String::from_utf16(&units).unwrap();
    let (_, rest) = page.split_once("password is: <B> ").unwrap();
    rest.split(' ').next().unwrap().to_owned()
}
