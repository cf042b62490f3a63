//! An administrator's shell, in which tests run the commands of the documents against the emulator.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use scepter_tests::interop::{root, tools};

use crate::emulator::build_command;
use crate::stack::STACK;

/// Every host name leads to the emulator, over plain HTTP, and nothing asks back. A failed command
/// ends the shell.
const SETTINGS: &str = r#"
set -euo pipefail
curl() { command curl --max-time 60 --proxy "$DOOR" "${@/#https:/http:}"; }
sam() { command sam "$1" --no-confirm-changeset --no-progressbar "${@:2}"; }
"#;

/// What the shell prints after commands that succeeded.
const DONE: &str = "-- done --";

/// Bash in the folder of the template. Its variables last as long as it.
pub(crate) struct Shell {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    errors: tempfile::NamedTempFile,
}

impl Shell {
    pub(crate) fn open() -> Self {
        let errors = tempfile::NamedTempFile::new().unwrap();
        // Python with boto3, SAM and the AWS CLI.
        let programs = ["ministack", "sam", "aws"].map(|tool| tools().join(tool).join("bin"));
        let path = std::env::var_os("PATH").unwrap();
        let path = programs.into_iter().chain(std::env::split_paths(&path));
        let mut child = build_command(Path::new("bash"), &STACK.endpoint)
            .current_dir(STACK.staged())
            .env("PATH", std::env::join_paths(path).unwrap())
            .env("DOOR", &STACK.door)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors.reopen().unwrap())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut shell = Self {
            child,
            input,
            output,
            errors,
        };
        shell.run(SETTINGS);
        shell
    }

    /// Runs commands that must succeed, and returns what they print.
    #[track_caller]
    pub(crate) fn run(&mut self, commands: &str) -> String {
        // What they print may end without a line break.
        writeln!(self.input, "{commands}\nprintf '\\n%s\\n' '{DONE}'").unwrap();
        let mut printed = String::new();
        let mut line = String::new();
        while self.output.read_line(&mut line).unwrap() > 0 {
            if line.trim_end() == DONE {
                return printed.trim_end().to_owned();
            }
            printed.push_str(&line);
            line.clear();
        }
        let status = self.child.wait().unwrap();
        let errors = std::fs::read_to_string(&self.errors).unwrap();
        panic!("{commands}\n{status}\n{printed}{errors}");
    }

    /// Runs the commands of a document, with these texts in place of others.
    #[track_caller]
    pub(crate) fn run_documented(
        &mut self,
        document: &str,
        containing: &str,
        edits: &[(&str, &str)],
    ) -> String {
        let mut commands = read_commands(document, containing);
        for (text, other) in edits {
            assert!(commands.contains(text), "{text}");
            commands = commands.replace(text, other);
        }
        self.run(&commands)
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // It has ended if a command failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The only block of commands of a document that contains this text.
#[track_caller]
fn read_commands(document: &str, containing: &str) -> String {
    let text = std::fs::read_to_string(root().join("docs").join(document)).unwrap();
    let is_command = |line: &&str| line.starts_with("    ");
    let lines: Vec<_> = text.lines().collect();
    let mut blocks = lines
        .chunk_by(|line, next| is_command(line) == is_command(next))
        .filter(|block| block.first().is_some_and(is_command))
        .map(|block| block.join("\n"))
        .filter(|block| block.contains(containing));
    let found = blocks.next().unwrap_or_else(|| panic!("{containing}"));
    assert_eq!(blocks.next(), None, "{containing}");
    found
}
