//! The API form of an RA Profile's rules.

use ca::bounded_text::Pattern;
use ca::template::{
    ExtendedKeyUsage, KeyUsage, Period, SidForm, SubjectAltNameRule, SubjectAltNameType,
    SubjectAttribute, SubjectRule, TemplateSpec,
};
use ca::unique_map::UniqueMap;
use scep_cms::algorithm::EcCurve;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Schema, Type};

use crate::openapi_enums::{
    EcCurveName, ExtendedKeyUsageName, KeyUsageName, SidFormName, SubjectAltNameTypeName,
    SubjectAttributeName,
};
use crate::request::JsonObject;

/// Rules for the certificates of an RA Profile. A part that is omitted or null has its default.
// Only requests are read into it: responses hold a `CertificateTemplate`, which has the same names
// and every part. `Serialize` is for the defaults that the OpenAPI document shows.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct TemplateView {
    /// Time from issuance to notAfter, an ISO 8601 duration; notAfter never exceeds the
    /// authority's. Default P365D.
    #[schema(value_type = Option<String>, example = "P365D")]
    validity: Option<Period>,
    /// Time from notBefore to issuance, an ISO 8601 duration of at most P31D, for clients whose
    /// clocks are slow. Default PT1H.
    #[schema(value_type = Option<String>, example = "PT1H")]
    backdate: Option<Period>,
    /// Minimum length of an RSA modulus, in bits. Default 2048.
    #[schema(minimum = 1024, maximum = 8192, example = 2048)]
    rsa_min_bits: Option<usize>,
    /// Curves allowed for EC keys. Default all three.
    #[schema(value_type = Option<Vec<EcCurveName>>)]
    ec_curves: Option<Vec<EcCurve>>,
    /// Rules for the subject.
    #[schema(value_type = Option<SubjectView>)]
    subject: Option<JsonObject<SubjectView>>,
    /// Rules for subjectAltName.
    #[schema(value_type = Option<SubjectAltNameView>)]
    subject_alt_name: Option<JsonObject<SubjectAltNameView>>,
    /// Key usages: digitalSignature, contentCommitment, keyEncipherment, dataEncipherment and
    /// keyAgreement. A certificate gets those that its key supports. Default digitalSignature and
    /// keyEncipherment.
    #[schema(value_type = Option<Vec<KeyUsageName>>)]
    key_usage: Option<Vec<KeyUsage>>,
    /// Extended key usages: clientAuth, serverAuth, codeSigning, emailProtection, timeStamping, or
    /// the OID of another one, such as 1.3.6.1.4.1.311.20.2.2 for smart-card logon. Default
    /// clientAuth. Usages that let a device act for the authority or for others are rejected:
    /// anyExtendedKeyUsage, ocspSigning, Certificate Request Agent, that of a KDC and similar ones.
    #[schema(value_type = Option<Vec<ExtendedKeyUsageName>>)]
    extended_key_usage: Option<Vec<ExtendedKeyUsage>>,
    /// Whether certificates contain the URL of the authority's CRL. Default true.
    #[schema(example = true)]
    crl_distribution_point: Option<bool>,
}

/// Rules for the subject, which is taken from the request.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct SubjectView {
    /// Required attributes: names from RFC 4519 and PKCS #9, or OIDs. Default none: then a request
    /// needs either a subject or a subjectAltName.
    #[schema(value_type = Option<Vec<SubjectAttributeName>>)]
    required: Option<Vec<SubjectAttribute>>,
    /// Allowed attributes in addition to fixed ones, by name or OID; null for any. Cisco IOS sends
    /// unstructuredName.
    #[schema(value_type = Option<Vec<SubjectAttributeName>>)]
    allowed: Option<Vec<SubjectAttribute>>,
    /// Fixed values: added if the request has none, while other values are rejected. Default none.
    #[schema(schema_with = fixed_schema)]
    fixed: Option<Fixed>,
    /// A regular expression that must match every CN as a whole; null for any.
    #[schema(value_type = Option<String>, max_length = 256, example = "router-[0-9]+")]
    common_name_pattern: Option<Pattern>,
}

/// Rules for subjectAltName.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct SubjectAltNameView {
    /// Types of names accepted from a request: dns, ip, email, uri, upn, or the OID of an
    /// otherName, such as 1.3.6.1.5.2.2 for KRB5PrincipalName. Default dns and ip. email, uri and
    /// upn require a pattern.
    #[schema(value_type = Option<Vec<SubjectAltNameTypeName>>)]
    types: Option<Vec<SubjectAltNameType>>,
    /// Regular expressions by type, each of which must match every name of its type as a whole.
    /// Default none. A wildcard (`*.` before a DNS name) is accepted only if the pattern for dns
    /// matches it literally. A KRB5PrincipalName is matched as host/a.example@EXAMPLE, another
    /// otherName if its value is a single string.
    #[schema(schema_with = patterns_schema)]
    patterns: Option<Patterns>,
    /// Whether the CN is also added as a DNS name. Default false.
    #[schema(example = false)]
    common_name_as_dns: Option<bool>,
    /// Whether names of other types are omitted from the certificate instead of causing the request
    /// to be refused. Default false.
    #[schema(example = false)]
    ignore_others: Option<bool>,
    /// How a certificate holds a security identifier (SID) that is vouched for: EXTENSION, in the
    /// extension 1.3.6.1.4.1.311.25.2, or URI, as tag:microsoft.com,2022-09-14:sid:S-1-5-… in
    /// subjectAltName. Default EXTENSION. No rule accepts a SID that only the request asks for.
    #[schema(value_type = Option<SidFormName>)]
    sid_form: Option<SidForm>,
}

type Fixed = UniqueMap<SubjectAttribute, String>;
type Patterns = UniqueMap<SubjectAltNameType, Pattern>;

fn fixed_schema() -> Object {
    map_schema(
        SubjectAttribute::names(),
        "Fixed values that every subject has.",
        serde_json::json!({ "O": "Corp" }),
    )
}

fn patterns_schema() -> Object {
    let example = serde_json::json!({ "dns": ".*\\.example" });
    let names = SubjectAltNameType::NAMED;
    map_schema(
        names,
        "A regular expression for every name of a type.",
        example,
    )
}

/// The schema of a JSON object whose keys are these names or OIDs and whose values are strings.
fn map_schema<T: ToString>(
    names: impl IntoIterator<Item = T>,
    description: &str,
    example: serde_json::Value,
) -> Object {
    let text = || {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .max_length(Some(256))
            .build()
    };
    let mut map = ObjectBuilder::new()
        .schema_type(utoipa::openapi::schema::SchemaType::from_iter([
            Type::Object,
            Type::Null,
        ]))
        .description(Some(description))
        .additional_properties(Some(Schema::from(text())))
        .examples([example]);
    for name in names {
        map = map.property(name.to_string(), text());
    }
    map.build()
}

impl From<TemplateView> for TemplateSpec {
    fn from(view: TemplateView) -> Self {
        let defaults = Self::default();
        let JsonObject(subject) = view.subject.unwrap_or_default();
        let JsonObject(names) = view.subject_alt_name.unwrap_or_default();
        Self {
            validity: view.validity.unwrap_or(defaults.validity),
            backdate: view.backdate.unwrap_or(defaults.backdate),
            rsa_min_bits: view.rsa_min_bits.unwrap_or(defaults.rsa_min_bits),
            ec_curves: view.ec_curves.unwrap_or(defaults.ec_curves),
            subject: SubjectRule {
                required: subject.required.unwrap_or(defaults.subject.required),
                allowed: subject.allowed,
                fixed: subject.fixed.unwrap_or_default().0,
                common_name_pattern: subject.common_name_pattern,
            },
            subject_alt_name: SubjectAltNameRule {
                types: names.types.unwrap_or(defaults.subject_alt_name.types),
                patterns: names.patterns.unwrap_or_default().0,
                common_name_as_dns: names.common_name_as_dns.unwrap_or(false),
                ignore_others: names.ignore_others.unwrap_or(false),
                sid_form: names.sid_form.unwrap_or_default(),
            },
            key_usage: view.key_usage.unwrap_or(defaults.key_usage),
            extended_key_usage: view
                .extended_key_usage
                .unwrap_or(defaults.extended_key_usage),
            crl_distribution_point: view.crl_distribution_point.unwrap_or(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use ca::template::CertificateTemplate;

    use super::*;

    #[test]
    fn what_is_shown_is_what_was_written_and_the_default_is_that_of_the_api() {
        let shown = serde_json::to_value(CertificateTemplate::default()).unwrap();
        let documented = serde_json::json!({
            "validity": "P365D", "backdate": "PT1H",
            "rsaMinBits": 2048, "ecCurves": ["P256", "P384", "P521"],
            "subject": { "required": [], "allowed": null, "fixed": {}, "commonNamePattern": null },
            "subjectAltName": { "types": ["dns", "ip"], "patterns": {}, "commonNameAsDns": false, "ignoreOthers": false, "sidForm": "EXTENSION" },
            "keyUsage": ["digitalSignature", "keyEncipherment"], "extendedKeyUsage": ["clientAuth"],
            "crlDistributionPoint": true
        });
        assert_eq!(shown, documented);
        let read: TemplateView = serde_json::from_value(documented).unwrap();
        assert_eq!(TemplateSpec::from(read), TemplateSpec::default());
        let nothing: TemplateView = serde_json::from_str("{}").unwrap();
        assert_eq!(TemplateSpec::from(nothing), TemplateSpec::default());
    }

    #[test]
    fn names_are_read_in_any_case_or_as_oids_and_shown_as_names() {
        let written = serde_json::json!({
            "subject": {
                "required": ["cn"], "allowed": ["2.5.4.3", "UNSTRUCTUREDNAME", "1.2.3.4"], "fixed": { "2.5.4.10": "Corp" }
            },
            "subjectAltName": {
                "types": ["DNS", "1.3.6.1.4.1.311.20.2.3", "1.3.6.1.5.2.2"],
                "patterns": { "1.3.6.1.4.1.311.20.2.3": ".*", "1.3.6.1.5.2.2": "a@B" }, "ignoreOthers": true, "sidForm": "URI"
            },
            "extendedKeyUsage": ["1.3.6.1.5.5.7.3.2", "1.3.6.1.4.1.311.20.2.2"],
        });
        let read: TemplateView = serde_json::from_value(written).unwrap();
        let shown = serde_json::to_value(TemplateSpec::from(read)).unwrap();
        let subject = serde_json::json!({
            "required": ["CN"], "allowed": ["CN", "unstructuredName", "1.2.3.4"], "fixed": { "O": "Corp" }, "commonNamePattern": null
        });
        assert_eq!(shown["subject"], subject);
        let names = serde_json::json!({
            "types": ["dns", "upn", "1.3.6.1.5.2.2"], "patterns": { "upn": ".*", "1.3.6.1.5.2.2": "a@B" },
            "commonNameAsDns": false, "ignoreOthers": true, "sidForm": "URI"
        });
        assert_eq!(shown["subjectAltName"], names);
        let usages = serde_json::json!(["clientAuth", "1.3.6.1.4.1.311.20.2.2"]);
        assert_eq!(shown["extendedKeyUsage"], usages);
    }

    #[test]
    fn nothing_is_said_of_one_attribute_twice() {
        for twice in [
            r#"{"subject":{"fixed":{"O":"a","2.5.4.10":"b"}}}"#,
            r#"{"subjectAltName":{"patterns":{"upn":"a","1.3.6.1.4.1.311.20.2.3":".*"}}}"#,
        ] {
            let read: Result<TemplateView, _> = serde_json::from_str(twice);
            let error = read.err().unwrap().to_string();
            assert!(error.contains("appears more than once"), "{error}");
        }
    }
}
