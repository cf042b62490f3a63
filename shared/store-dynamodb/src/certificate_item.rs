//! The items of certificates, and their ids.

use ca::generation::Generation;
use ca::id::{AuthorityUuid, CertificateUuid};
use ca::revocation::{Revocation, RevocationReason, RevokedCertificate};
use ca::serial_number::SerialNumber;
use scep_cms::certificate::Certificate;
use scep_cms::transaction_id::TransactionId;
use scep_protocol::annotations::Annotations;
use scep_protocol::id::{RaProfileUuid, ScepProfileUuid};
use scep_protocol::transaction::TransactionKey;
use scep_protocol::vouching::Vouching;
use scep_service::error::StoreError;
use scep_service::inventory::{CertificateRecord, CertificateSummary};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::attribute::{ByName, HexDigest, Millis, is_default, json_text};
use crate::item::{
    Item, MissingAttribute, REVOCATION_REASON, UUID, build_item, corrupt, parse_item,
};

const WHAT: &str = "certificate record";

/// The beginning of the id of a certificate, which its UUID follows.
const PREFIX: &str = "certificate/";

/// The hash key that all certificates share in the indexes that list every certificate.
// DynamoDB writes at most a thousand items a second under one hash key.
pub(crate) const ALL: &str = "certificate";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CertificateItem {
    #[serde(skip_deserializing)]
    list: String,
    #[serde(flatten)]
    summary: SummaryItem,
    transaction_id: String,
    certificate: ByteBuf,
    generation: Generation,
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    revoked_of: Option<String>,
    #[serde(skip_deserializing, skip_serializing_if = "String::is_empty")]
    search_key: String,
    #[serde(default, with = "json_text", skip_serializing_if = "is_default")]
    annotations: Annotations,
    #[serde(default, with = "json_text", skip_serializing_if = "is_default")]
    vouching: Option<Vouching>,
}

/// The attributes that the indexes of certificates hold as well.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SummaryItem {
    id: String,
    // Items of before have it beside an id of another form.
    #[serde(skip_serializing)]
    uuid: Option<CertificateUuid>,
    authority: AuthorityUuid,
    ra_profile: RaProfileUuid,
    scep_profile: ScepProfileUuid,
    serial_number: String,
    subject: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    common_name: Option<String>,
    key_sha256: HexDigest,
    #[serde(skip_serializing_if = "Option::is_none")]
    predecessor: Option<CertificateUuid>,
    not_before: Millis,
    not_after: Millis,
    issued_at: Millis,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revocation_reason: Option<ByName<RevocationReason>>,
}

/// The attributes that the index of revoked certificates holds.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RevokedItem {
    id: String,
    uuid: Option<CertificateUuid>,
    revoked_at: Millis,
    revocation_reason: ByName<RevocationReason>,
}

/// The key of a certificate, which every index holds.
#[derive(Deserialize)]
struct KeyItem {
    id: String,
}

/// Builds the id of a certificate.
pub(crate) fn certificate_id(uuid: CertificateUuid) -> String {
    format!("{PREFIX}{uuid}")
}

/// Builds the id that earlier versions gave a certificate, beside which they stored the UUID.
pub(crate) fn former_certificate_id(authority: AuthorityUuid, uuid: CertificateUuid) -> String {
    let serial_number = SerialNumber::from_uuid(uuid).to_hex();
    format!("{authority}/{serial_number}")
}

/// Reads the UUID of a certificate out of its id, or next to an id of an earlier version.
fn read_uuid(id: &str, uuid: Option<CertificateUuid>) -> Result<CertificateUuid, StoreError> {
    let of_id = || id.strip_prefix(PREFIX)?.parse().ok();
    uuid.or_else(of_id)
        .ok_or_else(|| corrupt(WHAT)(MissingAttribute(UUID)))
}

/// Builds the hash key under which the revoked certificates of a generation are listed.
pub(crate) fn revocation_list_key(authority: AuthorityUuid, generation: Generation) -> String {
    format!("{authority}/{generation}")
}

pub(crate) fn certificate_item(record: &CertificateRecord) -> Result<Item, StoreError> {
    let summary = &record.summary;
    build_item(CertificateItem {
        list: ALL.to_owned(),
        summary: SummaryItem::from(summary),
        transaction_id: record.transaction.transaction_id.as_str().to_owned(),
        certificate: ByteBuf::from(record.certificate.der()),
        generation: record.generation,
        revoked_of: summary
            .revocation
            .map(|_| revocation_list_key(summary.authority, record.generation)),
        // DynamoDB rejects an empty index key. Without one, a certificate with an empty subject is
        // left out of searches by subject, which could not find it anyway.
        search_key: summary.search_key(),
        annotations: record.annotations.clone(),
        vouching: record.vouching.clone(),
    })
}

impl From<&CertificateSummary> for SummaryItem {
    fn from(summary: &CertificateSummary) -> Self {
        Self {
            id: certificate_id(summary.uuid),
            uuid: None,
            authority: summary.authority,
            ra_profile: summary.ra_profile,
            scep_profile: summary.scep_profile,
            serial_number: summary.serial_number.clone(),
            subject: summary.subject.clone(),
            common_name: summary.common_name.clone(),
            key_sha256: HexDigest(summary.key),
            predecessor: summary.predecessor,
            not_before: Millis(summary.not_before),
            not_after: Millis(summary.not_after),
            issued_at: Millis(summary.issued_at),
            revoked_at: summary.revocation.map(|revocation| Millis(revocation.at)),
            revocation_reason: summary
                .revocation
                .map(|revocation| ByName(revocation.reason)),
        }
    }
}

impl SummaryItem {
    fn into_summary(self) -> Result<CertificateSummary, StoreError> {
        let revocation = match (self.revoked_at, self.revocation_reason) {
            (None, _) => None,
            (Some(Millis(at)), Some(ByName(reason))) => Some(Revocation { at, reason }),
            (Some(_), None) => return Err(corrupt(WHAT)(MissingAttribute(REVOCATION_REASON))),
        };
        Ok(CertificateSummary {
            uuid: read_uuid(&self.id, self.uuid)?,
            authority: self.authority,
            ra_profile: self.ra_profile,
            scep_profile: self.scep_profile,
            serial_number: self.serial_number,
            subject: self.subject,
            common_name: self.common_name,
            key: self.key_sha256.0,
            predecessor: self.predecessor,
            not_before: self.not_before.0,
            not_after: self.not_after.0,
            issued_at: self.issued_at.0,
            revocation,
        })
    }
}

pub(crate) fn parse_summary(item: Item) -> Result<CertificateSummary, StoreError> {
    parse_item::<SummaryItem>(WHAT, item)?.into_summary()
}

pub(crate) fn parse_record(item: Item) -> Result<CertificateRecord, StoreError> {
    let found: CertificateItem = parse_item(WHAT, item)?;
    let summary = found.summary.into_summary()?;
    let transaction_id = TransactionId::new(&found.transaction_id).map_err(corrupt(WHAT))?;
    Ok(CertificateRecord {
        transaction: TransactionKey {
            scep_profile: summary.scep_profile,
            transaction_id,
        },
        summary,
        certificate: Certificate::from_der(&found.certificate).map_err(corrupt(WHAT))?,
        generation: found.generation,
        annotations: found.annotations,
        vouching: found.vouching,
    })
}

pub(crate) fn parse_revoked(item: Item) -> Result<RevokedCertificate, StoreError> {
    let found: RevokedItem = parse_item(WHAT, item)?;
    Ok(RevokedCertificate {
        uuid: read_uuid(&found.id, found.uuid)?,
        revocation: Revocation {
            at: found.revoked_at.0,
            reason: found.revocation_reason.0,
        },
    })
}

/// Parses the id of a certificate from an item of an index.
pub(crate) fn parse_id(item: Item) -> Result<String, StoreError> {
    parse_item::<KeyItem>(WHAT, item).map(|found| found.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::{to_number, to_octets, to_text};
    use crate::samples;
    use crate::samples::{ANNOTATIONS_JSON, AUTHORITY, RA_PROFILE, SCEP_PROFILE, VOUCHING_JSON};

    #[test]
    fn a_record_is_stored_under_these_names_and_read_again() {
        let record = samples::sample_record();
        let item = certificate_item(&record).unwrap();
        let now = || to_number(1_767_323_045_678_i64);
        let expected = samples::build_sample_item([
            (
                "id",
                to_text("certificate/00000000-0000-0000-0000-000000000005"),
            ),
            ("list", to_text("certificate")),
            ("authority", to_text(AUTHORITY.to_string())),
            ("raProfile", to_text(RA_PROFILE.to_string())),
            ("scepProfile", to_text(SCEP_PROFILE.to_string())),
            ("transactionId", to_text("t 1")),
            ("serialNumber", to_text("05")),
            ("subject", to_text("CN=Device-1,O=Corp")),
            ("commonName", to_text("Device-1")),
            ("searchKey", to_text("device-1")),
            ("keySha256", to_text("ab".repeat(32))),
            ("certificate", to_octets(record.certificate.der())),
            ("notBefore", now()),
            ("notAfter", to_number(1_767_323_105_678_i64)),
            ("issuedAt", now()),
            ("generation", to_number(7)),
            (
                "predecessor",
                to_text("00000000-0000-0000-0000-000000000009"),
            ),
            ("revokedOf", to_text(format!("{AUTHORITY}/7"))),
            ("revokedAt", now()),
            ("revocationReason", to_text("keyCompromise")),
            ("annotations", to_text(ANNOTATIONS_JSON)),
            ("vouching", to_text(VOUCHING_JSON)),
        ]);
        assert_eq!(item, expected);
        assert_eq!(parse_record(item.clone()).unwrap(), record);
        assert_eq!(parse_summary(item).unwrap(), record.summary);
    }

    #[test]
    fn optional_attributes_are_left_out_rather_than_null_or_empty() {
        let mut record = samples::sample_record();
        record.summary.subject = String::new();
        record.summary.common_name = None;
        record.summary.predecessor = None;
        record.summary.revocation = None;
        record.annotations = Annotations::default();
        record.vouching = None;
        let item = certificate_item(&record).unwrap();
        for name in [
            "annotations",
            "commonName",
            "predecessor",
            "revocationReason",
            "revokedAt",
            "revokedOf",
            "searchKey",
            "vouching",
        ] {
            assert!(!item.contains_key(name), "{name}");
        }
        assert_eq!(parse_record(item).unwrap(), record);
    }

    #[test]
    fn a_revocation_that_cannot_be_read_is_corrupt_and_not_missing() {
        let item = certificate_item(&samples::sample_record()).unwrap();
        let mut without = item.clone();
        without.remove(REVOCATION_REASON);
        let mut unknown = item;
        unknown.insert(REVOCATION_REASON.to_owned(), to_text("boredom"));
        for item in [without, unknown] {
            assert!(matches!(
                parse_summary(item),
                Err(StoreError::Corrupt { .. })
            ));
        }
    }

    #[test]
    fn a_record_of_an_earlier_version_is_read() {
        let record = samples::sample_record();
        let mut item = certificate_item(&record).unwrap();
        let uuid = record.summary.uuid;
        item.insert(
            "id".to_owned(),
            to_text(former_certificate_id(AUTHORITY, uuid)),
        );
        assert!(matches!(
            parse_record(item.clone()),
            Err(StoreError::Corrupt { .. })
        ));
        item.insert(UUID.to_owned(), to_text(uuid.to_string()));
        assert_eq!(parse_record(item.clone()).unwrap(), record);
        assert_eq!(parse_revoked(item).unwrap().uuid, uuid);
    }

    #[test]
    fn a_former_id_has_the_serial_number_without_leading_zero_octets() {
        #[track_caller]
        fn check(serial_number: u128, digits: &str) {
            assert_eq!(
                former_certificate_id(AUTHORITY, CertificateUuid::from_u128(serial_number)),
                format!("{AUTHORITY}/{digits}")
            );
        }
        check(5, "05");
        check(0xabc, "0ABC");
        check(u128::MAX, &"F".repeat(32));
    }
}
