//! Builds the console with npm, and compresses it for the library to embed.
//!
//! Without Node.js, npm or a network, the library embeds a page that says what is missing.

mod error;
mod npm;
mod site;
mod sources;
#[cfg(test)]
mod tests;

#[path = "../src/media_type.rs"]
mod media_type;

use std::env::var_os;
use std::ffi::OsString;
use std::fs::File;
use std::path::PathBuf;
use std::process::ExitCode;

use error::{Absence, BuildError};
use npm::Npm;
use sources::Sources;

/// The variable that says to build without the console, by the value `skip`.
const SWITCH: &str = "SCEPTER_CONSOLE";

/// Where the program finds everything.
struct Setting {
    /// The crate's folder.
    crate_folder: PathBuf,
    /// The console's sources.
    console: PathBuf,
    /// The folder that the library embeds.
    embedded: PathBuf,
    /// Where programs are looked for.
    path: Option<OsString>,
    /// The value of [`SWITCH`].
    switch: Option<OsString>,
}

fn main() -> ExitCode {
    let built = Setting::of_environment().and_then(|setting| {
        print_dependencies(&setting)?;
        embed_console(&setting)
    });
    match built {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(absence)) => {
            // Who asks for it needs no warning.
            if !matches!(absence, Absence::Skipped) {
                println!("cargo:warning=the web console is not built: {absence}");
                println!("cargo:warning=to have it, {}", absence.remedy());
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

impl Setting {
    fn of_environment() -> Result<Self, BuildError> {
        let folder = |name| var_os(name).ok_or(BuildError::Variable(name));
        let crate_folder = PathBuf::from(folder("CARGO_MANIFEST_DIR")?);
        Ok(Self {
            console: crate_folder.join("../console"),
            crate_folder,
            embedded: PathBuf::from(folder("OUT_DIR")?).join("console"),
            path: var_os("PATH"),
            switch: var_os(SWITCH),
        })
    }
}

/// Tells cargo what the result depends on.
fn print_dependencies(setting: &Setting) -> Result<(), BuildError> {
    println!("cargo:rerun-if-env-changed={SWITCH}");
    for own in ["absent", "build", "src/media_type.rs"] {
        let path = setting.crate_folder.join(own);
        println!("cargo:rerun-if-changed={}", path.display());
    }
    for path in Sources::list(&setting.console)?.watched() {
        println!("cargo:rerun-if-changed={}", path.display());
    }
    Ok(())
}

/// Fills the folder that the library embeds: with the console, or with the page that says why it is
/// absent.
fn embed_console(setting: &Setting) -> Result<Option<Absence>, BuildError> {
    match build_console(setting) {
        Ok(()) => Ok(None),
        Err(BuildError::Absent(absence)) => {
            let page = setting.crate_folder.join("absent");
            site::embed_folder(&page, &setting.embedded, Some(&absence))?;
            Ok(Some(absence))
        }
        Err(error) => Err(error),
    }
}

fn build_console(setting: &Setting) -> Result<(), BuildError> {
    match setting.switch.as_ref().and_then(|value| value.to_str()) {
        Some("skip") => return Err(Absence::Skipped.into()),
        None if setting.switch.is_none() => {}
        Some(_) | None => return Err(BuildError::Switch),
    }
    let lock = setting.console.join("package-lock.json");
    // Builds for other profiles and target folders may run at the same time, and share
    // `node_modules` and `dist`. Locked until the end of this function.
    let locked = File::open(&lock).and_then(|file| file.lock().map(|()| file));
    let _locked = locked.map_err(|error| BuildError::Io(lock, error))?;
    let built = Npm {
        console: &setting.console,
        path: setting.path.as_deref(),
    }
    .build(&Sources::list(&setting.console)?)?;
    site::embed_folder(&built, &setting.embedded, None)
}
