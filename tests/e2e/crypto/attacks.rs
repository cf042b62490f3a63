//! Attacks on issuance and revocation, each carried out as an attacker would, and the defence that
//! stops it. Attacks on encryption are in `oracles`, attacks on the contents of certificates in
//! `content`.

mod approvals;
mod records;
mod replays;
mod revocations;

use std::time::Duration;

use scepter_tests::admin::{Admin, text};
use uuid::Uuid;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const REVOKED: &str = "the certificate of this transaction is revoked";

const KEY_REVOKED: &str = "the key belongs to a revoked certificate";

const SIGNER_REVOKED: &str = "the signer's certificate is revoked";

/// The certificates that an API query finds: uuid and status.
async fn list_certificates(admin: &Admin, query: &str) -> Vec<(Uuid, String)> {
    let page = admin.get(&format!("/certificates{query}")).await;
    let page = page.expect(200);
    let items = page["items"].as_array().unwrap().iter();
    let shown = items.map(|item| (text(&item["uuid"]).parse().unwrap(), text(&item["status"])));
    shown.collect()
}
