//! Serving: everything that the server is made of, put together.

use std::error::Error;

use scep_http::EveryOperation;

use crate::demo;
use crate::folder::DataFolder;
use crate::public_url::PublicUrl;
use crate::server::{self, Server, Services};
use crate::settings::ServeSettings;
use crate::tokens::TokenHolders;
use crate::welcome::Welcome;

/// Opens the data folder and serves until the process is told to end.
#[tokio::main]
pub(crate) async fn serve(settings: &ServeSettings) -> Result<(), Box<dyn Error>> {
    let server = Server::listen(settings.listen).await?;
    let url = PublicUrl::of(settings.public_url.as_deref(), server.address()?).await;
    let data = DataFolder::open(&settings.data.folder, settings.deployment(&url)).await?;
    let demo = match settings.no_demo {
        true => None,
        false => demo::demo(&data, &settings.demo).await?,
    };
    let (holders, token) = TokenHolders::open(&settings.data.folder, settings.admin_token.clone())?;
    let router = management_api::router(data.api(holders));
    Welcome {
        base_url: &url.base,
        token,
        demo,
    }
    .print();
    tokio::spawn(data.clone().remove_expired());
    tokio::spawn(data.clone().upkeep());
    let services = Services {
        scep: EveryOperation::new(data.issuing()),
        management: router,
        crls: data.crls(),
        metrics: data.metrics(),
        default_scep_profile: settings.default_scep_profile.clone(),
    };
    Ok(server::run(server, services, settings.connections_per_address).await?)
}
