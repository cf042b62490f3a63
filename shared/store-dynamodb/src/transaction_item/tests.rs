//! The items of transactions, attribute by attribute, and those of earlier versions.

use aws_sdk_dynamodb::types::AttributeValue;
use ca::id::CertificateUuid;
use time::Duration;

use super::*;
use crate::attribute::{to_millis, to_number, to_octets, to_seconds, to_text};
use crate::samples;
use crate::samples::{
    ANNOTATIONS_JSON, AUTHORITY, GENERATION, NOW, RA_PROFILE, SCEP_PROFILE, VOUCHING_JSON,
    sample_claim,
};

const UUID_1: &str = "00000000-0000-0000-0000-000000000001";
const UUID_9: &str = "00000000-0000-0000-0000-000000000009";

/// The attributes of a claim, whatever its stage.
fn expected_item(stage: [(&'static str, AttributeValue); 2]) -> Item {
    let id = sample_claim(ClaimKind::Sign(NOW)).key.uuid();
    let attributes = [
        ("id", to_text(id.to_string())),
        ("transactionId", to_text("t 1")),
        ("scepProfile", to_text(SCEP_PROFILE.to_string())),
        ("claim", to_text(UUID_1)),
        ("csr", to_octets(&[2; 32])),
        ("signerClass", to_text("certificate")),
        ("signerKey", to_octets(&[3; 32])),
        ("requesterKey", to_octets(&[4; 32])),
        ("toBeSigned", to_octets(&[6; 3])),
        ("authority", to_text(AUTHORITY.to_string())),
        ("key", to_text(samples::KEY.to_string())),
        ("keyAlgorithm", to_text("EC_P256")),
        ("raProfile", to_text(RA_PROFILE.to_string())),
        ("generation", to_number(7)),
        ("subjectKey", to_octets(&[8; 32])),
        ("createdAt", to_number(1_767_323_045_678_i64)),
        ("messageType", to_text("17")),
        ("subject", to_text("CN=device-1,O=Corp")),
        ("predecessor", to_text(UUID_9)),
        ("annotations", to_text(ANNOTATIONS_JSON)),
        ("vouching", to_text(VOUCHING_JSON)),
    ];
    samples::build_sample_item(attributes.into_iter().chain(stage))
}

#[test]
fn a_claim_is_stored_under_these_names_and_read_again() {
    let claim = sample_claim(ClaimKind::Sign(NOW + Duration::MINUTE));
    let item = claim_item(&claim).unwrap();
    let stage = [
        ("state", to_text(ISSUING)),
        ("leaseUntil", to_number(1_767_323_105_678_i64)),
    ];
    assert_eq!(item, expected_item(stage));
    let read = parse_transaction(item).unwrap();
    assert_eq!((read.key, read.claim), (claim.key, claim.claim));
    assert_eq!(read.request, claim.request);
    assert_eq!(
        (read.signer_key, read.requester_key),
        (claim.signer_key, claim.requester_key)
    );
    let TransactionState::Issuing {
        issuance,
        lease_until,
    } = read.state
    else {
        panic!("{:?}", read.state);
    };
    assert_eq!(
        (issuance, ClaimKind::Sign(lease_until)),
        (claim.issuance, claim.stage)
    );
}

#[test]
fn a_claim_of_what_lasts_names_its_certificate_and_leaves_the_rest_to_the_request() {
    let claim = samples::lasting_claim();
    let mut item = claim_item(&claim).unwrap();
    assert!(matches!(
        parse_transaction(item.clone()),
        Err(StoreError::Corrupt { .. })
    ));
    let certificate = item.remove("claimedCertificate").unwrap();
    assert_eq!(certificate, to_text(claim.certificate.to_string()));
    let octets = to_octets(&claim.issuance.to_be_signed);
    item.insert("toBeSigned".to_owned(), octets);
    let whole = claim_item(&sample_claim(ClaimKind::Sign(NOW))).unwrap();
    assert_eq!(item, whole);
}

#[test]
fn a_request_that_waits_expires_and_is_counted_under_its_profile() {
    let item = claim_item(&sample_claim(ClaimKind::Hold(NOW))).unwrap();
    let stage = [
        ("state", to_text(PENDING)),
        ("expiresAt", to_number(1_767_323_046)),
    ];
    let mut expected = expected_item(stage);
    expected.insert("pendingOf".to_owned(), to_text(SCEP_PROFILE.to_string()));
    assert_eq!(item, expected);
    let read = parse_transaction(item).unwrap();
    let TransactionState::Pending { issuance, until } = read.state else {
        panic!("{:?}", read.state);
    };
    assert_eq!(issuance, sample_claim(ClaimKind::Hold(NOW)).issuance);
    assert_eq!(
        to_seconds(until - Duration::SECOND),
        to_number(1_767_323_046)
    );
}

#[test]
fn what_a_request_that_waits_asked_for_is_stored_as_json() {
    let mut claim = sample_claim(ClaimKind::Hold(NOW));
    assert_eq!(parse_requested(claim_item(&claim).unwrap()).unwrap(), None);
    claim.requested = Some(RequestedContents {
        subject: "CN=device-1".to_owned(),
        subject_alt_names: vec!["DNS:device-1".to_owned()],
        sid: None,
        extended_key_usage: vec!["clientAuth".to_owned()],
    });
    let item = claim_item(&claim).unwrap();
    let json = r#"{"subject":"CN=device-1","subjectAltNames":["DNS:device-1"],"sid":null,"extendedKeyUsage":["clientAuth"]}"#;
    assert_eq!(item["requested"], to_text(json));
    assert_eq!(parse_requested(item).unwrap(), claim.requested);
}

#[test]
fn optional_attributes_are_left_out_rather_than_null() {
    let mut plain = sample_claim(ClaimKind::Sign(NOW));
    plain.issuance.predecessor = None;
    plain.issuance.annotations = Annotations::default();
    plain.issuance.vouching = None;
    let item = claim_item(&plain).unwrap();
    for name in ["predecessor", "annotations", "vouching"] {
        assert!(!item.contains_key(name), "{name}");
    }
    let TransactionState::Issuing { issuance, .. } = parse_transaction(item).unwrap().state else {
        panic!("another state");
    };
    assert_eq!(issuance, plain.issuance);
}

#[test]
fn an_item_from_before_proxies_has_the_signer_as_its_requester() {
    let mut item = claim_item(&sample_claim(ClaimKind::Sign(NOW))).unwrap();
    item.remove("requesterKey");
    let read = parse_transaction(item).unwrap();
    assert_eq!(read.requester_key, read.signer_key);
}

/// The item of a claim after updates that set these attributes.
fn updated_item(attributes: &[(&str, AttributeValue)]) -> Item {
    let mut item = claim_item(&sample_claim(ClaimKind::Sign(NOW))).unwrap();
    let removed = ["toBeSigned", "leaseUntil", "annotations", "vouching"];
    item.retain(|name, _| !removed.contains(&name.as_str()));
    item.extend(samples::build_sample_item(attributes.iter().cloned()));
    item
}

#[test]
fn finished_transactions_need_no_more_than_their_outcome() {
    let certificate = samples::sample_certificate();
    let issued = parse_transaction(updated_item(&[
        ("state", to_text(ISSUED)),
        ("certificate", to_octets(certificate.der())),
        ("certificateUuid", to_text(UUID_9)),
        ("expiresAt", to_number(1_767_323_046)),
    ]));
    let TransactionState::Issued {
        certificate: read,
        authority,
        generation,
        ..
    } = issued.unwrap().state
    else {
        panic!("another state");
    };
    assert_eq!(
        (read, authority, generation),
        (certificate, AUTHORITY, GENERATION)
    );
    let rejected = parse_transaction(updated_item(&[
        ("state", to_text(REJECTED)),
        ("reason", to_text("no")),
        ("expiresAt", to_number(1_767_323_046)),
    ]));
    let TransactionState::Rejected { reason, .. } = rejected.unwrap().state else {
        panic!("another state");
    };
    assert_eq!(reason, "no");
}

#[test]
fn an_unknown_state_is_corrupt() {
    let unknown = parse_transaction(updated_item(&[("state", to_text("archived"))]));
    assert!(matches!(unknown, Err(StoreError::Corrupt { .. })));
}

#[test]
fn a_summary_ends_with_the_transaction_and_needs_only_what_the_index_holds() {
    let mut item = updated_item(&[
        ("state", to_text(ISSUED)),
        ("certificateUuid", to_text(UUID_9)),
        ("expiresAt", to_number(1_767_323_046)),
    ]);
    item.retain(|name, _| name != "csr" && name != "claim");
    let summary = |now| parse_summary(item.clone(), TransactionStatus::Issued, now).unwrap();
    let found = summary(NOW).unwrap();
    assert_eq!(found.message_type, "17");
    assert_eq!(found.certificate, Some(CertificateUuid::from_u128(9)));
    assert_eq!(to_millis(found.created_at), to_millis(NOW));
    assert!(summary(NOW + Duration::SECOND).is_none());
}
