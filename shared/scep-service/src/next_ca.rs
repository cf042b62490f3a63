//! GetNextCACert, RFC 8894 §4.7: what clients are told of an authority's next generation.

use scep_cms::{Certificate, Degenerate, ToBeSigned, next_ca_message};
use scep_protocol::{EndpointName, IssuingAuthority, Rejection};

use crate::ca_information::serving;
use crate::{Failure, Issuing};

/// The SignedData that announces the next generation, DER. The current generation signed it when that was made; the RA key signs
/// it now, because jscep looks for the signature of whoever signs everything else.
///
/// # Errors
/// [`Failure::Rejected`] when the endpoint does not serve or there is no next generation; our own failures.
pub async fn next_ca_certificates(
    issuing: &Issuing,
    endpoint: &EndpointName,
) -> Result<Vec<u8>, Failure> {
    let profile = serving(&issuing.reading, endpoint).await?;
    let announcement = profile
        .next_ca_announcement()
        .ok_or(Failure::Rejected(Rejection::NoNextCaCertificate))?;
    let message = announcement_of(profile.authority(), &announcement.certificates)?;
    let ra_key = issuing.ra_keys.load(profile.ra_key()).await?;
    let signature = ra_key.sign(message.digest(), message.bytes())?;
    let others = [(&profile.ra_key().certificate, signature.as_slice())];
    message
        .assemble_with(&announcement.signature.0, &others)
        .map_err(Failure::encode)
}

/// The announcement of these certificates by a generation of an authority, to be signed by it.
pub(crate) fn announcement_of(
    authority: &IssuingAuthority,
    next: &[Certificate],
) -> Result<ToBeSigned, Failure> {
    let certificates = next.iter().map(|certificate| certificate.der().to_vec());
    let next = Degenerate {
        certificates: certificates.collect(),
        crls: Vec::new(),
    };
    let digest = ca_issuer::signature_algorithm(authority.key_algorithm).digest();
    next_ca_message(&next, authority.certificate.clone(), digest).map_err(Failure::encode)
}
