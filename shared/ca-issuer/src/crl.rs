//! A CRL in two phases, RFC 5280 §5.1: what is to be signed, then the list around the signature.

use const_oid::db::rfc5280;
use der::asn1::{AnyRef, Uint};
use der::{Decode, Encode, Sequence};
use scep_protocol::{IssuingAuthority, Revocation, RevocationReason, RevokedCertificate};
use spki::AlgorithmIdentifierRef;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use x509_cert::crl::{CertificateList, RevokedCert};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{CrlNumber, CrlReason};
use x509_cert::serial_number::SerialNumber;
use x509_cert::time::Time;

use crate::EncodeError;
use crate::certificate::{
    algorithm_identifier, authority_key_identifier, extension, issued_by, signed, time,
};

/// What stands in a CRL beside its issuer.
#[derive(Clone, Debug)]
pub struct CrlContents<'a> {
    /// Greater than that of every CRL before, RFC 5280 §5.2.3.
    pub number: u64,
    /// When it is made.
    pub this_update: OffsetDateTime,
    /// Until when there will be another.
    pub next_update: OffsetDateTime,
    /// Its entries.
    pub revoked: &'a [RevokedCertificate],
}

/// How much earlier a CRL says that it was made, for clocks that are behind.
const BACKDATE: Duration = Duration::hours(1);

/// Version 2 of CRLs.
const VERSION_2: u8 = 1;

/// As in RFC 5280 §5.1; the issuer's name is spliced in as it is.
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

/// The TBSCertList, DER, to be signed by the authority's key.
///
/// # Errors
/// When the authority's names or a time cannot be encoded.
pub fn certificate_list(
    authority: &IssuingAuthority,
    contents: &CrlContents<'_>,
) -> Result<Vec<u8>, EncodeError> {
    let number = CrlNumber(Uint::new(&contents.number.to_be_bytes())?);
    let entries = contents.revoked.iter().map(entry);
    let entries = entries.collect::<Result<Vec<_>, _>>()?;
    let list = TbsCertList {
        version: VERSION_2,
        signature: algorithm_identifier(authority.key_algorithm),
        issuer: AnyRef::from_der(authority.certificate.subject())?,
        this_update: time(contents.this_update - BACKDATE)?,
        next_update: time(contents.next_update)?,
        // RFC 5280 §5.1.2.6: absent where it would be empty.
        revoked: (!entries.is_empty()).then_some(entries),
        extensions: vec![
            issued_by(&authority_key_identifier(authority)?)?,
            extension(rfc5280::ID_CE_CRL_NUMBER, false, &number)?,
        ],
    };
    Ok(list.to_der()?)
}

/// The CRL around the signature that the authority's key made over `to_be_signed`, DER.
///
/// # Errors
/// When `to_be_signed` is no TBSCertList.
pub fn assemble_crl(
    to_be_signed: &[u8],
    authority: &IssuingAuthority,
    signature: &[u8],
) -> Result<Vec<u8>, EncodeError> {
    signed(to_be_signed, authority.key_algorithm, signature)
}

/// The entries of a CRL of ours.
///
/// # Errors
/// When `crl` is none.
pub fn entries_of(crl: &[u8]) -> Result<Vec<RevokedCertificate>, EncodeError> {
    let list: CertificateList = CertificateList::from_der(crl)?;
    let entries = list.tbs_cert_list.revoked_certificates.unwrap_or_default();
    entries.iter().map(read_entry).collect()
}

fn entry(revoked: &RevokedCertificate) -> Result<RevokedCert, EncodeError> {
    let reason = reason_code(revoked.revocation.reason);
    let reason = reason.map(|reason| extension(rfc5280::ID_CE_CRL_REASONS, false, &reason));
    Ok(RevokedCert {
        serial_number: SerialNumber::new(revoked.uuid.as_bytes())?,
        revocation_date: time(revoked.revocation.at)?,
        crl_entry_extensions: reason.transpose()?.map(|reason| vec![reason]),
    })
}

fn read_entry(entry: &RevokedCert) -> Result<RevokedCertificate, EncodeError> {
    let serial_number = entry.serial_number.as_bytes().iter();
    let serial_number =
        serial_number.fold(0_u128, |number, octet| (number << 8) | u128::from(*octet));
    let extensions = entry.crl_entry_extensions.as_deref().unwrap_or_default();
    let reason = extensions
        .iter()
        .find(|extension| extension.extn_id == rfc5280::ID_CE_CRL_REASONS)
        .map(|extension| CrlReason::from_der(extension.extn_value.as_bytes()))
        .transpose()?;
    Ok(RevokedCertificate {
        uuid: Uuid::from_u128(serial_number),
        revocation: Revocation {
            at: OffsetDateTime::UNIX_EPOCH + entry.revocation_date.to_unix_duration(),
            reason: reason.map_or(RevocationReason::Unspecified, reason_of),
        },
    })
}

/// RFC 5280 §5.3.1: `unspecified` is said by saying nothing.
const fn reason_code(reason: RevocationReason) -> Option<CrlReason> {
    Some(match reason {
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

const fn reason_of(code: CrlReason) -> RevocationReason {
    match code {
        // The latter is in no CRL of ours.
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
