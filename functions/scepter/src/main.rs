//! The local server: all of Scepter in one process, with an embedded database and software keys.

mod backup_command;
mod cli;
mod connection;
mod connections;
mod convert_command;
mod demo;
mod folder;
mod intune;
mod line;
mod openapi_command;
mod private_folder;
mod prometheus;
mod public_url;
mod random;
mod routes;
mod serve;
mod server;
mod settings;
mod token_command;
mod token_store;
mod tokens;
mod trusted_proxies;
mod welcome;

use std::process::ExitCode;

use clap::Parser;
use scep_service::error_chain::ErrorChain;

use crate::cli::{Cli, Command};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    cli.log.start();
    // The umask is set before any file is created: it applies to the data folder, its keys and its
    // database.
    private_folder::keep_new_files_private();
    let done = match cli.command() {
        Command::Serve(settings) => serve::run_server(&settings),
        Command::Token(command) => command.run().map_err(Into::into),
        Command::Openapi => openapi_command::print_document(),
        Command::Backup(command) => command.run(),
        Command::Convert(command) => command.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("scepter: {}", ErrorChain(&*error));
            ExitCode::FAILURE
        }
    }
}
