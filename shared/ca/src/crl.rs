//! A CRL in two phases, RFC 5280 §5.1: first the TBSCertList, then the list around its signature.

use const_oid::db::rfc5280;
use der::asn1::{AnyRef, Uint};
use der::{Decode, Encode, Sequence};
use scep_cms::error::{DecodeError, EncodeError};
use spki::AlgorithmIdentifierRef;
use time::{Duration, OffsetDateTime};
use x509_cert::crl::{CertificateList, RevokedCert};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{CrlNumber, CrlReason};
use x509_cert::serial_number::SerialNumber;
use x509_cert::time::Time;

use crate::authority::IssuingAuthority;
use crate::error::BuildError;
use crate::id::CertificateUuid;
use crate::revocation::{Revocation, RevocationReason, RevokedCertificate};
use crate::tbs_certificate::{
    algorithm_identifier, authority_key_identifier, build_authority_key_identifier,
    encode_extension, encode_signed, encode_time,
};

/// The contents of a CRL, apart from its issuer.
#[derive(Clone, Debug)]
pub struct CrlContents<'a> {
    /// The cRLNumber: greater than that of every earlier CRL, RFC 5280 §5.2.3.
    pub number: u64,
    /// The time of issue.
    pub this_update: OffsetDateTime,
    /// The time by which the next CRL is published.
    pub next_update: OffsetDateTime,
    /// The revoked certificates.
    pub revoked: &'a [RevokedCertificate],
}

/// How far thisUpdate is backdated: a verifier whose clock is behind would reject a CRL from the
/// future.
const BACKDATE: Duration = Duration::hours(1);

/// Version 2, which extensions require; versions are counted from 0.
const VERSION_2: u8 = 1;

/// TBSCertList, RFC 5280 §5.1.
///
/// The issuer's name keeps its encoding, so that it is octet by octet the subject of the
/// authority's certificate.
#[derive(Sequence)]
struct TbsCertList<'a> {
    version: u8,
    signature: AlgorithmIdentifierRef<'a>,
    issuer: AnyRef<'a>,
    this_update: Time,
    next_update: Time,
    #[asn1(optional = "true")]
    revoked: Option<Vec<RevokedCert>>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    extensions: Vec<Extension>,
}

/// Encodes the TBSCertList, DER, that the authority's key is to sign.
///
/// # Errors
/// When the authority's names or a time cannot be encoded.
pub fn build_crl_tbs(
    authority: &IssuingAuthority,
    contents: &CrlContents<'_>,
) -> Result<Vec<u8>, BuildError> {
    let number = Uint::new(&contents.number.to_be_bytes()).map_err(EncodeError::of("CRLNumber"))?;
    let entries = contents
        .revoked
        .iter()
        .map(encode_entry)
        .collect::<Result<Vec<_>, _>>()?;
    let list = TbsCertList {
        version: VERSION_2,
        signature: algorithm_identifier(authority.key_algorithm),
        issuer: AnyRef::from_der(authority.certificate.subject())
            .map_err(DecodeError::of("Name"))?,
        this_update: encode_time(contents.this_update - BACKDATE)?,
        next_update: encode_time(contents.next_update)?,
        // RFC 5280 §5.1.2.6: the field must be absent rather than empty.
        revoked: (!entries.is_empty()).then_some(entries),
        // RFC 5280 §5.2.1 and §5.2.3 require both of a conforming CA.
        extensions: vec![
            build_authority_key_identifier(&authority_key_identifier(authority)?)?,
            encode_extension(rfc5280::ID_CE_CRL_NUMBER, false, &CrlNumber(number))?,
        ],
    };
    Ok(list.to_der().map_err(EncodeError::of("TBSCertList"))?)
}

/// Assembles a CRL, DER, from a TBSCertList and the signature of the authority's key over it.
///
/// # Errors
/// When `to_be_signed` is not DER.
pub fn assemble_crl(
    to_be_signed: &[u8],
    authority: &IssuingAuthority,
    signature: &[u8],
) -> Result<Vec<u8>, EncodeError> {
    encode_signed(to_be_signed, authority.key_algorithm, signature)
        .map_err(EncodeError::of("CertificateList"))
}

/// Reads the entries of a CRL that this server issued.
///
/// # Errors
/// When `crl` is not a CRL.
pub fn read_crl_entries(crl: &[u8]) -> Result<Vec<RevokedCertificate>, DecodeError> {
    let list: CertificateList =
        CertificateList::from_der(crl).map_err(DecodeError::of("CertificateList"))?;
    let entries = list.tbs_cert_list.revoked_certificates.unwrap_or_default();
    entries.iter().map(decode_entry).collect()
}

fn encode_entry(revoked: &RevokedCertificate) -> Result<RevokedCert, EncodeError> {
    let reason = reason_code(revoked.revocation.reason)
        .map(|code| encode_extension(rfc5280::ID_CE_CRL_REASONS, false, &code))
        .transpose()?;
    Ok(RevokedCert {
        serial_number: SerialNumber::new(revoked.uuid.as_bytes())
            .map_err(EncodeError::of("CertificateSerialNumber"))?,
        revocation_date: encode_time(revoked.revocation.at)?,
        crl_entry_extensions: reason.map(|extension| vec![extension]),
    })
}

fn decode_entry(entry: &RevokedCert) -> Result<RevokedCertificate, DecodeError> {
    // Serial numbers have at most 128 bits, so nothing is shifted out.
    let serial_number = entry
        .serial_number
        .as_bytes()
        .iter()
        .fold(0_u128, |number, octet| (number << 8) | u128::from(*octet));
    let extensions = entry.crl_entry_extensions.as_deref().unwrap_or_default();
    let reason = extensions
        .iter()
        .find(|extension| extension.extn_id == rfc5280::ID_CE_CRL_REASONS)
        .map(|extension| CrlReason::from_der(extension.extn_value.as_bytes()))
        .transpose()
        .map_err(DecodeError::of("CRLReason"))?;
    Ok(RevokedCertificate {
        uuid: CertificateUuid::from_u128(serial_number),
        revocation: Revocation {
            at: OffsetDateTime::UNIX_EPOCH + entry.revocation_date.to_unix_duration(),
            reason: reason.map_or(RevocationReason::Unspecified, revocation_reason),
        },
    })
}

/// The reason code of an entry; `None` when the entry has no reasonCode extension.
const fn reason_code(reason: RevocationReason) -> Option<CrlReason> {
    Some(match reason {
        // RFC 5280 §5.3.1: the extension should be absent instead of saying `unspecified`.
        RevocationReason::Unspecified => return None,
        RevocationReason::KeyCompromise => CrlReason::KeyCompromise,
        RevocationReason::CaCompromise => CrlReason::CaCompromise,
        RevocationReason::AffiliationChanged => CrlReason::AffiliationChanged,
        RevocationReason::Superseded => CrlReason::Superseded,
        RevocationReason::CessationOfOperation => CrlReason::CessationOfOperation,
        RevocationReason::CertificateHold => CrlReason::CertificateHold,
        RevocationReason::PrivilegeWithdrawn => CrlReason::PrivilegeWithdrawn,
        RevocationReason::AaCompromise => CrlReason::AaCompromise,
    })
}

const fn revocation_reason(code: CrlReason) -> RevocationReason {
    match code {
        // removeFromCRL occurs in delta CRLs only, and this server issues none.
        CrlReason::Unspecified | CrlReason::RemoveFromCRL => RevocationReason::Unspecified,
        CrlReason::KeyCompromise => RevocationReason::KeyCompromise,
        CrlReason::CaCompromise => RevocationReason::CaCompromise,
        CrlReason::AffiliationChanged => RevocationReason::AffiliationChanged,
        CrlReason::Superseded => RevocationReason::Superseded,
        CrlReason::CessationOfOperation => RevocationReason::CessationOfOperation,
        CrlReason::CertificateHold => RevocationReason::CertificateHold,
        CrlReason::PrivilegeWithdrawn => RevocationReason::PrivilegeWithdrawn,
        CrlReason::AaCompromise => RevocationReason::AaCompromise,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leaf::tests::issuing_authority;

    #[track_caller]
    fn check(revoked: &[RevokedCertificate]) -> CertificateList {
        let now = OffsetDateTime::UNIX_EPOCH + Duration::days(20_000);
        let contents = CrlContents {
            number: 7,
            this_update: now,
            next_update: now + Duration::WEEK,
            revoked,
        };
        let authority = issuing_authority();
        let to_be_signed = build_crl_tbs(&authority, &contents).unwrap();
        let crl = assemble_crl(&to_be_signed, &authority, &[1; 64]).unwrap();
        assert_eq!(read_crl_entries(&crl).unwrap(), revoked);
        CertificateList::from_der(&crl).unwrap()
    }

    #[test]
    fn a_crl_lists_what_is_revoked_with_its_reason() {
        use RevocationReason::{
            AaCompromise, AffiliationChanged, CaCompromise, CertificateHold, CessationOfOperation,
            KeyCompromise, PrivilegeWithdrawn, Superseded, Unspecified,
        };
        let reasons = [
            AaCompromise,
            AffiliationChanged,
            CaCompromise,
            CertificateHold,
            CessationOfOperation,
            KeyCompromise,
            PrivilegeWithdrawn,
            Superseded,
            Unspecified,
        ];
        let revoked: Vec<_> = reasons
            .into_iter()
            .zip(1..)
            .map(|(reason, days)| RevokedCertificate {
                // A serial number whose first octet is zero has fewer octets in DER.
                uuid: CertificateUuid::from_u128(u128::MAX >> (8 * days)),
                revocation: Revocation {
                    at: OffsetDateTime::UNIX_EPOCH + Duration::days(days),
                    reason,
                },
            })
            .collect();
        check(&revoked);
    }

    #[test]
    fn a_crl_without_entries_lacks_the_field() {
        assert_eq!(check(&[]).tbs_cert_list.revoked_certificates, None);
    }

    #[test]
    fn a_corrupt_crl_is_not_decoded() {
        let error = read_crl_entries(&[0x30, 2, 5, 0]).unwrap_err();
        assert_eq!(error.to_string(), "decoding CertificateList");
    }
}
