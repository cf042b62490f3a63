//! `/crl/…`: public CRLs at the URLs that the cRLDistributionPoints of certificates name,
//! RFC 5280 §4.2.1.13.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use ca::generation::Generation;
use ca::profile_name::ProfileName;
use http::header::{CACHE_CONTROL, ETAG, EXPIRES, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use percent_encoding::percent_decode_str;
use scep_protocol::refusal::HttpRejection;
use scep_service::crl_publisher::PublishedCrl;
use scep_service::error::Failure;
use scep_service::error_chain::ErrorChain;
use scep_service::ports::{Clock, CrlHead, ProfileReader};
use time::OffsetDateTime;

use crate::response::{build_response, without_body};
use crate::{read_options, rejection_response};

/// The prefix of every CRL's path.
pub const CRL_PREFIX: &str = "/crl/";

const CRL: HeaderValue = HeaderValue::from_static("application/pkix-crl");

/// The longest time that a cache may keep a CRL, in seconds. A revocation can stay unnoticed behind
/// a cache for as long.
const MAX_AGE_SECONDS: i64 = 3600;

/// The ports that CRL requests read from.
#[derive(Clone)]
pub struct CrlService {
    /// Resolves authorities by name and reads their CRLs. Frequently requested ones are cached in
    /// memory.
    pub crls: Arc<dyn ProfileReader>,
    /// The source of the current time.
    pub clock: Arc<dyn Clock>,
}

/// Responds to any request below [`CRL_PREFIX`]. HEAD requests, and conditional requests from
/// clients that already have the latest CRL, are served without reading the CRL itself.
pub async fn respond_crl(published: &CrlService, head: &Parts) -> Response<Bytes> {
    if head.method == Method::OPTIONS {
        return read_options();
    }
    let name_and_generation = parse_path(head.uri.path());
    let result = answer_request(published, name_and_generation.as_ref(), head).await;
    let number = result.as_ref().ok().map(|(number, _)| *number);
    let response = match result {
        Ok((_, response)) => response,
        // A response to HEAD that succeeds has no body already, and says how long that of GET is.
        Err(failure) if head.method == Method::HEAD => without_body(failure_response(&failure)),
        Err(failure) => failure_response(&failure),
    };
    // Log the parsed names rather than the path, whose length and content the client controls.
    tracing::info!(
        authority = name_and_generation.as_ref().map(|(name, _)| name.as_str()),
        generation = name_and_generation
            .as_ref()
            .map(|(_, generation)| generation.get()),
        number,
        status = response.status().as_u16(),
        "CRL request"
    );
    response
}

/// The CRL's number together with the response.
async fn answer_request(
    published: &CrlService,
    name_and_generation: Option<&(ProfileName, Generation)>,
    head: &Parts,
) -> Result<(u64, Response<Bytes>), Failure> {
    let is_head = head.method == Method::HEAD;
    if head.method != Method::GET && !is_head {
        return Err(Failure::Rejected(HttpRejection::ReadOnly));
    }
    let (name, generation) = name_and_generation.ok_or(Failure::Rejected(HttpRejection::NoCrl))?;
    let crls = &*published.crls;
    let found = PublishedCrl::find(crls, name, *generation).await?;
    let now = published.clock.now();
    // The tags are compared before the CRL is read: it can be large, and clients poll more often
    // than it changes.
    if is_known(&found.head, &head.headers) {
        let mut response = crl_response(&found.head, Bytes::new(), now);
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok((found.head.number, response));
    }
    if is_head {
        return Ok((
            found.head.number,
            crl_response(&found.head, Bytes::new(), now),
        ));
    }
    let crl = found.read(crls).await?;
    let head = crl.head();
    Ok((head.number, crl_response(&head, Bytes::from(crl.der), now)))
}

/// Whether the client already has this CRL. If-None-Match takes precedence over If-Modified-Since,
/// RFC 9110 §13.2.2.
fn is_known(crl: &CrlHead, headers: &HeaderMap) -> bool {
    let tag = entity_tag(crl);
    if headers.contains_key(IF_NONE_MATCH) {
        return headers
            .get_all(IF_NONE_MATCH)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|known| is_tag(known.trim(), &tag));
    }
    let since = headers
        .get(IF_MODIFIED_SINCE)
        .and_then(|value| httpdate::parse_http_date(value.to_str().ok()?).ok());
    // HTTP dates have whole seconds, so the CRL's time is compared in whole seconds too.
    since.is_some_and(|since| crl.this_update.unix_timestamp() <= unix_seconds(since))
}

/// Compares entity tags weakly, RFC 9110 §8.8.3.2: a compressing proxy turns a tag into a weak one,
/// but the CRL is still the same.
fn is_tag(known: &str, tag: &str) -> bool {
    known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag
}

fn entity_tag(crl: &CrlHead) -> String {
    format!("\"{}\"", crl.number)
}

fn unix_seconds(at: SystemTime) -> i64 {
    OffsetDateTime::from(at).unix_timestamp()
}

/// The authority and generation in a path: `{name}.crl` for the first generation,
/// `{name}/{generation}.crl` for later ones.
fn parse_path(path: &str) -> Option<(ProfileName, Generation)> {
    let file = path.strip_prefix(CRL_PREFIX)?.strip_suffix(".crl")?;
    let file = percent_decode_str(file).decode_utf8().ok()?;
    let (name, generation) = match file.split_once('/') {
        None => (&*file, Generation::FIRST),
        // The first generation has a single URL, so `{name}/1.crl` is rejected.
        Some((name, generation)) => {
            let is_later = |generation: &Generation| *generation > Generation::FIRST;
            (name, generation.parse().ok().filter(is_later)?)
        }
    };
    Some((ProfileName::new(name).ok()?, generation))
}

fn crl_response(crl: &CrlHead, body: Bytes, now: OffsetDateTime) -> Response<Bytes> {
    let mut response = build_response(CRL, body);
    // A cache must not keep a CRL beyond its nextUpdate.
    let left = (crl.next_update - now).whole_seconds();
    let max_age = left.clamp(0, MAX_AGE_SECONDS);
    let headers = response.headers_mut();
    insert_header(
        headers,
        CACHE_CONTROL,
        &format!("public, max-age={max_age}"),
    );
    insert_header(headers, ETAG, &entity_tag(crl));
    // Another CRL may still be issued within the current second. Last-Modified therefore lies at
    // least one second in the past, so that a client which has this CRL asks again.
    let last_modified = crl.this_update.min(now - time::Duration::SECOND);
    insert_header(headers, LAST_MODIFIED, &http_date(last_modified));
    insert_header(
        headers,
        EXPIRES,
        &http_date(now + time::Duration::seconds(max_age)),
    );
    response
}

fn failure_response(failure: &Failure) -> Response<Bytes> {
    let rejection = failure.rejection();
    if rejection.status() >= 500 {
        let error = ErrorChain(failure);
        tracing::error!(%error, "the server failed");
    }
    rejection_response(rejection)
}

/// Inserts a header. Every value passed here is ASCII, so the conversion cannot fail.
fn insert_header(headers: &mut HeaderMap, name: http::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// Formats a time as an IMF-fixdate, RFC 9110 §5.6.7.
fn http_date(at: OffsetDateTime) -> String {
    httpdate::fmt_http_date(at.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: Option<(&str, u32)>) {
        let expected = expected.map(|(name, number)| {
            let generation = Generation::new(number).unwrap();
            (ProfileName::new(name).unwrap(), generation)
        });
        assert_eq!(parse_path(path), expected, "{path}");
    }

    #[test]
    fn each_generation_has_its_path() {
        check("/crl/corp-ca.crl", Some(("corp-ca", 1)));
        check("/crl/a.b.crl", Some(("a.b", 1)));
        check("/crl/corp-ca/2.crl", Some(("corp-ca", 2)));
        for path in [
            "/crl/",
            "/crl/.crl",
            "/crl/corp-ca",
            "/crl/corp-ca/1.crl",
            "/crl/corp-ca/x.crl",
            "/crl/corp-ca/2/3.crl",
            "/crl/a%2fb%2fc.crl",
            "/crl/a%00.crl",
        ] {
            check(path, None);
        }
    }
}
