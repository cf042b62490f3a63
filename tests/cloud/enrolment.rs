//! Administration through API Gateway, and devices through API Gateway and the edge.

use std::time::{Duration, Instant};

use scep_cms::attribute::FailInfo;
use scep_cms::certificate::Certificate;
use scep_cms::degenerate::DegenerateSignedData;
use scepter_tests::assert::expect_status;
use scepter_tests::device::Device;
use scepter_tests::interop::tools;
use serde_json::json;

use crate::stack::{ALONE, PROFILES_MAX_AGE, STACK};

const CHALLENGE: &str = "s3cret";

/// The stack outputs of both front doors, API Gateway and the edge.
const DOORS: [&str; 2] = ["ScepUrl", "EdgeScepUrl"];

#[test]
fn an_administrator_makes_everything_and_a_device_enrols() {
    let _shared = ALONE.read();
    let admin = STACK.admin();
    STACK.run("administer.sh", &[&STACK.outputs["ApiUrl"], &admin.token]);
}

/// The function writes the record and the count after its answer, before Lambda freezes it.
#[test]
fn a_refused_request_is_recorded_and_counted() {
    let _shared = ALONE.read();
    let admin = STACK.admin();
    admin.endpoint("recorded", CHALLENGE).unwrap();
    let url = STACK.scep_url("ScepUrl", "recorded");
    let device = Device::rsa();
    let request = device.enrolment("device-1", "guessed");
    let message = device.message(&request, &STACK.ra_certificate(&url));
    assert_eq!(STACK.post(&url, &message).0, 200);
    let path = format!("/scepRequests?transactionId={}", request.transaction_id);
    let began = Instant::now();
    let item = loop {
        let (status, page) = admin.call("GET", &path, &json!(null));
        assert_eq!(status, 200, "{page}");
        if page["items"][0].is_object() {
            break page["items"][0].clone();
        }
        assert!(began.elapsed() < Duration::from_secs(10), "{page}");
        std::thread::sleep(Duration::from_millis(100));
    };
    assert_eq!(item["reason"], "challenge");
    assert_eq!(item["subject"], "CN=device-1,O=Corp");
    // A process counts once a minute, and other tests may have had this minute's.
    let began = Instant::now();
    loop {
        let (status, statistics) = admin.call("GET", "/statistics?by=day", &json!(null));
        assert_eq!(status, 200, "{statistics}");
        let days = statistics["items"].as_array().unwrap().iter();
        let counts = days.filter_map(|day| day["refusals"]["challenge"].as_u64());
        if counts.sum::<u64>() > 0 {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(90), "{statistics}");
        std::thread::sleep(Duration::from_secs(5));
        assert_eq!(STACK.post(&url, &message).0, 200);
    }
}

/// Renewal, approval, revocation, CRLs and rollover, with three clients.
#[test]
fn certificates_are_renewed_waited_for_revoked_and_carried_over() {
    let _shared = ALONE.read();
    let admin = STACK.admin();
    let tools = tools();
    let arguments = [
        &STACK.outputs["ApiUrl"],
        &admin.token,
        tools.to_str().unwrap(),
    ];
    STACK.run("lifecycle.sh", &arguments);
}

/// Both front doors serve the announcement of the next authority and the CRL.
#[test]
fn the_next_authority_and_the_crl_are_at_both_front_doors() {
    let _shared = ALONE.read();
    let admin = STACK.admin();
    admin.endpoint("next", CHALLENGE).unwrap();
    let (_, authorities) = admin.call("GET", "/authorities", &json!(null));
    let mut authorities = authorities.as_array().unwrap().iter();
    let authority = authorities.find(|authority| authority["name"] == "next");
    let path = format!(
        "/authorities/{}/rollover",
        authority.unwrap()["uuid"].as_str().unwrap()
    );
    // A key belongs to one generation only.
    let key = json!({ "keyArn": authority.unwrap()["keyReference"] });
    let (status, reasons) = admin.call("POST", &path, &key);
    assert_eq!(status, 422, "{reasons}");
    assert_eq!(
        reasons,
        json!(["keyArn: the authority has this key already"])
    );
    let (status, begun) = admin.call("POST", &path, &json!({}));
    assert_eq!(status, 200, "{begun}");
    let next = Certificate::from_pem(begun["next"]["pem"].as_str().unwrap()).unwrap();
    for door in DOORS {
        let url = STACK.scep_url(door, "next");
        let get = |operation: &str| STACK.http(&[&format!("{url}?operation={operation}")], &[]);
        let (_, caps) = get("GetCACaps");
        assert!(String::from_utf8(caps).unwrap().contains("GetNextCACert"));
        let message = expect_status(get("GetNextCACert"), 200);
        let outer = DegenerateSignedData::from_ber(&message).unwrap();
        assert_eq!(outer.certificates[0], next.der());
    }
    for crl in ["CrlUrl", "EdgeCrlUrl"] {
        let url = STACK.outputs[crl].replace("{authorityName}", "next");
        for url in [url.clone(), url.replace(".crl", "/2.crl")] {
            let (status, crl) = STACK.http(&[&url], &[]);
            assert_eq!(status, 200, "{url}");
            assert_eq!(ca::crl::read_crl_entries(&crl).unwrap(), []);
            let (status, head) = STACK.http(&["--head", &url], &[]);
            let head = String::from_utf8(head).unwrap().to_lowercase();
            assert_eq!(status, 200, "{url}: {head}");
            let tag = head
                .split("etag: ")
                .nth(1)
                .and_then(|rest| rest.lines().next());
            let tag = tag.unwrap_or_else(|| panic!("{url}: {head}"));
            let known = ["--header", &format!("If-None-Match: {tag}"), &url];
            assert_eq!(STACK.http(&known, &[]).0, 304, "{url}");
        }
    }
    // API Gateway passes other methods to the function, which rejects them.
    let url = STACK.outputs["CrlUrl"].replace("{authorityName}", "next");
    assert_eq!(STACK.http(&["--request", "POST", &url], &[]).0, 405);
}

#[test]
fn strongswan_enrols_by_post_through_both_front_doors() {
    let _shared = ALONE.read();
    STACK.admin().endpoint("strongswan", CHALLENGE).unwrap();
    for door in DOORS {
        STACK.run(
            "strongswan.sh",
            &[&STACK.scep_url(door, "strongswan"), CHALLENGE],
        );
    }
}

#[test]
fn certmonger_enrols_by_get_through_both_front_doors() {
    let _shared = ALONE.read();
    STACK.admin().endpoint("certmonger", CHALLENGE).unwrap();
    let tools = tools();
    for door in DOORS {
        let url = STACK.scep_url(door, "certmonger");
        STACK.run("certmonger.sh", &[&url, CHALLENGE, tools.to_str().unwrap()]);
    }
}

#[test]
fn each_front_door_answers_what_is_no_request_as_the_local_server_does() {
    let _shared = ALONE.read();
    STACK.admin().endpoint("doors", CHALLENGE).unwrap();
    for door in DOORS {
        let url = STACK.scep_url(door, "doors");
        let get = |tail: &str| STACK.http(&[&format!("{url}{tail}")], &[]);
        assert_eq!(get("?operation=GetCACaps&message=0").0, 200);
        assert_eq!(get("?operation=GetNextCACert").0, 400);
        assert_eq!(get("?operation=PKIOperation&message=AAAA").0, 400);
        for tail in ["?operation=GetCRL", ""] {
            assert_eq!(get(tail).0, 400, "{door} {tail}");
        }
        // API Gateway treats this as part of the path, where it names an endpoint that does not
        // exist.
        let unknown = if door == "ScepUrl" { 404 } else { 400 };
        assert_eq!(get("?operation=GetCACaps/..").0, unknown, "{door}");
        assert_eq!(STACK.http(&["--request", "PUT", &url], &[]).0, 405);
        assert_eq!(STACK.post(&url, b"no message").0, 400);
        let nobody = STACK.scep_url(door, "nobody");
        assert_eq!(
            STACK
                .http(&[&format!("{nobody}?operation=GetCACaps")], &[])
                .0,
            404
        );
        let text = [
            "--header",
            "Content-Type: text/plain",
            "--data-binary",
            "@-",
            &url,
        ];
        let reason = expect_status(STACK.http(&text, &[0x30, 0x82, 0xff, 0xfe]), 400);
        assert!(
            String::from_utf8(reason)
                .unwrap()
                .contains("Content-Type of text")
        );
    }
    // Each internal route performs only its own operation.
    let base = STACK.outputs["ApiUrl"].strip_suffix("/api/v1").unwrap();
    let inside = format!("{base}/internal/scep/GetCACaps/doors?operation=PKIOperation");
    assert_eq!(STACK.http(&[&inside], &[]).0, 400);
}

/// The variations that `tests/e2e/enrol/habits/paths.rs` tests against the local server, at the
/// front doors of AWS.
#[test]
fn windows_cisco_and_load_balancers_ask_each_front_door_in_their_own_ways() {
    let _shared = ALONE.read();
    STACK.admin().endpoint("habits", CHALLENGE).unwrap();
    for door in DOORS {
        let url = STACK.scep_url(door, "habits");
        let base = url.strip_suffix("/pkiclient.exe").unwrap();
        for (tail, status) in [
            ("?operation=GetCACaps", 200),
            ("/?operation=GetCACaps", 200),
            ("//pkiclient.exe?operation=GetCACaps", 200),
            ("/pkiclient.exe/pkiclient.exe?operation=GetCACaps", 200),
            (
                "/certsrv/mscep/mscep.dll/pkiclient.exe?operation=GetCACert",
                200,
            ),
            ("/PKICLIENT.EXE/?operation=getcacaps", 200),
            ("?Operation=GetCACert&message=default", 200),
            ("?operation=Get%43ACaps", 200),
            ("?operation=GetCACaps%20", 200),
            ("?operation=GetCACaps+", 200),
            ("?operation=Get%20CACaps", 400),
            ("?operation=%3Foperation=GetCACaps", 400),
        ] {
            // The emulator's API Gateway does not encode what it copies into a path; the edge keeps
            // the query unchanged.
            let decoded = ["%20", "+", "%3F"];
            if door == "ScepUrl" && decoded.iter().any(|text| tail.contains(text)) {
                continue;
            }
            let url = format!("{base}{tail}");
            assert_eq!(STACK.http(&[&url], &[]).0, status, "{url}");
        }
        let asked = format!("{url}?operation=GetCACaps");
        let (status, head) = STACK.http(&["--head", &asked], &[]);
        let head = String::from_utf8(head).unwrap().to_lowercase();
        assert!(
            status == 200 && head.contains("text/plain"),
            "{asked}: {head}"
        );
        assert_eq!(STACK.http(&["--request", "POST", &asked], &[]).0, 200);
        let ra_certificate = STACK.ra_certificate(&url);
        let device = Device::rsa();
        let message = device.message(&device.enrolment("device", CHALLENGE), &ra_certificate);
        let posted = format!("{url}/pkiclient.exe?operation=%50kioperation");
        let (status, reply) = STACK.post(&posted, &message);
        assert_eq!(status, 200, "{posted}");
        device.read(&reply, &ra_certificate).leaf();
    }
    // At API Gateway the emulator answers OPTIONS itself, which AWS does only if CORS is
    // configured, so this tests the edge alone.
    let edge = STACK.scep_url("EdgeScepUrl", "habits");
    assert_eq!(STACK.http(&["--request", "OPTIONS", &edge], &[]).0, 204);
}

#[test]
fn devices_whose_path_nobody_can_choose_enrol_at_each_front_door() {
    let _shared = ALONE.read();
    STACK.admin().endpoint("fixed", CHALLENGE).unwrap();
    for door in DOORS {
        let url = STACK.scep_url(door, "fixed");
        let ra_certificate = STACK.ra_certificate(&url);
        let base = url.split("/api/v1/").next().unwrap();
        for path in [
            "/cgi-bin/pkiclient.exe",
            "/certsrv/mscep/mscep.dll",
            "/certsrv/mscep/mscep.dll/pkiclient.exe",
        ] {
            let url = format!("{base}{path}");
            let (status, _) = STACK.http(&[&format!("{url}?operation=GetCACaps")], &[]);
            assert_eq!(status, 200, "{url}");
            let device = Device::rsa();
            let message = device.message(&device.enrolment("device", CHALLENGE), &ra_certificate);
            let (status, reply) = STACK.post(&url, &message);
            assert_eq!(status, 200, "{url}");
            device.read(&reply, &ra_certificate).leaf();
        }
        assert_eq!(STACK.http(&[&format!("{base}/cgi-bin/other")], &[]).0, 404);
    }
}

#[test]
fn tokens_open_what_their_scopes_say() {
    let _shared = ALONE.read();
    let url = format!("{}/scepProfiles", STACK.outputs["ApiUrl"]);
    let status = |token: &str, method: &str| {
        let authorization = format!("Authorization: Bearer {token}");
        let arguments = [
            "--request",
            method,
            "--header",
            &authorization,
            "--data",
            "{}",
            &url,
        ];
        STACK.http(&arguments, &[]).0
    };
    let read = STACK.token("scepter/read");
    let write = STACK.token("scepter/write");
    assert_eq!((status(&read, "GET"), status(&read, "POST")), (200, 403));
    assert_eq!((status(&write, "GET"), status(&write, "POST")), (403, 422));
    assert_eq!(
        (status("none", "GET"), STACK.http(&[&url], &[]).0),
        (401, 401)
    );
    // The edge, which also speaks plain HTTP, does not serve the management API.
    let edge = &STACK.outputs["EdgeScepUrl"];
    let edge = edge.split("/protocols/").next().unwrap();
    let authorization = format!("Authorization: Bearer {read}");
    expect_status(
        STACK.http(
            &["--header", &authorization, &format!("{edge}/scepProfiles")],
            &[],
        ),
        403,
    );
}

/// Two instances of the function handle the same transaction at the same moment.
#[test]
fn a_transaction_that_two_functions_issue_at_once_has_one_certificate() {
    let _alone = ALONE.write();
    STACK.admin().endpoint("twice", CHALLENGE).unwrap();
    let url = STACK.scep_url("ScepUrl", "twice");
    let ra_certificate = STACK.ra_certificate(&url);
    let device = Device::rsa();
    for round in 0..3 {
        let request = device.enrolment(&format!("device-{round}"), CHALLENGE);
        let message = device.message(&request, &ra_certificate);
        STACK.calls();
        let replies = std::thread::scope(|scope| {
            let post = || scope.spawn(|| STACK.post(&url, &message));
            let posted = [post(), post(), post()];
            posted.map(|posted| posted.join().unwrap())
        });
        let serials = replies.map(|(status, reply)| {
            assert_eq!(status, 200);
            let leaf = device.read(&reply, &ra_certificate).leaf();
            leaf.issuer_and_serial_number().serial_number_hex()
        });
        assert!(
            serials.iter().all(|serial| *serial == serials[0]),
            "{serials:?}"
        );
        let signed = STACK.calls().into_iter().filter(|call| call.0 == "Sign");
        assert_eq!(signed.count(), 1);
    }
}

/// The cost of an enrolment in a warm function whose cached profiles are fresh.
#[test]
fn a_warm_enrolment_signs_once_and_makes_nine_requests_of_dynamodb() {
    let _alone = ALONE.write();
    STACK.admin().endpoint("warm", CHALLENGE).unwrap();
    let url = STACK.scep_url("ScepUrl", "warm");
    let ra_certificate = STACK.ra_certificate(&url);
    let messages = [(); 12].map(|()| {
        let device = Device::rsa();
        let message = device.message(&device.enrolment("device", CHALLENGE), &ra_certificate);
        (device, message)
    });
    let mut counted = 0;
    for (device, message) in &messages {
        STACK.calls();
        let reply = expect_status(STACK.post(&url, message), 200);
        device.read(&reply, &ra_certificate).leaf();
        let calls = STACK.calls();
        let count = |names: &[&str]| {
            calls
                .iter()
                .filter(|call| names.contains(&call.0.as_str()))
                .count()
        };
        assert_eq!(count(&["Sign"]), 1, "{calls:?}");
        // The first enrolment of a function also reads the profiles and unwraps the RA key and the
        // challenge.
        if count(&["GetItem"]) > 5 || count(&["Decrypt"]) > 0 {
            continue;
        }
        // Two look for lock-outs: before and after the challenge of the profile is compared. The
        // key is looked for among revoked ones before the claim and after the record, the request
        // before the claim, and the transaction after it and before the record.
        assert_eq!(count(&["BatchGetItem"]), 2, "{calls:?}");
        assert_eq!(count(&["GetItem"]), 5, "{calls:?}");
        assert_eq!(count(&["PutItem"]), 4, "{calls:?}");
        assert_eq!(count(&["UpdateItem"]), 1, "{calls:?}");
        assert_eq!(calls.len(), 13, "{calls:?}");
        counted += 1;
    }
    assert!(counted >= 3, "only {counted} enrolments were warm");
}

#[test]
fn an_edit_is_followed_within_the_age_of_profiles() {
    let _shared = ALONE.read();
    let admin = STACK.admin();
    admin.endpoint("edited", CHALLENGE).unwrap();
    let url = STACK.scep_url("ScepUrl", "edited");
    let ra_certificate = STACK.ra_certificate(&url);
    let (_, profiles) = admin.call("GET", "/scepProfiles", &json!(null));
    let profile = profiles
        .as_array()
        .unwrap()
        .iter()
        .find(|p| p["name"] == "edited");
    let path = format!(
        "/scepProfiles/{}",
        profile.unwrap()["uuid"].as_str().unwrap()
    );
    let edited = admin.call("PUT", &path, &json!({ "challengePassword": "another" }));
    assert_eq!(edited.0, 200);
    std::thread::sleep(Duration::from_secs(PROFILES_MAX_AGE + 1));
    let device = Device::rsa();
    let post = |challenge: &str| {
        let message = device.message(&device.enrolment("device", challenge), &ra_certificate);
        let reply = expect_status(STACK.post(&url, &message), 200);
        device.read(&reply, &ra_certificate)
    };
    assert_eq!(post(CHALLENGE).failure().0, FailInfo::BadRequest);
    post("another").leaf();
}
