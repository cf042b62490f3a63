//! PKCS #10: any octets, and any CertificationRequestInfo signed with a known key. Names that
//! somebody vouches for: those of a request, and any JSON.

#![no_main]

use ca::vouched_names::VouchedNames;
use libfuzzer_sys::fuzz_target;
use scep_cms::csr::CertificationRequest;
use scep_cms::public_key::PublicKey;
use scepter_fuzz::check_allocations;
use scepter_fuzz::device::{EC, sign_request};
use scepter_fuzz::input::Input;

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    match input.octet() % 3 {
        0 => {
            decode_request(input.rest());
            return;
        }
        1 => {}
        _ => {
            if let Ok(names) = serde_json::from_slice(input.rest()) {
                check_names(&names);
            }
            return;
        }
    }
    let info = input.rest();
    let Some(request) = decode_request(&sign_request(&EC, info)) else {
        return;
    };
    let key = PublicKey::from_der(request.subject_public_key_info());
    let same_key = key.as_ref().ok() == EC.certificate.public_key().ok();
    assert_eq!(request.verify().is_ok(), same_key);
});

/// Checks that names are the same after they were stored.
fn check_names(names: &VouchedNames) {
    let stored = serde_json::to_vec(names).unwrap();
    assert_eq!(
        serde_json::from_slice::<VouchedNames>(&stored).unwrap(),
        *names
    );
}

/// The octets by which definite lengths may exceed the indefinite ones that they replace.
// One octet per level of nesting.
const LONGER_LENGTHS: usize = scep_cms::ber::MAX_DEPTH;

fn decode_request(content: &[u8]) -> Option<CertificationRequest> {
    let request = check_allocations(content, 24, CertificationRequest::from_message_data).ok()?;
    // The request is a prefix of the input, or base64 in it.
    let der = request.der();
    assert!(content.starts_with(der) || content.len() >= der.len() * 4 / 3);
    let _ = (request.fault(), request.challenge_fault());
    let _ = request.signature_algorithm();
    let _ = request
        .challenge_password()
        .map(|challenge| challenge.reveal().len());
    let total: usize = request.extensions().iter().map(|one| one.value.len()).sum();
    assert!(
        request.subject().len() + request.subject_public_key_info().len() + total
            <= der.len() + LONGER_LENGTHS
    );
    let _ = ca::subject::name_text(request.subject());
    if let Ok(names) = VouchedNames::of_request(request.subject(), request.extensions()) {
        check_names(&names);
    }
    if let Ok(key) = request.verify() {
        assert_eq!(
            PublicKey::from_der(request.subject_public_key_info()),
            Ok(key)
        );
    }
    Some(request)
}
