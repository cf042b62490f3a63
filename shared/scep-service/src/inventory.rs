//! The lists that administrators see of certificates, transactions and audit records, in pages.

mod alternative_names;
mod certificate_matcher;
mod search_key;
mod subject_search;

pub use alternative_names::{AlternativeNameSearch, AlternativeNames};
pub use certificate_matcher::CertificateMatcher;
pub use subject_search::SubjectSearch;

use ca::generation::Generation;
use ca::id::{AuthorityUuid, CertificateUuid};
use ca::requested_contents::RequestedContents;
use ca::revocation::Revocation;
use scep_cms::certificate::Certificate;
use scep_protocol::annotations::Annotations;
use scep_protocol::id::{ChallengeUuid, RaProfileUuid, ScepProfileUuid, TransactionUuid};
use scep_protocol::transaction::{Fingerprint, Transaction, TransactionKey};
use scep_protocol::vouching::Vouching;
use strum::{EnumString, IntoStaticStr, VariantArray};
use time::OffsetDateTime;
use uuid::Uuid;

/// The record of a certificate in the inventory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRecord {
    /// The part that lists show.
    pub summary: CertificateSummary,
    /// The transaction that led to the certificate.
    pub transaction: TransactionKey,
    /// The certificate.
    pub certificate: Certificate,
    /// The generation of the authority that issued the certificate.
    pub generation: Generation,
    /// The annotations that the profile adds to records.
    pub annotations: Annotations,
    /// What vouched for the certificate.
    pub vouching: Option<Vouching>,
}

/// A certificate in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateSummary {
    /// The identity in the API: the serial number, which has the same length.
    pub uuid: CertificateUuid,
    /// The authority that issued the certificate.
    pub authority: AuthorityUuid,
    /// The RA Profile whose rules the certificate follows.
    pub ra_profile: RaProfileUuid,
    /// The SCEP Profile that received the request.
    pub scep_profile: ScepProfileUuid,
    /// The serial number in upper-case hexadecimal, unique within the authority.
    pub serial_number: String,
    /// The subject, in the text form of RFC 4514.
    pub subject: String,
    /// The first CN of the subject.
    pub common_name: Option<String>,
    /// The fingerprint of the certified key.
    pub key: Fingerprint,
    /// The certificate that this one renewed.
    pub predecessor: Option<CertificateUuid>,
    /// The start of the validity period.
    pub not_before: OffsetDateTime,
    /// The end of the validity period.
    pub not_after: OffsetDateTime,
    /// The time at which the certificate was recorded.
    pub issued_at: OffsetDateTime,
    /// Set once the certificate is revoked.
    pub revocation: Option<Revocation>,
}

/// The status of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "UPPERCASE")]
pub enum CertificateStatus {
    /// The certificate has expired.
    Expired,
    /// The certificate is revoked, and may have expired since.
    Revoked,
    /// The certificate is neither expired nor revoked.
    Valid,
}

impl CertificateStatus {
    /// Returns the name used in the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl CertificateSummary {
    /// Returns the status at this time.
    #[must_use]
    pub fn status(&self, now: OffsetDateTime) -> CertificateStatus {
        // Revocation is permanent and takes precedence over expiry.
        if self.revocation.is_some() {
            return CertificateStatus::Revoked;
        }
        if self.not_after < now {
            return CertificateStatus::Expired;
        }
        CertificateStatus::Valid
    }
}

/// A filter for certificates. A certificate is listed if it matches every field that is set.
#[derive(Clone, Debug, Default)]
pub struct CertificateFilter {
    /// A prefix of the CN, or of the whole subject when there is no CN; a text with an `=` in it
    /// matches any part of the subject. Case is ignored.
    pub subject: Option<String>,
    /// A prefix of an alternative name, with or without its type. Case is ignored. The list is then
    /// sorted by these names. Certificates that were recorded by a version without such searches
    /// are not found.
    pub alternative_name: Option<String>,
    /// The identity, which is the serial number.
    pub uuid: Option<CertificateUuid>,
    /// The authority that issued the certificate.
    pub authority: Option<AuthorityUuid>,
    /// The RA Profile of the certificate.
    pub ra_profile: Option<RaProfileUuid>,
    /// The SCEP Profile of the certificate.
    pub scep_profile: Option<ScepProfileUuid>,
    /// The one-time challenge whose uses led to the certificates. They are then listed in the
    /// order of the uses, the latest first.
    pub challenge: Option<ChallengeUuid>,
    /// The certificate that was renewed.
    pub predecessor: Option<CertificateUuid>,
    /// The fingerprint of the certified key.
    pub key: Option<Fingerprint>,
    /// The earliest expiry, inclusive.
    pub not_after_from: Option<OffsetDateTime>,
    /// The latest expiry, exclusive. The list is then sorted by expiry, earliest first.
    pub not_after_before: Option<OffsetDateTime>,
    /// Whether the certificate is revoked.
    pub revoked: Option<bool>,
}

impl CertificateFilter {
    /// Returns whether a certificate matches every field except the names and the challenge.
    fn matches_all_but_names(&self, summary: &CertificateSummary) -> bool {
        fn is<T: PartialEq>(wanted: Option<T>, found: T) -> bool {
            wanted.is_none_or(|wanted| wanted == found)
        }
        is(self.uuid, summary.uuid)
            && is(self.authority, summary.authority)
            && is(self.ra_profile, summary.ra_profile)
            && is(self.scep_profile, summary.scep_profile)
            && self
                .predecessor
                .is_none_or(|wanted| summary.predecessor == Some(wanted))
            && self.key.is_none_or(|wanted| wanted == summary.key)
            && self
                .revoked
                .is_none_or(|revoked| revoked == summary.revocation.is_some())
            && self
                .not_after_from
                .is_none_or(|from| from <= summary.not_after)
            && self
                .not_after_before
                .is_none_or(|before| summary.not_after < before)
    }
}

/// The status of a transaction in lists, in the order in which an unfiltered list shows them.
// Transactions that need an administrator come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "UPPERCASE")]
pub enum TransactionStatus {
    /// The transaction waits for an administrator.
    Pending,
    /// A process is issuing the certificate.
    Issuing,
    /// An administrator rejected the transaction.
    Rejected,
    /// The certificate is issued.
    Issued,
}

impl TransactionStatus {
    /// Returns the name used in the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// A transaction in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionSummary {
    /// The identity in the API.
    pub uuid: TransactionUuid,
    /// The client's transactionID.
    pub transaction_id: String,
    /// The SCEP Profile that received the request.
    pub scep_profile: ScepProfileUuid,
    /// The RA Profile of the request.
    pub ra_profile: RaProfileUuid,
    /// The status.
    pub status: TransactionStatus,
    /// The messageType of the request, in decimal digits.
    pub message_type: String,
    /// The subject of the certificate, in the text form of RFC 4514.
    pub subject: String,
    /// The certificate that the transaction led to.
    pub certificate: Option<CertificateUuid>,
    /// The time of the claim.
    pub created_at: OffsetDateTime,
}

/// A transaction with its summary.
#[derive(Clone, Debug)]
pub struct TransactionRecord {
    /// The part that lists show.
    pub summary: TransactionSummary,
    /// The transaction.
    pub transaction: Transaction,
    /// What its request asked for, if it waited for an administrator. Those of earlier versions
    /// lack it.
    pub requested: Option<RequestedContents>,
}

/// A filter for audit records, which are listed newest first. A record is listed if it matches
/// every field that is set.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// The object that was changed.
    pub object: Option<Uuid>,
    /// The earliest time, inclusive.
    pub since: Option<OffsetDateTime>,
    /// The latest time, exclusive.
    pub until: Option<OffsetDateTime>,
}

/// The start and the maximum length of a page.
#[derive(Clone, Debug)]
pub struct PageRequest {
    /// The maximum number of items.
    pub limit: u16,
    /// The [`Page::cursor`] of the previous page; `None` for the first page.
    pub cursor: Option<String>,
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// At most as many items as requested. A shorter page, even an empty one, is not necessarily
    /// the last.
    pub items: Vec<T>,
    /// The start of the next page; `None` on the last page.
    pub cursor: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_by_its_name_in_the_api() {
        for status in CertificateStatus::VARIANTS {
            assert_eq!(status.name().parse(), Ok(*status));
        }
        let names = CertificateStatus::VARIANTS
            .iter()
            .map(|status| status.name());
        assert!(names.eq(["EXPIRED", "REVOKED", "VALID"]));
        for status in TransactionStatus::VARIANTS {
            assert_eq!(status.name().parse(), Ok(*status));
        }
        let names = TransactionStatus::VARIANTS
            .iter()
            .map(|status| status.name());
        assert!(names.eq(["PENDING", "ISSUING", "REJECTED", "ISSUED"]));
    }
}
