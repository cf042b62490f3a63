//! NDES's page, as the MDMs that read it find it at the real binary.

use std::path::Path;
use std::process::Command;

use regex_lite::Regex;
use scep_cms::attribute::PkiStatus;
use scepter_tests::device::Device;
use scepter_tests::server::{ADMIN_TOKEN, Build, Server, binary, http};
use serde_json::{Value, json};

/// Fleet's expression, of ee/server/service/scep_proxy.go.
const FLEET: &str = r"(?i)The enrollment challenge password is: <B> (?P<password>\S*)";

/// Zentral's expressions, for NDES and for Okta, of zentral/contrib/mdm/scep.
const ZENTRAL: [&str; 2] = [
    r"challenge password is: <B> ([A-Z0-9]{16,32}) </B>",
    r"challenge password is: <B> ([a-zA-Z0-9_\-]+) </B>",
];

/// A server whose demo profile asks for one-time challenges, and a token that can make them alone.
pub(crate) struct ChallengeServer {
    pub(crate) data: tempfile::TempDir,
    pub(crate) server: Server,
    pub(crate) token: String,
    pub(crate) profile: String,
}

impl ChallengeServer {
    pub(crate) fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let environment = [
            ("SCEPTER_ADMIN_TOKEN", ADMIN_TOKEN),
            ("SCEPTER_LOG_FORMAT", "json"),
        ];
        let server = Server::start(&binary(Build::Debug), data.path(), &environment);
        let profile = server.choose_one_time();
        let token = create_token(data.path(), "challenge");
        Self {
            data,
            server,
            token,
            profile,
        }
    }

    /// The URL of a path below the profile.
    pub(crate) fn url(&self, tail: &str) -> String {
        let base = &self.server.address;
        format!("http://{base}/api/v1/protocols/scep/default/{tail}")
    }

    /// The challenges of the profile, newest first.
    pub(crate) fn list_challenges(&self) -> Vec<Value> {
        let path = format!("/scepProfiles/{}/challenges", self.profile);
        let list = self.server.administer("GET", &path, &Value::Null);
        list["items"].as_array().unwrap().clone()
    }

    /// Enrols with a challenge. Returns the device's reply and the record of its certificate, if it
    /// got one.
    pub(crate) fn enrol(&self, name: &str, challenge: &str) -> Option<Value> {
        let ra_certificate = self.server.ra_certificate();
        let device = Device::rsa();
        let message = device.message(&device.enrolment(name, challenge), &ra_certificate);
        let (status, reply) = self.server.post(&message);
        assert_eq!(status, 200);
        let reply = device.read(&reply, &ra_certificate);
        if reply.attributes.pki_status != PkiStatus::Success {
            return None;
        }
        let path = format!("/certificates?subject={name}");
        let page = self.server.administer("GET", &path, &Value::Null);
        let uuid = page["items"][0]["uuid"].as_str().unwrap().to_owned();
        let path = format!("/certificates/{uuid}");
        Some(self.server.administer("GET", &path, &Value::Null))
    }
}

/// Makes a token by `scepter token create`.
pub(crate) fn create_token(data: &Path, scopes: &str) -> String {
    let output = Command::new(binary(Build::Debug))
        .args(["token", "create", "--scope", scopes, "--name", "mdm"])
        .arg("--data")
        .arg(data)
        .output()
        .unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Decodes UTF-16 as Fleet does: by its byte order mark, and otherwise as big-endian.
fn decode_utf_16(page: &[u8]) -> String {
    let (mark, rest) = page.split_at(2);
    assert_eq!(mark, [0xff, 0xfe], "the page has no byte order mark");
    let units: Vec<_> = rest
        .chunks(2)
        .map(|unit| u16::from_le_bytes([unit[0], unit[1]]))
        .collect();
    String::from_utf16(&units).unwrap()
}

/// The first group of an expression in a page.
#[track_caller]
fn scrape(expression: &str, page: &str) -> String {
    let found = Regex::new(expression).unwrap().captures(page);
    let found = found.unwrap_or_else(|| panic!("{expression} is not in {page}"));
    found[1].to_owned()
}

#[test]
fn fleet_and_zentral_read_a_challenge_that_enrols_once() {
    let challenges = ChallengeServer::start();
    let user = format!("any user:{}", challenges.token);
    for (number, (tail, encoded)) in [
        ("mscep_admin", true),
        ("mscep_admin/", true),
        ("certsrv/mscep_admin/", true),
        ("CertSrv/MSCEP_Admin", true),
        ("mscep_admin/?charset=utf-8", false),
    ]
    .into_iter()
    .enumerate()
    {
        let url = challenges.url(tail);
        let (status, page) = http(&["--user", &user, &url], &[]);
        assert_eq!(status, 200, "{tail}");
        let page = match encoded {
            true => decode_utf_16(&page),
            false => String::from_utf8(page).unwrap(),
        };
        let challenge = scrape(FLEET, &page);
        assert_eq!(challenge.len(), 26, "{page}");
        for expression in ZENTRAL {
            assert_eq!(scrape(expression, &page), challenge);
        }
        assert!(page.contains("will expire within 60 minutes"), "{page}");
        let name = format!("scraped-{number}");
        let record = challenges.enrol(&name, &challenge).unwrap();
        assert_eq!(record["challengeSource"], "ONE_TIME", "{record}");
        assert_eq!(challenges.enrol("again", &challenge), None);
    }
    let made = challenges.list_challenges();
    assert_eq!(made.len(), 5);
    let note = made[0]["note"].as_str().unwrap();
    assert!(note.starts_with("mscep_admin by token mdm ("), "{note}");
    assert!(note.ends_with("from 127.0.0.1"), "{note}");
    assert_eq!(made[0]["uses"], 1);
}

#[test]
fn the_page_shows_the_thumbprints_of_the_authority() {
    let challenges = ChallengeServer::start();
    let user = format!(":{}", challenges.token);
    let arguments = ["--user", &user, &challenges.url("mscep_admin")];
    let (_, page) = http(&arguments, &[]);
    let page = decode_utf_16(&page);
    let authorities = challenges
        .server
        .administer("GET", "/authorities", &Value::Null);
    let certificate = &authorities[0]["certificate"];
    let digits = |text: &str| text.replace([' ', ':'], "");
    for (expression, field) in [
        (
            r"The thumbprint \(hash value\) for the CA certificate is: <B> ([0-9A-F ]+) </B>",
            "fingerprintSha1",
        ),
        (
            r"SHA-256 thumbprint is: <B> ([0-9A-F ]+) </B>",
            "fingerprintSha256",
        ),
    ] {
        let expected = certificate[field].as_str().unwrap();
        assert_eq!(digits(&scrape(expression, &page)), digits(expected));
    }
}

#[test]
fn the_fixed_path_of_ndes_has_the_page_of_the_default_profile() {
    let challenges = ChallengeServer::start();
    let user = format!("x:{}", challenges.token);
    let url = format!("http://{}/certsrv/mscep_admin/", challenges.server.address);
    let (status, page) = http(&["--user", &user, &url], &[]);
    assert_eq!(status, 200);
    scrape(FLEET, &decode_utf_16(&page));
}

#[test]
fn whoever_may_not_make_challenges_gets_a_page_that_says_so_and_none_is_made() {
    let challenges = ChallengeServer::start();
    let url = challenges.url("mscep_admin");
    let reader = create_token(challenges.data.path(), "read,approve");
    let get = |arguments: &[&str]| {
        let (status, answer) = http(&[&["--include"], arguments, &[&url]].concat(), &[]);
        let split = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let (head, page) = answer.split_at(split.unwrap() + 4);
        let head = String::from_utf8(head.to_vec()).unwrap().to_lowercase();
        assert!(head.contains("cache-control: no-store"), "{head}");
        (status, head, decode_utf_16(page))
    };
    let wrong = format!("u:{}x", challenges.token);
    for arguments in [
        &[][..],
        &["--user", "u:wrong"],
        &["--user", &wrong],
        &["--header", "Authorization: NTLM TlRMTVNTUAABAAAA"],
    ] {
        let (status, head, page) = get(arguments);
        assert_eq!(status, 401, "{arguments:?}");
        assert!(head.contains("www-authenticate: basic realm="), "{head}");
        assert!(!Regex::new(FLEET).unwrap().is_match(&page), "{page}");
    }
    let reader = format!("u:{reader}");
    let (status, _, page) = get(&["--user", &reader]);
    assert_eq!(status, 403);
    let sentence = "You do not have sufficient permission to enroll with SCEP.";
    assert!(page.contains(sentence), "{page}");
    let user = format!("u:{}", challenges.token);
    let unknown = url.replace("default", "unknown");
    assert_eq!(http(&["--user", &user, &unknown], &[]).0, 404);
    let (status, _) = http(&["--user", &user, "--head", &url], &[]);
    assert_eq!(status, 200);
    assert_eq!(challenges.list_challenges(), Vec::<Value>::new());
}

/// A server that cannot tell who asks is not asked with wrong credentials: the MDM tries again.
#[test]
fn tokens_that_cannot_be_read_are_a_failure_of_the_server() {
    let challenges = ChallengeServer::start();
    std::fs::write(challenges.data.path().join("tokens.json"), "{").unwrap();
    let user = format!("u:{}", challenges.token);
    for tail in ["mscep_admin", "jamf"] {
        let method = ["GET", "POST"][usize::from(tail == "jamf")];
        let url = challenges.url(tail);
        let arguments = ["--include", "--user", &user, "--request", method, &url];
        let (status, answer) = http(&arguments, &[]);
        assert_eq!(status, 503, "{tail}");
        let answer = String::from_utf8_lossy(&answer).to_lowercase();
        assert!(answer.contains("retry-after: 5\r\n"), "{answer}");
        assert!(!answer.contains("www-authenticate"), "{answer}");
    }
    assert_eq!(challenges.list_challenges(), Vec::<Value>::new());
}

#[test]
fn a_profile_without_one_time_challenges_says_so() {
    let challenges = ChallengeServer::start();
    let path = format!("/scepProfiles/{}", challenges.profile);
    let server = &challenges.server;
    let mut profile = server.administer("GET", &path, &Value::Null);
    let body = json!({
        "name": "default", "caCertificateUuid": profile["caCertificate"]["uuid"].take(),
        "raProfileUuid": profile["raProfile"]["uuid"].take(), "challengeSources": ["STATIC"],
    });
    server.administer("PUT", &path, &body);
    let user = format!("u:{}", challenges.token);
    let (status, page) = http(&["--user", &user, &challenges.url("mscep_admin")], &[]);
    assert_eq!(status, 403);
    let page = decode_utf_16(&page);
    assert!(page.contains("ONE_TIME"), "{page}");
    let event = json!({ "webhook": { "webhookEvent": "SCEPChallenge" }, "event": {} });
    let arguments = ["--user", &user, "--data", "@-", &challenges.url("jamf")];
    let (status, text) = http(&arguments, event.to_string().as_bytes());
    assert_eq!(status, 403);
    assert!(String::from_utf8(text).unwrap().contains("ONE_TIME"));
}

#[test]
fn one_line_is_logged_without_the_token_and_the_challenge() {
    let challenges = ChallengeServer::start();
    let user = format!("u:{}", challenges.token);
    let (_, page) = http(&["--user", &user, &challenges.url("mscep_admin")], &[]);
    let challenge = scrape(FLEET, &decode_utf_16(&page));
    let line = challenges.server.wait_for_log("challenge request");
    let logged: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(logged["client_address"], "127.0.0.1", "{line}");
    assert_eq!(logged["profile"], "default", "{line}");
    assert_eq!(logged["form"], "mscep_admin", "{line}");
    assert_eq!(logged["status"], 200, "{line}");
    assert!(!line.contains(&challenge) && !line.contains(&challenges.token));
}
