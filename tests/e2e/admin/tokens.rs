//! API tokens of the real binary, created and revoked while it is running.

use std::path::Path;
use std::process::Command;

use scepter_tests::admin::{administered, text};
use scepter_tests::assert::expect_status;
use scepter_tests::server::{ADMIN_TOKEN, Build, Server, binary, http};
use serde_json::{Value, json};

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

/// Calls the API of a server with this token and returns the status and the JSON of the response.
fn call_api(server: &Server, token: &str, method: &str, path: &str, body: Value) -> (u16, Value) {
    let url = format!("{}{path}", server.printed("API URL"));
    let header = format!("Authorization: Bearer {token}");
    let body = body.to_string();
    let arguments = ["-X", method, "-H", &header, "--data", &body, &url];
    let (status, body) = http(&arguments, &[]);
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

#[test]
fn the_api_makes_lists_and_revokes_tokens_of_the_callers_own_scopes() {
    let data = tempfile::tempdir().unwrap();
    let environment = [("SCEPTER_ADMIN_TOKEN", ADMIN_TOKEN)];
    let server = Server::start(&binary(Build::Debug), data.path(), &environment);
    let call = |token: &str, method: &str, path: &str, body: Value| {
        call_api(&server, token, method, path, body)
    };
    let make = |token: &str, name: &str, scopes: Value| {
        let body = json!({ "name": name, "scopes": scopes });
        call(token, "POST", "/tokens", body)
    };
    let list = || call(ADMIN_TOKEN, "GET", "/tokens", Value::Null);
    let (_, settings) = call(ADMIN_TOKEN, "GET", "/settings", Value::Null);
    assert_eq!(
        (&settings["tokens"], &settings["platform"]),
        (&json!(true), &json!("LOCAL"))
    );
    assert_eq!(settings["defaultScepProfile"], "default");
    assert_eq!(list(), (200, json!({ "items": [] })));

    let (status, writer) = make(ADMIN_TOKEN, "ci", json!(["write", "read", "read"]));
    assert_eq!(status, 201);
    assert_eq!(writer["scopes"], json!(["read", "write"]));
    let (id, secret) = (text(&writer["id"]), text(&writer["token"]));
    let name = format!("token ci ({id})");
    let expected = json!({ "name": name, "scopes": ["read", "write"] });
    assert_eq!(
        call(&secret, "GET", "/caller", Value::Null),
        (200, expected)
    );
    let printed = run_token(data.path(), &["list"]).unwrap();
    assert!(printed.contains(&id), "{printed}");

    let (status, reasons) = make(&secret, "more", json!(["read", "approve", "challenge"]));
    let lacks = [
        "scopes: your own token lacks approve",
        "scopes: your own token lacks challenge",
    ];
    assert_eq!((status, reasons), (422, json!(lacks)));
    let (status, reader) = make(&secret, "reader", json!(["read"]));
    assert_eq!(status, 201);
    let reader_secret = text(&reader["token"]);
    assert_eq!(make(&reader_secret, "x", json!(["read"])).0, 403);
    assert_eq!(call(&reader_secret, "GET", "/tokens", Value::Null).0, 200);
    let path = format!("/tokens/{id}");
    assert_eq!(call(&reader_secret, "DELETE", &path, Value::Null).0, 403);
    for (name, scopes) in [
        ("", json!(["read"])),
        ("a\nb", json!(["read"])),
        ("x", json!([])),
        ("x", json!(["everything"])),
        ("x", json!(["READ"])),
        ("x", json!("read")),
    ] {
        assert_eq!(make(ADMIN_TOKEN, name, scopes).0, 422, "{name}");
    }

    assert_eq!(call(&secret, "DELETE", &path, Value::Null).0, 204);
    assert_eq!(call(&secret, "GET", "/caller", Value::Null).0, 401);
    let (_, before) = list();
    // The first revocation counts.
    assert_eq!(call(ADMIN_TOKEN, "DELETE", &path, Value::Null).0, 204);
    let (_, after) = list();
    assert_eq!(before, after);
    let items = after["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    assert!(items[0]["revokedAt"].is_string() && items[1]["revokedAt"].is_null());
    for unknown in ["00000000", "nobody"] {
        let path = format!("/tokens/{unknown}");
        assert_eq!(
            call(ADMIN_TOKEN, "DELETE", &path, Value::Null).0,
            404,
            "{unknown}"
        );
    }

    let object = format!("00000000-0000-0000-0000-0000{id}");
    let path = format!("/auditRecords?objectUuid={object}");
    let (_, records) = call(ADMIN_TOKEN, "GET", &path, Value::Null);
    let records = records["items"].as_array().unwrap();
    let said: Vec<_> = records
        .iter()
        .map(|record| (text(&record["action"]), text(&record["who"])))
        .collect();
    let expected = [
        ("revoke".to_owned(), name),
        ("create".to_owned(), "SCEPTER_ADMIN_TOKEN".to_owned()),
    ];
    assert_eq!(said, expected);
    assert_eq!(
        (&records[1]["objectKind"], &records[1]["objectName"]),
        (&json!("token"), &json!("ci"))
    );
    let (_, records) = call(ADMIN_TOKEN, "GET", "/auditRecords", Value::Null);
    for seen in [records.to_string(), after.to_string()] {
        assert!(!seen.contains(&secret) && !seen.contains(&reader_secret));
    }
}

#[tokio::test]
async fn a_server_without_tokens_of_its_own_has_none_to_list() {
    let (_world, admin, _, _, _) = administered().await;
    let body = json!({ "name": "ci", "scopes": ["read"] });
    for answer in [
        admin.get("/tokens").await,
        admin.post("/tokens", body).await,
        admin.delete("/tokens/1f0c9a3e").await,
    ] {
        let message = answer.expect(404)["message"].clone();
        assert_eq!(
            message,
            "an identity provider issues the tokens of this server"
        );
    }
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
