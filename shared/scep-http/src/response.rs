//! Responses: the status, media type and headers of each kind.

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use scep_cms::error::EncodeError;
use scep_protocol::algorithms::Capability;
use scep_protocol::ca_info::CaCertificates;
use scep_protocol::refusal::HttpRejection;

/// Media types carry no `charset`, because old sscep and iOS compare the header as a whole string.
const TEXT: HeaderValue = HeaderValue::from_static("text/plain");
const CA_CERT: HeaderValue = HeaderValue::from_static("application/x-x509-ca-cert");
const CA_RA_CERT: HeaderValue = HeaderValue::from_static("application/x-x509-ca-ra-cert");
const NEXT_CA_CERT: HeaderValue = HeaderValue::from_static("application/x-x509-next-ca-cert");
const PKI_MESSAGE: HeaderValue = HeaderValue::from_static("application/x-pki-message");

/// Seconds that a client is asked to wait after a server failure.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("5");

/// The methods that a SCEP endpoint supports.
pub(crate) const SCEP_METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS, POST");

/// The methods that a read-only resource supports.
const READ_METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");

/// Headers of what people may open in a browser though it is no page of the console.
const CONFINING: [(HeaderName, HeaderValue); 3] = [
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    // For browsers that do not know frame-ancestors.
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
];

/// Adds the headers that confine a response in a browser: it loads nothing, no page shows it within
/// itself, and its media type is not guessed.
pub fn confine_response(headers: &mut HeaderMap) {
    for (name, value) in CONFINING {
        headers.insert(name, value);
    }
}

/// The response to OPTIONS on a read-only resource, RFC 9110 §9.3.7. Load balancers use it as a
/// probe.
#[must_use]
pub fn read_options() -> Response<Bytes> {
    options_response(READ_METHODS)
}

/// The response to OPTIONS on a resource that supports the given methods.
pub(crate) fn options_response(allowed: HeaderValue) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(ALLOW, allowed);
    response
}

/// The response to HEAD, derived from the response to GET, RFC 9110 §9.3.2.
pub(crate) fn without_body(response: Response<Bytes>) -> Response<Bytes> {
    let (mut head, body) = response.into_parts();
    // HEAD announces the length of GET's body; the server would announce that of the empty one.
    head.headers
        .insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    Response::from_parts(head, Bytes::new())
}

/// A plain-text response for a request that is rejected without a CertRep.
#[must_use]
pub fn rejection_response(rejection: HttpRejection) -> Response<Bytes> {
    let mut response = build_response(TEXT, Bytes::from(format!("{}\n", rejection.text())));
    // Every status in the rejection table is valid, so the fallback is never used.
    *response.status_mut() =
        StatusCode::from_u16(rejection.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    confine_response(headers);
    // RFC 9110 §15.5.6: a 405 response names the supported methods in Allow.
    if rejection == HttpRejection::MethodNotAllowed {
        headers.insert(ALLOW, SCEP_METHODS);
    }
    if rejection == HttpRejection::ReadOnly {
        headers.insert(ALLOW, READ_METHODS);
    }
    // Devices retry unattended, so they are told when.
    if rejection.status() >= 500 {
        headers.insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
    }
    response
}

/// The response to GetCACaps: one keyword per line, RFC 8894 §3.5.2.
pub(crate) fn capabilities_response(capabilities: &[Capability]) -> Response<Bytes> {
    let lines: String = capabilities
        .iter()
        .flat_map(|capability| [capability.keyword(), "\n"])
        .collect();
    build_response(TEXT, Bytes::from(lines))
}

/// The response to GetCACert: a single certificate, or several in a degenerate SignedData.
pub(crate) fn certificates_response(
    certificates: CaCertificates,
) -> Result<Response<Bytes>, EncodeError> {
    Ok(match certificates {
        CaCertificates::One(der) => build_response(CA_CERT, Bytes::from(der)),
        CaCertificates::Chain(chain) => build_response(CA_RA_CERT, Bytes::from(chain.to_der()?)),
    })
}

/// The response to GetNextCACert: a SignedData with the next certificates.
pub(crate) fn next_ca_response(der: Vec<u8>) -> Response<Bytes> {
    build_response(NEXT_CA_CERT, Bytes::from(der))
}

/// The response to PKIOperation: a CertRep.
pub(crate) fn cert_rep_response(der: Vec<u8>) -> Response<Bytes> {
    let mut response = build_response(PKI_MESSAGE, Bytes::from(der));
    // PKIOperation also works over GET, and a cached reply would carry another request's nonce.
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

pub(crate) fn build_response(media_type: HeaderValue, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response
}
