//! The codec: decodes and encodes SCEP's messages (RFC 8894 §3) as CMS (RFC 5652), for both sides.
//!
//! Input from the network enters through [`PkiMessage::from_ber`], is verified by
//! [`PkiMessage::verify`] and decrypted by [`PkcsPkiEnvelope::open`], which yields the encoding of
//! a [`CertificationRequest`] or a [`DegenerateSignedData`]. [`PkiMessageBuilder`] builds outgoing
//! messages. Private keys stay outside this crate: the caller signs [`ToBeSigned::bytes`] and
//! unwraps [`KeyTransRecipient::encrypted_key`].

mod algorithm;
mod algorithm_name;
mod asn1;
mod attribute;
mod ber;
mod builder;
mod certificate;
mod challenge;
mod content_key;
mod csr;
mod csr_content;
mod csr_fault;
mod degenerate;
mod envelope;
mod error;
mod message_type;
mod name;
mod oid;
mod password_recipient;
mod pki_message;
mod public_key;
mod requested;
mod tlv;
mod transaction_id;
mod verification;
mod weakness;

pub use algorithm::{
    ContentEncryption, DigestAlgorithm, EcCurve, KeyTransport, SignatureAlgorithm,
};
pub use algorithm_name::UnsupportedAlgorithm;
pub use asn1::{Signed, StringError, TbsCertificate, directory_string, strict_directory_string};
pub use attribute::{CertRepAttributes, FailInfo, PkiStatus, SenderNonce};
pub use ber::{BerError, MAX_DEPTH, MAX_ELEMENTS, MAX_MESSAGE_BYTES, first_to_der, to_der};
pub use builder::{Attributes, PkiMessageBuilder, ReplyStatus, ToBeSigned, next_ca_message};
pub use certificate::{Certificate, IssuerAndSerialNumber, Validity};
pub use challenge::ChallengePassword;
pub use content_key::{ContentKey, UnwrapOutcome};
pub use csr::CertificationRequest;
pub use csr_fault::{AttributeFault, ChallengeFault, CsrFault};
pub use degenerate::DegenerateSignedData;
pub use envelope::{
    CertificateIdentifier, EnvelopeError, KeyTransRecipient, PkcsPkiEnvelope, Recipient, SealTo,
};
pub use error::{
    AttributeError, CipherLengthError, DecodeError, EncodeCause, EncodeError, PublicKeyError,
};
pub use message_type::MessageType;
pub use name::{ComparableName, comparable_text, is_same_issuer, is_same_subject};
pub use password_recipient::{PasswordRecipient, PasswordRecipientError, PasswordWrapping};
pub use pki_message::{CertifiableKeys, PkiMessage, VerifiedPkiMessage, VerifyError};
pub use public_key::PublicKey;
#[cfg(feature = "count-operations")]
pub use public_key::operations;
pub use requested::RequestedExtension;
pub use transaction_id::TransactionId;
pub use weakness::Weakness;
