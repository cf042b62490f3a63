//! The API form of a certificate.

use ca::certificate_contents::CertificateContents;
use ca::subject::name_text;
use md5::{Digest, Md5};
use scep_cms::algorithm::DigestAlgorithm;
use scep_cms::certificate::Certificate;
use serde::Serialize;
use utoipa::ToSchema;

use crate::request::format_time;

/// A certificate.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CertificateDetail {
    /// Subject, as RFC 4514 text.
    #[schema(example = "CN=Corp Device CA,O=Corp")]
    subject: String,
    /// Issuer, as RFC 4514 text.
    #[schema(example = "CN=Corp Device CA,O=Corp")]
    issuer: String,
    /// Serial number: upper-case hexadecimal, two digits per octet.
    #[schema(
        pattern = "^([0-9A-F]{2})+$",
        example = "4E9B0C1D2E3F40516273849506172839"
    )]
    serial_number: String,
    /// Start of its validity.
    #[schema(format = DateTime, example = "2026-01-01T00:00:00Z")]
    not_before: String,
    /// When it expires.
    #[schema(format = DateTime, example = "2036-01-01T00:00:00Z")]
    not_after: String,
    /// Names of its subjectAltName, prefixed by their types.
    #[schema(example = json!(["DNS:router-1.corp.example", "IP:192.0.2.1"]))]
    subject_alt_names: Vec<String>,
    /// Its key usages.
    #[schema(example = json!(["digitalSignature", "keyEncipherment"]))]
    key_usage: Vec<&'static str>,
    /// Its extended key usages, as names or OIDs.
    #[schema(example = json!(["clientAuth"]))]
    extended_key_usage: Vec<String>,
    /// Algorithm of its key with the length or the curve; null for one that Scepter does not know.
    #[schema(example = "RSA_2048")]
    key_algorithm: Option<String>,
    /// Algorithm of its signature, as a name or an OID.
    #[schema(example = "ecdsa-with-SHA256")]
    signature_algorithm: String,
    /// Identifier of the issuer's key: upper-case hexadecimal, two digits per octet; null without
    /// one.
    #[schema(example = "3C256A7F8842E15BAA159E540B7D11903C256A7F")]
    authority_key_identifier: Option<String>,
    /// Identifier of its key, formatted likewise; null without one.
    #[schema(example = "AA159E540B7D11903C256A7F8842E15BAA159E54")]
    subject_key_identifier: Option<String>,
    /// URLs of the CRLs on which it would be if it were revoked.
    #[schema(example = json!(["http://scep.example/crl/corp-ca.crl"]))]
    crl_distribution_points: Vec<String>,
    /// Whether it is the certificate of a CA.
    #[schema(example = false)]
    is_ca: bool,
    /// How many CAs may be below it; null for any number, or if it is no CA's.
    #[schema(example = 0)]
    path_length: Option<u8>,
    /// SHA-256 of its DER, formatted as by openssl.
    #[schema(
        pattern = "^([0-9A-F]{2}:){31}[0-9A-F]{2}$",
        example = "AA:15:9E:54:0B:7D:11:90:3C:25:6A:7F:88:42:E1:5B:AA:15:9E:54:0B:7D:11:90:3C:25:6A:7F:88:42:E1:5B"
    )]
    fingerprint_sha256: String,
    /// SHA-1 of its DER, as required by Windows' `CAThumbprint` and older devices; remove the
    /// colons where they are not accepted. It identifies a certificate; compare SHA-256 where
    /// possible.
    #[schema(
        pattern = "^([0-9A-F]{2}:){19}[0-9A-F]{2}$",
        example = "3C:25:6A:7F:88:42:E1:5B:AA:15:9E:54:0B:7D:11:90:3C:25:6A:7F"
    )]
    fingerprint_sha1: String,
    /// MD5 of its DER, for devices that show nothing better. It proves little: anyone can create
    /// two certificates with the same MD5.
    #[schema(
        pattern = "^([0-9A-F]{2}:){15}[0-9A-F]{2}$",
        example = "88:42:E1:5B:AA:15:9E:54:0B:7D:11:90:3C:25:6A:7F"
    )]
    fingerprint_md5: String,
    /// The certificate in PEM.
    #[schema(example = "-----BEGIN CERTIFICATE-----\nMIIB…\n-----END CERTIFICATE-----\n")]
    pem: String,
}

impl CertificateDetail {
    /// The API form of a stored certificate. Fields that cannot be decoded are empty, which does
    /// not happen: Scepter has issued the certificate, or decoded it before it was stored.
    pub(crate) fn of(certificate: &Certificate) -> Self {
        let name = certificate.issuer_and_serial_number();
        let (not_before, not_after) = match certificate.validity() {
            Ok(validity) => (
                format_time(validity.not_before),
                format_time(validity.not_after),
            ),
            Err(_) => Default::default(),
        };
        let contents = CertificateContents::of(certificate).unwrap_or_default();
        Self {
            subject: name_text(certificate.subject()).unwrap_or_default(),
            issuer: name_text(name.issuer()).unwrap_or_default(),
            serial_number: name.serial_number_hex(),
            not_before,
            not_after,
            subject_alt_names: contents.subject_alt_names,
            key_usage: contents.key_usage,
            extended_key_usage: contents.extended_key_usage,
            key_algorithm: contents.key_algorithm,
            signature_algorithm: contents.signature_algorithm,
            authority_key_identifier: contents.authority_key_identifier.map(to_hexadecimal),
            subject_key_identifier: contents.subject_key_identifier.map(to_hexadecimal),
            crl_distribution_points: contents.crl_distribution_points,
            is_ca: contents.is_ca,
            path_length: contents.path_length,
            fingerprint_sha256: certificate.fingerprint_sha256(),
            fingerprint_sha1: DigestAlgorithm::Sha1.fingerprint(certificate.der()),
            fingerprint_md5: fingerprint_md5(certificate),
            pem: certificate.to_pem(),
        }
    }
}

/// Octets as upper-case hexadecimal.
fn to_hexadecimal(octets: Vec<u8>) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}

/// The MD5 fingerprint, formatted as by openssl.
fn fingerprint_md5(certificate: &Certificate) -> String {
    let octets: Vec<_> = Md5::digest(certificate.der())
        .iter()
        .map(|octet| format!("{octet:02X}"))
        .collect();
    octets.join(":")
}
