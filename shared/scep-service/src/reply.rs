//! CertRep, RFC 8894 §3.3.2, signed by the RA key.

use scep_cms::{
    Attributes, Certificate, ContentEncryption, ContentKey, PkcsPkiEnvelope, PkiMessageBuilder,
    ReplyStatus, SenderNonce,
};
use scep_protocol::{AuthorisedRequest, AvailableProfile, Refusal, ReplyTo, cert_rep_certificates};
use zeroize::Zeroizing;

use crate::entropy::random;
use crate::{Failure, RaKey};

/// SUCCESS: the certificate, encrypted to the signer's key with the request's cipher.
pub(crate) fn success(
    profile: &AvailableProfile,
    ra_key: &dyn RaKey,
    reply_to: ReplyTo,
    request: &AuthorisedRequest,
    leaf: &[u8],
) -> Result<Vec<u8>, Failure> {
    let content = cert_rep_certificates(profile, leaf)
        .to_der()
        .map_err(Failure::encode)?;
    let envelope = seal(&content, request.cipher(), request.signer())?;
    cert_rep(
        profile,
        ra_key,
        reply_to,
        ReplyStatus::Success,
        Some(envelope),
    )
}

/// FAILURE with its reason.
pub(crate) fn failure(
    profile: &AvailableProfile,
    ra_key: &dyn RaKey,
    reply_to: ReplyTo,
    refusal: &Refusal,
) -> Result<Vec<u8>, Failure> {
    let status = ReplyStatus::Failure {
        fail_info: refusal.fail_info(),
        text: refusal.text().into_owned(),
    };
    cert_rep(profile, ra_key, reply_to, status, None)
}

fn seal(
    content: &[u8],
    cipher: ContentEncryption,
    recipient: &Certificate,
) -> Result<Vec<u8>, Failure> {
    let octets = Zeroizing::new(random::<{ ContentKey::MAX_BYTES }>()?);
    let iv = random::<16>()?;
    let fitting = |octets: &[u8], length| octets.iter().copied().take(length).collect::<Vec<_>>();
    let key = Zeroizing::new(fitting(&*octets, cipher.key_bytes()));
    let key = ContentKey::new(cipher, &key).map_err(Failure::encode)?;
    let iv = fitting(&iv, cipher.block_bytes());
    PkcsPkiEnvelope::seal(content, cipher, &key, &iv, recipient).map_err(Failure::encode)
}

fn cert_rep(
    profile: &AvailableProfile,
    ra_key: &dyn RaKey,
    reply_to: ReplyTo,
    status: ReplyStatus,
    envelope: Option<Vec<u8>>,
) -> Result<Vec<u8>, Failure> {
    let digest = reply_to.digest;
    let message = PkiMessageBuilder {
        attributes: Attributes::CertRep {
            status,
            transaction_id: reply_to.transaction_id,
            sender_nonce: SenderNonce::new(&random::<16>()?).map_err(Failure::encode)?,
            recipient_nonce: reply_to.sender_nonce,
        },
        envelope,
        digest,
        signer: profile.ra_certificate().certificate.clone(),
    };
    let to_be_signed = message.to_be_signed().map_err(Failure::encode)?;
    let signature = ra_key.sign(digest, to_be_signed.bytes())?;
    to_be_signed.assemble(&signature).map_err(Failure::encode)
}
