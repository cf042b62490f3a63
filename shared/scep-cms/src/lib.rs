//! The codec: decodes and encodes SCEP's messages (RFC 8894 §3) as CMS (RFC 5652), for both sides.
//!
//! Input from the network enters through [`PkiMessage::from_ber`], is verified by
//! [`PkiMessage::verify`] and decrypted by [`PkcsPkiEnvelope::open`], which yields the encoding of
//! a [`CertificationRequest`] or a [`DegenerateSignedData`]. [`PkiMessageBuilder`] builds outgoing
//! messages. Private keys stay outside this crate: the caller signs [`ToBeSigned::bytes`] and
//! unwraps [`KeyTransRecipient::encrypted_key`].
//!
//! [`PkiMessage::from_ber`]: pki_message::PkiMessage::from_ber
//! [`PkiMessage::verify`]: pki_message::PkiMessage::verify
//! [`PkcsPkiEnvelope::open`]: envelope::PkcsPkiEnvelope::open
//! [`CertificationRequest`]: csr::CertificationRequest
//! [`DegenerateSignedData`]: degenerate::DegenerateSignedData
//! [`PkiMessageBuilder`]: builder::PkiMessageBuilder
//! [`ToBeSigned::bytes`]: builder::ToBeSigned::bytes
//! [`KeyTransRecipient::encrypted_key`]: envelope::KeyTransRecipient::encrypted_key

pub mod algorithm;
pub mod algorithm_name;
pub mod asn1;
pub mod attribute;
pub mod ber;
pub mod builder;
pub mod certificate;
pub mod challenge;
pub mod content_key;
pub mod csr;
mod csr_content;
pub mod csr_fault;
pub mod degenerate;
pub mod envelope;
pub mod error;
pub mod message_type;
pub mod name;
mod oid;
pub mod password_recipient;
pub mod pki_message;
pub mod public_key;
pub mod requested;
mod tlv;
pub mod transaction_id;
mod verification;
pub mod weakness;

#[cfg(feature = "count-operations")]
pub use public_key::operations;
