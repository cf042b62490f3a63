//! `scepter serve`: assembles the server from its parts and runs it.

use std::error::Error;
use std::sync::Arc;

use console_http::{Console, SignIn};
use scep_http::EveryOperation;

use crate::folder::DataFolder;
use crate::public_url::PublicUrl;
use crate::routes::Services;
use crate::server::Server;
use crate::settings::ServeSettings;
use crate::tokens::TokenHolders;
use crate::welcome::Welcome;
use crate::{demo, routes, server};

const DISK_FAILED: &str = "the disk did not take what was written to the database";

/// Opens the data folder and serves until the process is asked to stop.
#[tokio::main]
pub(crate) async fn run_server(settings: &ServeSettings) -> Result<(), Box<dyn Error>> {
    // Listening comes first: the public URL depends on the port, and a port that is taken should
    // fail before anything is created in the data folder.
    let server = Server::listen(settings.listen).await?;
    let url = PublicUrl::resolve(settings.public_url.as_deref(), server.address()?).await;
    let folder = &settings.data.folder;
    let intune_urls = settings.intune.urls();
    let data = DataFolder::open(folder, settings.deployment(&url), intune_urls)?;
    // No other process has the folder open, so nobody else works on an order.
    data.administration().release_key_orders().await?;
    let demo = match settings.no_demo {
        true => None,
        false => demo::create_or_find_demo(&data, &settings.demo).await?,
    };
    let (holders, token) = TokenHolders::open(&settings.data.folder, settings.admin_token.clone())?;
    let default = settings.default_scep_profile.clone();
    let api = Arc::new(data.api(holders, default.clone()));
    let management = management_api::routes(Arc::clone(&api));
    // The text is printed before the first accept: the socket already listens, so clients that read
    // this text can connect, and wait in the backlog.
    Welcome {
        base_url: &url.base,
        token,
        demo,
    }
    .print();
    tokio::spawn(data.clone().sweep_periodically());
    tokio::spawn(data.clone().maintain_periodically());
    tokio::spawn(data.clone().deliver_periodically());
    tokio::spawn(data.clone().record_refusals());
    let services = Services {
        scep: EveryOperation::new(data.enrolment()),
        crls: data.crls(),
        metrics: data.metrics(),
        assertions: data.assertions(),
        console: Console::new(&SignIn::Token, &url.base)?,
        default_scep_profile: default,
        api,
    };
    let serving = server::serve_until_signal(
        server,
        routes::router(services, management),
        settings.connections_per_address,
        settings.trusted_proxies(),
    );
    tokio::select! {
        served = serving => served?,
        // Nothing that is enrolled would be answered any more. Opened again, the database contains
        // all that the disk has.
        () = data.failed() => return Err(DISK_FAILED.into()),
    }
    data.close().await;
    Ok(())
}
