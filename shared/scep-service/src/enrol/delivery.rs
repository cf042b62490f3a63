//! The delivery of notices. A notice is written with its event, delivered at once by the process
//! that wrote it, and otherwise by maintenance.

use std::collections::BTreeSet;
use std::time::Duration;

use ca::id::{AuthorityUuid, CertificateUuid};
use ca::serial_number::SerialNumber;
use futures_util::future::join_all;
use scep_protocol::id::{RaProfileUuid, ScepProfileUuid};
use scep_protocol::notice::{Notice, NoticeEvent};
use scep_protocol::profile::{RaProfile, ScepProfile};

use crate::enrol::Enrolment;
use crate::error::{Failure, StoreError};
use crate::error_chain::ErrorChain;
use crate::inventory::CertificateRecord;
use crate::object::{Versioned, read};
use crate::ports::{Announcement, NotifyError, WriteOutcome};

/// The number of notices that are read at a time.
const PAGE: u16 = 100;

/// How long a client waits for its answer because of notices. What is under way then is given up,
/// long before maintenance may deliver it.
const CLIENT_WAIT: Duration = Duration::from_secs(2);

/// What became of the delivery of a notice.
#[derive(Debug, PartialEq, Eq)]
enum Delivery {
    /// It is settled: delivered, or no longer wanted.
    Settled,
    /// The service did not take it.
    Failed,
}

impl Enrolment {
    /// Delivers notices that this process has just written, together and for at most
    /// [`CLIENT_WAIT`]. A failure is logged: maintenance delivers what is left.
    pub(crate) async fn announce(&self, notices: &[Notice]) {
        let deliveries = notices.iter().map(|notice| async move {
            if let Err(failure) = self.deliver(notice).await {
                log_fault(notice, &failure);
            }
        });
        // This is a limit of real time, which no clock of a test can skip: it is no wait.
        let delivered = tokio::time::timeout(CLIENT_WAIT, join_all(deliveries)).await;
        if delivered.is_err() {
            tracing::warn!("notices are left to maintenance, as their services are slow");
        }
    }

    /// Writes notices of something that leaves no other record, and delivers them. A failure is
    /// logged.
    pub(crate) async fn write_and_announce(&self, notices: &[Notice]) {
        for notice in notices {
            if let Err(failure) = self.transactions.put_notice(notice).await {
                let error = ErrorChain(&failure);
                tracing::error!(%error, "could not write a notice");
            }
        }
        self.announce(notices).await;
    }

    /// Delivers every notice that is due.
    ///
    /// # Errors
    /// When the store fails. A service that does not take its notice is no error.
    pub async fn deliver_due_notices(&self) -> Result<(), Failure> {
        let mut failed = BTreeSet::new();
        loop {
            let now = self.profile_service.clock.now();
            let due = self.transactions.due_notices(now, PAGE).await?;
            if due.is_empty() {
                return Ok(());
            }
            for notice in due {
                let service = (notice.scep_profile, notice.receiver);
                // A service that is down must not keep the notices of others waiting.
                if failed.contains(&service) {
                    self.postpone(&notice).await?;
                    continue;
                }
                match self.deliver(&notice).await {
                    Ok(Delivery::Settled) => {}
                    Ok(Delivery::Failed) => {
                        failed.insert(service);
                    }
                    // What it is about may be unreadable, which must not stop the others.
                    Err(failure) => {
                        log_fault(&notice, &failure);
                        self.postpone(&notice).await?;
                    }
                }
            }
        }
    }

    /// Delivers a notice and settles it, or postpones it if the service does not take it.
    async fn deliver(&self, notice: &Notice) -> Result<Delivery, Failure> {
        let Notice { uuid, receiver, .. } = notice;
        match self.try_deliver(notice).await? {
            Ok(()) => {}
            Err(NotifyError::Unwanted) => {
                tracing::info!(%uuid, ?receiver, "the receiver of a notice is gone");
            }
            Err(error @ NotifyError::Failed(_)) => {
                log_failure(notice, &error);
                self.postpone(notice).await?;
                return Ok(Delivery::Failed);
            }
        }
        self.transactions.settle_notice(notice.uuid).await?;
        Ok(Delivery::Settled)
    }

    /// Reads what a notice is about, and tells its receiver.
    async fn try_deliver(&self, notice: &Notice) -> Result<Result<(), NotifyError>, Failure> {
        let Some(scep_profile) = self.read_scep_profile(notice.scep_profile).await? else {
            return Ok(Err(NotifyError::Unwanted));
        };
        let certificate = match &notice.event {
            NoticeEvent::Issued(issued) => {
                self.read_certificate(issued.authority, issued.certificate)
                    .await?
            }
            NoticeEvent::Revoked(revoked) => {
                self.read_certificate(revoked.authority, revoked.certificate)
                    .await?
            }
            NoticeEvent::Refused(_) => None,
        };
        let ra_profile = match (&notice.event, &certificate) {
            (NoticeEvent::Refused(refused), _) => Some(refused.ra_profile),
            (NoticeEvent::Issued(_) | NoticeEvent::Revoked(_), record) => {
                record.as_ref().map(|record| record.summary.ra_profile)
            }
        };
        let ra_profile = self.read_ra_profile(ra_profile).await?;
        let announcement = Announcement {
            notice,
            scep_profile: &scep_profile,
            ra_profile: ra_profile.as_ref(),
            certificate: certificate.as_ref(),
            now: self.profile_service.clock.now(),
        };
        Ok(match self.notifiers.get(&notice.receiver) {
            Some(notifier) => notifier.deliver(&announcement).await,
            None => Err(NotifyError::Failed("this process cannot reach it".into())),
        })
    }

    /// Lets a notice wait for its next delivery, or gives it up.
    async fn postpone(&self, notice: &Notice) -> Result<(), StoreError> {
        let Some(postponed) = notice.postponed(self.profile_service.clock.now()) else {
            let Notice {
                uuid,
                receiver,
                scep_profile,
                event,
                ..
            } = notice;
            let kind = event.kind();
            tracing::error!(%uuid, ?receiver, %scep_profile, event = ?kind, "gave up delivering a notice");
            return self.transactions.settle_notice(*uuid).await;
        };
        match self.transactions.postpone_notice(&postponed).await? {
            // Another process delivered or postponed it meanwhile.
            WriteOutcome::Won | WriteOutcome::Lost => Ok(()),
        }
    }

    async fn read_scep_profile(
        &self,
        uuid: ScepProfileUuid,
    ) -> Result<Option<ScepProfile>, StoreError> {
        let found: Option<Versioned<ScepProfile>> =
            read(&*self.profile_service.profiles, uuid).await?;
        Ok(found.map(|found| found.object))
    }

    async fn read_ra_profile(
        &self,
        uuid: Option<RaProfileUuid>,
    ) -> Result<Option<RaProfile>, StoreError> {
        let Some(uuid) = uuid else {
            return Ok(None);
        };
        let found: Option<Versioned<RaProfile>> =
            read(&*self.profile_service.profiles, uuid).await?;
        Ok(found.map(|found| found.object))
    }

    async fn read_certificate(
        &self,
        authority: AuthorityUuid,
        certificate: CertificateUuid,
    ) -> Result<Option<CertificateRecord>, StoreError> {
        let serial_number = SerialNumber::from_uuid(certificate).to_hex();
        self.transactions
            .certificate(authority, &serial_number)
            .await
    }
}

fn log_fault(notice: &Notice, failure: &Failure) {
    let (uuid, error) = (notice.uuid, ErrorChain(failure));
    tracing::error!(%uuid, %error, "could not deliver a notice");
}

fn log_failure(notice: &Notice, error: &NotifyError) {
    let Notice {
        uuid,
        receiver,
        attempts,
        ..
    } = notice;
    let error = ErrorChain(error);
    tracing::warn!(%uuid, ?receiver, attempts, %error, "a notice was not taken");
}
