//! The tests that the documents name exist, no line of prose or of a template is too wide to read,
//! and the console's copy of the OpenAPI document is that of the code.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use scepter_tests::interop::root;
use scepter_tests::server::{Build, binary};

use crate::architecture::files_below;

/// Collects `(file stem, function)` for every function in the Rust files below a folder.
fn list_functions(folder: &Path, found: &mut BTreeSet<(String, String)>) {
    for path in files_below(folder) {
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        // The tests of `refusal.rs` may stand in `refusal/tests.rs`.
        let module = match path.ends_with("tests.rs") {
            true => path.parent().unwrap(),
            false => &path,
        };
        let stem = module.file_stem().unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        for after in text.split("fn ").skip(1) {
            let name = after.split(['(', '<']).next().unwrap();
            found.insert((stem.to_owned(), name.to_owned()));
        }
    }
}

/// Each row of the conformance table names at least one test, and every named test exists.
#[test]
fn every_statement_of_the_rfc_is_shown_by_tests_that_exist() {
    let mut exist = BTreeSet::new();
    for folder in ["shared", "functions", "tests"] {
        list_functions(&root().join(folder), &mut exist);
    }
    let table = std::fs::read_to_string(root().join("docs/conformance.md")).unwrap();
    let divergences = std::fs::read_to_string(root().join("docs/divergences.md")).unwrap();
    let (mut rows, mut section) = (0, "");
    for row in table.lines() {
        if let Some(heading) = row.strip_prefix("## ") {
            section = heading.split(' ').next().unwrap();
        }
        if !row.starts_with("| ") {
            continue;
        }
        let cells: Vec<_> = row.trim_matches('|').split(" | ").collect();
        assert_eq!(cells.len(), 4, "{row}");
        if cells[0].trim() == "level" {
            continue;
        }
        let tests: Vec<_> = cells[3].split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "no test is named for {row}");
        for test in tests {
            let (file, name) = test.split_once("::").expect(test);
            let test = (file.to_owned(), name.to_owned());
            assert!(exist.contains(&test), "{file}::{name} does not exist");
        }
        if row.contains("(divergences.md)") {
            let mut sections = divergences
                .lines()
                .filter_map(|line| line.split('|').nth(1));
            let named = sections.any(|cell| cell.split(',').any(|one| one.trim() == section));
            assert!(named, "no divergence of section {section}");
        }
        rows += 1;
    }
    assert!(rows >= 100, "only {rows} rows");
}

/// Every test that the threat model names exists.
#[test]
fn every_test_that_the_threat_model_names_exists() {
    let mut exist = BTreeSet::new();
    for folder in ["shared", "functions", "tests"] {
        list_functions(&root().join(folder), &mut exist);
    }
    let model = std::fs::read_to_string(root().join("docs/security.md")).unwrap();
    let named: Vec<_> = model
        .split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|code| code.split_once("::"))
        .filter(|(module, _)| module.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
        .collect();
    assert!(named.len() > 30, "{named:?}");
    for (module, name) in named {
        let test = (module.to_owned(), name.to_owned());
        assert!(exist.contains(&test), "{module}::{name} does not exist");
    }
}

/// The longest line of a comment or of prose, in characters.
const MAX_COLUMNS: usize = 100;

/// The files below a folder with this extension, without those of a build.
fn files_of(folder: &str, extension: &str) -> impl Iterator<Item = PathBuf> {
    let files = files_below(&root().join(folder)).into_iter();
    files.filter(move |path| {
        let is_built = path.components().any(|part| part.as_os_str() == "target");
        !is_built && path.extension().is_some_and(|found| found == extension)
    })
}

/// Fails on the lines of these files that are prose and longer than this.
fn assert_short(files: &[PathBuf], columns: usize, is_prose: impl Fn(&str) -> bool) {
    let mut too_long = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        let mut in_fence = false;
        for (number, line) in text.lines().enumerate() {
            in_fence ^= line.starts_with("```");
            if !in_fence && is_prose(line) && line.chars().count() > columns {
                too_long.push(format!("{}:{}", file.display(), number + 1));
            }
        }
    }
    assert!(too_long.is_empty(), "{too_long:#?}");
}

#[test]
fn no_comment_is_wider_than_100_columns() {
    let folders = ["shared", "functions", "tests", "fuzz/src", "fuzz/targets"];
    let files: Vec<_> = folders
        .into_iter()
        .flat_map(|folder| files_of(folder, "rs"))
        .collect();
    assert!(files.len() > 200);
    assert_short(&files, MAX_COLUMNS, |line| {
        line.trim_start().starts_with("//")
    });
}

/// Tables, code and lines with a URL cannot be wrapped.
#[test]
fn no_prose_of_the_documents_is_wider_than_100_columns() {
    let mut files: Vec<_> = files_of("docs", "md").collect();
    for name in [
        "README.md",
        "ARCHITECTURE.md",
        "STYLE.md",
        "CHANGELOG.md",
        "SECURITY.md",
    ] {
        files.push(root().join(name));
    }
    let unwrappable = ["|", "http"];
    assert_short(&files, MAX_COLUMNS, |line| {
        !line.starts_with("    ") && !unwrappable.iter().any(|part| line.contains(part))
    });
}

/// A wider line does not fit beside its old form in a review.
#[test]
fn no_line_of_a_template_is_wider_than_120_columns() {
    let mut files: Vec<_> = files_of("infra", "yaml").collect();
    files.push(root().join("template.yaml"));
    assert!(files.len() >= 4);
    assert_short(&files, 120, |_| true);
}

/// The console's types are generated from the copy, so that a machine without cargo can build it.
#[test]
fn the_copy_of_the_openapi_document_is_what_the_code_makes() {
    let output = Command::new(binary(Build::Debug))
        .arg("openapi")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let copy = std::fs::read(root().join("shared/console/openapi.json")).unwrap();
    assert!(
        copy == output.stdout,
        "cargo run --package scepter -- openapi > shared/console/openapi.json"
    );
}
