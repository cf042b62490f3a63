//! The certificates of the server itself: a root authority's, and the RA certificate that clients encrypt to.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5280;
use der::Decode;
use scep_cms::{Certificate, Validity};
use scep_protocol::{ExtendedKeyUsage, IssuingAuthority, KeyAlgorithm, Period, SubjectAttribute};
use time::OffsetDateTime;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{CrlDistributionPoints, KeyUsages};

use crate::certificate::{
    Contents, authority_key_identifier, authority_validity, begin_of, crl_at, end_of,
    key_identifier, usual_extensions,
};
use crate::leaf::extended_key_usage;
use crate::name_part::check_parts;
use crate::{EncodeError, SerialNumber};

/// A subject for a certificate of ours: RFC 4514's text, the most specific part first (`CN=Corp CA,O=Corp`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaSubject(pub(crate) Vec<u8>);

impl CaSubject {
    /// The name that this text writes.
    ///
    /// # Errors
    /// When it is not RFC 4514's form of a name with at least one part, in at most 1,024 octets, or a part cannot be what it is.
    pub fn new(text: &str) -> Result<Self, EncodeError> {
        use der::Encode;
        let name: x509_cert::name::Name = without_spaces(text).parse()?;
        if name.is_empty() || text.len() > MAX_SUBJECT_BYTES || !is_well_formed(&name) {
            return Err(der::ErrorKind::Failed.to_error().into());
        }
        Ok(Self(name.to_der()?))
    }

    /// The subject of this certificate, for another one of the same authority.
    #[must_use]
    pub fn of(certificate: &Certificate) -> Self {
        Self(certificate.subject().to_vec())
    }

    /// A name of one part, a CN.
    ///
    /// # Errors
    /// When the CN is blank, longer than the 64 characters that X.520 allows, or holds what cannot
    /// be seen.
    pub fn common_name(text: &str) -> Result<Self, EncodeError> {
        use der::Encode;
        if text.trim().is_empty() || !SubjectAttribute::COMMON_NAME.can_be(text) {
            return Err(der::ErrorKind::Failed.to_error().into());
        }
        let name = crate::subject::name_of(SubjectAttribute::COMMON_NAME, text)?;
        Ok(Self(name.to_der()?))
    }
}

/// Longest subject, in octets of text.
const MAX_SUBJECT_BYTES: usize = 1024;

/// The text without spaces behind the commas that part it, which people write and RFC 4514 does not.
fn without_spaces(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let (mut escaped, mut parted) = (false, false);
    for c in text.chars() {
        if c == ' ' && parted {
            continue;
        }
        parted = c == ',' && !escaped;
        escaped = c == '\\' && !escaped;
        kept.push(c);
    }
    kept
}

/// Is each part of a name what is taken from a request, what its kind can be, and none empty?
fn is_well_formed(name: &x509_cert::name::Name) -> bool {
    check_parts(name).is_ok()
        && name.iter().all(|part| {
            let text = scep_cms::directory_string(der::asn1::AnyRef::from(&part.value));
            let Some(text) = text.filter(|text| !text.trim().is_empty()) else {
                return false;
            };
            let attribute = SubjectAttribute::of(part.oid);
            !attribute.has_name() || attribute.can_be(&text)
        })
}

/// A public key whose private one signs elsewhere.
pub struct Keypair<'a> {
    /// Its kind.
    pub algorithm: KeyAlgorithm,
    /// SubjectPublicKeyInfo, DER.
    pub subject_public_key_info: &'a [u8],
}

/// How long before its issuance a certificate of the server is valid: clients' clocks are hours off.
const BACKDATE: Period = Period::days(1);

/// What an authority's key is for.
pub(crate) const AUTHORITY_USAGE: [KeyUsages; 3] = [
    KeyUsages::DigitalSignature,
    KeyUsages::KeyCertSign,
    KeyUsages::CRLSign,
];

/// The TBSCertificate, DER, of a self-signed authority, to be signed by its own key.
///
/// # Errors
/// When the key is no SubjectPublicKeyInfo, or `validity` ends after the year 9999.
pub fn root_authority(
    subject: &CaSubject,
    key: &Keypair<'_>,
    serial_number: SerialNumber,
    validity: Period,
    now: OffsetDateTime,
) -> Result<Vec<u8>, EncodeError> {
    let identifier = key_identifier(key.subject_public_key_info)?;
    Contents {
        serial_number,
        issuer: &subject.0,
        issuer_key: key.algorithm,
        validity: Validity {
            not_before: begin_of(now, BACKDATE)?,
            not_after: end_of(now, validity)?,
        },
        subject: &subject.0,
        subject_public_key_info: key.subject_public_key_info,
        extensions: usual_extensions(
            true,
            AUTHORITY_USAGE,
            key.subject_public_key_info,
            &identifier,
        )?,
    }
    .encode()
}

/// What an RA certificate is to hold, besides its key.
pub struct RaContents<'a> {
    /// Its subject.
    pub subject: &'a CaSubject,
    /// extendedKeyUsage; none when empty.
    pub extended_key_usage: &'a [ExtendedKeyUsage],
    /// Where the CRL of the authority will be, if there is a place that verifiers can reach.
    pub crl_url: Option<&'a str>,
    /// From issuance to notAfter, never beyond the authority's own.
    pub validity: Period,
}

/// The TBSCertificate, DER, of an RA certificate under `authority`, to be signed by the authority's key; it ends with the authority at the latest.
///
/// # Errors
/// As [`root_authority`], and when the authority's certificate has no readable validity.
pub fn ra_certificate(
    authority: &IssuingAuthority,
    contents: &RaContents<'_>,
    subject_public_key_info: &[u8],
    serial_number: SerialNumber,
    now: OffsetDateTime,
) -> Result<Vec<u8>, EncodeError> {
    let usage = [KeyUsages::DigitalSignature, KeyUsages::KeyEncipherment];
    let mut extensions = usual_extensions(
        false,
        usage,
        subject_public_key_info,
        &authority_key_identifier(authority)?,
    )?;
    extensions.extend(extended_key_usage(contents.extended_key_usage)?);
    // .NET verifies the certificate with revocation on, and counts one without CRL as unknown.
    if let Some(url) = contents.crl_url {
        extensions.push(crl_at(url)?);
    }
    let issuer = authority_validity(authority)?;
    Contents {
        serial_number,
        issuer: authority.certificate.subject(),
        issuer_key: authority.key_algorithm,
        validity: Validity {
            not_before: begin_of(now, BACKDATE)?.max(issuer.not_before),
            not_after: end_of(now, contents.validity)?.min(issuer.not_after),
        },
        subject: &contents.subject.0,
        subject_public_key_info,
        extensions,
    }
    .encode()
}

/// extendedKeyUsage of a certificate of ours; empty without one.
///
/// # Errors
/// When it cannot be read.
pub fn extended_key_usage_of(
    certificate: &Certificate,
) -> Result<Vec<ExtendedKeyUsage>, EncodeError> {
    let value = extension_of(certificate, rfc5280::ID_CE_EXT_KEY_USAGE)?;
    let purposes = value.map(|value| Vec::<ObjectIdentifier>::from_der(&value));
    let purposes = purposes.transpose()?.unwrap_or_default();
    Ok(purposes.into_iter().map(ExtendedKeyUsage::of).collect())
}

/// The URL of the CRL that a certificate of ours names, if it names one.
///
/// # Errors
/// When its extension cannot be read.
pub fn crl_url_of(certificate: &Certificate) -> Result<Option<String>, EncodeError> {
    let value = extension_of(certificate, rfc5280::ID_CE_CRL_DISTRIBUTION_POINTS)?;
    let points = value.map(|value| CrlDistributionPoints::from_der(&value));
    let points = points.transpose()?.map(|points| points.0);
    let names = points
        .into_iter()
        .flatten()
        .filter_map(|point| match point.distribution_point {
            Some(DistributionPointName::FullName(names)) => Some(names),
            Some(DistributionPointName::NameRelativeToCRLIssuer(_)) | None => None,
        });
    let mut urls = names.flatten().filter_map(|name| match name {
        GeneralName::UniformResourceIdentifier(url) => Some(url.as_str().to_owned()),
        GeneralName::DirectoryName(_)
        | GeneralName::DnsName(_)
        | GeneralName::EdiPartyName(_)
        | GeneralName::IpAddress(_)
        | GeneralName::OtherName(_)
        | GeneralName::RegisteredId(_)
        | GeneralName::Rfc822Name(_) => None,
    });
    Ok(urls.next())
}

/// The value of an extension, DER.
fn extension_of(
    certificate: &Certificate,
    id: ObjectIdentifier,
) -> Result<Option<Vec<u8>>, EncodeError> {
    let certificate: x509_cert::Certificate = x509_cert::Certificate::from_der(certificate.der())?;
    let extensions = certificate.tbs_certificate().extensions();
    let mut extensions = extensions.into_iter().flatten();
    let found = extensions.find(|extension| extension.extn_id == id);
    Ok(found.map(|found| found.extn_value.as_bytes().to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let subject = CaSubject::new(text).ok();
        let written = subject.map(|subject| crate::name_text(&subject.0).unwrap());
        assert_eq!(written.as_deref(), expected, "{text}");
    }

    #[test]
    fn subjects_are_names_whose_parts_are_what_they_can_be() {
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
            // DER of other types: a SEQUENCE, a PrintableString of `a*`, an IA5String that is none.
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

    #[test]
    fn the_cn_of_an_ra_certificate_can_be_seen() {
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
