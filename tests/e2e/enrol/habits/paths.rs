//! The URLs, operations, methods, bodies and headers that clients, proxies and probes send.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::Response;
use scep_cms::certificate::Certificate;
use scep_cms::degenerate::DegenerateSignedData;
use scepter_tests::admin::administered;
use scepter_tests::assert::expect_status;
use scepter_tests::device::Device;
use scepter_tests::openssl;
use scepter_tests::server::{Build, Server, binary, http};
use scepter_tests::world::{CHALLENGE, PATH, World};
use serde_json::json;

const SCEP: &str = "/api/v1/protocols/scep";

/// A device and its own message.
struct Enrolment {
    device: Device,
    message: Vec<u8>,
    ra_certificate: Certificate,
}

impl Enrolment {
    fn new(ra_certificate: &Certificate) -> Self {
        let device = Device::rsa();
        let message = device.message(&device.enrolment("device-1", CHALLENGE), ra_certificate);
        Self {
            device,
            message,
            ra_certificate: ra_certificate.clone(),
        }
    }

    #[track_caller]
    fn assert_granted(&self, what: &str, response: &Response<bytes::Bytes>) {
        assert_eq!(response.status(), 200, "{what}: {:?}", response.body());
        self.device
            .read(response.body(), &self.ra_certificate)
            .leaf();
    }
}

#[tokio::test]
async fn windows_and_cisco_append_pkiclient_exe_to_whatever_they_are_given() {
    let world = World::new().await;
    for endpoint in ["default", "raProfile/default"] {
        for (tail, status) in [
            ("", 200),
            ("/", 200),
            ("/pkiclient.exe", 200),
            ("/pkiclient.exe/", 200),
            ("/pkiclient.exe/pkiclient.exe", 200),
            ("/PKICLIENT.EXE", 200),
            ("//pkiclient.exe", 200),
            ("/mscep.dll", 200),
            ("/mscep.dll/pkiclient.exe", 200),
            ("/certsrv/mscep/mscep.dll/pkiclient.exe", 200),
            ("/cgi-bin/pkiclient.exe", 200),
            ("/anything", 200),
            ("-2/pkiclient.exe/pkiclient.exe", 404),
            ("%2Fpkiclient.exe", 404),
        ] {
            for operation in ["GetCACaps", "GetCACert"] {
                let path = format!("{SCEP}/{endpoint}{tail}?operation={operation}");
                assert_eq!(world.get(&path).await.status(), status, "{path}");
            }
        }
    }
    let appended = Enrolment::new(&world.ra_certificate);
    let path = format!("{PATH}/pkiclient.exe?operation=PKIOperation");
    let response = world.send("POST", &path, appended.message.clone()).await;
    appended.assert_granted(&path, &response);
}

#[tokio::test]
async fn what_is_printed_as_scep_url_may_be_appended_to() {
    let (world, admin, _, scep_profile, _) = administered().await;
    let shown = admin.get(&format!("/scepProfiles/{scep_profile}")).await;
    let shown = shown.expect(200);
    let url = shown["scepUrl"].as_str().unwrap();
    for tail in ["", "/", "/pkiclient.exe"] {
        let url = format!("{url}{tail}?operation=GetCACaps");
        assert_eq!(world.get(&url).await.status(), 200, "{url}");
    }
}

#[tokio::test]
async fn clients_behind_scepman_write_operations_in_their_own_case() {
    let world = World::new().await;
    for (query, status) in [
        ("operation=getcacaps", 200),
        ("OPERATION=GETCACAPS", 200),
        ("Operation=GetCACaps", 200),
        ("operation=Get%43ACaps", 200),
        ("operation=GetCACaps%20", 200),
        ("operation=GetCACaps+", 200),
        ("operation=getcacert", 200),
        ("operation=GetNothing", 400),
        ("operation=Get+CACaps", 400),
        ("operation=", 400),
        ("", 400),
    ] {
        let response = world.get(&format!("{PATH}?{query}")).await;
        assert_eq!(response.status(), status, "{query}");
    }
    for query in [
        "operation=pkioperation",
        "operation=%50KIOperation",
        "Operation=PKIOperation%20",
    ] {
        let enrolment = Enrolment::new(&world.ra_certificate);
        let path = format!("{PATH}?{query}");
        let response = world.send("POST", &path, enrolment.message.clone()).await;
        enrolment.assert_granted(query, &response);
        let message = URL_SAFE_NO_PAD.encode(&enrolment.message);
        let response = world.get(&format!("{path}&Message={message}")).await;
        enrolment.assert_granted(query, &response);
    }
}

#[tokio::test]
async fn fleet_and_sscep_ask_with_any_message_in_any_order_and_by_post() {
    let world = World::new().await;
    for query in [
        "operation=GetCACert&message=default",
        "operation=GetCACaps&message=default",
        "operation=GetCACaps&message=",
        "operation=GetCACaps&message=%20",
        "message=x&operation=GetCACaps",
        "&operation=GetCACaps&",
    ] {
        for method in ["GET", "POST"] {
            let path = format!("{PATH}?{query}");
            let response = world.send(method, &path, Vec::new()).await;
            assert_eq!(response.status(), 200, "{method} {query}");
        }
    }
}

#[tokio::test]
async fn proxies_and_scripts_post_base64_and_forms() {
    let world = World::new().await;
    let encoded = |text: &str| {
        text.replace('+', "%2B")
            .replace('/', "%2F")
            .replace('=', "%3D")
    };
    type Written = fn(&[u8], &str, &str) -> Vec<u8>;
    let bodies: [(&str, Written); 12] = [
        ("base64", |_, base64, _| base64.into()),
        ("base64 in lines", |_, base64, _| {
            format!("{}\r\n{}\r\n", &base64[..64], &base64[64..]).into()
        }),
        ("base64 behind white space", |_, base64, _| {
            format!("\r\n {base64}\0").into()
        }),
        ("base64url", |der, _, _| URL_SAFE_NO_PAD.encode(der).into()),
        ("a form", |_, _, encoded| {
            format!("operation=PKIOperation&message={encoded}").into()
        }),
        ("a form of bare base64", |_, base64, _| {
            format!("operation=PKIOperation&message={base64}").into()
        }),
        ("a form of the message alone", |_, _, encoded| {
            format!("Message={encoded}").into()
        }),
        ("a form encoded twice", |_, _, encoded| {
            format!("message={}", encoded.replace('%', "%25")).into()
        }),
        ("a line end before", |der, _, _| [b"\r\n", der].concat()),
        ("a line end after", |der, _, _| [der, b"\r\n"].concat()),
        ("zeros after", |der, _, _| [der, &[0; 7]].concat()),
        ("text after", |der, _, _| [der, b"<end>"].concat()),
    ];
    for (what, written) in bodies {
        let enrolment = Enrolment::new(&world.ra_certificate);
        let base64 = STANDARD.encode(&enrolment.message);
        let body = written(&enrolment.message, &base64, &encoded(&base64));
        for query in ["?operation=PKIOperation", ""] {
            let path = format!("{PATH}{query}");
            let response = world.send("POST", &path, body.clone()).await;
            enrolment.assert_granted(what, &response);
        }
    }
    for message in [encoded, |text: &str| text.replace('+', "%252B")] {
        let enrolment = Enrolment::new(&world.ra_certificate);
        let base64 = message(&STANDARD.encode(&enrolment.message));
        let path = format!("{PATH}?operation=PKIOperation&message={base64}");
        let response = world.send("POST", &path, Vec::new()).await;
        enrolment.assert_granted("POST without a body", &response);
        let response = world.get(&path).await;
        enrolment.assert_granted("GET", &response);
    }
}

#[tokio::test]
async fn what_a_proxy_spoils_beyond_recognition_is_400_and_too_much_of_it_413() {
    let world = World::new().await;
    let enrolment = Enrolment::new(&world.ra_certificate);
    let base64 = STANDARD.encode(&enrolment.message);
    for (body, status) in [
        (format!("{base64}!"), 400),
        (
            format!("operation=PKIOperation&message={}", &base64[..64]),
            400,
        ),
        ("operation=PKIOperation&message=".to_owned(), 400),
        ("operation=PKIOperation".to_owned(), 400),
        ("A".repeat(256 * 1024 + 1), 413),
    ] {
        let response = world.post(body.clone().into_bytes()).await;
        assert_eq!(response.status(), status, "{body:.80}");
    }
}

/// The answer to a method: the status, the headers in lower case without those that vary, and the
/// body.
fn read_answer(server: &Server, method: &str, path: &str) -> (u16, Vec<String>, String) {
    let request = format!("{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let answer = server.exchange_text(request.as_bytes());
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let headers = lines.map(str::to_lowercase);
    let changing = ["date:", "connection:", "expires:"];
    let is_kept = |line: &String| !changing.iter().any(|name| line.starts_with(name));
    let headers = headers.filter(is_kept).collect();
    (status.parse().unwrap(), headers, body.to_owned())
}

#[test]
fn load_balancers_and_monitors_probe_by_head_and_options() {
    let (_data, server) = Server::start_demo();
    const READ: &str = "allow: get, head, options";
    const SPOKEN: &str = "allow: get, head, options, post";
    let caps = format!("{PATH}?operation=GetCACaps");
    let cert = format!("{PATH}?operation=GetCACert");
    let unknown = format!("{SCEP}/nobody?operation=GetCACaps");
    for (path, status, allow) in [
        ("/health", 200, READ),
        ("/metrics", 200, READ),
        ("/crl/demo-ca.crl", 200, READ),
        (&caps, 200, SPOKEN),
        (&cert, 200, SPOKEN),
        (&unknown, 404, SPOKEN),
        (PATH, 400, SPOKEN),
        ("/cgi-bin/pkiclient.exe?operation=GetCACaps", 200, SPOKEN),
    ] {
        let get = read_answer(&server, "GET", path);
        let head = read_answer(&server, "HEAD", path);
        assert_eq!((get.0, head.0), (status, status), "{path}");
        assert!(!get.2.is_empty() && head.2.is_empty(), "{path}");
        // RFC 9110 §9.3.2: the answer to HEAD may omit headers that require generating the body.
        let of_get = get
            .1
            .iter()
            .filter(|line| !line.starts_with("content-length:") || head.1.contains(line));
        // The counters of /metrics change between the two requests.
        if path != "/metrics" {
            assert!(of_get.eq(head.1.iter()), "{path}: {:?} {:?}", get.1, head.1);
        }
        let options = read_answer(&server, "OPTIONS", path);
        assert_eq!((options.0, options.2.as_str()), (204, ""), "{path}");
        assert!(options.1.iter().any(|line| line == allow), "{options:?}");
        let other = read_answer(&server, "PUT", path);
        assert!(other.1.iter().any(|line| line == allow), "{other:?}");
        assert_eq!(other.0, 405, "{path}");
    }
    for path in ["/crl/demo-ca.crl", "/health"] {
        let (status, headers, body) = read_answer(&server, "POST", path);
        assert_eq!(status, 405, "{path}");
        assert!(headers.iter().any(|line| line == READ), "{headers:?}");
        assert!(body.contains("GET and HEAD") && !body.contains("POST"));
    }
}

#[test]
fn cisco_ios_and_printers_for_ndes_have_paths_that_nobody_can_choose() {
    let (_data, server) = Server::start_demo();
    let fixed = [
        "/cgi-bin/pkiclient.exe",
        "/cgi-bin/pkiclient.exe/",
        "/certsrv/mscep/mscep.dll",
        "/certsrv/mscep/mscep.dll/pkiclient.exe",
        "/CertSrv/mscep/mscep.dll",
    ];
    let ra_certificate = server.ra_certificate();
    for path in fixed {
        let url = format!("http://{}{path}", server.address);
        expect_status(http(&[&format!("{url}?operation=GetCACaps")], &[]), 200);
        let enrolment = Enrolment::new(&ra_certificate);
        let url = format!("{url}?operation=PKIOperation");
        let (status, reply) = http(&["--data-binary", "@-", &url], &enrolment.message);
        assert_eq!(status, 200, "{path}");
        enrolment.device.read(&reply, &ra_certificate).leaf();
    }
    let other = tempfile::tempdir().unwrap();
    let environment = [("SCEPTER_DEFAULT_SCEP_PROFILE", "printers")];
    let other = Server::start(&binary(Build::Debug), other.path(), &environment);
    for path in fixed {
        let url = format!("http://{}{path}?operation=GetCACaps", other.address);
        let reason = expect_status(http(&[&url], &[]), 404);
        assert!(String::from_utf8(reason).unwrap().contains("SCEP Profile"));
    }
}

#[test]
fn small_clients_look_for_headers_in_title_case() {
    let (_data, server) = Server::start_demo();
    let enrolment = Enrolment::new(&server.ra_certificate());
    let message = URL_SAFE_NO_PAD.encode(&enrolment.message);
    for path in [
        format!("{PATH}?operation=GetCACert"),
        format!("{PATH}?operation=PKIOperation&message={message}"),
        "/crl/demo-ca.crl".to_owned(),
        format!("{PATH}?operation=none"),
    ] {
        let answer = server.exchange_text(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes());
        let (head, _) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("\r\nContent-Type: "), "{head}");
        assert!(head.contains("\r\nContent-Length: "), "{head}");
        for line in head.lines().skip(1) {
            assert!(line.starts_with(char::is_uppercase), "{line}");
        }
    }
}

#[test]
fn windows_and_gateways_check_revocation_and_reach_no_unspecified_address() {
    // A server on this address, and the text of a certificate that it issued.
    let start = |listen: &str, environment: &[(&str, &str)]| {
        let data = tempfile::tempdir().unwrap();
        let binary = binary(Build::Debug);
        let server = Server::start_on(listen, &binary, data.path(), environment, "pki --scepca");
        let listening = server.wait_for_log("listening address=");
        let port = listening.rsplit(':').next().unwrap();
        let url = format!("http://127.0.0.1:{port}{PATH}");
        let (_, chain) = http(&[&format!("{url}?operation=GetCACert")], &[]);
        let chain = DegenerateSignedData::from_ber(&chain).unwrap();
        let ra_certificate = Certificate::from_der(&chain.certificates[0]).unwrap();
        let enrolment = Enrolment::new(&ra_certificate);
        let (_, reply) = http(&["--data-binary", "@-", &url], &enrolment.message);
        let leaf = enrolment.device.read(&reply, &ra_certificate).leaf();
        (server, openssl::print(&leaf, &["-text"]))
    };
    for listen in ["0.0.0.0:0", "[::]:0"] {
        let (server, text) = start(listen, &[]);
        let (url, welcome) = (server.scep_url.clone(), server.welcome.join("\n"));
        assert!(
            !welcome.contains("0.0.0.0") && !welcome.contains("[::]"),
            "{welcome}"
        );
        // The printed name resolves to the server on this machine.
        assert_eq!(
            http(&[&format!("{url}?operation=GetCACaps")], &[]).0,
            200,
            "{url}"
        );
        assert!(!text.contains("CRL Distribution Points"), "{text}");
    }
    let public = [("SCEPTER_PUBLIC_URL", "https://pki.example.com/scepter/")];
    let (server, text) = start("0.0.0.0:0", &public);
    let welcome = server.welcome.join("\n");
    assert_eq!(
        server.scep_url,
        format!("https://pki.example.com/scepter{PATH}")
    );
    assert!(!welcome.contains("scepter//"), "{welcome}");
    let crl = "URI:https://pki.example.com/scepter/crl/demo-ca.crl";
    assert!(text.contains(crl), "{text}");
    // An administrator who listens on loopback is trying the server on one machine, so a loopback
    // URL works for them.
    let (_, text) = start("127.0.0.1:0", &[]);
    assert!(text.contains("URI:http://127.0.0.1:"), "{text}");
}

#[test]
fn an_address_that_devices_cannot_use_is_warned_of_at_the_start() {
    let warned = |listen: &str, environment: &[(&str, &str)]| {
        let data = tempfile::tempdir().unwrap();
        let binary = binary(Build::Debug);
        let server = Server::start_on(listen, &binary, data.path(), environment, "pki --scepca");
        let mut lines = Vec::new();
        while !lines
            .last()
            .is_some_and(|line: &String| line.contains("listening address="))
        {
            lines.push(server.wait_for_log(""));
        }
        let warning = lines
            .iter()
            .find(|line| line.contains("scepter::public_url"));
        warning.cloned().unwrap_or_default()
    };
    for listen in ["0.0.0.0:0", "[::]:0", "127.0.0.1:0"] {
        let warning = warned(listen, &[]);
        assert!(warning.contains("--public-url"), "{listen}: {warning}");
        let public = [("SCEPTER_PUBLIC_URL", "http://pki.example.com")];
        assert_eq!(warned(listen, &public), "", "{listen}");
    }
}

#[test]
fn windows_can_type_every_secret_that_the_server_makes() {
    for _ in 0..3 {
        let data = tempfile::tempdir().unwrap();
        let mut child = Command::new(binary(Build::Debug))
            .args(["--listen", "127.0.0.1:0", "--data"])
            .arg(data.path())
            .env_remove("SCEPTER_CHALLENGE")
            .env_remove("SCEPTER_ADMIN_TOKEN")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let lines: Vec<_> = lines
            .map_while(Result::ok)
            .take_while(|line| !line.is_empty())
            .collect();
        child.kill().unwrap();
        child.wait().unwrap();
        let printed = |name: &str| {
            let mut lines = lines.iter();
            let line = lines.find_map(|line| line.strip_prefix(name)).unwrap();
            line.split_whitespace().next().unwrap().to_owned()
        };
        let token = printed("API token");
        let token = token.strip_prefix("scepter_").unwrap();
        for (secret, characters) in [(printed("Challenge").as_str(), 26), (token, 52)] {
            let is_typed = secret.chars().all(|c| c.is_ascii_alphanumeric());
            assert!(is_typed && secret.len() == characters, "{secret}");
        }
    }
}

#[tokio::test]
async fn windows_gives_up_over_a_challenge_that_is_no_printable_string_and_apple_does_not() {
    let (world, admin, _, scep_profile, _) = administered().await;
    let path = format!("/scepProfiles/{scep_profile}");
    let warned = async |challenge: &str| {
        let body = json!({ "challengePassword": challenge });
        let shown = admin.put(&path, body).await.expect(200);
        let warnings = shown["warnings"].as_array().unwrap().clone();
        let warning = |warning: &serde_json::Value| warning.as_str().unwrap().contains("Windows");
        warnings.iter().any(warning)
    };
    assert!(!warned("Abc123").await);
    assert!(!warned("abc def'()+,-./:=?").await);
    for unfit in "_@#$!*~&".chars() {
        let challenge = format!("a{unfit}b");
        assert!(warned(&challenge).await, "{challenge}");
        let device = Device::rsa();
        let request = device.enrolment("device-1", &challenge);
        world.ask(&device, &request).await.leaf();
    }
}
