//! Crates depend on each other only in the direction that ARCHITECTURE.md describes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// Each crate, and the workspace crates that it may import.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("scep-cms", &[]),
    ("ca", &["scep-cms"]),
    ("scep-protocol", &["scep-cms", "ca"]),
    ("scep-service", &["scep-cms", "ca", "scep-protocol"]),
    (
        "scep-http",
        &["scep-cms", "ca", "scep-protocol", "scep-service"],
    ),
    (
        "management-api",
        &[
            "scep-cms",
            "ca",
            "scep-protocol",
            "scep-service",
            "scep-http",
        ],
    ),
    (
        "keys-file",
        &["scep-cms", "ca", "scep-protocol", "scep-service"],
    ),
    (
        "store-dynamodb",
        &["scep-cms", "ca", "scep-protocol", "scep-service"],
    ),
    (
        "authorise-http",
        &["scep-cms", "ca", "scep-protocol", "scep-service"],
    ),
    ("store-embedded", &[]),
    (
        "store-sqlite",
        &["scep-cms", "ca", "scep-protocol", "scep-service"],
    ),
    ("console-http", &["scep-cms", "ca", "scep-protocol"]),
    (
        "keys-kms",
        &["scep-cms", "ca", "scep-protocol", "scep-service"],
    ),
    // The functions are composed here, so that each names only its use cases.
    (
        "lambda-host",
        &[
            "ca",
            "scep-protocol",
            "scep-service",
            "scep-http",
            "store-dynamodb",
            "keys-kms",
            "authorise-http",
        ],
    ),
];

/// External dependencies, by prefix, that only these crates may have.
const ONLY_IN: &[(&str, &[&str])] = &[
    (
        "aws-sdk-",
        &[
            "keys-kms",
            "lambda-host",
            "store-dynamodb",
            "store-embedded",
        ],
    ),
    ("lambda_", &["lambda-host", "profiles"]),
    ("aws-smithy-", &["lambda-host", "store-embedded"]),
    ("dynoxide", &["store-embedded"]),
    ("rusqlite", &["store-sqlite"]),
    ("hyper", &["lambda-host", "scepter"]),
    (
        "http",
        &[
            "authorise-http",
            "console-http",
            "lambda-host",
            "management-api",
            "profiles",
            "scep-http",
            "scepter",
            "store-embedded",
        ],
    ),
    ("axum", &["management-api", "profiles", "scepter"]),
    ("utoipa", &["management-api"]),
    (
        "tokio",
        &[
            "authorise-http",
            "keys-kms",
            "keys-file",
            "lambda-host",
            // Requests share the issuer's keys and the tokens for client secrets while they wait.
            "profiles",
            "scep-service",
            "scepter",
            "store-dynamodb",
            "store-sqlite",
        ],
    ),
    (
        "serde_json",
        &[
            "authorise-http",
            "console-http",
            // Key policies are JSON.
            "keys-kms",
            "lambda-host",
            "management-api",
            // The keys and tokens of the issuer that MDMs authenticate by are JSON.
            "profiles",
            "scep-service",
            "scepter",
            "store-dynamodb",
            "store-embedded",
            "store-sqlite",
        ],
    ),
];

/// Crates without asynchronous code.
const PURE: &[&str] = &["scep-cms", "scep-protocol", "ca"];

fn read_rooms() -> BTreeMap<String, (Vec<String>, PathBuf)> {
    let metadata = MetadataCommand::new().no_deps().exec().unwrap();
    metadata
        .workspace_packages()
        .into_iter()
        .filter(|package| package.name.as_str() != "scepter-tests")
        .map(|package| {
            let dependencies = package
                .dependencies
                .iter()
                // Development dependencies do not count, except those on other workspace crates.
                .filter(|d| d.path.is_some() || d.kind != DependencyKind::Development)
                .map(|d| d.name.clone())
                .collect();
            let source = package.manifest_path.parent().unwrap().join("src");
            (package.name.to_string(), (dependencies, source.into()))
        })
        .collect()
}

#[test]
fn rooms_import_one_way() {
    let rooms = read_rooms();
    for (room, (dependencies, _)) in &rooms {
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| name == room) else {
            // Crates that compose the others may import everything, but no crate may import them.
            for (other, (dependencies, _)) in &rooms {
                assert!(!dependencies.contains(room), "{other} imports {room}");
            }
            continue;
        };
        for dependency in dependencies.iter().filter(|name| rooms.contains_key(*name)) {
            assert!(
                allowed.contains(&dependency.as_str()),
                "{room} imports {dependency}"
            );
        }
    }
}

#[test]
fn foreign_types_stay_in_their_rooms() {
    for (room, (dependencies, _)) in read_rooms() {
        for dependency in &dependencies {
            for (prefix, allowed) in ONLY_IN
                .iter()
                .filter(|(prefix, _)| dependency.starts_with(prefix))
            {
                assert!(
                    allowed.contains(&room.as_str()),
                    "{room} has {dependency} ({prefix})"
                );
            }
        }
    }
}

#[test]
fn nothing_waits_in_the_pure_rooms() {
    for room in PURE {
        let (_, source) = &read_rooms()[*room];
        for path in files_below(source) {
            let text = std::fs::read_to_string(&path).unwrap();
            for word in [".await", "async fn", "now_utc", "SystemTime::now"] {
                assert!(!text.contains(word), "{} has {word}", path.display());
            }
        }
    }
}

/// Every file below a folder.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().path())
        // npm's packages, which a build may be about to replace.
        .filter(|path| !path.ends_with("node_modules"))
        .flat_map(|path| match path.is_dir() {
            true => files_below(&path),
            false => vec![path],
        })
        .collect()
}
