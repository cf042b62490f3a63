//! The services of Intune, and where Microsoft Graph says that they are.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::intune::error::IntuneError;
use scep_protocol::service_url::ServiceUrl;

/// The path at Microsoft Graph of the endpoints of Intune, the service principal with this appId in
/// every tenant.
pub(crate) const ENDPOINTS_PATH: &str =
    "v1.0/servicePrincipals/appId=0000000a-0000-0000-c000-000000000000/endpoints";

/// A service of Intune.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum IntuneService {
    /// Validates requests, and hears what became of them.
    ScepRequestValidation,
    /// Hands out revocation requests, and hears what became of them.
    PkiConnector,
}

impl IntuneService {
    const ALL: [Self; 2] = [Self::ScepRequestValidation, Self::PkiConnector];

    /// The name of the service at Microsoft Graph.
    pub(crate) const fn provider_name(self) -> &'static str {
        match self {
            Self::ScepRequestValidation => "ScepRequestValidationFEService",
            Self::PkiConnector => "PkiConnectorFEService",
        }
    }

    /// The header `api-version`, which has the value that Microsoft's library sends.
    pub(crate) const fn api_version(self) -> &'static str {
        match self {
            Self::ScepRequestValidation => "2018-02-20",
            Self::PkiConnector => "5019-05-05",
        }
    }
}

/// The URLs of Intune's services for one tenant.
#[derive(Clone, Debug)]
pub(crate) struct Endpoints(BTreeMap<IntuneService, ServiceUrl>);

#[derive(Deserialize)]
struct EndpointList {
    value: Vec<Endpoint>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Endpoint {
    provider_name: Option<String>,
    uri: Option<String>,
}

impl Endpoints {
    /// Reads the answer of Microsoft Graph. Services that Scepter does not call are skipped.
    pub(crate) fn read(graph: &ServiceUrl, body: &[u8]) -> Result<Self, IntuneError> {
        let unreadable = || IntuneError::Unreadable(graph.clone());
        let list: EndpointList = serde_json::from_slice(body).map_err(|_| unreadable())?;
        let mut urls = BTreeMap::new();
        for endpoint in list.value {
            let name = endpoint.provider_name.unwrap_or_default();
            let known = IntuneService::ALL
                .into_iter()
                .find(|service| service.provider_name().eq_ignore_ascii_case(&name));
            let (Some(service), Some(uri)) = (known, endpoint.uri) else {
                continue;
            };
            let url: ServiceUrl = uri.parse().map_err(|_| unreadable())?;
            // Only a double on this computer may lead to plain HTTP.
            if is_encrypted(&url) || !is_encrypted(graph) {
                urls.insert(service, url);
            }
        }
        Ok(Self(urls))
    }

    pub(crate) fn find(&self, service: IntuneService) -> Result<ServiceUrl, IntuneError> {
        self.0
            .get(&service)
            .cloned()
            .ok_or(IntuneError::NotOffered(service.provider_name()))
    }
}

fn is_encrypted(url: &ServiceUrl) -> bool {
    url.as_str().starts_with("https:")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(graph: &str, provider: &str, uri: &str) -> Result<ServiceUrl, IntuneError> {
        let body = format!(
            r#"{{"@odata.context":"x","value":[
                {{"providerName":null,"uri":null}},
                {{"providerName":"StatusFEService","uri":"ftp://other"}},
                {{"id":"1","providerName":"{provider}","uri":"{uri}"}}]}}"#
        );
        Endpoints::read(&graph.parse().unwrap(), body.as_bytes())?
            .find(IntuneService::ScepRequestValidation)
    }

    #[test]
    fn the_service_is_found_by_its_name() {
        for name in [
            "ScepRequestValidationFEService",
            "sceprequestvalidationfeservice",
        ] {
            let found = read("https://graph.example", name, "https://fef.example/x").unwrap();
            assert_eq!(found.as_str(), "https://fef.example/x");
        }
        let missing = read("https://graph.example", "Other", "https://fef.example");
        assert!(matches!(missing, Err(IntuneError::NotOffered(_))));
    }

    #[test]
    fn a_token_is_never_sent_in_plain_text_to_where_microsoft_graph_points() {
        let name = "ScepRequestValidationFEService";
        for (graph, uri, is_taken) in [
            ("https://graph.example", "http://127.0.0.1/x", false),
            ("https://graph.example", "http://fef.example", false),
            ("http://127.0.0.1:1", "http://127.0.0.1:2", true),
            ("http://127.0.0.1:1", "http://fef.example", false),
            ("http://127.0.0.1:1", "https://fef.example", true),
        ] {
            assert_eq!(read(graph, name, uri).is_ok(), is_taken, "{graph} {uri}");
        }
    }

    #[test]
    fn anything_else_than_a_list_is_unreadable() {
        let graph = "https://graph.example".parse().unwrap();
        for body in ["", "[]", "{}", r#"{"value":null}"#, r#"{"value":[1]}"#] {
            let read = Endpoints::read(&graph, body.as_bytes());
            assert!(matches!(read, Err(IntuneError::Unreadable(_))), "{body}");
        }
    }
}
