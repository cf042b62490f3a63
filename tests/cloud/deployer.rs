//! Who deploys the stack, and the commands of a deployment.

use std::path::Path;
use std::process::Command;

use scepter_tests::interop::{root, tools};
use serde_json::Value;

use crate::emulator::{ask_aws, build_command};
use crate::stack::Stack;

/// A user with only the policy of infra/deployer.yaml, who deploys the stack of all tests; its
/// functions run within the permissions boundary.
pub(crate) struct Deployer {
    key: [(&'static str, String); 2],
    role: String,
    pub(crate) bucket: String,
    pub(crate) boundary: String,
}

impl Deployer {
    /// Deploys infra/deployer.yaml as the account's administrator and creates the user.
    pub(crate) fn make(folder: &Path, endpoint: &str) -> Self {
        let mut sam = sam_deploy(folder, endpoint, "infra/deployer.yaml");
        sam.args(["--stack-name", "scepter-deployer"]);
        run_command(sam.args(["--parameter-overrides", "StackName=scepter"]));
        let made = ask_aws(endpoint, &["deployer", "scepter-deployer"], "");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let outputs = &made["outputs"];
        Self {
            key: [
                ("AWS_ACCESS_KEY_ID", text(&made["id"])),
                ("AWS_SECRET_ACCESS_KEY", text(&made["secret"])),
            ],
            role: text(&outputs["ExecutionRoleArn"]),
            bucket: text(&outputs["ArtifactsBucket"]),
            boundary: text(&outputs["PermissionsBoundaryArn"]),
        }
    }

    /// Deploys the template as docs/deploy.md describes.
    pub(crate) fn deploy(&self, folder: &Path, endpoint: &str, parameters: &[&str]) {
        let mut sam = sam_deploy(folder, endpoint, "template.yaml");
        sam.envs(self.key.iter().map(|(name, value)| (name, value)));
        sam.args(["--config-env", "deployer", "--s3-bucket", &self.bucket]);
        sam.args(["--role-arn", &self.role, "--parameter-overrides"]);
        run_command(sam.args(parameters));
    }

    /// The answers of CloudFormation and IAM when the deployer attempts more than its policy
    /// allows.
    pub(crate) fn escalate(&self, stack: &Stack) -> Value {
        let mut python = build_command(&tools().join("ministack/bin/python"), &stack.endpoint);
        python.arg(root().join("tests/cloud/aws.py"));
        python.envs(self.key.iter().map(|(name, value)| (name, value)));
        python.args(["escalate", "scepter-deployer", "scepter", &self.role]);
        serde_json::from_slice(&run_command(&mut python)).unwrap()
    }
}

/// Builds `sam deploy` without prompts; the values of --parameter-overrides must come last.
pub(crate) fn sam_deploy(folder: &Path, endpoint: &str, template: &str) -> Command {
    let mut sam = build_command(&tools().join("sam/bin/sam"), endpoint);
    sam.current_dir(folder)
        .args(["deploy", "--template", template])
        .args(["--capabilities", "CAPABILITY_IAM"])
        .args(["--no-confirm-changeset", "--no-progressbar"]);
    sam
}

/// Runs a command that must succeed and returns its output.
pub(crate) fn run_command(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?} failed\n{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}
