//! `/crl/…`: CRLs for everyone, where the cRLDistributionPoints of certificates lead, RFC 5280 §4.2.1.13.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, ETAG, EXPIRES, IF_NONE_MATCH, LAST_MODIFIED};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use percent_encoding::percent_decode_str;
use scep_protocol::{ProfileName, Rejection};
use scep_service::{Causes, Clock, Crls, Failure, Objects, StoredCrl, published_crl};
use time::OffsetDateTime;

use crate::answer::{answer, reject};

/// What the path of every CRL begins with.
pub const CRL_PREFIX: &str = "/crl/";

const CRL: HeaderValue = HeaderValue::from_static("application/pkix-crl");

/// Longest time that a cache may keep a CRL, in seconds: so long a revocation may go unnoticed behind one.
const MAX_AGE_SECONDS: i64 = 3600;

/// What CRLs are read from.
#[derive(Clone)]
pub struct PublishedCrls {
    /// Authorities, by name.
    pub objects: Arc<dyn Objects>,
    /// CRLs.
    pub crls: Arc<dyn Crls>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Answers any request below [`CRL_PREFIX`].
pub async fn respond_crl(published: &PublishedCrls, head: &Parts) -> Response<Bytes> {
    let found = find(published, head).await;
    let response = match &found {
        Ok(crl) => shown(crl, head, published.clock.now()),
        Err(failure) => refused(failure),
    };
    let number = found.as_ref().ok().map(|crl| crl.number);
    let (path, status) = (head.uri.path(), response.status().as_u16());
    tracing::info!(path, number, status, "CRL request");
    response
}

async fn find(published: &PublishedCrls, head: &Parts) -> Result<StoredCrl, Failure> {
    if head.method != Method::GET && head.method != Method::HEAD {
        return Err(Failure::Rejected(Rejection::MethodNotAllowed));
    }
    let named = crl_of(head.uri.path());
    let (name, generation) = named.ok_or(Failure::Rejected(Rejection::NoCrl))?;
    published_crl(&*published.objects, &*published.crls, &name, generation).await
}

/// Which generation of which authority: `{name}.crl` is the first one's, `{name}/{generation}.crl` any other's.
fn crl_of(path: &str) -> Option<(ProfileName, u32)> {
    let file = path.strip_prefix(CRL_PREFIX)?.strip_suffix(".crl")?;
    let file = percent_decode_str(file).decode_utf8().ok()?;
    let (name, generation) = match file.split_once('/') {
        None => (&*file, 1),
        Some((name, generation)) => (name, generation.parse().ok().filter(|number| *number > 1)?),
    };
    Some((ProfileName::new(name).ok()?, generation))
}

fn shown(crl: &StoredCrl, head: &Parts, now: OffsetDateTime) -> Response<Bytes> {
    let tag = format!("\"{}\"", crl.number);
    let asked = head.headers.get(IF_NONE_MATCH);
    let is_known = asked.is_some_and(|known| known.to_str().is_ok_and(|known| known == tag));
    let body = match is_known || head.method == Method::HEAD {
        true => Bytes::new(),
        false => Bytes::from(crl.der.clone()),
    };
    let mut response = answer(CRL, body);
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let left = (crl.next_update - now).whole_seconds();
    let max_age = left.clamp(0, MAX_AGE_SECONDS);
    let headers = response.headers_mut();
    insert(
        headers,
        CACHE_CONTROL,
        &format!("public, max-age={max_age}"),
    );
    insert(headers, ETAG, &tag);
    insert(headers, LAST_MODIFIED, &http_date(crl.this_update));
    insert(
        headers,
        EXPIRES,
        &http_date(now + time::Duration::seconds(max_age)),
    );
    response
}

fn refused(failure: &Failure) -> Response<Bytes> {
    let rejection = failure.rejection();
    if rejection.status() >= 500 {
        let error = Causes(failure);
        tracing::error!(%error, "the server failed");
    }
    let mut response = reject(rejection);
    if rejection == Rejection::MethodNotAllowed {
        insert(response.headers_mut(), ALLOW, "GET, HEAD");
    }
    response
}

/// Each of these values is ASCII.
fn insert(headers: &mut HeaderMap, name: http::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// IMF-fixdate, RFC 9110 §5.6.7.
fn http_date(at: OffsetDateTime) -> String {
    httpdate::fmt_http_date(at.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: Option<(&str, u32)>) {
        let expected = expected.map(|(name, number)| (ProfileName::new(name).unwrap(), number));
        assert_eq!(crl_of(path), expected, "{path}");
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
