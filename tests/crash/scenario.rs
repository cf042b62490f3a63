//! A scenario: a sequence of acts and its required outcome, performed while calls fail.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ca::authority::Authority;
use ca::crl::read_crl_entries;
use ca::key_order::KeyOrder;
use ca::tbs_certificate::read_tbs_names;
use newtype_uuid::GenericUuid;
use scep_cms::attribute::PkiStatus;
use scep_cms::certificate::Certificate;
use scep_protocol::ra_certificate::RaCertificate;
use scep_service::object::list;
use scep_service::ports::{CaKeys, Clock, GeneratedKey, RaKeys};
use scepter_tests::admin::{Admin, Answer, certificate_uuid};
use scepter_tests::asn1;
use scepter_tests::clock::TestClock;
use scepter_tests::databases::{AnyWorld, Database};
use scepter_tests::device::Device;
use serde_json::{Value, json};

use crate::crash::failing::WatchedKeys;
use crate::crash::faulty::{Fault, Faults, Kind};
use crate::crash::faulty_keys::{Faulty, SharedRaKeys};
use crate::crash::faulty_store::open_store;

/// A time longer than the lease of a claim, and than the hold on the order of a key.
const LATER: Duration = Duration::from_secs(31);

/// How often an act is attempted; two faults can each spoil several attempts.
const MAX_TRIES: usize = 8;

/// Something that a client, an administrator or the timer repeats until it succeeds.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// A client sends the message at this index.
    Ask(usize),
    Administer(Post),
    /// An administrator revokes the first certificate of [`Scenario::revoked`].
    Revoke,
    /// The timer runs maintenance.
    Upkeep,
}

/// A POST of an administrator, who looks before a retry whether an earlier attempt succeeded.
#[derive(Clone, Debug, Default)]
pub(crate) struct Post {
    pub(crate) path: String,
    pub(crate) body: Value,
    /// The status of success.
    pub(crate) status: u16,
    /// Where the administrator looks, and how success shows there. `None` for a POST that may be
    /// repeated.
    pub(crate) look: Option<Look>,
    /// Whether the POST quotes the ETag of what was seen, which is then read before each attempt.
    pub(crate) quotes: bool,
}

/// The path at which an administrator looks, and whether what is there shows success.
pub(crate) type Look = (String, fn(&Value) -> bool);

/// A message and the status of the answer that it must get.
pub(crate) struct Message {
    pub(crate) device: Device,
    pub(crate) octets: Vec<u8>,
    pub(crate) answer: PkiStatus,
}

#[derive(Default)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) messages: Vec<Message>,
    pub(crate) acts: Vec<Act>,
    /// The certificate that an administrator revokes, and its successor.
    pub(crate) revoked: Vec<Certificate>,
    /// The final state of every transaction; empty where there is none.
    pub(crate) state: &'static str,
    /// The final number of certificates.
    pub(crate) certificates: usize,
    /// The number of CA keys that are made, unless another process does the same.
    pub(crate) ca_keys: usize,
    /// How often each administrator's action is recorded.
    pub(crate) records: &'static [(&'static str, usize)],
}

/// The world before a scenario.
pub(crate) struct Start {
    pub(crate) world: AnyWorld,
    /// A folder with the file `saved`, the state of the database.
    pub(crate) folder: tempfile::TempDir,
    pub(crate) ra_keys: Arc<tokio::sync::Mutex<Vec<GeneratedKey>>>,
}

/// A performance of a scenario.
pub(crate) struct Run<'a> {
    scenario: &'a Scenario,
    world: AnyWorld,
    admin: Admin,
    pub(crate) faults: Arc<Faults>,
    keys: Arc<WatchedKeys>,
    /// The ids of the audit records before the acts.
    before: BTreeSet<String>,
    /// The subjects of certificates that were signed before they were recorded.
    unrecorded: Arc<Mutex<Vec<String>>>,
    /// The certificate that each message got.
    got: Mutex<HashMap<usize, Certificate>>,
    /// Whether another process does the same at some point.
    is_overtaken: bool,
    /// Whether maintenance runs before each retry rather than only at the end.
    upkeep: bool,
}

impl<'a> Run<'a> {
    pub(crate) fn new(
        scenario: &'a Scenario,
        start: &Start,
        planned: &[Fault],
        upkeep: bool,
    ) -> Self {
        let saved = start.folder.path().join("saved");
        let database = start.world.database.open_copy(&saved);
        let clock = Arc::new(TestClock::at(start.world.clock.now()));
        let faults = Faults::new(planned, Arc::clone(&clock));
        let store = open_store(&database, &faults);
        let mut world = start.world.over_store(database.clone(), store, clock);
        let unrecorded = Arc::new(Mutex::new(Vec::new()));
        let unknown = Arc::clone(&unrecorded);
        let records = database.audit_records();
        let administration = &mut world.administration;
        let keys = Arc::new(WatchedKeys {
            witness: Box::new(move |signed| {
                if is_certificate(signed)
                    && !database.claims().iter().any(|claim| claim == signed)
                    && !is_recorded(&database, signed)
                {
                    let names = read_tbs_names(signed).unwrap();
                    unknown.lock().unwrap().push(names.subject);
                }
            }),
            ..WatchedKeys::over(administration.ca_keys.clone())
        });
        administration.ca_keys = Arc::new(Faulty::<dyn CaKeys> {
            inner: keys.clone(),
            faults: Arc::clone(&faults),
        });
        administration.ra_keys = Arc::new(Faulty::<dyn RaKeys> {
            inner: Arc::new(SharedRaKeys {
                keys: administration.ra_keys.clone(),
                generated: Arc::clone(&start.ra_keys),
                taken: 0.into(),
            }),
            faults: Arc::clone(&faults),
        });
        administration.secrets = Arc::new(Faulty {
            inner: administration.secrets.clone(),
            faults: Arc::clone(&faults),
        });
        world.enrolment.ca_keys = administration.ca_keys.clone();
        world.enrolment.ra_keys = administration.ra_keys.clone();
        world.enrolment.secrets = administration.secrets.clone();
        let is_overtaken = |fault: &Fault| matches!(fault.kind, Kind::Overtaken(_));
        Self {
            scenario,
            admin: Admin::of(&world),
            world,
            faults,
            keys,
            before: records.into_iter().map(|record| record.id).collect(),
            unrecorded,
            got: Mutex::default(),
            is_overtaken: planned.iter().any(is_overtaken),
            upkeep,
        }
    }

    /// Performs the acts while calls fail. Panics if the outcome is wrong.
    pub(crate) async fn perform_all(&self) {
        for act in &self.scenario.acts {
            self.repeat(act).await;
        }
        self.faults.pause(self.settle()).await;
    }

    /// Repeats an act until it succeeds.
    async fn repeat(&self, act: &Act) {
        let elsewhere = || self.perform_elsewhere(act);
        for tries in 0..MAX_TRIES {
            let done = self.faults.drive(self.perform(act, tries), elsewhere);
            if done.await == Some(true) {
                return;
            }
            self.world.clock.advance(LATER);
            if self.upkeep {
                // The next attempt completes what fails here.
                let kept = self.faults.drive(self.world.run_maintenance(), elsewhere);
                let _ = kept.await;
            }
        }
        panic!("{act:?} is stuck");
    }

    /// Another process performs the act from start to finish.
    async fn perform_elsewhere(&self, act: &Act) {
        self.world.clock.advance(LATER);
        self.world.run_maintenance().await.unwrap();
        for tries in 0..2 {
            if self.perform(act, tries).await {
                return;
            }
        }
        panic!("{act:?} fails without faults");
    }

    /// Attempts an act and returns whether it succeeded. A retry first looks whether an earlier
    /// attempt did.
    async fn perform(&self, act: &Act, tries: usize) -> bool {
        match act {
            Act::Ask(place) => self.ask(*place).await,
            Act::Administer(post) => self.administer(post, tries).await,
            Act::Revoke => self.revoke().await,
            Act::Upkeep => self.world.run_maintenance().await.is_ok(),
        }
    }

    async fn ask(&self, place: usize) -> bool {
        let Message {
            device,
            octets,
            answer,
        } = &self.scenario.messages[place];
        let response = self.world.post(octets.clone()).await;
        let status = response.status().as_u16();
        if status == 503 {
            assert_eq!(response.headers()["retry-after"], "5");
            return false;
        }
        let body = response.body();
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(body));
        let reply = device.read(body, &self.world.ra_certificate);
        let attributes = &reply.attributes;
        assert_eq!(attributes.pki_status, *answer, "{attributes:?}");
        if *answer == PkiStatus::Success {
            let leaf = reply.leaf();
            let mut got = self.got.lock().unwrap();
            let first = got.entry(place).or_insert_with(|| leaf.clone());
            assert_eq!(*first, leaf, "one request got two certificates");
        }
        true
    }

    async fn administer(&self, post: &Post, tries: usize) -> bool {
        let mut tag = None;
        if let Some((path, is_done)) = &post.look
            && (post.quotes || tries > 0)
        {
            let seen = self.admin.get(path).await;
            tag = seen.headers.get("etag").cloned();
            let Some(seen) = self.read_answer(seen, &[200]) else {
                return false;
            };
            if is_done(&seen) {
                return true;
            }
        }
        let mut headers = vec![("authorization", "Bearer read,write,approve")];
        if post.quotes {
            headers.push(("if-match", tag.as_ref().unwrap().to_str().unwrap()));
        }
        let body = match &post.body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let answer = self.admin.send("POST", &post.path, &headers, body).await;
        self.read_answer(answer, &[post.status]).is_some()
    }

    async fn revoke(&self) -> bool {
        let body = json!({ "reason": "keyCompromise" });
        let answer = self.admin.revoke(&self.scenario.revoked[0], body).await;
        let Some(body) = self.read_answer(answer, &[200, 204]) else {
            return false;
        };
        // An administrator may rely on the answer: both certificates are on the CRL by now. An
        // earlier attempt may have revoked the successor.
        self.faults.pause(self.check_crls()).await;
        let successor = certificate_uuid(&self.scenario.revoked[1]);
        assert!(body.is_null() || body == json!({ "successors": [successor] }));
        true
    }

    /// The body of an answer to an administrator, or `None` if it is the effect of a fault.
    fn read_answer(&self, answer: Answer, good: &[u16]) -> Option<Value> {
        let status = answer.status.as_u16();
        if status == 503 {
            assert_eq!(answer.headers["retry-after"], "5");
            return None;
        }
        if self.is_overtaken && [409, 422].contains(&status) {
            return None;
        }
        assert!(good.contains(&status), "{status} {}", answer.body);
        Some(answer.body)
    }

    /// Completes what faults interrupted, and checks the outcome.
    async fn settle(&self) {
        let outstanding = self.faults.state.lock().unwrap().planned.len();
        assert_eq!(outstanding, 0, "a fault did not happen");
        self.world.clock.advance(LATER);
        self.world.run_maintenance().await.unwrap();
        for state in self.world.database.transaction_states() {
            assert_eq!(state, self.scenario.state, "the state of a transaction");
        }
        self.check_certificates();
        // Keys cost money for as long as they exist.
        if !self.is_overtaken {
            let generated = self.keys.generated.load(Ordering::SeqCst);
            assert_eq!(generated, self.scenario.ca_keys, "the number of CA keys");
        }
        let orders = list::<KeyOrder>(&*self.world.store).await.unwrap();
        assert!(orders.is_empty(), "an order of a key remains: {orders:?}");
        // Each action of an administrator is recorded as often as it was done.
        let mut records: HashMap<String, usize> = HashMap::new();
        for record in self.world.database.audit_records() {
            if !self.before.contains(&record.id) {
                *records.entry(record.action).or_default() += 1;
            }
        }
        for (action, count) in self.scenario.records {
            assert_eq!(records.get(*action), Some(count), "{action} in {records:?}");
        }
        self.check_crls().await;
        // Each RA certificate has a key for every present and next generation of its authority.
        let authorities = list::<Authority>(&*self.world.store).await.unwrap();
        for found in list::<RaCertificate>(&*self.world.store).await.unwrap() {
            let mut authorities = authorities.iter();
            let authority = authorities.find(|known| known.object.uuid == found.object.authority);
            for generation in authority.unwrap().object.generations() {
                let key = found.object.key_of(generation.number);
                let key = key.expect("a generation without an RA key");
                self.world.administration.ra_keys.load(key).await.unwrap();
            }
        }
    }

    /// Checks that every certificate which a CA key signed was recorded before it was signed, and
    /// that clients have no other certificates.
    fn check_certificates(&self) {
        let unrecorded = self.unrecorded.lock().unwrap().clone();
        assert!(
            unrecorded.is_empty(),
            "signed before recorded: {unrecorded:?}"
        );
        let database = &self.world.database;
        for signed in self.keys.signed.lock().unwrap().iter() {
            assert!(!is_certificate(signed) || is_recorded(database, signed));
        }
        let records = database.certificates();
        assert_eq!(records.len(), self.scenario.certificates);
        for got in self.got.lock().unwrap().values() {
            assert!(
                records.iter().any(|(recorded, _)| recorded == got),
                "a client has an unrecorded certificate"
            );
        }
        let revoked: BTreeSet<_> = self.scenario.revoked.iter().map(certificate_uuid).collect();
        for (certificate, is_revoked) in &records {
            let uuid = certificate_uuid(certificate);
            assert_eq!(*is_revoked, revoked.contains(&uuid), "{uuid}");
        }
    }

    /// Checks that each generation of each authority has a valid CRL, and that the CRLs list all
    /// revoked certificates.
    async fn check_crls(&self) {
        let mut listed = BTreeSet::new();
        for found in list::<Authority>(&*self.world.store).await.unwrap() {
            for generation in found.object.generations() {
                let crl = self.world.store.crl(found.object.uuid, generation.number);
                let crl = crl.await.unwrap().expect("a generation without a CRL");
                assert!(self.world.clock.now() < crl.next_update);
                let entries = read_crl_entries(&crl.der).unwrap();
                listed.extend(entries.iter().map(|entry| entry.uuid.into_untyped_uuid()));
            }
        }
        let revoked: BTreeSet<_> = self.scenario.revoked.iter().map(certificate_uuid).collect();
        assert_eq!(listed, revoked, "the certificates that the CRLs list");
    }
}

/// Whether a CA key signed a certificate: only a TBSCertificate begins with a version, `[0]`.
fn is_certificate(to_be_signed: &[u8]) -> bool {
    use der::asn1::AnyRef;
    use der::{Decode, Tag, Tagged};
    AnyRef::from_der(to_be_signed).is_ok_and(|sequence| {
        sequence.tag() == Tag::Sequence && sequence.value().first() == Some(&0xa0)
    })
}

/// Whether a signed certificate is in the inventory or recorded as one of the server's own.
fn is_recorded(database: &Database, signed: &[u8]) -> bool {
    let serial_number = read_tbs_names(signed).unwrap().serial_number.to_hex();
    let is_named = |after: &String| after.contains(&serial_number);
    let records = database.audit_records();
    let mut records = records.iter().filter(|record| record.action == "sign");
    records.any(|record| record.after.as_ref().is_some_and(is_named))
        || database
            .certificates()
            .iter()
            .any(|(found, _)| asn1::at(found.der(), &[0]) == signed)
}
