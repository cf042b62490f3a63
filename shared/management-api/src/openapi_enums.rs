//! Schemas for fields whose values are names, generated from the types of the fields.

use std::borrow::Cow;

use ca::key_algorithm::KeyAlgorithm;
use ca::template::{ExtendedKeyUsage, KeyUsage, SidForm, SubjectAltNameType, SubjectAttribute};
use scep_cms::algorithm::EcCurve;
use scep_protocol::availability::Unavailable;
use scep_protocol::check::Check;
use scep_protocol::profile::{CaCertificateForm, IntuneCredential, NotificationKind};
use scep_protocol::refusal_record::RefusalReason;
use scep_protocol::vouching::ChallengeSourceKind;
use serde::Serialize;
use serde_json::Value;
use strum::VariantArray;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::Scope;

/// Declares a schema that enumerates the names of a type's variants.
macro_rules! names {
    ($schema:ident, $type:ident) => {
        #[doc = concat!("The schema of ", stringify!($type), ".")]
        pub(crate) struct $schema;

        impl PartialSchema for $schema {
            fn schema() -> RefOr<Schema> {
                enum_schema($type::VARIANTS)
            }
        }

        impl ToSchema for $schema {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($type))
            }
        }
    };
}

/// Declares a schema that accepts the given names, or OIDs such as the example.
macro_rules! names_or_oids {
    ($schema:ident, $name:literal, $names:expr, $oid:literal) => {
        #[doc = concat!("The schema of ", $name, ".")]
        pub(crate) struct $schema;

        impl PartialSchema for $schema {
            fn schema() -> RefOr<Schema> {
                name_or_oid_schema($names, $oid)
            }
        }

        impl ToSchema for $schema {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed($name)
            }
        }
    };
}

names!(KeyAlgorithmName, KeyAlgorithm);
names_or_oids!(
    SubjectAttributeName,
    "SubjectAttribute",
    SubjectAttribute::names(),
    "2.5.4.45"
);
names_or_oids!(
    SubjectAltNameTypeName,
    "SubjectAltNameType",
    SubjectAltNameType::NAMED,
    "1.3.6.1.5.2.2"
);
names!(CaCertificateFormName, CaCertificateForm);
names!(ChallengeSourceName, ChallengeSourceKind);
names!(EcCurveName, EcCurve);
names!(IntuneCredentialName, IntuneCredential);
names!(NotificationName, NotificationKind);
names!(KeyUsageName, KeyUsage);
names!(ScopeName, Scope);
names!(SidFormName, SidForm);
names_or_oids!(
    ExtendedKeyUsageName,
    "ExtendedKeyUsage",
    ExtendedKeyUsage::NAMED,
    "1.3.6.1.4.1.311.20.2.2"
);

/// Declares a schema that enumerates these names.
macro_rules! listed_names {
    ($schema:ident, $name:literal, $names:expr) => {
        #[doc = concat!("The schema of ", $name, ".")]
        pub(crate) struct $schema;

        impl PartialSchema for $schema {
            fn schema() -> RefOr<Schema> {
                let names: Vec<&'static str> = $names.collect();
                enum_schema(&names)
            }
        }

        impl ToSchema for $schema {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed($name)
            }
        }
    };
}

listed_names!(
    CheckName,
    "ScepRequestCheckName",
    Check::VARIANTS.iter().map(|check| check.name())
);
listed_names!(
    RefusalReasonName,
    "RefusalReason",
    RefusalReason::all().map(RefusalReason::name)
);
listed_names!(
    UnavailableName,
    "UnavailabilityReason",
    Unavailable::VARIANTS
        .iter()
        .map(|reason| RefusalReason::Unavailable(*reason).name())
);

/// The pattern of a dotted OID.
const OID_PATTERN: &str = r"^[0-2](\.(0|[1-9][0-9]*))+$";

/// A schema that accepts one of the names, or an OID such as the example.
fn name_or_oid_schema<T: ToString>(names: impl IntoIterator<Item = T>, oid: &str) -> RefOr<Schema> {
    let values: Vec<_> = names.into_iter().map(|name| name.to_string()).collect();
    let example = values.first().cloned();
    let named = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(values))
        .examples(example.clone());
    let by_oid = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(OID_PATTERN))
        .examples([oid]);
    let either = OneOfBuilder::new()
        .item(named.build())
        .item(by_oid.build())
        .description(Some("A name, in any case, or a dotted OID."))
        .examples(example);
    RefOr::T(either.build().into())
}

fn enum_schema<T: Serialize>(values: &[T]) -> RefOr<Schema> {
    // Each value serialises as a string, so none is dropped.
    let names: Vec<Value> = values
        .iter()
        .filter_map(|value| serde_json::to_value(value).ok())
        .collect();
    let example = names.first().cloned();
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(names))
        .examples(example);
    RefOr::T(schema.build().into())
}
