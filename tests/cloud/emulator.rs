//! The emulator of AWS as a process, and the script that asks AWS.

use std::io::Write;
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use scepter_tests::interop::{root, target, tools};
use serde_json::Value;

/// A command that talks to the emulator as the root user of the account.
pub(crate) fn build_command(program: &Path, endpoint: &str) -> Command {
    let mut command = Command::new(program);
    command.envs([
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_DEFAULT_REGION", "eu-central-1"),
        ("AWS_ENDPOINT_URL", endpoint),
        ("SAM_CLI_TELEMETRY", "0"),
    ]);
    command
}

pub(crate) fn start_emulator(endpoint: &str, port: u16) -> Child {
    let log = std::fs::File::create(target().join("emulator.log")).unwrap();
    let mut python = build_command(&tools().join("ministack/bin/python"), endpoint);
    let child = python
        .arg(root().join("tests/cloud/emulator.py"))
        .envs([
            ("BIND_HOST", "127.0.0.1"),
            ("MINISTACK_HOST", "localhost"),
            ("AUTH", "true"),
        ])
        .envs([
            ("GATEWAY_PORT", port.to_string().as_str()),
            ("IOT_MTLS_ENABLED", "0"),
        ])
        .stdin(Stdio::piped())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .process_group(0)
        .spawn()
        .expect("tests/run installs the emulator");
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "the emulator failed to start"
        );
        sleep(Duration::from_millis(100));
    }
    child
}

pub(crate) fn ask_aws(endpoint: &str, arguments: &[&str], input: &str) -> Value {
    let mut python = build_command(&tools().join("ministack/bin/python"), endpoint);
    let mut child = python
        .arg(root().join("tests/cloud/aws.py"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "aws.py {arguments:?} failed");
    serde_json::from_slice(&output.stdout).unwrap()
}
