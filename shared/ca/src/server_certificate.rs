//! The certificates of the server itself: that of a root authority, and the RA certificate to which
//! clients encrypt.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5280;
use der::Encode;
use der::asn1::AnyRef;
use scep_cms::asn1::directory_string;
use scep_cms::certificate::{Certificate, Validity};
use scep_cms::error::DecodeError;
use time::OffsetDateTime;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{CrlDistributionPoints, KeyUsages};
use x509_cert::name::Name;

use crate::authority::IssuingAuthority;
use crate::error::{BuildError, SubjectError};
use crate::key_algorithm::KeyAlgorithm;
use crate::leaf::build_extended_key_usage;
use crate::serial_number::SerialNumber;
use crate::subject::build_name;
use crate::subject::name_part::check_parts;
use crate::tbs_certificate::{
    Contents, authority_key_identifier, build_common_extensions, build_crl_distribution_points,
    decode_extension, key_identifier, period_end, period_start,
};
use crate::template::{ExtendedKeyUsage, Period, SubjectAttribute};

/// The subject of one of the server's own certificates, as a DER Name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaSubject(pub(crate) Vec<u8>);

impl CaSubject {
    /// Parses an RFC 4514 string, with the most specific RDN first: `CN=Corp CA,O=Corp`.
    ///
    /// # Errors
    /// When the text is not an RFC 4514 string, names no attribute, is longer than 1,024 octets, or
    /// has a value that its attribute does not allow.
    pub fn new(text: &str) -> Result<Self, SubjectError> {
        if text.len() > MAX_SUBJECT_BYTES {
            return Err(SubjectError::TooLong);
        }
        // The parser calls a blank text a fault of syntax.
        if text.trim().is_empty() {
            return Err(SubjectError::Empty);
        }
        let name: Name = strip_rdn_spaces(text)
            .parse()
            .map_err(SubjectError::Syntax)?;
        if name.is_empty() {
            return Err(SubjectError::Empty);
        }
        check_values(&name)?;
        check_parts(&name)?;
        name.to_der().map(Self).map_err(SubjectError::Syntax)
    }

    /// Copies the subject of a certificate, for another certificate of the same authority.
    #[must_use]
    pub fn of(certificate: &Certificate) -> Self {
        Self(certificate.subject().to_vec())
    }

    /// Makes a subject that consists of a CN alone.
    ///
    /// # Errors
    /// When the CN is blank, longer than the 64 characters that X.520 allows, or contains invisible
    /// characters.
    pub fn common_name(text: &str) -> Result<Self, SubjectError> {
        if text.trim().is_empty() {
            return Err(SubjectError::Empty);
        }
        if !SubjectAttribute::COMMON_NAME.can_be(text) {
            return Err(SubjectError::InvalidAttribute(
                SubjectAttribute::COMMON_NAME,
            ));
        }
        build_name(SubjectAttribute::COMMON_NAME, text)
            .and_then(|name| name.to_der())
            .map(Self)
            .map_err(SubjectError::Syntax)
    }
}

/// The maximum length of a subject's text, in octets: ample for a CA's name, and it goes into every
/// certificate.
const MAX_SUBJECT_BYTES: usize = 1024;

/// Removes the spaces after the commas that separate RDNs: people write them, and the RFC 4514
/// parser rejects them.
fn strip_rdn_spaces(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let (mut escaped, mut parted) = (false, false);
    for c in text.chars() {
        // An escaped comma belongs to a value, and so do the spaces after it.
        if c == ' ' && parted {
            continue;
        }
        parted = c == ',' && !escaped;
        escaped = c == '\\' && !escaped;
        kept.push(c);
    }
    kept
}

/// Checks that every value of a name is non-empty text that its attribute allows.
fn check_values(name: &Name) -> Result<(), SubjectError> {
    for part in name.iter() {
        let attribute = SubjectAttribute::of(part.oid);
        let is_allowed = directory_string(AnyRef::from(&part.value))
            .filter(|text| !text.trim().is_empty())
            // The syntax of an attribute without a name is unknown.
            .is_some_and(|text| !attribute.has_name() || attribute.can_be(&text));
        if !is_allowed {
            return Err(SubjectError::InvalidAttribute(attribute));
        }
    }
    Ok(())
}

/// The public key of an authority. The private key is held by a key store, which signs with it.
pub struct SubjectKey<'a> {
    /// The algorithm of the key.
    pub algorithm: KeyAlgorithm,
    /// The SubjectPublicKeyInfo, DER.
    pub subject_public_key_info: &'a [u8],
}

/// How far the validity of the server's own certificates is backdated: a client whose clock is
/// hours behind must accept them.
const BACKDATE_DAYS: u16 = 1;

/// The keyUsage of an authority: it signs certificates, CRLs and, as a message, the announcement of
/// its next certificate (RFC 8894 §4.7.1).
pub(crate) const AUTHORITY_USAGE: [KeyUsages; 3] = [
    KeyUsages::DigitalSignature,
    KeyUsages::KeyCertSign,
    KeyUsages::CRLSign,
];

/// Builds the TBSCertificate, DER, of a root authority, which its own key signs.
///
/// # Errors
/// When the key is not a SubjectPublicKeyInfo, or `validity` ends after the year 9999.
pub fn build_root_tbs(
    subject: &CaSubject,
    key: &SubjectKey<'_>,
    serial_number: SerialNumber,
    validity: Period,
    now: OffsetDateTime,
) -> Result<Vec<u8>, BuildError> {
    let identifier = key_identifier(key.subject_public_key_info)?;
    Ok(Contents {
        serial_number,
        issuer: &subject.0,
        issuer_key: key.algorithm,
        validity: Validity {
            not_before: period_start(now, Period::days(BACKDATE_DAYS))?,
            not_after: period_end(now, validity)?,
        },
        subject: &subject.0,
        subject_public_key_info: key.subject_public_key_info,
        extensions: build_common_extensions(
            true,
            AUTHORITY_USAGE,
            key.subject_public_key_info,
            &identifier,
        )?,
    }
    .encode()?)
}

/// The contents of an RA certificate, apart from its key.
pub struct RaContents<'a> {
    /// The subject.
    pub subject: &'a CaSubject,
    /// The purposes of extendedKeyUsage; without any, the extension is absent.
    pub extended_key_usage: &'a [ExtendedKeyUsage],
    /// The URL of the authority's CRL, if verifiers can reach one.
    pub crl_url: Option<&'a str>,
    /// The time from issuance to notAfter, which is cut where the authority's certificate expires.
    pub validity: Period,
}

/// Builds the TBSCertificate, DER, of an RA certificate, which the key of `authority` signs.
///
/// # Errors
/// As for [`build_root_tbs`], and when the validity of the authority's certificate cannot be read.
pub fn ra_certificate(
    authority: &IssuingAuthority,
    contents: &RaContents<'_>,
    subject_public_key_info: &[u8],
    serial_number: SerialNumber,
    now: OffsetDateTime,
) -> Result<Vec<u8>, BuildError> {
    // RFC 8894 §2.1.2: the RA signs messages and decrypts envelopes.
    let usage = [KeyUsages::DigitalSignature, KeyUsages::KeyEncipherment];
    let mut extensions = build_common_extensions(
        false,
        usage,
        subject_public_key_info,
        &authority_key_identifier(authority)?,
    )?;
    extensions.extend(build_extended_key_usage(contents.extended_key_usage)?);
    // .NET checks revocation of this certificate, and without a CRL treats the status as unknown.
    if let Some(url) = contents.crl_url {
        extensions.push(build_crl_distribution_points(url)?);
    }
    // Verifiers reject a certificate outside the validity of its issuer, so both ends are cut.
    let issuer = authority.certificate.validity()?;
    Ok(Contents {
        serial_number,
        issuer: authority.certificate.subject(),
        issuer_key: authority.key_algorithm,
        validity: Validity {
            not_before: period_start(now, Period::days(BACKDATE_DAYS))?.max(issuer.not_before),
            not_after: period_end(now, contents.validity)?.min(issuer.not_after),
        },
        subject: &contents.subject.0,
        subject_public_key_info,
        extensions,
    }
    .encode()?)
}

/// Reads the purposes of a certificate's extendedKeyUsage; empty when it has no such extension.
///
/// # Errors
/// When the certificate or the extension cannot be read.
pub fn extended_key_usage_of(
    certificate: &Certificate,
) -> Result<Vec<ExtendedKeyUsage>, DecodeError> {
    let id = rfc5280::ID_CE_EXT_KEY_USAGE;
    let purposes: Option<Vec<ObjectIdentifier>> =
        decode_extension(certificate, id, "ExtKeyUsageSyntax")?;
    Ok(purposes
        .into_iter()
        .flatten()
        .map(ExtendedKeyUsage::of)
        .collect())
}

/// Reads the CRL's URL from a certificate that this server issued; `None` when it has none.
///
/// # Errors
/// When the certificate or its cRLDistributionPoints cannot be read.
pub fn crl_url_of(certificate: &Certificate) -> Result<Option<String>, DecodeError> {
    Ok(crl_urls_of(certificate)?.into_iter().next())
}

/// Reads the URLs of a certificate's cRLDistributionPoints.
pub(crate) fn crl_urls_of(certificate: &Certificate) -> Result<Vec<String>, DecodeError> {
    let id = rfc5280::ID_CE_CRL_DISTRIBUTION_POINTS;
    let points: Option<CrlDistributionPoints> =
        decode_extension(certificate, id, "CRLDistributionPoints")?;
    let names = points
        .into_iter()
        .flat_map(|points| points.0)
        .filter_map(|point| match point.distribution_point {
            Some(DistributionPointName::FullName(names)) => Some(names),
            Some(DistributionPointName::NameRelativeToCRLIssuer(_)) | None => None,
        });
    let urls = names.flatten().filter_map(|name| match name {
        GeneralName::UniformResourceIdentifier(url) => Some(url.as_str().to_owned()),
        GeneralName::DirectoryName(_)
        | GeneralName::DnsName(_)
        | GeneralName::EdiPartyName(_)
        | GeneralName::IpAddress(_)
        | GeneralName::OtherName(_)
        | GeneralName::RegisteredId(_)
        | GeneralName::Rfc822Name(_) => None,
    });
    Ok(urls.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let subject = CaSubject::new(text).ok();
        let written = subject.map(|subject| crate::subject::name_text(&subject.0).unwrap());
        assert_eq!(written.as_deref(), expected, "{text}");
    }

    #[test]
    fn a_subject_has_values_that_its_attributes_allow() {
        check("CN=Corp CA,O=Corp", Some("CN=Corp CA,O=Corp"));
        check("CN=Corp CA, O=Corp,  C=DE", Some("CN=Corp CA,O=Corp,C=DE"));
        check("CN=Corp\\, Inc,O=Corp", Some("CN=Corp\\, Inc,O=Corp"));
        for text in [
            "",
            "Corp",
            "CN=",
            "CN=a,O=",
            "CN=a,C=Germany",
            &format!("CN={}", "a".repeat(2000)),
            "CN=a\0b",
            "CN=a\\00b",
            "CN=a\nb",
            "CN=nimda\u{202e}",
            "CN=a\u{200b}b,O=Corp",
            "CN=a+CN=b",
            // DER of other types: a SEQUENCE, and a PrintableString and an IA5String with
            // characters outside their alphabets.
            "CN=a,2.5.4.12=#3000",
            "CN=#1302612a",
            "CN=#1602d0b0",
            "CN=a,1.3.6.1.4.1.311.25.2=#0c01 61",
            "CN=a,1.3.6.1.4.1.311.25.2=#0c0161",
        ] {
            check(text, None);
        }
        check("CN=a,2.5.4.12=#0c0162", Some("CN=a,TITLE=b"));
    }

    #[track_caller]
    fn check_error(text: &str, expected: &str) {
        assert_eq!(CaSubject::new(text).unwrap_err().to_string(), expected);
    }

    #[test]
    fn what_is_wrong_with_a_subject_is_named() {
        check_error("", "the subject is empty");
        check_error("Corp", "the subject is not an RFC 4514 string");
        check_error("CN=a,C=Germany", "the value of C is not allowed");
        check_error("CN=a,O=", "the value of O is not allowed");
        let long = format!("CN={}", "a".repeat(1022));
        check_error(&long, "the subject is longer than 1024 octets");
        let twice = "rule subject: subject[0] has CN more than once";
        check_error("CN=a+CN=b", twice);
    }

    #[test]
    fn the_cn_of_an_ra_certificate_is_visible() {
        for text in ["RA", "Geräte-RA", &"a".repeat(64)] {
            assert!(CaSubject::common_name(text).is_ok(), "{text:?}");
        }
        for text in [
            "",
            " ",
            "a\0",
            "a\r\nb",
            "nimda\u{202e}",
            "a\u{200b}b",
            &"a".repeat(65),
        ] {
            assert!(CaSubject::common_name(text).is_err(), "{text:?}");
        }
    }
}
