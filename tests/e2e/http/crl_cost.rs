//! The cost of a request for a long CRL: the database calls, and the octets that they read.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use ca::authority::Authority;
use ca::generation::Generation;
use ca::id::AuthorityUuid;
use ca::profile_name::ProfileName;
use http::{Request, Response};
use scep_http::{CrlService, respond_crl};
use scep_service::crl_cache::CachedCrls;
use scep_service::object::find;
use scep_service::ports::{Clock, ProfileReader, Store, StoredCrl, WriteOutcome};
use scepter_tests::world::World;
use store_dynamodb::ProfilesTable;
use uuid::Uuid;

/// The size in octets of a CRL with 10,000 revoked certificates.
const LONG: usize = 500_000;

/// A database call.
#[derive(Clone, Debug)]
struct Call {
    operation: String,
    is_consistent: bool,
    octets: usize,
}

/// Records every database call.
#[derive(Clone, Debug, Default)]
struct Calls(Arc<Mutex<Vec<Call>>>);

impl Intercept for Calls {
    fn name(&self) -> &'static str {
        "Calls"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request();
        let target = request.headers().get("x-amz-target").unwrap();
        let asked: serde_json::Value = serde_json::from_slice(request.body().bytes().unwrap())?;
        self.0.lock().unwrap().push(Call {
            operation: target.rsplit('.').next().unwrap().to_owned(),
            is_consistent: asked["ConsistentRead"] == true,
            octets: 0,
        });
        Ok(())
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let octets = context.response().body().bytes().unwrap().len();
        self.0.lock().unwrap().last_mut().unwrap().octets = octets;
        Ok(())
    }
}

/// The handler of CRL requests, with a long CRL to serve and its database calls counted.
struct Counted {
    world: World,
    authority: AuthorityUuid,
    published: CrlService,
    calls: Calls,
}

impl Counted {
    async fn new() -> Self {
        let world = World::new().await;
        let name = ProfileName::new("test-ca").unwrap();
        let authority = find::<Authority>(&world.store, &name).await.unwrap();
        let authority = authority.unwrap().object.uuid;
        let calls = Calls::default();
        let config = world.database.client().config().to_builder();
        let client = Client::from_conf(config.interceptor(calls.clone()).build());
        let table = Arc::new(ProfilesTable::new(client, "test-profiles".to_owned()));
        let published = CrlService {
            crls: Arc::new(CachedCrls::new(table)),
            clock: world.clock.clone(),
        };
        let counted = Self {
            world,
            authority,
            published,
            calls,
        };
        counted.replace(2).await;
        counted
    }

    fn crl(&self, number: u64) -> StoredCrl {
        let now = self.world.clock.now();
        StoredCrl {
            der: vec![number as u8; LONG],
            number,
            this_update: now,
            next_update: now + Duration::from_secs(7 * 24 * 60 * 60),
        }
    }

    async fn replace(&self, number: u64) {
        let crl = self.crl(number);
        let head = self.world.store.crl_head(self.authority, Generation::FIRST);
        let last = head.await.unwrap().map(|head| head.number);
        let replaced = self
            .world
            .store
            .replace_crl(self.authority, Generation::FIRST, &crl, last)
            .await;
        assert_eq!(replaced.unwrap(), WriteOutcome::Won);
    }

    async fn ask(
        &self,
        method: &str,
        uri: &str,
        headers: &[(&str, &str)],
    ) -> (Response<Bytes>, Vec<Call>) {
        self.calls.0.lock().unwrap().clear();
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        let response = respond_crl(&self.published, &head).await;
        (response, self.calls.0.lock().unwrap().clone())
    }

    /// Asserts that the answer takes reading the authority's name and the CRL's head only.
    async fn ask_cheaply(
        &self,
        method: &str,
        uri: &str,
        headers: &[(&str, &str)],
    ) -> Response<Bytes> {
        let (response, calls) = self.ask(method, uri, headers).await;
        assert_eq!(calls.len(), 2, "{method} {uri} {headers:?}: {calls:?}");
        assert!(
            calls.iter().all(|call| call.operation == "GetItem"),
            "{calls:?}"
        );
        assert!(calls.iter().all(|call| call.octets < 1_024), "{calls:?}");
        // Eventually consistent reads cost half, and this is the most frequent one.
        assert!(!calls[1].is_consistent, "{calls:?}");
        response
    }
}

const URL: &str = "/crl/test-ca.crl";

#[tokio::test]
async fn a_long_crl_is_read_once_and_then_its_head_alone() {
    let counted = Counted::new().await;
    let (first, calls) = counted.ask("GET", URL, &[]).await;
    assert_eq!(first.body().as_ref(), counted.crl(2).der);
    let read: usize = calls.iter().map(|call| call.octets).sum();
    assert!(calls.len() <= 5 && read > LONG, "{calls:?}");
    for uri in [URL, "/crl/test-ca.crl?x=1", "/crl/test%2Dca.crl"] {
        let again = counted.ask_cheaply("GET", uri, &[]).await;
        assert_eq!((again.status().as_u16(), again.body()), (200, first.body()));
    }
    // The next CRL is served as soon as it is stored.
    counted.world.clock.advance(Duration::from_secs(5));
    counted.replace(3).await;
    let (next, _) = counted.ask("GET", URL, &[]).await;
    assert_eq!(next.body().as_ref(), counted.crl(3).der);
    assert_eq!(next.headers()["etag"], "\"3\"");
    counted.ask_cheaply("GET", URL, &[]).await;
}

/// RFC 9110 §9.3.2. A function behind API Gateway has no server that removes the body.
#[tokio::test]
async fn head_has_no_body_whatever_becomes_of_it() {
    let counted = Counted::new().await;
    for (uri, status) in [(URL, 200), ("/crl/nobody.crl", 404), ("/crl/", 404)] {
        let (head, _) = counted.ask("HEAD", uri, &[]).await;
        assert_eq!(
            (head.status().as_u16(), head.body().len()),
            (status, 0),
            "{uri}"
        );
        let (get, _) = counted.ask("GET", uri, &[]).await;
        assert!(!get.body().is_empty(), "{uri}");
    }
}

#[tokio::test]
async fn head_and_not_modified_never_read_the_crl() {
    let counted = Counted::new().await;
    counted.world.clock.advance(Duration::from_secs(5));
    let head = counted.ask_cheaply("HEAD", URL, &[]).await;
    assert_eq!((head.status().as_u16(), head.body().len()), (200, 0));
    let header = |name: &str| head.headers()[name].to_str().unwrap();
    let (tag, date) = (header("etag"), header("last-modified"));
    assert_eq!(
        (tag, header("content-type")),
        ("\"2\"", "application/pkix-crl")
    );
    let known = [
        ("if-none-match", tag),
        ("if-none-match", "W/\"2\""),
        ("if-none-match", "\"1\", \"2\""),
        ("if-none-match", "*"),
        ("if-modified-since", date),
    ];
    for known in known {
        for method in ["GET", "HEAD"] {
            let answer = counted.ask_cheaply(method, URL, &[known]).await;
            assert_eq!(answer.status(), 304, "{method} {known:?}");
            assert_eq!(answer.headers()["etag"], tag);
        }
    }
    let old = [
        [("if-none-match", "\"1\""), ("if-modified-since", date)],
        [
            ("if-modified-since", "Thu, 01 Jan 1970 00:00:00 GMT"),
            ("x", ""),
        ],
        [("if-modified-since", "yesterday"), ("x", "")],
    ];
    for old in &old {
        let answer = counted.ask_cheaply("HEAD", URL, old).await;
        assert_eq!(answer.status(), 200, "{old:?}");
    }
    // A path that does not exist reads nothing large.
    for uri in ["/crl/unknown.crl", "/crl/test-ca/2.crl", "/crl/a/b/c"] {
        let (answer, calls) = counted.ask("GET", uri, &[]).await;
        assert_eq!(answer.status(), 404);
        assert!(calls.len() <= 2 && calls.iter().all(|call| call.octets < 1_024));
    }
}

/// Two CRLs of the same second have the same date, so the date alone must not make the server
/// answer 304 to a client that has the first.
#[tokio::test]
async fn a_crl_of_the_same_second_is_told_apart() {
    let counted = Counted::new().await;
    let (first, _) = counted.ask("GET", URL, &[]).await;
    counted.replace(3).await;
    counted.world.clock.advance(Duration::from_secs(5));
    let date = first.headers()["last-modified"].to_str().unwrap();
    let (next, _) = counted
        .ask("GET", URL, &[("if-modified-since", date)])
        .await;
    assert_eq!(next.status(), 200);
    assert_eq!(next.body().as_ref(), counted.crl(3).der);
}

/// An earlier version stored the first part of a CRL in its head item.
#[tokio::test]
async fn a_crl_of_an_earlier_version_is_read() {
    let counted = Counted::new().await;
    let client = counted.world.database.client();
    let text = |value: String| AttributeValue::S(value);
    let octets = |octet: u8| AttributeValue::B(Blob::new(vec![octet; 350 * 1_024]));
    let (authority, set) = (counted.authority, Uuid::new_v4());
    let number = |value: i128| AttributeValue::N(value.to_string());
    let crl = counted.crl(7);
    let milliseconds = |at: time::OffsetDateTime| number(at.unix_timestamp_nanos() / 1_000_000);
    let head = client
        .put_item()
        .table_name("test-profiles")
        .item("id", text(format!("crl/{authority}/1")))
        .item("crl", octets(7))
        .item("parts", number(2))
        .item("partSet", text(set.to_string()))
        .item("number", number(7))
        .item("thisUpdate", milliseconds(crl.this_update))
        .item("nextUpdate", milliseconds(crl.next_update));
    head.send().await.unwrap();
    let part = client.put_item().table_name("test-profiles");
    let part = part
        .item("id", text(format!("crl/{set}/1")))
        .item("crl", octets(8));
    part.send().await.unwrap();
    let read = ProfileReader::crl(&counted.world.store, authority, Generation::FIRST)
        .await
        .unwrap();
    let der = [[7; 350 * 1_024], [8; 350 * 1_024]].concat();
    assert_eq!(read, Some(StoredCrl { der, ..crl }));
    // A new CRL replaces it and leaves none of its parts.
    counted.replace(8).await;
    let read = ProfileReader::crl(&counted.world.store, authority, Generation::FIRST)
        .await
        .unwrap();
    assert_eq!(read, Some(counted.crl(8)));
    let items = counted.world.database.items("test-profiles").unwrap();
    let of_old = format!("crl/{set}/");
    let is_of_old =
        |item: &serde_json::Value| item["id"]["S"].as_str().unwrap().starts_with(&of_old);
    assert!(!items.iter().any(is_of_old));
}
