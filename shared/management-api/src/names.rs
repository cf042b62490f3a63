//! The names that a field may hold, for the OpenAPI document: those of the types that the fields are.

use std::borrow::Cow;

use scep_cms::EcCurve;
use scep_protocol::{
    CaCertificateForm, ExtendedKeyUsage, KeyAlgorithm, KeyUsage, SubjectAltNameType,
    SubjectAttribute,
};
use serde::Serialize;
use serde_json::Value;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// A schema of the names that these values are written with.
macro_rules! names {
    ($schema:ident, $name:literal, $values:expr) => {
        #[doc = concat!("The schema of ", $name, ".")]
        pub(crate) struct $schema;

        impl PartialSchema for $schema {
            fn schema() -> RefOr<Schema> {
                enumeration(&$values)
            }
        }

        impl ToSchema for $schema {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed($name)
            }
        }
    };
}

names!(KeyAlgorithmName, "KeyAlgorithm", KeyAlgorithm::ALL);
names!(
    SubjectAttributeName,
    "SubjectAttribute",
    SubjectAttribute::ALL
);
names!(
    SubjectAltNameTypeName,
    "SubjectAltNameType",
    SubjectAltNameType::ALL
);
names!(
    CaCertificateFormName,
    "CaCertificateForm",
    [CaCertificateForm::Chain, CaCertificateForm::RaOnly]
);
names!(
    EcCurveName,
    "EcCurve",
    [EcCurve::P256, EcCurve::P384, EcCurve::P521]
);
names!(
    KeyUsageName,
    "KeyUsage",
    [
        KeyUsage::DigitalSignature,
        KeyUsage::ContentCommitment,
        KeyUsage::KeyEncipherment,
        KeyUsage::DataEncipherment,
        KeyUsage::KeyAgreement,
    ]
);
names!(
    ExtendedKeyUsageName,
    "ExtendedKeyUsage",
    [
        ExtendedKeyUsage::ClientAuth,
        ExtendedKeyUsage::ServerAuth,
        ExtendedKeyUsage::CodeSigning,
        ExtendedKeyUsage::EmailProtection,
        ExtendedKeyUsage::TimeStamping,
        ExtendedKeyUsage::OcspSigning,
    ]
);

fn enumeration<T: Serialize>(values: &[T]) -> RefOr<Schema> {
    // Each of these is written as a text.
    let names = values
        .iter()
        .filter_map(|value| serde_json::to_value(value).ok());
    let names: Vec<Value> = names.collect();
    let example = names.first().cloned();
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(names))
        .examples(example);
    RefOr::T(schema.build().into())
}
