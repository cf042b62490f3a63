//! The local server: the whole of Scepter in one process, with an embedded database and software keys.

mod demo;
mod folder;
mod server;
mod settings;
mod welcome;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;

use folder::DataFolder;
use server::Server;
use settings::{Cli, ServeSettings};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    cli.log.start();
    match serve(&cli.serve_settings()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("scepter: {}", causes(&*error));
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn serve(settings: &ServeSettings) -> Result<(), Box<dyn Error>> {
    let data = DataFolder::open(&settings.data).await?;
    let server = Server::listen(settings.listen).await?;
    let base_url = settings.base_url(server.address()?);
    if !settings.no_demo {
        let demo = demo::demo(&data.managing(), &settings.demo).await?;
        welcome::Welcome::new(&base_url, &demo).print();
    }
    tokio::spawn(data.clone().remove_expired());
    Ok(server::run(server, data.issuing()).await?)
}

/// An error with everything that caused it, on one line.
fn causes(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", causes(source)),
        None => error.to_string(),
    }
}
