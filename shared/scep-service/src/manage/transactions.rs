//! Transactions that wait for an administrator: yes or no.

use ca_issuer::{IssueError, released};
use scep_protocol::{
    Authority, Issuance, RaProfile, Refusal, ScepProfile, Transaction, TransactionState, is_visible,
};
use serde_json::json;
use uuid::Uuid;

use crate::audit::Act;
use crate::issue::{LEASE, Signing};
use crate::{
    AuditAction, AuditRecord, Causes, ClaimOutcome, Failure, Invalid, ManageError, Managing,
    ObjectKind, PageRequest, Reference, TransactionStatus, Versioned, read,
};

/// Longest reason of a rejection, in characters: it goes to the client as failInfoText.
pub const MAX_REASON_CHARACTERS: usize = 200;

/// Approves a pending transaction: its certificate is issued at once, with the dates of today, by the generation that issues today.
/// A crash in between is mended by the requester's next poll, or by upkeep. `version` is the one that was looked at, if any was.
///
/// # Errors
/// [`ManageError::NotFound`]; [`ManageError::Invalid`] when it is not pending, its profiles do not serve, or its authority cannot issue
/// now; [`ManageError::Conflict`], also when it has another version; our own failures.
pub async fn approve_transaction(
    managing: &Managing,
    uuid: Uuid,
    version: Option<u64>,
) -> Result<(), ManageError> {
    let (transaction, held) = pending(managing, uuid, version).await?;
    let issuance = release(managing, &transaction, held).await?;
    let now = managing.clock.now();
    let audit = record(managing, AuditAction::Approve, &transaction, None);
    let claim = Uuid::new_v4();
    let approving =
        managing
            .transactions
            .approve(&transaction, claim, &issuance, now + LEASE, &audit);
    if approving.await? == ClaimOutcome::Lost {
        return Err(ManageError::Conflict);
    }
    let signing = signing(managing);
    signing.finish(&transaction.key, claim, &issuance).await?;
    Ok(())
}

fn signing(managing: &Managing) -> Signing<'_> {
    Signing {
        transactions: &*managing.transactions,
        ca_keys: &*managing.ca_keys,
        clock: &*managing.clock,
        // Whoever was let wait for so long may come for it as late.
        resend_window: managing.deployment.pending_validity,
    }
}

/// Finishes the transactions that a crash left unfinished, and whose requesters do not come back for. What fails for one is logged, and
/// keeps no other from being finished.
pub(crate) async fn finish_abandoned(managing: &Managing) -> Result<(), Failure> {
    let mut page = PageRequest {
        limit: PAGE,
        cursor: None,
    };
    let now = managing.clock.now();
    let mut finished = Ok(());
    loop {
        let issuing = Some(TransactionStatus::Issuing);
        let found = managing.certificates.transactions(issuing, &page, now);
        let found = found.await?;
        for summary in found.items {
            let transaction = managing.transactions.transaction(summary.uuid).await?;
            if let Some(Transaction {
                key,
                claim,
                state:
                    TransactionState::Issuing {
                        issuance,
                        lease_until,
                    },
                ..
            }) = transaction
                && lease_until < now
            {
                let signing = signing(managing);
                if let Err(error) = signing.resume(&key, claim, &issuance).await {
                    let (uuid, cause) = (summary.uuid, Causes(&error));
                    tracing::error!(%uuid, error = %cause, "a transaction was not finished");
                    finished = Err(error);
                }
            }
        }
        page.cursor = found.cursor;
        if page.cursor.is_none() {
            return finished;
        }
    }
}

/// How many transactions are looked at in one step.
const PAGE: u16 = 100;

/// Rejects a pending transaction. The requester's next poll is told why.
///
/// # Errors
/// [`ManageError::NotFound`], [`ManageError::Conflict`]; [`ManageError::Invalid`] when it is not pending, or the reason is too long;
/// our own failures.
pub async fn reject_transaction(
    managing: &Managing,
    uuid: Uuid,
    version: Option<u64>,
    reason: &str,
) -> Result<(), ManageError> {
    if reason.chars().count() > MAX_REASON_CHARACTERS || !reason.chars().all(is_visible) {
        return Err(vec![Invalid::Reason].into());
    }
    let (transaction, _) = pending(managing, uuid, version).await?;
    let audit = record(managing, AuditAction::Reject, &transaction, Some(reason));
    let until = managing.clock.now() + managing.deployment.pending_validity;
    let rejecting = managing
        .transactions
        .reject(&transaction, reason, until, &audit);
    match rejecting.await? {
        ClaimOutcome::Won => Ok(()),
        ClaimOutcome::Lost => Err(ManageError::Conflict),
    }
}

async fn pending(
    managing: &Managing,
    uuid: Uuid,
    version: Option<u64>,
) -> Result<(Transaction, Issuance), ManageError> {
    let found = managing.transactions.transaction(uuid).await?;
    let transaction = found.ok_or(ManageError::NotFound(ObjectKind::Transaction))?;
    if version.is_some_and(|version| version != transaction.version()) {
        return Err(ManageError::Conflict);
    }
    match &transaction.state {
        TransactionState::Pending { issuance, until } if managing.clock.now() <= *until => {
            let issuance = issuance.clone();
            Ok((transaction, issuance))
        }
        TransactionState::Issued { .. }
        | TransactionState::Issuing { .. }
        | TransactionState::Pending { .. }
        | TransactionState::Rejected { .. } => Err(vec![Invalid::NotPending].into()),
    }
}

/// What was held, as it is to be signed now.
async fn release(
    managing: &Managing,
    transaction: &Transaction,
    held: Issuance,
) -> Result<Issuance, ManageError> {
    let objects = &*managing.objects;
    let scep_profile = read::<ScepProfile>(objects, transaction.key.scep_profile).await?;
    let ra_profile = read::<RaProfile>(objects, held.ra_profile).await?;
    let ra_profile = ra_profile.filter(|found| found.object.enabled);
    let (Some(ra_profile), true) = (
        ra_profile,
        scep_profile.is_some_and(|found| found.object.enabled),
    ) else {
        return Err(vec![Invalid::ProfileNotServing].into());
    };
    let authority: Versioned<Authority> = managing.get(held.authority).await?;
    let issuing = authority.object.issuing();
    let issuing = issuing.ok_or_else(|| vec![Invalid::AuthorityNotActive])?;
    let crl_url = managing.deployment.crl_url(&issuing);
    let template = &ra_profile.object.template;
    let now = managing.clock.now();
    let to_be_signed = released(&held.to_be_signed, &issuing, template, &crl_url, now);
    let to_be_signed = to_be_signed.map_err(|error| match error {
        IssueError::Refused(Refusal::Rule(_)) => vec![Invalid::AuthorityNotValid].into(),
        error @ (IssueError::Refused(_) | IssueError::Encode(_)) => {
            ManageError::from(Failure::encode(error))
        }
    })?;
    Ok(Issuance {
        to_be_signed,
        generation: issuing.generation,
        key: issuing.key,
        key_algorithm: issuing.key_algorithm,
        ..held
    })
}

fn record(
    managing: &Managing,
    action: AuditAction,
    transaction: &Transaction,
    reason: Option<&str>,
) -> AuditRecord {
    let transaction_id = transaction.key.transaction_id.as_str();
    let status = match reason {
        None => "ISSUING",
        Some(_) => "REJECTED",
    };
    Act {
        action,
        object: Reference {
            kind: ObjectKind::Transaction,
            uuid: transaction.key.uuid(),
        },
        name: transaction_id.to_owned(),
        before: json!({ "status": "PENDING" }),
        after: json!({ "status": status, "reason": reason }),
    }
    .by(&managing.actor, managing.clock.now())
}
