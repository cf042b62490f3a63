//! The local server: the whole of Scepter in one process, with an embedded database and software keys.

mod demo;
mod folder;
mod prometheus;
mod random;
mod server;
mod settings;
mod token_command;
mod tokens;
mod welcome;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;
use scep_http::EveryOperation;
use scep_service::Causes;

use folder::DataFolder;
use server::{Server, Services};
use settings::{Cli, Command, ServeSettings};
use tokens::TokenHolders;
use welcome::Welcome;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    cli.log.start();
    let done = match cli.command() {
        Command::Serve(settings) => serve(&settings),
        Command::Token(command) => command.run().map_err(Into::into),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("scepter: {}", Causes(&*error));
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn serve(settings: &ServeSettings) -> Result<(), Box<dyn Error>> {
    let data = DataFolder::open(&settings.data.folder).await?;
    let server = Server::listen(settings.listen).await?;
    let base_url = &settings.base_url(server.address()?);
    let demo = match settings.no_demo {
        true => None,
        false => demo::demo(&data, &settings.demo).await?,
    };
    let (holders, token) = TokenHolders::open(&settings.data.folder, settings.admin_token.clone())?;
    let router = management_api::router(data.api(holders, base_url));
    Welcome {
        base_url,
        token,
        demo,
    }
    .print();
    tokio::spawn(data.clone().remove_expired());
    tokio::spawn(data.clone().measure_remaining());
    let services = Services {
        scep: EveryOperation::new(data.issuing()),
        management: router,
        metrics: data.metrics(),
    };
    Ok(server::run(server, services).await?)
}
