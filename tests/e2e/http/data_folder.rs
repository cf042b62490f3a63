//! Only the owner has access to the data folder, whatever the umask and whatever the permissions
//! were before.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use scepter_tests::assert::expect_status;
use scepter_tests::device::Device;
use scepter_tests::server::{Build, Server, binary};
use scepter_tests::world::CHALLENGE;

/// Lists everything in a folder, recursively, with its mode.
fn list_modes(folder: &Path, found: &mut Vec<(PathBuf, u32)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        found.push((path.clone(), read_mode(&path)));
        if path.is_dir() {
            list_modes(&path, found);
        }
    }
}

fn read_mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[track_caller]
fn assert_private(data: &Path) {
    assert_eq!(read_mode(data), 0o700);
    let mut found = Vec::new();
    list_modes(data, &mut found);
    for (path, mode) in &found {
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(*mode, expected, "{}: {mode:o}", path.display());
    }
    let names: Vec<_> = found
        .iter()
        .filter_map(|(path, _)| path.file_name())
        .collect();
    for name in [
        "store.db",
        "store.db-wal",
        "tokens.json",
        "lock",
        "demo-made",
    ] {
        assert!(
            names.iter().any(|found| *found == name),
            "{name} in {names:?}"
        );
    }
}

/// Starts a server and makes it write every kind of file.
fn start_and_use(binary: &Path, data: &Path) -> Server {
    let server = Server::start(binary, data, &[]);
    let device = Device::rsa();
    let request = device.enrolment("device-1", CHALLENGE);
    let message = device.message(&request, &server.ra_certificate());
    expect_status(server.post(&message), 200);
    let made = Command::new(binary)
        .args([
            "token", "create", "--name", "ci", "--scope", "read", "--data",
        ])
        .arg(data)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    server
}

#[test]
fn every_file_is_the_owners_alone_whatever_the_umask() {
    for umask in ["000", "022"] {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let script = folder.path().join("scepter");
        let server = binary(Build::Debug);
        let run = format!("exec {} \"$@\"", server.display());
        std::fs::write(&script, format!("#!/bin/sh\numask {umask}\n{run}\n")).unwrap();
        std::fs::set_permissions(&script, Permissions::from_mode(0o700)).unwrap();
        let _server = start_and_use(&script, &data);
        assert_private(&data);
    }
}

#[test]
fn a_data_folder_that_others_could_read_is_closed_and_the_log_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let binary = binary(Build::Debug);
    drop(start_and_use(&binary, &data));
    for (path, mode) in [(data.clone(), 0o755), (data.join("store.db"), 0o644)] {
        std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }
    let server = start_and_use(&binary, &data);
    assert_private(&data);
    let said = server.wait_for_log("other users could read this");
    assert!(said.contains(data.to_str().unwrap()), "{said}");
}

#[test]
fn a_folder_of_other_files_that_others_may_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    std::fs::write(folder.path().join("letters.txt"), "").unwrap();
    for command in [
        ["serve"].as_slice(),
        &["token", "create", "--name", "a", "--scope", "read"],
    ] {
        let mut server = Command::new(binary(Build::Debug));
        let server = server.args(command).arg("--data").arg(folder.path());
        let ended = server
            .env("SCEPTER_LISTEN", "127.0.0.1:0")
            .output()
            .unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert!(
            !ended.status.success() && said.contains("is open to other users"),
            "{said}"
        );
    }
    assert_eq!(read_mode(folder.path()), 0o755);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
