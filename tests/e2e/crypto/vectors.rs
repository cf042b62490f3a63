//! Messages captured from five real clients: decoded as `vectors.toml` states, decrypted, and
//! served.

use std::path::Path;
use std::process::Command;

use aws_sdk_dynamodb::types::AttributeValue;
use ca::authority::{Authority, Certification};
use ca::id::AuthorityUuid;
use newtype_uuid::{GenericUuid, TypedUuid};
use scep_cms::algorithm::{ContentEncryption, DigestAlgorithm, KeyTransport, SignatureAlgorithm};
use scep_cms::attribute::PkiStatus;
use scep_cms::ber::to_der;
use scep_cms::certificate::Certificate;
use scep_cms::csr::CertificationRequest;
use scep_cms::envelope::{EnvelopeError, Recipient};
use scep_cms::pki_message::{PkiMessage, VerifiedPkiMessage};
use scep_cms::transaction_id::TransactionId;
use scep_protocol::id::RaProfileUuid;
use scep_protocol::profile::{RaProfile, ScepProfile};
use scep_protocol::transaction::{Fingerprint, TransactionKey};
use scep_service::inventory::CertificateSummary;
use scep_service::object::Versioned;
use scep_service::ports::{ClaimKind, Transactions};
use scep_service::ra_key::RaKey;
use scepter_tests::assert::assert_status;
use scepter_tests::samples;
use scepter_tests::world::{CHALLENGE, Plan, World};
use serde::Deserialize;

/// A `[[vector]]` of `vectors.toml`.
#[derive(Deserialize)]
pub(crate) struct Vector {
    pub(crate) file: String,
    outer: String,
    inner: String,
    digest: String,
    signature_algorithm: String,
    content_encryption: String,
    recipients: String,
    key_encryption: String,
    signed_attributes: String,
    message_type: u8,
    transaction_id: String,
    signer_certificate: String,
    challenge_password: String,
}

#[derive(Deserialize)]
struct Vectors {
    vector: Vec<Vector>,
}

pub(crate) fn read_vectors() -> Vec<Vector> {
    let text = std::fs::read_to_string(Path::new(FOLDER).join("vectors.toml")).unwrap();
    toml::from_str::<Vectors>(&text).unwrap().vector
}

pub(crate) fn read_octets(file: &str) -> Vec<u8> {
    std::fs::read(Path::new(FOLDER).join(file)).unwrap()
}

fn read_pem(file: &str) -> Certificate {
    let text = std::fs::read_to_string(Path::new(FOLDER).join(file)).unwrap();
    let base64: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    Certificate::try_from(base64).unwrap()
}

/// The RA key as PKCS #8, converted from the stored PKCS #1.
fn ra_key_pkcs8() -> Vec<u8> {
    let converted = Command::new("openssl")
        .args([
            "pkcs8", "-topk8", "-nocrypt", "-inform", "DER", "-outform", "DER", "-in",
        ])
        .arg(Path::new(FOLDER).join("ra-key.der"))
        .output()
        .unwrap();
    assert!(converted.status.success());
    converted.stdout
}

fn verify_vector(vector: &Vector) -> VerifiedPkiMessage {
    PkiMessage::from_ber(&read_octets(&vector.file))
        .unwrap()
        .verify()
        .unwrap()
}

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors");

/// The signed attributes, with their abbreviations in `vectors.toml`.
const ATTRIBUTES: &[(&str, &str)] = &[
    ("2.16.840.1.113733.1.9.2", "mType"),
    ("2.16.840.1.113733.1.9.5", "sNonce"),
    ("2.16.840.1.113733.1.9.7", "txID"),
    ("1.2.840.113549.1.9.3", "cType"),
    ("1.2.840.113549.1.9.4", "mDig"),
    ("1.2.840.113549.1.9.5", "sTime"),
    ("1.2.840.113549.1.9.52", "cmsAlgProtect"),
];

#[test]
fn every_message_reads_as_its_vector_says() {
    for vector in read_vectors() {
        let ber = read_octets(&vector.file);
        let is_der = to_der(&ber).unwrap() == ber;
        assert_eq!(is_der, vector.outer == "DER", "{}", vector.file);
        let message = PkiMessage::from_ber(&ber).unwrap();
        assert_eq!(
            message.transaction_id().unwrap().as_str(),
            vector.transaction_id
        );
        assert_eq!(
            message.message_type().unwrap(),
            vector.message_type.to_string()
        );
        assert_eq!(message.sender_nonce().unwrap().as_bytes().len(), 16);
        let digest = match vector.digest.split('(').next().unwrap() {
            "sha1" => DigestAlgorithm::Sha1,
            "sha256" => DigestAlgorithm::Sha256,
            "sha384" => DigestAlgorithm::Sha384,
            "sha512" => DigestAlgorithm::Sha512,
            other => panic!("{other}"),
        };
        assert_eq!(message.digest_algorithm(), Ok(digest));
        let signature = match vector.signature_algorithm.split('(').next().unwrap() {
            "rsassaPss" => SignatureAlgorithm::RsaPss {
                digest,
                salt_bytes: u16::try_from(digest.digest(&[]).len()).unwrap(),
            },
            _ => SignatureAlgorithm::RsaPkcs1(digest),
        };
        assert_eq!(
            message.signature_algorithm(),
            Ok(signature),
            "{}",
            vector.file
        );
        let verified = message
            .verify()
            .unwrap_or_else(|error| panic!("{}: {error}", vector.file));
        let signer = verified.signer();
        let words: Vec<_> = vector.signer_certificate.split(' ').collect();
        let name = signer.issuer_and_serial_number();
        let self_signed = name.issuer() == signer.subject();
        assert_eq!(self_signed, words[1] == "self-signed", "{}", vector.file);
        // Subtract the tag and the length, one octet each, of the serial number.
        let serial_bytes = name.serial_number().len() - 2;
        assert_eq!(format!("{serial_bytes}B"), words[3], "{}", vector.file);
        signer.validity().unwrap();
        check_attributes(&vector, &ber);
    }
}

/// Lists the attributes with another decoder, because `scep-cms` reads only those that it needs.
fn check_attributes(vector: &Vector, ber: &[u8]) {
    let content: rasn_cms::ContentInfo = rasn::ber::decode(ber).unwrap();
    let signed: rasn_cms::SignedData = rasn::ber::decode(content.content.as_bytes()).unwrap();
    let signer = signed.signer_infos.to_vec()[0].clone();
    let mut found: Vec<_> = signer
        .signed_attrs
        .unwrap()
        .to_vec()
        .into_iter()
        .map(|attribute| {
            let arcs: Vec<_> = attribute.r#type.iter().map(ToString::to_string).collect();
            let oid = arcs.join(".");
            let known = ATTRIBUTES.iter().find(|(known, _)| *known == oid);
            known.map_or(oid.clone(), |(_, name)| (*name).to_owned())
        })
        .collect();
    let mut expected: Vec<_> = vector
        .signed_attributes
        .split(',')
        .map(str::to_owned)
        .collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected, "{}", vector.file);
}

#[test]
fn every_envelope_opens() {
    let mut opened = 0;
    for vector in read_vectors() {
        let verified = verify_vector(&vector);
        let envelope = verified.envelope();
        if vector.content_encryption == "des-cbc" {
            assert!(
                matches!(envelope, Err(EnvelopeError::Algorithm(_))),
                "{}",
                vector.file
            );
            continue;
        }
        let envelope = envelope.unwrap_or_else(|error| panic!("{}: {error}", vector.file));
        let cipher = match vector.content_encryption.as_str() {
            "aes128-cbc" => ContentEncryption::Aes128Cbc,
            "aes192-cbc" => ContentEncryption::Aes192Cbc,
            "aes256-cbc" => ContentEncryption::Aes256Cbc,
            "des-ede3-cbc" => ContentEncryption::DesEde3Cbc,
            other => panic!("{other}"),
        };
        assert_eq!(envelope.cipher(), cipher);
        assert_eq!(
            format!("{}xissuerAndSerial", envelope.recipients().len()),
            vector.recipients
        );
        assert_eq!(
            vector.key_encryption.split('(').next().unwrap(),
            "rsaEncryption"
        );
        let Recipient::KeyTrans(recipient) = &envelope.recipients()[0] else {
            panic!("{}", vector.file);
        };
        assert_eq!(recipient.transport(), Ok(KeyTransport::RsaPkcs1));
        let ra = read_pem("ra.pem");
        let recipient = envelope
            .recipients()
            .iter()
            .find_map(|recipient| match recipient {
                Recipient::KeyTrans(recipient) if recipient.id().names(&ra) => Some(recipient),
                _ => None,
            });
        let recipient = recipient.unwrap();
        let transport = recipient.transport().unwrap();
        let ra_key = RaKey::from_pkcs8("vectors".to_owned(), &ra_key_pkcs8().into()).unwrap();
        let key = ra_key.content_key(transport, recipient.encrypted_key(), envelope.cipher());
        let content = envelope.open(&key).unwrap().to_vec();
        opened += 1;
        if vector.message_type == 19 || vector.message_type == 17 {
            let request = CertificationRequest::from_message_data(&content).unwrap();
            request.verify().unwrap();
            match vector.challenge_password.as_str() {
                "none" => assert!(request.challenge_password().is_none(), "{}", vector.file),
                _ => assert_eq!(request.challenge_password().unwrap().reveal(), CHALLENGE),
            }
        }
    }
    assert_eq!(opened, 15);
}

#[test]
fn inner_encodings_are_as_recorded() {
    for vector in read_vectors() {
        let content: rasn_cms::ContentInfo = rasn::ber::decode(&read_octets(&vector.file)).unwrap();
        let signed: rasn_cms::SignedData = rasn::ber::decode(content.content.as_bytes()).unwrap();
        let inner = signed.encap_content_info.content.unwrap();
        let is_der = to_der(&inner).unwrap() == inner.as_ref();
        assert_eq!(is_der, !vector.inner.contains("indef"), "{}", vector.file);
    }
}

/// A server with the vectors' RA key, at the time of their capture, that knows the certificates
/// which their authority had issued by then. Its authority has the certificate of the vectors'
/// authority.
pub(crate) async fn build_world() -> World {
    let ra = read_pem("ra.pem");
    let begins = ra.validity().unwrap().not_before;
    let world = World::planned(Plan {
        now: begins + time::Duration::hours(2),
        ra: Some((ra, ra_key_pkcs8())),
        ..Plan::default()
    })
    .await;
    let ra_profile: Versioned<RaProfile> = world.find().await;
    let authority = ra_profile.object.authority;
    let theirs = |object: &mut Authority| {
        object.current.certification = Certification::Root {
            certificate: read_pem("ca.pem"),
        };
    };
    world.edit(authority, theirs).await;
    // The captured renewals may come too early, so allow every renewal.
    world
        .edit_scep_profile(|profile| profile.settings.renewal_threshold_days = Some(10_000))
        .await;
    for (place, vector) in read_vectors().iter().enumerate() {
        let signer = verify_vector(vector).signer().clone();
        if vector.signer_certificate.contains("CA-issued") {
            let number = signer.issuer_and_serial_number().serial_number_hex();
            let uuid = ra_profile.object.uuid;
            record_certificate(&world, uuid, authority, &signer, (place, number)).await;
        }
        if vector.message_type == 20 {
            hold_transaction(&world, ra_profile.object.uuid, authority, vector, &signer).await;
        }
    }
    // The certificate that sscep queries.
    let asked = (100, "03".to_owned());
    let uuid = ra_profile.object.uuid;
    record_certificate(&world, uuid, authority, &read_pem("ra.pem"), asked).await;
    world
}

/// Adds a certificate to the inventory.
async fn record_certificate(
    world: &World,
    ra_profile: RaProfileUuid,
    authority: AuthorityUuid,
    certificate: &Certificate,
    (place, number): (usize, String),
) {
    let now = world.enrolment.profile_service.clock.now();
    let key = samples::key(&format!("before {place}"));
    let claim = samples::claim(key.clone(), None, now);
    let mut record = samples::record(key, place as u128 + 1, certificate, now);
    record.summary.authority = authority;
    record.summary.ra_profile = ra_profile;
    // The captured certificates are another CA's, and their serial numbers may be longer than 128
    // bits.
    if let Ok(serial_number) = u128::from_str_radix(&number, 16) {
        record.summary.uuid = TypedUuid::from_u128(serial_number);
    }
    record.summary.serial_number = number;
    world.store.claim(&claim).await.unwrap();
    let completed = world.store.complete(claim.claim, &record, now, &[]).await;
    // Several messages are signed with the same certificate, so later ones may already be recorded.
    assert!(completed.is_ok() || place > 0);
    if u128::from_str_radix(&record.summary.serial_number, 16).is_err() {
        store_as_before(world, &record.summary).await;
    }
}

/// Stores a certificate once more, in the form of earlier versions, which found it by a serial
/// number of any length.
async fn store_as_before(world: &World, summary: &CertificateSummary) {
    let client = world.database.client();
    let text = |text: String| AttributeValue::S(text);
    let read = client.get_item().table_name("test-certificates").key(
        "id",
        text(format!("certificate/{}", summary.uuid.into_untyped_uuid())),
    );
    let mut item = read.send().await.unwrap().item.unwrap();
    let (authority, number) = (
        summary.authority.into_untyped_uuid(),
        &summary.serial_number,
    );
    item.insert("id".to_owned(), text(format!("{authority}/{number}")));
    let uuid = summary.uuid.into_untyped_uuid().to_string();
    item.insert("uuid".to_owned(), text(uuid));
    let written = client.put_item().table_name("test-certificates");
    written.set_item(Some(item)).send().await.unwrap();
}

/// Stores a pending transaction for the poll of this vector.
async fn hold_transaction(
    world: &World,
    ra_profile: RaProfileUuid,
    authority: AuthorityUuid,
    vector: &Vector,
    signer: &Certificate,
) {
    let now = world.enrolment.profile_service.clock.now();
    let scep_profile: Versioned<ScepProfile> = world.find().await;
    let key = TransactionKey {
        scep_profile: scep_profile.object.uuid,
        transaction_id: TransactionId::new(&vector.transaction_id).unwrap(),
    };
    let mut claim = samples::claim(key, None, now);
    claim.signer_key = Fingerprint::of(signer.subject_public_key_info());
    claim.requester_key = claim.signer_key;
    claim.issuance.authority = authority;
    claim.issuance.ra_profile = ra_profile;
    claim.stage = ClaimKind::Hold(now + time::Duration::DAY);
    world.store.claim(&claim).await.unwrap();
}

#[tokio::test]
async fn captured_enrolments_are_served_and_single_des_gets_bad_alg() {
    let world = build_world().await;
    let mut served = 0;
    for vector in read_vectors() {
        if vector.message_type != 19 || vector.signer_certificate.contains("CA-issued") {
            continue;
        }
        let response = world.post(read_octets(&vector.file)).await;
        assert_status(&response, 200);
        let reply = PkiMessage::from_ber(response.body())
            .unwrap()
            .verify()
            .unwrap();
        let said = reply.message().cert_rep().unwrap();
        let request = PkiMessage::from_ber(&read_octets(&vector.file)).unwrap();
        assert_eq!(reply.message().transaction_id(), request.transaction_id());
        assert_eq!(
            reply.message().digest_algorithm(),
            request.digest_algorithm()
        );
        assert_eq!(
            said.recipient_nonce.as_deref(),
            Some(request.sender_nonce().unwrap().as_bytes())
        );
        if vector.content_encryption == "des-cbc" {
            assert_eq!(said.fail_info, Some(scep_cms::attribute::FailInfo::BadAlg));
            continue;
        }
        assert_eq!(
            said.pki_status,
            scep_cms::attribute::PkiStatus::Success,
            "{}: {said:?}",
            vector.file
        );
        let envelope = reply.envelope().unwrap();
        assert_eq!(
            envelope.cipher(),
            verify_vector(&vector).envelope().unwrap().cipher()
        );
        served += 1;
    }
    assert_eq!(served, 8);
}

#[tokio::test]
async fn captured_renewals_polls_and_queries_are_answered() {
    let mut kinds = Vec::new();
    for vector in read_vectors() {
        let renewal = vector.message_type == 17
            || (vector.message_type == 19 && vector.signer_certificate.contains("CA-issued"));
        if vector.message_type == 19 && !renewal {
            continue;
        }
        let world = build_world().await;
        let response = world.post(read_octets(&vector.file)).await;
        let reply = PkiMessage::from_ber(response.body())
            .unwrap()
            .verify()
            .unwrap();
        let said = reply.message().cert_rep().unwrap();
        let expected = match vector.message_type {
            20 => PkiStatus::Pending,
            _ => PkiStatus::Success,
        };
        assert_eq!(said.pki_status, expected, "{}: {said:?}", vector.file);
        kinds.push(vector.message_type);
    }
    kinds.sort();
    assert_eq!(kinds, [17, 19, 19, 19, 20, 21, 22]);
}
