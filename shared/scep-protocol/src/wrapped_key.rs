//! The content key of an envelope, as it is wrapped for a profile.

use scep_cms::algorithm::KeyTransport;
use scep_cms::certificate::Certificate;
use scep_cms::envelope::{KeyTransRecipient, PkcsPkiEnvelope, Recipient};
use scep_cms::password_recipient::{PasswordRecipient, PasswordRecipientError};
use scep_cms::public_key::PublicKey;

use crate::availability::AvailableProfile;
use crate::envelope_fault::EnvelopeFault;
use crate::refusal::Refusal;

/// The content key as it is wrapped for the profile's RA key or challengePassword.
pub(crate) fn find_wrapped_key(
    envelope: &PkcsPkiEnvelope,
    profile: &AvailableProfile,
) -> Result<WrappedKey, Refusal> {
    let ra_certificate = &profile.ra_key().certificate;
    let mut by_password = None;
    let mut refusal = Refusal::Recipient;
    // micromdm encrypts to every certificate of GetCACert, the authority's included, so the RA's
    // recipient is found by its name rather than its position.
    for recipient in envelope.recipients() {
        match recipient {
            Recipient::KeyTrans(recipient) if recipient.id().names(ra_certificate) => {
                return read_key_transport(recipient, ra_certificate);
            }
            Recipient::KeyTrans(recipient) if profile.is_authority(recipient.id()) => {
                refusal = Refusal::RecipientAuthority;
            }
            Recipient::Password(recipient) => by_password = Some(recipient),
            Recipient::KeyTrans(_) | Recipient::Other => {}
        }
    }
    match by_password {
        Some(Ok(recipient)) => Ok(WrappedKey::Password(recipient.clone())),
        Some(Err(PasswordRecipientError::Algorithm(algorithm))) => {
            Err(Refusal::KeyTransport(*algorithm))
        }
        Some(Err(PasswordRecipientError::Malformed(error))) => {
            Err(Refusal::PasswordRecipient(error.clone()))
        }
        None => Err(refusal),
    }
}

fn read_key_transport(
    recipient: &KeyTransRecipient,
    ra_certificate: &Certificate,
) -> Result<WrappedKey, Refusal> {
    let transport = recipient.transport().map_err(Refusal::KeyTransport)?;
    let encrypted_key = recipient.encrypted_key();
    let modulus_bytes = match ra_certificate.public_key() {
        Ok(PublicKey::Rsa { modulus_bits, .. }) => modulus_bits.div_ceil(8),
        Ok(PublicKey::Ec { .. }) | Err(_) => 0,
    };
    let fault = EnvelopeFault::WrappedKeyLength {
        bytes: encrypted_key.len(),
        modulus_bytes,
    };
    // An RSA ciphertext is a number. One in 256 has a leading zero octet, and some clients omit it.
    let missing_zeros = modulus_bytes
        .checked_sub(encrypted_key.len())
        .filter(|_| !encrypted_key.is_empty())
        .ok_or(Refusal::Envelope(fault))?;
    let mut padded_key = vec![0; missing_zeros];
    padded_key.extend_from_slice(encrypted_key);
    Ok(WrappedKey::KeyTransport {
        transport,
        encrypted_key: padded_key,
    })
}

/// The content key of an envelope, wrapped.
pub enum WrappedKey {
    /// Encrypted to the RA key.
    KeyTransport {
        /// The padding scheme.
        transport: KeyTransport,
        /// The encrypted key, padded with leading zeros to the length of the RA key's modulus.
        encrypted_key: Vec<u8>,
    },
    /// Encrypted under the profile's challengePassword, RFC 8894 §3.1.
    Password(PasswordRecipient),
}
