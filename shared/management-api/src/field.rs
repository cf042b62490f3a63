//! The texts of violated rules in responses: adds the JSON names of fields, and the requests that
//! help.

use scep_service::admin::{Field, Invalid};

use crate::template_field::describe_template_error;

/// Returns the text of a violated rule, as the list of a 422 response shows it.
pub(crate) fn reason_text(invalid: &Invalid) -> String {
    if let Invalid::Template(error) = invalid {
        return describe_template_error(*error);
    }
    if let Invalid::Element { index, reason } = invalid {
        let text = reason_text(reason);
        return format!("[{index}].{text}");
    }
    let remedy = describe_remedy(invalid);
    match invalid.field() {
        Some(field) => format!("{}: {invalid}{remedy}", json_name(field)),
        None => format!("{invalid}{remedy}"),
    }
}

/// Returns the name of a field in the JSON body or the query of a request.
const fn json_name(field: Field) -> &'static str {
    match field {
        Field::Challenge => "challengePassword",
        Field::ChallengeRequired => "enableChallengePassword",
        Field::CommonName => "commonName",
        Field::Cursor => "cursor",
        Field::Enabled => "enabled",
        Field::ExistingKey => "keyArn",
        Field::ExtendedKeyUsage => "extendedKeyUsage",
        Field::Force => "force",
        Field::Intune => "enableIntune",
        Field::IntuneApplicationId => "intuneApplicationId",
        Field::IntuneApplicationKey => "intuneApplicationKey",
        Field::IntuneTenant => "intuneTenant",
        Field::KeyAlgorithm => "keyAlgorithm",
        Field::Name => "name",
        Field::RaCertificate => "caCertificateUuid",
        Field::RaProfile => "raProfileUuid",
        Field::Note => "note",
        Field::Reason => "reason",
        Field::Subject => "subject",
        Field::TransactionId => "transactionId",
        Field::Uses => "uses",
        Field::Validity => "validity",
        Field::WebhookSecret => "webhook.secret",
        Field::WebhookTimeout => "webhook.timeoutSeconds",
        Field::WebhookUrl => "webhook.url",
    }
}

/// Returns the requests that do what the violated rule prevents, to be appended to its text.
fn describe_remedy(invalid: &Invalid) -> &'static str {
    if *invalid == Invalid::EnabledChanged {
        return "; PATCH …/enable or …/disable changes it";
    }
    if *invalid == Invalid::ValidCertificates {
        return ": revoke them, or delete with force=true";
    }
    ""
}

#[cfg(test)]
mod tests {
    use ca::template::ExtendedKeyUsage;
    use scep_protocol::service_url::UnfitUrl;
    use scep_protocol::vouching::ChallengeSourceKind;
    use scep_protocol::webhook_secret::UnfitSecret;
    use scep_service::object::ObjectKind;

    use super::*;

    #[test]
    fn text_begins_with_the_json_name_of_the_field() {
        let rows = [
            (Invalid::Challenge, "challengePassword: 1 to 255 characters"),
            (
                Invalid::ChallengeMissing,
                "enableChallengePassword: there is no challengePassword",
            ),
            (
                Invalid::CommonName,
                "commonName: 1 to 64 characters, none of them a control character",
            ),
            (Invalid::ChallengeUses, "uses: 1 to 100"),
            (
                Invalid::ChallengeValidity,
                "validity: must be greater than zero and at most P90D",
            ),
            (
                Invalid::Element {
                    index: 2,
                    reason: Box::new(Invalid::TransactionId),
                },
                "[2].transactionId: 1 to 255 octets of text",
            ),
            (
                Invalid::Note,
                "note: at most 300 characters, and none that hides or reorders text",
            ),
            (
                Invalid::TransactionIdTaken,
                "transactionId: another challenge that can still be used is bound to it",
            ),
            (Invalid::Cursor, "cursor: invalid for this list"),
            (
                Invalid::EnabledChanged,
                "enabled: read-only; PATCH …/enable or …/disable changes it",
            ),
            (
                Invalid::KeyNotAdoptable("it is disabled"),
                "keyArn: it is disabled",
            ),
            (
                Invalid::KeyInUse,
                "keyArn: the authority has this key already",
            ),
            (
                Invalid::Missing(Field::RaCertificate),
                "caCertificateUuid: missing",
            ),
            (Invalid::NameChanged, "name: a name cannot be changed"),
            (
                Invalid::RaCertificateUnknown,
                "caCertificateUuid: no such RA certificate",
            ),
            (
                Invalid::RaCertificateUnusable,
                "caCertificateUuid: the RA certificate is not valid now",
            ),
            (
                Invalid::RaKeyAlgorithm,
                "keyAlgorithm: an RA key is RSA_2048, RSA_3072 or RSA_4096",
            ),
            (
                Invalid::RaUsage(ExtendedKeyUsage::OCSP_SIGNING),
                "extendedKeyUsage: ocspSigning is not allowed in an RA certificate",
            ),
            (Invalid::RaUsages, "extendedKeyUsage: at most 16"),
            (
                Invalid::RaProfileUnknown,
                "raProfileUuid: no such RA Profile",
            ),
            (
                Invalid::Reason,
                "reason: at most 200 characters, none of them a control character",
            ),
            (
                Invalid::SourceNeeds(ChallengeSourceKind::Intune, Field::IntuneApplicationKey),
                "intuneApplicationKey: the challenge source INTUNE needs it",
            ),
            (
                Invalid::SourceNeeds(ChallengeSourceKind::Intune, Field::IntuneApplicationId),
                "intuneApplicationId: the challenge source INTUNE needs it",
            ),
            (
                Invalid::SourceNeeds(ChallengeSourceKind::Intune, Field::IntuneTenant),
                "intuneTenant: the challenge source INTUNE needs it",
            ),
            (
                Invalid::SourcesContradict(Field::Intune),
                "enableIntune: it contradicts the challenge sources in the same request",
            ),
            (
                Invalid::WebhookSecret(UnfitSecret),
                "webhook.secret: not whsec_ followed by the base64 of 24 to 64 octets",
            ),
            (
                Invalid::WebhookTimeout,
                "webhook.timeoutSeconds: 1 to 10 seconds",
            ),
            (
                Invalid::WebhookUrl(UnfitUrl),
                "webhook.url: not an https:// URL without user name and fragment, of at most 2048 octets; http:// is for the \
                 loopback interface",
            ),
            (
                Invalid::Subject,
                "subject: not a name in the form of RFC 4514, like CN=Corp CA,O=Corp",
            ),
            (
                Invalid::Validity,
                "validity: must be greater than zero and end before the year 10000",
            ),
        ];
        for (invalid, expected) in rows {
            assert_eq!(reason_text(&invalid), expected);
        }
    }

    #[test]
    fn text_about_the_state_of_an_object_names_no_field() {
        let dependents = Invalid::Dependents {
            kind: ObjectKind::RaProfile,
            names: vec!["a".to_owned(), "b".to_owned()],
        };
        assert_eq!(reason_text(&dependents), "Dependent RA Profiles (2): a,b");
        assert_eq!(
            reason_text(&Invalid::OneTimeNotChosen),
            "the SCEP Profile does not have ONE_TIME among its challengeSources"
        );
        assert_eq!(
            reason_text(&Invalid::NotPending),
            "the transaction is not pending"
        );
        assert_eq!(
            reason_text(&Invalid::ValidCertificates),
            "force: certificates of the authority are valid and not revoked, and would fall off \
             every CRL: revoke them, or delete with force=true"
        );
    }
}
