//! The stack: the project's own template, deployed by `sam deploy` to an emulator that ends with
//! this process.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{LazyLock, RwLock};

use scep_cms::certificate::Certificate;
use scep_cms::degenerate::DegenerateSignedData;
use scepter_tests::assert::expect_status;
use scepter_tests::interop;
use scepter_tests::interop::{root, target};
use scepter_tests::server::http;
use serde_json::{Value, json};

use crate::deployer::{Deployer, run_command, sam_deploy};
use crate::door;
use crate::emulator::{ask_aws, start_emulator};
use crate::services::SERVICES;

/// The functions of the template, by package.
pub(crate) const FUNCTIONS: [&str; 6] = [
    "console",
    "get-ca-caps",
    "get-ca-cert",
    "maintenance",
    "pki-operation",
    "profiles",
];

/// How long a function caches profiles, in seconds.
pub(crate) const PROFILES_MAX_AGE: u64 = 2;

/// Tests that disturb the stack take the write lock; all others share it.
pub(crate) static ALONE: RwLock<()> = RwLock::new(());

/// The stack, deployed on first use.
pub(crate) static STACK: LazyLock<Stack> = LazyLock::new(Stack::deploy);

/// What CloudFormation and the user pool tell of a stack.
#[derive(serde::Deserialize)]
pub(crate) struct Described {
    pub(crate) outputs: BTreeMap<String, String>,
    pub(crate) resources: BTreeMap<String, String>,
    /// The id and the secret of the client for scripts.
    client: String,
    /// The id and the secret of the client for MDMs.
    mdm: String,
}

pub(crate) struct Stack {
    /// The user who deployed the stack.
    pub(crate) deployer: Deployer,
    /// The emulator exits when its standard input closes, at the latest with this process.
    _emulator: Child,
    staged: tempfile::TempDir,
    pub(crate) endpoint: String,
    pub(crate) door: String,
    pub(crate) outputs: BTreeMap<String, String>,
    pub(crate) resources: BTreeMap<String, String>,
    client: String,
    /// The id and the secret of the client for MDMs.
    pub(crate) mdm: String,
}

impl Stack {
    fn deploy() -> Self {
        let staged = stage_template();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let endpoint = format!("http://127.0.0.1:{port}");
        let emulator = start_emulator(&endpoint, port);
        let deployer = Deployer::make(staged.path(), &endpoint);
        let age = format!("ProfilesMaxAgeSeconds={PROFILES_MAX_AGE}");
        let topic = "AlarmTopicArn=arn:aws:sns:eu-central-1:000000000000:alarms";
        let boundary = format!("PermissionsBoundaryArn={}", deployer.boundary);
        let fixed = "DefaultScepProfile=fixed";
        let login = format!("IntuneLoginUrl={}", SERVICES.intune.login_url());
        let graph = format!("IntuneGraphUrl={}", SERVICES.intune.graph_url());
        let mut parameters = vec!["Edge=true", "LogLevel=DEBUG", &age, topic, &boundary, fixed];
        parameters.extend(["IntuneFederatedCredential=true", &login, &graph]);
        deployer.deploy(staged.path(), &endpoint, &parameters);
        let described = ask_aws(&endpoint, &["describe", "scepter"], "");
        let described: Described = serde_json::from_value(described).unwrap();
        Self {
            deployer,
            _emulator: emulator,
            staged,
            door: door::open(port),
            outputs: described.outputs,
            resources: described.resources,
            client: described.client,
            mdm: described.mdm,
            endpoint,
        }
    }

    /// A token from the user pool with these scopes.
    pub(crate) fn token(&self, scopes: &str) -> String {
        self.token_of(&self.client, scopes)
    }

    fn token_of(&self, client: &str, scopes: &str) -> String {
        let scope = format!("scope={scopes}");
        let url = format!("{}/oauth2/token", self.endpoint);
        let form = [
            "--data",
            "grant_type=client_credentials",
            "--data-urlencode",
            &scope,
        ];
        let body = expect_status(
            http(&[&["--user", client], &form[..], &[&url]].concat(), &[]),
            200,
        );
        let answer: Value = serde_json::from_slice(&body).unwrap();
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// The management API with a token that has every scope.
    pub(crate) fn admin(&self) -> Api<'_> {
        self.with_token(&self.token("scepter/read scepter/write scepter/approve"))
    }

    /// The management API with this token.
    pub(crate) fn with_token(&self, token: &str) -> Api<'_> {
        self.api_at(&self.outputs["ApiUrl"], token)
    }

    /// The management API at this URL, which may be that of another stack.
    pub(crate) fn api_at(&self, url: &str, token: &str) -> Api<'_> {
        Api {
            stack: self,
            url: url.to_owned(),
            token: token.to_owned(),
        }
    }

    /// The management API of another stack, with a token that has every scope.
    pub(crate) fn admin_of(&self, other: &Described) -> Api<'_> {
        Api {
            stack: self,
            // TLS ends before the emulator.
            url: other.outputs["ApiUrl"].replace("https://", "http://"),
            token: self.token_of(&other.client, "scepter/read scepter/write scepter/approve"),
        }
    }

    /// Performs one HTTP exchange through the proxy.
    pub(crate) fn http(&self, arguments: &[&str], body: &[u8]) -> (u16, Vec<u8>) {
        http(&[&["--proxy", &self.door], arguments].concat(), body)
    }

    /// Runs `aws.py` and returns its output.
    pub(crate) fn ask(&self, arguments: &[&str], input: &str) -> Value {
        ask_aws(&self.endpoint, arguments, input)
    }

    /// Runs maintenance as its schedule does. Returns the error with which it fails.
    pub(crate) fn maintain(&self) -> Result<(), Value> {
        self.invoke_maintenance(&json!({ "source": "aws.events" }))
    }

    /// Invokes maintenance with this event. Returns the error with which it fails.
    pub(crate) fn invoke_maintenance(&self, event: &Value) -> Result<(), Value> {
        let function = &self.resources["Maintenance"];
        match self.ask(&["invoke", function, &event.to_string()], "") {
            Value::Null => Ok(()),
            error => Err(error),
        }
    }

    /// Makes these operations fail from now on; an empty value ends all faults.
    pub(crate) fn faults(&self, faults: &Value) {
        let url = format!("{}/_tests/faults", self.endpoint);
        expect_status(
            http(
                &["--request", "PUT", "--data", &faults.to_string(), &url],
                &[],
            ),
            200,
        );
    }

    /// The operations of DynamoDB and KMS since the previous call.
    pub(crate) fn calls(&self) -> Vec<(String, u16)> {
        let (_, body) = http(&[&format!("{}/_tests/calls", self.endpoint)], &[]);
        serde_json::from_slice(&body).unwrap()
    }

    /// The SCEP URL in this output for a SCEP Profile.
    pub(crate) fn scep_url(&self, output: &str, profile: &str) -> String {
        self.outputs[output].replace("{scepProfileName}", profile)
    }

    /// The certificate that messages to a profile are encrypted to.
    pub(crate) fn ra_certificate(&self, url: &str) -> Certificate {
        let chain = expect_status(
            self.http(&[&format!("{url}?operation=GetCACert")], &[]),
            200,
        );
        let chain = DegenerateSignedData::from_ber(&chain).unwrap();
        Certificate::from_der(&chain.certificates[0]).unwrap()
    }

    /// Posts a message.
    pub(crate) fn post(&self, url: &str, message: &[u8]) -> (u16, Vec<u8>) {
        let kind = "Content-Type: application/x-pki-message";
        self.http(&["--header", kind, "--data-binary", "@-", url], message)
    }

    /// Deploys the template a second time under another name, with these parameters.
    pub(crate) fn deploy_another(&self, name: &str, parameters: &[&str]) -> Described {
        let mut sam = sam_deploy(self.staged.path(), &self.endpoint, "template.yaml");
        sam.args(["--config-env", "deployer"]);
        let more = ["--s3-bucket", &self.deployer.bucket, "--stack-name", name];
        run_command(sam.args(more).arg("--parameter-overrides").args(parameters));
        serde_json::from_value(self.ask(&["describe", name], "")).unwrap()
    }

    /// The folder from which the template is deployed.
    pub(crate) fn staged(&self) -> &Path {
        self.staged.path()
    }

    /// The deployed binary of a function.
    pub(crate) fn binary(&self, function: &str) -> PathBuf {
        let folder = self.staged.path().join("functions").join(function);
        folder.join("bootstrap")
    }

    /// Sends SIGTERM to every process of a function and returns their number.
    pub(crate) fn terminate(&self, function: &str) -> usize {
        let mut ended = 0;
        let name = format!("AWS_LAMBDA_FUNCTION_NAME={}", self.resources[function]);
        for process in std::fs::read_dir("/proc").unwrap().map_while(Result::ok) {
            let environment = std::fs::read(process.path().join("environ")).unwrap_or_default();
            let mut variables = environment.split(|octet| *octet == 0);
            if variables.any(|variable| variable == name.as_bytes()) {
                let pid = process.file_name();
                // A process that has already exited needs no signal.
                let _ = Command::new("kill")
                    .arg(&pid)
                    .stderr(Stdio::null())
                    .status();
                ended += 1;
            }
        }
        ended
    }

    /// Runs a script of `tests/interop` as a client behind the proxy.
    pub(crate) fn run(&self, script: &str, arguments: &[&str]) {
        let settle = (PROFILES_MAX_AGE + 1).to_string();
        let environment = [("http_proxy", self.door.as_str()), ("SETTLE", &settle)];
        interop::run(script, arguments, &environment);
    }
}

/// The management API, through API Gateway.
pub(crate) struct Api<'a> {
    stack: &'a Stack,
    pub(crate) url: String,
    pub(crate) token: String,
}

impl Api<'_> {
    /// Sends a request; a null body means no body.
    pub(crate) fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        self.call_with(method, path, &[], body)
    }

    /// Approves a transaction in its present state and returns the status.
    pub(crate) fn approve(&self, uuid: &str) -> u16 {
        let path = format!("/scepTransactions/{uuid}");
        let url = format!("{}{path}", self.url);
        let authorization = format!("Authorization: Bearer {}", self.token);
        let show = ["--header", &authorization, "--include", &url];
        let (_, shown) = self.stack.http(&show, &[]);
        let shown = String::from_utf8_lossy(&shown).into_owned();
        let tag = shown
            .lines()
            .find(|line| line.to_lowercase().starts_with("etag:"))
            .and_then(|line| Some(line.split_once(':')?.1.trim().to_owned()))
            .unwrap_or_default();
        let seen = format!("If-Match: {tag}");
        let path = format!("{path}/approve");
        self.call_with("POST", &path, &["--header", &seen], &json!({}))
            .0
    }

    fn call_with(&self, method: &str, path: &str, headers: &[&str], body: &Value) -> (u16, Value) {
        let url = format!("{}{path}", self.url);
        let authorization = format!("Authorization: Bearer {}", self.token);
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let arguments = [
            "--request",
            method,
            "--header",
            &authorization,
            // By this header the emulator's edge takes a request for one over HTTPS.
            "--header",
            "X-Forwarded-Proto: https",
            "--data-binary",
            "@-",
            &url,
        ];
        let arguments = [headers, &arguments].concat();
        let (status, answer) = self.stack.http(&arguments, body.as_bytes());
        (
            status,
            serde_json::from_slice(&answer).unwrap_or(Value::Null),
        )
    }

    /// Asserts that this is the only certificate of its CN.
    #[track_caller]
    pub(crate) fn has_issued_only(&self, common_name: &str, certificate: &Certificate) {
        let path = format!("/certificates?subject={common_name}");
        let (_, page) = self.call("GET", &path, &Value::Null);
        let serials: Vec<_> = page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| &item["serialNumber"])
            .collect();
        let name = certificate.issuer_and_serial_number();
        assert_eq!(serials, [&json!(name.serial_number_hex())], "{common_name}");
    }

    /// Creates an object and returns its uuid, or the status of the refusal.
    pub(crate) fn make(&self, path: &str, body: &Value) -> Result<String, u16> {
        match self.call("POST", path, body) {
            (201, made) => Ok(made["uuid"].as_str().unwrap().to_owned()),
            (status, _) => Err(status),
        }
    }

    /// Creates an authority, an RA certificate and a pair of profiles with this name, enabled and
    /// linked to each other. Fails with the status of the first request that failed.
    pub(crate) fn endpoint(&self, name: &str, challenge: &str) -> Result<(), u16> {
        self.endpoint_with(name, challenge, &json!({}))
    }

    /// Does the same as [`Self::endpoint`], with additional fields in the SCEP Profile.
    pub(crate) fn endpoint_with(
        &self,
        name: &str,
        challenge: &str,
        more: &Value,
    ) -> Result<(), u16> {
        let subject = format!("CN={name}");
        let authority = json!({ "name": name, "subject": subject, "keyAlgorithm": "EC_P256" });
        self.endpoint_under(&authority, challenge, more)
    }

    /// Does the same as [`Self::endpoint_with`], under an authority with these fields, whose name
    /// the profiles get.
    pub(crate) fn endpoint_under(
        &self,
        authority: &Value,
        challenge: &str,
        more: &Value,
    ) -> Result<(), u16> {
        let name = &authority["name"];
        let authority = self.make("/authorities", authority)?;
        let ra = json!({ "commonName": "RA" });
        let ra = self.make(&format!("/authorities/{authority}/raCertificates"), &ra)?;
        let ra_profile = format!("/authorities/{authority}/raProfiles");
        let ra_profile = self.make(&ra_profile, &json!({ "name": name, "enabled": true }))?;
        let mut scep_profile = json!({
            "name": name, "caCertificateUuid": ra, "raProfileUuid": ra_profile,
            "enableChallengePassword": true, "challengePassword": challenge
        });
        for (field, value) in more.as_object().unwrap() {
            scep_profile[field] = value.clone();
        }
        let scep_profile = self.make("/scepProfiles", &scep_profile)?;
        for path in [
            format!("/raProfiles/{ra_profile}/protocols/scep/activate/{scep_profile}"),
            format!("/scepProfiles/{scep_profile}/enable"),
        ] {
            match self.call("PATCH", &path, &json!({ "issueCertificateAttributes": [] })) {
                (200 | 204, _) => {}
                (status, _) => return Err(status),
            }
        }
        Ok(())
    }
}

/// Stages the unchanged template with functions that build quickly: without optimisation, sharing
/// the other tests' build.
fn stage_template() -> tempfile::TempDir {
    let staged = tempfile::tempdir().unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .current_dir(root())
        .args(["build", "--locked", "--quiet"]);
    for function in FUNCTIONS {
        cargo.args(["--package", function]);
    }
    assert!(
        cargo.status().unwrap().success(),
        "building the functions failed"
    );
    for function in FUNCTIONS {
        let folder = staged.path().join("functions").join(function);
        std::fs::create_dir_all(&folder).unwrap();
        let stripped = Command::new("strip")
            .arg("-o")
            .arg(folder.join("bootstrap"))
            .arg(target().join("debug").join(function))
            .status();
        assert!(stripped.unwrap().success());
    }
    for file in ["samconfig.toml", "template.yaml"] {
        std::fs::copy(root().join(file), staged.path().join(file)).unwrap();
    }
    std::fs::create_dir(staged.path().join("infra")).unwrap();
    for file in [
        "copy-certificates.py",
        "deployer.yaml",
        "edge.yaml",
        "watch.yaml",
    ] {
        let path = Path::new("infra").join(file);
        std::fs::copy(root().join(&path), staged.path().join(&path)).unwrap();
    }
    staged
}
