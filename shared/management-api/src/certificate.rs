//! A certificate as it is shown.

use ca_issuer::name_text;
use md5::{Digest, Md5};
use scep_cms::{Certificate, DigestAlgorithm};
use serde::Serialize;
use utoipa::ToSchema;

use crate::request::shown_time;

/// A certificate.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CertificateDetail {
    /// RFC 4514's text.
    #[schema(example = "CN=Corp Device CA,O=Corp")]
    subject: String,
    /// RFC 4514's text.
    #[schema(example = "CN=Corp Device CA,O=Corp")]
    issuer: String,
    /// Upper-case hexadecimal, two digits an octet.
    #[schema(
        pattern = "^([0-9A-F]{2})+$",
        example = "4E9B0C1D2E3F40516273849506172839"
    )]
    serial_number: String,
    /// When it begins to be valid.
    #[schema(format = DateTime, example = "2026-01-01T00:00:00Z")]
    not_before: String,
    /// When it ends.
    #[schema(format = DateTime, example = "2036-01-01T00:00:00Z")]
    not_after: String,
    /// SHA-256 over its DER, as openssl prints it.
    #[schema(
        pattern = "^([0-9A-F]{2}:){31}[0-9A-F]{2}$",
        example = "AA:15:9E:54:0B:7D:11:90:3C:25:6A:7F:88:42:E1:5B:AA:15:9E:54:0B:7D:11:90:3C:25:6A:7F:88:42:E1:5B"
    )]
    fingerprint_sha256: String,
    /// SHA-1 over its DER: as Windows' `CAThumbprint` and older devices ask for it, colons left out where they take none. It finds
    /// a certificate; compare SHA-256 where you can.
    #[schema(
        pattern = "^([0-9A-F]{2}:){19}[0-9A-F]{2}$",
        example = "3C:25:6A:7F:88:42:E1:5B:AA:15:9E:54:0B:7D:11:90:3C:25:6A:7F"
    )]
    fingerprint_sha1: String,
    /// MD5 over its DER, for devices that ask for nothing newer: anybody can make two certificates with one.
    #[schema(
        pattern = "^([0-9A-F]{2}:){15}[0-9A-F]{2}$",
        example = "88:42:E1:5B:AA:15:9E:54:0B:7D:11:90:3C:25:6A:7F"
    )]
    fingerprint_md5: String,
    /// PEM.
    #[schema(example = "-----BEGIN CERTIFICATE-----\nMIIB…\n-----END CERTIFICATE-----\n")]
    pem: String,
}

impl CertificateDetail {
    /// A certificate of the store, which was read or made by us: what cannot be read of it is left empty.
    pub(crate) fn of(certificate: &Certificate) -> Self {
        let name = certificate.issuer_and_serial_number();
        let (not_before, not_after) = match certificate.validity() {
            Ok(validity) => (
                shown_time(validity.not_before),
                shown_time(validity.not_after),
            ),
            Err(_) => Default::default(),
        };
        Self {
            subject: name_text(certificate.subject()).unwrap_or_default(),
            issuer: name_text(name.issuer()).unwrap_or_default(),
            serial_number: name.serial_number_hex(),
            not_before,
            not_after,
            fingerprint_sha256: certificate.fingerprint_sha256(),
            fingerprint_sha1: DigestAlgorithm::Sha1.fingerprint(certificate.der()),
            fingerprint_md5: fingerprint_md5(certificate),
            pem: certificate.to_pem(),
        }
    }
}

/// As openssl prints it.
fn fingerprint_md5(certificate: &Certificate) -> String {
    let digest = Md5::digest(certificate.der());
    let octets: Vec<_> = digest.iter().map(|octet| format!("{octet:02X}")).collect();
    octets.join(":")
}
