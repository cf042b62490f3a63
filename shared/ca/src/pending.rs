//! A request that awaits an administrator's approval. Its names and key are fixed when it arrives;
//! the rules, dates and issuer are those at the time of approval.

use const_oid::db::rfc5280;
use der::{Decode, Encode};
use scep_cms::algorithm::DigestAlgorithm;
use scep_cms::certificate::Validity;
use scep_cms::error::DecodeError;
use scep_cms::public_key::PublicKey;
use scep_cms::requested::RequestedExtension;
use time::OffsetDateTime;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::GeneralNames;
use x509_cert::ext::pkix::{ExtendedKeyUsage, KeyUsage, KeyUsages};

use crate::alt_names::security_identifier::SecurityIdentifier;
use crate::authority::IssuingAuthority;
use crate::certified_name::CertifiedName;
use crate::error::IssueError;
use crate::leaf::{IssuanceRequest, TbsLeaf};
use crate::serial_number::SerialNumber;
use crate::tbs_certificate::decode_tbs_certificate;
use crate::template::{CertificateTemplate, SECURITY_EXTENSION, check_key};
use crate::vouched_names::VouchedNames;

/// What a pending request would have certified, apart from the subject, as shown to the
/// administrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestSummary {
    /// The security identifier, in whichever form the certificate has it.
    pub sid: Option<SecurityIdentifier>,
    /// The names of subjectAltName, each prefixed with its type as openssl writes it.
    pub subject_alt_names: Vec<String>,
    /// The SHA-256 fingerprint of the key's SubjectPublicKeyInfo, in openssl's format.
    pub public_key_sha256: String,
    /// The bits of keyUsage, by their RFC 5280 names.
    pub key_usage: Vec<&'static str>,
    /// The purposes of extendedKeyUsage, by their RFC 5280 names or else by OID.
    pub extended_key_usage: Vec<String>,
    /// The validity period that the certificate would have.
    pub validity: Validity,
}

impl RequestSummary {
    /// Reads the summary from a TBSCertificate, DER.
    ///
    /// # Errors
    /// When `to_be_signed` is not a TBSCertificate.
    pub fn of(to_be_signed: &[u8]) -> Result<Self, DecodeError> {
        let tbs = decode_tbs_certificate(to_be_signed)?;
        let extension_value = |id| {
            tbs.extensions
                .iter()
                .flatten()
                .find(|extension: &&Extension| extension.extn_id == id)
                .map(|extension| extension.extn_value.as_bytes())
        };
        let names = extension_value(rfc5280::ID_CE_SUBJECT_ALT_NAME)
            .map(GeneralNames::from_der)
            .transpose()
            .map_err(DecodeError::of("SubjectAltName"))?
            .unwrap_or_default();
        let security_extension = extension_value(SECURITY_EXTENSION)
            .and_then(|value| SecurityIdentifier::of_extension(SECURITY_EXTENSION, value));
        let usages = extension_value(rfc5280::ID_CE_KEY_USAGE)
            .map(KeyUsage::from_der)
            .transpose()
            .map_err(DecodeError::of("KeyUsage"))?;
        let purposes = extension_value(rfc5280::ID_CE_EXT_KEY_USAGE)
            .map(ExtendedKeyUsage::from_der)
            .transpose()
            .map_err(DecodeError::of("ExtKeyUsageSyntax"))?;
        let validity = tbs.validity.to_der().map_err(DecodeError::of("Validity"))?;
        let key = tbs
            .subject_public_key_info
            .to_der()
            .map_err(DecodeError::of("SubjectPublicKeyInfo"))?;
        Ok(Self {
            sid: security_extension
                .or_else(|| names.iter().find_map(SecurityIdentifier::of_general_name)),
            subject_alt_names: names
                .iter()
                .map(|name| CertifiedName::of(name).to_string())
                .collect(),
            public_key_sha256: DigestAlgorithm::Sha256.fingerprint(&key),
            key_usage: usages.map(usage_names).unwrap_or_default(),
            extended_key_usage: purposes
                .iter()
                .flat_map(|purposes| &purposes.0)
                .map(|purpose| crate::template::ExtendedKeyUsage::of(*purpose).to_string())
                .collect(),
            validity: Validity::from_der(&validity)?,
        })
    }
}

fn usage_names(usage: KeyUsage) -> Vec<&'static str> {
    usage
        .0
        .into_iter()
        .map(|bit| match bit {
            KeyUsages::DigitalSignature => "digitalSignature",
            KeyUsages::NonRepudiation => "contentCommitment",
            KeyUsages::KeyEncipherment => "keyEncipherment",
            KeyUsages::DataEncipherment => "dataEncipherment",
            KeyUsages::KeyAgreement => "keyAgreement",
            KeyUsages::KeyCertSign => "keyCertSign",
            KeyUsages::CRLSign => "cRLSign",
            KeyUsages::EncipherOnly => "encipherOnly",
            KeyUsages::DecipherOnly => "decipherOnly",
        })
        .collect()
}

/// Rebuilds the certificate of a pending request, for this generation of the authority to sign now.
///
/// The names and the key are those that the administrator has seen; everything else follows the
/// current rules. `vouched` are the names to which the rules do not apply. `crl_url` is the URL of
/// this generation's CRL, if verifiers can reach one.
///
/// # Errors
/// [`IssueError::Rule`] when the current rules reject the request or the authority's certificate is
/// about to expire; [`IssueError::Build`].
pub fn reissue_tbs(
    to_be_signed: &[u8],
    authority: &IssuingAuthority,
    template: &CertificateTemplate,
    vouched: Option<&VouchedNames>,
    crl_url: Option<&str>,
    now: OffsetDateTime,
) -> Result<TbsLeaf, IssueError> {
    let pending = decode_tbs_certificate(to_be_signed)?;
    let subject = pending.subject.to_der().map_err(DecodeError::of("Name"))?;
    let spki = pending
        .subject_public_key_info
        .to_der()
        .map_err(DecodeError::of("SubjectPublicKeyInfo"))?;
    let key = PublicKey::from_der(&spki).map_err(DecodeError::from)?;
    // The rules for keys may have become stricter while the request was pending.
    check_key(&key, template)?;
    // Only subjectAltName is kept: every other extension follows from the current rules, or from
    // what is vouched for.
    let names: Vec<_> = pending
        .extensions
        .iter()
        .flatten()
        .filter(|extension| extension.extn_id == rfc5280::ID_CE_SUBJECT_ALT_NAME)
        .map(|names| RequestedExtension {
            id: names.extn_id,
            value: names.extn_value.as_bytes().to_vec(),
        })
        .collect();
    let serial_number = SerialNumber::of_integer(pending.serial_number.value());
    let request = IssuanceRequest {
        subject: &subject,
        extensions: &names,
        key: &key,
        // Renewals never wait for approval.
        predecessor: None,
        vouched,
    };
    request.build_tbs(template, authority, serial_number, crl_url, now)
}

#[cfg(test)]
mod tests {
    use der::asn1::Ia5String;
    use x509_cert::ext::pkix::name::GeneralName;
    use x509_cert::name::Name;

    use super::*;
    use crate::leaf::tests::{issue_time, issuing_authority, rsa_key};
    use crate::tbs_certificate::read_tbs_names;
    use crate::template::{SidForm, TemplateSpec};

    #[test]
    fn an_approved_request_keeps_its_names_key_and_serial_number() {
        let (authority, key, at) = (issuing_authority(), rsa_key(), issue_time());
        let template = CertificateTemplate::default();
        let subject: Name = "CN=a.example".parse().unwrap();
        let names = vec![GeneralName::DnsName(Ia5String::new("a.example").unwrap())];
        let request = IssuanceRequest {
            subject: &subject.to_der().unwrap(),
            extensions: &[RequestedExtension {
                id: rfc5280::ID_CE_SUBJECT_ALT_NAME,
                value: names.to_der().unwrap(),
            }],
            key: &key,
            predecessor: None,
            vouched: None,
        };
        let serial_number = SerialNumber::from_random([7; 16]);
        let pending = request
            .build_tbs(&template, &authority, serial_number, None, at)
            .unwrap();
        let later = at + time::Duration::DAY;
        let approved = reissue_tbs(
            &pending.to_be_signed,
            &authority,
            &template,
            None,
            None,
            later,
        )
        .unwrap();
        assert_eq!(
            read_tbs_names(&approved.to_be_signed),
            read_tbs_names(&pending.to_be_signed)
        );
        let before = RequestSummary::of(&pending.to_be_signed).unwrap();
        let after = RequestSummary::of(&approved.to_be_signed).unwrap();
        assert_eq!(before.subject_alt_names, ["DNS:a.example"]);
        assert_eq!(
            (&before.validity, &after.validity),
            (&pending.validity, &approved.validity)
        );
        let validity = after.validity;
        assert_eq!(RequestSummary { validity, ..before }, after);
    }

    #[test]
    fn an_approved_request_keeps_the_names_that_the_rules_would_not_take() {
        let (authority, key, at) = (issuing_authority(), rsa_key(), issue_time());
        let sid = "S-1-5-21-1004336348-1177238915-682003330-512";
        let vouched: VouchedNames = serde_json::from_value(serde_json::json!({
            "subject": { "CN": "device-7" },
            "subjectAltNames": { "upn": ["seven@corp.example"], "sid": sid },
        }))
        .unwrap();
        let request = IssuanceRequest {
            subject: &Name::default().to_der().unwrap(),
            extensions: &[],
            key: &key,
            predecessor: None,
            vouched: Some(&vouched),
        };
        let serial_number = SerialNumber::from_random([7; 16]);
        let mut spec = TemplateSpec::default();
        for form in [SidForm::Extension, SidForm::Uri] {
            spec.subject_alt_name.sid_form = form;
            let template = CertificateTemplate::try_from(spec.clone()).unwrap();
            let pending = request
                .build_tbs(&template, &authority, serial_number, None, at)
                .unwrap();
            let reissue = |vouched| {
                reissue_tbs(
                    &pending.to_be_signed,
                    &authority,
                    &template,
                    vouched,
                    None,
                    at,
                )
            };
            let approved = reissue(Some(&vouched)).unwrap();
            assert_eq!(approved.to_be_signed, pending.to_be_signed);
            let summary = RequestSummary::of(&approved.to_be_signed).unwrap();
            assert_eq!(summary.sid.unwrap().as_str(), sid);
            let names = summary.subject_alt_names;
            assert!(names.contains(&"UPN:seven@corp.example".to_owned()));
            // Without the vouching, the rules reject them.
            assert!(matches!(reissue(None), Err(IssueError::Rule(_))));
        }
    }

    #[test]
    fn a_corrupt_request_is_not_decoded() {
        let error = RequestSummary::of(&[0x30, 2, 5, 0]).unwrap_err();
        assert_eq!(error.to_string(), "decoding TBSCertificate");
    }
}
