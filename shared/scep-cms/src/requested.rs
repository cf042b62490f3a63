//! What the attributes of a PKCS #10 request ask for: extensions, and its challengePassword.

use std::borrow::Cow;

use const_oid::ObjectIdentifier;

use crate::ber::to_der;
use crate::challenge::ChallengePassword;
use crate::csr_fault::{AttributeFault, ChallengeFault, CsrFault};
use crate::oid;
use crate::tlv::{self, Element};

/// An extension that the request asks for; it is up to the CA what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedExtension {
    /// Its kind.
    pub id: ObjectIdentifier,
    /// Its value, DER; as it came where it is not BER.
    pub value: Vec<u8>,
}

/// What the attributes ask for, all of one kind put together.
#[derive(Clone, Default)]
pub(crate) struct Requested {
    pub(crate) extensions: Vec<RequestedExtension>,
    pub(crate) challenge: Option<ChallengePassword>,
    /// Why there is no challenge, though the request has one.
    pub(crate) challenge_fault: Option<ChallengeFault>,
}

impl Requested {
    /// Reads attributes, DER, in whatever order. What says the same twice says it once; unknown attributes say nothing.
    pub(crate) fn read(attributes: Element<'_>) -> Result<Self, CsrFault> {
        let mut requested = Self::default();
        for (index, attribute) in attributes.elements().enumerate() {
            let fault = |fault| CsrFault::Attribute { index, fault };
            let attribute = attribute.ok_or(fault(AttributeFault::NotAnAttribute))?;
            let (kind, values) = kind_and_values(attribute).map_err(fault)?;
            for value in values.elements() {
                let value = value.ok_or(fault(AttributeFault::NotInASet))?;
                match kind {
                    oid::CHALLENGE_PASSWORD => requested.add_challenge(value),
                    // An empty set of values asks for nothing, as an empty sequence of extensions does.
                    oid::EXTENSION_REQUEST | oid::MICROSOFT_EXTENSIONS => {
                        let extensions = value.tagged(tlv::SEQUENCE);
                        let extensions = extensions.ok_or(fault(AttributeFault::NotExtensions))?;
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
            let read = element.ok_or("not an element").and_then(extension);
            let (id, value) = read.map_err(|fault| CsrFault::Extension {
                attribute,
                index,
                fault,
            })?;
            // .NET has no other door for attributes than the extensions.
            if id == oid::CHALLENGE_PASSWORD {
                self.add_challenge_in_extension(&value);
                continue;
            }
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

    /// A value by itself, or in the SET that an attribute has.
    fn add_challenge_in_extension(&mut self, value: &[u8]) {
        let value = Element::only(value);
        let values = value.and_then(|value| match value.tag {
            tlv::SET => value.parts(),
            _ => Some(vec![value]),
        });
        match values {
            Some(values) => values
                .into_iter()
                .for_each(|value| self.add_challenge(value)),
            None => self.challenge_fault = Some(ChallengeFault::NotText),
        }
    }

    /// One that is empty is none.
    fn add_challenge(&mut self, value: Element<'_>) {
        let challenge = match ChallengePassword::from_string(value.tag, value.contents) {
            Ok(challenge) => challenge,
            Err(fault) => {
                self.challenge_fault = Some(fault);
                return;
            }
        };
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

fn kind_and_values(
    attribute: Element<'_>,
) -> Result<(ObjectIdentifier, Element<'_>), AttributeFault> {
    let parts = attribute.tagged(tlv::SEQUENCE).and_then(Element::parts);
    let parts = parts.ok_or(AttributeFault::NotAnAttribute)?;
    let [kind, values] = parts.as_slice() else {
        return Err(AttributeFault::NotAnAttribute);
    };
    let kind = identifier(*kind).ok_or(AttributeFault::NotAnAttribute)?;
    let values = values.tagged(tlv::SET).ok_or(AttributeFault::NotInASet)?;
    Ok((kind, values))
}

/// ```asn1
/// Extension ::= SEQUENCE { extnID OBJECT IDENTIFIER, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING }
/// ```
/// Whether it is to be critical is the CA's affair, so that it does not matter how TRUE is written.
fn extension(element: Element<'_>) -> Result<(ObjectIdentifier, Cow<'_, [u8]>), &'static str> {
    let parts = element.tagged(tlv::SEQUENCE).and_then(Element::parts);
    let parts = parts.ok_or("not a sequence of extnID, critical and extnValue")?;
    let (id, value) = match parts.as_slice() {
        [id, value] => (id, value),
        [id, critical, value] if critical.tag == tlv::BOOLEAN => (id, value),
        _ => return Err("not a sequence of extnID, critical and extnValue"),
    };
    let id = identifier(*id).ok_or("extnID is no object identifier")?;
    let value = value.tagged(tlv::OCTET_STRING);
    let value = value.ok_or("extnValue is not in an OCTET STRING")?.contents;
    Ok((id, to_der(value).map_or(Cow::Borrowed(value), Cow::Owned)))
}

fn identifier(element: Element<'_>) -> Option<ObjectIdentifier> {
    let contents = element.tagged(tlv::OBJECT_IDENTIFIER)?.contents;
    ObjectIdentifier::from_bytes(contents).ok()
}
