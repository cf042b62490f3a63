//! What a webhook is told of certificates and refused requests.

use std::net::IpAddr;

use newtype_uuid::GenericUuid;
use scep_protocol::notice::{NoticeEvent, RefusedRequest, RevokedCertificate};
use scep_service::inventory::CertificateRecord;
use scep_service::ports::Announcement;
use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::webhook::client::format_time;
use crate::webhook::error::WebhookError;
use crate::webhook::question::ProfileName;

/// The content of a notification.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Notification<'a> {
    scep_profile: ProfileName<'a>,
    /// `None` if the RA Profile is deleted.
    ra_profile: Option<ProfileName<'a>>,
    #[serde(flatten)]
    subject: Subject<'a>,
}

/// What the notification is about.
#[derive(Serialize)]
#[serde(untagged)]
enum Subject<'a> {
    Certificate(CertificateView<'a>),
    Request(RequestView<'a>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CertificateView<'a> {
    transaction_id: &'a str,
    uuid: Uuid,
    serial_number: &'a str,
    subject: &'a str,
    key_sha256: String,
    not_before: String,
    not_after: String,
    predecessor_uuid: Option<Uuid>,
    certificate: String,
    #[serde(flatten)]
    revocation: Option<RevocationView<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RevocationView<'a> {
    revoked_at: String,
    reason: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestView<'a> {
    transaction_id: &'a str,
    subject: &'a str,
    key_sha256: &'a str,
    fail_info: &'a str,
    reason: &'a str,
    client_address: Option<IpAddr>,
}

impl<'a> Notification<'a> {
    /// The type and the content of a notification.
    pub(super) fn of(
        announcement: &Announcement<'a>,
    ) -> Result<(&'static str, Self), WebhookError> {
        let record = || announcement.certificate.ok_or(WebhookError::RecordMissing);
        let (kind, subject) = match &announcement.notice.event {
            NoticeEvent::Issued(_) => (
                "scep.certificate.issued",
                Subject::Certificate(CertificateView::of(record()?, None)?),
            ),
            NoticeEvent::Refused(refused) => (
                "scep.request.refused",
                Subject::Request(RequestView::of(refused)),
            ),
            NoticeEvent::Revoked(revoked) => {
                let revocation = RevocationView::of(revoked)?;
                (
                    "scep.certificate.revoked",
                    Subject::Certificate(CertificateView::of(record()?, Some(revocation))?),
                )
            }
        };
        let scep_profile = announcement.scep_profile;
        let notification = Self {
            scep_profile: ProfileName {
                uuid: scep_profile.uuid.into_untyped_uuid(),
                name: scep_profile.name.as_str(),
            },
            ra_profile: announcement.ra_profile.map(|ra_profile| ProfileName {
                uuid: ra_profile.uuid.into_untyped_uuid(),
                name: ra_profile.name.as_str(),
            }),
            subject,
        };
        Ok((kind, notification))
    }
}

impl<'a> CertificateView<'a> {
    fn of(
        record: &'a CertificateRecord,
        revocation: Option<RevocationView<'a>>,
    ) -> Result<Self, WebhookError> {
        let summary = &record.summary;
        Ok(Self {
            transaction_id: record.transaction.transaction_id.as_str(),
            uuid: summary.uuid.into_untyped_uuid(),
            serial_number: &summary.serial_number,
            subject: &summary.subject,
            key_sha256: summary.key.to_string(),
            not_before: format_time(summary.not_before)?,
            not_after: format_time(summary.not_after)?,
            predecessor_uuid: summary.predecessor.map(GenericUuid::into_untyped_uuid),
            certificate: record.certificate.to_pem(),
            revocation,
        })
    }
}

impl<'a> RevocationView<'a> {
    fn of(revoked: &'a RevokedCertificate) -> Result<Self, WebhookError> {
        let at = OffsetDateTime::from_unix_timestamp(revoked.revoked_at)
            .map_err(|error| WebhookError::Encode(error.into()))?;
        Ok(Self {
            revoked_at: format_time(at)?,
            reason: &revoked.reason,
        })
    }
}

impl<'a> RequestView<'a> {
    fn of(refused: &'a RefusedRequest) -> Self {
        Self {
            transaction_id: &refused.transaction_id,
            subject: &refused.subject,
            key_sha256: &refused.key_sha256,
            fail_info: &refused.fail_info,
            reason: &refused.reason,
            client_address: refused.client_address,
        }
    }
}
