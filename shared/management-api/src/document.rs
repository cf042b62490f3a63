//! The OpenAPI 3.1 document: what the handlers say of themselves, and what is true of every route.

use std::sync::Arc;

use http::Method;
use serde_json::{Map, Value, json};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, License, OpenApi, OpenApiBuilder};
use utoipa_axum::router::OpenApiRouter;

use crate::access::{OF_AUTHORITY, Scope, scope_of};
use crate::answer::{Message, Reasons};
use crate::{
    Api, PREFIX, audit_records, authorities, certificates, ra_certificates, ra_profiles, rollover,
    scep_profiles, transactions,
};

/// Every route, with what its handler says of itself.
pub(crate) fn routes() -> OpenApiRouter<Arc<Api>> {
    let components = ComponentsBuilder::new()
        .schema_from::<Message>()
        .schema_from::<Reasons>();
    let document = OpenApiBuilder::new()
        .info(info())
        .components(Some(components.build()));
    OpenApiRouter::with_openapi(document.build())
        .merge(scep_profiles::routes())
        .merge(ra_profiles::many())
        .merge(ra_profiles::single())
        .nest(OF_AUTHORITY, ra_profiles::single())
        .merge(authorities::routes())
        .merge(rollover::routes())
        .merge(ra_certificates::routes())
        .merge(certificates::routes())
        .merge(transactions::routes())
        .merge(audit_records::routes())
}

fn info() -> utoipa::openapi::Info {
    InfoBuilder::new()
        .title("Scepter: Core SCEP API")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Authorities, RA certificates, RA Profiles and SCEP Profiles, the links between them, and what was issued.",
        ))
        .license(Some(License::new("Apache-2.0")))
        .build()
}

/// The document with what is true of every route: its scope, its path's parameters, and the answers that any handler may give.
pub(crate) fn finished(document: OpenApi) -> Value {
    // A document without keys other than texts always serialises.
    let mut document = serde_json::to_value(document).unwrap_or_default();
    let paths = document.get_mut("paths").map(Value::take);
    let mut finished = Map::new();
    if let Some(Value::Object(paths)) = paths {
        for (path, mut item) in paths {
            for (method, operation) in item.as_object_mut().into_iter().flatten() {
                if let Some(operation) = operation.as_object_mut() {
                    finish(&path, method, operation);
                }
            }
            finished.insert(format!("{PREFIX}{path}"), item);
        }
    }
    if let Some(document) = document.as_object_mut() {
        document.insert("paths".to_owned(), Value::Object(finished));
        let components = document.entry("components").or_insert_with(|| json!({}));
        if let Some(components) = components.as_object_mut() {
            components.insert("securitySchemes".to_owned(), security_schemes());
        }
    }
    document
}

fn security_schemes() -> Value {
    let scopes: Vec<_> = Scope::ALL.map(Scope::name).to_vec();
    let description = format!(
        "A token with the scope that a route asks for, of {}.",
        scopes.join(", ")
    );
    json!({ "bearer": { "type": "http", "scheme": "bearer", "description": description } })
}

fn finish(path: &str, method: &str, operation: &mut Map<String, Value>) {
    if path.starts_with(&format!("{OF_AUTHORITY}/raProfiles/")) {
        // The same handlers as without the authority; an operationId is unique.
        if let Some(Value::String(id)) = operation.get_mut("operationId") {
            id.push_str("_of_authority");
        }
    }
    if let Ok(known) = Method::from_bytes(method.to_uppercase().as_bytes())
        && let Some(scope) = scope_of(&known, path)
    {
        let security = json!([{ "bearer": [scope.name()] }]);
        operation.insert("security".to_owned(), security);
    }
    let has_body = operation.contains_key("requestBody");
    let mut parameters = match operation.remove("parameters") {
        Some(Value::Array(parameters)) => parameters,
        Some(_) | None => Vec::new(),
    };
    let has_query = !parameters.is_empty();
    parameters.extend(path_parameters(path));
    if method == "put" || path.starts_with("/scepTransactions/") && method == "post" {
        parameters.push(if_match(path.ends_with("/approve")));
    }
    if !parameters.is_empty() {
        operation.insert("parameters".to_owned(), Value::Array(parameters));
    }
    let responses = operation.entry("responses").or_insert_with(|| json!({}));
    if let Some(responses) = responses.as_object_mut() {
        let mut statuses = vec!["401", "403", "413", "500", "503"];
        if path.contains('{') {
            statuses.push("404");
        }
        if has_body || has_query {
            statuses.extend(["400", "422"]);
        }
        for status in statuses {
            responses
                .entry(status)
                .or_insert_with(|| json!({ "description": "" }));
        }
        for (status, response) in responses {
            if let Some(response) = response.as_object_mut() {
                explain(status, response);
            }
        }
    }
}

fn path_parameters(path: &str) -> impl Iterator<Item = Value> {
    let names = path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    names.map(|name| {
        json!({
            "name": name, "in": "path", "required": true,
            "description": "The identity of an object.",
            "schema": { "type": "string", "format": "uuid" },
            "example": "2d2a1c3e-5f57-4f6c-8d0b-7a3d9d7f2b11"
        })
    })
}

fn if_match(required: bool) -> Value {
    json!({
        "name": "If-Match", "in": "header", "required": required,
        "description": "ETag of the version that was read: a newer one is left as it is, and the answer is 409.",
        "schema": { "type": "string", "maxLength": 64 },
        "example": "\"3\""
    })
}

/// Gives a response that has none its description and, if it is an error, its body.
fn explain(status: &str, response: &mut Map<String, Value>) {
    let usual = match status {
        "200" => "As asked",
        "201" => "Made",
        "204" => "Done",
        "400" => "Malformed JSON, or an unknown field or parameter",
        "401" => "No valid bearer token",
        "403" => "The token lacks the scope",
        "404" => "No such object",
        "409" => "Someone else edited the object, or one it is linked to, meanwhile",
        "413" => "The body is larger than 64 KiB",
        "422" => "Rules are broken: the reasons",
        "500" => "The server failed",
        _ => "The server is busy",
    };
    if response.get("description").is_none_or(|text| text == "") {
        response.insert("description".to_owned(), json!(usual));
    }
    let schema = match status {
        "200" | "201" | "204" => return,
        "422" => "#/components/schemas/Reasons",
        _ => "#/components/schemas/Message",
    };
    let body = json!({ "application/json": { "schema": { "$ref": schema } } });
    response.entry("content").or_insert(body);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Is it said by itself, or by what it refers to?
    fn refers(schema: &Value) -> bool {
        let parts = ["oneOf", "allOf", "anyOf"].map(|of| schema.get(of).and_then(Value::as_array));
        let items = schema
            .get("items")
            .is_some_and(|items| items.get("$ref").is_some());
        let is_list = parts
            .into_iter()
            .flatten()
            .flatten()
            .any(|part| part.get("$ref").is_some());
        schema.get("$ref").is_some() || items || is_list
    }

    #[test]
    fn every_field_and_parameter_has_a_description_a_type_and_an_example() {
        let document = crate::openapi();
        assert_eq!(document["openapi"], "3.1.0");
        let schemas = document["components"]["schemas"].as_object().unwrap();
        for (name, schema) in schemas {
            for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
                if field == "data" {
                    // Any JSON at all.
                    continue;
                }
                let has = |part: &str| schema.get(part).is_some();
                assert!(
                    has("description") || refers(schema),
                    "{name}.{field}: {schema}"
                );
                assert!(
                    has("type") || has("schema") || refers(schema),
                    "{name}.{field}: {schema}"
                );
                let example = has("example")
                    || has("examples")
                    || refers(schema)
                    || schema["type"] == "object"
                    || schema["type"] == json!(["object", "null"]);
                assert!(example, "{name}.{field}: {schema}");
            }
        }
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                for part in ["summary", "operationId", "security", "tags"] {
                    assert!(
                        operation.get(part).is_some(),
                        "{method} {path} has no {part}"
                    );
                }
                for parameter in operation["parameters"].as_array().into_iter().flatten() {
                    for part in ["description", "schema", "example"] {
                        assert!(
                            parameter.get(part).is_some(),
                            "{method} {path}: {parameter} has no {part}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn operations_have_ids_of_their_own() {
        let document = crate::openapi();
        let paths = document["paths"].as_object().unwrap().values();
        let mut ids: Vec<_> = paths
            .flat_map(|methods| methods.as_object().unwrap().values())
            .map(|operation| operation["operationId"].as_str().unwrap())
            .collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all);
    }
}
