use time::Duration;
use time::macros::datetime;

use super::*;

const NOW: OffsetDateTime = datetime!(2026-01-01 0:00 UTC);
const RA_PROFILE: RaProfileUuid = RaProfileUuid::from_u128(1);
const DEVICE: Fingerprint = Fingerprint([1; 32]);
const OTHER_DEVICE: Fingerprint = Fingerprint([2; 32]);
const CSR: Fingerprint = Fingerprint([3; 32]);
const OTHER_CSR: Fingerprint = Fingerprint([4; 32]);

/// A challenge that is good for so many certificates for an hour.
fn make_challenge(uses: u16) -> OneTimeChallenge {
    let digest = ChallengeKey::new(&[7; 32]).digest(&ChallengePassword::new("c"));
    OneTimeChallenge {
        uuid: digest.uuid(),
        scep_profile: ScepProfileUuid::nil(),
        digest,
        secret: None,
        terms: ChallengeTerms {
            ra_profile: None,
            transaction_id: None,
            names: VouchedNames::default(),
            uses,
            hold: false,
            note: Description::default(),
            annotations: BTreeMap::new(),
        },
        created_at: NOW,
        expires_at: NOW + Duration::HOUR,
        taken: Vec::new(),
        deleted: false,
        version: 1,
    }
}

fn make_use(claim: u128, requester_key: Fingerprint) -> ChallengeUse {
    ChallengeUse {
        claim: ClaimUuid::from_u128(claim),
        certificate: CertificateUuid::from_u128(claim),
        csr: CSR,
        requester_key,
        held_until: None,
    }
}

fn held(taken: ChallengeUse) -> ChallengeUse {
    ChallengeUse {
        held_until: Some(NOW + Duration::MINUTE),
        ..taken
    }
}

impl OneTimeChallenge {
    fn after(self, update: ChallengeUpdate) -> Self {
        Self {
            taken: update.taken,
            version: update.version + 1,
            ..self
        }
    }

    fn taken_by(self, new: ChallengeUse) -> Self {
        let update = self.take(new, None, NOW).unwrap();
        self.after(update)
    }

    /// Asks on behalf of a device, at this time.
    fn asked_by(
        &self,
        csr: Fingerprint,
        device: Fingerprint,
        now: OffsetDateTime,
    ) -> Result<(), Refusal> {
        let transaction_id = TransactionId::new("t").unwrap();
        self.vouch(RA_PROFILE, &transaction_id, csr, device, now)
            .map(|_| ())
    }
}

#[test]
fn a_challenge_is_26_letters_and_digits_that_nobody_confuses() {
    let text = |octets| encode_challenge(&octets).reveal().to_owned();
    assert_eq!(text([0; 16]), "0".repeat(26));
    assert_eq!(text([255; 16]), format!("7{}", "Z".repeat(25)));
    let counted = u128::to_be_bytes(0x1_0000_0000 + 32 * 31 + 9);
    assert_eq!(text(counted), format!("{}40000Z9", "0".repeat(19)));
}

#[test]
fn a_digest_depends_on_key_and_challenge() {
    let digest = |key: &[u8], text| ChallengeKey::new(key).digest(&ChallengePassword::new(text));
    assert_eq!(digest(b"k", "c"), digest(b"k", "c"));
    assert_ne!(digest(b"k", "c"), digest(b"l", "c"));
    assert_ne!(digest(b"k", "c"), digest(b"k", "d"));
    // RFC 4231 §4.3.
    assert_eq!(
        digest(b"Jefe", "what do ya want for nothing?").0[..4],
        [0x5b, 0xdc, 0xc1, 0x46]
    );
    assert_eq!(digest(b"k", "c").uuid().get_version_num(), 8);
}

#[test]
fn a_use_is_taken_until_none_is_left() {
    let challenge = make_challenge(2);
    assert_eq!(challenge.uses_left(NOW), 2);
    assert_eq!(challenge.last_certificate(NOW), None);
    let once = challenge.taken_by(make_use(1, DEVICE));
    assert_eq!(
        (once.uses_left(NOW), once.state(NOW)),
        (1, ChallengeState::Unused)
    );
    let twice = once.taken_by(make_use(2, OTHER_DEVICE));
    assert_eq!(twice.state(NOW), ChallengeState::Used);
    assert_eq!(
        twice.last_certificate(NOW),
        Some(CertificateUuid::from_u128(2))
    );
    let third = twice.take(make_use(3, DEVICE), None, NOW);
    assert_eq!(third.err(), Some(Refusal::ChallengeUsed));
}

#[test]
fn a_used_challenge_is_good_for_the_same_request_alone() {
    let used = make_challenge(1).taken_by(make_use(1, DEVICE));
    assert_eq!(used.asked_by(CSR, DEVICE, NOW), Ok(()));
    let refused = Err(Refusal::ChallengeUsed);
    assert_eq!(used.asked_by(OTHER_CSR, DEVICE, NOW), refused);
    assert_eq!(used.asked_by(CSR, OTHER_DEVICE, NOW), refused);
    // It stays good after its expiry, when the device asks for its certificate again.
    let late = used.expires_at + Duration::DAY;
    assert_eq!(used.asked_by(CSR, DEVICE, late), Ok(()));
    let again = used.take(make_use(2, DEVICE), None, NOW);
    assert_eq!(again.err(), Some(Refusal::ChallengeUsed));
}

#[test]
fn a_challenge_is_good_until_its_last_moment_and_unless_deleted() {
    let challenge = make_challenge(1);
    let last = challenge.expires_at;
    assert_eq!(challenge.asked_by(CSR, DEVICE, last), Ok(()));
    let late = last + Duration::SECOND;
    assert_eq!(challenge.state(late), ChallengeState::Expired);
    let refused = Err(Refusal::ChallengeExpired);
    assert_eq!(challenge.asked_by(CSR, DEVICE, late), refused);
    let taken = challenge.take(make_use(1, DEVICE), None, late);
    assert_eq!(taken.err(), Some(Refusal::ChallengeExpired));
    let deleted = OneTimeChallenge {
        deleted: true,
        ..challenge
    };
    assert_eq!(deleted.state(NOW), ChallengeState::Deleted);
    assert_eq!(deleted.asked_by(CSR, DEVICE, NOW), refused);
    let taken = deleted.take(make_use(1, DEVICE), None, NOW);
    assert_eq!(taken.err(), Some(Refusal::ChallengeExpired));
}

#[test]
fn a_challenge_is_bound_to_its_ra_profile_and_transaction_id() {
    let bind = |edit: fn(&mut ChallengeTerms)| {
        let mut challenge = make_challenge(1);
        edit(&mut challenge.terms);
        challenge.asked_by(CSR, DEVICE, NOW)
    };
    assert_eq!(bind(|terms| terms.ra_profile = Some(RA_PROFILE)), Ok(()));
    assert_eq!(
        bind(|terms| terms.ra_profile = Some(RaProfileUuid::nil())),
        Err(Refusal::ChallengeMisbound("RA Profile"))
    );
    assert_eq!(
        bind(|terms| terms.transaction_id = TransactionId::new("t").ok()),
        Ok(())
    );
    assert_eq!(
        bind(|terms| terms.transaction_id = TransactionId::new("u").ok()),
        Err(Refusal::ChallengeMisbound("transactionID"))
    );
}

#[test]
fn a_request_that_waits_in_vain_gives_its_use_back() {
    let waiting = make_challenge(1).taken_by(held(make_use(1, DEVICE)));
    assert_eq!(waiting.state(NOW), ChallengeState::Used);
    let in_vain = NOW + Duration::MINUTE + Duration::SECOND;
    assert_eq!(waiting.state(in_vain), ChallengeState::Unused);
    let rejected = waiting.give_back(ClaimUuid::from_u128(1)).unwrap();
    assert_eq!(rejected.taken, []);
    assert_eq!(waiting.give_back(ClaimUuid::from_u128(2)), None);
    let approved = waiting.confirm(ClaimUuid::from_u128(1)).unwrap();
    assert_eq!(approved.taken, [make_use(1, DEVICE)]);
    assert_eq!(
        waiting.clone().after(approved).state(in_vain),
        ChallengeState::Used
    );
    assert_eq!(waiting.confirm(ClaimUuid::from_u128(2)), None);
}

#[test]
fn a_correction_of_a_waiting_request_takes_its_use_over() {
    let waiting = make_challenge(1).taken_by(held(make_use(1, DEVICE)));
    assert_eq!(waiting.asked_by(OTHER_CSR, DEVICE, NOW), Ok(()));
    let refused = Err(Refusal::ChallengeUsed);
    assert_eq!(waiting.asked_by(OTHER_CSR, OTHER_DEVICE, NOW), refused);
    let corrected = held(make_use(2, DEVICE));
    let replaced = Some(ClaimUuid::from_u128(1));
    let update = waiting.take(corrected.clone(), replaced, NOW).unwrap();
    assert_eq!(update.taken, std::slice::from_ref(&corrected));
    // A granted request keeps its use, whoever takes its place.
    let granted = make_challenge(1).taken_by(make_use(1, DEVICE));
    assert_eq!(
        granted.take(corrected, replaced, NOW).err(),
        Some(Refusal::ChallengeUsed)
    );
}

#[test]
fn no_secret_is_in_the_debug_form() {
    let challenge = OneTimeChallenge {
        secret: Some(SealedSecret::new("c2VhbGVk".to_owned())),
        ..make_challenge(1)
    };
    let shown = format!("{challenge:?}{:?}", challenge.digest);
    assert!(
        !shown.contains("c2VhbGVk") && !shown.contains("[91"),
        "{shown}"
    );
}
