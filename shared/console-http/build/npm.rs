//! Runs npm: installs the packages that the console needs, and builds it.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::error::{Absence, BuildError};
use super::sources::{Sources, hash_file};

/// The oldest version of Node.js that Vite runs on.
const OLDEST_NODE: (u32, u32) = (20, 19);

/// The errors by which npm says that the registry cannot be reached.
const UNREACHABLE: [&str; 12] = [
    "E502",
    "E503",
    "E504",
    "EAI_AGAIN",
    "ECONNREFUSED",
    "ECONNRESET",
    "EHOSTUNREACH",
    "ENETUNREACH",
    "ENOTCACHED",
    "ENOTFOUND",
    "ERR_SOCKET_TIMEOUT",
    "ETIMEDOUT",
];

/// npm, in the folder of the console.
pub(crate) struct Npm<'a> {
    pub(crate) console: &'a Path,
    /// Where programs are looked for.
    pub(crate) path: Option<&'a OsStr>,
}

impl Npm<'_> {
    /// Builds the console, unless what was built before is of the same sources. Returns the folder.
    /// The caller holds the lock of the console.
    pub(crate) fn build(&self, sources: &Sources) -> Result<PathBuf, BuildError> {
        let built = self.console.join("dist");
        // Vite empties the folder, so a build that fails halfway leaves no mark.
        let mark = built.join(".sources");
        let hash = sources.hash()?;
        if has_mark(&mark, &hash) {
            return Ok(built);
        }
        self.check_programs()?;
        self.install_packages()?;
        let output = self.run("npm", &["run", "build"], || Absence::Npm.into())?;
        check_success("npm run build", &output)?;
        write_mark(&mark, &hash)?;
        Ok(built)
    }

    fn check_programs(&self) -> Result<(), BuildError> {
        let node = self.run("node", &["--version"], || Absence::Node.into())?;
        let version = String::from_utf8_lossy(&node.stdout).trim().to_owned();
        if parse_version(&version).is_none_or(|found| found < OLDEST_NODE) {
            return Err(Absence::OldNode(version).into());
        }
        // Debian has npm in a package of its own.
        self.run("npm", &["--version"], || Absence::Npm.into())?;
        Ok(())
    }

    /// Installs the packages that `package-lock.json` names, unless they are the last that were.
    fn install_packages(&self) -> Result<(), BuildError> {
        // npm removes the folder first, and so the mark.
        let mark = self.console.join("node_modules/.package-lock");
        let hash = hash_file(&self.console.join("package-lock.json"))?;
        if has_mark(&mark, &hash) {
            return Ok(());
        }
        let arguments = [
            "ci",
            // No package needs to run a program of its own while it is installed.
            "--ignore-scripts",
            // Vite is a development dependency, which NODE_ENV=production would leave out.
            "--include=dev",
            "--no-audit",
            "--no-fund",
            "--prefer-offline",
        ];
        let output = self.run("npm", &arguments, || Absence::Npm.into())?;
        if let Some(code) = find_unreachable(&output) {
            return Err(Absence::Network(code.to_owned()).into());
        }
        check_success("npm ci", &output)?;
        write_mark(&mark, &hash)
    }

    fn run(
        &self,
        program: &str,
        arguments: &[&str],
        missing: impl FnOnce() -> BuildError,
    ) -> Result<Output, BuildError> {
        let mut command = Command::new(program);
        command.current_dir(self.console).args(arguments);
        if let Some(path) = self.path {
            command.env("PATH", path);
        }
        let output = command.output();
        output.map_err(|error| match error.kind() == io::ErrorKind::NotFound {
            true => missing(),
            false => BuildError::Io(PathBuf::from(program), error),
        })
    }
}

/// The major and minor version in a text such as `v20.19.0`.
fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.strip_prefix('v')?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// The error by which npm says that it could not reach the registry.
fn find_unreachable(output: &Output) -> Option<&'static str> {
    let text = String::from_utf8_lossy(&output.stderr);
    let code = text.lines().find_map(|line| {
        let rest = line
            .strip_prefix("npm error code ")
            // npm before version 10.7.
            .or_else(|| line.strip_prefix("npm ERR! code "))?;
        UNREACHABLE.into_iter().find(|code| rest.trim() == *code)
    });
    code.filter(|_| !output.status.success())
}

fn check_success(command: &str, output: &Output) -> Result<(), BuildError> {
    if output.status.success() {
        return Ok(());
    }
    let [printed, complained] =
        [&output.stdout, &output.stderr].map(|octets| String::from_utf8_lossy(octets));
    Err(BuildError::Failed(
        command.to_owned(),
        format!("{printed}{complained}"),
    ))
}

fn has_mark(mark: &Path, hash: &str) -> bool {
    fs::read_to_string(mark).is_ok_and(|marked| marked == hash)
}

fn write_mark(mark: &Path, hash: &str) -> Result<(), BuildError> {
    fs::write(mark, hash).map_err(|error| BuildError::Io(mark.to_owned(), error))
}
