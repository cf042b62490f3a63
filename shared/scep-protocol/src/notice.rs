//! Notices: what became of a request or a certificate, for a service that is to hear of it. They
//! are stored with the event itself, and delivered afterwards until the service has received them.

use std::net::IpAddr;

use ca::id::{AuthorityUuid, CertificateUuid};
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};
use time::{Duration, OffsetDateTime};

use crate::id::{NoticeUuid, RaProfileUuid, ScepProfileUuid};
use crate::profile::NotificationKind;
use crate::reported_csr::ReportedCsr;

/// How long the process that wrote a notice has to deliver it before others may.
// It is longer than that process signs, which comes first, and then tries to deliver it.
const HEAD_START: Duration = Duration::seconds(15);

/// The wait after the first failed delivery; it doubles with each further one, up to
/// [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::minutes(1);

/// The longest wait between two deliveries.
const LONGEST_WAIT: Duration = Duration::hours(6);

/// How long a notice is delivered again before it is given up.
const GIVEN_UP_AFTER: Duration = Duration::days(3);

/// A service that hears of events.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    EnumString,
    IntoStaticStr,
    VariantArray,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum NoticeReceiver {
    /// Microsoft Intune.
    Intune,
    /// The webhook of the SCEP Profile.
    Webhook,
}

/// What a service hears of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum NoticeEvent {
    /// A certificate was issued.
    Issued(IssuedCertificate),
    /// A request was refused.
    Refused(Box<RefusedRequest>),
    /// A certificate was revoked, or a hold on it became final.
    Revoked(RevokedCertificate),
}

impl NoticeEvent {
    /// Takes the PKCS #10 request out of the event, for receivers that do not need it.
    pub fn take_csr(&mut self) -> Option<ReportedCsr> {
        match self {
            Self::Issued(issued) => issued.csr.take(),
            Self::Refused(refused) => refused.csr.take(),
            Self::Revoked(_) => None,
        }
    }

    /// The kind of event, by which profiles choose what a service hears of.
    #[must_use]
    pub const fn kind(&self) -> NotificationKind {
        match self {
            Self::Issued(_) => NotificationKind::Issued,
            Self::Refused(_) => NotificationKind::Refused,
            Self::Revoked(_) => NotificationKind::Revoked,
        }
    }
}

/// A certificate that was issued. Its record has the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IssuedCertificate {
    /// The authority that issued it.
    pub authority: AuthorityUuid,
    /// Its identity, which is its serial number.
    pub certificate: CertificateUuid,
    /// The PKCS #10 request; `None` if the receiver does not need it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csr: Option<ReportedCsr>,
}

/// A request that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RefusedRequest {
    /// The RA Profile that received it.
    pub ra_profile: RaProfileUuid,
    /// Its transactionID.
    pub transaction_id: String,
    /// The subject that it asked for, in the text form of RFC 4514.
    pub subject: String,
    /// The fingerprint of the key to be certified: SHA-256 of its SubjectPublicKeyInfo, in
    /// hexadecimal digits.
    pub key_sha256: String,
    /// The name of the failInfo, RFC 8894 §3.2.1.4.
    pub fail_info: String,
    /// The failInfoText that the client got.
    pub reason: String,
    /// The address of the client, as far as it was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_address: Option<IpAddr>,
    /// The PKCS #10 request; `None` if the receiver does not need it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csr: Option<ReportedCsr>,
}

/// A certificate that was revoked. Its record has the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RevokedCertificate {
    /// The authority that issued it.
    pub authority: AuthorityUuid,
    /// Its identity, which is its serial number.
    pub certificate: CertificateUuid,
    /// The reason, by its name in RFC 5280 §5.3.1.
    pub reason: String,
    /// The time of the revocation in seconds since 1970.
    pub revoked_at: i64,
}

/// An event, and a service that is to hear of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The identity, by which the receiver recognises a repeated delivery.
    pub uuid: NoticeUuid,
    /// The SCEP Profile, whose settings say where the receiver is.
    pub scep_profile: ScepProfileUuid,
    /// The receiver.
    pub receiver: NoticeReceiver,
    /// What happened.
    pub event: NoticeEvent,
    /// The number of deliveries that failed.
    pub attempts: u32,
    /// When it happened.
    pub created_at: OffsetDateTime,
    /// When any process may deliver it.
    pub due_at: OffsetDateTime,
}

impl Notice {
    /// A notice of something that happens now. The process that writes it is the first to deliver
    /// it.
    #[must_use]
    pub fn new(
        uuid: NoticeUuid,
        scep_profile: ScepProfileUuid,
        receiver: NoticeReceiver,
        event: NoticeEvent,
        now: OffsetDateTime,
    ) -> Self {
        Self {
            uuid,
            scep_profile,
            receiver,
            event,
            attempts: 0,
            created_at: now,
            due_at: now + HEAD_START,
        }
    }

    /// The notice as it waits for its next delivery after one that failed; `None` if it has failed
    /// for three days.
    #[must_use]
    pub fn postponed(&self, now: OffsetDateTime) -> Option<Self> {
        if now >= self.created_at + GIVEN_UP_AFTER {
            return None;
        }
        let factor = 1_i32.checked_shl(self.attempts).unwrap_or(i32::MAX);
        let wait = FIRST_WAIT.saturating_mul(factor);
        Some(Self {
            attempts: self.attempts.saturating_add(1),
            due_at: now + wait.clamp(FIRST_WAIT, LONGEST_WAIT),
            ..self.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const START: OffsetDateTime = datetime!(2026-01-01 0:00 UTC);

    #[test]
    fn a_failed_delivery_is_repeated_less_and_less_often_for_three_days() {
        let event = NoticeEvent::Issued(IssuedCertificate {
            authority: AuthorityUuid::nil(),
            certificate: CertificateUuid::nil(),
            csr: None,
        });
        let receiver = NoticeReceiver::Webhook;
        let uuid = NoticeUuid::nil();
        let mut notice = Notice::new(uuid, ScepProfileUuid::nil(), receiver, event, START);
        let mut waits = Vec::new();
        let mut now = START;
        while let Some(next) = notice.postponed(now) {
            waits.push((next.due_at - now).whole_minutes());
            assert_eq!(next.attempts, notice.attempts + 1);
            now = next.due_at;
            notice = next;
        }
        assert_eq!(waits[..10], [1, 2, 4, 8, 16, 32, 64, 128, 256, 360]);
        assert!(waits[10..].iter().all(|wait| *wait == 360));
        let lasted = now - START;
        assert!(
            (Duration::days(3)..Duration::days(4)).contains(&lasted),
            "{lasted}"
        );
    }
}
