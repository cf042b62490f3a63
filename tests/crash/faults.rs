//! Each call of the store and of each key fails, alone and in pairs, in every possible way.
//! Afterwards every client has one certificate or one refusal, every signature is recorded, and no
//! transaction is stuck.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ca::authority::Authority;
use ca::crl::read_crl_entries;
use ca::id::CertificateUuid;
use ca::key_algorithm::KeyAlgorithm;
use ca::tbs_certificate::read_tbs_names;
use ca::template::Period;
use newtype_uuid::GenericUuid;
use scep_cms::attribute::PkiStatus;
use scep_cms::certificate::Certificate;
use scep_protocol::profile::ScepProfile;
use scep_protocol::ra_certificate::RaCertificate;
use scep_protocol::transaction::TransactionKey;
use scep_service::admin::NextKey;
use scep_service::object::list;
use scep_service::ports::{Clock, GeneratedKey, ProfileReader};
use scepter_tests::admin::{Admin, Answer, text};
use scepter_tests::device::{Device, Request};
use scepter_tests::world::{CHALLENGE, TestClock, Unmeasured, World, authority};
use serde_json::{Value, json};
use store_embedded::EmbeddedDynamoDb;
use uuid::Uuid;

use crate::crash::failing::WatchedKeys;
use crate::crash::faulty::{
    Call, Fault, Faults, FaultyCaKeys, FaultyRaKeys, FaultySecrets, Kind, Side, client,
};
use crate::crash::state_machine::to_be_signed;

/// The file with the state of a world before a scenario.
const SAVED: &str = "before.db";

/// A time longer than the lease of a claim.
const LATER: Duration = Duration::from_secs(6);

/// How often an act is attempted; two faults can each spoil several attempts.
const MAX_TRIES: usize = 8;

/// Everything that can happen to a call.
const KINDS: [Kind; 12] = [
    Kind::Fails,
    Kind::Throttled,
    Kind::ItemThrottled(1),
    Kind::ItemThrottled(5),
    Kind::Lost,
    Kind::AskedAgain,
    Kind::Late(Side::Before, 6),
    Kind::Late(Side::After, 600),
    Kind::Ends(Side::Before),
    Kind::Ends(Side::After),
    Kind::Overtaken(Side::Before),
    Kind::Overtaken(Side::After),
];

/// The kinds that pairs are made of, because they leave different states behind.
const OF_PAIRS: [Kind; 3] = [Kind::Fails, Kind::Lost, Kind::Ends(Side::After)];

/// The maximum number of pairs in a scenario that hit the same call twice, and of all other pairs;
/// they are spread evenly over all pairs.
const MAX_PAIRS: [usize; 2] = [32, 8];

/// Something that a client, an administrator or the timer repeats until it succeeds.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// A client sends the message at this index.
    Ask(usize),
    Approve,
    Reject,
    Revoke,
    MakeAuthority,
    MakeRaCertificate,
    Begin,
    Activate,
    /// The timer runs maintenance.
    Upkeep,
}

/// A message and the status of the answer that it must get.
struct Message {
    device: Device,
    octets: Vec<u8>,
    answer: PkiStatus,
}

/// A sequence of acts and its required outcome.
struct Scenario {
    name: &'static str,
    /// The world before the acts.
    world: World,
    folder: tempfile::TempDir,
    /// The ids of the items in the profiles table before the acts.
    before: BTreeSet<String>,
    messages: Vec<Message>,
    acts: Vec<Act>,
    /// The transaction that an administrator decides on, or the authority that is acted on.
    object: Uuid,
    /// The certificate that an administrator revokes, and its successor.
    revoked: Vec<Certificate>,
    /// The final state of every transaction.
    state: &'static str,
    /// The final number of certificates.
    certificates: usize,
    /// How often each administrator's action is recorded.
    records: &'static [(&'static str, usize)],
    made: Arc<tokio::sync::Mutex<Vec<GeneratedKey>>>,
}

impl Scenario {
    fn new(name: &'static str, world: World, acts: &[Act]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        world.database.save_as(&folder.path().join(SAVED)).unwrap();
        let records = world.database.items("test-profiles").unwrap();
        Self {
            name,
            folder,
            before: records.iter().map(id).collect(),
            messages: Vec::new(),
            acts: acts.to_vec(),
            object: Uuid::nil(),
            revoked: Vec::new(),
            state: "issued",
            certificates: 0,
            records: &[],
            made: Arc::default(),
            world,
        }
    }

    fn add_message(
        &mut self,
        device: &Device,
        signer: &Device,
        request: &Request,
        answer: PkiStatus,
    ) {
        self.messages.push(Message {
            device: signer.clone(),
            octets: device.message(request, &self.world.ra_certificate),
            answer,
        });
    }

    /// Performs the acts while these calls fail. Panics if the outcome is wrong.
    async fn run(&self, plan: &Plan<'_>, seen: &Mutex<Option<Arc<Faults>>>) {
        let life = Life::new(self, plan, seen);
        for act in &self.acts {
            life.repeat(*act).await;
        }
        life.faults.pause(life.settle()).await;
    }
}

/// The faults of a run.
struct Plan<'a> {
    faults: &'a [Fault],
    /// Whether maintenance runs before each retry rather than only at the end.
    upkeep: bool,
}

/// A run of a scenario.
struct Life<'a> {
    scenario: &'a Scenario,
    world: World,
    admin: Admin,
    faults: Arc<Faults>,
    /// What the CA keys signed.
    signed: Arc<Mutex<Vec<Vec<u8>>>>,
    /// The subjects of certificates that were signed before they were recorded.
    unrecorded: Arc<Mutex<Vec<String>>>,
    /// The certificate that each message got.
    got: Mutex<HashMap<usize, Certificate>>,
    /// Whether another process does the same at some point.
    is_overtaken: bool,
    upkeep: bool,
}

impl<'a> Life<'a> {
    fn new(scenario: &'a Scenario, plan: &Plan<'_>, seen: &Mutex<Option<Arc<Faults>>>) -> Self {
        let saved = scenario.folder.path().join(SAVED);
        let database = EmbeddedDynamoDb::in_memory_from(&saved).unwrap();
        let clock = Arc::new(TestClock::at(scenario.world.clock.now()));
        let faults = Faults::new(plan.faults, Arc::clone(&clock));
        *seen.lock().unwrap() = Some(Arc::clone(&faults));
        let client = client(&database.client(), &faults);
        let mut world = scenario.world.over(database.clone(), client, clock);
        let signed = Arc::new(Mutex::new(Vec::new()));
        let unrecorded = Arc::new(Mutex::new(Vec::new()));
        let (seen, unknown) = (Arc::clone(&signed), Arc::clone(&unrecorded));
        let keys = Arc::new(FaultyCaKeys {
            keys: world.administration.ca_keys.clone(),
            faults: Arc::clone(&faults),
            witness: Arc::new(move |message: &[u8]| {
                if is_certificate(message) && !is_known(&database, message) {
                    let names = read_tbs_names(message).unwrap();
                    unknown.lock().unwrap().push(names.subject);
                }
                seen.lock().unwrap().push(message.to_vec());
            }),
        });
        let ra_keys = Arc::new(FaultyRaKeys {
            keys: world.administration.ra_keys.clone(),
            faults: Arc::clone(&faults),
            made: Arc::clone(&scenario.made),
            taken: 0.into(),
        });
        let secrets = Arc::new(FaultySecrets {
            secrets: world.administration.secrets.clone(),
            faults: Arc::clone(&faults),
        });
        world.administration.ca_keys = keys.clone();
        world.administration.ra_keys = ra_keys.clone();
        world.administration.secrets = secrets.clone();
        world.enrolment.ca_keys = keys;
        world.enrolment.ra_keys = ra_keys;
        world.enrolment.secrets = secrets;
        let is_overtaken = |fault: &Fault| matches!(fault.kind, Kind::Overtaken(_));
        Self {
            admin: Admin::of(&world),
            scenario,
            world,
            is_overtaken: plan.faults.iter().any(is_overtaken),
            upkeep: plan.upkeep,
            faults,
            signed,
            unrecorded,
            got: Mutex::default(),
        }
    }

    /// Repeats an act until it succeeds.
    async fn repeat(&self, act: Act) {
        for tries in 0..MAX_TRIES {
            let acting = self.perform(act, tries);
            let done = self
                .faults
                .drive(acting, || self.perform_elsewhere(act))
                .await;
            if done == Some(true) {
                return;
            }
            self.world.clock.advance(LATER);
            if !self.upkeep {
                continue;
            }
            let keeping = self.world.administration.run_maintenance(&Unmeasured);
            // The next attempt completes what fails here.
            let _ = self
                .faults
                .drive(keeping, || self.perform_elsewhere(act))
                .await;
        }
        panic!("{act:?} is stuck");
    }

    /// Another process performs the act from start to finish.
    async fn perform_elsewhere(&self, act: Act) {
        self.world.clock.advance(LATER);
        self.world
            .administration
            .run_maintenance(&Unmeasured)
            .await
            .unwrap();
        for tries in 0..2 {
            if self.perform(act, tries).await {
                return;
            }
        }
        panic!("{act:?} fails without faults");
    }

    /// Attempts an act and returns whether it succeeded. A retry first looks whether an earlier
    /// attempt did.
    async fn perform(&self, act: Act, tries: usize) -> bool {
        match act {
            Act::Ask(place) => self.ask(place).await,
            Act::Approve => self.decide("approve", None).await,
            Act::Reject => {
                let reason = json!({ "reason": "not today" });
                self.decide("reject", Some(reason)).await
            }
            Act::Revoke => self.revoke().await,
            Act::MakeAuthority => self.make_authority(tries).await,
            Act::MakeRaCertificate => self.make_ra_certificate(tries).await,
            Act::Begin => self.begin().await,
            Act::Activate => self.activate(tries).await,
            Act::Upkeep => self
                .world
                .administration
                .run_maintenance(&Unmeasured)
                .await
                .is_ok(),
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
        assert_eq!(
            reply.attributes.pki_status, *answer,
            "{:?}",
            reply.attributes
        );
        if *answer == PkiStatus::Success {
            let leaf = reply.leaf();
            let mut got = self.got.lock().unwrap();
            let first = got.entry(place).or_insert_with(|| leaf.clone());
            assert_eq!(*first, leaf, "one request got two certificates");
        }
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

    async fn decide(&self, decision: &str, body: Option<Value>) -> bool {
        let path = format!("/scepTransactions/{}", self.scenario.object);
        let seen = self.admin.get(&path).await;
        let tag = seen.headers.get("etag").cloned();
        let Some(seen) = self.read_answer(seen, &[200]) else {
            return false;
        };
        if seen["status"] != "PENDING" {
            return true;
        }
        let tag = tag.unwrap();
        let headers = [
            ("authorization", "Bearer read,write,approve"),
            ("if-match", tag.to_str().unwrap()),
        ];
        let path = format!("{path}/{decision}");
        let body = body.map_or_else(String::new, |body| body.to_string());
        let decided = self.admin.send("POST", &path, &headers, body).await;
        self.read_answer(decided, &[204]).is_some()
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
        let successor = uuid(&self.scenario.revoked[1]);
        assert!(body.is_null() || body == json!({ "successors": [successor] }));
        true
    }

    async fn make_authority(&self, tries: usize) -> bool {
        if tries > 0 {
            let found = self.admin.get("/authorities").await;
            let Some(found) = self.read_answer(found, &[200]) else {
                return false;
            };
            let mut names = found.as_array().unwrap().iter();
            if names.any(|found| found["name"] == "another-ca") {
                return true;
            }
        }
        let body = json!({
            "name": "another-ca", "subject": "CN=Another CA", "keyAlgorithm": "EC_P256"
        });
        let made = self.admin.post("/authorities", body).await;
        self.read_answer(made, &[201]).is_some()
    }

    async fn make_ra_certificate(&self, tries: usize) -> bool {
        let path = format!("/authorities/{}/raCertificates", self.scenario.object);
        if tries > 0 {
            let found = self.admin.get(&path).await;
            let Some(found) = self.read_answer(found, &[200]) else {
                return false;
            };
            if !found.as_array().unwrap().is_empty() {
                return true;
            }
        }
        let made = self.admin.post(&path, json!({ "commonName": "RA" })).await;
        self.read_answer(made, &[201]).is_some()
    }

    async fn begin(&self) -> bool {
        let path = format!("/authorities/{}/rollover", self.scenario.object);
        let begun = self.admin.post(&path, Value::Null).await;
        self.read_answer(begun, &[200]).is_some()
    }

    async fn activate(&self, tries: usize) -> bool {
        let path = format!("/authorities/{}", self.scenario.object);
        if tries > 0 {
            let seen = self.admin.get(&path).await;
            match self.read_answer(seen, &[200]) {
                None => return false,
                Some(seen) if seen["next"].is_null() => return true,
                Some(_) => {}
            }
        }
        let path = format!("{path}/rollover/activate");
        let activated = self.admin.post(&path, Value::Null).await;
        self.read_answer(activated, &[200]).is_some()
    }

    /// Completes what faults interrupted, and checks the outcome.
    async fn settle(&self) {
        assert_eq!(self.faults.outstanding(), 0, "a fault did not happen");
        self.world.clock.advance(LATER);
        self.world
            .administration
            .run_maintenance(&Unmeasured)
            .await
            .unwrap();
        for item in self.world.database.items("test-transactions").unwrap() {
            if let Some(state) = item["state"]["S"].as_str() {
                assert_eq!(state, self.scenario.state, "the state of a transaction");
            }
        }
        self.check_certificates().await;
        self.check_records();
        self.check_crls().await;
        self.check_ra_keys().await;
    }

    /// Checks that every certificate which a CA key signed was recorded before it was signed, and
    /// that clients have no other certificates.
    async fn check_certificates(&self) {
        let unrecorded = self.unrecorded.lock().unwrap().clone();
        assert!(
            unrecorded.is_empty(),
            "signed before recorded: {unrecorded:?}"
        );
        let database = &self.world.database;
        for signed in self.signed.lock().unwrap().iter() {
            assert!(!is_certificate(signed) || is_recorded(database, signed));
        }
        let records = certificates(database);
        assert_eq!(records.len(), self.scenario.certificates);
        let recorded: BTreeSet<_> = records.iter().map(|found| found.der().to_vec()).collect();
        for got in self.got.lock().unwrap().values() {
            assert!(
                recorded.contains(got.der()),
                "a client has an unrecorded certificate"
            );
        }
        let revoked: BTreeSet<_> = self.scenario.revoked.iter().map(uuid).collect();
        for item in database.items("test-certificates").unwrap() {
            if let Some(found) = item["uuid"]["S"].as_str() {
                let found: CertificateUuid = found.parse().unwrap();
                let is_revoked = item.get("revokedAt").is_some();
                assert_eq!(is_revoked, revoked.contains(&found), "{item}");
            }
        }
    }

    /// Checks that the administrators' actions are recorded, each as often as it was done.
    fn check_records(&self) {
        let mut records: BTreeMap<String, usize> = BTreeMap::new();
        for item in self.world.database.items("test-profiles").unwrap() {
            if let Some(action) = item["action"]["S"].as_str()
                && !self.scenario.before.contains(&id(&item))
            {
                *records.entry(action.to_owned()).or_default() += 1;
            }
        }
        for (action, count) in self.scenario.records {
            assert_eq!(records.get(*action), Some(count), "{action} in {records:?}");
        }
    }

    /// Checks that each generation of each authority has a valid CRL, and that the CRLs list all
    /// revoked certificates.
    async fn check_crls(&self) {
        let mut listed = BTreeSet::new();
        for found in list::<Authority>(&self.world.store).await.unwrap() {
            for generation in found.object.generations() {
                let crl = self.world.store.crl(found.object.uuid, generation.number);
                let crl = crl.await.unwrap().expect("a generation without a CRL");
                assert!(self.world.clock.now() < crl.next_update);
                listed.extend(
                    read_crl_entries(&crl.der)
                        .unwrap()
                        .iter()
                        .map(|entry| entry.uuid),
                );
            }
        }
        let revoked: BTreeSet<_> = self.scenario.revoked.iter().map(uuid).collect();
        assert_eq!(
            listed, revoked,
            "the CRLs do not list the revoked certificates"
        );
    }

    /// Checks that each RA certificate has a key for every present and next generation of its
    /// authority.
    async fn check_ra_keys(&self) {
        let authorities = list::<Authority>(&self.world.store).await.unwrap();
        for found in list::<RaCertificate>(&self.world.store).await.unwrap() {
            let mut authorities = authorities.iter();
            let authority = authorities.find(|known| known.object.uuid == found.object.authority);
            for generation in authority.unwrap().object.generations() {
                let key = found.object.key_of(generation.number);
                let key = key.expect("a generation without an RA key");
                self.world.administration.ra_keys.load(key).await.unwrap();
            }
        }
    }
}

fn id(item: &Value) -> String {
    text(&item["id"]["S"])
}

/// The uuid of a certificate, which is its serial number.
fn uuid(certificate: &Certificate) -> CertificateUuid {
    let number = certificate.issuer_and_serial_number().serial_number_hex();
    CertificateUuid::from_u128(u128::from_str_radix(&number, 16).unwrap())
}

/// Whether a CA key signed a certificate: only a TBSCertificate begins with a version, `[0]`.
fn is_certificate(to_be_signed: &[u8]) -> bool {
    use der::asn1::AnyRef;
    use der::{Decode, Tag, Tagged};
    let Ok(sequence) = AnyRef::from_der(to_be_signed) else {
        return false;
    };
    sequence.tag() == Tag::Sequence && sequence.value().first() == Some(&0xa0)
}

/// The certificates in the inventory.
fn certificates(database: &EmbeddedDynamoDb) -> Vec<Certificate> {
    let items = database.items("test-certificates").unwrap();
    let encoded = items
        .iter()
        .filter_map(|item| item["certificate"]["B"].as_str());
    let decoded = encoded.map(|encoded| STANDARD.decode(encoded).unwrap());
    decoded
        .map(|der| Certificate::from_der(&der).unwrap())
        .collect()
}

/// Whether a signed certificate is in the inventory or recorded as one of the server's own.
fn is_recorded(database: &EmbeddedDynamoDb, signed: &[u8]) -> bool {
    let serial_number = read_tbs_names(signed).unwrap().serial_number.to_hex();
    let records = database.items("test-profiles").unwrap();
    let names = |item: &Value| {
        item["action"]["S"] == "sign"
            && item["after"]["S"]
                .as_str()
                .unwrap()
                .contains(&serial_number)
    };
    records.iter().any(names)
        || certificates(database)
            .iter()
            .any(|found| to_be_signed(found) == signed)
}

/// Whether a certificate is recorded (see [`is_recorded`]) or claimed by a transaction.
fn is_known(database: &EmbeddedDynamoDb, signed: &[u8]) -> bool {
    let encoded = STANDARD.encode(signed);
    let claims = database.items("test-transactions").unwrap();
    claims
        .iter()
        .any(|item| item["toBeSigned"]["B"] == encoded.as_str())
        || is_recorded(database, signed)
}

/// Runs a scenario without faults, with each fault at each call, and with pairs of faults; reports
/// the runs that failed.
fn check(scenario: &Scenario) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut failed = String::new();
    let mut run = |faults: &[Fault], upkeep: bool| {
        let plan = Plan { faults, upkeep };
        let seen = Mutex::new(None);
        let ended = catch_unwind(AssertUnwindSafe(|| {
            runtime.block_on(scenario.run(&plan, &seen));
        }));
        let calls = seen.lock().unwrap().as_ref().unwrap().calls();
        if let Err(panic) = ended {
            let said = panic.downcast_ref::<String>().cloned();
            let said = said.or_else(|| panic.downcast_ref::<&str>().map(|said| (*said).to_owned()));
            writeln!(
                failed,
                "{}",
                describe(scenario.name, &calls, &said.unwrap_or_default())
            )
            .unwrap();
        }
        calls
    };
    let begun = Instant::now();
    let calls = run(&[], false);
    let mut singles = 0;
    let mut pairs = Vec::new();
    for (place, (call, _)) in calls.iter().enumerate() {
        let at = place + 1;
        for kind in KINDS.into_iter().filter(|kind| call.admits(*kind)) {
            let first = Fault { at, kind };
            // A read has no lasting effect that could interact with a second fault.
            let is_met = call.writes && OF_PAIRS.contains(&kind);
            for upkeep in [false, true].into_iter().take(1 + usize::from(is_met)) {
                let after = run(&[first], upkeep);
                singles += 1;
                if is_met {
                    let of = pairs_of(first, &after[place..]).into_iter();
                    pairs.extend(of.map(|(twice, pair)| (twice, pair, upkeep)));
                }
            }
        }
    }
    let all = pairs.len();
    let (twice, others): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|(twice, ..)| *twice);
    let mut chosen = Vec::new();
    for (pairs, most) in [twice, others].into_iter().zip(MAX_PAIRS) {
        let step = pairs.len().div_ceil(most).max(1);
        chosen.extend(pairs.into_iter().step_by(step));
    }
    for (_, pair, upkeep) in &chosen {
        run(pair, *upkeep);
    }
    eprintln!(
        "{}: {} calls, {singles} single faults, {} of {all} pairs, {:?}",
        scenario.name,
        calls.len(),
        chosen.len(),
        begun.elapsed()
    );
    assert!(failed.is_empty(), "\n{failed}");
}

/// The pairs of this fault, which hit `calls[0]`, with each fault at each later call that writes,
/// and whether that call is the same one.
fn pairs_of(first: Fault, calls: &[(Call, Option<Kind>)]) -> Vec<(bool, [Fault; 2])> {
    let mut pairs = Vec::new();
    let Some(((met, _), calls)) = calls.split_first() else {
        return pairs;
    };
    for (place, (call, _)) in calls
        .iter()
        .enumerate()
        .filter(|(_, (call, _))| call.writes)
    {
        let at = place + 1;
        let kinds = OF_PAIRS.into_iter().filter(|kind| call.admits(*kind));
        pairs.extend(kinds.map(|kind| (call.name == met.name, [first, Fault { at, kind }])));
    }
    pairs
}

/// Describes a failed run: the panic, and the faults with their calls.
fn describe(name: &str, calls: &[(Call, Option<Kind>)], said: &str) -> String {
    let mut told = format!("{name}: {said}");
    for (place, (call, kind)) in calls.iter().enumerate() {
        if let Some(kind) = kind {
            write!(told, "\n  {kind:?} at call {}, {}", place + 1, call.name).unwrap();
        }
    }
    told
}

/// Builds a scenario in its own runtime, separate from the one in which it runs.
fn build(scenario: impl Future<Output = Scenario>) -> Scenario {
    tokio::runtime::Runtime::new().unwrap().block_on(scenario)
}

#[test]
fn an_enrolment_survives_every_fault() {
    check(&build(async {
        let world = World::new().await;
        let mut scenario = Scenario::new("enrolment", world, &[Act::Ask(0)]);
        let device = Device::rsa();
        let request = device.enrolment("device-1", CHALLENGE);
        scenario.add_message(&device, &device, &request, PkiStatus::Success);
        scenario.certificates = 1;
        scenario
    }));
}

#[test]
fn a_renewal_survives_every_fault() {
    check(&build(async {
        let world = World::new().await;
        let device = world.enrolled("device-1").await;
        world.make_renewable(&device.certificate);
        world
            .administration
            .run_maintenance(&Unmeasured)
            .await
            .unwrap();
        let request = Device::rsa().renewal("device-1");
        let mut scenario = Scenario::new("renewal", world, &[Act::Ask(0)]);
        scenario.add_message(&device, &device, &request, PkiStatus::Success);
        scenario.certificates = 2;
        scenario
    }));
}

/// A scenario in a world where a request is pending, or will be, with a message for the request and
/// a poll for each of these answers.
async fn build_pending(name: &'static str, acts: &[Act], answers: &[PkiStatus]) -> Scenario {
    let world = World::new().await;
    world
        .edit_scep_profile(|profile| profile.settings.require_manual_approval = true)
        .await;
    let device = Device::rsa();
    let request = device.enrolment("device-1", CHALLENGE);
    if acts.len() > 1 {
        world.ask(&device, &request).await;
    }
    let key = TransactionKey {
        scep_profile: world.find::<ScepProfile>().await.object.uuid,
        transaction_id: scep_cms::transaction_id::TransactionId::new(&request.transaction_id)
            .unwrap(),
    };
    let mut scenario = Scenario::new(name, world, acts);
    scenario.object = key.uuid().into_untyped_uuid();
    scenario.add_message(&device, &device, &request, PkiStatus::Pending);
    for answer in answers {
        scenario.add_message(&device, &device, &device.poll(&request), *answer);
    }
    scenario
}

#[test]
fn a_request_that_waits_for_approval_survives_every_fault() {
    check(&build(async {
        let mut scenario = build_pending("waiting", &[Act::Ask(0)], &[]).await;
        scenario.state = "pending";
        scenario
    }));
}

#[test]
fn an_approval_survives_every_fault() {
    check(&build(async {
        let acts = [Act::Approve, Act::Ask(1)];
        let mut scenario = build_pending("approval", &acts, &[PkiStatus::Success]).await;
        scenario.certificates = 1;
        scenario.records = &[("approve", 1)];
        scenario
    }));
}

#[test]
fn a_rejection_survives_every_fault() {
    check(&build(async {
        let acts = [Act::Reject, Act::Ask(1)];
        let mut scenario = build_pending("rejection", &acts, &[PkiStatus::Failure]).await;
        scenario.state = "rejected";
        scenario.records = &[("reject", 1)];
        scenario
    }));
}

#[test]
fn a_revocation_with_a_successor_survives_every_fault() {
    check(&build(async {
        let world = World::new().await;
        let device = world.enrolled("device-1").await;
        world.make_renewable(&device.certificate);
        world
            .administration
            .run_maintenance(&Unmeasured)
            .await
            .unwrap();
        let request = Device::rsa().renewal("device-1");
        let successor = world.ask(&device, &request).await.leaf();
        let mut scenario = Scenario::new("revocation", world, &[Act::Revoke]);
        scenario.revoked = vec![device.certificate, successor];
        scenario.certificates = 2;
        scenario.records = &[("revoke", 2)];
        scenario
    }));
}

#[test]
fn the_beginning_of_a_rollover_survives_every_fault() {
    check(&build(async {
        let world = World::new().await;
        let authority = list::<Authority>(&world.store).await.unwrap();
        let mut scenario = Scenario::new("rollover", world, &[Act::Begin]);
        scenario.object = authority[0].object.uuid.into_untyped_uuid();
        scenario.records = &[("rollover", 1)];
        scenario
    }));
}

#[test]
fn the_activation_of_a_rollover_survives_every_fault() {
    check(&build(async {
        let world = World::new().await;
        let authority = list::<Authority>(&world.store).await.unwrap();
        let authority = authority[0].object.uuid;
        let next = NextKey {
            algorithm: None,
            key: None,
            validity: Period::years(10),
        };
        world
            .administration
            .begin_rollover(authority, next)
            .await
            .unwrap();
        let acts = [Act::Activate, Act::Ask(0)];
        let mut scenario = Scenario::new("activation", world, &acts);
        scenario.object = authority.into_untyped_uuid();
        let device = Device::rsa();
        let request = device.enrolment("device-1", CHALLENGE);
        scenario.add_message(&device, &device, &request, PkiStatus::Success);
        scenario.certificates = 1;
        scenario.records = &[("rollover", 1)];
        scenario
    }));
}

#[test]
fn the_making_of_an_authority_survives_every_fault() {
    check(&build(async {
        let world = World::new().await;
        Scenario::new("authority", world, &[Act::MakeAuthority])
    }));
}

#[test]
fn the_making_of_an_ra_certificate_survives_every_fault() {
    check(&build(async {
        let world = World::new().await;
        let made = authority(&world.administration, "another-ca", KeyAlgorithm::EcP256).await;
        let mut scenario = Scenario::new("RA certificate", world, &[Act::MakeRaCertificate]);
        scenario.object = made.uuid.into_untyped_uuid();
        scenario
    }));
}

#[test]
fn upkeep_survives_every_fault() {
    check(&build(async {
        let mut world = World::new().await;
        let keys = world.enrolment.ca_keys.clone();
        world.enrolment.ca_keys = Arc::new(WatchedKeys::failing(keys.clone()));
        let device = Device::rsa();
        let request = device.enrolment("device-1", CHALLENGE);
        let message = device.message(&request, &world.ra_certificate);
        assert_eq!(world.post(message).await.status(), 503);
        world.enrolment.ca_keys = keys;
        // The CRL is past half of its validity, and the RA keys are close to expiry.
        world.clock.advance(Duration::from_secs(710 * 24 * 60 * 60));
        let mut scenario = Scenario::new("upkeep", world, &[Act::Upkeep]);
        scenario.certificates = 1;
        scenario.records = &[("rotate", 1)];
        scenario
    }));
}
