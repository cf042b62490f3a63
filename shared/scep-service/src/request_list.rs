//! The list of all requests that administrators see: those that were refused, and transactions.

use scep_protocol::id::ScepProfileUuid;
use scep_protocol::refusal::RefusalKind;
use scep_protocol::refusal_record::{RefusalReason, RefusalRecord};
use strum::{EnumString, IntoStaticStr, VariantArray};
use time::OffsetDateTime;

use crate::inventory::{TransactionStatus, TransactionSummary};

/// The outcome of a request.
#[derive(Clone, Copy, Debug, EnumString, Eq, IntoStaticStr, PartialEq, VariantArray)]
#[strum(serialize_all = "UPPERCASE")]
pub enum RequestOutcome {
    /// The certificate is issued.
    Granted,
    /// The request waits for an administrator.
    Pending,
    /// The request was refused.
    Refused,
    /// An administrator rejected the request.
    Rejected,
    /// A process is issuing the certificate.
    Issuing,
}

impl RequestOutcome {
    /// Returns the name used in the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Returns the status of transactions with this outcome; `None` for refused requests, which
    /// are none.
    #[must_use]
    pub const fn status(self) -> Option<TransactionStatus> {
        match self {
            Self::Granted => Some(TransactionStatus::Issued),
            Self::Pending => Some(TransactionStatus::Pending),
            Self::Refused => None,
            Self::Rejected => Some(TransactionStatus::Rejected),
            Self::Issuing => Some(TransactionStatus::Issuing),
        }
    }

    /// Returns whether requests with this outcome can have this reason.
    fn may_have(self, reason: RefusalReason) -> bool {
        match self {
            // A poll for a rejected request is refused for the same reason.
            Self::Refused => true,
            Self::Rejected => reason == RefusalReason::Refused(RefusalKind::Rejected),
            Self::Granted | Self::Issuing | Self::Pending => false,
        }
    }

    /// Returns the outcome of transactions with this status.
    #[must_use]
    pub const fn of_status(status: TransactionStatus) -> Self {
        match status {
            TransactionStatus::Issued => Self::Granted,
            TransactionStatus::Issuing => Self::Issuing,
            TransactionStatus::Pending => Self::Pending,
            TransactionStatus::Rejected => Self::Rejected,
        }
    }
}

/// A request in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListedRequest {
    /// A request that was refused.
    Refused(Box<RefusalRecord>),
    /// A transaction, and the reason of the administrator who rejected it.
    Transaction(Box<TransactionSummary>, Option<String>),
}

impl ListedRequest {
    /// Returns the time of the request.
    #[must_use]
    pub fn at(&self) -> OffsetDateTime {
        match self {
            Self::Refused(record) => record.at,
            Self::Transaction(summary, _) => summary.created_at,
        }
    }

    /// Returns the outcome.
    #[must_use]
    pub fn outcome(&self) -> RequestOutcome {
        match self {
            Self::Refused(_) => RequestOutcome::Refused,
            Self::Transaction(summary, _) => RequestOutcome::of_status(summary.status),
        }
    }
}

/// A filter for requests. A request is listed if it matches every field that is set.
#[derive(Clone, Debug, Default)]
pub struct RequestFilter {
    /// The outcome.
    pub outcome: Option<RequestOutcome>,
    /// The reason of the refusal. Of transactions, only rejected ones have one.
    pub reason: Option<RefusalReason>,
    /// The SCEP Profile that received the request.
    pub scep_profile: Option<ScepProfileUuid>,
    /// The client's transactionID, whole.
    pub transaction_id: Option<String>,
    /// The earliest time, inclusive.
    pub since: Option<OffsetDateTime>,
    /// The latest time, exclusive.
    pub until: Option<OffsetDateTime>,
}

impl RequestFilter {
    /// Returns the outcomes that requests in the list can have.
    #[must_use]
    pub fn outcomes(&self) -> Vec<RequestOutcome> {
        RequestOutcome::VARIANTS
            .iter()
            .copied()
            .filter(|outcome| self.outcome.is_none_or(|wanted| wanted == *outcome))
            .filter(|outcome| self.reason.is_none_or(|reason| outcome.may_have(reason)))
            .collect()
    }

    /// Returns whether a request of this SCEP Profile and this transactionID can be in the list.
    #[must_use]
    pub fn may_contain(&self, scep_profile: ScepProfileUuid, transaction_id: Option<&str>) -> bool {
        let wanted = self.transaction_id.as_deref();
        self.scep_profile
            .is_none_or(|wanted| wanted == scep_profile)
            && (wanted.is_none() || wanted == transaction_id)
    }

    /// Returns whether the record of a refused request is in the list, apart from its time.
    #[must_use]
    pub fn contains(&self, record: &RefusalRecord) -> bool {
        let outline = &record.outline;
        self.may_contain(outline.scep_profile, outline.transaction_id.as_deref())
            && self.reason.is_none_or(|wanted| wanted == record.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_and_statuses_belong_together() {
        for status in TransactionStatus::VARIANTS {
            assert_eq!(RequestOutcome::of_status(*status).status(), Some(*status));
        }
        let names = RequestOutcome::VARIANTS.iter().map(|known| known.name());
        assert!(names.eq(["GRANTED", "PENDING", "REFUSED", "REJECTED", "ISSUING"]));
    }

    #[test]
    fn a_reason_is_one_of_refused_and_rejected_requests() {
        let outcomes = |outcome, reason| {
            let filter = RequestFilter {
                outcome,
                reason,
                ..RequestFilter::default()
            };
            filter.outcomes()
        };
        let reason = Some(RefusalReason::UnreadableMessage);
        assert_eq!(outcomes(None, None), RequestOutcome::VARIANTS);
        assert_eq!(outcomes(None, reason), [RequestOutcome::Refused]);
        let pending = Some(RequestOutcome::Pending);
        assert_eq!(outcomes(pending, None), [RequestOutcome::Pending]);
        assert_eq!(outcomes(pending, reason), []);
        let rejected = Some(RefusalReason::Refused(RefusalKind::Rejected));
        let either = [RequestOutcome::Refused, RequestOutcome::Rejected];
        assert_eq!(outcomes(None, rejected), either);
    }
}
