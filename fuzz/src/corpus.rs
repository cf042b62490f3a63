//! The seed corpus of each target: messages of real clients, their parts, and generated inputs.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::path::Path;

use ca::authority::IssuingAuthority;
use ca::crl::{CrlContents, assemble_crl, build_crl_tbs};
use ca::generation::Generation;
use ca::id::{AuthorityUuid, CertificateUuid};
use ca::key_algorithm::KeyAlgorithm;
use ca::key_location::KeyLocation;
use ca::profile_name::ProfileName;
use ca::revocation::{Revocation, RevocationReason, RevokedCertificate};
use scep_cms::algorithm::ContentEncryption;
use scep_cms::ber::to_der;
use scep_cms::challenge::ChallengePassword;
use scep_cms::content_key::ContentKey;
use scep_cms::degenerate::DegenerateSignedData;
use scep_cms::envelope::{PkcsPkiEnvelope, Recipient, SealTo};
use scep_cms::message_type::MessageType;
use scep_cms::password_recipient::PasswordWrapping;
use scep_cms::pki_message::PkiMessage;
use scepter_tests::device::Device;
use serde_json::Value;
use strum::VariantArray;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::asn1;
use crate::asn1::{encode_element, find_element};
use crate::device::{EC, RSA, VECTORS_RA, vectors_folder};
use crate::input::encode_chunk;
use crate::management::{PLACEHOLDERS, ROUTES};

/// The position of PKCSReq in [`MessageType::VARIANTS`].
const PKCS_REQ: u8 = 2;

/// Seed inputs by target.
#[derive(Default)]
pub struct Corpus(BTreeMap<&'static str, Vec<Vec<u8>>>);

impl Corpus {
    /// Builds the seed inputs of every target.
    pub fn new() -> Self {
        let mut corpus = Self::default();
        corpus.add_captured();
        corpus.add_vouched_names();
        corpus.add_passwords();
        corpus.add_certificates();
        corpus.add_requests();
        corpus.add_management();
        corpus
    }

    /// Writes the inputs to one folder for each target, and the dictionary of the management API.
    pub fn write(&self, folder: &Path) -> std::io::Result<()> {
        for (target, inputs) in &self.0 {
            let target_folder = folder.join(target);
            std::fs::create_dir_all(&target_folder)?;
            for (place, input) in inputs.iter().enumerate() {
                std::fs::write(target_folder.join(format!("seed-{place:03}")), input)?;
            }
        }
        std::fs::write(folder.join("management.dict"), build_dictionary())
    }

    fn add(&mut self, target: &'static str, parts: &[&[u8]]) {
        self.0.entry(target).or_default().push(parts.concat());
    }

    /// Adds the messages of real clients, and their parts.
    fn add_captured(&mut self) {
        for file in std::fs::read_dir(vectors_folder()).unwrap() {
            let path = file.unwrap().path();
            if path.extension() != Some("der".as_ref()) || path.ends_with("ra-key.der") {
                continue;
            }
            let ber = std::fs::read(path).unwrap();
            self.add("ber", &[&ber]);
            self.add("pki_message", &[&[0], &ber]);
            let query = b"?operation=PKIOperation";
            self.add("request_path", &[&[0, 1, 1], &encode_chunk(query), &ber]);
            let der = to_der(&ber).unwrap();
            let (_, signed_data, _) = find_element(&der, &[0, 1, 0]);
            let (_, content, _) = find_element(signed_data, &[2, 1, 0]);
            let (_, signer_info, _) = find_element(signed_data, &[4, 0]);
            let (_, attributes, _) = find_element(signer_info, &[3]);
            // The target adds these two itself, with the digest of its content.
            let attributes = remove_digest(attributes);
            self.add("pki_message", &[&[1], &encode_chunk(&attributes), content]);
            self.add_crafted(0, 1, 4, PKCS_REQ, &attributes);
            self.add_crafted(0, 0, 3, PKCS_REQ, content);
            self.add("ber", &[content]);
            self.add("envelope", &[&[0], content]);
            let message = PkiMessage::from_ber(&ber).unwrap();
            for certificate in message.certificates() {
                self.add("certificate", &[certificate]);
            }
            if let Some(plain) = decrypt_content(&message) {
                self.add("envelope", &[&[1, 0, 5, 6], &plain]);
                self.add_plaintext(&plain);
            }
        }
    }

    /// Adds the plaintext of an envelope, which usually is a PKCS #10 request.
    fn add_plaintext(&mut self, plain: &[u8]) {
        self.add("csr", &[&[0], plain]);
        if scep_cms::csr::CertificationRequest::from_message_data(plain).is_ok() {
            for (signer, device) in [&*RSA, &*EC].into_iter().enumerate() {
                // With the signer's own key, the request gets past the check of its signature.
                let info = replace_key(device, plain);
                self.add("csr", &[&[1], &info]);
                self.add_crafted(signer as u8, 0, 0, PKCS_REQ, &info);
            }
            self.add_crafted(0, 0, 1, PKCS_REQ, plain);
        }
    }

    fn add_vouched_names(&mut self) {
        for names in [
            r#"{"subject":{"CN":"device-7","O":"Corp"},"subjectAltNames":{"dns":["a.example"]}}"#,
            r#"{"subjectAltNames":{"upn":["u@corp.example"],"sid":"S-1-5-21-1-2-3-1001"}}"#,
            r##"{"subjectAltNames":{"ip":["10.0.0.1"],"uri":[],"1.2.3":["#0500"],"dns":null}}"##,
        ] {
            self.add("csr", &[&[2], names.as_bytes()]);
        }
    }

    /// Adds a message from one of the devices to the RA key, with one layer replaced by `payload`.
    fn add_crafted(&mut self, signer: u8, flags: u8, layer: u8, message_type: u8, payload: &[u8]) {
        let sha256_and_aes128 = [1, 0];
        let head = [1, signer, flags, layer, message_type];
        let usual = [encode_chunk(&[]), encode_chunk(&[])].concat();
        self.add(
            "request_path",
            &[&head, &sha256_and_aes128, &usual, payload],
        );
    }

    /// Adds every kind of message from every kind of signer, and the other operations.
    fn add_requests(&mut self) {
        assert_eq!(
            MessageType::VARIANTS[usize::from(PKCS_REQ)],
            MessageType::PkcsReq
        );
        for signer in 0..4 {
            for message_type in 0..MessageType::VARIANTS.len() as u8 {
                // Bit 0 adds the challenge, bit 1 encrypts to the password, bit 2 selects the RA
                // Profile's endpoint, bit 3 selects GET.
                for flags in [0, 1, 3, 5, 9] {
                    self.add_crafted(signer, flags, 2, message_type, &[]);
                }
                self.add_crafted(signer, 1, 5, message_type, &[0, 0, 40, 7]);
            }
        }
        for query in [
            "?operation=GetCACaps",
            "?operation=GetCACert&message=0",
            "?operation=GetNextCACert",
            "?operation=PKIOperation&message=MIIB%2BA-_+%0a==",
            "/?operation=GetCACaps",
            "%2e?operation=",
        ] {
            for beginning in 0..4 {
                self.add(
                    "request_path",
                    &[&[0, 0, beginning], &encode_chunk(query.as_bytes())],
                );
            }
        }
        for path in [
            "test-ca.crl",
            "test-ca/1.crl",
            "test%2dca/2.crl?x=1",
            "../x",
        ] {
            self.add(
                "request_path",
                &[&[0, 0, 2], &encode_chunk(path.as_bytes())],
            );
        }
    }

    /// Adds every route with all fields and parameters, with none, with one, and with a list.
    fn add_management(&mut self) {
        for (place, route) in ROUTES.iter().enumerate() {
            let with = |query: &str, body: &[u8]| {
                [&[place as u8, 0, 2], &*encode_chunk(query.as_bytes()), body].concat()
            };
            let body = if route.body.is_null() {
                String::new()
            } else {
                route.body.to_string()
            };
            let query: Vec<_> = route.query.iter().map(|name| format!("{name}=1")).collect();
            self.add("management", &[&with(&query.join("&"), body.as_bytes())]);
            self.add("management", &[&with("", b"")]);
            self.add("management", &[&with("", b"{}")]);
            let uuids = format!("[{:?}]", PLACEHOLDERS[place % PLACEHOLDERS.len()].1);
            self.add("management", &[&with("", uuids.as_bytes())]);
            for (name, value) in route.body.as_object().into_iter().flatten() {
                let one = format!("{{{name:?}:{value}}}");
                self.add("management", &[&with("", one.as_bytes())]);
            }
        }
    }

    fn add_passwords(&mut self) {
        for cipher in ContentEncryption::ALL {
            let key = ContentKey::new(cipher, &[5; 32][..cipher.key_bytes()]).unwrap();
            let wrapping = PasswordWrapping {
                salt: [1; 16],
                iv: [2; 16],
                padding: [3; 16],
                iterations: NonZeroU32::new(2_048).unwrap(),
            };
            let to = SealTo::Password {
                password: &ChallengePassword::new("s3cret"),
                wrapping: &wrapping,
            };
            let iv = &[6; 16][..cipher.block_bytes()];
            let sealed = PkcsPkiEnvelope::seal(b"content", cipher, &key, iv, to).unwrap();
            let (_, recipients, _) = find_element(&sealed, &[0, 1, 0, 1]);
            self.add("password_recipient", &[&[0], recipients]);
            self.add("envelope", &[&[0], &sealed]);
        }
        self.add("password_recipient", &[&[1, 0, 1, 2, 3, 4, 5], b"s3cret"]);
    }

    fn add_certificates(&mut self) {
        let mut der = Vec::new();
        for file in ["ca.pem", "ra.pem"] {
            let pem = std::fs::read_to_string(vectors_folder().join(file)).unwrap();
            self.add("certificate", &[pem.as_bytes()]);
            let certificate = scep_cms::certificate::Certificate::from_pem(&pem).unwrap();
            self.add("certificate", &[certificate.der()]);
            der.push(certificate.der().to_vec());
        }
        for device in [&*RSA, &*EC] {
            self.add("certificate", &[device.certificate.der()]);
            self.add(
                "certificate",
                &[device.certificate.subject_public_key_info()],
            );
        }
        let crl = build_crl();
        let degenerate = DegenerateSignedData {
            certificates: der,
            crls: vec![crl.clone()],
        };
        self.add("crl", &[&[0], &degenerate.to_der().unwrap()]);
        self.add("crl", &[&[1], &crl]);
        self.add("crl", &[&[2], &encode_chunk(b"\x02\x01\x05"), b"\x30\x00"]);
        self.add("crl", &[&[3, 0, 7], &[1; 44]]);
    }
}

/// Builds a libFuzzer dictionary of every field and value in the management API's bodies.
fn build_dictionary() -> String {
    let mut words = BTreeSet::new();
    ROUTES
        .iter()
        .for_each(|route| collect_words(&route.body, &mut words));
    words.extend(PLACEHOLDERS.map(|(_, uuid)| uuid.to_owned()));
    // libFuzzer requires other characters to be escaped.
    words
        .iter()
        .filter(|word| word.is_ascii())
        .map(|word| {
            let json = Value::from(word.as_str()).to_string();
            format!("\"{}\"\n", json.replace('\\', "\\\\").replace('"', "\\\""))
        })
        .collect()
}

fn collect_words(value: &Value, words: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                words.insert(name.clone());
                collect_words(value, words);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_words(item, words)),
        Value::String(text) => drop(words.insert(text.clone())),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Removes contentType and messageDigest from signed attributes.
fn remove_digest(attributes: &[u8]) -> Vec<u8> {
    let mut rest = attributes;
    let mut kept = Vec::new();
    while let Some((_, attribute, behind)) = asn1::split_element(rest) {
        let (_, _, kind) = find_element(attribute, &[0]);
        if kind != asn1::oid::CONTENT_TYPE && kind != asn1::oid::MESSAGE_DIGEST {
            kept.extend_from_slice(&rest[..rest.len() - behind.len()]);
        }
        rest = behind;
    }
    kept
}

/// Decrypts the envelope of a captured message.
fn decrypt_content(message: &PkiMessage) -> Option<Vec<u8>> {
    let envelope = message.envelope().ok()?;
    let (_, ra_key) = &*VECTORS_RA;
    let Recipient::KeyTrans(recipient) = envelope.recipients().first()? else {
        return None;
    };
    let transport = recipient.transport().ok()?;
    let key = ra_key.content_key(transport, recipient.encrypted_key(), envelope.cipher());
    Some(envelope.open(&key).ok()?.to_vec())
}

/// Replaces the key in the CertificationRequestInfo of a PKCS #10 request by the device's key.
fn replace_key(device: &Device, request: &[u8]) -> Vec<u8> {
    let (_, info, _) = find_element(request, &[0, 0]);
    let (_, _, version) = find_element(info, &[0]);
    let (_, _, subject) = find_element(info, &[1]);
    let (_, _, key) = find_element(info, &[2]);
    let attributes = &info[version.len() + subject.len() + key.len()..];
    let key = device.certificate.subject_public_key_info();
    encode_element(asn1::SEQUENCE, &[version, subject, key, attributes])
}

/// Builds a CRL with an entry for each reason.
fn build_crl() -> Vec<u8> {
    let authority = IssuingAuthority {
        uuid: AuthorityUuid::nil(),
        name: ProfileName::new("fuzz").unwrap(),
        generation: Generation::FIRST,
        key_algorithm: KeyAlgorithm::EcP256,
        key: KeyLocation::File(Uuid::nil()),
        certificate: EC.certificate.clone(),
        chain: Vec::new(),
    };
    let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
    let revoked: Vec<_> = RevocationReason::VARIANTS
        .iter()
        .map(|&reason| RevokedCertificate {
            uuid: CertificateUuid::from_u128(1 << 127 | reason as u128),
            revocation: Revocation { at: now, reason },
        })
        .collect();
    let contents = CrlContents {
        number: 1,
        this_update: now,
        next_update: now + Duration::WEEK,
        revoked: &revoked,
    };
    let to_be_signed = build_crl_tbs(&authority, &contents).unwrap();
    assemble_crl(&to_be_signed, &authority, &[1; 64]).unwrap()
}
