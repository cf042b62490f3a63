//! Stacks with other parameters than the stack of all other tests.

use scepter_tests::assert::expect_status;
use scepter_tests::device::Device;
use serde_json::json;

use crate::stack::{ALONE, Described, PROFILES_MAX_AGE, STACK};

const CHALLENGE: &str = "s3cret";

/// The URL that API Gateway gave to the API of this stack.
fn own_url(stack: &Described) -> String {
    let url = STACK.outputs["ApiUrl"].replace(&STACK.resources["Api"], &stack.resources["Api"]);
    url.strip_suffix("/api/v1").unwrap().to_owned()
}

/// Enrols a device at this SCEP URL, and returns its certificate in DER.
fn enrol(url: &str) -> Vec<u8> {
    let ra_certificate = STACK.ra_certificate(url);
    let device = Device::rsa();
    let message = device.message(&device.enrolment("other", CHALLENGE), &ra_certificate);
    let reply = expect_status(STACK.post(url, &message), 200);
    device.read(&reply, &ra_certificate).leaf().der().to_vec()
}

/// What is at each kind of path below a URL: the statuses, with a token of this stack.
fn ask_each_door(door: &str, token: &str) -> [u16; 5] {
    let authorization = format!("Authorization: Bearer {token}");
    // By this header the emulator's edge takes a request for one over HTTPS.
    let https = "X-Forwarded-Proto: https";
    let ask = |path: &str| {
        let url = format!("{door}{path}");
        let headers = ["--header", https, "--header", &authorization];
        STACK.http(&[&headers[..], &[&url]].concat(), &[]).0
    };
    let endpoint = "/api/v1/protocols/scep/other/pkiclient.exe";
    [
        ask(&format!("{endpoint}?operation=GetCACaps")),
        ask(&format!("{endpoint}?operation=GetCACert")),
        ask("/crl/other.crl"),
        ask("/api/v1/scepProfiles"),
        ask("/console/"),
    ]
}

/// Without an edge and without traces.
#[test]
fn alarms_are_told_to_the_address_that_is_given() {
    let _shared = ALONE.read();
    let parameters = [
        "AlarmEmail=pki@example.com",
        "Dashboard=false",
        "Traces=false",
    ];
    let told = STACK.deploy_another("told", &parameters);
    assert!(!told.resources.contains_key("Tracing"));
    let topic = &told.resources["AlarmTopic"];
    assert_eq!(
        STACK.ask(&["alarms", "told"], ""),
        json!({
            "topic": topic,
            "told": [["email", "pki@example.com"]],
            "alarms": 13,
            "silent": [],
            "acted": [topic],
            "keys": [topic],
            "heard": ["told faults"],
        })
    );
}

#[test]
fn an_api_that_is_closed_answers_through_the_edge_alone() {
    let _shared = ALONE.read();
    let age = format!("ProfilesMaxAgeSeconds={PROFILES_MAX_AGE}");
    let shut = STACK.deploy_another("shut", &["Edge=true", "CloseApiUrl=true", &age]);
    let edge = shut.outputs["ApiUrl"].strip_suffix("/api/v1").unwrap();
    let edge = edge.replace("https://", "http://");
    assert!(shut.outputs["EdgeScepUrl"].starts_with(&edge));
    let admin = STACK.admin_of(&shut);
    admin.endpoint("other", CHALLENGE).unwrap();
    enrol(&format!("{edge}/api/v1/protocols/scep/other/pkiclient.exe"));
    assert_eq!(ask_each_door(&edge, &admin.token), [200; 5]);
    let own = own_url(&shut);
    assert_eq!(ask_each_door(&own, &admin.token), [404; 5]);
    // A client may send what the edge sends, but does not know its secret.
    let guessed = ["--header", "scepter-edge: guessed"];
    let url = format!("{own}/api/v1/protocols/scep/other/pkiclient.exe?operation=GetCACaps");
    let (status, _) = STACK.http(&[&guessed[..], &[&url]].concat(), &[]);
    assert_eq!(status, 404);
}

#[test]
fn an_api_with_a_domain_is_found_there_and_nowhere_else_once_closed() {
    let _shared = ALONE.read();
    let text = |arguments: &[&str]| STACK.ask(arguments, "").as_str().unwrap().to_owned();
    let zone = format!("HostedZoneId={}", text(&["zone", "example.org"]));
    let certificate = text(&["certificate", "scep.example.org"]);
    let certificate = format!("CertificateArn={certificate}");
    let age = format!("ProfilesMaxAgeSeconds={PROFILES_MAX_AGE}");
    let name = "DomainName=scep.example.org";
    let parameters = [name, &certificate, &zone, &age];
    let named = STACK.deploy_another("named", &parameters);
    for (output, path) in [
        ("ApiUrl", "/api/v1"),
        ("ConsoleUrl", "/console/"),
        ("CrlUrl", "/crl/{authorityName}.crl"),
        ("OpenApiUrl", "/api/v1/openapi.json"),
        (
            "ScepUrl",
            "/api/v1/protocols/scep/{scepProfileName}/pkiclient.exe",
        ),
        (
            "RaProfileScepUrl",
            "/api/v1/protocols/scep/raProfile/{raProfileName}/pkiclient.exe",
        ),
    ] {
        let expected = format!("https://scep.example.org{path}");
        assert_eq!(named.outputs[output], expected);
    }
    let admin = STACK.admin_of(&named);
    admin.endpoint("other", CHALLENGE).unwrap();
    let domain = "http://scep.example.org";
    let scep_url = format!("{domain}/api/v1/protocols/scep/other/pkiclient.exe");
    let leaf = enrol(&scep_url);
    let crl = b"https://scep.example.org/crl/";
    assert!(leaf.windows(crl.len()).any(|octets| octets == crl));
    let own = own_url(&named);
    assert_eq!(ask_each_door(domain, &admin.token), [200; 5]);
    assert_eq!(ask_each_door(&own, &admin.token), [200; 5]);
    let callbacks = |stack: &Described| {
        let pool = &stack.outputs["UserPoolId"];
        let found = STACK.ask(&["pool", pool, &stack.outputs["PeopleClientId"]], "");
        found["client"]["callbackUrls"].clone()
    };
    let signed_in = "https://scep.example.org/console/signed-in";
    let own_signed_in = format!("{own}/console/signed-in");
    assert_eq!(callbacks(&named), json!([own_signed_in, signed_in]));

    // GETs are dispatched by the domain from now on, and the edge asks it, too.
    let closed = ["Edge=true", "CloseApiUrl=true"];
    let closed = STACK.deploy_another("named", &[&parameters[..], &closed].concat());
    let edge = closed.outputs["EdgeScepUrl"]
        .split("/api/v1")
        .next()
        .unwrap();
    let edge_signed_in = format!("{}/console/signed-in", edge.replace("http://", "https://"));
    assert_eq!(callbacks(&closed), json!([signed_in, edge_signed_in]));
    assert_eq!(ask_each_door(domain, &admin.token), [200; 5]);
    assert_eq!(ask_each_door(edge, &admin.token), [200; 5]);
    assert_eq!(ask_each_door(&own, &admin.token), [404; 5]);
    let settle = (PROFILES_MAX_AGE + 1).to_string();
    let server = [&format!("{domain}/api/v1"), &admin.token];
    let options = ["--settle", &settle];
    STACK.run(
        "../smoke.sh",
        &[&options[..], &server.map(String::as_str)].concat(),
    );
}
