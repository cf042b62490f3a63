//! Jamf Pro's webhook for challenges, at the real binary.

use scepter_tests::server::http;
use serde_json::{Value, json};

use crate::admin::ndes::{ChallengeServer, create_token};

/// The event that Jamf Pro sends while it builds a SCEP payload.
fn challenge_event() -> Value {
    json!({
        "event": {
            "payloadIdentifier": "8FB1A3D5-5E3F-4B0A-9C55-000000000001",
            "payloadTypes": ["com.apple.security.scep"],
            "targetDevice": {
                "alternateMacAddress": "", "building": "", "department": "", "jssID": 13,
                "deviceName": "Ann's MacBook", "serialNumber": "C02M23PJFH50",
                "udid": "EBBFF74D-C6B7-5599-93A9-19E8BDDEFE32", "username": "ann"
            }
        },
        "webhook": {
            "eventTimestamp": 1_553_550_275_590_u64, "id": 7, "name": "SCEP",
            "webhookEvent": "SCEPChallenge"
        }
    })
}

/// Posts a body with these arguments of curl.
fn post_event(challenges: &ChallengeServer, arguments: &[&str], body: &[u8]) -> (u16, String) {
    let url = challenges.url("jamf");
    let json = ["--header", "Content-Type: application/json"];
    let sent = ["--data-binary", "@-", &url];
    let (status, answer) = http(&[&json, arguments, &sent].concat(), body);
    (status, String::from_utf8(answer).unwrap())
}

#[test]
fn jamf_gets_a_challenge_for_a_device_by_each_kind_of_authentication() {
    let challenges = ChallengeServer::start();
    let token = &challenges.token;
    let event = challenge_event().to_string();
    for (number, arguments) in [
        vec!["--user".to_owned(), format!("jamf:{token}")],
        vec![
            "--header".to_owned(),
            format!("Authorization: Bearer {token}"),
        ],
        vec!["--header".to_owned(), format!("X-API-Key: {token}")],
    ]
    .iter()
    .enumerate()
    {
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let (status, challenge) = post_event(&challenges, &arguments, event.as_bytes());
        assert_eq!((status, challenge.len()), (200, 26), "{challenge}");
        let record = challenges
            .enrol(&format!("mac-{number}"), &challenge)
            .unwrap();
        let shown = record.to_string();
        for part in [
            "C02M23PJFH50",
            "EBBFF74D-C6B7-5599-93A9-19E8BDDEFE32",
            "Ann's MacBook",
        ] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        assert_eq!(challenges.enrol("again", &challenge), None);
    }
    let made = challenges.list_challenges();
    assert_eq!(made.len(), 3);
    let note = made[0]["note"].as_str().unwrap();
    for part in [
        "jamf by token mdm (",
        "from 127.0.0.1",
        "serial number C02M23PJFH50",
        "udid EBBFF74D-C6B7-5599-93A9-19E8BDDEFE32",
    ] {
        assert!(note.contains(part), "{note}");
    }
}

#[test]
fn what_is_no_request_for_a_challenge_makes_none() {
    let challenges = ChallengeServer::start();
    let user = format!("jamf:{}", challenges.token);
    let arguments = ["--user", user.as_str()];
    let mut other = challenge_event();
    other["webhook"]["webhookEvent"] = json!("ComputerCheckIn");
    let (status, answer) = post_event(&challenges, &arguments, other.to_string().as_bytes());
    assert_eq!((status, answer.as_str()), (204, ""));
    for body in ["", "{", "[]", "<JSSEvent/>", "{\"webhook\":{}}"] {
        let (status, answer) = post_event(&challenges, &arguments, body.as_bytes());
        assert_eq!(status, 400, "{body}: {answer}");
    }
    let mut long = challenge_event();
    long["event"]["name"] = json!("x".repeat(16 * 1024));
    let (status, _) = post_event(&challenges, &arguments, long.to_string().as_bytes());
    assert_eq!(status, 413);
    let event = challenge_event().to_string();
    for wrong in [&[][..], &["--user", "jamf:wrong"]] {
        let (status, _) = post_event(&challenges, wrong, event.as_bytes());
        assert_eq!(status, 401);
    }
    let reader = create_token(challenges.data.path(), "read");
    let reader = format!("X-API-Key: {reader}");
    let (status, _) = post_event(&challenges, &["--header", &reader], event.as_bytes());
    assert_eq!(status, 403);
    assert_eq!(challenges.list_challenges(), Vec::<Value>::new());
}
