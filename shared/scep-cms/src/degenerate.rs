//! The degenerate certificates-only SignedData of RFC 8894 §3.4.

use const_oid::db::rfc5911;
use der::asn1::AnyRef;
use der::{Decode, Encode};

use crate::asn1::{ContentInfo, SetOf, SignedData};
use crate::ber::to_der;
use crate::error::{DecodeError, EncodeError};
use crate::pki_message::{copy_elements, parse_signed_data};

/// Certificates and CRLs in a SignedData without signers, each in DER.
///
/// Encoding and decoding preserve their order, although a SET OF has none: clients take the first
/// certificate for the leaf.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DegenerateSignedData {
    /// The certificates, the leaf first.
    pub certificates: Vec<Vec<u8>>,
    /// The CRLs, in DER.
    pub crls: Vec<Vec<u8>>,
}

impl DegenerateSignedData {
    /// Decodes a ContentInfo with a SignedData, BER or DER. Ignores its signers.
    ///
    /// # Errors
    /// When `ber` is not a SignedData.
    pub fn from_ber(ber: &[u8]) -> Result<Self, DecodeError> {
        let der = to_der(ber)?;
        let signed_data = parse_signed_data(&der)?;
        Ok(Self {
            certificates: copy_elements(signed_data.certificates)?,
            crls: copy_elements(signed_data.crls)?,
        })
    }

    /// Encodes a ContentInfo with the SignedData, in DER.
    ///
    /// # Errors
    /// When the certificates together are too long for a DER length.
    pub fn to_der(&self) -> Result<Vec<u8>, EncodeError> {
        self.encode().map_err(EncodeError::of("SignedData"))
    }

    fn encode(&self) -> der::Result<Vec<u8>> {
        // DER demands that a SET OF is sorted, X.690 §11.6. These keep their order: sorting could
        // move the leaf from its first place.
        let certificates = self.certificates.concat();
        let crls = self.crls.concat();
        let signed_data = SignedData {
            version: 1,
            digest_algorithms: SetOf::default(),
            encap_content_info: ContentInfo {
                content_type: rfc5911::ID_DATA,
                content: None,
            },
            // RFC 8894 §3.4: the fields are absent, not empty, when there is nothing to carry.
            certificates: (!certificates.is_empty()).then_some(SetOf(&certificates)),
            crls: (!crls.is_empty()).then_some(SetOf(&crls)),
            signer_infos: SetOf::default(),
        }
        .to_der()?;
        ContentInfo {
            content_type: rfc5911::ID_SIGNED_DATA,
            content: Some(AnyRef::from_der(&signed_data)?),
        }
        .to_der()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(certificates: &[&[u8]], crls: &[&[u8]]) {
        let copy = |elements: &[&[u8]]| elements.iter().map(|octets| octets.to_vec()).collect();
        let written = DegenerateSignedData {
            certificates: copy(certificates),
            crls: copy(crls),
        };
        let der = written.to_der().unwrap();
        assert_eq!(DegenerateSignedData::from_ber(&der), Ok(written));
        let signed_data = parse_signed_data(&der).unwrap();
        assert_eq!(signed_data.certificates.is_some(), !certificates.is_empty());
        assert_eq!(signed_data.crls.is_some(), !crls.is_empty());
    }

    #[test]
    fn certificates_and_crls_keep_their_order_and_empty_fields_are_absent() {
        let (one, other): (&[u8], &[u8]) = (&[0x30, 3, 2, 1, 9], &[0x30, 3, 2, 1, 1]);
        check(&[one, other], &[]);
        check(&[other, one], &[one]);
        check(&[], &[other]);
        check(&[], &[]);
    }

    #[test]
    fn what_is_no_signed_data_is_refused_by_name() {
        let error = |ber: &[u8]| DegenerateSignedData::from_ber(ber).unwrap_err().to_string();
        assert_eq!(error(&[0x30]), "decoding BER");
        assert_eq!(error(&[0x30, 2, 5, 0]), "decoding ContentInfo");
        let data = [0x30, 11, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
        assert_eq!(error(&data), "content other than SignedData");
    }
}
