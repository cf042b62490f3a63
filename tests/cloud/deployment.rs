//! The resources of the template other than functions, and that the template agrees with the code.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::TableDescription;
use serde_json::{Value, json};
use store_dynamodb::Tables;

use crate::adapters;
use crate::stack::{ALONE, PROFILES_MAX_AGE, STACK};

#[test]
fn every_url_of_the_outputs_leads_somewhere() {
    let _shared = ALONE.read();
    for (output, expected) in [
        ("OpenApiUrl", 200),
        // The placeholder in each URL is no existing profile's name.
        ("ScepUrl", 404),
        ("RaProfileScepUrl", 404),
        ("EdgeScepUrl", 404),
        ("EdgeRaProfileScepUrl", 404),
        ("CrlUrl", 404),
        ("EdgeCrlUrl", 404),
    ] {
        let url = STACK.outputs[output].replace(['{', '}'], "");
        let (status, body) = STACK.http(&[&format!("{url}?operation=GetCACaps")], &[]);
        assert_eq!(status, expected, "{output} {url}");
        if expected == 404 {
            let text = String::from_utf8(body).unwrap();
            assert!(text.contains("no such"), "{output}: {text}");
        }
    }
}

/// What docs/deploy.md asks for after a deployment. The emulator has no access log.
#[test]
fn the_stack_passes_the_smoke_test_at_both_front_doors() {
    let _shared = ALONE.read();
    let admin = STACK.admin();
    let reader = STACK.token("scepter/read");
    let settle = (PROFILES_MAX_AGE + 1).to_string();
    let edge = &STACK.outputs["EdgeScepUrl"];
    let options = ["--settle", &settle, "--edge", edge, "--reader", &reader];
    let server = [STACK.outputs["ApiUrl"].as_str(), &admin.token];
    STACK.run("../smoke.sh", &[&options[..], &server].concat());
}

#[test]
fn a_stack_that_is_deleted_leaves_its_tables_and_its_key() {
    let _shared = ALONE.read();
    STACK.deploy_another("leaving", &["Edge=false"]);
    let left = STACK.ask(&["delete", "leaving"], "");
    assert_eq!(
        left,
        json!([
            "CertificatesTable",
            "ProfilesTable",
            "SymmetricKey",
            "TransactionsTable"
        ])
    );
}

/// The schema of a table without properties that differ between tables: key, indexes, attributes.
fn describe_schema(table: &TableDescription) -> BTreeMap<String, Vec<String>> {
    let mut schema = BTreeMap::new();
    let texts = |items: &[_]| {
        let mut texts: Vec<_> = items.iter().map(|item| format!("{item:?}")).collect();
        texts.sort();
        texts
    };
    schema.insert("key".to_owned(), vec![format!("{:?}", table.key_schema())]);
    let mut attributes: Vec<_> = table
        .attribute_definitions()
        .iter()
        .map(|attribute| format!("{attribute:?}"))
        .collect();
    attributes.sort();
    schema.insert("attributes".to_owned(), attributes);
    for index in table.global_secondary_indexes() {
        let projection = index.projection().unwrap();
        let mut projected = texts(projection.non_key_attributes());
        projected.push(format!("{:?}", projection.projection_type()));
        projected.push(format!("{:?}", index.key_schema()));
        schema.insert(index.index_name().unwrap().to_owned(), projected);
    }
    schema
}

#[tokio::test]
async fn the_tables_of_the_template_are_those_that_the_code_makes() {
    let _shared = ALONE.read();
    let (client, made) = adapters::tables().await;
    let deployed = Tables {
        profiles: STACK.outputs["ProfilesTableName"].clone(),
        transactions: STACK.outputs["TransactionsTableName"].clone(),
        certificates: STACK.outputs["CertificatesTableName"].clone(),
    };
    for (deployed, made) in [
        (&deployed.profiles, &made.profiles),
        (&deployed.transactions, &made.transactions),
        (&deployed.certificates, &made.certificates),
    ] {
        let describe = async |name: &String| {
            let described = client.describe_table().table_name(name).send().await;
            describe_schema(described.unwrap().table().unwrap())
        };
        assert_eq!(describe(deployed).await, describe(made).await, "{deployed}");
    }
}

#[test]
fn api_gateway_asks_for_the_scope_that_the_api_asks_for() {
    let _shared = ALONE.read();
    let api = STACK.resources["Api"].as_str();
    let routes = STACK.ask(&["routes", api], "");
    let routes = routes.as_array().unwrap();
    let (_, document) = STACK.http(&[&STACK.outputs["OpenApiUrl"]], &[]);
    let document: Value = serde_json::from_slice(&document).unwrap();
    let mut operations = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let takes_it = |route: &&Value| {
                let Some((verb, route)) = route["key"].as_str().unwrap().split_once(' ') else {
                    return false;
                };
                let is_path = match route.split_once("/{path+}") {
                    Some((beginning, _)) => path.starts_with(&format!("{beginning}/")),
                    None => route == path,
                };
                verb == method.to_uppercase() && is_path
            };
            // Among matching routes, the longest is the most specific.
            let route = routes.iter().filter(takes_it);
            let route = route
                .max_by_key(|route| route["key"].as_str().unwrap().replace("{path+}", "").len());
            let route = route.unwrap_or_else(|| panic!("{method} {path} has no route"));
            let alternatives = operation["security"].as_array().unwrap().iter();
            let scopes: Vec<_> = alternatives
                .map(|needed| format!("scepter/{}", needed["bearer"][0].as_str().unwrap()))
                .collect();
            assert_eq!(route["type"], "JWT", "{method} {path}");
            assert_eq!(route["scopes"], json!(scopes), "{method} {path}");
            operations += 1;
        }
    }
    assert!(operations > 50);
    // Only SCEP, CRLs, the OpenAPI document, what Entra reads and the console, which has every path
    // of no other route, are accessible without a token.
    for route in routes.iter().filter(|route| route["type"] != "JWT") {
        let key = route["key"].as_str().unwrap();
        let open = [
            "/api/v1/protocols/scep/",
            "/internal/scep/",
            "/crl/",
            "/cgi-bin/",
            "/certsrv/",
            "/api/v1/openapi.json",
            "/.well-known/",
            "$default",
        ];
        assert!(open.iter().any(|open| key.contains(open)), "{key}");
    }
}
