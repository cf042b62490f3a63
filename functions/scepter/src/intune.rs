//! Microsoft Intune: where it is, and the parts of this process that speak to it.

use std::sync::Arc;

use authorise_http::{AssertionIssuer, IntuneClient, IntuneUrls};
use clap::Args;
use keys_file::{FileAssertionKey, KeyFolder};
use scep_protocol::service_url::ServiceUrl;
use scep_service::ports::Secrets;

use crate::line::LineClock;

#[derive(Args)]
pub(crate) struct IntuneArgs {
    /// URL of Entra, which issues tokens for Intune.
    #[arg(long = "intune-login-url", env = "SCEPTER_INTUNE_LOGIN_URL", default_value = IntuneUrls::MICROSOFT_LOGIN, value_name = "URL")]
    login: ServiceUrl,
    /// URL of Microsoft Graph, which says where Intune is.
    #[arg(long = "intune-graph-url", env = "SCEPTER_INTUNE_GRAPH_URL", default_value = IntuneUrls::MICROSOFT_GRAPH, value_name = "URL")]
    graph: ServiceUrl,
}

impl IntuneArgs {
    pub(crate) fn urls(&self) -> IntuneUrls {
        IntuneUrls {
            login: self.login.clone(),
            graph: self.graph.clone(),
        }
    }
}

/// What this process needs to speak to Intune.
#[derive(Clone)]
pub(crate) struct Intune {
    pub(crate) client: Arc<IntuneClient>,
    /// Signs for federated credentials, and publishes the key.
    pub(crate) issuer: Arc<AssertionIssuer>,
}

impl Intune {
    pub(crate) fn new(
        urls: IntuneUrls,
        public_url: &str,
        keys: KeyFolder,
        secrets: Arc<dyn Secrets>,
    ) -> Self {
        let key = Arc::new(FileAssertionKey::new(keys));
        let issuer = Arc::new(AssertionIssuer::new(public_url.to_owned(), key));
        let clock = Arc::new(LineClock);
        let client = IntuneClient::new(urls, secrets, Some(Arc::clone(&issuer)), clock);
        Self {
            client: Arc::new(client),
            issuer,
        }
    }
}
