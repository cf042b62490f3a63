//! Assertions on values; each prints what a person needs to see what went wrong.

use http::Response;
use scep_cms::attribute::{FailInfo, PkiStatus};

use crate::device::CertRep;

/// Asserts that a CertRep is a FAILURE with this failInfo and failInfoText, and has no
/// certificates. Prints the attributes that it has instead.
#[track_caller]
pub fn assert_refusal(reply: &CertRep, fail_info: FailInfo, text: &str) {
    let attributes = &reply.attributes;
    let refusal = (attributes.fail_info, attributes.fail_info_text.as_deref());
    assert!(
        refusal == (Some(fail_info), Some(text)),
        "expected the refusal {fail_info:?} {text:?}, got {attributes:?}"
    );
    reply.failure();
}

/// Asserts that a CertRep is PENDING. Prints the attributes that it has instead.
#[track_caller]
pub fn assert_pending(reply: &CertRep) {
    let attributes = &reply.attributes;
    assert_eq!(attributes.pki_status, PkiStatus::Pending, "{attributes:?}");
}

/// Asserts the HTTP status of a response. Prints the body, as text.
#[track_caller]
pub fn assert_status(response: &Response<impl AsRef<[u8]>>, status: u16) {
    let body = String::from_utf8_lossy(response.body().as_ref());
    assert_eq!(response.status(), status, "{body}");
}

/// Asserts the HTTP status of an answer and returns its body. Prints the body, as text.
#[track_caller]
pub fn expect_status((found, body): (u16, Vec<u8>), status: u16) -> Vec<u8> {
    assert_eq!(found, status, "{}", String::from_utf8_lossy(&body));
    body
}
