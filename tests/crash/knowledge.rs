//! What the state machine knows about the past, and what follows from it.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use scep_cms::certificate::Certificate;
use scepter_tests::device::{Device, Request};
use serde_json::Value;
use time::OffsetDateTime;

/// What the model knows about the past.
#[derive(Default)]
pub(crate) struct Knowledge {
    /// For each device, the certificate that it holds and whether that is revoked.
    pub(crate) held: Vec<Option<(Certificate, bool)>>,
    /// For each transactionID, the last request that was accepted under it.
    pub(crate) sent: HashMap<String, Sent>,
    pub(crate) approval: bool,
    pub(crate) approved: HashSet<String>,
    /// For each transactionID and content, the certificate and the time at which it was granted.
    pub(crate) granted: HashMap<(String, Vec<u8>), (Certificate, OffsetDateTime)>,
    /// The transactionIDs for which a crash makes it unknown which request they belong to.
    pub(crate) unsure: HashSet<String>,
    /// The requests that may have a certificate, and so may get it under any transactionID: they
    /// were granted, approved, or in progress at a crash.
    pub(crate) may_have: HashSet<Vec<u8>>,
    pub(crate) revoked: HashSet<Vec<u8>>,
    /// The keys of revoked certificates.
    pub(crate) revoked_keys: HashSet<Vec<u8>>,
    /// Every message that was sent: the device, its request, and the octets.
    pub(crate) messages: RefCell<Vec<(Device, Request, Vec<u8>)>>,
    /// The one-time challenges, as they were made.
    pub(crate) challenges: Vec<Value>,
    pub(crate) replays: usize,
    pub(crate) renewals: usize,
    pub(crate) waited: u64,
}

impl Knowledge {
    /// Remembers the last request that was accepted under a transactionID.
    pub(crate) fn remember(&mut self, request: Request, authorised: bool, held: bool) {
        let id = request.transaction_id.clone();
        let before = self.sent.get(&id);
        let before = before.map(|sent| sent.request.content.clone());
        if before.as_ref() != Some(&request.content) {
            // Another request under the same transactionID invalidates the earlier approval.
            self.approved.remove(&id);
        }
        self.unsure.remove(&id);
        let sent = Sent {
            request,
            authorised,
            held,
        };
        self.sent.insert(id, sent);
    }

    /// Asserts one certificate per request: within the window of a day a request gets the same
    /// certificate, whatever happened in between.
    pub(crate) fn remember_granted(
        &mut self,
        request: &Request,
        leaf: &Certificate,
        now: OffsetDateTime,
    ) {
        // A revoked certificate is never sent.
        assert!(!self.revoked.contains(leaf.der()));
        let id = (
            request.transaction_id.clone(),
            request.content.clone().unwrap(),
        );
        let unsure = self.unsure.contains(&id.0);
        if let Some((before, at)) = self.granted.get(&id)
            && now - *at < time::Duration::DAY
            && !unsure
        {
            assert!(before == leaf, "a transaction has two certificates");
            return;
        }
        self.may_have.insert(id.1.clone());
        self.granted.insert(id, (leaf.clone(), now));
    }

    /// Whether a request needs no further approval.
    pub(crate) fn is_excused(&self, request: &Request) -> bool {
        self.approved.contains(&request.transaction_id)
            || self.unsure.contains(&request.transaction_id)
            || self.may_have.contains(request.content.as_ref().unwrap())
    }
}

/// What the model knows about a request that was sent.
pub(crate) struct Sent {
    pub(crate) request: Request,
    /// The request had the correct challenge or was signed by a valid certificate.
    pub(crate) authorised: bool,
    /// The request was sent while the profile required approval.
    pub(crate) held: bool,
}
