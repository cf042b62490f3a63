//! The address of a client, behind proxies that are trusted and others.

use scepter_tests::server::{Build, Server, binary, http};
use serde_json::Value;

/// Starts a server that trusts these proxies.
fn start_behind(data: &tempfile::TempDir, proxies: &str) -> Server {
    let environment = [
        ("SCEPTER_LOG_FORMAT", "json"),
        ("SCEPTER_TRUSTED_PROXY", proxies),
    ];
    Server::start(&binary(Build::Debug), data.path(), &environment)
}

/// The address in the log line of a request with this header.
fn logged_address(server: &Server, url: &str, line: &str, header: &str) -> Value {
    http(&["-H", header, url], &[]);
    let logged: Value = serde_json::from_str(&server.wait_for_log(line)).unwrap();
    logged["client_address"].clone()
}

#[test]
fn the_log_names_the_client_and_not_a_trusted_proxy() {
    let data = tempfile::tempdir().unwrap();
    let server = start_behind(&data, "127.0.0.1,192.0.2.0/24");
    let caps = format!("{}?operation=GetCACaps", server.scep_url);
    let profiles = format!("{}/scepProfiles", server.printed("API URL"));
    for (url, line) in [
        (&caps, "\"message\":\"request\""),
        (&profiles, "\"message\":\"management request\""),
    ] {
        let address = |header: &str| logged_address(&server, url, line, header);
        assert_eq!(address("X-Forwarded-For: 198.51.100.7"), "198.51.100.7");
        assert_eq!(
            address("X-Forwarded-For: 10.0.0.1, 2001:db8::7, 192.0.2.9"),
            "2001:db8::7"
        );
        assert_eq!(address("Forwarded: for=198.51.100.7"), "127.0.0.1");
        assert_eq!(address("Accept: */*"), "127.0.0.1");
    }
}

#[test]
fn nobody_else_names_another_address() {
    let data = tempfile::tempdir().unwrap();
    let server = start_behind(&data, "192.0.2.1");
    let url = format!("{}?operation=GetCACaps", server.scep_url);
    let forged = "X-Forwarded-For: 198.51.100.7";
    let address = logged_address(&server, &url, "\"message\":\"request\"", forged);
    assert_eq!(address, "127.0.0.1");
}
