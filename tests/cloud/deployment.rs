//! What the template makes beside functions, and what it leaves behind.

use serde_json::json;

use crate::stack::{ALONE, STACK};

#[test]
fn every_url_of_the_outputs_leads_somewhere() {
    let _shared = ALONE.read();
    for output in [
        "OpenApiUrl",
        "ApiUrl",
        "ScepUrl",
        "RaProfileScepUrl",
        "EdgeScepUrl",
    ] {
        let url = STACK.outputs[output].replace(['{', '}'], "");
        let (status, _) = STACK.http(&[&format!("{url}?operation=GetCACaps")], &[]);
        let expected = match output {
            "OpenApiUrl" => 200,
            "ApiUrl" => 404,
            _ => 404,
        };
        assert_eq!(status, expected, "{output} {url}");
    }
    let (_, document) = STACK.http(&[&STACK.outputs["OpenApiUrl"]], &[]);
    let document: serde_json::Value = serde_json::from_slice(&document).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
}

#[test]
fn tables_and_keys_are_there() {
    let _shared = ALONE.read();
    for (kind, name) in [
        ("table", &STACK.outputs["ProfilesTableName"]),
        ("table", &STACK.outputs["TransactionsTableName"]),
        ("table", &STACK.outputs["CertificatesTableName"]),
        ("key", &STACK.outputs["SymmetricKeyArn"]),
        ("function", &STACK.resources["Upkeep"]),
    ] {
        assert_eq!(
            STACK.ask(&["exists", kind, name], ""),
            json!(true),
            "{kind} {name}"
        );
    }
}
