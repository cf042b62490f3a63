//! The complete path of a request, with a store in memory and keys in files: any request line and
//! body, and messages with one malformed layer under valid signatures. The response is never a 5xx.
//! A CertRep is signed by the RA key and matches the message. Only the challenge or another
//! certificate yields a certificate, which is for the key that signed and obeys the template.

#![no_main]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use der::{Decode, Tag, Tagged};
use http::{Method, Request, Response, Uri};
use libfuzzer_sys::fuzz_target;
use scep_cms::algorithm::{ContentEncryption, DigestAlgorithm};
use scep_cms::attribute::PkiStatus;
use scep_cms::certificate::Certificate;
use scep_cms::content_key::ContentKey;
use scep_cms::envelope::{PkcsPkiEnvelope, SealTo};
use scep_cms::message_type::MessageType;
use scep_cms::password_recipient::PasswordWrapping;
use scep_cms::pki_message::PkiMessage;
use scep_http::{CRL_PREFIX, CrlService, EveryOperation, at_fixed_path, respond_crl, respond_scep};
use scepter_fuzz::device::{EC, RSA, is_ec, sign_message, sign_request};
use scepter_fuzz::input::Input;
use scepter_fuzz::server::{Server, with_server};
use scepter_tests::device;
use scepter_tests::device::Device;
use scepter_tests::world::{CHALLENGE, PATH};
use strum::VariantArray;
use x509_cert::ext::pkix::{BasicConstraints, SubjectAltName};

fuzz_target!(|data: &[u8]| with_server(|server| {
    let mut input = Input::new(data);
    match input.octet() % 4 {
        0 => {
            send_raw(server, input);
        }
        _ => send_crafted(server, input),
    }
}));

/// Any method, path, query and body.
fn send_raw(server: &Server, mut input: Input<'_>) -> Option<Response<Bytes>> {
    const METHODS: [Method; 6] = [
        Method::GET,
        Method::POST,
        Method::HEAD,
        Method::OPTIONS,
        Method::PUT,
        Method::DELETE,
    ];
    let method = &METHODS[usize::from(input.octet()) % METHODS.len()];
    let beginning = input.pick(&[
        "",
        PATH,
        CRL_PREFIX,
        "/api/v1/protocols/scep/raProfile/default",
        "/cgi-bin/pkiclient.exe",
        "/certsrv/mscep/mscep.dll",
    ]);
    let target = [beginning.as_bytes(), input.chunk()].concat();
    let uri = Uri::try_from(target.as_slice()).ok()?;
    let answer = send_request(server, method, uri, input.rest());
    if *method == Method::HEAD {
        assert!(answer.body().is_empty());
    } else if answer.status() == 200
        && answer.headers()["content-type"] == "application/x-pki-message"
    {
        verify_reply(server, answer.body());
    }
    Some(answer)
}

fn send_request(server: &Server, method: &Method, uri: Uri, body: &[u8]) -> Response<Bytes> {
    let is_crl = uri.path().starts_with(CRL_PREFIX);
    let request = Request::builder()
        .method(method)
        .uri(uri)
        .body(Bytes::copy_from_slice(body))
        .unwrap();
    let (head, body) = request.into_parts();
    let head = at_fixed_path(head, &scepter_tests::world::name());
    let enrolment = &server.enrolment;
    let answer = server.runtime.block_on(async {
        if is_crl {
            let published = CrlService {
                crls: enrolment.crls.clone(),
                clock: enrolment.profile_service.clock.clone(),
            };
            return respond_crl(&published, &head).await;
        }
        respond_scep(&EveryOperation::new(enrolment.clone()), &head, Ok(body)).await
    });
    let status = answer.status().as_u16();
    assert!(
        [200, 204, 304, 400, 403, 404, 405, 413].contains(&status),
        "{status}"
    );
    answer
}

/// Decodes a CertRep and verifies that the RA key signed it.
fn verify_reply(server: &Server, cert_rep: &[u8]) -> PkiMessage {
    let message = PkiMessage::from_ber(cert_rep).unwrap();
    assert_eq!(message.message_type(), Ok("3"));
    let verified = message.clone().verify().unwrap();
    assert_eq!(*verified.signer(), server.world.ra_certificate);
    message.cert_rep().unwrap();
    message
}

/// The signer of a message.
struct Signer<'a> {
    device: &'a Device,
    standing: Standing,
}

/// What the signer's certificate authorises.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// A self-signed certificate authorises nothing.
    SelfSigned,
    /// A certificate of the authority authorises renewals and queries for certificates and CRLs.
    Holder,
    /// A revoked certificate authorises nothing, and the challenge does not help.
    Revoked,
}

/// Sends a message from a device, with one layer replaced by the rest of the input.
fn send_crafted(server: &Server, mut input: Input<'_>) {
    let (device, standing) = match input.octet() % 4 {
        0 => (&*RSA, Standing::SelfSigned),
        1 => (&*EC, Standing::SelfSigned),
        2 => (&server.holder, Standing::Holder),
        _ => (&server.revoked, Standing::Revoked),
    };
    let signer = Signer { device, standing };
    let flags = input.octet();
    let layer = input.octet();
    let request = build_request(&signer, flags & 1 == 1, &mut input);
    let to_password = flags & 2 == 2;
    let payload = input.rest();
    let (message, vouched) = build_message(server, &signer, request, layer, to_password, payload);
    let endpoint = if flags & 4 == 4 {
        "/api/v1/protocols/scep/raProfile/default"
    } else {
        PATH
    };
    let answer = if flags & 8 == 8 {
        let message = STANDARD.encode(&message).replace('+', "%2B");
        let uri = format!("{endpoint}?operation=PKIOperation&message={message}");
        // The message may be too long for a URI.
        let Ok(uri) = Uri::try_from(uri) else { return };
        send_request(server, &Method::GET, uri, &[])
    } else {
        let uri = Uri::try_from(format!("{endpoint}?operation=PKIOperation")).unwrap();
        send_request(server, &Method::POST, uri, &message)
    };
    if answer.status() == 200 {
        check_reply(server, &signer, &message, vouched, answer.body());
    }
}

/// Builds a request with valid content.
fn build_request(signer: &Signer<'_>, challenge: bool, input: &mut Input<'_>) -> device::Request {
    let device = signer.device;
    let message_type = input.pick(MessageType::VARIANTS);
    let digest = input.pick(&DigestAlgorithm::ALL);
    let cipher = input.pick(&ContentEncryption::ALL);
    let (transaction_id, nonce) = (input.chunk(), input.chunk());
    let name = match signer.standing {
        Standing::Holder => "holder",
        Standing::SelfSigned | Standing::Revoked => "fuzz",
    };
    let csr = || device.csr(name, challenge.then_some(CHALLENGE), &[]);
    let usual = match message_type {
        MessageType::PkcsReq | MessageType::CertRep => device.request(csr()),
        MessageType::RenewalReq => device::Request {
            message_type,
            ..device.request(csr())
        },
        MessageType::CertPoll => device.poll(&device.request(csr())),
        MessageType::GetCert | MessageType::GetCrl => {
            device.query(message_type, &device.certificate)
        }
    };
    let text = std::str::from_utf8(transaction_id)
        .ok()
        .filter(|text| scep_cms::transaction_id::TransactionId::new(text).is_ok());
    device::Request {
        message_type,
        transaction_id: text.map_or(usual.transaction_id, str::to_owned),
        sender_nonce: match scep_cms::attribute::SenderNonce::new(nonce) {
            Ok(_) => nonce.to_vec(),
            Err(_) => usual.sender_nonce,
        },
        // The P-256 keys of these devices sign only SHA-256.
        digest: if is_ec(device) {
            DigestAlgorithm::Sha256
        } else {
            digest
        },
        cipher,
        content: usual.content,
    }
}

/// Builds the message, and returns whether the challenge may be in it.
fn build_message(
    server: &Server,
    signer: &Signer<'_>,
    mut request: device::Request,
    layer: u8,
    to_password: bool,
    payload: &[u8],
) -> (Vec<u8>, bool) {
    let device = signer.device;
    let seal = |request: &device::Request| {
        let cipher = request.cipher;
        let key = ContentKey::new(cipher, &[5; 32][..cipher.key_bytes()]).unwrap();
        let password = scep_cms::challenge::ChallengePassword::new(CHALLENGE);
        let wrapping = PasswordWrapping {
            salt: [1; 16],
            iv: [2; 16],
            padding: [3; 16],
            iterations: std::num::NonZeroU32::MIN,
        };
        let to = if to_password {
            SealTo::Password {
                password: &password,
                wrapping: &wrapping,
            }
        } else {
            SealTo::Certificate(&server.world.ra_certificate)
        };
        let content = request.content.as_deref().unwrap_or_default();
        let iv = &[6; 16][..cipher.block_bytes()];
        PkcsPkiEnvelope::seal(content, cipher, &key, iv, to).unwrap()
    };
    match layer % 6 {
        // The CertificationRequestInfo, signed again.
        0 => request.content = Some(sign_request(device, payload)),
        // The content of the envelope.
        1 => request.content = Some(payload.to_vec()),
        // The envelope, modified in places.
        2 => {
            let envelope = apply_edits(seal(&request), payload);
            return (
                device.signed(&request, Some(envelope)),
                holds_challenge(&request),
            );
        }
        // The whole envelope.
        3 => return (device.signed(&request, Some(payload.to_vec())), true),
        // The signed attributes.
        4 => {
            let message = sign_message(device, payload, &seal(&request));
            return (message, holds_challenge(&request));
        }
        // The message, modified in places.
        _ => {
            let message = device.signed(&request, Some(seal(&request)));
            return (apply_edits(message, payload), holds_challenge(&request));
        }
    }
    (
        device.signed(&request, Some(seal(&request))),
        holds_challenge(&request),
    )
}

/// Whether the content contains the challenge, in any string type.
fn holds_challenge(request: &device::Request) -> bool {
    // BMPString and UniversalString put zeros between the characters.
    let without_zeros: Vec<_> = request
        .content
        .iter()
        .flatten()
        .copied()
        .filter(|octet| *octet != 0)
        .collect();
    let challenge = CHALLENGE.as_bytes();
    without_zeros
        .windows(challenge.len())
        .any(|window| window == challenge)
}

/// Applies edits of four octets each: an operation (set, insert, XOR or remove), a position of two
/// octets, and a value or a count.
fn apply_edits(mut octets: Vec<u8>, edits: &[u8]) -> Vec<u8> {
    for edit in edits.chunks_exact(4) {
        let at = (usize::from(edit[1]) << 8 | usize::from(edit[2])) % octets.len().max(1);
        match edit[0] % 4 {
            _ if octets.is_empty() => {}
            0 => octets[at] = edit[3],
            1 => octets.insert(at, edit[3]),
            2 => octets[at] ^= edit[3],
            _ => drop(octets.drain(at..octets.len().min(at + usize::from(edit[3])))),
        }
    }
    octets
}

/// Asserts that the reply matches the message, and that the signer was entitled to it.
fn check_reply(
    server: &Server,
    signer: &Signer<'_>,
    message: &[u8],
    vouched: bool,
    cert_rep: &[u8],
) {
    let reply = verify_reply(server, cert_rep);
    let asked = PkiMessage::from_ber(message).unwrap();
    let said = reply.cert_rep().unwrap();
    if let Ok(transaction_id) = asked.transaction_id() {
        assert_eq!(reply.transaction_id(), Ok(transaction_id));
    }
    if let Ok(nonce) = asked.sender_nonce() {
        assert_eq!(said.recipient_nonce.as_deref(), Some(nonce.as_bytes()));
    }
    if said.pki_status != PkiStatus::Success {
        return;
    }
    let message_type = asked
        .message_type()
        .ok()
        .and_then(|digits| MessageType::from_digits(digits.as_bytes()));
    assert!(
        signer.standing != Standing::Revoked,
        "a certificate for a message signed with a revoked one"
    );
    let holds = signer.standing == Standing::Holder;
    let entitled = match message_type.expect("a certificate for a message of no type") {
        MessageType::PkcsReq | MessageType::RenewalReq => vouched || holds,
        // The challenge came with the enrolment, in an earlier input.
        MessageType::CertPoll => true,
        MessageType::GetCert | MessageType::GetCrl => holds,
        MessageType::CertRep => false,
    };
    assert!(entitled, "a certificate without the challenge");
    // The reply is encrypted to the certificate in the message, which the input may have replaced.
    let device = match asked.verify() {
        Ok(verified) => signer.device.holding(verified.signer().clone()),
        Err(error) => panic!("a certificate for a message that does not verify: {error}"),
    };
    let password = is_ec(&device).then_some(CHALLENGE);
    let reply = device.read_with(cert_rep, &server.world.ra_certificate, password);
    match message_type {
        Some(MessageType::PkcsReq | MessageType::RenewalReq) => {
            check_leaf(server, &device, &reply.leaf());
            if !vouched {
                check_renewal(&server.holder.certificate, &reply.leaf());
            }
        }
        _ => assert!(reply.certificates.len() + reply.crls.len() > 0),
    }
}

/// Asserts that a certificate obeys the template.
fn check_leaf(server: &Server, device: &Device, leaf: &Certificate) {
    let authority = server.world.authority.public_key().unwrap();
    leaf.verify(authority).unwrap();
    assert!(leaf.der().len() < 32 * 1024, "{} octets", leaf.der().len());
    let key = device.certificate.subject_public_key_info();
    assert_eq!(leaf.subject_public_key_info(), key);
    let parsed = x509_cert::Certificate::from_der(leaf.der()).unwrap();
    let tbs = parsed.tbs_certificate();
    let constraints = tbs.get_extension::<BasicConstraints>().unwrap();
    assert!(constraints.is_none_or(|(_, constraints)| !constraints.ca));
    for part in tbs.subject().iter_rdn().flat_map(|rdn| rdn.iter()) {
        let controls = |octet: &u8| *octet < b' ' || *octet == 0x7f;
        let value = part.value.value();
        let sane = match part.value.tag() {
            Tag::Utf8String => {
                std::str::from_utf8(value).is_ok_and(|text| !text.chars().any(char::is_control))
            }
            Tag::PrintableString | Tag::Ia5String | Tag::NumericString => {
                value.is_ascii() && !value.iter().any(controls)
            }
            Tag::TeletexString => !value.iter().any(controls),
            Tag::BmpString => !value
                .chunks(2)
                .any(|pair| pair[0] == 0 && controls(&pair[1])),
            _ => false,
        };
        assert!(sane, "{:?} {value:02x?}", part.value.tag());
    }
}

/// Asserts that a renewed certificate names the same subject as before, and nothing else.
fn check_renewal(before: &Certificate, after: &Certificate) {
    let subject = |certificate: &Certificate| {
        let text = ca::subject::name_text(certificate.subject()).unwrap();
        text.to_lowercase().replace(' ', "")
    };
    assert_eq!(subject(after), subject(before));
    let after = x509_cert::Certificate::from_der(after.der()).unwrap();
    let names = after.tbs_certificate().get_extension::<SubjectAltName>();
    assert!(names.unwrap().is_none());
}
