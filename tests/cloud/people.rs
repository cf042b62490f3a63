//! People in AWS: the console at the front doors, and what those who signed in to it may do.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use scepter_tests::assert::expect_status;
use scepter_tests::server::http;
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use crate::stack::{ALONE, Api, STACK};

const PASSWORD: &str = "Correct-horse-battery-1";

/// A response: its status line and headers, in lower case, and its body.
struct Page {
    head: String,
    body: Vec<u8>,
}

/// The origin of the API.
fn origin() -> &'static str {
    STACK.outputs["ApiUrl"].strip_suffix("/api/v1").unwrap()
}

/// Fetches a path of the API's origin.
fn fetch_page(path: &str, arguments: &[&str]) -> Page {
    let url = format!("{}{path}", origin());
    let (_, answer) = STACK.http(&[arguments, &["--include", &url]].concat(), &[]);
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let (head, body) = answer.split_at(end.unwrap() + 4);
    Page {
        head: String::from_utf8(head.to_vec()).unwrap().to_lowercase(),
        body: body.to_vec(),
    }
}

#[test]
fn the_console_is_served_whole_and_by_get_alone() {
    let _shared = ALONE.read();
    let page = fetch_page("/console/", &[]);
    assert!(page.head.starts_with("http/1.1 200"), "{}", page.head);
    let html = String::from_utf8(page.body.clone()).unwrap();
    for header in [
        "content-type: text/html",
        "cache-control: no-cache",
        "x-content-type-options: nosniff",
        "content-security-policy: ",
    ] {
        assert!(page.head.contains(header), "{header}: {}", page.head);
    }
    // curl decompresses what it asked for, and fails if an octet was changed on the way.
    let gzip = fetch_page("/console/", &["--compressed"]);
    assert!(
        gzip.head.contains("content-encoding: gzip"),
        "{}",
        gzip.head
    );
    assert_eq!(gzip.body, page.body);
    // Every file that the page names is there, and may be kept for ever.
    let files = html
        .split('"')
        .filter(|text| text.starts_with("/console/assets/"));
    for file in files {
        let plain = fetch_page(file, &[]);
        assert!(plain.head.contains("immutable"), "{file}: {}", plain.head);
        assert_eq!(fetch_page(file, &["--compressed"]).body, plain.body);
    }
    let root = fetch_page("/", &[]);
    assert!(
        root.head.contains("location: /console/\r\n"),
        "{}",
        root.head
    );
    for (method, path, status) in [
        ("HEAD", "/console/", 200),
        ("GET", "/console/signed-in?code=x&state=y", 200),
        ("POST", "/console/", 405),
        ("GET", "/consoles", 404),
        ("GET", "/nothing", 404),
    ] {
        let method = match method {
            "HEAD" => vec!["--head"],
            method => vec!["--request", method],
        };
        let page = fetch_page(path, &method);
        let status = format!("http/1.1 {status}");
        assert!(page.head.starts_with(&status), "{path}: {}", page.head);
    }
}

#[test]
fn the_console_has_people_sign_in_at_the_pool_of_the_stack() {
    let _shared = ALONE.read();
    let page = fetch_page("/console/sign-in.json", &[]);
    let settings: Value = serde_json::from_slice(&page.body).unwrap();
    let token_url = STACK.outputs["TokenUrl"].as_str();
    let pool = token_url.strip_suffix("/oauth2/token").unwrap();
    let pool_id = &STACK.outputs["UserPoolId"];
    assert_eq!(
        settings,
        json!({
            "method": "oidc",
            "issuer": format!("https://cognito-idp.eu-central-1.amazonaws.com/{pool_id}"),
            "authorizationEndpoint": format!("{pool}/oauth2/authorize"),
            "tokenEndpoint": token_url,
            "endSessionEndpoint": format!("{pool}/logout"),
            "revocationEndpoint": format!("{pool}/oauth2/revoke"),
            "clientId": STACK.outputs["PeopleClientId"],
            "scope": "openid scepter/read scepter/write scepter/approve scepter/challenge",
        })
    );
    // The page may talk to the pool, and to nobody else.
    let page = fetch_page("/console/", &[]);
    let policy = page.head.split("connect-src ").nth(1).unwrap();
    let policy = policy.split(';').next().unwrap();
    assert_eq!(policy, format!("'self' {}", pool.to_lowercase()));
}

/// Makes a person with these groups, who signs in as a browser would. Returns the answer of the
/// token endpoint.
fn sign_in(name: &str, groups: &[&str]) -> Value {
    let pool = STACK.outputs["UserPoolId"].as_str();
    STACK.ask(&[&["person", pool, name, PASSWORD], groups].concat(), "");
    let client = STACK.outputs["PeopleClientId"].as_str();
    let redirect_uri = format!("{}/console/signed-in", origin());
    let verifier = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
    let scope = "openid scepter/read scepter/write scepter/approve scepter/challenge";
    let login = post_form(
        "/login",
        &[
            ("client_id", client),
            ("redirect_uri", &redirect_uri),
            ("response_type", "code"),
            ("scope", scope),
            ("state", "a state"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("username", name),
            ("password", PASSWORD),
        ],
        302,
    );
    let login = String::from_utf8(login).unwrap();
    let location = login
        .lines()
        .find_map(|line| line.strip_prefix("Location: "));
    let back = Url::parse(location.unwrap().trim()).unwrap();
    let (_, code) = back.query_pairs().find(|(name, _)| name == "code").unwrap();
    let tokens = post_form(
        "/oauth2/token",
        &[
            ("grant_type", "authorization_code"),
            ("client_id", client),
            ("code", &code),
            ("code_verifier", &verifier),
            ("redirect_uri", &redirect_uri),
        ],
        200,
    );
    let body = tokens.windows(4).position(|four| four == b"\r\n\r\n");
    serde_json::from_slice(&tokens[body.unwrap() + 4..]).unwrap()
}

/// Posts a form to the pool and returns the headers and the body of the answer.
fn post_form(path: &str, fields: &[(&str, &str)], status: u16) -> Vec<u8> {
    let url = format!("{}{path}", STACK.endpoint);
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let mut arguments = vec!["--include"];
    for field in &fields {
        arguments.extend(["--data-urlencode", field]);
    }
    arguments.push(&url);
    expect_status(http(&arguments, &[]), status)
}

/// The management API with the access token of a person.
fn as_person(name: &str, groups: &[&str]) -> Api<'static> {
    STACK.with_token(sign_in(name, groups)["access_token"].as_str().unwrap())
}

#[test]
fn a_person_has_the_scopes_of_the_groups_and_no_others() {
    let _shared = ALONE.read();
    const NOBODY: &str = "00000000-0000-4000-8000-000000000000";
    let revoke = format!("/certificates/{NOBODY}/revoke");
    let challenges = format!("/scepProfiles/{NOBODY}/challenges");
    let empty = json!({});
    // What each gets to read, create, approve and list challenges. What is allowed fails, since
    // the objects do not exist.
    for (name, groups, expected) in [
        ("reader", &["scepter-readers"][..], [200, 403, 403, 404]),
        ("writer", &["scepter-writers"], [403, 422, 403, 404]),
        ("approver", &["scepter-approvers"], [403, 403, 404, 403]),
        ("challenger", &["scepter-challengers"], [403, 403, 403, 404]),
        (
            "chief",
            &["scepter-readers", "scepter-writers", "scepter-approvers"],
            [200, 422, 404, 404],
        ),
        ("outsider", &[], [403, 403, 403, 403]),
    ] {
        let person = as_person(name, groups);
        let statuses = [
            person.call("GET", "/scepProfiles", &Value::Null).0,
            person.call("POST", "/scepProfiles", &empty).0,
            person.call("POST", &revoke, &empty).0,
            person.call("GET", &challenges, &Value::Null).0,
        ];
        assert_eq!(statuses, expected, "{name}");
    }
}

#[test]
fn audit_records_name_the_person() {
    let _shared = ALONE.read();
    let tokens = sign_in("jane", &["scepter-readers", "scepter-writers"]);
    let jane = STACK.with_token(tokens["access_token"].as_str().unwrap());
    let authority = json!({ "name": "janes", "subject": "CN=Janes", "keyAlgorithm": "EC_P256" });
    jane.make("/authorities", &authority).unwrap();
    let (_, records) = jane.call("GET", "/auditRecords", &Value::Null);
    let records = records["items"].as_array().unwrap();
    let claims = tokens["access_token"]
        .as_str()
        .unwrap()
        .split('.')
        .nth(1)
        .unwrap();
    let claims = URL_SAFE_NO_PAD.decode(claims).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    let name = format!("person:jane ({})", claims["sub"].as_str().unwrap());
    let is_hers = |record: &&Value| record["who"] == json!(name);
    assert!(records.iter().any(|record| is_hers(&record)), "{records:?}");
    // An ID token says who somebody is, and opens nothing.
    let id_token = STACK.with_token(tokens["id_token"].as_str().unwrap());
    assert_eq!(id_token.call("GET", "/scepProfiles", &Value::Null).0, 403);
}

/// Browsers that ask the edge over plain HTTP are led to HTTPS.
#[test]
fn the_edge_leads_browsers_to_https_and_serves_the_console_there() {
    let _shared = ALONE.read();
    let edge = STACK.outputs["EdgeScepUrl"].split("/api/").next().unwrap();
    for path in ["/", "/console/", "/console/signed-in?code=x&state=y"] {
        let url = format!("{edge}{path}");
        let (status, _) = STACK.http(&[&url], &[]);
        assert_eq!(status, 301, "{path}");
        // What the edge terminates TLS for looks like this to the emulator.
        let https = ["--header", "X-Forwarded-Proto: https", "--include", &url];
        let (status, answer) = STACK.http(&https, &[]);
        let answer = String::from_utf8_lossy(&answer).to_lowercase();
        match path {
            "/" => assert!(answer.contains("location: /console/"), "{answer}"),
            _ => assert!(status == 200 && answer.contains("<html"), "{answer}"),
        }
    }
}

/// A browser has no secret to show, so the client must not have one; nobody signs up by himself.
#[test]
fn people_are_made_by_administrators_and_sign_in_with_a_second_factor() {
    let _shared = ALONE.read();
    let pool = STACK.outputs["UserPoolId"].as_str();
    let client = STACK.outputs["PeopleClientId"].as_str();
    let described = STACK.ask(&["pool", pool, client], "");
    assert_eq!(
        described["pool"],
        json!({ "mfa": "ON", "adminCreatesUsers": true, "passwordLength": 14 })
    );
    let door = STACK.outputs["EdgeScepUrl"].split('/').nth(2).unwrap();
    let pages = |path: &str| {
        [
            format!("{}{path}", origin()),
            format!("https://{door}{path}"),
        ]
    };
    assert_eq!(
        described["client"],
        json!({
            "hasSecret": false, "flows": ["code"], "callbackUrls": pages("/console/signed-in"),
            "logoutUrls": pages("/console/"), "passwords": false, "revocation": true,
        })
    );
}
