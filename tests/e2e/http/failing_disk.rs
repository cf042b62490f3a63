//! A disk that does not take what the server writes: the server ends, so that whoever supervises it
//! starts it again, and nothing that it answered is lost.

use std::path::{Path, PathBuf};
use std::process::Command;

use scepter_tests::assert::expect_status;
use scepter_tests::device::Device;
use scepter_tests::server::{Build, Server, binary};
use scepter_tests::world::CHALLENGE;

/// Has every fdatasync fail for as long as the file named by `FAILING_DISK` exists.
const SHIM: &str = r#"
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int fdatasync(int file) {
    if (access(getenv("FAILING_DISK"), F_OK) == 0) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, file);
}
"#;

fn compile_shim(folder: &Path) -> PathBuf {
    let (source, library) = (folder.join("shim.c"), folder.join("shim.so"));
    std::fs::write(&source, SHIM).unwrap();
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]);
    let compiled = compiler.arg(&library).arg(&source).status().unwrap();
    assert!(compiled.success());
    library
}

#[test]
fn a_server_whose_disk_fails_ends_and_the_next_one_continues() {
    let folder = tempfile::tempdir().unwrap();
    let (data, failing) = (folder.path().join("data"), folder.path().join("failing"));
    let shim = compile_shim(folder.path());
    // The clock of the tests may be moved in the same way.
    let others = std::env::var("LD_PRELOAD").unwrap_or_default();
    let preload = format!("{} {others}", shim.display());
    let environment = [
        ("LD_PRELOAD", preload.trim()),
        ("FAILING_DISK", failing.to_str().unwrap()),
    ];
    let binary = binary(Build::Debug);
    let mut server = Server::start(&binary, &data, &environment);
    let ra_certificate = server.ra_certificate();
    let enrol = |server: &Server, device: &Device, name: &str| {
        let request = device.enrolment(name, CHALLENGE);
        server.post(&device.message(&request, &ra_certificate))
    };
    let (first, second) = (Device::rsa(), Device::rsa());
    let reply = expect_status(enrol(&server, &first, "device-1"), 200);
    let issued = first.read(&reply, &ra_certificate).leaf();

    std::fs::write(&failing, "").unwrap();
    assert_ne!(enrol(&server, &second, "device-2").0, 200);
    server.wait_for_log("the log of the database is not on the disk");
    assert_eq!(server.child.wait().unwrap().code(), Some(1));

    std::fs::remove_file(&failing).unwrap();
    let server = Server::start(&binary, &data, &environment);
    let reply = expect_status(enrol(&server, &first, "device-1"), 200);
    assert_eq!(first.read(&reply, &ra_certificate).leaf(), issued);
    let reply = expect_status(enrol(&server, &second, "device-2"), 200);
    second.read(&reply, &ra_certificate).leaf();
}
