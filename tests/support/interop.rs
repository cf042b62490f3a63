//! The scripts in `tests/interop`, which run third-party clients and administrators' tools.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The folder that cargo builds in.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The folder where `install.sh` installs the tools that are not packaged.
pub fn tools() -> PathBuf {
    target().join("interop")
}

/// Runs a script of `tests/interop` in a new folder; a failure prints its output.
#[track_caller]
pub fn run(script: &str, arguments: &[&str], environment: &[(&str, &str)]) {
    let folder = tempfile::tempdir().unwrap();
    let script = root().join("tests/interop").join(script);
    let output = Command::new(&script)
        .args(arguments)
        .current_dir(folder.path())
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{} failed (is it installed? tests/run does that)\n{}\n{}",
        script.display(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
