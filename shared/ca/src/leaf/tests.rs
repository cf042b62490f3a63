use const_oid::AssociatedOid;
use der::asn1::Ia5String;
use der::{Decode, Encode};
use time::Duration;
use uuid::Uuid;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{ExtendedKeyUsage as Purposes, SubjectAltName};
use x509_cert::name::Name;

use super::*;
use crate::generation::Generation;
use crate::id::AuthorityUuid;
use crate::key_algorithm::KeyAlgorithm;
use crate::key_location::KeyLocation;
use crate::profile_name::ProfileName;
use crate::tbs_certificate::assemble_certificate;
use crate::template::{KeyUsage, Period, SubjectAltNameRule, TemplateSpec};

mod vouched;

/// A time at which `ca.pem` is valid.
pub(crate) fn issue_time() -> OffsetDateTime {
    issuing_authority()
        .certificate
        .validity()
        .unwrap()
        .not_before
        + Duration::days(100)
}

fn parse_certificate(pem: &str) -> Certificate {
    Certificate::from_pem(pem).unwrap()
}

/// The authority of `ca.pem`.
pub(crate) fn issuing_authority() -> IssuingAuthority {
    IssuingAuthority {
        uuid: AuthorityUuid::nil(),
        name: ProfileName::new("ca").unwrap(),
        generation: Generation::FIRST,
        key_algorithm: KeyAlgorithm::Rsa2048,
        key: KeyLocation::File(Uuid::nil()),
        certificate: parse_certificate(include_str!("../../../../tests/vectors/ca.pem")),
        chain: Vec::new(),
    }
}

pub(crate) fn rsa_key() -> PublicKey {
    let ra = parse_certificate(include_str!("../../../../tests/vectors/ra.pem"));
    ra.public_key().unwrap().clone()
}

/// The base point of P-256.
fn ec_key() -> PublicKey {
    let spki = b"\
        \x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00\x04\
        \x6b\x17\xd1\xf2\xe1\x2c\x42\x47\xf8\xbc\xe6\xe5\x63\xa4\x40\xf2\x77\x03\x7d\x81\x2d\xeb\x33\xa0\xf4\xa1\x39\x45\xd8\x98\xc2\x96\
        \x4f\xe3\x42\xe2\xfe\x1a\x7f\x9b\x8e\xe7\xeb\x4a\x7c\x0f\x9e\x16\x2b\xce\x33\x57\x6b\x31\x5e\xce\xcb\xb6\x40\x68\x37\xbf\x51\xf5";
    PublicKey::from_der(spki).unwrap()
}

/// Makes a certificate, with a dummy signature, for a subject in RFC 4514 form and DNS names.
fn issue_certificate(
    predecessor: Option<&Certificate>,
    subject: &str,
    names: &[&str],
    edit: impl FnOnce(&mut SubjectAltNameRule),
) -> Result<Certificate, IssueError> {
    let subject: Name = match subject {
        "" => Name::default(),
        subject => subject.parse().unwrap(),
    };
    let dns_names: Vec<_> = names
        .iter()
        .map(|name| GeneralName::DnsName(Ia5String::new(name).unwrap()))
        .collect();
    let extension = RequestedExtension {
        id: SubjectAltName::OID,
        value: dns_names.to_der().unwrap(),
    };
    let extensions = [extension];
    let request = IssuanceRequest {
        subject: &subject.to_der().unwrap(),
        extensions: if names.is_empty() { &[] } else { &extensions },
        key: &rsa_key(),
        predecessor,
        vouched: None,
    };
    let mut spec = TemplateSpec::default();
    edit(&mut spec.subject_alt_name);
    let leaf = request.build_tbs(
        &spec.try_into().unwrap(),
        &issuing_authority(),
        SerialNumber::from_random([1; 16]),
        None,
        issue_time(),
    );
    let to_be_signed = leaf?.to_be_signed;
    let issued = assemble_certificate(&to_be_signed, KeyAlgorithm::Rsa2048, &[0]).unwrap();
    Ok(issued.certificate)
}

/// The DNS names of a certificate.
fn names_in(certificate: &Certificate) -> Vec<String> {
    let read = x509_cert::Certificate::from_der(certificate.der()).unwrap();
    let extension = read.tbs_certificate().get_extension::<SubjectAltName>();
    extension
        .unwrap()
        .map_or_else(Vec::new, |(_, names)| names.0)
        .into_iter()
        .map(|name| {
            let GeneralName::DnsName(text) = name else {
                panic!("{name:?}")
            };
            text.to_string()
        })
        .collect()
}

#[test]
fn a_request_without_subject_and_names_gets_no_certificate() {
    let named = |subject, names| {
        issue_certificate(None, subject, names, |_| {}).map(|leaf| names_in(&leaf))
    };
    assert_eq!(named("CN=a", &[]), Ok(vec![]));
    let both = Ok(vec!["b.example".to_owned()]);
    assert_eq!(named("CN=a", &["b.example"]), both);
    assert_eq!(named("", &["b.example"]), both);
    let nameless = IssueError::Rule(RuleViolation::Nameless);
    assert_eq!(named("", &[]), Err(nameless));
}

/// Checks the result of renewing a certificate for `CN=a.example` and `b.example`.
#[track_caller]
fn check_renewal(
    subject: &str,
    names: &[&str],
    edit: impl FnOnce(&mut SubjectAltNameRule),
    expected: Result<&[&str], IssueError>,
) {
    let predecessor = issue_certificate(None, "CN=a.example", &["b.example"], |_| {}).unwrap();
    let renewed =
        issue_certificate(Some(&predecessor), subject, names, edit).map(|leaf| names_in(&leaf));
    let expected_names =
        expected.map(|names| names.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(renewed, expected_names);
}

#[test]
fn a_renewal_keeps_its_subject_and_adds_no_name() {
    let none = |_: &mut SubjectAltNameRule| {};
    check_renewal("CN=a.example", &["b.example"], none, Ok(&["b.example"]));
    // A renewal that asks for no names keeps them all.
    check_renewal("CN=a.example", &[], none, Ok(&["b.example"]));
    for subject in ["CN=b.example", "CN=a.example,O=Corp"] {
        let refused = Err(IssueError::RenewalSubject);
        check_renewal(subject, &["b.example"], none, refused);
    }
    for added in [
        &["c.example"][..],
        &["b.example", "c.example"],
        &["a.example"],
    ] {
        check_renewal("CN=a.example", added, none, Err(IssueError::RenewalNames));
    }
}

#[test]
fn a_renewal_may_add_the_cn_if_the_rules_now_require_it() {
    let as_dns = |rule: &mut SubjectAltNameRule| rule.common_name_as_dns = true;
    let both = Ok(&["b.example", "a.example"][..]);
    check_renewal("CN=a.example", &["b.example"], as_dns, both.clone());
    check_renewal("CN=a.example", &[], as_dns, both);
    let refused = Err(IssueError::RenewalNames);
    check_renewal("CN=a.example", &["c.example"], as_dns, refused);
}

#[test]
fn a_certificate_gets_the_usages_that_its_key_is_capable_of() {
    #[track_caller]
    fn check(rule: &[KeyUsage], key: &PublicKey, expected: Result<&[KeyUsages], RuleViolation>) {
        let spec = TemplateSpec {
            key_usage: rule.to_vec(),
            ..TemplateSpec::default()
        };
        let usages = select_key_usages(&spec.try_into().unwrap(), key);
        assert_eq!(usages.as_deref().map_err(Clone::clone), expected);
    }

    let both = [KeyUsage::DigitalSignature, KeyUsage::KeyEncipherment];
    let (signs, encrypts) = (KeyUsages::DigitalSignature, KeyUsages::KeyEncipherment);
    check(&both, &rsa_key(), Ok(&[signs, encrypts]));
    check(&both, &ec_key(), Ok(&[signs]));
    let refused = Err(RuleViolation::KeyUsage {
        key: "EC",
        usages: vec![KeyUsage::KeyEncipherment],
    });
    check(&[KeyUsage::KeyEncipherment], &ec_key(), refused);
    check(&[], &ec_key(), Ok(&[]));
}

#[test]
fn a_certificate_has_the_purposes_of_the_rules() {
    let purposes = |rule: &[ExtendedKeyUsage]| {
        let extension = build_extended_key_usage(rule).unwrap()?;
        assert_eq!(extension.extn_id, Purposes::OID);
        assert!(!extension.critical);
        Some(
            Purposes::from_der(extension.extn_value.as_bytes())
                .unwrap()
                .0,
        )
    };
    assert_eq!(purposes(&[]), None);
    let both = [ExtendedKeyUsage::SERVER_AUTH, ExtendedKeyUsage::CLIENT_AUTH];
    let oids = vec![rfc5280::ID_KP_SERVER_AUTH, rfc5280::ID_KP_CLIENT_AUTH];
    assert_eq!(purposes(&both), Some(oids));
}

#[test]
fn requested_purposes_outside_the_rules_are_listed() {
    let left_out = |rule: &[ExtendedKeyUsage], id, value: Vec<u8>| {
        let request = IssuanceRequest {
            subject: &[],
            extensions: &[RequestedExtension { id, value }],
            key: &rsa_key(),
            predecessor: None,
            vouched: None,
        };
        let spec = TemplateSpec {
            extended_key_usage: rule.to_vec(),
            ..TemplateSpec::default()
        };
        request.usages_left_out(&spec.try_into().unwrap())
    };
    let clients = [ExtendedKeyUsage::CLIENT_AUTH];
    let both = vec![rfc5280::ID_KP_CLIENT_AUTH, rfc5280::ID_KP_SERVER_AUTH]
        .to_der()
        .unwrap();
    let servers = format!("extendedKeyUsage {}", ExtendedKeyUsage::SERVER_AUTH);
    assert_eq!(left_out(&clients, Purposes::OID, both.clone()), [servers]);
    let unreadable = "extendedKeyUsage, which cannot be read";
    assert_eq!(left_out(&clients, Purposes::OID, vec![5, 0]), [unreadable]);
    let none = Vec::<String>::new();
    assert_eq!(left_out(&clients, SubjectAltName::OID, vec![5, 0]), none);
    // A certificate without extendedKeyUsage serves every purpose.
    assert_eq!(left_out(&[], Purposes::OID, both), none);
}

/// Checks the validity period, in seconds from now, of a certificate that is to be valid for two
/// hours and backdated by one, under an authority with the given period.
#[track_caller]
fn check_validity(authority: (i64, i64), expected: Result<(i64, i64), IssueError>) {
    let spec = TemplateSpec {
        validity: Period::hours(2),
        backdate: Period::hours(1),
        ..TemplateSpec::default()
    };
    let issued_at = issue_time();
    let authority_period = Validity {
        not_before: issued_at + Duration::seconds(authority.0),
        not_after: issued_at + Duration::seconds(authority.1),
    };
    let seconds = |at: OffsetDateTime| (at - issued_at).whole_seconds();
    let valid = validity_period(&spec.try_into().unwrap(), authority_period, issued_at)
        .map(|valid| (seconds(valid.not_before), seconds(valid.not_after)));
    assert_eq!(valid, expected);
}

#[test]
fn a_certificate_is_valid_while_its_authority_is() {
    check_validity((-9000, 9000), Ok((-3600, 7200)));
    check_validity((-60, 60), Ok((-60, 60)));
    check_validity((-60, 1), Ok((-60, 1)));
    for over in [0, -1] {
        let refused = IssueError::Rule(RuleViolation::Validity);
        check_validity((-60, over), Err(refused));
    }
}
