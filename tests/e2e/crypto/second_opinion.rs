//! Third-party decoders: openssl reads the server's messages, and `rasn-cms` and `cms` read what
//! the server reads.

use cms::content_info::ContentInfo as StrictContentInfo;
use cms::enveloped_data::EnvelopedData as StrictEnvelopedData;
use cms::signed_data::SignedData as StrictSignedData;
use der::asn1::ObjectIdentifier;
use der::{Decode, Tag, Tagged};
use rand::TryRng;
use rasn_cms::{ContentInfo, SignedData};
use scep_cms::algorithm::{ContentEncryption, DigestAlgorithm};
use scep_cms::ber::to_der;
use scep_cms::pki_message::PkiMessage;
use scepter_tests::device::Device;
use scepter_tests::openssl;
use scepter_tests::world::{CHALLENGE, PATH, World};

use crate::crypto::vectors::{read_octets, read_vectors};

/// The number of mutations of each vector.
const MUTATIONS: usize = 300;

/// Prints a ContentInfo with openssl.
fn print_cms(der: &[u8]) -> String {
    let print = ["cms", "-cmsout", "-print", "-noout", "-inform", "DER"];
    String::from_utf8(openssl::run(&print, der)).unwrap()
}

#[tokio::test]
async fn openssl_verifies_and_opens_our_replies() {
    let world = World::new().await;
    let device = Device::rsa();
    let folder = tempfile::tempdir().unwrap();
    let ca = openssl::write_pem(folder.path(), "ca.pem", &world.authority);
    let key = openssl::run(
        &["pkcs8", "-inform", "DER", "-nocrypt"],
        &device.key.serialize_der(),
    );
    let key = openssl::write(folder.path(), "key.pem", &key);
    let own = openssl::write_pem(folder.path(), "own.pem", &device.certificate);
    for (digest, cipher) in DigestAlgorithm::ALL.into_iter().zip(ContentEncryption::ALL) {
        let mut request = device.enrolment("device-1", CHALLENGE);
        request.transaction_id = format!("{digest:?}");
        (request.digest, request.cipher) = (digest, cipher);
        let reply = world
            .post(device.message(&request, &world.ra_certificate))
            .await
            .into_body();
        openssl::run(&["asn1parse", "-inform", "DER"], &reply);
        let verify = [
            "cms", "-verify", "-binary", "-inform", "DER", "-CAfile", &ca, "-purpose", "any",
        ];
        let envelope = openssl::run(&verify, &reply);
        let decrypt = [
            "cms", "-decrypt", "-binary", "-inform", "DER", "-inkey", &key, "-recip", &own,
        ];
        assert!(print_cms(&envelope).contains("contentType: pkcs7-data"));
        let inner = openssl::run(&decrypt, &envelope);
        assert!(print_cms(&inner).contains("eContent: <ABSENT>"));
        let certificates = openssl::run(
            &["pkcs7", "-inform", "DER", "-print_certs", "-noout"],
            &inner,
        );
        let certificates = String::from_utf8(certificates).unwrap();
        assert!(certificates.contains("CN = device-1"), "{certificates}");
    }
}

#[tokio::test]
async fn openssl_reads_our_refusals_and_our_chain() {
    let world = World::new().await;
    let device = Device::rsa();
    let request = device.enrolment("device-1", "wrong");
    let reply = world
        .post(device.message(&request, &world.ra_certificate))
        .await
        .into_body();
    let read = print_cms(&reply);
    // eContent is present and empty rather than absent.
    assert!(!read.contains("eContent: <ABSENT>"), "{read}");
    assert!(
        read.contains("the challengePassword is missing or wrong"),
        "{read}"
    );
    let chain = world
        .get(&format!("{PATH}?operation=GetCACert"))
        .await
        .into_body();
    assert!(print_cms(&chain).contains("eContent: <ABSENT>"));
    let chain = openssl::run(
        &["pkcs7", "-inform", "DER", "-print_certs", "-noout"],
        &chain,
    );
    let chain = String::from_utf8(chain).unwrap();
    let place = |name: &str| chain.find(name).unwrap();
    assert!(place("CN = Test RA") < place("CN = Test CA"));
}

/// The server decrypts openssl's envelopes for every form of recipient identifier and key
/// encryption.
#[tokio::test]
async fn envelopes_that_openssl_makes_are_opened() {
    const OAEP: [&str; 2] = ["-keyopt", "rsa_padding_mode:oaep"];
    const SHA256: [&str; 4] = [
        "-keyopt",
        "rsa_oaep_md:sha256",
        "-keyopt",
        "rsa_mgf1_md:sha256",
    ];
    let world = World::new().await;
    let device = Device::rsa();
    let folder = tempfile::tempdir().unwrap();
    let ra = openssl::write_pem(folder.path(), "ra.pem", &world.ra_certificate);
    let ways: [&[&str]; 5] = [
        &[],
        &["-keyid"],
        &OAEP,
        &[OAEP, [SHA256[0], SHA256[1]], [SHA256[2], SHA256[3]]].concat(),
        &["-stream", "-indef"],
    ];
    for (index, way) in ways.into_iter().enumerate() {
        let request = device.enrolment("device-1", CHALLENGE);
        let fixed = [
            "cms",
            "-encrypt",
            "-binary",
            "-outform",
            "DER",
            "-aes-256-cbc",
            "-recip",
            &ra,
        ];
        let content = request.content.as_ref().unwrap();
        let envelope = openssl::run(&[&fixed, way].concat(), content);
        let mut request = request.clone();
        request.transaction_id = format!("way {index}");
        let response = world.post(device.signed(&request, Some(envelope))).await;
        let reply = device.read(response.body(), &world.ra_certificate);
        assert!(
            !reply.certificates.is_empty(),
            "{way:?}: {:?}",
            reply.attributes
        );
    }
}

/// The properties that both decoders must agree on.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    certificates: usize,
    transaction_id: Option<Vec<u8>>,
    sender_nonce: Option<Vec<u8>>,
}

fn see_by_scep_cms(ber: &[u8]) -> Option<Seen> {
    let message = PkiMessage::from_ber(ber).ok()?;
    Some(Seen {
        certificates: message.certificates().len(),
        transaction_id: message
            .transaction_id()
            .ok()
            .map(|id| id.as_bytes().to_vec()),
        sender_nonce: message
            .sender_nonce()
            .ok()
            .map(|nonce| nonce.as_bytes().to_vec()),
    })
}

fn see_by_rasn(ber: &[u8]) -> Option<Seen> {
    let content: ContentInfo = rasn::ber::decode(ber).ok()?;
    let signed: SignedData = rasn::ber::decode(content.content.as_bytes()).ok()?;
    let signers = signed.signer_infos.to_vec();
    let [signer] = signers.as_slice() else {
        return None;
    };
    let attributes = signer
        .signed_attrs
        .clone()?
        .to_vec()
        .into_iter()
        .cloned()
        .collect::<Vec<_>>();
    let value = |oid: &[u32]| {
        let found: Vec<_> = attributes
            .iter()
            .filter(|attribute| &*attribute.r#type == oid)
            .collect();
        let [attribute] = found.as_slice() else {
            return None;
        };
        Some(attribute.values.to_vec().first()?.as_bytes().to_vec())
    };
    let transaction_id: Option<rasn::types::PrintableString> =
        value(&[2, 16, 840, 1, 113733, 1, 9, 7]).and_then(|der| rasn::ber::decode(&der).ok());
    let sender_nonce: Option<rasn::types::OctetString> =
        value(&[2, 16, 840, 1, 113733, 1, 9, 5]).and_then(|der| rasn::ber::decode(&der).ok());
    Some(Seen {
        certificates: signed.certificates.map_or(0, |set| set.to_vec().len()),
        transaction_id: transaction_id.map(|text| text.as_bytes().to_vec()),
        sender_nonce: sender_nonce.map(|octets| octets.to_vec()),
    })
}

#[test]
fn two_decoders_see_the_same_in_every_vector() {
    for vector in read_vectors() {
        let ber = read_octets(&vector.file);
        let seen = see_by_scep_cms(&ber);
        assert!(seen.is_some(), "{}", vector.file);
        assert_eq!(seen, see_by_rasn(&ber), "{}", vector.file);
        assert_eq!(
            seen,
            see_by_rasn(&to_der(&ber).unwrap()),
            "{} normalised",
            vector.file
        );
    }
}

/// The SignedData in a message, as the `cms` crate reads it, which decodes DER alone.
fn read_strictly(der: &[u8]) -> Option<StrictSignedData> {
    let content_info = StrictContentInfo::from_der(der).ok()?;
    content_info.content.decode_as().ok()
}

/// What the `cms` crate sees in a message.
fn see_by_cms(signed: &StrictSignedData) -> Option<Seen> {
    let [signer] = signed.signer_infos.0.as_slice() else {
        return None;
    };
    let attributes = signer.signed_attrs.as_ref()?;
    let value = |oid: &str, tag: Tag| {
        let oid = ObjectIdentifier::new_unwrap(oid);
        let attribute = attributes.iter().find(|attribute| attribute.oid == oid)?;
        let value = attribute.values.iter().next()?;
        (value.tag() == tag).then(|| value.value().to_vec())
    };
    Some(Seen {
        certificates: signed.certificates.as_ref().map_or(0, |set| set.0.len()),
        transaction_id: value("2.16.840.1.113733.1.9.7", Tag::PrintableString),
        sender_nonce: value("2.16.840.1.113733.1.9.5", Tag::OctetString),
    })
}

/// Whether the `cms` crate reads an EnvelopedData.
fn reads_envelope(der: &[u8]) -> bool {
    StrictContentInfo::from_der(der)
        .is_ok_and(|content| content.content.decode_as::<StrictEnvelopedData>().is_ok())
}

/// The reason why scep-cms has CMS types of its own: these are the figures in ARCHITECTURE.md.
#[test]
fn the_cms_crate_reads_8_of_16_captured_requests_and_11_once_they_are_der() {
    let (mut as_sent, mut normalised) = (0, 0);
    let vectors = read_vectors();
    for vector in &vectors {
        let ber = read_octets(&vector.file);
        let reads = |der: &[u8], normalise: fn(&[u8]) -> Vec<u8>| {
            read_strictly(der).is_some_and(|signed| {
                let name = &vector.file;
                assert_eq!(see_by_cms(&signed), see_by_scep_cms(&ber), "{name}");
                let content = signed.encap_content_info.econtent.as_ref();
                content.is_some_and(|envelope| reads_envelope(&normalise(envelope.value())))
            })
        };
        as_sent += usize::from(reads(&ber, <[u8]>::to_vec));
        let to_der = |ber: &[u8]| to_der(ber).unwrap();
        normalised += usize::from(reads(&to_der(&ber), to_der));
    }
    assert_eq!((as_sent, normalised, vectors.len()), (8, 11, 16));
}

/// The `cms` crate reads the server's replies: CertReps for an RSA key and for the
/// challengePassword, a refusal, and the certificates of GetCACert.
#[tokio::test]
async fn the_cms_crate_reads_our_replies() {
    let world = World::new().await;
    let (rsa, ec) = (Device::rsa(), Device::ec());
    let request = rsa.enrolment("device-1", CHALLENGE);
    let by_key = rsa.message(&request, &world.ra_certificate);
    let request = ec.enrolment("device-2", CHALLENGE);
    let by_password = ec.message_by_password(&request, CHALLENGE);
    let request = rsa.enrolment("device-3", "wrong");
    let refused = rsa.message(&request, &world.ra_certificate);
    for (message, has_envelope) in [(by_key, true), (by_password, true), (refused, false)] {
        let reply = world.post(message).await.into_body();
        let signed = read_strictly(&reply).unwrap();
        let seen = see_by_cms(&signed);
        assert!(seen.is_some());
        assert_eq!(seen, see_by_scep_cms(&reply));
        let envelope = signed.encap_content_info.econtent.as_ref().unwrap().value();
        assert_eq!(
            (envelope.is_empty(), reads_envelope(envelope)),
            (!has_envelope, has_envelope)
        );
    }
    let chain = world
        .get(&format!("{PATH}?operation=GetCACert"))
        .await
        .into_body();
    let degenerate = read_strictly(&chain).unwrap();
    assert_eq!(degenerate.certificates.unwrap().0.len(), 2);
    assert!(degenerate.signer_infos.0.is_empty());
}

/// Where both decoders accept a mutated message, they agree on it; and `scep-cms` neither panics
/// nor hangs on any mutation.
#[test]
fn two_decoders_agree_on_mutations_that_both_read() {
    let mut both = 0;
    for vector in read_vectors() {
        let whole = read_octets(&vector.file);
        for _ in 0..MUTATIONS {
            let mut random = [0; 6];
            rand::rngs::SysRng.try_fill_bytes(&mut random).unwrap();
            let mut spoilt = whole.clone();
            let place = usize::from(u16::from_be_bytes([random[0], random[1]])) % spoilt.len();
            match random[2] % 3 {
                0 => spoilt[place] ^= 1 << (random[3] % 8),
                1 => spoilt.insert(place, random[3]),
                _ => drop(spoilt.remove(place)),
            }
            let Some(seen) = see_by_scep_cms(&spoilt) else {
                continue;
            };
            // rasn may panic on malformed CMS; such a mutation is skipped.
            let opinion = std::panic::catch_unwind(|| see_by_rasn(&spoilt))
                .ok()
                .flatten();
            let Some(opinion) = opinion else { continue };
            both += 1;
            if seen.transaction_id.is_some() && opinion.transaction_id.is_some() {
                assert_eq!(
                    seen.transaction_id, opinion.transaction_id,
                    "{} at {place}",
                    vector.file
                );
            }
            if seen.sender_nonce.is_some() && opinion.sender_nonce.is_some() {
                assert_eq!(
                    seen.sender_nonce, opinion.sender_nonce,
                    "{} at {place}",
                    vector.file
                );
            }
            assert_eq!(
                seen.certificates, opinion.certificates,
                "{} at {place}",
                vector.file
            );
        }
    }
    assert!(both > 1_000, "only {both} mutations were read by both");
}
