//! HTTP as small, old and proxied clients speak it, over a socket.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use scepter_tests::device::Device;
use scepter_tests::server::Server;
use scepter_tests::world::{CHALLENGE, PATH};

/// The body of an answer, after a `100 Continue` if there is one.
fn read_body(answer: &[u8]) -> &[u8] {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let rest = &answer[end.unwrap() + 4..];
    match answer.starts_with(b"HTTP/1.1 100") {
        true => read_body(rest),
        false => rest,
    }
}

#[test]
fn igel_avaya_sscep_and_cisco_speak_http_of_all_ages() {
    let (_data, server) = Server::start_demo();
    let caps = format!("{PATH}?operation=GetCACaps");
    for request in [
        format!(
            "GET http://proxy.example:99{caps} HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n"
        ),
        "GET http://ca.example/cgi-bin/pkiclient.exe?operation=GetCACaps HTTP/1.0\r\n\r\n"
            .to_owned(),
        format!("GET {caps} HTTP/1.1\r\nConnection: close\r\n\r\n"),
        format!("GET {caps} HTTP/1.0\n\n"),
        format!(
            "GET {caps} HTTP/1.0\r\nAccept: image/gif\r\nUser-Agent: Mozilla/4.0 (compatible; MSIE 5.0; Cisco PKI)\r\n\r\n"
        ),
    ] {
        let answer = server.exchange_text(request.as_bytes());
        assert!(answer.contains(" 200 OK\r\n"), "{request}: {answer}");
        assert!(answer.ends_with("\nSCEPStandard\n"), "{request}: {answer}");
    }
    let pipelined = format!("GET {caps} HTTP/1.1\r\nHost: a\r\n\r\nGET {caps} HTTP/1.0\r\n\r\n");
    let answer = server.exchange_text(pipelined.as_bytes());
    assert_eq!(answer.matches(" 200 OK\r\n").count(), 2, "{answer}");
}

#[test]
fn curl_based_clients_post_in_chunks_with_expect_and_any_content_type() {
    let (_data, server) = Server::start_demo();
    let ra_certificate = server.ra_certificate();
    let device = Device::rsa();
    let message = device.message(&device.enrolment("device-1", CHALLENGE), &ra_certificate);
    let length = format!("Content-Length: {}", message.len());
    let chunk = |octets: &[u8]| {
        [
            format!("{:x}\r\n", octets.len()).as_bytes(),
            octets,
            b"\r\n",
        ]
        .concat()
    };
    let (first, second) = message.split_at(1_000);
    let chunks = [chunk(first), chunk(second), chunk(b"")].concat();
    for (headers, body_sent) in [
        (length.clone(), &message),
        (
            format!("{length}\r\nContent-Type: application/octet-stream"),
            &message,
        ),
        (
            format!("{length}\r\nContent-Type: application/x-pki-message; charset=UTF-8"),
            &message,
        ),
        (format!("{length}\r\nContent-Type: text/plain"), &message),
        (format!("{length}\r\nExpect: 100-continue"), &message),
        ("Transfer-Encoding: chunked".to_owned(), &chunks),
    ] {
        for query in ["", "?operation=PKIOperation&message=default"] {
            let head = format!(
                "POST {PATH}{query} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}\r\n\r\n"
            );
            let answer = server.exchange(&[head.as_bytes(), body_sent].concat());
            device.read(read_body(&answer), &ra_certificate).leaf();
        }
    }
    // With GET the whole message is in the request line, here of more than 7 KB.
    let names: Vec<_> = (0..100)
        .map(|number| format!("host-{number}.devices.corp.example"))
        .collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let request = device.request(device.csr("device-2", Some(CHALLENGE), &names));
    let message = URL_SAFE_NO_PAD.encode(device.message(&request, &ra_certificate));
    let line = format!("GET {PATH}?operation=PKIOperation&message={message} HTTP/1.0\r\n\r\n");
    assert!(line.len() > 7 * 1024);
    let answer = server.exchange(line.as_bytes());
    device.read(read_body(&answer), &ra_certificate).leaf();
}
