//! pkiMessage: any octets, and any attributes and content under a valid signature. BER and its DER
//! form decode to the same message, and decoded attributes can be encoded again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use scep_cms::ber::first_to_der;
use scep_cms::builder::{Attributes, PkiMessageBuilder};
use scep_cms::message_type::MessageType;
use scep_cms::pki_message::PkiMessage;
use scepter_fuzz::check_allocations;
use scepter_fuzz::device::{EC, sign_message};
use scepter_fuzz::input::Input;

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    if input.octet() & 1 == 0 {
        let _ = decode_message(input.rest());
        return;
    }
    let attributes = input.chunk();
    let content = input.rest();
    let Some(message) = decode_message(&sign_message(&EC, attributes, content)) else {
        return;
    };
    let request = read_attributes(&message);
    if let Ok(verified) = message.verify() {
        assert_eq!(*verified.signer(), EC.certificate);
        if let Some(request) = request {
            round_trip(request, content);
        }
    }
});

/// Decodes a message, from BER and from its DER form, and everything in it.
fn decode_message(ber: &[u8]) -> Option<PkiMessage> {
    // The factor covers normalisation, which copies each level, and the copies of the parts.
    let message = check_allocations(ber, 128, PkiMessage::from_ber).ok();
    // Octets after the message are ignored.
    let der = first_to_der(ber).ok().map(|(der, _)| der);
    if let Some(der) = &der {
        let again = PkiMessage::from_ber(der).ok();
        let texts = |message: &PkiMessage| {
            (
                message.transaction_id(),
                message.message_type().map(str::to_owned),
                message.sender_nonce(),
                message
                    .cert_rep()
                    .map(|attributes| format!("{attributes:?}")),
                message.digest_algorithm(),
                message.signature_algorithm(),
                message.certificates().to_vec(),
            )
        };
        assert_eq!(message.as_ref().map(texts), again.as_ref().map(texts));
        let verified = |message: &PkiMessage| message.clone().verify().map(drop);
        assert_eq!(
            message.as_ref().map(verified),
            again.as_ref().map(verified),
            "verification of a message differs between BER and DER"
        );
    }
    assert!(message.is_none() || der.is_some());
    message
}

/// The attributes of a message, if they are a client's and well-formed.
fn read_attributes(message: &PkiMessage) -> Option<Attributes> {
    Some(Attributes::Request {
        message_type: MessageType::from_digits(message.message_type().ok()?.as_bytes())?,
        transaction_id: message.transaction_id().ok()?,
        sender_nonce: message.sender_nonce().ok()?,
    })
}

/// Builds a message with these attributes and decodes it.
fn round_trip(request: Attributes, content: &[u8]) {
    let Attributes::Request {
        message_type,
        transaction_id,
        sender_nonce,
    } = request.clone()
    else {
        return;
    };
    let digest = scep_cms::algorithm::DigestAlgorithm::Sha256;
    let builder = PkiMessageBuilder {
        attributes: request,
        envelope: Some(content.to_vec()),
        digest,
        signer: EC.certificate.clone(),
    };
    let to_be_signed = builder.to_be_signed().unwrap();
    let signature = EC.sign(digest, to_be_signed.bytes());
    let made = to_be_signed.assemble(&signature).unwrap();
    let read = PkiMessage::from_ber(&made).unwrap();
    assert_eq!(read.message_type(), Ok(message_type.digits()));
    assert_eq!(read.transaction_id(), Ok(transaction_id));
    assert_eq!(read.sender_nonce(), Ok(sender_nonce));
    read.verify().unwrap();
}
