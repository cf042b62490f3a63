//! Sample values for the tests of items.

use std::collections::BTreeMap;

use ca::authority::Authority;
use ca::bounded_text::Description;
use ca::generation::Generation;
use ca::id::{AuthorityUuid, CertificateUuid};
use ca::key_algorithm::KeyAlgorithm;
use ca::key_location::KeyLocation;
use ca::profile_name::ProfileName;
use ca::revocation::{Revocation, RevocationReason};
use scep_cms::certificate::Certificate;
use scep_cms::message_type::MessageType;
use scep_cms::transaction_id::TransactionId;
use scep_protocol::annotations::{Annotations, Attributes};
use scep_protocol::decide::ReplacedClaims;
use scep_protocol::id::{
    ChallengeUuid, ClaimUuid, NoticeUuid, RaProfileUuid, RefusalUuid, ScepProfileUuid,
};
use scep_protocol::lockout::{Lockout, LockoutSubject};
use scep_protocol::notice::{
    IssuedCertificate, Notice, NoticeEvent, NoticeReceiver, RefusedRequest, RevokedCertificate,
};
use scep_protocol::one_time_challenge::{
    ChallengeDigest, ChallengeTerms, ChallengeUse, OneTimeChallenge,
};
use scep_protocol::profile::RaProfile;
use scep_protocol::refusal::Refusal;
use scep_protocol::refusal_record::{RefusalRecord, RefusalVerdict, RequestOutline, RequestedKey};
use scep_protocol::reported_csr::ReportedCsr;
use scep_protocol::sealed_secret::SealedSecret;
use scep_protocol::transaction::{
    Fingerprint, Issuance, RequestFingerprint, SignerClass, TransactionKey,
};
use scep_protocol::vouching::{ChallengeSourceKind, Vouching};
use scep_service::audit::AuditRecordUuid;
use scep_service::audit::{Actor, AuditAction, AuditRecord};
use scep_service::inventory::{CertificateRecord, CertificateSummary};
use scep_service::object::{Reference, StoredObject};
use scep_service::ports::{Claim, ClaimKind, StoredCrl};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::alternative_names::alternative_name_items;
use crate::audit::audit_item;
use crate::certificate_item::certificate_item;
use crate::challenge_item::{bound_item, challenge_item};
use crate::crls::head_item;
use crate::envelopes::envelope_item;
use crate::item::Item;
use crate::lockouts::lockout_item;
use crate::notice_item::notice_item;
use crate::objects::{name_item, object_item};
use crate::refusal_item::refusal_item;
use crate::requests::request_item;
use crate::revoked_keys::revoked_key_item;
use crate::transaction_item::claim_item;

/// 1767323045678 milliseconds since 1970.
pub(crate) const NOW: OffsetDateTime = datetime!(2026-01-02 03:04:05.678 UTC);

pub(crate) const AUTHORITY: AuthorityUuid = AuthorityUuid::from_u128(0xa);
pub(crate) const GENERATION: Generation = Generation::new(7).unwrap();
pub(crate) const RA_PROFILE: RaProfileUuid = RaProfileUuid::from_u128(0xb);
pub(crate) const SCEP_PROFILE: ScepProfileUuid = ScepProfileUuid::from_u128(0xc);

/// The file of a CA key.
pub(crate) const KEY: Uuid = Uuid::from_u128(0xd);

/// Builds an item of these attributes.
pub(crate) fn build_sample_item<'a>(
    attributes: impl IntoIterator<Item = (&'a str, aws_sdk_dynamodb::types::AttributeValue)>,
) -> Item {
    attributes
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

pub(crate) fn sample_annotations() -> Annotations {
    Annotations {
        custom_attributes: Attributes::from_json("[1]".to_owned()),
        ..Annotations::default()
    }
}

/// The JSON of [`annotations`].
pub(crate) const ANNOTATIONS_JSON: &str = "{\"issueCertificateAttributes\":\"[]\",\
    \"customAttributes\":\"[1]\",\
    \"associations\":{\"owner\":null,\"groups\":[],\"customAttributes\":\"[]\"}}";

/// The yes of a one-time challenge, with every optional part.
pub(crate) fn sample_vouching() -> Vouching {
    let terms = sample_challenge().terms;
    Vouching {
        source: Some(ChallengeSourceKind::OneTime),
        challenge: Some(sample_challenge().uuid),
        names: terms.names,
        annotations: terms.annotations,
        csr: None,
    }
}

/// The JSON of [`sample_vouching`].
pub(crate) const VOUCHING_JSON: &str = "{\"source\":\"ONE_TIME\",\
    \"challenge\":\"00000000-0000-0000-0000-000000000001\",\
    \"names\":{\"subject\":{\"CN\":\"device-7\"},\
    \"subjectAltNames\":{\"dns\":[\"d.example\"]}},\
    \"annotations\":{\"udid\":\"1\"}}";

pub(crate) fn sample_certificate() -> Certificate {
    let pem = include_str!("../../../tests/vectors/ca.pem");
    Certificate::from_pem(pem).unwrap()
}

fn transaction_key() -> TransactionKey {
    TransactionKey {
        scep_profile: SCEP_PROFILE,
        transaction_id: TransactionId::new("t 1").unwrap(),
    }
}

/// A claim of a transaction, with every optional part.
pub(crate) fn sample_claim(stage: ClaimKind) -> Claim {
    Claim {
        key: transaction_key(),
        replaced: ReplacedClaims {
            transaction: None,
            request: None,
        },
        claim: ClaimUuid::from_u128(1),
        request: RequestFingerprint {
            ra_profile: RA_PROFILE,
            csr: Fingerprint([2; 32]),
            signer_class: SignerClass::Certificate,
        },
        signer_key: Fingerprint([3; 32]),
        requester_key: Fingerprint([4; 32]),
        certificate: CertificateUuid::from_u128(5),
        message_type: MessageType::RenewalReq,
        subject: "CN=device-1,O=Corp".to_owned(),
        requested: None,
        claimed_at: NOW,
        issuance: Issuance {
            to_be_signed: vec![6; 3],
            authority: AUTHORITY,
            generation: GENERATION,
            key: KeyLocation::File(KEY),
            key_algorithm: KeyAlgorithm::EcP256,
            ra_profile: RA_PROFILE,
            subject_key: Fingerprint([8; 32]),
            predecessor: Some(CertificateUuid::from_u128(9)),
            annotations: sample_annotations(),
            vouching: Some(sample_vouching()),
        },
        renewal: None,
        challenge: None,
        request_until: NOW + Duration::DAY,
        stage,
    }
}

/// A claim for a certificate that lasts: the item of the request holds what is to be signed.
pub(crate) fn lasting_claim() -> Claim {
    Claim {
        request_until: NOW + Duration::days(30),
        ..sample_claim(ClaimKind::Sign(NOW))
    }
}

/// The record of a revoked certificate, with every optional part.
pub(crate) fn sample_record() -> CertificateRecord {
    CertificateRecord {
        summary: CertificateSummary {
            uuid: CertificateUuid::from_u128(5),
            authority: AUTHORITY,
            ra_profile: RA_PROFILE,
            scep_profile: SCEP_PROFILE,
            serial_number: "05".to_owned(),
            subject: "CN=Device-1,O=Corp".to_owned(),
            common_name: Some("Device-1".to_owned()),
            key: Fingerprint([0xab; 32]),
            predecessor: Some(CertificateUuid::from_u128(9)),
            not_before: NOW,
            not_after: NOW + Duration::MINUTE,
            issued_at: NOW,
            revocation: Some(Revocation {
                at: NOW,
                reason: RevocationReason::KeyCompromise,
            }),
        },
        transaction: transaction_key(),
        certificate: sample_certificate(),
        generation: GENERATION,
        annotations: sample_annotations(),
        vouching: Some(sample_vouching()),
    }
}

/// A challenge with every optional part.
pub(crate) fn sample_challenge() -> OneTimeChallenge {
    OneTimeChallenge {
        uuid: ChallengeUuid::from_u128(1),
        scep_profile: SCEP_PROFILE,
        digest: ChallengeDigest([7; 32]),
        secret: Some(SealedSecret::new("sealed".to_owned())),
        terms: ChallengeTerms {
            ra_profile: Some(RA_PROFILE),
            transaction_id: Some(transaction_key().transaction_id),
            names: serde_json::from_str(
                r#"{"subject":{"CN":"device-7"},"subjectAltNames":{"dns":["d.example"]}}"#,
            )
            .unwrap(),
            uses: 3,
            hold: true,
            note: Description::new("asset 4711").unwrap(),
            annotations: BTreeMap::from([("udid".to_owned(), "1".to_owned())]),
        },
        created_at: NOW,
        expires_at: NOW + Duration::HOUR,
        taken: vec![ChallengeUse {
            claim: ClaimUuid::from_u128(1),
            certificate: CertificateUuid::from_u128(5),
            csr: Fingerprint([2; 32]),
            requester_key: Fingerprint([4; 32]),
            held_until: Some(NOW),
        }],
        deleted: false,
        version: 2,
    }
}

/// The count of an address that is locked out.
pub(crate) fn sample_lockout() -> Lockout {
    Lockout {
        scep_profile: SCEP_PROFILE,
        subject: LockoutSubject::of_address("192.0.2.1".parse().unwrap()),
        failures: 10,
        since: NOW,
        rounds: 1,
        until: Some(NOW + Duration::MINUTE),
        version: 10,
    }
}

pub(crate) fn sample_refusal() -> RefusalRecord {
    let outline = RequestOutline {
        message_type: Some(MessageType::PkcsReq),
        transaction_id: Some("t 1".to_owned()),
        subject: Some("CN=device-1".to_owned()),
        key: Some(RequestedKey {
            algorithm: "EC P-256".to_owned(),
            sha256: Fingerprint([0xab; 32]),
        }),
        ..RequestOutline::new(
            SCEP_PROFILE,
            Some(RA_PROFILE),
            Some("192.0.2.1".parse().unwrap()),
        )
    };
    let verdict = RefusalVerdict::of_refusal(&Refusal::ChallengeUsed, true);
    RefusalRecord {
        uuid: RefusalUuid::from_u128(0xe),
        at: NOW,
        until: NOW + Duration::DAY,
        outline,
        reason: verdict.reason,
        failed: verdict.failed,
        message: verdict.message,
        fail_info: verdict.fail_info,
    }
}

pub(crate) fn sample_object(name: Option<&str>) -> StoredObject {
    StoredObject {
        reference: Reference::to::<RaProfile>(RA_PROFILE),
        name: name.map(|name| ProfileName::new(name).unwrap()),
        document: "{}".to_owned(),
        version: 3,
        dependents: Vec::new(),
    }
}

pub(crate) fn audit_record() -> AuditRecord {
    AuditRecord {
        uuid: AuditRecordUuid::from_u128(1),
        at: NOW,
        actor: Actor::new("alice".to_owned()),
        action: AuditAction::InstallCertificate,
        object: Reference::to::<Authority>(AUTHORITY),
        name: Some("ca".to_owned()),
        before: None,
        after: Some("{}".to_owned()),
    }
}

pub(crate) fn sample_crl() -> StoredCrl {
    StoredCrl {
        der: vec![1; 3],
        number: 4,
        this_update: NOW,
        next_update: NOW + Duration::DAY,
    }
}

/// A notice of each kind of event, with every optional part.
pub(crate) fn sample_notices() -> [Notice; 3] {
    let certificate = CertificateUuid::from_u128(5);
    let issued = NoticeEvent::Issued(IssuedCertificate {
        authority: AUTHORITY,
        certificate,
        csr: Some(ReportedCsr::of(&[0; 3])),
    });
    let refused = NoticeEvent::Refused(Box::new(RefusedRequest {
        ra_profile: RA_PROFILE,
        transaction_id: "t 1".to_owned(),
        subject: "CN=device-1".to_owned(),
        key_sha256: "ab".repeat(32),
        fail_info: "badRequest".to_owned(),
        reason: "the challengePassword is missing or wrong".to_owned(),
        client_address: Some("192.0.2.1".parse().unwrap()),
        csr: Some(ReportedCsr::of(&[0; 3])),
    }));
    let revoked = NoticeEvent::Revoked(RevokedCertificate {
        authority: AUTHORITY,
        certificate,
        reason: "keyCompromise".to_owned(),
        revoked_at: NOW.unix_timestamp(),
    });
    let notice = |receiver, event| Notice {
        uuid: NoticeUuid::from_u128(1),
        scep_profile: SCEP_PROFILE,
        receiver,
        event,
        attempts: 2,
        created_at: NOW,
        due_at: NOW + Duration::MINUTE,
    };
    [
        notice(NoticeReceiver::Intune, issued),
        notice(NoticeReceiver::Webhook, refused),
        notice(NoticeReceiver::Webhook, revoked),
    ]
}

/// The record of a certificate with alternative names, one of them twice.
pub(crate) fn named_record() -> CertificateRecord {
    CertificateRecord {
        certificate: Certificate::from_pem(NAMED_CERTIFICATE).unwrap(),
        ..sample_record()
    }
}

/// Made by `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN=router-1
/// -addext subjectAltName=DNS:Router-1.example,IP:192.0.2.1,email:router-1.example`.
const NAMED_CERTIFICATE: &str = "\
-----BEGIN CERTIFICATE-----
MIIBsTCCAVigAwIBAgIULISnHDSoP7PUoKJSNfYgGIP8KuowCgYIKoZIzj0EAwIw
EzERMA8GA1UEAwwIcm91dGVyLTEwHhcNMjYxMTI4MDg1MjUyWhcNMzYxMTI1MDg1
MjUyWjATMREwDwYDVQQDDAhyb3V0ZXItMTBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABI3rFvaKnOSb5uI6R5wMvVYXTasmJBM3GYApkFblWjckudL8E8iBXy0GRQDQ
KmF7g1gp+8P6LeiZX6CBqbHN91ujgYkwgYYwHQYDVR0OBBYEFIDMLHhAQ+R9bHPA
g2IC2n579C+8MB8GA1UdIwQYMBaAFIDMLHhAQ+R9bHPAg2IC2n579C+8MA8GA1Ud
EwEB/wQFMAMBAf8wMwYDVR0RBCwwKoIQUm91dGVyLTEuZXhhbXBsZYcEwAACAYEQ
cm91dGVyLTEuZXhhbXBsZTAKBggqhkjOPQQDAgNHADBEAiAtXNoGUv2zZHqJaQLm
dwb4ov5ogL34uGPWUiuifv/5JQIgdDAtk8Z//aX0Te9gzNPT5/ag/Gflvvuc/Eff
J2kQKKc=
-----END CERTIFICATE-----
";

/// One item of each kind that is written whole, with every optional attribute.
pub(crate) fn sample_items() -> Vec<Item> {
    let claim_of = |stage| claim_item(&sample_claim(stage));
    let named = sample_object(Some("office"));
    let name = ProfileName::new("office").unwrap();
    let items = [
        claim_of(ClaimKind::Sign(NOW)),
        claim_of(ClaimKind::Hold(NOW)),
        claim_item(&lasting_claim()),
        request_item(&sample_claim(ClaimKind::Sign(NOW))),
        envelope_item(Fingerprint([1; 32]), Fingerprint([2; 32]), NOW),
        certificate_item(&sample_record()),
        revoked_key_item(Fingerprint([1; 32]), NOW),
        object_item(&named),
        name_item(&named, &name),
        audit_item(&audit_record()),
        head_item(AUTHORITY, GENERATION, &sample_crl(), Uuid::nil()),
        challenge_item(&sample_challenge()),
        bound_item(&sample_challenge()).map(Option::unwrap),
        lockout_item(&sample_lockout(), 10),
        refusal_item(&sample_refusal()),
    ];
    let notices = sample_notices();
    let notices = notices.iter().map(notice_item);
    let names = alternative_name_items(&named_record()).unwrap();
    items
        .into_iter()
        .chain(notices)
        .chain(names.into_iter().map(Ok))
        .map(Result::unwrap)
        .collect()
}
