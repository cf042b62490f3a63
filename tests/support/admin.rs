//! The administrator's side: calls the management API in this process.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use authorise_http::{IntuneClient, IntuneUrls, WebhookClient};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, Request, StatusCode};
use management_api::{
    Api, Authenticate, Caller, CallersUnknown, Credentials, PREFIX, Platform, Probes, bearer_token,
};
use scep_cms::certificate::Certificate;
use scep_protocol::service_url::ServiceUrl;
use scep_service::admin::Administration;
use scep_service::ports::SystemRandom;
use serde_json::{Value, json};
use tower::ServiceExt;
use uuid::Uuid;

use crate::world::World;

/// Reads the bearer token as the list of its own scopes, for example `read,write`.
struct ScopesAreTheToken;

#[async_trait]
impl Authenticate for ScopesAreTheToken {
    async fn caller(&self, head: &Parts) -> Result<Option<Caller>, CallersUnknown> {
        Ok(find_scopes(bearer_token(&head.headers).unwrap_or_default()))
    }

    async fn identify(&self, credentials: &Credentials) -> Result<Option<Caller>, CallersUnknown> {
        Ok(find_scopes(credentials.secret()))
    }
}

fn find_scopes(token: &str) -> Option<Caller> {
    let scopes: Option<Vec<_>> = token.split(',').map(|name| name.parse().ok()).collect();
    scopes.map(|scopes| Caller {
        name: "admin".to_owned(),
        scopes,
    })
}

/// An administrator with every scope.
pub struct Admin {
    router: Router,
}

/// An answer of the API.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// The JSON of the body; a string if the body is not JSON, null if it is empty.
    pub body: Value,
}

impl Answer {
    /// Asserts the status and returns the body.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// The uuid in the body of a success.
    #[track_caller]
    pub fn uuid(self) -> String {
        assert!(self.status.is_success(), "{} {}", self.status, self.body);
        text(&self.body["uuid"])
    }

    /// The reasons in the body of a 422.
    #[track_caller]
    pub fn reasons(self) -> Vec<String> {
        let body = self.expect(422);
        body.as_array().unwrap().iter().map(text).collect()
    }
}

/// The text of a JSON string.
#[track_caller]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The uuid of a certificate, which is its serial number.
pub fn certificate_uuid(certificate: &Certificate) -> Uuid {
    let number = certificate.issuer_and_serial_number().serial_number_hex();
    Uuid::from_u128(u128::from_str_radix(&number, 16).unwrap())
}

/// Creates the clients that test services; there is no Intune.
pub fn new_probes(administration: &Administration) -> Probes {
    // Nobody listens there.
    let nowhere: ServiceUrl = "http://127.0.0.1:9/".parse().unwrap();
    let urls = IntuneUrls {
        login: nowhere.clone(),
        graph: nowhere,
    };
    let secrets = &administration.secrets;
    let intune = IntuneClient::new(urls, secrets.clone(), None, administration.clock.clone());
    let webhook = WebhookClient::new(secrets.clone(), Arc::new(SystemRandom));
    Probes {
        intune: Arc::new(intune),
        webhook: Arc::new(webhook),
    }
}

impl Admin {
    /// Creates the administrator of this world, which has no Intune.
    pub fn of<S, D>(world: &World<S, D>) -> Self {
        Self::with_probes(world, new_probes(&world.administration))
    }

    /// Creates the administrator of this world, whose tests of Intune use this client.
    pub fn with_intune(world: &World, intune: Arc<IntuneClient>) -> Self {
        let probes = Probes {
            intune,
            ..new_probes(&world.administration)
        };
        Self::with_probes(world, probes)
    }

    fn with_probes<S, D>(world: &World<S, D>, probes: Probes) -> Self {
        let api = Api {
            administration: world.administration.clone(),
            authenticate: Arc::new(ScopesAreTheToken),
            default_scep_profile: None,
            platform: Platform::Local,
            profiles_max_age: Duration::from_secs(5),
            tokens: None,
            probes,
        };
        Self {
            router: management_api::router(api),
        }
    }

    /// Sends a request to a path below the prefix, with a JSON body unless `body` is null.
    pub async fn call(&self, method: &str, path: &str, body: Value) -> Answer {
        let body = match body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let headers = [("authorization", "Bearer read,write,approve")];
        self.send(method, path, &headers, body).await
    }

    /// Sends a request with these headers and this body to a path below the prefix.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{PREFIX}{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body)).unwrap();
        let response = self.answer(request).await;
        let (head, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let body = match body.as_ref() {
            [] => Value::Null,
            body => serde_json::from_slice(body)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(body).into_owned())),
        };
        Answer {
            status: head.status,
            headers: head.headers,
            body,
        }
    }

    /// Sends any request and returns the response unread.
    pub async fn answer(&self, request: Request<Body>) -> Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Revokes a certificate.
    pub async fn revoke(&self, certificate: &Certificate, body: Value) -> Answer {
        let uuid = certificate_uuid(certificate);
        self.post(&format!("/certificates/{uuid}/revoke"), body)
            .await
    }

    /// Approves a transaction in its present state.
    pub async fn approve(&self, uuid: &str) -> Answer {
        let path = format!("/scepTransactions/{uuid}");
        let seen = self.get(&path).await;
        let tag = seen.headers["etag"].to_str().unwrap();
        let headers = [
            ("authorization", "Bearer read,write,approve"),
            ("if-match", tag),
        ];
        let path = format!("{path}/approve");
        self.send("POST", &path, &headers, String::new()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, Value::Null).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path, body).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.call("PUT", path, body).await
    }

    pub async fn patch(&self, path: &str) -> Answer {
        self.call("PATCH", path, Value::Null).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, Value::Null).await
    }

    /// Creates a root authority with an EC key and returns its uuid.
    pub async fn authority(&self, name: &str) -> String {
        let body = json!({
            "name": name, "subject": format!("CN={name},O=Corp"), "keyAlgorithm": "EC_P256"
        });
        self.post("/authorities", body).await.uuid()
    }

    /// Creates an RA Profile with the default rules and returns its uuid.
    pub async fn ra_profile(&self, authority: &str, name: &str) -> String {
        let path = format!("/authorities/{authority}/raProfiles");
        self.post(&path, json!({ "name": name })).await.uuid()
    }

    /// Makes a one-time challenge of this SCEP Profile that is valid for an hour, with these
    /// further fields, and returns it.
    pub async fn challenge(&self, scep_profile: &str, fields: Value) -> Value {
        let mut body = json!({ "validity": "PT1H" });
        for (name, value) in fields.as_object().unwrap() {
            body[name] = value.clone();
        }
        let path = format!("/scepProfiles/{scep_profile}/challenges");
        self.post(&path, body).await.expect(201)
    }

    /// The number of issued certificates.
    pub async fn count_certificates(&self) -> usize {
        let page = self.get("/certificates").await.expect(200);
        page["items"].as_array().unwrap().len()
    }

    /// The only transaction with this status.
    pub async fn find_transaction(&self, status: &str) -> Value {
        let path = format!("/scepTransactions?status={status}");
        let page = self.get(&path).await.expect(200);
        let [item] = page["items"].as_array().unwrap().as_slice() else {
            panic!("not exactly one transaction is {status}: {page}");
        };
        item.clone()
    }

    /// The uuid of the object with this name in this list.
    pub async fn find(&self, list: &str, name: &str) -> String {
        let all = self.get(list).await.expect(200);
        let found = all
            .as_array()
            .unwrap()
            .iter()
            .find(|object| object["name"] == name);
        text(&found.unwrap()["uuid"])
    }
}

/// A world whose profile asks for one-time challenges, its administrator, and the uuid of the
/// profile.
pub async fn one_time_world() -> (World, Admin, String) {
    let (world, admin, _, scep_profile, _) = administered().await;
    world.choose_one_time().await;
    (world, admin, scep_profile)
}

/// A world, its administrator, and the uuids of its RA Profile, SCEP Profile and RA certificate.
pub async fn administered() -> (World, Admin, String, String, String) {
    let world = World::new().await;
    let admin = Admin::of(&world);
    let ra_profile = admin.find("/raProfiles", "default").await;
    let scep_profile = admin.find("/scepProfiles", "default").await;
    let shown = admin
        .get(&format!("/scepProfiles/{scep_profile}"))
        .await
        .expect(200);
    let ra_certificate = text(&shown["caCertificate"]["uuid"]);
    (world, admin, ra_profile, scep_profile, ra_certificate)
}
