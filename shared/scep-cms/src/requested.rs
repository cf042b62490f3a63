//! The content of a PKCS #10 request's attributes: requested extensions and the challengePassword.

use std::borrow::Cow;

use const_oid::ObjectIdentifier;
use const_oid::db::rfc2985;

use crate::ber::to_der;
use crate::challenge::ChallengePassword;
use crate::csr_fault::{AttributeFault, ChallengeFault, CsrFault};
use crate::tlv::Element;
use crate::{oid, tlv};

/// A requested extension. The CA decides whether the certificate has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedExtension {
    /// The extnID.
    pub id: ObjectIdentifier,
    /// The extnValue's contents, normalised to DER where they are BER.
    pub value: Vec<u8>,
}

/// What the attributes request, merged over all attributes of a kind.
#[derive(Clone, Default)]
pub(crate) struct RequestAttributes {
    pub(crate) extensions: Vec<RequestedExtension>,
    pub(crate) challenge: Option<ChallengePassword>,
    /// Why the challenge cannot be used although the request holds one.
    pub(crate) challenge_fault: Option<ChallengeFault>,
}

impl RequestAttributes {
    /// Reads attributes, in DER, in any order. Ignores unknown attributes, and repetitions with the
    /// same value.
    pub(crate) fn read(attributes: Element<'_>) -> Result<Self, CsrFault> {
        let mut requested = Self::default();
        for (index, attribute) in attributes.elements().enumerate() {
            let fault = |fault| CsrFault::Attribute { index, fault };
            let (kind, values) = attribute
                .ok_or(AttributeFault::NotAnAttribute)
                .and_then(parse_attribute)
                .map_err(fault)?;
            for value in values.elements() {
                let element = value.ok_or(fault(AttributeFault::NotInASet))?;
                match kind {
                    rfc2985::PKCS_9_AT_CHALLENGE_PASSWORD => requested.add_challenge(element),
                    // The loop also accepts an empty SET: it requests nothing, like an empty
                    // sequence of extensions, and some clients send it.
                    rfc2985::PKCS_9_AT_EXTENSION_REQUEST | oid::MICROSOFT_EXTENSIONS => {
                        let extensions = element
                            .tagged(tlv::SEQUENCE)
                            .ok_or(fault(AttributeFault::NotExtensions))?;
                        requested.add_extensions(index, extensions)?;
                    }
                    _ => {}
                }
            }
        }
        Ok(requested)
    }

    fn add_extensions(
        &mut self,
        attribute: usize,
        extensions: Element<'_>,
    ) -> Result<(), CsrFault> {
        for (index, element) in extensions.elements().enumerate() {
            let (id, value) = element
                .ok_or("not an element")
                .and_then(parse_extension)
                .map_err(|fault| CsrFault::Extension {
                    attribute,
                    index,
                    fault,
                })?;
            // .NET lets callers add extensions but no attributes to a request, so they put the
            // challengePassword there.
            if id == rfc2985::PKCS_9_AT_CHALLENGE_PASSWORD {
                self.add_challenge_in_extension(&value);
                continue;
            }
            // Equal repetitions are harmless. With two values, the CA and an administrator who
            // reviews the request could each look at another one.
            let before = self.extensions.iter().find(|extension| extension.id == id);
            match before {
                Some(before) if before.value == *value => {}
                Some(_) => return Err(CsrFault::ExtensionsDiffer(id)),
                None => self.extensions.push(RequestedExtension {
                    id,
                    value: value.into_owned(),
                }),
            }
        }
        Ok(())
    }

    /// Adds a challengePassword that is an extension's value, bare or in a SET like an attribute's.
    fn add_challenge_in_extension(&mut self, value: &[u8]) {
        let values = Element::only(value).and_then(|element| match element.tag {
            tlv::SET => element.parts(),
            _ => Some(vec![element]),
        });
        match values {
            Some(values) => values
                .into_iter()
                .for_each(|value| self.add_challenge(value)),
            None => self.challenge_fault = Some(ChallengeFault::NotText),
        }
    }

    /// Adds a challengePassword. Ignores an empty one.
    fn add_challenge(&mut self, value: Element<'_>) {
        let challenge = match ChallengePassword::from_string(value.tag, value.contents) {
            Ok(challenge) => challenge,
            Err(fault) => {
                self.challenge_fault = Some(fault);
                return;
            }
        };
        // An empty one counts as absent, so that beside another it is no contradiction.
        if challenge.reveal().is_empty() {
            return;
        }
        match &self.challenge {
            Some(before) if !before.matches(&challenge) => {
                self.challenge_fault = Some(ChallengeFault::Differ);
            }
            Some(_) => {}
            None => self.challenge = Some(challenge),
        }
    }
}

fn parse_attribute(
    attribute: Element<'_>,
) -> Result<(ObjectIdentifier, Element<'_>), AttributeFault> {
    let parts = attribute
        .tagged(tlv::SEQUENCE)
        .and_then(Element::parts)
        .ok_or(AttributeFault::NotAnAttribute)?;
    let [kind, values] = parts.as_slice() else {
        return Err(AttributeFault::NotAnAttribute);
    };
    Ok((
        parse_identifier(*kind).ok_or(AttributeFault::NotAnAttribute)?,
        values.tagged(tlv::SET).ok_or(AttributeFault::NotInASet)?,
    ))
}

/// ```asn1
/// Extension ::= SEQUENCE {
///     extnID    OBJECT IDENTIFIER,
///     critical  BOOLEAN DEFAULT FALSE,
///     extnValue OCTET STRING }
/// ```
/// The CA decides what is critical, so the encoding of TRUE does not matter.
fn parse_extension(
    element: Element<'_>,
) -> Result<(ObjectIdentifier, Cow<'_, [u8]>), &'static str> {
    let parts = element
        .tagged(tlv::SEQUENCE)
        .and_then(Element::parts)
        .ok_or("not a sequence of extnID, critical and extnValue")?;
    let (id, value) = match parts.as_slice() {
        [id, value] => (id, value),
        [id, critical, value] if critical.tag == tlv::BOOLEAN => (id, value),
        _ => return Err("not a sequence of extnID, critical and extnValue"),
    };
    let id = parse_identifier(*id).ok_or("extnID is not an OBJECT IDENTIFIER")?;
    let octets = value
        .tagged(tlv::OCTET_STRING)
        .ok_or("extnValue is not in an OCTET STRING")?
        .contents;
    // A private extension's value need not be ASN.1 at all.
    let normalised = to_der(octets).map_or(Cow::Borrowed(octets), Cow::Owned);
    Ok((id, normalised))
}

fn parse_identifier(element: Element<'_>) -> Option<ObjectIdentifier> {
    let contents = element.tagged(tlv::OBJECT_IDENTIFIER)?.contents;
    ObjectIdentifier::from_bytes(contents).ok()
}
