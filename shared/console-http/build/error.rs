//! Why the console is not built.

use std::io;
use std::path::PathBuf;

/// The build fails, or goes on without the console.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BuildError {
    /// The build goes on without the console.
    #[error(transparent)]
    Absent(#[from] Absence),
    /// A file is of a kind that the console does not serve.
    #[error("{}: src/media_type.rs has no media type for this extension", .0.display())]
    Extension(PathBuf),
    /// A command of npm failed; its output.
    #[error("`{0}` failed in shared/console (SCEPTER_CONSOLE=skip builds without it):\n{1}")]
    Failed(String, String),
    /// A file cannot be read or written.
    #[error("{path}: {error}", path = .0.display(), error = .1)]
    Io(PathBuf, #[source] io::Error),
    /// The switch has another value than `skip`.
    #[error("SCEPTER_CONSOLE is neither unset nor `skip`")]
    Switch,
    /// Cargo sets this variable.
    #[error("{0} is not set")]
    Variable(&'static str),
}

/// What the machine lacks to build the console. The text is a sentence without its full stop.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Absence {
    #[error("npm could not fetch the packages of shared/console ({0})")]
    Network(String),
    #[error("Node.js is not installed")]
    Node,
    #[error("npm is not installed")]
    Npm,
    #[error("Node.js is too old ({0})")]
    OldNode(String),
    #[error("SCEPTER_CONSOLE=skip was set")]
    Skipped,
}

impl Absence {
    /// What to do about it, as the rest of a sentence without its full stop.
    // Cargo does not notice that a program is installed or a network is back, so a source is
    // touched.
    pub(crate) fn remedy(&self) -> &'static str {
        match self {
            Self::Network(_) => {
                "connect this machine to npm's registry, run `touch shared/console/package.json` \
                 and build again"
            }
            Self::Node | Self::Npm | Self::OldNode(_) => {
                "install Node.js 20.19 or newer with npm, run `touch shared/console/package.json` \
                 and build again"
            }
            Self::Skipped => {
                "install Node.js 20.19 or newer with npm, and build again without SCEPTER_CONSOLE"
            }
        }
    }
}
