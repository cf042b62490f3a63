//! The OpenAPI 3.1 document, collected from the handlers' own descriptions.

use strum::VariantArray;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::access::{ApiRouter, SECURITY_SCHEME};
use crate::bulk::{BulkMessage, Uuids};
use crate::response::{Message, Reasons};
use crate::{
    PREFIX, Scope, audit_records, authorities, caller_view, certificates, challenges, lockouts,
    ra_certificates, ra_profiles, rollover, scep_profiles, scep_requests, settings, source_tests,
    statistics, status, tokens, transactions,
};

/// Every route, with the description that its handler declares.
pub(crate) fn routes() -> ApiRouter {
    ApiRouter::new()
        .merge(scep_profiles::routes())
        .merge(ra_profiles::collection_routes())
        .merge(ra_profiles::single_routes())
        .merge(ra_profiles::single_routes_of_authority())
        .merge(authorities::routes())
        .merge(rollover::routes())
        .merge(ra_certificates::routes())
        .merge(certificates::routes())
        .merge(transactions::routes())
        .merge(scep_requests::routes())
        .merge(statistics::routes())
        .merge(challenges::routes())
        .merge(lockouts::routes())
        .merge(audit_records::routes())
        .merge(caller_view::routes())
        .merge(settings::routes())
        .merge(source_tests::routes())
        .merge(status::routes())
        .merge(tokens::routes())
}

/// The document without its routes. It adds the schemas that utoipa does not collect from routes:
/// those of shared errors and of bulk operations.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Scepter: Core SCEP API",
        description = "Manages authorities, RA certificates, RA Profiles, SCEP Profiles and the \
            links between them, as well as one-time challenges, lock-outs, transactions, refused \
            requests, statistics, issued certificates and audit records. Tells the state of the \
            server and its settings, and creates and revokes tokens where the server issues them \
            itself.",
        license(name = "Apache-2.0"),
    ),
    components(schemas(BulkMessage, Message, Reasons, Uuids)),
    modifiers(&BearerToken)
)]
struct Document;

/// Describes the tokens of callers.
struct BearerToken;

impl Modify for BearerToken {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scopes: Vec<_> = Scope::VARIANTS.iter().map(|scope| scope.name()).collect();
        let scopes = scopes.join(", ");
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(format!(
                "A token that has a scope required by the route, one of {scopes}."
            )));
        document
            .components
            .get_or_insert_default()
            .add_security_scheme(SECURITY_SCHEME, SecurityScheme::Http(scheme.build()));
    }
}

/// The document of these routes.
pub(crate) fn build_document(routes: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    Document::openapi().nest(PREFIX, routes)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

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
                for part in ["summary", "description", "operationId"] {
                    let text = operation[part].as_str().unwrap_or_default();
                    assert!(!text.contains('{'), "{method} {path}: {text}");
                }
                for response in operation["responses"].as_object().unwrap().values() {
                    assert_ne!(response["description"], "", "{method} {path}: {response}");
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
    fn every_parameter_of_a_path_is_described() {
        let document = crate::openapi();
        for (path, methods) in document["paths"].as_object().unwrap() {
            let parts = path.split('/');
            let mut expected: Vec<_> = parts
                .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
                .collect();
            expected.sort_unstable();
            for (method, operation) in methods.as_object().unwrap() {
                let parameters = operation["parameters"].as_array().into_iter().flatten();
                let mut described: Vec<_> = parameters
                    .filter(|parameter| parameter["in"] == "path")
                    .map(|parameter| parameter["name"].as_str().unwrap())
                    .collect();
                described.sort_unstable();
                assert_eq!(described, expected, "{method} {path}");
                let can_be_missing = operation["responses"].get("404").is_some();
                // Some servers keep no tokens.
                let is_optional = path == "/api/v1/tokens" || !expected.is_empty();
                assert_eq!(can_be_missing, is_optional, "{method} {path}");
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
