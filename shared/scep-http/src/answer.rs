//! Responses: each answer's status, media type and headers.

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use scep_cms::DecodeError;
use scep_protocol::{CaCertificates, Capability, Rejection};

/// Old sscep and iOS compare media types as whole strings: no `charset`.
const TEXT: HeaderValue = HeaderValue::from_static("text/plain");
const CA_CERT: HeaderValue = HeaderValue::from_static("application/x-x509-ca-cert");
const CA_RA_CERT: HeaderValue = HeaderValue::from_static("application/x-x509-ca-ra-cert");
const NEXT_CA_CERT: HeaderValue = HeaderValue::from_static("application/x-x509-next-ca-cert");
const PKI_MESSAGE: HeaderValue = HeaderValue::from_static("application/x-pki-message");

/// Seconds that a client is asked to wait after a failure of ours.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("5");

/// What an endpoint of SCEP answers.
pub(crate) const SCEP_METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS, POST");

/// What is answered of something that is only read.
const READ_METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");

/// The answer to OPTIONS for something that is only read, RFC 9110 §9.3.7: load balancers probe with it.
#[must_use]
pub fn read_options() -> Response<Bytes> {
    options(READ_METHODS)
}

/// The answer to OPTIONS where these methods are answered.
pub(crate) fn options(allowed: HeaderValue) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(ALLOW, allowed);
    response
}

/// The answer to HEAD, from that to GET, RFC 9110 §9.3.2.
pub(crate) fn without_body(response: Response<Bytes>) -> Response<Bytes> {
    let (mut head, body) = response.into_parts();
    head.headers
        .insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    Response::from_parts(head, Bytes::new())
}

/// A rejection as plain text.
#[must_use]
pub fn reject(rejection: Rejection) -> Response<Bytes> {
    let mut response = answer(TEXT, Bytes::from(format!("{}\n", rejection.text())));
    // Each status in the table is one that exists.
    *response.status_mut() =
        StatusCode::from_u16(rejection.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if rejection == Rejection::MethodNotAllowed {
        headers.insert(ALLOW, SCEP_METHODS);
    }
    if rejection == Rejection::ReadOnly {
        headers.insert(ALLOW, READ_METHODS);
    }
    if rejection.status() >= 500 {
        headers.insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
    }
    response
}

/// GetCACaps: a keyword a line.
pub(crate) fn capabilities(capabilities: &[Capability]) -> Response<Bytes> {
    let lines: String = capabilities
        .iter()
        .flat_map(|capability| [capability.keyword(), "\n"])
        .collect();
    answer(TEXT, Bytes::from(lines))
}

/// GetCACert: a certificate, or several in a degenerate SignedData.
pub(crate) fn certificates(certificates: CaCertificates) -> Result<Response<Bytes>, DecodeError> {
    Ok(match certificates {
        CaCertificates::One(der) => answer(CA_CERT, Bytes::from(der)),
        CaCertificates::Chain(chain) => answer(CA_RA_CERT, Bytes::from(chain.to_der()?)),
    })
}

/// GetNextCACert: a SignedData.
pub(crate) fn next_ca(der: Vec<u8>) -> Response<Bytes> {
    answer(NEXT_CA_CERT, Bytes::from(der))
}

/// PKIOperation: a CertRep.
pub(crate) fn cert_rep(der: Vec<u8>) -> Response<Bytes> {
    let mut response = answer(PKI_MESSAGE, Bytes::from(der));
    // By GET too, and every reply is fresh.
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

pub(crate) fn answer(media_type: HeaderValue, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response
}
