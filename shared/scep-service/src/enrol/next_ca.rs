//! GetNextCACert, RFC 8894 §4.7: announces an authority's next generation to clients.

use ca::authority::IssuingAuthority;
use scep_cms::builder::{ToBeSigned, build_next_ca_message};
use scep_cms::certificate::Certificate;
use scep_cms::degenerate::DegenerateSignedData;
use scep_protocol::profile::EndpointName;
use scep_protocol::refusal::HttpRejection;

use crate::enrol::Enrolment;
use crate::error::Failure;

impl Enrolment {
    /// Returns the SignedData that announces the next generation, DER.
    ///
    /// # Errors
    /// Returns [`Failure::Rejected`] when the endpoint is not available or the authority has no
    /// next generation, and other variants for failures of the server.
    pub async fn next_ca_certificates(&self, endpoint: &EndpointName) -> Result<Vec<u8>, Failure> {
        let profile = self
            .profile_service
            .read_available_profile(endpoint)
            .await?;
        let announcement = profile
            .next_ca_announcement()
            .ok_or(Failure::Rejected(HttpRejection::NoNextCaCertificate))?;
        // The current generation signed the announcement when it was created, so that no client can
        // make a CA key sign. The RA key signs now, because jscep verifies this message like every
        // other one, by the RA certificate.
        let message = build_announcement(profile.authority(), &announcement.certificates)?;
        let ra_key = self.ra_keys.load(profile.ra_key()).await?;
        let signature = ra_key.sign(message.digest(), message.bytes())?;
        let others = [(&profile.ra_key().certificate, signature.as_slice())];
        message
            .assemble_with(announcement.signature.as_bytes(), &others)
            .map_err(Failure::encode)
    }
}

/// Builds the announcement of these certificates, to be signed by the given generation.
pub(crate) fn build_announcement(
    authority: &IssuingAuthority,
    certificates: &[Certificate],
) -> Result<ToBeSigned, Failure> {
    let next = DegenerateSignedData {
        certificates: certificates
            .iter()
            .map(|certificate| certificate.der().to_vec())
            .collect(),
        crls: Vec::new(),
    };
    let digest = ca::tbs_certificate::signature_algorithm(authority.key_algorithm).digest();
    build_next_ca_message(&next, authority.certificate.clone(), digest).map_err(Failure::encode)
}
