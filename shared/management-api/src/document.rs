//! The OpenAPI 3.1 document: collects the handlers' own descriptions, and adds what applies to
//! every route.

use serde_json::{Map, Value, json};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, License, OpenApi, OpenApiBuilder};

use crate::access::{ApiRouter, SECURITY_SCHEME};
use crate::caller::Scope;
use crate::response::{Message, Reasons};
use crate::{
    PREFIX, audit_records, authorities, certificates, ra_certificates, ra_profiles, rollover,
    scep_profiles, transactions,
};

/// The prefix of the routes of a single RA Profile when they name its authority.
const OF_AUTHORITY: &str = "/authorities/{authorityUuid}";

/// Every route, with the description that its handler declares.
pub(crate) fn routes() -> ApiRouter {
    ApiRouter::new()
        .merge(scep_profiles::routes())
        .merge(ra_profiles::collection_routes())
        .merge(ra_profiles::single_routes())
        .nest(OF_AUTHORITY, ra_profiles::single_routes())
        .merge(authorities::routes())
        .merge(rollover::routes())
        .merge(ra_certificates::routes())
        .merge(certificates::routes())
        .merge(transactions::routes())
        .merge(audit_records::routes())
}

fn build_info() -> utoipa::openapi::Info {
    InfoBuilder::new()
        .title("Scepter: Core SCEP API")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Manages authorities, RA certificates, RA Profiles, SCEP Profiles and the links between \
             them, as well as transactions, issued certificates and audit records.",
        ))
        .license(Some(License::new("Apache-2.0")))
        .build()
}

/// Builds the document from the description of the routes, and adds what applies to all of them:
/// path parameters, and the responses that any handler may give.
pub(crate) fn build_document(routes: OpenApi) -> Value {
    let components = ComponentsBuilder::new()
        .schema_from::<Message>()
        .schema_from::<Reasons>();
    let document = OpenApiBuilder::new()
        .info(build_info())
        .components(Some(components.build()))
        .build()
        .merge_from(routes);
    // Serialisation cannot fail: every key in the document is a string.
    let mut document = serde_json::to_value(document).unwrap_or_default();
    let paths = document.get_mut("paths").map(Value::take);
    let mut full_paths = Map::new();
    if let Some(Value::Object(paths)) = paths {
        for (path, mut item) in paths {
            for (method, operation) in item.as_object_mut().into_iter().flatten() {
                if let Some(operation) = operation.as_object_mut() {
                    complete_operation(&path, method, operation);
                }
            }
            full_paths.insert(format!("{PREFIX}{path}"), item);
        }
    }
    if let Some(document) = document.as_object_mut() {
        document.insert("paths".to_owned(), Value::Object(full_paths));
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
        "A token that has the scope required by the route, one of {}.",
        scopes.join(", ")
    );
    json!({ SECURITY_SCHEME: { "type": "http", "scheme": "bearer", "description": description } })
}

fn complete_operation(path: &str, method: &str, operation: &mut Map<String, Value>) {
    if path.starts_with(&format!("{OF_AUTHORITY}/raProfiles/")) {
        // The handlers are the same as without the authority, but operationIds must be unique.
        if let Some(Value::String(id)) = operation.get_mut("operationId") {
            id.push_str("_of_authority");
        }
    }
    let has_body = operation.contains_key("requestBody");
    let mut parameters = match operation.remove("parameters") {
        Some(Value::Array(parameters)) => parameters,
        Some(_) | None => Vec::new(),
    };
    // Handlers declare only query parameters; those of the path and headers are added below.
    let has_query = !parameters.is_empty();
    parameters.extend(path_parameters(path));
    // Approval requires the version: without it, an administrator could approve a request that they
    // have never seen.
    if method == "put" || path.starts_with("/scepTransactions/") && method == "post" {
        parameters.push(if_match(path.ends_with("/approve")));
    }
    if !parameters.is_empty() {
        operation.insert("parameters".to_owned(), Value::Array(parameters));
    }
    let responses = operation.entry("responses").or_insert_with(|| json!({}));
    if let Some(responses) = responses.as_object_mut() {
        // The guard rejects an oversized body on every route, even on those that read none.
        let mut statuses = vec!["401", "403", "413", "500", "503"];
        // Any path parameter may name an object that does not exist.
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
                describe_response(status, response);
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
            "description": "UUID of the object.",
            "schema": { "type": "string", "format": "uuid" },
            "example": "2d2a1c3e-5f57-4f6c-8d0b-7a3d9d7f2b11"
        })
    })
}

fn if_match(required: bool) -> Value {
    json!({
        "name": "If-Match", "in": "header", "required": required,
        "description": "ETag of the version on which the request is based. If the object has changed since, the response is 409.",
        "schema": { "type": "string", "maxLength": 64 },
        "example": "\"3\""
    })
}

/// Adds a description to a response that has none, and the body to an error.
fn describe_response(status: &str, response: &mut Map<String, Value>) {
    let default_text = match status {
        "200" => "OK",
        "201" => "Created",
        "204" => "No content",
        "400" => "Malformed JSON, or an unknown field or parameter",
        "401" => "Missing or invalid bearer token",
        "403" => "The token lacks the required scope",
        "404" => "No such object",
        "409" => "The object, or one it is linked to, was changed in the meantime",
        "413" => "The body is larger than 64 KiB",
        "422" => "Validation failed; lists every violation",
        "500" => "Internal server error",
        _ => "The server is temporarily unavailable",
    };
    if response.get("description").is_none_or(|text| text == "") {
        response.insert("description".to_owned(), json!(default_text));
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

    /// Whether a schema refers to another one, which carries the description.
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
                    // The field accepts any JSON, so it has no type.
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
