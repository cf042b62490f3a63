//! The server as a process: the real binary, its data in a temporary folder.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use scep_cms::{Certificate, Degenerate};

/// How long anything here may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Which build of the binary.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// As released, but for optimisation.
    Debug,
    /// With fault points.
    FaultPoints,
    /// As released.
    Release,
}

/// Builds `scepter` once, and gives a path to it that the next build leaves alone.
pub fn binary(build: Build) -> PathBuf {
    static BUILT: Mutex<Vec<(Build, PathBuf)>> = Mutex::new(Vec::new());
    let mut built = BUILT
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some((_, path)) = built.iter().find(|(known, _)| *known == build) {
        return path.clone();
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        // tests/clock moves the clock by it: that of tests and server, not that of files that are
        // built.
        .env_remove("LD_PRELOAD")
        .current_dir(root)
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
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let path = target.join(profile).join(name);
    // A link, not a copy: a file that was just written cannot be run while another thread forks.
    let _ = std::fs::remove_file(&path);
    std::fs::hard_link(target.join(profile).join("scepter"), &path).unwrap();
    built.push((build, path.clone()));
    path
}

/// A running server. Killed when dropped.
pub struct Server {
    child: Child,
    log: Receiver<String>,
    /// What it printed when it was ready.
    pub welcome: Vec<String>,
}

impl Server {
    /// Starts the server on a free port and waits until it has shown how to enrol.
    pub fn start(binary: &Path, data: &Path, environment: &[(&str, &str)]) -> Self {
        Self::start_ready(binary, data, environment, "pki --scepca")
    }

    /// Starts the server on a free port and waits for a line of its welcome that holds `ready`.
    pub fn start_ready(
        binary: &Path,
        data: &Path,
        environment: &[(&str, &str)],
        ready: &str,
    ) -> Self {
        Self::start_on("127.0.0.1:0", binary, data, environment, ready)
    }

    /// The same, on this address.
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
        };
        for line in stdout.lines() {
            server.welcome.push(line.unwrap());
            if server.welcome.iter().any(|line| line.contains(ready)) {
                return server;
            }
        }
        panic!(
            "the server did not start: {:?}",
            server.log.iter().collect::<Vec<_>>()
        );
    }

    /// The line of the welcome that begins so, without its beginning.
    pub fn printed(&self, beginning: &str) -> String {
        let line = self
            .welcome
            .iter()
            .find_map(|line| line.strip_prefix(beginning));
        line.unwrap().trim().to_owned()
    }

    /// Its SCEP URL.
    pub fn scep_url(&self) -> String {
        self.printed("SCEP URL")
    }

    /// Its address and port.
    pub fn address(&self) -> String {
        let url = self.scep_url();
        url.strip_prefix("http://")
            .unwrap()
            .split('/')
            .next()
            .unwrap()
            .to_owned()
    }

    /// The first certificate of its GetCACert: the one that requests are encrypted to.
    pub fn ra_certificate(&self) -> Certificate {
        let (status, chain) = http(&[&format!("{}?operation=GetCACert", self.scep_url())], &[]);
        assert_eq!(status, 200);
        let chain = Degenerate::from_ber(&chain).unwrap();
        Certificate::from_der(&chain.certificates[0]).unwrap()
    }

    /// Posts a message: status and body.
    pub fn post(&self, message: &[u8]) -> (u16, Vec<u8>) {
        http(&["--data-binary", "@-", &self.scep_url()], message)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a log line that holds `text`.
    pub fn wait_for_log(&self, text: &str) -> String {
        loop {
            let line = self
                .log
                .recv_timeout(PATIENCE)
                .expect("the log line never came");
            if line.contains(text) {
                return line;
            }
        }
    }

    /// The lines that were logged since they were last asked for, or waited for.
    pub fn logged(&self) -> Vec<String> {
        self.log.try_iter().collect()
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM; whether it then ended well.
    pub fn terminate(mut self) -> bool {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").arg(pid).status().unwrap().success());
        self.child.wait().unwrap().success()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already gone, or gone now; neither can be helped here.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One HTTP exchange by curl: status and body.
pub fn http(arguments: &[&str], body: &[u8]) -> (u16, Vec<u8>) {
    use std::io::Write;
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
    // A server that answers early closes early; what counts is its answer.
    let _ = curl.stdin.take().unwrap().write_all(body);
    let output = curl.wait_with_output().unwrap().stdout;
    let split = output.iter().rposition(|octet| *octet == b'\n').unwrap();
    let status = std::str::from_utf8(&output[split + 1..])
        .unwrap()
        .parse()
        .unwrap();
    (status, output[..split].to_vec())
}
