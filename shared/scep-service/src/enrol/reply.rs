//! Builds the CertRep, RFC 8894 §3.3.2, which the RA key signs.

use std::num::NonZeroU32;

use scep_cms::algorithm::ContentEncryption;
use scep_cms::attribute::{FailInfo, SenderNonce};
use scep_cms::builder::{Attributes, PkiMessageBuilder, ReplyStatus};
use scep_cms::content_key::ContentKey;
use scep_cms::degenerate::DegenerateSignedData;
use scep_cms::envelope::{PkcsPkiEnvelope, SealTo};
use scep_cms::password_recipient::PasswordWrapping;
use scep_protocol::availability::AvailableProfile;
use scep_protocol::refusal::Refusal;
use scep_protocol::signed_request::{ReplyKey, ReplyTo};
use zeroize::Zeroizing;

use crate::error::Failure;
use crate::ports::Random;
use crate::ra_key::RaKey;

/// The PBKDF2 iterations for a reply that is encrypted under the challengePassword.
// 10,000 take a few milliseconds on a server, and are still bearable on a small device.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(10_000).unwrap();

/// What a CertRep says.
pub(crate) enum Reply {
    /// SUCCESS with its pkcsPKIEnvelope, DER.
    Success(Vec<u8>),
    /// PENDING: the request waits for an administrator.
    Pending,
    /// FAILURE with its failInfo and failInfoText.
    Failure(FailInfo, String),
}

/// The key and the cipher that encrypt the content of a reply.
pub(crate) struct ReplyEncryption {
    pub(crate) key: ReplyKey,
    pub(crate) cipher: ContentEncryption,
}

/// Builds a SUCCESS with its encrypted content.
pub(crate) fn build_success(
    content: &DegenerateSignedData,
    encryption: &ReplyEncryption,
    random: &dyn Random,
) -> Result<Reply, Failure> {
    let der = content.to_der().map_err(Failure::encode)?;
    Ok(Reply::Success(encrypt_content(&der, encryption, random)?))
}

/// Builds a FAILURE.
pub(crate) fn build_failure(refusal: &Refusal) -> Reply {
    Reply::Failure(refusal.fail_info(), refusal.text().into_owned())
}

/// Encrypts the content of a reply under a fresh key.
fn encrypt_content(
    content: &[u8],
    encryption: &ReplyEncryption,
    random: &dyn Random,
) -> Result<Vec<u8>, Failure> {
    let cipher = encryption.cipher;
    let key = ContentKey::from_random(cipher, &Zeroizing::new(random.octets()?));
    // An array has a fixed size, so the octets of the longest IV are drawn, and cut to the
    // cipher's.
    let longest_iv: [u8; 16] = random.octets()?;
    let iv: Vec<u8> = longest_iv.into_iter().take(cipher.block_bytes()).collect();
    match &encryption.key {
        ReplyKey::Certificate(certificate) => {
            let recipient = SealTo::Certificate(certificate);
            PkcsPkiEnvelope::seal(content, cipher, &key, &iv, recipient)
        }
        ReplyKey::Password(password) => {
            let wrapping = PasswordWrapping {
                salt: random.octets()?,
                iv: random.octets()?,
                padding: random.octets()?,
                iterations: ITERATIONS,
            };
            let recipient = SealTo::Password {
                password,
                wrapping: &wrapping,
            };
            PkcsPkiEnvelope::seal(content, cipher, &key, &iv, recipient)
        }
    }
    .map_err(Failure::encode)
}

/// Builds and signs the CertRep, DER.
pub(crate) fn build_cert_rep(
    profile: &AvailableProfile,
    ra_key: &RaKey,
    reply_to: ReplyTo,
    reply: Reply,
    random: &dyn Random,
) -> Result<Vec<u8>, Failure> {
    let (status, envelope) = match reply {
        Reply::Success(envelope) => (ReplyStatus::Success, Some(envelope)),
        Reply::Pending => (ReplyStatus::Pending, None),
        Reply::Failure(fail_info, text) => (ReplyStatus::Failure { fail_info, text }, None),
    };
    let digest = reply_to.digest;
    let message = PkiMessageBuilder {
        attributes: Attributes::CertRep {
            status,
            // RFC 8894 §3.2.1: both are copied from the request. Without a readable one there is
            // nothing to copy.
            transaction_id: reply_to.transaction_id,
            sender_nonce: SenderNonce::from_random(random.octets()?),
            recipient_nonce: reply_to.sender_nonce,
        },
        envelope,
        digest,
        signer: profile.ra_key().certificate.clone(),
    };
    let to_be_signed = message.to_be_signed().map_err(Failure::encode)?;
    let signature = ra_key.sign(digest, to_be_signed.bytes())?;
    to_be_signed.assemble(&signature).map_err(Failure::encode)
}
