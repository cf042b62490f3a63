//! The parts of a transaction that other items hold.
//!
//! DynamoDB charges a write by the KB that it begins, and in a transaction twice. So the bytes to
//! be signed are in the item of the request, which is claimed with the transaction, and the
//! certificate is in the inventory alone. Items of earlier versions have both parts in themselves.

use ca::id::{AuthorityUuid, CertificateUuid};
use scep_cms::certificate::Certificate;
use scep_protocol::id::{RaProfileUuid, ScepProfileUuid, TransactionUuid};
use scep_protocol::transaction::{RequestFingerprint, SignerClass};
use scep_service::error::StoreError;
use scep_service::ports::{Claim, ClaimKind};
use serde::Deserialize;
use time::Duration;

use crate::DynamoDbStore;
use crate::attribute::{Digest, to_octets, to_text};
use crate::item::{CERTIFICATE, Item, REASON, STATE, TO_BE_SIGNED, parse_item, read_id};
use crate::requests::request_id;
use crate::retry::MAX_TRIES;
use crate::transaction_item::{ISSUED, ISSUING, REJECTED, SignerClassName};

const WHAT: &str = "transaction";

/// What an issued transaction is rejected for if the inventory does not have its certificate.
const REASON_WITHOUT_RECORD: &str = "the inventory has no record of its certificate";

/// How long the item of a request must last, after the claim, to hold what is to be signed.
// Maintenance completes an interrupted issuance within hours. If it fails for as long as this, the
// item of the request may expire, but not before the certificate.
const SHORTEST: Duration = Duration::days(30);

/// Whether the item of the request holds what is to be signed.
// A transaction that is being issued never expires, and the item of its request expires with the
// certificate. What waits for an administrator may be replaced, and so is with the transaction.
pub(crate) fn is_kept_with_request(claim: &Claim) -> bool {
    match claim.stage {
        ClaimKind::Sign(_) => claim.request_until - claim.claimed_at >= SHORTEST,
        ClaimKind::Hold(_) => false,
    }
}

/// What leads from a transaction that is being issued to what is to be signed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IssuingItem {
    scep_profile: ScepProfileUuid,
    ra_profile: RaProfileUuid,
    csr: Digest,
    #[serde(with = "SignerClassName")]
    signer_class: SignerClass,
    requester_key: Digest,
    claimed_certificate: CertificateUuid,
}

impl IssuingItem {
    fn request_id(&self) -> String {
        let request = RequestFingerprint {
            ra_profile: self.ra_profile,
            csr: self.csr.0,
            signer_class: self.signer_class,
        };
        request_id(self.scep_profile, &request, self.requester_key.0)
    }
}

/// The claimed request.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClaimedItem {
    certificate_uuid: Option<CertificateUuid>,
}

/// What leads from a transaction to its certificate.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IssuedItem {
    authority: AuthorityUuid,
    certificate_uuid: CertificateUuid,
}

fn is_in(item: &Item, state: &str) -> bool {
    item.get(STATE) == Some(&to_text(state))
}

/// Reads the id of a transaction that is being issued and lacks what is to be signed.
fn read_id_of_unsigned(item: &Item) -> Result<Option<String>, StoreError> {
    if is_in(item, ISSUING) && !item.contains_key(TO_BE_SIGNED) {
        return read_id(item.clone());
    }
    Ok(None)
}

impl DynamoDbStore {
    /// Reads the item of a transaction with all its parts.
    pub(crate) async fn read_transaction_item(
        &self,
        uuid: TransactionUuid,
    ) -> Result<Option<Item>, StoreError> {
        match self.read_item(uuid.to_string()).await? {
            Some(item) => self.complete_item(item).await,
            None => Ok(None),
        }
    }

    /// Completes the item of a transaction by its other parts. A transaction that lacks what is to
    /// be signed is given up.
    pub(crate) async fn complete_item(&self, item: Item) -> Result<Option<Item>, StoreError> {
        let mut item = self.add_parts(item).await?;
        for _ in 0..MAX_TRIES {
            let Some(id) = read_id_of_unsigned(&item)? else {
                return Ok(Some(item));
            };
            self.give_up(&item).await?;
            let Some(found) = self.read_item(id).await? else {
                return Ok(None);
            };
            item = self.add_parts(found).await?;
        }
        Err(StoreError::Conflict)
    }

    /// Adds the parts of a transaction that its item lacks, if they are where they belong.
    async fn add_parts(&self, mut item: Item) -> Result<Item, StoreError> {
        if is_in(&item, ISSUED) && !item.contains_key(CERTIFICATE) {
            match self.read_certificate_of(&item).await? {
                Some(found) => {
                    item.insert(CERTIFICATE.to_owned(), to_octets(found.der()));
                }
                // The inventory was restored to an earlier moment than the transactions. The next
                // request replaces the transaction.
                None => {
                    item.insert(STATE.to_owned(), to_text(REJECTED));
                    item.insert(REASON.to_owned(), to_text(REASON_WITHOUT_RECORD));
                }
            }
        }
        if is_in(&item, ISSUING) && !item.contains_key(TO_BE_SIGNED) {
            let claimed = self.read_claimed_request(&item).await?;
            item.extend(claimed.and_then(|mut found| found.remove_entry(TO_BE_SIGNED)));
        }
        Ok(item)
    }

    async fn read_certificate_of(&self, item: &Item) -> Result<Option<Certificate>, StoreError> {
        let issued: IssuedItem = parse_item(WHAT, item.clone())?;
        let found = self
            .get_certificate(issued.authority, issued.certificate_uuid)
            .await?;
        Ok(found.map(|record| record.certificate))
    }

    /// Reads the item of the request that a transaction claimed, if it is still about the same
    /// certificate.
    async fn read_claimed_request(&self, item: &Item) -> Result<Option<Item>, StoreError> {
        let issuing: IssuingItem = parse_item(WHAT, item.clone())?;
        let Some(found) = self.read_item(issuing.request_id()).await? else {
            return Ok(None);
        };
        let claimed: ClaimedItem = parse_item("request", found.clone())?;
        let is_same = claimed.certificate_uuid == Some(issuing.claimed_certificate);
        Ok(is_same.then_some(found))
    }
}
