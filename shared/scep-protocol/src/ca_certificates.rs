//! Which certificates a client is handed: by GetCACert, and beside its own in a CertRep.

use scep_cms::{Certificate, Degenerate};

use crate::{AvailableProfile, CaCertificateForm};

/// The answer to GetCACert, RFC 8894 §4.2.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaCertificates {
    /// One certificate, DER.
    One(Vec<u8>),
    /// Several, the RA certificate first: Apple's clients choose by place.
    Chain(Degenerate),
}

/// What GetCACert answers for this profile.
#[must_use]
pub fn ca_certificates(profile: &AvailableProfile) -> CaCertificates {
    let ra_certificate = profile.ra_key().certificate.der().to_vec();
    match profile.scep_profile().ca_certificate_form {
        CaCertificateForm::RaOnly => CaCertificates::One(ra_certificate),
        CaCertificateForm::Chain => {
            let mut certificates = vec![ra_certificate];
            certificates.extend(der(profile.path_of(profile.authority().generation)));
            CaCertificates::Chain(Degenerate {
                certificates,
                crls: Vec::new(),
            })
        }
    }
}

/// What a SUCCESS CertRep carries: the leaf, then its issuer or whole chain as the profile says. `generation` issued it.
#[must_use]
pub fn cert_rep_certificates(
    profile: &AvailableProfile,
    leaf: &Certificate,
    generation: u32,
) -> Degenerate {
    let scep_profile = profile.scep_profile();
    let above = if scep_profile.include_ca_certificate_chain {
        usize::MAX
    } else {
        usize::from(scep_profile.include_ca_certificate)
    };
    let mut certificates = vec![leaf.der().to_vec()];
    certificates.extend(der(profile.path_of(generation)).take(above));
    Degenerate {
        certificates,
        crls: Vec::new(),
    }
}

fn der<'a>(certificates: impl Iterator<Item = &'a Certificate>) -> impl Iterator<Item = Vec<u8>> {
    certificates.map(|certificate| certificate.der().to_vec())
}
