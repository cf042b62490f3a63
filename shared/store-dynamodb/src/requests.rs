//! Requests, in the transactions table: each leads to the transaction that claimed it, so that the
//! same request is recognised under another transactionID.

use ca::id::{AuthorityUuid, CertificateUuid};
use scep_protocol::id::{ClaimUuid, ScepProfileUuid, TransactionUuid};
use scep_protocol::transaction::{
    Fingerprint, PastCertificate, RequestFingerprint, RequestOutcome, SameRequest, Transaction,
};
use scep_service::error::StoreError;
use scep_service::ports::{Claim, GuardedOutcome};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use time::OffsetDateTime;

use crate::DynamoDbStore;
use crate::attribute::{Expiry, to_seconds, to_text};
use crate::expression::{Changes, Condition};
use crate::item::{CLAIM, EXPIRES_AT, ID, Item, TRANSACTION, build_item, parse_item};
use crate::transaction_item::parse_transaction;
use crate::transaction_parts::is_kept_with_request;
use crate::write::{Step, Write};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestItem {
    #[serde(skip_deserializing)]
    id: String,
    transaction: TransactionUuid,
    claim: ClaimUuid,
    #[serde(skip_deserializing)]
    expires_at: Option<Expiry>,
    /// Leads, with `certificate_uuid`, to the certificate once the transaction belongs to another
    /// request. Items of earlier versions have neither.
    authority: Option<AuthorityUuid>,
    certificate_uuid: Option<CertificateUuid>,
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    to_be_signed: Option<ByteBuf>,
}

/// The id of the item in the transactions table that leads from a request to its transaction.
pub(crate) fn request_id(
    scep_profile: ScepProfileUuid,
    request: &RequestFingerprint,
    requester_key: Fingerprint,
) -> String {
    format!("request/{}", request.identify(scep_profile, requester_key))
}

pub(crate) fn request_item(claim: &Claim) -> Result<Item, StoreError> {
    build_item(RequestItem {
        id: request_id(claim.key.scep_profile, &claim.request, claim.requester_key),
        transaction: claim.key.uuid(),
        claim: claim.claim,
        expires_at: Some(Expiry(claim.request_until)),
        authority: Some(claim.issuance.authority),
        certificate_uuid: Some(claim.certificate),
        to_be_signed: is_kept_with_request(claim)
            .then(|| ByteBuf::from(claim.issuance.to_be_signed.clone())),
    })
}

impl DynamoDbStore {
    /// Describes the write that leads from a request to the transaction that claims it.
    pub(crate) fn claim_request(
        &self,
        claim: &Claim,
    ) -> Result<Step<'_, GuardedOutcome>, StoreError> {
        let mut free = vec![
            Condition::Missing(ID),
            // DynamoDB deletes expired items hours late, so the condition checks the time itself.
            Condition::LessThan(EXPIRES_AT, to_seconds(claim.claimed_at)),
            Condition::Equals(TRANSACTION, to_text(claim.key.uuid().to_string())),
        ];
        if let Some(replaced) = claim.replaced.request {
            free.push(Condition::Equals(CLAIM, to_text(replaced.to_string())));
        }
        Ok(Write::put(&self.tables.transactions, request_item(claim)?)
            .on_condition(Condition::Any(free))
            .or(GuardedOutcome::Lost))
    }

    /// Describes the write that keeps leading from an approved request to its transaction, beyond
    /// the time that it could wait for approval.
    pub(crate) fn extend_request(
        &self,
        pending: &Transaction,
        claim: ClaimUuid,
        until: OffsetDateTime,
    ) -> Write<'_> {
        let id = request_id(
            pending.key.scep_profile,
            &pending.request,
            pending.requester_key,
        );
        let changes = Changes::default()
            .set(TRANSACTION, to_text(pending.key.uuid().to_string()))
            .set(CLAIM, to_text(claim.to_string()))
            .set(EXPIRES_AT, to_seconds(until));
        Write::update(&self.tables.transactions, id, changes)
    }

    pub(crate) async fn find_request(
        &self,
        scep_profile: ScepProfileUuid,
        request: &RequestFingerprint,
        requester_key: Fingerprint,
    ) -> Result<Option<SameRequest>, StoreError> {
        let id = request_id(scep_profile, request, requester_key);
        let Some(item) = self.read_item(id).await? else {
            return Ok(None);
        };
        let found: RequestItem = parse_item("request", item)?;
        let transaction = self.read_transaction_item(found.transaction).await?;
        // The transaction may have been claimed by another request with the same transactionID.
        let same_transaction = transaction
            .map(parse_transaction)
            .transpose()?
            .filter(|known| known.request == *request && known.requester_key == requester_key);
        let outcome = match same_transaction {
            Some(known) => RequestOutcome::Transaction(Box::new(known)),
            None => match self.find_past_certificate(&found).await? {
                Some(past) => RequestOutcome::Certificate(past),
                None => RequestOutcome::Nothing,
            },
        };
        Ok(Some(SameRequest {
            claim: found.claim,
            outcome,
        }))
    }

    /// Reads the certificate that was issued for a request; `None` if it was never recorded or is
    /// revoked.
    async fn find_past_certificate(
        &self,
        request: &RequestItem,
    ) -> Result<Option<PastCertificate>, StoreError> {
        let (Some(authority), Some(uuid)) = (request.authority, request.certificate_uuid) else {
            return Ok(None);
        };
        let record = self.get_certificate(authority, uuid).await?;
        Ok(record
            .filter(|record| record.summary.revocation.is_none())
            .map(|record| PastCertificate {
                certificate: record.certificate,
                authority,
                generation: record.generation,
                issued_at: record.summary.issued_at,
            }))
    }
}

#[cfg(test)]
mod tests {
    use scep_protocol::id::RaProfileUuid;
    use scep_protocol::transaction::SignerClass;
    use scep_service::ports::ClaimKind;

    use super::*;
    use crate::attribute::to_octets;
    use crate::samples;
    use crate::samples::{NOW, SCEP_PROFILE};

    fn sample_claim() -> Claim {
        samples::sample_claim(ClaimKind::Sign(NOW))
    }

    #[test]
    fn a_request_is_stored_under_these_names() {
        let item = request_item(&sample_claim()).unwrap();
        let expected = samples::build_sample_item([
            ("id", to_text(expected_id())),
            (
                "transaction",
                to_text(sample_claim().key.uuid().to_string()),
            ),
            ("claim", to_text("00000000-0000-0000-0000-000000000001")),
            ("expiresAt", to_seconds(NOW + time::Duration::DAY)),
            ("authority", to_text("00000000-0000-0000-0000-00000000000a")),
            (
                "certificateUuid",
                to_text("00000000-0000-0000-0000-000000000005"),
            ),
        ]);
        assert_eq!(item, expected);
    }

    #[test]
    fn a_request_is_stored_with_what_is_to_be_signed_if_it_lasts() {
        let lasting = samples::lasting_claim();
        let mut item = request_item(&lasting).unwrap();
        let to_be_signed = item.remove("toBeSigned").unwrap();
        assert_eq!(to_be_signed, to_octets(&lasting.issuance.to_be_signed));
        let of_short = request_item(&sample_claim()).unwrap();
        assert_eq!(item.len(), of_short.len());
        let held = Claim {
            stage: ClaimKind::Hold(NOW),
            ..lasting
        };
        assert!(!request_item(&held).unwrap().contains_key("toBeSigned"));
    }

    fn expected_id() -> String {
        let hashed = [
            SCEP_PROFILE.as_bytes(),
            samples::RA_PROFILE.as_bytes(),
            &[2; 32][..],
            &[1],
            &[4; 32],
        ];
        format!("request/{}", Fingerprint::of(&hashed.concat()))
    }

    #[test]
    fn an_item_of_an_earlier_version_leads_to_no_certificate() {
        let mut item = request_item(&sample_claim()).unwrap();
        item.retain(|name, _| !["authority", "certificateUuid"].contains(&name.as_str()));
        let found: RequestItem = parse_item("request", item).unwrap();
        assert_eq!(found.claim, sample_claim().claim);
        assert_eq!((found.authority, found.certificate_uuid), (None, None));
    }

    #[test]
    fn each_part_of_a_request_makes_it_another() {
        let same = sample_claim();
        let id_of = |request: &RequestFingerprint, key| request_id(SCEP_PROFILE, request, key);
        let original = id_of(&same.request, same.requester_key);
        let mut others = vec![id_of(&same.request, Fingerprint([5; 32]))];
        for change in [
            |request: &mut RequestFingerprint| request.csr = Fingerprint([5; 32]),
            |request: &mut RequestFingerprint| request.ra_profile = RaProfileUuid::nil(),
            |request: &mut RequestFingerprint| request.signer_class = SignerClass::Challenge,
        ] {
            let mut request = same.request;
            change(&mut request);
            others.push(id_of(&request, same.requester_key));
        }
        assert!(!others.contains(&original));
    }
}
