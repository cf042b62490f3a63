//! The server as a process: the real binary, with its data in a temporary folder.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use scep_cms::certificate::Certificate;
use scep_cms::degenerate::DegenerateSignedData;
use serde_json::{Value, json};

use crate::assert::expect_status;
use crate::interop::{root, target};

/// How long a test waits before it fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A build of the binary.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// The released features, without optimisation.
    Debug,
    /// A build with fault points.
    FaultPoints,
    /// The release build.
    Release,
}

/// Builds `scepter` once and returns a path that later builds do not overwrite.
pub fn binary(build: Build) -> PathBuf {
    static BUILT: Mutex<Vec<(Build, PathBuf)>> = Mutex::new(Vec::new());
    let mut built = BUILT
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some((_, path)) = built.iter().find(|(known, _)| *known == build) {
        return path.clone();
    }
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        // tests/clock sets LD_PRELOAD to move the clock of the tests and the server; cargo must not
        // stamp the files that it builds with that clock.
        .env_remove("LD_PRELOAD")
        .current_dir(root())
        .args(["build", "--locked", "--quiet", "--package", "scepter"]);
    let (profile, name) = match build {
        Build::Debug => ("debug", "scepter-debug"),
        Build::FaultPoints => {
            cargo.args(["--features", "fault-points"]);
            ("debug", "scepter-fault-points")
        }
        Build::Release => {
            cargo.args(["--profile", "server"]);
            ("server", "scepter-release")
        }
    };
    assert!(cargo.status().unwrap().success(), "building scepter failed");
    let target = target();
    let path = target.join(profile).join(name);
    // A hard link instead of a copy: executing a freshly written file fails while another thread
    // forks with the file still open.
    let _ = std::fs::remove_file(&path);
    std::fs::hard_link(target.join(profile).join("scepter"), &path).unwrap();
    built.push((build, path.clone()));
    path
}

/// The token of an administrator, for a server that is started with it as `SCEPTER_ADMIN_TOKEN`.
pub const ADMIN_TOKEN: &str = "the-token-of-an-administrator-in-tests";

/// A running server, killed when dropped.
pub struct Server {
    pub child: Child,
    /// The lines that the server logs.
    pub log: Receiver<String>,
    /// The lines that the server printed when it was ready.
    pub welcome: Vec<String>,
    /// The SCEP URL, and the address and port in it.
    pub scep_url: String,
    pub address: String,
}

impl Server {
    /// Starts the server on a free port and waits until it has printed how to enrol.
    pub fn start(binary: &Path, data: &Path, environment: &[(&str, &str)]) -> Self {
        Self::start_on("127.0.0.1:0", binary, data, environment, "pki --scepca")
    }

    /// Starts a debug build with its data in a temporary folder, which lives as long as the result.
    pub fn start_demo() -> (tempfile::TempDir, Self) {
        let data = tempfile::tempdir().unwrap();
        let server = Self::start(&binary(Build::Debug), data.path(), &[]);
        (data, server)
    }

    /// Starts the server on this address and waits for a line of its welcome that contains `ready`.
    pub fn start_on(
        address: &str,
        binary: &Path,
        data: &Path,
        environment: &[(&str, &str)],
        ready: &str,
    ) -> Self {
        let mut child = Command::new(binary)
            .args(["serve", "--listen", address, "--data"])
            .arg(data)
            .env("SCEPTER_CHALLENGE", crate::world::CHALLENGE)
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, log) = channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut server = Self {
            child,
            log,
            welcome: Vec::new(),
            scep_url: String::new(),
            address: String::new(),
        };
        for line in stdout.lines() {
            server.welcome.push(line.unwrap());
            if server.welcome.iter().any(|line| line.contains(ready)) {
                // A server without a SCEP Profile prints no SCEP URL.
                let mut lines = server.welcome.iter();
                if let Some(url) = lines.find_map(|line| line.strip_prefix("SCEP URL")) {
                    server.scep_url = url.trim().to_owned();
                    let (_, rest) = server.scep_url.split_once("://").unwrap();
                    server.address = rest.split('/').next().unwrap().to_owned();
                }
                return server;
            }
        }
        panic!(
            "the server failed to start: {:?}",
            server.log.iter().collect::<Vec<_>>()
        );
    }

    /// The rest of the welcome line that starts with `beginning`.
    pub fn printed(&self, beginning: &str) -> String {
        let line = self
            .welcome
            .iter()
            .find_map(|line| line.strip_prefix(beginning));
        line.unwrap().trim().to_owned()
    }

    /// The first certificate of the GetCACert response: the RA certificate, which requests are
    /// encrypted to.
    pub fn ra_certificate(&self) -> Certificate {
        let chain = expect_status(
            http(&[&format!("{}?operation=GetCACert", self.scep_url)], &[]),
            200,
        );
        let chain = DegenerateSignedData::from_ber(&chain).unwrap();
        Certificate::from_der(&chain.certificates[0]).unwrap()
    }

    /// Posts a message and returns the status and body.
    pub fn post(&self, message: &[u8]) -> (u16, Vec<u8>) {
        http(&["--data-binary", "@-", &self.scep_url], message)
    }

    /// Calls the management API with [`ADMIN_TOKEN`], asserts success, and returns the body.
    pub fn administer(&self, method: &str, path: &str, body: &Value) -> Value {
        let url = format!("http://{}/api/v1{path}", self.address);
        let token = format!("Authorization: Bearer {ADMIN_TOKEN}");
        let arguments = ["--request", method, "--header", &token, &url];
        let body = match body {
            Value::Null => Vec::new(),
            body => body.to_string().into_bytes(),
        };
        let sent = ["--data-binary", "@-"].iter().filter(|_| !body.is_empty());
        let arguments: Vec<_> = arguments.iter().chain(sent).copied().collect();
        let (status, answer) = http(&arguments, &body);
        let text = String::from_utf8_lossy(&answer);
        assert!(
            (200..300).contains(&status),
            "{method} {path}: {status} {text}"
        );
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Has the demo's profile ask for one-time challenges alone, and returns its uuid. The server
    /// was started with [`ADMIN_TOKEN`].
    pub fn choose_one_time(&self) -> String {
        let profiles = self.administer("GET", "/scepProfiles", &Value::Null);
        let uuid = profiles[0]["uuid"].as_str().unwrap().to_owned();
        let path = format!("/scepProfiles/{uuid}");
        let mut profile = self.administer("GET", &path, &Value::Null);
        let body = json!({
            "name": profile["name"].take(),
            "caCertificateUuid": profile["caCertificate"]["uuid"].take(),
            "raProfileUuid": profile["raProfile"]["uuid"].take(),
            "challengeSources": ["ONE_TIME"],
        });
        self.administer("PUT", &path, &body);
        uuid
    }

    /// Sends octets on a connection of their own, closes the sending side, and reads to the end.
    pub fn exchange(&self, octets: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // The server closes the connection on an early rejection, which may reset it while this
        // side still writes.
        let _ = stream.write_all(octets);
        let _ = stream.shutdown(Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        answer
    }

    /// Does the same as [`Self::exchange`] for an answer that is text.
    pub fn exchange_text(&self, octets: &[u8]) -> String {
        String::from_utf8_lossy(&self.exchange(octets)).into_owned()
    }

    /// Waits for a log line that contains `text`.
    pub fn wait_for_log(&self, text: &str) -> String {
        loop {
            let line = self
                .log
                .recv_timeout(PATIENCE)
                .expect("the log line did not appear");
            if line.contains(text) {
                return line;
            }
        }
    }

    /// The lines of the log that nothing has waited for yet.
    pub fn read_log(&self) -> Vec<String> {
        self.log.try_iter().collect()
    }

    /// Kills the process with SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends SIGTERM and returns whether the process then exits successfully.
    pub fn terminate(mut self) -> bool {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").arg(pid).status().unwrap().success());
        self.child.wait().unwrap().success()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The process may have ended already, and a drop cannot report errors.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Performs one HTTP exchange with curl and returns the status and body.
pub fn http(arguments: &[&str], body: &[u8]) -> (u16, Vec<u8>) {
    let mut curl = Command::new("curl")
        .args([
            "--silent",
            "--max-time",
            "60",
            "--write-out",
            "\n%{http_code}",
        ])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // A server that rejects a request early may close the connection before it has read the body;
    // only its answer counts.
    let _ = curl.stdin.take().unwrap().write_all(body);
    let output = curl.wait_with_output().unwrap().stdout;
    let split = output.iter().rposition(|octet| *octet == b'\n').unwrap();
    let status = std::str::from_utf8(&output[split + 1..])
        .unwrap()
        .parse()
        .unwrap();
    (status, output[..split].to_vec())
}
