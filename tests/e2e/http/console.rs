//! The console on the real server: its files, how browsers may cache and confine them, and the way
//! there.

use std::io::Read;

use flate2::read::GzDecoder;
use scepter_tests::server::{ADMIN_TOKEN, Build, Server, binary};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A server, and its data as long as it runs.
struct Site {
    _data: TempDir,
    server: Server,
}

/// A response, as it was sent.
struct Sent {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Sent {
    #[track_caller]
    fn header(&self, name: &str) -> &str {
        self.find_header(name)
            .unwrap_or_else(|| panic!("no {name} in {}", self.head))
    }

    fn find_header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    fn unpacked(&self) -> String {
        let mut text = String::new();
        let mut decoder = GzDecoder::new(self.body.as_slice());
        decoder.read_to_string(&mut text).unwrap();
        text
    }
}

impl Site {
    fn open() -> Self {
        let data = tempfile::tempdir().unwrap();
        let environment = [("SCEPTER_ADMIN_TOKEN", ADMIN_TOKEN)];
        let server = Server::start(&binary(Build::Debug), data.path(), &environment);
        Self {
            _data: data,
            server,
        }
    }

    fn send(&self, request_line: &str, headers: &[&str]) -> Sent {
        let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        let request =
            format!("{request_line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}\r\n");
        let answer = self.server.exchange(request.as_bytes());
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let (head, body) = answer.split_at(end.expect(request_line) + 4);
        let head = String::from_utf8(head.to_vec()).unwrap();
        Sent {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head,
            body: body.to_vec(),
        }
    }

    fn get(&self, path: &str, headers: &[&str]) -> Sent {
        self.send(&format!("GET {path}"), headers)
    }

    /// The scripts and style sheets that the page names, by their paths.
    fn list_assets(&self) -> Vec<String> {
        let page = String::from_utf8(self.get("/console/", &[]).body).unwrap();
        let parts = page.split('"');
        let assets = parts.filter(|part| part.starts_with("/console/assets/"));
        assets.map(str::to_owned).collect()
    }
}

#[test]
fn every_response_confines_the_console() {
    let site = Site::open();
    for (request, status) in [
        ("GET /console/", 200),
        ("HEAD /console/", 200),
        ("GET /console/sign-in.json", 200),
        ("GET /console", 308),
        ("GET /console/missing.js", 404),
        ("GET /", 302),
        ("POST /console/", 405),
        ("OPTIONS /console/", 204),
    ] {
        let sent = site.send(request, &[]);
        assert_eq!(sent.status, status, "{request}");
        assert_eq!(
            sent.header("content-security-policy"),
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
             font-src 'self' data:; connect-src 'self'; manifest-src 'self'; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'",
            "{request}"
        );
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("x-frame-options", "DENY"),
        ] {
            assert_eq!(sent.header(name), value, "{request}");
        }
        let permissions = sent.header("permissions-policy");
        assert!(permissions.contains("camera=()"), "{permissions}");
    }
}

#[test]
fn what_is_no_page_of_the_console_is_confined_too() {
    let site = Site::open();
    let token = format!("Authorization: Bearer {ADMIN_TOKEN}");
    for (request, status) in [
        ("GET /api/v1/caller", 200),
        ("GET /api/v1/openapi.json", 200),
        ("GET /api/v1/nothing", 404),
        ("DELETE /api/v1/caller", 405),
        ("GET /nothing", 404),
        ("GET /crl/nothing.crl", 404),
        ("GET /certsrv/mscep_admin", 403),
    ] {
        let sent = site.send(request, &[&token]);
        assert_eq!(sent.status, status, "{request}");
        for (name, value) in [
            (
                "content-security-policy",
                "default-src 'none'; frame-ancestors 'none'",
            ),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
        ] {
            assert_eq!(sent.header(name), value, "{request}");
        }
    }
}

#[test]
fn a_page_of_another_site_makes_no_challenge() {
    let site = Site::open();
    let profile = site.server.choose_one_time();
    let token = format!("Authorization: Bearer {ADMIN_TOKEN}");
    let ask = |site_of_sender: &str| {
        let sender = format!("Sec-Fetch-Site: {site_of_sender}");
        site.get("/certsrv/mscep_admin", &[&token, &sender]).status
    };
    assert_eq!(ask("cross-site"), 403);
    assert_eq!(ask("Cross-Site"), 403);
    let path = format!("/scepProfiles/{profile}/challenges");
    let list_made = || site.server.administer("GET", &path, &Value::Null)["items"].clone();
    assert_eq!(list_made(), json!([]));
    assert_eq!(ask("none"), 200);
    assert_eq!(ask("same-origin"), 200);
    assert_eq!(list_made().as_array().unwrap().len(), 2);
}

#[test]
fn pages_of_the_application_are_one_file_and_missing_files_are_missing() {
    let site = Site::open();
    let index = site.get("/console/", &[]);
    assert_eq!(index.header("content-type"), "text/html; charset=utf-8");
    for page in [
        "/console/index.html",
        "/console/requests",
        "/console/scep-profiles/0192/edit?a=b.c",
        "/console/signed-in?code=a&state=b",
        "/console/%2e%2e/%2e%2e/etc/passwd",
    ] {
        let sent = site.get(page, &[]);
        assert_eq!(
            (sent.status, sent.body),
            (200, index.body.clone()),
            "{page}"
        );
    }
    for missing in [
        "/console/missing.js",
        "/console/assets/",
        "/console/assets/missing",
        "/console/assets/index.html",
        "/console/../Cargo.toml",
        "/console/.sources",
    ] {
        let sent = site.get(missing, &[]);
        assert_eq!(sent.status, 404, "{missing}");
        assert_eq!(sent.header("cache-control"), "no-store", "{missing}");
    }
}

#[test]
fn files_are_compressed_for_clients_that_take_gzip() {
    let site = Site::open();
    let plain = site.get("/console/", &[]);
    assert_eq!(plain.find_header("content-encoding"), None);
    let packed = site.get("/console/", &["Accept-Encoding: br, gzip"]);
    assert_eq!(packed.header("content-encoding"), "gzip");
    assert_eq!(packed.unpacked().into_bytes(), plain.body);
    let refused = site.get("/console/", &["Accept-Encoding: gzip;q=0"]);
    assert_eq!(refused.body, plain.body);
    for sent in [&plain, &packed, &refused] {
        assert_eq!(sent.header("vary"), "Accept-Encoding");
        let length: usize = sent.header("content-length").parse().unwrap();
        assert_eq!(length, sent.body.len());
        assert_eq!(sent.header("etag"), plain.header("etag"));
    }
    for (headers, full) in [
        ([""; 0].as_slice(), &plain),
        (&["Accept-Encoding: gzip"], &packed),
    ] {
        let sent = site.send("HEAD /console/", headers);
        assert_eq!(sent.header("content-length"), full.header("content-length"));
        assert!(sent.body.is_empty());
    }
}

#[test]
fn the_page_is_validated_at_each_visit() {
    let site = Site::open();
    let first = site.get("/console/", &[]);
    assert_eq!(first.header("cache-control"), "no-cache");
    let tag = first.header("etag");
    let strong = tag.trim_start_matches("W/");
    for known in [tag, strong, "*", &format!("\"other\", {tag}")] {
        let condition = format!("If-None-Match: {known}");
        let sent = site.get("/console/", &[&condition]);
        assert_eq!((sent.status, sent.body.len()), (304, 0), "{known}");
        assert_eq!(sent.header("etag"), tag);
        assert_eq!(sent.header("cache-control"), "no-cache");
    }
    let sent = site.get("/console/", &["If-None-Match: \"other\""]);
    assert_eq!((sent.status, sent.body), (200, first.body));
}

#[test]
fn scripts_and_styles_are_cached_for_good() {
    let site = Site::open();
    let assets = site.list_assets();
    if std::env::var_os("SCEPTER_CONSOLE").is_some_and(|value| value == "skip") {
        return assert!(assets.is_empty(), "{assets:?}");
    }
    for (extension, media_type) in [
        (".js", "text/javascript; charset=utf-8"),
        (".css", "text/css; charset=utf-8"),
    ] {
        let path = assets.iter().find(|path| path.ends_with(extension));
        let sent = site.get(path.expect(extension), &["Accept-Encoding: gzip"]);
        assert_eq!(
            (sent.status, sent.header("content-type")),
            (200, media_type)
        );
        let caching = sent.header("cache-control");
        assert_eq!(caching, "public, max-age=31536000, immutable");
        assert!(sent.body.len() * 2 < sent.unpacked().len());
    }
}

#[test]
fn the_console_is_told_to_ask_for_a_token() {
    let site = Site::open();
    let sent = site.get("/console/sign-in.json", &[]);
    let settings: Value = serde_json::from_slice(&sent.body).unwrap();
    assert_eq!(settings, json!({"method": "token"}));
    assert_eq!(sent.header("content-type"), "application/json");
    assert_eq!(sent.header("cache-control"), "no-store");
}

#[test]
fn only_reading_is_allowed() {
    let site = Site::open();
    for method in ["POST", "PUT", "DELETE", "PATCH", "TRACE"] {
        let sent = site.send(&format!("{method} /console/sign-in.json"), &[]);
        assert_eq!(sent.status, 405, "{method}");
        assert_eq!(sent.header("allow"), "GET, HEAD, OPTIONS");
    }
    let options = site.send("OPTIONS /console/", &[]);
    assert_eq!(options.header("allow"), "GET, HEAD, OPTIONS");
}

#[test]
fn the_way_to_the_console_is_short() {
    let site = Site::open();
    for request in ["GET /", "HEAD /", "GET /?source=mail"] {
        let sent = site.send(request, &[]);
        assert_eq!((sent.status, sent.header("location")), (302, "/console/"));
    }
    let sent = site.get("/console", &[]);
    assert_eq!((sent.status, sent.header("location")), (308, "/console/"));
    let welcomed = site.server.printed("Console");
    assert_eq!(welcomed, format!("http://{}/console/", site.server.address));
    // What may be a device's request is answered as before.
    for request in [
        "GET /?operation=GetCACaps",
        "GET /?OPERATION=GetCACert&message=0",
        "POST /",
        "OPTIONS /",
    ] {
        let sent = site.send(request, &["Content-Length: 0"]);
        assert_eq!(sent.status, 404, "{request}");
        assert_eq!(sent.find_header("location"), None, "{request}");
    }
}

/// The console and the API have one origin, so no other is given anything.
#[test]
fn no_other_origin_may_read_the_api_or_the_console() {
    let site = Site::open();
    let origin = "Origin: https://evil.example";
    let authorization = format!("Authorization: Bearer {ADMIN_TOKEN}");
    for path in [
        "/api/v1/scepProfiles",
        "/api/v1/openapi.json",
        "/console/",
        "/console/sign-in.json",
        "/health",
        "/",
    ] {
        let asked = [
            origin,
            "Access-Control-Request-Method: GET",
            "Access-Control-Request-Headers: authorization",
        ];
        let preflight = site.send(&format!("OPTIONS {path}"), &asked);
        let read = site.get(path, &[origin, &authorization]);
        assert!(read.status < 400, "{path}: {}", read.head);
        for sent in [preflight, read] {
            let head = sent.head.to_ascii_lowercase();
            assert!(!head.contains("access-control-"), "{path}: {head}");
        }
    }
}
