//! Sample claims and records for the tests of stores; they belong to no real enrolment.

use std::collections::BTreeMap;

use ca::bounded_text::Description;
use ca::generation::Generation;
use ca::id::{AuthorityUuid, CertificateUuid};
use ca::key_algorithm::KeyAlgorithm;
use ca::key_location::KeyLocation;
use ca::profile_name::ProfileName;
use ca::vouched_names::VouchedNames;
use scep_cms::certificate::Certificate;
use scep_cms::message_type::MessageType;
use scep_cms::transaction_id::TransactionId;
use scep_protocol::annotations::Annotations;
use scep_protocol::decide::ReplacedClaims;
use scep_protocol::id::{ClaimUuid, RaProfileUuid, ScepProfileUuid};
use scep_protocol::one_time_challenge::{ChallengeDigest, ChallengeTerms, OneTimeChallenge};
use scep_protocol::profile::RaProfile;
use scep_protocol::transaction::{
    Fingerprint, Issuance, RequestFingerprint, SignerClass, TransactionKey,
};
use scep_service::inventory::{CertificateRecord, CertificateSummary};
use scep_service::ports::{Claim, ClaimKind};
use time::OffsetDateTime;
use uuid::Uuid;

/// Builds an RA Profile without an authority.
pub fn ra_profile(name: &str) -> RaProfile {
    RaProfile {
        uuid: RaProfileUuid::new_v4(),
        name: ProfileName::new(name).unwrap(),
        description: Description::default(),
        enabled: false,
        authority: AuthorityUuid::new_v4(),
        scep: None,
        template: Default::default(),
    }
}

/// The key of a transaction under the nil profile.
pub fn key(transaction_id: &str) -> TransactionKey {
    TransactionKey {
        scep_profile: ScepProfileUuid::nil(),
        transaction_id: TransactionId::new(transaction_id).unwrap(),
    }
}

/// Builds a claim of that transaction, made at `now`, with a lease of one minute.
pub fn claim(key: TransactionKey, replacing: Option<ClaimUuid>, now: OffsetDateTime) -> Claim {
    // The fingerprint depends on the transactionID, so that different transactions are about
    // different requests.
    let csr = Fingerprint::of(key.transaction_id.as_str().as_bytes());
    Claim {
        key,
        replaced: ReplacedClaims {
            transaction: replacing,
            request: None,
        },
        claim: ClaimUuid::new_v4(),
        request: RequestFingerprint {
            ra_profile: RaProfileUuid::nil(),
            csr,
            signer_class: SignerClass::Challenge,
        },
        signer_key: Fingerprint([2; 32]),
        requester_key: Fingerprint([2; 32]),
        certificate: CertificateUuid::new_v4(),
        message_type: MessageType::PkcsReq,
        subject: "CN=device-1,O=Corp".to_owned(),
        requested: None,
        claimed_at: now,
        issuance: Issuance {
            to_be_signed: vec![3; 700],
            authority: AuthorityUuid::nil(),
            generation: Generation::FIRST,
            key: KeyLocation::File(Uuid::nil()),
            key_algorithm: KeyAlgorithm::EcP256,
            ra_profile: RaProfileUuid::nil(),
            subject_key: Fingerprint([4; 32]),
            predecessor: None,
            annotations: Annotations::default(),
            vouching: None,
        },
        renewal: None,
        challenge: None,
        request_until: now + 90 * time::Duration::DAY,
        stage: ClaimKind::Sign(now + time::Duration::MINUTE),
    }
}

/// Builds a challenge of the nil profile that is good for so many certificates for an hour from
/// `now`.
pub fn one_time_challenge(uses: u16, now: OffsetDateTime) -> OneTimeChallenge {
    let digest = ChallengeDigest(
        [Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()]
            .concat()
            .try_into()
            .unwrap(),
    );
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
        created_at: now,
        expires_at: now + time::Duration::HOUR,
        taken: Vec::new(),
        deleted: false,
        version: 1,
    }
}

/// Builds the record of a certificate with this serial number, issued by that transaction and valid
/// for one minute from `now`.
pub fn record(
    key: TransactionKey,
    serial_number: u128,
    certificate: &Certificate,
    now: OffsetDateTime,
) -> CertificateRecord {
    CertificateRecord {
        summary: CertificateSummary {
            uuid: CertificateUuid::from_u128(serial_number),
            authority: AuthorityUuid::nil(),
            ra_profile: RaProfileUuid::nil(),
            scep_profile: key.scep_profile,
            serial_number: format!("{serial_number:02X}"),
            subject: "CN=device-1,O=Corp".to_owned(),
            common_name: Some("device-1".to_owned()),
            key: Fingerprint([4; 32]),
            predecessor: None,
            not_before: now,
            not_after: now + time::Duration::MINUTE,
            issued_at: now,
            revocation: None,
        },
        transaction: key,
        certificate: certificate.clone(),
        generation: Generation::FIRST,
        annotations: Annotations::default(),
        vouching: None,
    }
}
