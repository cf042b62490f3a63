//! The items of one-time challenges, attribute by attribute.

use aws_sdk_dynamodb::types::AttributeValue;

use super::*;
use crate::attribute::{to_number, to_octets, to_text};
use crate::item::read_id;
use crate::samples;
use crate::samples::{RA_PROFILE, SCEP_PROFILE, sample_challenge};

const UUID_1: &str = "00000000-0000-0000-0000-000000000001";
const UUID_5: &str = "00000000-0000-0000-0000-000000000005";

/// The attributes of a use.
fn expected_use() -> AttributeValue {
    AttributeValue::M(samples::build_sample_item([
        ("claim", to_text(UUID_1)),
        ("certificate", to_text(UUID_5)),
        ("csr", to_octets(&[2; 32])),
        ("requesterKey", to_octets(&[4; 32])),
        ("heldUntil", to_number(1_767_323_045_678_i64)),
    ]))
}

#[test]
fn a_challenge_is_stored_under_these_names_and_read_again() {
    let challenge = sample_challenge();
    let item = challenge_item(&challenge).unwrap();
    let expected = samples::build_sample_item([
        ("id", to_text(format!("challenge/{UUID_1}"))),
        ("state", to_text(format!("challenge/{SCEP_PROFILE}"))),
        ("uuid", to_text(UUID_1)),
        ("scepProfile", to_text(SCEP_PROFILE.to_string())),
        ("digest", to_octets(&[7; 32])),
        ("secret", to_text("sealed")),
        ("raProfile", to_text(RA_PROFILE.to_string())),
        ("transactionId", to_text("t 1")),
        (
            "names",
            to_text(r#"{"subject":{"CN":"device-7"},"subjectAltNames":{"dns":["d.example"]}}"#),
        ),
        ("uses", to_number(3)),
        ("hold", AttributeValue::Bool(true)),
        ("note", to_text("asset 4711")),
        ("annotations", to_text(r#"{"udid":"1"}"#)),
        ("createdAt", to_number(1_767_323_045_678_i64)),
        ("validUntil", to_number(1_767_326_645_678_i64)),
        // Thirty days longer than it is valid.
        ("expiresAt", to_number(1_769_918_646)),
        ("taken", AttributeValue::L(vec![expected_use()])),
        ("deleted", AttributeValue::Bool(false)),
        ("version", to_number(2)),
    ]);
    assert_eq!(item, expected);
    assert_eq!(parse_challenge(item).unwrap(), challenge);
}

#[test]
fn a_challenge_without_bounds_leaves_their_attributes_out() {
    let mut challenge = sample_challenge();
    challenge.secret = None;
    challenge.terms.ra_profile = None;
    challenge.terms.transaction_id = None;
    challenge.taken = vec![ChallengeUse {
        held_until: None,
        ..challenge.taken.remove(0)
    }];
    let item = challenge_item(&challenge).unwrap();
    for name in ["secret", "raProfile", "transactionId"] {
        assert!(!item.contains_key(name), "{name}");
    }
    assert_eq!(parse_challenge(item).unwrap(), challenge);
    assert!(bound_item(&challenge).unwrap().is_none());
}

#[test]
fn a_transaction_leads_to_the_challenge_that_is_bound_to_it() {
    let challenge = sample_challenge();
    let id = bound_id(challenge.bound_transaction().unwrap());
    let item = bound_item(&challenge).unwrap().unwrap();
    let expected = samples::build_sample_item([
        ("id", to_text(&id)),
        ("challenge", to_text(UUID_1)),
        ("expiresAt", to_number(1_769_918_646)),
    ]);
    assert_eq!(item, expected);
    assert_eq!(read_id(item.clone()).unwrap(), Some(id));
    assert_eq!(parse_bound(item).unwrap(), challenge.uuid);
}
