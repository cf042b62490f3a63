//! The certificates in the answer to GetCACert, and those after the leaf in a CertRep.

use ca::generation::Generation;
use scep_cms::certificate::Certificate;
use scep_cms::degenerate::DegenerateSignedData;

use crate::availability::AvailableProfile;
use crate::profile::CaCertificateForm;

/// The answer to GetCACert, RFC 8894 §4.2.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaCertificates {
    /// One certificate, DER.
    One(Vec<u8>),
    /// Several certificates, the RA certificate first.
    Chain(DegenerateSignedData),
}

/// The answer to GetCACert for a profile.
#[must_use]
pub fn ca_certificates(profile: &AvailableProfile) -> CaCertificates {
    let ra_certificate = profile.ra_key().certificate.der().to_vec();
    match profile.scep_profile().settings.ca_certificate_form {
        CaCertificateForm::RaOnly => CaCertificates::One(ra_certificate),
        CaCertificateForm::Chain => {
            // The RA certificate comes first: Apple's clients choose by position.
            let mut certificates = vec![ra_certificate];
            certificates.extend(to_der(profile.path_of(profile.authority().generation)));
            CaCertificates::Chain(DegenerateSignedData {
                certificates,
                crls: Vec::new(),
            })
        }
    }
}

/// The certificates in a CertRep with pkiStatus SUCCESS: the leaf, then its issuer or whole chain
/// as the profile is set. `generation` is the generation of the authority that issued the leaf.
#[must_use]
pub fn cert_rep_certificates(
    profile: &AvailableProfile,
    leaf: &Certificate,
    generation: Generation,
) -> DegenerateSignedData {
    let scep_profile = profile.scep_profile();
    let above = if scep_profile.settings.include_ca_certificate_chain {
        usize::MAX
    } else {
        usize::from(scep_profile.settings.include_ca_certificate)
    };
    let mut certificates = vec![leaf.der().to_vec()];
    certificates.extend(to_der(profile.path_of(generation)).take(above));
    DegenerateSignedData {
        certificates,
        crls: Vec::new(),
    }
}

fn to_der<'a>(
    certificates: impl Iterator<Item = &'a Certificate>,
) -> impl Iterator<Item = Vec<u8>> {
    certificates.map(|certificate| certificate.der().to_vec())
}
