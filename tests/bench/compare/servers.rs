//! The servers that are measured, as processes: Scepter, micromdm's scepserver and step-ca.

use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use scep_cms::certificate::Certificate;
use scep_cms::degenerate::DegenerateSignedData;
use scepter_tests::interop::{root, target};
use scepter_tests::openssl;
use scepter_tests::server::ADMIN_TOKEN;
use scepter_tests::world::{CHALLENGE, PATH};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::http::{Connection, Request};

/// How long a server may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that can be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// This binary of Scepter.
    Scepter(PathBuf),
    /// micromdm's scepserver.
    Micromdm,
    /// step-ca with a SCEP provisioner and an RSA intermediate.
    StepCa,
}

/// Where peers are installed, and where data folders are: on the disk of the build, because `/tmp`
/// may be memory.
pub(crate) fn storage() -> PathBuf {
    let folder = target().join("bench");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Installs the other servers, unless they are there.
pub(crate) fn install_peers() {
    let script = root().join("tests/bench/install.sh");
    let status = Command::new(script).arg(storage().join("peers")).status();
    assert!(
        status.unwrap().success(),
        "installing the other servers failed"
    );
}

impl Program {
    /// The name in the report.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Scepter(_) => "Scepter",
            Self::Micromdm => "micromdm",
            Self::StepCa => "step-ca",
        }
    }

    /// The path of the SCEP endpoint.
    fn path(&self) -> &'static str {
        match self {
            Self::Scepter(_) => PATH,
            Self::Micromdm => "/scep",
            Self::StepCa => "/scep/bench",
        }
    }

    /// Whether the server refuses good requests at times: scepserver gives serial numbers from a
    /// file that two requests at once cannot both write.
    fn may_refuse(&self) -> bool {
        *self == Self::Micromdm
    }

    /// Creates what the server needs in its folder before it starts, with RSA-2048 keys.
    fn prepare(&self, folder: &Path) {
        match self {
            // It makes its demo itself.
            Self::Scepter(_) => {}
            Self::Micromdm => {
                let arguments = ["ca", "-init", "-keySize", "2048", "-depot"];
                let mut command = Command::new("scepserver");
                command.args(arguments).arg(folder.join("depot"));
                assert!(command.output().unwrap().status.success());
            }
            Self::StepCa => prepare_step_ca(folder),
        }
    }

    fn command(&self, folder: &Path, port: u16) -> Command {
        let address = format!("127.0.0.1:{port}");
        match self {
            Self::Scepter(binary) => {
                let mut command = Command::new(binary);
                command
                    .args(["serve", "--listen", &address, "--data"])
                    .arg(folder)
                    .env("SCEPTER_CHALLENGE", CHALLENGE)
                    .env("SCEPTER_ADMIN_TOKEN", ADMIN_TOKEN)
                    // All clients have one address here.
                    .env("SCEPTER_CONNECTIONS_PER_ADDRESS", "256");
                command
            }
            Self::Micromdm => {
                let mut command = Command::new("scepserver");
                let port = port.to_string();
                // Renewals are allowed at any time.
                command
                    .args([
                        "-port",
                        &port,
                        "-challenge",
                        CHALLENGE,
                        "-allowrenew",
                        "0",
                        "-depot",
                    ])
                    .arg(folder.join("depot"));
                command
            }
            Self::StepCa => {
                let file = folder.join("ca.json");
                let mut settings: Value =
                    serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
                settings["insecureAddress"] = json!(address);
                std::fs::write(&file, settings.to_string()).unwrap();
                let mut command = Command::new(storage().join("peers/step-ca"));
                command.arg(&file).current_dir(folder);
                command
            }
        }
    }
}

/// Creates a root, an intermediate with an RSA key, and the settings of step-ca.
fn prepare_step_ca(folder: &Path) {
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (root, root_key) = (path("root.crt"), path("root.key"));
    let (intermediate, key) = (path("intermediate.crt"), path("intermediate.key"));
    let new_key = [
        "req", "-newkey", "rsa:2048", "-nodes", "-x509", "-days", "3650",
    ];
    let is_ca = ["-addext", "basicConstraints=critical,CA:TRUE"];
    let root_only = ["-keyout", &root_key, "-out", &root, "-subj", "/CN=Root"];
    openssl::run(&[&new_key[..], &is_ca, &root_only].concat(), &[]);
    let issuer = ["-CA", &root, "-CAkey", &root_key];
    let own = [
        "-keyout",
        &key,
        "-out",
        &intermediate,
        "-subj",
        "/CN=Intermediate",
    ];
    openssl::run(&[&new_key[..], &is_ca, &issuer, &own].concat(), &[]);
    let settings = json!({
        "root": root, "crt": intermediate, "key": key,
        // It serves HTTPS too, which nobody uses here.
        "address": "127.0.0.1:0", "dnsNames": ["localhost"],
        "logger": { "format": "text" },
        "db": { "type": "badgerv2", "dataSource": path("db") },
        "authority": { "provisioners": [{
            "type": "SCEP", "name": "bench", "challenge": CHALLENGE,
            "minimumPublicKeyLength": 2048, "includeRoot": true,
            // AES-128-CBC, which Scepter answers with too.
            "encryptionAlgorithmIdentifier": 1,
            "claims": { "maxTLSCertDuration": "8760h", "defaultTLSCertDuration": "8760h" },
        }]},
    });
    std::fs::write(folder.join("ca.json"), settings.to_string()).unwrap();
}

/// A server with a data folder of its own.
pub(crate) struct Installation {
    pub(crate) program: Program,
    folder: TempDir,
}

impl Installation {
    /// Prepares a server in a new folder.
    pub(crate) fn new(program: Program) -> Self {
        let folder = tempfile::tempdir_in(storage()).unwrap();
        program.prepare(folder.path());
        Self { program, folder }
    }

    /// The data folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts the server, and waits until it answers.
    pub(crate) fn start(&self) -> Running {
        let port = find_free_port();
        let mut command = self.program.command(self.folder(), port);
        // Each server logs every request, to where it costs the machine nothing.
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // The server must not receive the Ctrl-C that ends the measurement before it is killed.
        command.process_group(0);
        let begun = Instant::now();
        let child = command.spawn().unwrap();
        let mut running = Running {
            child,
            address: format!("127.0.0.1:{port}"),
            path: self.program.path().to_owned(),
            may_refuse: self.program.may_refuse(),
            started_in: Duration::ZERO,
        };
        while !running.answers() {
            assert!(
                begun.elapsed() < PATIENCE,
                "{} does not start",
                self.program.name()
            );
            std::thread::sleep(Duration::from_micros(500));
        }
        running.started_in = begun.elapsed();
        running
    }
}

/// A server that runs, killed when dropped.
pub(crate) struct Running {
    child: Child,
    pub(crate) address: String,
    path: String,
    /// See [`Program::may_refuse`].
    pub(crate) may_refuse: bool,
    /// The time from its start to its first answer.
    pub(crate) started_in: Duration,
}

impl Running {
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// The target of a SCEP operation.
    pub(crate) fn operation(&self, name: &str) -> String {
        format!("{}?operation={name}", self.path)
    }

    /// Has the SCEP operations mean this SCEP Profile of Scepter from now on.
    pub(crate) fn use_profile(&mut self, name: &str) {
        self.path = format!("/api/v1/protocols/scep/{name}/pkiclient.exe");
    }

    /// The certificate that requests are encrypted to: the first of GetCACert.
    pub(crate) fn recipient(&self) -> Certificate {
        let mut connection = Connection::open(&self.address);
        let body = connection.fetch(&Request::get(&self.operation("GetCACert")));
        // A single certificate is sent as such.
        if let Ok(certificate) = Certificate::from_der(&body) {
            return certificate;
        }
        let chain = DegenerateSignedData::from_ber(&body).unwrap();
        Certificate::from_der(&chain.certificates[0]).unwrap()
    }

    /// Calls Scepter's management API, and returns the body of a success.
    pub(crate) fn administer(&self, method: &str, path: &str, body: &Value) -> Value {
        let headers =
            format!("Authorization: Bearer {ADMIN_TOKEN}\r\nContent-Type: application/json\r\n");
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let target = format!("/api/v1{path}");
        let request = Request::new(method, &target, &headers, body.as_bytes());
        let answer = Connection::open(&self.address).fetch(&request);
        serde_json::from_slice(&answer).unwrap_or_default()
    }

    /// Stops the server and waits until it has written everything.
    pub(crate) fn stop(mut self) {
        let process = self.process().to_string();
        assert!(
            Command::new("kill")
                .arg(process)
                .status()
                .unwrap()
                .success()
        );
        self.child.wait().unwrap();
    }

    fn answers(&mut self) -> bool {
        let status = self.child.try_wait().unwrap();
        assert!(status.is_none(), "the server ended: {status:?}");
        let target = self.operation("GetCACaps");
        Connection::try_open(&self.address)
            .is_some_and(|mut connection| connection.exchange(&Request::get(&target)).status == 200)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The process may have ended already, and a drop cannot report errors.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Finds a port that nothing listens on.
fn find_free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
