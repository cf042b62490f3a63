//! The routes of the management API, read from its OpenAPI document, with a complete body for each.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

/// A route of the management API.
pub struct Route {
    /// The HTTP method, in upper case.
    pub method: String,
    /// The path, with parameters in braces.
    pub path: String,
    /// A body with every field; null if the route has no body.
    pub body: Value,
    /// The names of the query parameters.
    pub query: Vec<String>,
}

/// Every route, in the order of the OpenAPI document.
pub static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| {
    let document = management_api::openapi();
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            routes.push(read_route(&document, path, method, operation));
        }
    }
    routes
});

fn read_route(document: &Value, path: &str, method: &str, operation: &Value) -> Route {
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    let query = operation["parameters"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|parameter| parameter["in"] == "query")
        .map(|parameter| parameter["name"].as_str().unwrap().to_owned());
    Route {
        method: method.to_uppercase(),
        path: path.to_owned(),
        body: build_example(document, "", schema, 0),
        query: query.collect(),
    }
}

/// Builds a value that matches this schema.
fn build_example(document: &Value, name: &str, schema: &Value, depth: u8) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        let found = document.pointer(reference.trim_start_matches('#'));
        return build_example(document, name, found.unwrap(), depth + 1);
    }
    if let Some(example) = known_value(name).or_else(|| schema.get("example").cloned()) {
        return example;
    }
    for kinds in ["oneOf", "anyOf", "allOf"] {
        let kinds = schema[kinds].as_array().into_iter().flatten();
        if let Some(kind) = kinds.clone().find(|kind| kind["type"] != "null") {
            return build_example(document, name, kind, depth + 1);
        }
    }
    if let Some(value) = schema["enum"].as_array().and_then(|all| all.first()) {
        return value.clone();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().find(|kind| *kind != "null").cloned(),
        kind => Some(kind.clone()),
    };
    match kind.as_ref().and_then(Value::as_str) {
        // Schemas may refer to themselves.
        Some("object") if depth < 8 => {
            let properties = schema["properties"].as_object().into_iter().flatten();
            let fields = properties.map(|(name, schema)| {
                (
                    name.clone(),
                    build_example(document, name, schema, depth + 1),
                )
            });
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Some("array") => json!([build_example(document, name, &schema["items"], depth + 1)]),
        Some("boolean") => json!(true),
        Some("integer" | "number") => json!(1),
        Some("string") => json!("x"),
        _ => Value::Null,
    }
}

/// A valid value for a field of this name, where its schema does not suffice.
fn known_value(name: &str) -> Option<Value> {
    Some(match name {
        "subject" => return None,
        "keyAlgorithm" => json!("EC_P256"),
        "validity" => json!("P30D"),
        "backdate" => json!("PT1H"),
        // A key that the server does not have would make every such request fail.
        "keyArn" => Value::Null,
        "challengePassword" => json!("correct-horse-battery"),
        name if name.ends_with("Uuid") => json!(placeholder_of(name)),
        _ => return None,
    })
}

/// For each kind of object, the placeholder of its uuid, which differs from server to server.
pub const PLACEHOLDERS: [(&str, &str); 6] = [
    ("authorities", "00000000-0000-4000-8000-000000000001"),
    ("raCertificates", "00000000-0000-4000-8000-000000000002"),
    ("raProfiles", "00000000-0000-4000-8000-000000000003"),
    ("scepProfiles", "00000000-0000-4000-8000-000000000004"),
    ("certificates", "00000000-0000-4000-8000-000000000005"),
    ("scepTransactions", "00000000-0000-4000-8000-000000000006"),
];

/// The placeholder for a parameter or field of this name, or for a kind of object.
fn placeholder_of(name: &str) -> &'static str {
    let kind = match name {
        "authorityUuid" | "authorityInstanceUuid" => "authorities",
        "caCertificateUuid" => "raCertificates",
        "raProfileUuid" => "raProfiles",
        "scepProfileUuid" => "scepProfiles",
        "certificateUuid" | "predecessorUuid" => "certificates",
        kind => kind,
    };
    PLACEHOLDERS
        .iter()
        .find(|(known, _)| *known == kind)
        .map_or("00000000-0000-4000-8000-000000000000", |(_, uuid)| uuid)
}

/// Replaces the parameters in the path of a route by placeholders.
pub fn fill_path(route: &str) -> String {
    let mut before = "";
    let mut path = Vec::new();
    for segment in route.split('/') {
        let name = segment
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        path.push(match name {
            Some("uuid") => placeholder_of(before),
            Some(name) => placeholder_of(name),
            None => segment,
        });
        before = segment;
    }
    path.join("/")
}
