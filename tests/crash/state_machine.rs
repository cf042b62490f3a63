//! Random sequences of messages, administrator decisions, crashes and clock steps. Whatever
//! happens, no transactionID yields two certificates for one request, nothing is issued without
//! authorisation, the authority signs nothing that is not recorded, and a one-time challenge yields
//! as many certificates as it says and loses no use.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use scep_cms::attribute::PkiStatus;
use scep_cms::certificate::Certificate;
use scep_protocol::profile::ScepProfile;
use scep_protocol::vouching::ChallengeSourceKind;
use scep_service::ports::Clock;
use scepter_tests::admin::{Admin, text};
use scepter_tests::asn1;
use scepter_tests::databases::{AnyWorld, DatabaseKind};
use scepter_tests::device::{CertRep, Device, Request};
use scepter_tests::world::CHALLENGE;
use serde_json::{Value, json};

use crate::crash::failing::WatchedKeys;
use crate::crash::faulty::Faults;
use crate::crash::faulty_store::FaultyStore;
use crate::crash::knowledge::Knowledge;

const DEVICES: usize = 3;
const HOUR: u64 = 60 * 60;
const DAY: u64 = 24 * HOUR;

/// An event. A device is one of three, and each enrols under the transactionID of its key.
#[derive(Clone, Debug)]
enum Act {
    /// A device enrols under one of two names, with the correct challenge or a wrong one.
    Enrol(usize, bool, bool),
    /// An administrator makes a one-time challenge that is good for one or two certificates.
    MakeChallenge(bool),
    /// A device enrols under one of two names, by one of the one-time challenges.
    EnrolOnce(usize, bool, usize),
    /// A device enrols under another device's transactionID.
    Usurp(usize, usize),
    Poll(usize),
    /// A device polls for another device's transaction.
    PollAs(usize, usize),
    Renew(usize),
    Approve,
    Reject,
    Revoke(usize),
    /// A message that was sent before is sent again, unchanged or signed again under another
    /// transactionID.
    Replay(usize, bool),
    Approval(bool),
    /// The next signature fails.
    CrashBeforeSigning,
    /// The next certificate is signed but not recorded.
    CrashAfterSigning,
    Wait(u64),
}

fn any_act() -> impl Strategy<Value = Act> {
    let device = || 0..DEVICES;
    prop_oneof![
        6 => (device(), any::<bool>(), prop::bool::weighted(0.8)).prop_map(|(d, n, c)| Act::Enrol(d, n, c)),
        2 => any::<bool>().prop_map(Act::MakeChallenge),
        6 => (device(), any::<bool>(), 0..4_usize).prop_map(|(d, n, c)| Act::EnrolOnce(d, n, c)),
        1 => (device(), device()).prop_map(|(d, of)| Act::Usurp(d, of)),
        3 => device().prop_map(Act::Poll),
        1 => (device(), device()).prop_map(|(d, of)| Act::PollAs(d, of)),
        3 => device().prop_map(Act::Renew),
        3 => Just(Act::Approve),
        1 => Just(Act::Reject),
        1 => device().prop_map(Act::Revoke),
        3 => (0..40_usize, any::<bool>()).prop_map(|(place, anew)| Act::Replay(place, anew)),
        2 => any::<bool>().prop_map(Act::Approval),
        2 => Just(Act::CrashBeforeSigning),
        2 => Just(Act::CrashAfterSigning),
        4 => prop_oneof![Just(6), Just(HOUR), Just(2 * DAY), Just(8 * DAY), Just(190 * DAY)].prop_map(Act::Wait),
    ]
}

struct Life<'a> {
    world: AnyWorld,
    admin: Admin,
    keys: Arc<WatchedKeys>,
    faults: Arc<Faults>,
    devices: &'a [Device],
    scep_profile: String,
    known: Knowledge,
}

impl<'a> Life<'a> {
    async fn new(kind: DatabaseKind, devices: &'a [Device]) -> Self {
        let world = AnyWorld::new_on(kind).await;
        let faults = Faults::new(&[], world.clock.clone());
        let store = Arc::new(FaultyStore::over(&world.database, &faults));
        let mut world = world.over_store(world.database.clone(), store, world.clock.clone());
        let keys = Arc::new(WatchedKeys::over(world.enrolment.ca_keys.clone()));
        // Allow every renewal: `renewal.rs` tests renewals that come too early.
        let always =
            |profile: &mut ScepProfile| profile.settings.renewal_threshold_days = Some(400);
        world.edit_scep_profile(always).await;
        world.choose_one_time().await;
        let both = |profile: &mut ScepProfile| {
            let sources = profile.chosen_sources.get_or_insert_default();
            sources.insert(ChallengeSourceKind::Static);
        };
        world.edit_scep_profile(both).await;
        let scep_profile = world.find::<ScepProfile>().await.object.uuid.to_string();
        world.enrolment.ca_keys = keys.clone();
        world.administration.ca_keys = keys.clone();
        Self {
            admin: Admin::of(&world),
            world,
            keys,
            faults,
            devices,
            scep_profile,
            known: Knowledge {
                held: vec![None; devices.len()],
                ..Knowledge::default()
            },
        }
    }

    /// Sends a request and reads the reply. `None` after a crash; the clock has then passed the
    /// lease, so that another request may finish the transaction.
    async fn ask(&self, device: &Device, request: &Request) -> Option<CertRep> {
        let message = device.message(request, &self.world.ra_certificate);
        let sent = (device.clone(), request.clone(), message.clone());
        self.known.messages.borrow_mut().push(sent);
        self.send(device, message).await
    }

    /// Sends a message that is already built; see [`Self::ask`].
    async fn send(&self, device: &Device, message: Vec<u8>) -> Option<CertRep> {
        let response = self.world.post(message).await;
        match response.status().as_u16() {
            200 => Some(device.read(response.body(), &self.world.ra_certificate)),
            status => {
                assert_eq!(status, 503);
                // Past the lease of five seconds, so that the next request may finish what the
                // crash left.
                self.world.clock.advance(Duration::from_secs(6));
                None
            }
        }
    }

    async fn act(&mut self, act: &Act) {
        match *act {
            Act::Enrol(device, name, known) => {
                let name = ["device-a", "device-b"][usize::from(name)];
                let challenge = [CHALLENGE, "guessed"][usize::from(!known)];
                let request = self.devices[device].enrolment(name, challenge);
                self.enrol(device, request, known).await;
            }
            Act::MakeChallenge(twice) => {
                let fields = json!({ "uses": 1 + u8::from(twice), "validity": "P10D" });
                let made = self.admin.challenge(&self.scep_profile, fields).await;
                self.known.challenges.push(made);
            }
            Act::EnrolOnce(device, name, place) => {
                let place = place % self.known.challenges.len().max(1);
                let Some(made) = self.known.challenges.get(place) else {
                    return;
                };
                let name = ["device-a", "device-b"][usize::from(name)];
                let secret = text(&made["challengePassword"]);
                let request = self.devices[device].enrolment(name, &secret);
                self.enrol(device, request, true).await;
            }
            Act::Usurp(device, of) if device != of => {
                let mut request = self.devices[device].enrolment("usurper", CHALLENGE);
                request.transaction_id = self.devices[of].enrolment("", "").transaction_id;
                self.enrol(device, request, true).await;
            }
            Act::Poll(device) => self.poll(device, device).await,
            Act::PollAs(device, of) => self.poll(device, of).await,
            Act::Renew(device) => self.renew(device).await,
            Act::Approve => self.decide("approve").await,
            Act::Reject => self.decide("reject").await,
            Act::Revoke(device) => self.revoke(device).await,
            Act::Replay(place, anew) => self.replay(place, anew).await,
            Act::Approval(wanted) => {
                self.known.approval = wanted;
                let edit = |profile: &mut ScepProfile| {
                    profile.settings.require_manual_approval = wanted;
                };
                self.world.edit_scep_profile(edit).await;
            }
            Act::CrashBeforeSigning => self.keys.fails.store(true, Ordering::SeqCst),
            Act::CrashAfterSigning => self.faults.doom(Some("Transactions::complete")),
            // The RA certificate of a world expires after two years.
            Act::Wait(seconds) if self.known.waited + seconds < 700 * DAY => {
                self.known.waited += seconds;
                self.world.clock.advance(Duration::from_secs(seconds));
            }
            Act::Wait(_) => {}
            Act::Usurp(..) => {}
        }
    }

    async fn enrol(&mut self, device: usize, request: Request, authorised: bool) {
        let reply = self.ask(&self.devices[device], &request).await;
        let Some(reply) = reply else {
            // Only an authorised request reaches the point where a crash can happen.
            assert!(authorised);
            self.known.may_have.extend(request.content);
            self.known.unsure.insert(request.transaction_id);
            return;
        };
        match reply.attributes.pki_status {
            PkiStatus::Success => {
                let leaf = reply.leaf();
                let key = self.devices[device].certificate.subject_public_key_info();
                assert_eq!(leaf.subject_public_key_info(), key);
                let waits = self.known.approval && !self.known.is_excused(&request);
                assert!(authorised && !waits, "{}", request.transaction_id);
                self.known
                    .remember_granted(&request, &leaf, self.world.clock.now());
                self.known.remember(request, authorised, false);
                self.known.held[device] = Some((leaf, false));
            }
            PkiStatus::Pending => {
                assert!(authorised && self.known.approval);
                self.known.remember(request, authorised, true);
            }
            PkiStatus::Failure => {}
        }
    }

    async fn poll(&mut self, device: usize, of: usize) {
        let id = self.devices[of].enrolment("", "").transaction_id;
        let mut poll = self.devices[device].poll(&self.devices[of].enrolment("", ""));
        poll.transaction_id = id.clone();
        let Some(reply) = self.ask(&self.devices[device], &poll).await else {
            return;
        };
        if reply.attributes.pki_status != PkiStatus::Success {
            return;
        }
        let leaf = reply.leaf();
        let key = self.devices[device].certificate.subject_public_key_info();
        assert_eq!(
            leaf.subject_public_key_info(),
            key,
            "the certificate is for another key"
        );
        if let Some(sent) = self.known.sent.get(&id) {
            assert!(sent.authorised);
            assert!(!sent.held || self.known.is_excused(&sent.request));
        }
        self.known.held[device] = Some((leaf, false));
    }

    async fn renew(&mut self, device: usize) {
        let Some((certificate, revoked)) = self.known.held[device].clone() else {
            return;
        };
        let name = ca::subject::name_text(certificate.subject()).unwrap();
        let name = name.split(['=', ',']).nth(1).unwrap().to_owned();
        let holder = self.devices[device].holding(certificate.clone());
        // The renewal uses the transactionID of the key, as the enrolment did.
        let renewal = holder.renewal(&name);
        let reply = self.ask(&holder, &renewal).await;
        let Some(reply) = reply else {
            self.known.unsure.insert(renewal.transaction_id);
            return;
        };
        if reply.attributes.pki_status == PkiStatus::Failure {
            return;
        }
        self.known.remember(renewal, true, false);
        assert!(!revoked && certificate.is_valid_at(self.world.clock.now()));
        self.known.renewals += 1;
        self.known.held[device] = Some((reply.leaf(), false));
    }

    /// Sends an earlier message again. That must not yield a certificate that was never granted to
    /// a revoked key, nor any certificate to a revoked signer.
    async fn replay(&mut self, place: usize, anew: bool) {
        let found = {
            let messages = self.known.messages.borrow();
            let count = messages.len().max(1);
            messages.get(place % count).cloned()
        };
        let Some((device, mut request, mut message)) = found else {
            return;
        };
        if anew {
            request.transaction_id = format!("replay {place}");
            message = device.message(&request, &self.world.ra_certificate);
        }
        let key = |certificate: &Certificate| certificate.subject_public_key_info().to_vec();
        let is_revoked = self.known.revoked_keys.contains(&key(&device.certificate));
        let Some(reply) = self.send(&device, message).await else {
            self.known.may_have.extend(request.content);
            self.known.unsure.insert(request.transaction_id);
            return;
        };
        self.known.replays += 1;
        let content = request.content.clone().unwrap_or_default();
        if content.windows(7).any(|window| window == b"guessed") {
            assert_eq!(reply.attributes.pki_status, PkiStatus::Failure);
        }
        match reply.attributes.pki_status {
            PkiStatus::Success => {
                let leaf = reply.leaf();
                assert!(!is_revoked, "a revoked key obtained a certificate");
                assert!(!self.known.revoked.contains(leaf.der()));
                assert!(!self.known.revoked_keys.contains(&key(&leaf)));
                let holder = self
                    .devices
                    .iter()
                    .position(|device| key(&device.certificate) == key(&leaf));
                // The device may now hold a newer certificate than the model knew.
                if let Some(holder) = holder {
                    self.known.held[holder] = Some((leaf, false));
                }
                self.known.may_have.extend(request.content);
                self.known.unsure.insert(request.transaction_id);
            }
            PkiStatus::Pending => {
                assert!(!is_revoked);
                // An administrator who approves the replay approves the request that it repeats.
                self.known.may_have.extend(request.content);
                self.known.unsure.insert(request.transaction_id);
            }
            PkiStatus::Failure => {}
        }
    }

    async fn decide(&mut self, act: &str) {
        let path = "/scepTransactions?status=PENDING";
        let page = self.admin.get(path).await.expect(200);
        let Some(first) = page["items"].as_array().unwrap().first().cloned() else {
            return;
        };
        let uuid = text(&first["uuid"]);
        let path = format!("/scepTransactions/{uuid}/{act}");
        let decided = match act {
            "approve" => self.admin.approve(&uuid).await,
            _ => self.admin.post(&path, Value::Null).await,
        };
        let status = decided.status.as_u16();
        if status == 422 {
            // The key was revoked while the request was pending, or the certificate during the
            // approval.
            assert!(!self.known.revoked_keys.is_empty(), "{}", decided.body);
            return;
        }
        // The decision is stored before a crash can happen.
        assert!([204, 503].contains(&status), "{status}");
        if status == 503 {
            self.world.clock.advance(Duration::from_secs(6));
        }
        if act == "approve" {
            let id = text(&first["transactionId"]);
            let sent = self.known.sent.get(&id);
            let content = sent.and_then(|sent| sent.request.content.clone());
            self.known.may_have.extend(content);
            self.known.approved.insert(id);
        }
    }

    async fn revoke(&mut self, device: usize) {
        if let Some((certificate, revoked)) = &mut self.known.held[device] {
            let body = json!({ "reason": "superseded" });
            let status = self.admin.revoke(certificate, body).await.status.as_u16();
            // After a failure the CRL may wait for the next attempt, but the certificate is revoked
            // at once, and its successors with it.
            assert!([200, 204, 503].contains(&status), "{status}");
            *revoked = true;
            self.known.revoked.insert(certificate.der().to_vec());
            let key = certificate.subject_public_key_info().to_vec();
            self.known.revoked_keys.insert(key);
        }
    }

    /// Completes what crashes interrupted, then compares what the authority signed with what is
    /// recorded.
    async fn settle(&mut self) -> usize {
        self.keys.fails.store(false, Ordering::SeqCst);
        self.faults.doom(None);
        self.world.clock.advance(Duration::from_secs(6));
        self.world.run_maintenance().await.unwrap();
        for device in 0..self.devices.len() {
            self.poll(device, device).await;
        }
        let page = self.admin.get("/certificates?limit=500").await.expect(200);
        let mut known = HashSet::new();
        for item in page["items"].as_array().unwrap() {
            let path = format!("/certificates/{}/pem", text(&item["uuid"]));
            let pem = self.admin.get(&path).await.expect(200);
            let certificate = Certificate::from_pem(&text(&pem)).unwrap();
            known.insert(asn1::at(certificate.der(), &[0]));
        }
        let signed = self.keys.signed.lock().unwrap().clone();
        let names = [b"device-a".as_slice(), b"device-b", b"usurper"];
        let is_in =
            |name: &[u8], signed: &[u8]| signed.windows(name.len()).any(|part| part == name);
        let of_devices = signed
            .iter()
            .filter(|signed| names.iter().any(|name| is_in(name, signed)));
        let unknown = of_devices.filter(|signed| !known.contains(*signed)).count();
        assert_eq!(unknown, 0, "certificates were signed but not recorded");
        known.len()
    }

    /// Compares the uses of each one-time challenge with the certificates that it led to. Returns
    /// how many these are.
    async fn check_challenges(&self) -> usize {
        // Requests that waited in vain have given their uses back by then.
        self.world.clock.advance(Duration::from_secs(8 * DAY));
        let page = self.admin.get("/certificates?limit=500").await.expect(200);
        let mut by_challenge: HashMap<String, HashSet<String>> = HashMap::new();
        for item in page["items"].as_array().unwrap() {
            let uuid = text(&item["uuid"]);
            let path = format!("/certificates/{uuid}");
            let record = self.admin.get(&path).await.expect(200);
            if let Some(challenge) = record["challengeUuid"].as_str() {
                let issued = by_challenge.entry(challenge.to_owned()).or_default();
                issued.insert(uuid);
            }
        }
        for made in &self.known.challenges {
            let uuid = text(&made["uuid"]);
            let issued = by_challenge.get(&uuid).cloned().unwrap_or_default();
            let path = format!("/scepProfiles/{}/challenges/{uuid}", self.scep_profile);
            let shown = self.admin.get(&path).await.expect(200);
            let left = shown["usesLeft"].as_u64().unwrap();
            let uses = shown["uses"].as_u64().unwrap();
            assert_eq!(left + issued.len() as u64, uses, "{shown} {issued:?}");
            let path = format!("/certificates?challengeUuid={uuid}");
            let listed = self.admin.get(&path).await.expect(200);
            let listed = listed["items"].as_array().unwrap().iter();
            let listed: HashSet<_> = listed.map(|item| text(&item["uuid"])).collect();
            assert_eq!(listed, issued);
        }
        by_challenge.values().map(HashSet::len).sum()
    }
}

#[test]
fn no_sequence_of_events_yields_what_nobody_may_have_in_dynamodb() {
    check_sequences(DatabaseKind::DynamoDb);
}

#[test]
fn no_sequence_of_events_yields_what_nobody_may_have_in_sqlite() {
    check_sequences(DatabaseKind::Sqlite);
}

fn check_sequences(kind: DatabaseKind) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let devices = [(); DEVICES].map(|()| Device::rsa());
    let (issued, renewed, replayed) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let used = Cell::new(0);
    let config = Config {
        cases: 40,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&prop::collection::vec(any_act(), 1..30), |acts| {
            runtime.block_on(async {
                let mut life = Life::new(kind, &devices).await;
                for act in &acts {
                    life.act(act).await;
                }
                issued.set(issued.get() + life.settle().await);
                used.set(used.get() + life.check_challenges().await);
                renewed.set(renewed.get() + life.known.renewals);
                replayed.set(replayed.get() + life.known.replays);
            });
            Ok(())
        })
        .unwrap();
    // Guards against a test in which nothing happens.
    assert!(
        issued.get() > 40 && renewed.get() > 0 && replayed.get() > 10 && used.get() > 1,
        "{issued:?} {renewed:?} {replayed:?} {used:?}"
    );
}
