//! Degenerate certificates-only SignedData, RFC 8894 §3.4.

use der::asn1::AnyRef;
use der::{Decode, Encode};

use crate::asn1::{ContentInfo, SetOf, SignedData};
use crate::pki_message::{elements, signed_data};
use crate::{DecodeError, oid, to_der};

/// Certificates and CRLs in a SignedData without signers; each DER, in the order in which they are to be read.
///
/// The order is kept although a SET OF has none: clients take the first certificate for the leaf.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Degenerate {
    /// Certificates, the leaf first.
    pub certificates: Vec<Vec<u8>>,
    /// CRLs.
    pub crls: Vec<Vec<u8>>,
}

impl Degenerate {
    /// Reads one, BER or DER. Signers, if any, are ignored.
    ///
    /// # Errors
    /// When `ber` is not a SignedData.
    pub fn from_ber(ber: &[u8]) -> Result<Self, DecodeError> {
        let der = to_der(ber)?;
        let signed_data = signed_data(&der)?;
        Ok(Self {
            certificates: elements(signed_data.certificates)?,
            crls: elements(signed_data.crls)?,
        })
    }

    /// DER.
    ///
    /// # Errors
    /// When the certificates together are longer than DER's lengths reach.
    pub fn to_der(&self) -> Result<Vec<u8>, DecodeError> {
        self.encode().map_err(DecodeError::of("SignedData"))
    }

    fn encode(&self) -> der::Result<Vec<u8>> {
        let certificates = self.certificates.concat();
        let crls = self.crls.concat();
        let signed_data = SignedData {
            version: 1,
            digest_algorithms: SetOf::default(),
            encap_content_info: ContentInfo {
                content_type: oid::DATA,
                content: None,
            },
            certificates: (!certificates.is_empty()).then_some(SetOf(&certificates)),
            crls: (!crls.is_empty()).then_some(SetOf(&crls)),
            signer_infos: SetOf::default(),
        }
        .to_der()?;
        ContentInfo {
            content_type: oid::SIGNED_DATA,
            content: Some(AnyRef::from_der(&signed_data)?),
        }
        .to_der()
    }
}
