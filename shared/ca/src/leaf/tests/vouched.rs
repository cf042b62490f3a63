use der::Tag;
use der::asn1::{Any, Ia5String};
use serde_json::{Value, json};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::ext::pkix::name::{GeneralName, GeneralNames};
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};

use super::*;
use crate::template::SidForm;

const SID: &str = "S-1-5-21-1004336348-1177238915-682003330-512";

fn dns(name: &str) -> GeneralName {
    GeneralName::DnsName(Ia5String::new(name).unwrap())
}

fn dns_names(names: impl IntoIterator<Item = String>) -> GeneralNames {
    names.into_iter().map(|name| dns(&name)).collect()
}

/// Builds a TBSCertificate for a request for this subject and these names.
fn build_leaf(
    vouched: Value,
    subject: &[u8],
    names: &GeneralNames,
    edit: impl FnOnce(&mut TemplateSpec),
) -> Result<TbsLeaf, IssueError> {
    let vouched = serde_json::from_value(vouched).unwrap();
    let extension = RequestedExtension {
        id: SubjectAltName::OID,
        value: names.to_der().unwrap(),
    };
    let request = IssuanceRequest {
        subject,
        extensions: &[extension],
        key: &rsa_key(),
        predecessor: None,
        vouched: Some(&vouched),
    };
    let mut spec = TemplateSpec::default();
    edit(&mut spec);
    request.build_tbs(
        &spec.try_into().unwrap(),
        &issuing_authority(),
        SerialNumber::from_random([1; 16]),
        None,
        issue_time(),
    )
}

/// The certificate that is issued, as other code reads it.
fn read_leaf(leaf: &TbsLeaf) -> x509_cert::Certificate {
    let issued = assemble_certificate(&leaf.to_be_signed, KeyAlgorithm::Rsa2048, &[0]).unwrap();
    x509_cert::Certificate::from_der(issued.certificate.der()).unwrap()
}

fn alt_names_of(leaf: &TbsLeaf) -> GeneralNames {
    let read = read_leaf(leaf);
    let extension = read.tbs_certificate().get_extension::<SubjectAltName>();
    extension
        .unwrap()
        .map_or_else(Vec::new, |(_, names)| names.0)
}

fn subject_of(leaf: &TbsLeaf) -> Vec<u8> {
    read_leaf(leaf)
        .tbs_certificate()
        .subject()
        .to_der()
        .unwrap()
}

/// The DER of a Name of these RDNs, each a list of attributes with string type and text.
fn subject_der(rdns: &[&[(&str, Tag, &str)]]) -> Vec<u8> {
    let mut name = RdnSequence::default();
    for rdn in rdns {
        let parts: Vec<_> = rdn
            .iter()
            .map(|(oid, tag, text)| AttributeTypeAndValue {
                oid: ObjectIdentifier::new_unwrap(oid),
                value: Any::new(*tag, text.as_bytes()).unwrap(),
            })
            .collect();
        name.push(RelativeDistinguishedName::try_from(parts).unwrap());
    }
    name.to_der().unwrap()
}

const CN: &str = "2.5.4.3";
const O: &str = "2.5.4.10";
const OU: &str = "2.5.4.11";

#[test]
fn vouched_attributes_are_certified_in_the_place_of_the_requested_ones() {
    use Tag::{PrintableString, Utf8String};
    let vouched = || json!({ "subject": { "CN": "device-7", "O": "Corp" } });
    for (requested, certified) in [
        // The client's encoding stays where the text is that which is vouched for.
        (
            subject_der(&[
                &[(O, PrintableString, "Corp")],
                &[(CN, PrintableString, "device-7")],
            ]),
            subject_der(&[
                &[(O, PrintableString, "Corp")],
                &[(CN, PrintableString, "device-7")],
            ]),
        ),
        // The client's spelling does not.
        (
            subject_der(&[
                &[(CN, PrintableString, "DEVICE-7")],
                &[(O, PrintableString, "Corp")],
            ]),
            subject_der(&[
                &[(CN, Utf8String, "device-7")],
                &[(O, PrintableString, "Corp")],
            ]),
        ),
        // A blank value asks for nothing; what is missing is added around the CN.
        (
            subject_der(&[&[(CN, Utf8String, " ")]]),
            subject_der(&[&[(O, Utf8String, "Corp")], &[(CN, Utf8String, "device-7")]]),
        ),
        (
            subject_der(&[]),
            subject_der(&[&[(O, Utf8String, "Corp")], &[(CN, Utf8String, "device-7")]]),
        ),
        // An attribute beside it in the same RDN stays.
        (
            subject_der(&[&[(CN, Utf8String, "Device-7"), (OU, Utf8String, "Lab")]]),
            subject_der(&[
                &[(O, Utf8String, "Corp")],
                &[(CN, Utf8String, "device-7"), (OU, Utf8String, "Lab")],
            ]),
        ),
    ] {
        let leaf = build_leaf(vouched(), &requested, &Vec::new(), |_| {}).unwrap();
        assert_eq!(subject_of(&leaf), certified);
    }
}

#[test]
fn a_value_that_the_string_type_of_its_attribute_cannot_hold_is_a_utf8_string() {
    let vouched = json!({ "subject": { "CN": "a", "C": "DE", "unstructuredName": "Ger\u{e4}t" } });
    let leaf = build_leaf(vouched, &subject_der(&[]), &Vec::new(), |_| {}).unwrap();
    let unstructured_name = "1.2.840.113549.1.9.2";
    let expected = subject_der(&[
        &[("2.5.4.6", Tag::PrintableString, "DE")],
        &[(CN, Tag::Utf8String, "a")],
        &[(unstructured_name, Tag::Utf8String, "Ger\u{e4}t")],
    ]);
    assert_eq!(subject_of(&leaf), expected);
}

#[test]
fn a_vouched_cn_is_no_reason_to_refuse_and_no_way_to_another_dns_name() {
    let as_dns = |spec: &mut TemplateSpec| spec.subject_alt_name.common_name_as_dns = true;
    let build = |vouched: Value| build_leaf(vouched, &subject_der(&[]), &Vec::new(), as_dns);
    let leaf = build(json!({ "subject": { "CN": "a.example" } })).unwrap();
    assert_eq!(alt_names_of(&leaf), [dns("a.example")]);
    let leaf = build(json!({ "subject": { "CN": "Jane's iPad" } })).unwrap();
    assert_eq!(alt_names_of(&leaf), []);
    assert_eq!(leaf.left_out, [r#"CN as dNSName "Jane's iPad""#]);
    // Where the DNS names are vouched for, there are no others.
    for (names, expected) in [
        (json!([]), vec![]),
        (json!(["b.example"]), vec![dns("b.example")]),
    ] {
        let vouched =
            json!({ "subject": { "CN": "a.example" }, "subjectAltNames": { "dns": names } });
        assert_eq!(alt_names_of(&build(vouched).unwrap()), expected);
    }
    // The CN of a request must be a DNS name as ever.
    let requested = subject_der(&[&[(CN, Tag::Utf8String, "Jane's iPad")]]);
    let refused = build_leaf(json!({}), &requested, &Vec::new(), as_dns).unwrap_err();
    assert!(matches!(
        refused,
        IssueError::Rule(RuleViolation::CommonNameAsDns { .. })
    ));
}

/// Renewals and approvals read the names like those of a request.
#[test]
fn vouched_and_requested_names_together_are_as_many_as_a_request_may_have() {
    let numbered = |count: usize| dns_names((0..count).map(|at| format!("d{at}.example")));
    let vouched = |count: usize| {
        let emails: Vec<_> = (0..count).map(|at| format!("a{at}@b.example")).collect();
        json!({ "subjectAltNames": { "email": emails, "sid": SID } })
    };
    let subject = subject_der(&[&[(CN, Tag::Utf8String, "a")]]);
    let build = |by_vouching: usize, requested: usize, form: SidForm| {
        build_leaf(
            vouched(by_vouching),
            &subject,
            &numbered(requested),
            |spec| {
                spec.subject_alt_name.sid_form = form;
            },
        )
    };
    for (by_vouching, requested, form, fits) in [
        (50, 50, SidForm::Extension, true),
        (50, 50, SidForm::Uri, false),
        (50, 49, SidForm::Uri, true),
        (51, 50, SidForm::Extension, false),
        (99, 0, SidForm::Uri, true),
    ] {
        let built = build(by_vouching, requested, form);
        assert_eq!(built.is_ok(), fits, "{by_vouching} {requested} {form:?}");
        if let Err(error) = built {
            let is_count = matches!(
                error,
                IssueError::Rule(RuleViolation::SubjectAltNameCount { .. })
            );
            assert!(is_count, "{error}");
        }
    }
}

#[test]
fn a_vouched_name_is_enough_for_a_certificate_without_a_subject() {
    let nobody = subject_der(&[]);
    let build = |vouched: Value| build_leaf(vouched, &nobody, &Vec::new(), |_| {});
    assert!(build(json!({ "subjectAltNames": { "upn": ["a@b"] } })).is_ok());
    assert!(build(json!({ "subject": { "CN": "a" } })).is_ok());
    // An extension for Windows alone names nobody.
    for vouched in [
        json!({}),
        json!({ "subjectAltNames": { "upn": [], "sid": SID } }),
    ] {
        assert_eq!(build(vouched).unwrap_err(), RuleViolation::Nameless.into());
    }
}

#[test]
fn a_template_of_an_earlier_version_has_a_sid_in_the_extension() {
    let mut stored = serde_json::to_value(TemplateSpec::default()).unwrap();
    stored["subjectAltName"]
        .as_object_mut()
        .unwrap()
        .remove("sidForm");
    let read: CertificateTemplate = serde_json::from_value(stored).unwrap();
    assert_eq!(read.subject_alt_name.sid_form, SidForm::Extension);
}

#[test]
fn a_renewal_that_asks_for_another_vouched_name_changes_its_names() {
    let vouched: VouchedNames = serde_json::from_value(json!({
        "subject": { "CN": "device-7" },
        "subjectAltNames": { "dns": ["a.example"], "sid": SID },
    }))
    .unwrap();
    let template = CertificateTemplate::default();
    let subject: Name = "CN=device-7".parse().unwrap();
    let request = |subject: &Name, extensions: &[RequestedExtension], predecessor| {
        let subject = subject.to_der().unwrap();
        let key = rsa_key();
        let request = IssuanceRequest {
            subject: &subject,
            extensions,
            key: &key,
            predecessor,
            vouched: Some(&vouched),
        };
        let at = issue_time();
        let serial_number = SerialNumber::from_random([1; 16]);
        let built = request.build_tbs(&template, &issuing_authority(), serial_number, None, at);
        (
            request.keeps_names(&template),
            built.map(|leaf| leaf.to_be_signed),
        )
    };
    let (_, first) = request(&subject, &[], None);
    let first = assemble_certificate(&first.unwrap(), KeyAlgorithm::Rsa2048, &[0]).unwrap();
    let predecessor = Some(&first.certificate);
    let names = |names: &[&str]| RequestedExtension {
        id: SubjectAltName::OID,
        value: dns_names(names.iter().map(|name| (*name).to_owned()))
            .to_der()
            .unwrap(),
    };
    let (keeps, renewed) = request(&subject, &[names(&["A.example"])], predecessor);
    assert_eq!((keeps, renewed.is_ok()), (Ok(true), true));
    let other: Name = "CN=device-8".parse().unwrap();
    let (keeps, renewed) = request(&other, &[], predecessor);
    assert_eq!(
        (keeps, renewed),
        (Ok(false), Err(IssueError::RenewalSubject))
    );
    let (keeps, renewed) = request(&subject, &[names(&["b.example"])], predecessor);
    assert_eq!((keeps, renewed), (Ok(false), Err(IssueError::RenewalNames)));
}
