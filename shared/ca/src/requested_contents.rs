//! What a request asks to have certified, as administrators compare it with what would be.

use const_oid::db::rfc5280;
use der::Decode;
use scep_cms::requested::RequestedExtension;
use serde::{Deserialize, Serialize};
use x509_cert::ext::pkix::ExtendedKeyUsage;
use x509_cert::ext::pkix::name::GeneralName;

use crate::alt_names::requested_names::{MAX_NAMES, parse_requested_names};
use crate::alt_names::security_identifier::SecurityIdentifier;
use crate::bounded_text::bound_text;
use crate::certified_name::CertifiedName;
use crate::subject::name_text;
use crate::template;

/// What a PKCS #10 request asks for, before the rules. Each text has at most 400 characters, each
/// list at most 100 entries; what cannot be read is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestedContents {
    /// The subject, as RFC 4514 text.
    pub subject: String,
    /// The names of subjectAltName, each prefixed with its type as openssl writes it.
    pub subject_alt_names: Vec<String>,
    /// The security identifier, in whichever form the request has it.
    pub sid: Option<String>,
    /// The purposes of extendedKeyUsage, by their RFC 5280 names or else by OID.
    pub extended_key_usage: Vec<String>,
}

impl RequestedContents {
    /// Reads what a request asks for.
    ///
    /// `subject` is a Name in DER.
    #[must_use]
    pub fn of(subject: &[u8], extensions: &[RequestedExtension]) -> Self {
        let names: Vec<GeneralName> = parse_requested_names(extensions)
            .unwrap_or_default()
            .into_iter()
            .filter_map(|name| name.decode_as().ok())
            .collect();
        let purposes = extensions
            .iter()
            .filter(|extension| extension.id == rfc5280::ID_CE_EXT_KEY_USAGE)
            .filter_map(|extension| ExtendedKeyUsage::from_der(&extension.value).ok())
            .flat_map(|purposes| purposes.0);
        let sid = extensions
            .iter()
            .find_map(|one| SecurityIdentifier::of_extension(one.id, &one.value))
            .or_else(|| names.iter().find_map(SecurityIdentifier::of_general_name));
        Self {
            subject: bound_text(&name_text(subject).unwrap_or_default()),
            subject_alt_names: names
                .iter()
                .map(|name| bound_text(&CertifiedName::of(name).to_string()))
                .collect(),
            sid: sid.map(String::from),
            extended_key_usage: purposes
                .take(MAX_NAMES)
                .map(|purpose| template::ExtendedKeyUsage::of(purpose).to_string())
                .collect(),
        }
    }
}
