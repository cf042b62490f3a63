//! Requests to Intune's services, with tokens and locations from caches.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use scep_service::ports::{Clock, SecretOwner, Secrets};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::http_client::{HttpClient, HttpResponse};
use crate::intune::application::Application;
use crate::intune::assertion::AssertionIssuer;
use crate::intune::entra::{Audience, Proof, Token, build_form, read_token};
use crate::intune::error::{IntuneError, Remedy};
use crate::intune::service::{ENDPOINTS_PATH, Endpoints, IntuneService};
use scep_protocol::service_url::ServiceUrl;

/// The product that Intune's reports name as the sender of a request.
pub(crate) const CALLER: &str = concat!("Scepter/", env!("CARGO_PKG_VERSION"));

/// The longest time for which an operation is tried, with its login and every attempt.
// Devices wait for half a minute at least, and a Lambda function for 29 seconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest time for which one response is waited for.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);

/// The number of attempts at an operation that fails for a passing reason.
const MAX_ATTEMPTS: u32 = 3;

/// The wait before the second attempt; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// How long the locations of services are used before Microsoft Graph is asked again.
const ENDPOINTS_MAX_AGE: Duration = Duration::from_secs(6 * 60 * 60);

/// The longest response that is read, in octets.
// A tenant has dozens of endpoints, and a list of revocation requests several hundred entries.
const MAX_RESPONSE_BYTES: usize = 2 * 1024 * 1024;

/// Where Entra and Microsoft Graph are.
#[derive(Clone, Debug)]
pub struct IntuneUrls {
    /// Entra, which issues tokens.
    pub login: ServiceUrl,
    /// Microsoft Graph, which knows where Intune's services are.
    pub graph: ServiceUrl,
}

impl IntuneUrls {
    /// Entra's URL.
    pub const MICROSOFT_LOGIN: &str = "https://login.microsoftonline.com";

    /// Microsoft Graph's URL.
    pub const MICROSOFT_GRAPH: &str = "https://graph.microsoft.com";
}

/// A client of Intune that all SCEP Profiles share.
pub struct IntuneClient {
    /// Created when it is first needed: most deployments have no Intune, and a system without root
    /// certificates needs none.
    http: OnceLock<HttpClient>,
    urls: IntuneUrls,
    secrets: Arc<dyn Secrets>,
    /// What signs for federated credentials; `None` if this deployment has no key for them.
    issuer: Option<Arc<AssertionIssuer>>,
    clock: Arc<dyn Clock>,
    tokens: Cache<(Application, Audience), Token>,
    endpoints: Cache<Application, (Endpoints, OffsetDateTime)>,
}

impl IntuneClient {
    /// Creates a client that opens the secrets of applications with `secrets`, and lets `issuer`
    /// sign for those that have a federated credential.
    #[must_use]
    pub fn new(
        urls: IntuneUrls,
        secrets: Arc<dyn Secrets>,
        issuer: Option<Arc<AssertionIssuer>>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            http: OnceLock::new(),
            urls,
            secrets,
            issuer,
            clock,
            tokens: Cache::default(),
            endpoints: Cache::default(),
        }
    }

    /// Posts `body` to an action of a service and reads its answer. Tries again a few times within
    /// ten seconds, unless the error would be the same.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        application: &Application,
        service: IntuneService,
        action: &str,
        body: &Value,
    ) -> Result<T, IntuneError> {
        let until = self.clock.instant() + PATIENCE;
        // The services' logs and ours name a request by this identity, every attempt by the same.
        let activity = Uuid::new_v4();
        let mut wait = FIRST_WAIT;
        let mut attempts = 1;
        let mut is_refreshed = false;
        loop {
            let error = match self
                .post_once(application, service, action, body, activity, until)
                .await
            {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            tracing::warn!(%activity, action, %error, attempts, "Intune did not answer");
            match error.remedy() {
                Remedy::Refresh if !is_refreshed => {
                    is_refreshed = true;
                    self.forget(application);
                }
                Remedy::Retry(after) if attempts < MAX_ATTEMPTS => {
                    // A service that does not respond may have moved.
                    self.endpoints.forget(|known| known == application);
                    let pause = after.max(wait);
                    if self.clock.instant() + pause >= until {
                        return Err(error);
                    }
                    self.clock.sleep(pause).await;
                    attempts += 1;
                    wait *= 2;
                }
                Remedy::Nothing | Remedy::Refresh | Remedy::Retry(_) => return Err(error),
            }
        }
    }

    /// Logs in and finds the service that validates requests, by one attempt without what is
    /// cached. Asks it nothing.
    pub(crate) async fn rehearse(&self, application: &Application) -> Result<(), IntuneError> {
        let until = self.clock.instant() + PATIENCE;
        self.forget(application);
        let service = IntuneService::ScepRequestValidation;
        self.find_endpoint(application, service, until).await?;
        self.token(application, Audience::Intune, until).await?;
        Ok(())
    }

    async fn post_once<T: DeserializeOwned>(
        &self,
        application: &Application,
        service: IntuneService,
        action: &str,
        body: &Value,
        activity: Uuid,
        until: Instant,
    ) -> Result<T, IntuneError> {
        let endpoint = self.find_endpoint(application, service, until).await?;
        let unreadable = || IntuneError::Unreadable(self.urls.graph.clone());
        let url = endpoint.join(action).map_err(|_| unreadable())?;
        let token = self.token(application, Audience::Intune, until).await?;
        let mut headers = build_headers(&token, activity).ok_or_else(unreadable)?;
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/json; charset=utf-8"),
        );
        headers.insert(
            HeaderName::from_static("api-version"),
            HeaderValue::from_static(service.api_version()),
        );
        headers.insert(
            HeaderName::from_static("useragent"),
            HeaderValue::from_static(CALLER),
        );
        let body = Bytes::from(body.to_string());
        let response = self.send(Method::POST, &url, headers, body, until).await?;
        if response.status != StatusCode::OK {
            return Err(IntuneError::of_status(&url, &response));
        }
        serde_json::from_slice(&response.body).map_err(|_| IntuneError::Unreadable(url))
    }

    /// Finds where a service of Intune is.
    async fn find_endpoint(
        &self,
        application: &Application,
        service: IntuneService,
        until: Instant,
    ) -> Result<ServiceUrl, IntuneError> {
        let now = self.clock.now();
        if let Some((endpoints, _)) = self.endpoints.find(application, |(_, end)| now < *end) {
            return endpoints.find(service);
        }
        let graph = &self.urls.graph;
        let unreadable = || IntuneError::Unreadable(graph.clone());
        let url = graph.join(ENDPOINTS_PATH).map_err(|_| unreadable())?;
        let token = self.token(application, Audience::Graph, until).await?;
        let headers = build_headers(&token, Uuid::new_v4()).ok_or_else(unreadable)?;
        let response = self
            .send(Method::GET, &url, headers, Bytes::new(), until)
            .await?;
        if response.status != StatusCode::OK {
            return Err(IntuneError::of_status(&url, &response));
        }
        let endpoints = Endpoints::read(graph, &response.body)?;
        let found = endpoints.find(service)?;
        self.endpoints.forget(|known| known == application);
        self.endpoints
            .insert(application.clone(), (endpoints, now + ENDPOINTS_MAX_AGE));
        Ok(found)
    }

    async fn token(
        &self,
        application: &Application,
        audience: Audience,
        until: Instant,
    ) -> Result<Token, IntuneError> {
        let now = self.clock.now();
        let key = (application.clone(), audience);
        if let Some(token) = self.tokens.find(&key, |token| token.is_good(now)) {
            return Ok(token);
        }
        let path = format!("{}/oauth2/v2.0/token", application.tenant);
        let url = self
            .urls
            .login
            .join(&path)
            .map_err(|_| IntuneError::Incomplete("intuneTenant"))?;
        let proof = self.prove_identity(application).await?;
        let form = build_form(application, audience, &proof);
        let mut headers = HeaderMap::new();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        let response = self
            .send(Method::POST, &url, headers, Bytes::from(form), until)
            .await?;
        let token = read_token(&url, &response, now)?;
        self.tokens.forget_values(|known| !known.is_good(now));
        self.tokens.insert(key, token.clone());
        Ok(token)
    }

    async fn prove_identity(&self, application: &Application) -> Result<Proof, IntuneError> {
        let Some(sealed) = application.secret() else {
            let issuer = self.issuer.as_ref();
            let issuer = issuer.ok_or(IntuneError::Incomplete("intuneCredential"))?;
            let subject = application.scep_profile.to_string();
            let jwt = issuer.assert(&subject, self.clock.now()).await?;
            return Ok(Proof::Assertion(jwt));
        };
        let owner = SecretOwner::ServiceCredentials(application.scep_profile);
        Ok(Proof::Secret(self.secrets.open(owner, &sealed).await?))
    }

    async fn send(
        &self,
        method: Method,
        url: &ServiceUrl,
        headers: HeaderMap,
        body: Bytes,
        until: Instant,
    ) -> Result<HttpResponse, IntuneError> {
        let left = until.saturating_duration_since(self.clock.instant());
        let timeout = left.min(RESPONSE_TIMEOUT);
        let http = match self.http.get() {
            Some(http) => http,
            None => {
                let new = HttpClient::new()
                    .map_err(IntuneError::Client)?
                    .with_response_limit(MAX_RESPONSE_BYTES);
                self.http.get_or_init(|| new)
            }
        };
        Ok(http.send(method, url, headers, body, timeout).await?)
    }

    /// Forgets the tokens of an application and where its services are.
    fn forget(&self, application: &Application) {
        self.tokens.forget(|(known, _)| known == application);
        self.endpoints.forget(|known| known == application);
    }
}

/// Builds the headers that every service of Microsoft's gets; `None` if the token cannot be one.
fn build_headers(token: &Token, activity: Uuid) -> Option<HeaderMap> {
    let bearer = format!("Bearer {}", token.secret.expose_secret());
    let mut authorization = HeaderValue::from_str(&bearer).ok()?;
    authorization.set_sensitive(true);
    let activity = HeaderValue::from_str(&activity.to_string()).ok()?;
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, authorization);
    headers.insert(HeaderName::from_static("client-request-id"), activity);
    Some(headers)
}

/// Values in memory. Its size is bounded by the number of SCEP Profiles and their edits in an hour.
struct Cache<K, V>(Mutex<HashMap<K, V>>);

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    fn find(&self, key: &K, is_good: impl Fn(&V) -> bool) -> Option<V> {
        self.with(|values| values.get(key).filter(|value| is_good(value)).cloned())
    }

    fn insert(&self, key: K, value: V) {
        self.with(|values| values.insert(key, value));
    }

    fn forget(&self, is_stale: impl Fn(&K) -> bool) {
        self.with(|values| values.retain(|key, _| !is_stale(key)));
    }

    fn forget_values(&self, is_stale: impl Fn(&V) -> bool) {
        self.with(|values| values.retain(|_, value| !is_stale(value)));
    }

    fn with<T>(&self, work: impl FnOnce(&mut HashMap<K, V>) -> T) -> T {
        // A panic cannot leave the map half changed, so a poisoned lock is safe to use.
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
