//! API tokens of the real binary, created and revoked while it is running.

use std::path::Path;
use std::process::Command;

use scepter_tests::assert::expect_status;
use scepter_tests::server::{Build, Server, binary, http};

/// Runs `scepter token …` on this data folder and returns what it prints, or what it prints to
/// standard error if it fails.
fn run_token(data: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(binary(Build::Debug))
        .arg("token")
        .args(arguments)
        .arg("--data")
        .arg(data)
        .output()
        .unwrap();
    let [printed, error] =
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    match output.status.success() {
        true => Ok(printed),
        false => Err(error),
    }
}

/// The status of a request with this token.
fn get_status(server: &Server, method: &str, path: &str, token: &str) -> u16 {
    let url = format!("{}{path}", server.printed("API URL"));
    let header = format!("Authorization: Bearer {token}");
    http(&["-X", method, "-H", &header, "--data", "{}", &url], &[]).0
}

#[test]
fn tokens_are_made_listed_and_revoked_while_the_server_runs() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(&binary(Build::Debug), data.path(), &[]);
    let admin = server.printed("API token");
    let admin = admin.split(' ').next().unwrap();
    assert_eq!(get_status(&server, "GET", "/scepProfiles", admin), 200);
    let reader = run_token(data.path(), &["create", "--scope", "read", "--name", "ci"]).unwrap();
    let reader = reader.trim();
    assert_eq!(get_status(&server, "GET", "/scepProfiles", reader), 200);
    assert_eq!(get_status(&server, "POST", "/scepProfiles", reader), 403);
    let writer = run_token(data.path(), &["create", "--scope", "write,approve"]).unwrap();
    assert_eq!(
        get_status(&server, "POST", "/scepProfiles", writer.trim()),
        422
    );
    assert_eq!(
        get_status(&server, "GET", "/scepProfiles", writer.trim()),
        403
    );
    let list = run_token(data.path(), &["list"]).unwrap();
    assert!(!list.contains(reader) && !list.contains(admin), "{list}");
    let line = list.lines().find(|line| line.ends_with("ci")).unwrap();
    assert!(line.contains("read") && line.contains("valid"), "{line}");
    let id = line.split(' ').next().unwrap();
    run_token(data.path(), &["revoke", id]).unwrap();
    assert_eq!(get_status(&server, "GET", "/scepProfiles", reader), 401);
    assert_eq!(get_status(&server, "GET", "/scepProfiles", admin), 200);
    let list = run_token(data.path(), &["list"]).unwrap();
    assert!(
        list.lines()
            .any(|line| line.starts_with(id) && line.contains("revoked")),
        "{list}"
    );
    assert!(run_token(data.path(), &["revoke", "nobody"]).is_err());
    assert!(run_token(data.path(), &["create", "--scope", "everything"]).is_err());
    assert!(run_token(data.path(), &["create"]).is_err());
}

#[test]
fn the_first_token_is_shown_once_and_one_from_the_environment_never() {
    let data = tempfile::tempdir().unwrap();
    let binary = binary(Build::Debug);
    let first = Server::start(&binary, data.path(), &[]);
    let admin = first.printed("API token");
    let admin = admin.split(' ').next().unwrap().to_owned();
    assert!(admin.starts_with("scepter_"));
    assert!(first.terminate());
    let again = Server::start(&binary, data.path(), &[]);
    assert!(again.printed("API token").contains("unchanged"));
    assert_eq!(get_status(&again, "GET", "/authorities", &admin), 200);
    assert!(again.terminate());
    let given = "a token of the environment";
    let environment = [("SCEPTER_ADMIN_TOKEN", given)];
    let third = Server::start(&binary, data.path(), &environment);
    assert!(!third.welcome.join("\n").contains(given));
    assert_eq!(get_status(&third, "GET", "/authorities", given), 200);
    assert_eq!(
        get_status(&third, "GET", "/authorities", "a token of the environmenT"),
        401
    );
}

#[test]
fn what_an_administrator_deletes_of_the_demo_does_not_come_back() {
    let data = tempfile::tempdir().unwrap();
    let binary = binary(Build::Debug);
    let environment = [("SCEPTER_ADMIN_TOKEN", "0123456789abcdef")];
    let server = Server::start(&binary, data.path(), &environment);
    let url = format!("{}/scepProfiles", server.printed("API URL"));
    let header = "Authorization: Bearer 0123456789abcdef";
    let list = || {
        let body = expect_status(http(&["-H", header, &url], &[]), 200);
        serde_json::from_slice::<serde_json::Value>(&body).unwrap()
    };
    let uuids = serde_json::json!([list()[0]["uuid"]]).to_string();
    let force = format!("{url}/delete/force");
    assert_eq!(
        http(
            &["-X", "DELETE", "-H", header, "--data", &uuids, &force],
            &[]
        )
        .0,
        200
    );
    assert_eq!(list(), serde_json::json!([]));
    assert!(server.terminate());
    let server = Server::start_on(
        "127.0.0.1:0",
        &binary,
        data.path(),
        &environment,
        "API token",
    );
    let (_, body) = http(
        &[
            "-H",
            header,
            &format!("{}/scepProfiles", server.printed("API URL")),
        ],
        &[],
    );
    assert_eq!(body, b"[]");
}
