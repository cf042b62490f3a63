//! The command line: `scepter serve` and its siblings.

use clap::{Parser, Subcommand};

use crate::backup_command::BackupCommand;
use crate::convert_command::ConvertCommand;
use crate::settings::{LogSettings, ServeSettings};
use crate::token_command::TokenCommand;

/// SCEP (RFC 8894) certificate enrolment, as one local process.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeSettings,
    #[command(flatten)]
    pub(crate) log: LogSettings,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serve SCEP and the management API (the default).
    Serve(Box<ServeSettings>),
    /// Create, list and revoke tokens for the management API.
    Token(TokenCommand),
    /// Print the OpenAPI document of the management API.
    Openapi,
    /// Copy the database into a new file, even while the server runs.
    Backup(BackupCommand),
    /// Convert the database of an earlier version, once, while the server does not run.
    Convert(ConvertCommand),
}

impl Cli {
    /// The command to run; `serve` when none is named.
    pub(crate) fn command(self) -> Command {
        self.command
            .unwrap_or_else(|| Command::Serve(Box::new(self.serve)))
    }
}
