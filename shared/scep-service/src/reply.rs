//! Builds the CertRep, RFC 8894 §3.3.2, which the RA key signs.

use std::num::NonZeroU32;

use scep_cms::{
    Attributes, ContentEncryption, ContentKey, DegenerateSignedData, PasswordWrapping,
    PkcsPkiEnvelope, PkiMessageBuilder, ReplyStatus, SealTo, SenderNonce,
};
use scep_protocol::{AvailableProfile, Refusal, ReplyKey, ReplyTo};
use zeroize::Zeroizing;

use crate::{Failure, RaKey, Random};

/// The PBKDF2 iterations for a reply that is encrypted under the challengePassword.
// 10,000: a few milliseconds on a server, and still bearable on a small device.
const ITERATIONS: NonZeroU32 = NonZeroU32::MIN.saturating_add(9_999);

/// The pkiStatus of a reply, with the pkcsPKIEnvelope, DER, of a SUCCESS.
pub(crate) struct Status {
    status: ReplyStatus,
    envelope: Option<Vec<u8>>,
}

impl Status {
    /// PENDING: the request waits for an administrator.
    pub(crate) const PENDING: Self = Self {
        status: ReplyStatus::Pending,
        envelope: None,
    };
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
) -> Result<Status, Failure> {
    let der = content.to_der().map_err(Failure::encode)?;
    Ok(Status {
        status: ReplyStatus::Success,
        envelope: Some(encrypt_content(&der, encryption, random)?),
    })
}

/// Builds a FAILURE with its failInfo and failInfoText.
pub(crate) fn build_failure(refusal: &Refusal) -> Status {
    Status {
        status: ReplyStatus::Failure {
            fail_info: refusal.fail_info(),
            text: refusal.text().into_owned(),
        },
        envelope: None,
    }
}

/// Encrypts the content of a reply under a fresh key.
fn encrypt_content(
    content: &[u8],
    encryption: &ReplyEncryption,
    random: &dyn Random,
) -> Result<Vec<u8>, Failure> {
    // Drawn at the size of the longest key and block and then cut: the sizes depend on the cipher,
    // and array lengths are constants.
    let cipher = encryption.cipher;
    let random_key = Zeroizing::new(random.octets::<{ ContentKey::MAX_BYTES }>()?);
    let random_iv = random.octets::<16>()?;
    let key_octets = Zeroizing::new(prefix_of(&*random_key, cipher.key_bytes()));
    let key = ContentKey::new(cipher, &key_octets).map_err(Failure::encode)?;
    let iv = prefix_of(&random_iv, cipher.block_bytes());
    let seal_to = |recipient| {
        PkcsPkiEnvelope::seal(content, cipher, &key, &iv, recipient).map_err(Failure::encode)
    };
    match &encryption.key {
        ReplyKey::Certificate(certificate) => seal_to(SealTo::Certificate(certificate)),
        ReplyKey::Password(password) => seal_to(SealTo::Password {
            password,
            wrapping: &PasswordWrapping {
                salt: random.octets()?,
                iv: random.octets()?,
                padding: random.octets()?,
                iterations: ITERATIONS,
            },
        }),
    }
}

/// Returns the first octets.
fn prefix_of(octets: &[u8], length: usize) -> Vec<u8> {
    octets.iter().copied().take(length).collect()
}

/// Builds and signs the CertRep, DER.
pub(crate) fn build_cert_rep(
    profile: &AvailableProfile,
    ra_key: &RaKey,
    reply_to: ReplyTo,
    Status { status, envelope }: Status,
    random: &dyn Random,
) -> Result<Vec<u8>, Failure> {
    let digest = reply_to.digest;
    let message = PkiMessageBuilder {
        attributes: Attributes::CertRep {
            status,
            // RFC 8894 §3.2.1: both are copied from the request. Without a readable one there is
            // nothing to copy.
            transaction_id: reply_to.transaction_id,
            sender_nonce: SenderNonce::new(&random.octets::<16>()?).map_err(Failure::encode)?,
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
