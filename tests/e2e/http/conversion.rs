//! `scepter convert` and `scepter backup`: nothing of a data folder of an earlier version is lost,
//! and clients notice nothing.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use newtype_uuid::{GenericUuid, TypedUuid};
use scep_cms::certificate::Certificate;
use scep_protocol::id::{RefusalUuid, ScepProfileUuid};
use scep_protocol::lockout::{Lockout, LockoutSubject};
use scep_protocol::notice::{IssuedCertificate, Notice, NoticeEvent, NoticeReceiver};
use scep_protocol::profile::ScepProfile;
use scep_protocol::refusal::Refusal;
use scep_protocol::refusal_record::{RefusalRecord, RefusalVerdict, RequestOutline};
use scep_protocol::transaction::Fingerprint;
use scep_service::audit::{AuditRecord, AuditRecordUuid};
use scep_service::inventory::{AuditFilter, CertificateFilter, PageRequest};
use scep_service::object::Reference;
use scep_service::ports::{ClaimKind, Renewal, RequestLog, Store, Transactions};
use scep_service::record::Record;
use scep_service::request_list::RequestFilter;
use scep_service::statistics::{HourlyCounts, IssuedCounts, Series};
use scepter_tests::admin::Admin;
use scepter_tests::assert::expect_status;
use scepter_tests::device::Device;
use scepter_tests::objects::audit;
use scepter_tests::samples;
use scepter_tests::samples::key;
use scepter_tests::server::{ADMIN_TOKEN, Build, Server, binary};
use scepter_tests::world::{CHALLENGE, PATH, Plan, World};
use serde_json::{Value, json};
use store_dynamodb::{DynamoDbStore, ExportPosition, Tables, create_tables};
use store_embedded::EmbeddedDynamoDb;
use store_sqlite::SqliteStore;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

const DAY: Duration = Duration::DAY;

/// A data folder as earlier versions wrote it.
struct FormerFolder {
    data: tempfile::TempDir,
    store: DynamoDbStore,
    world: World,
}

impl FormerFolder {
    /// Creates a folder with a copy of the world, and moves its keys there.
    async fn of_world(world: World) -> Self {
        let data = tempfile::tempdir().unwrap();
        std::fs::rename(world.key_folder(), data.path().join("keys")).unwrap();
        std::fs::write(data.path().join("demo-made"), "").unwrap();
        let database = EmbeddedDynamoDb::open(&data.path().join("scepter.db")).unwrap();
        let (client, tables) = (database.client(), Tables::prefixed("scepter"));
        create_tables(&client, &tables).await.unwrap();
        for table in ["profiles", "certificates", "transactions"] {
            let scan = world.database.client().scan();
            let found = scan.table_name(format!("test-{table}")).send().await;
            for item in found.unwrap().items.unwrap() {
                let put = client.put_item().table_name(format!("scepter-{table}"));
                put.set_item(Some(item)).send().await.unwrap();
            }
        }
        let store = DynamoDbStore::new(client, tables);
        Self { data, store, world }
    }

    /// Every record, and how many items they are.
    async fn read_all(&self) -> (Vec<Record>, usize) {
        let (mut records, mut items) = (Vec::new(), 0);
        let mut position = Some(ExportPosition::default());
        while let Some(here) = position {
            let page = self.store.export(here).await.unwrap();
            records.extend(page.records);
            items += page.items;
            position = page.next;
        }
        (records, items)
    }
}

/// A device, the request that it sent, and the certificate that it got.
struct EnrolledDevice {
    device: Device,
    message: Vec<u8>,
    leaf: Certificate,
}

fn run_scepter(arguments: &[&str], data: &Path) -> Output {
    Command::new(binary(Build::Debug))
        .args(arguments)
        .arg("--data")
        .arg(data)
        .output()
        .unwrap()
}

#[track_caller]
fn expect_success(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

const fn name_kind(record: &Record) -> &'static str {
    match record {
        Record::Audit(_) => "audit record",
        Record::Certificate(_) => "certificate",
        Record::Challenge(_) => "challenge",
        Record::CountedUntil(_) => "time of the counts",
        Record::Counts(_) => "counts",
        Record::Crl(..) => "CRL",
        Record::Envelope(_) => "envelope",
        Record::Lockout(_) => "lockout",
        Record::Notice(_) => "notice",
        Record::Object(_) => "object",
        Record::Refusal(_) => "refusal",
        Record::Request(_) => "request",
        Record::RevokedKey(..) => "revoked key",
        Record::Successors(_) => "successors",
        Record::Transaction(_) => "transaction",
    }
}

/// What a store answers about a record that another one exported.
async fn read_back<S: Store + Transactions + RequestLog>(
    store: &S,
    record: &Record,
    now: OffsetDateTime,
) -> String {
    match record {
        // The lists show them all.
        Record::Audit(_) => String::new(),
        Record::Certificate(record) => {
            let summary = &record.summary;
            let number = &summary.serial_number;
            let by_number = store.certificate(summary.authority, number).await.unwrap();
            let by_uuid = store.certificate_record(summary.uuid).await.unwrap();
            format!("{:?}", (by_number, by_uuid))
        }
        Record::Challenge(challenge) => {
            format!("{:?}", store.challenge(challenge.uuid).await.unwrap())
        }
        Record::CountedUntil(_) => format!("{:?}", store.counted_until().await.unwrap()),
        Record::Counts(_) => {
            let counts = store.counts(now - DAY, now + DAY).await.unwrap();
            format!("{counts:?}")
        }
        Record::Crl(authority, generation, _) => {
            format!("{:?}", store.crl(*authority, *generation).await.unwrap())
        }
        Record::Envelope(record) => {
            let (key, other) = (record.encrypted_key, Fingerprint([0; 32]));
            let mut sightings = Vec::new();
            for ciphertext in [record.ciphertext, other] {
                let seen = store.remember_envelope(key, ciphertext, now + DAY, now);
                sightings.push(seen.await.unwrap());
            }
            format!("{sightings:?}")
        }
        Record::Lockout(lockout) => format!("{:?}", store.lockout(lockout.uuid()).await.unwrap()),
        Record::Notice(_) => {
            format!("{:?}", store.due_notices(now + DAY, 100).await.unwrap())
        }
        Record::Object(object) => {
            let found = store.read(object.reference).await.unwrap().unwrap();
            let names = (found.name, found.version, found.dependents);
            format!("{names:?} {}", found.document)
        }
        Record::Refusal(record) => {
            let uuid = record.uuid.into_untyped_uuid();
            format!("{:?}", store.request(uuid, now).await.unwrap())
        }
        Record::Request(request) => {
            let Some(known) = store.transaction(request.transaction).await.unwrap() else {
                return "no transaction".to_owned();
            };
            let profile = known.key.scep_profile;
            let same = store.same_request(profile, &known.request, known.requester_key);
            format!("{:?}", same.await.unwrap())
        }
        Record::RevokedKey(key, _) => format!("{:?}", store.is_key_revoked(*key).await.unwrap()),
        Record::Successors(record) => {
            let found = store.successors(record.authority, record.predecessor).await;
            format!("{:?}", found.unwrap())
        }
        Record::Transaction(record) => {
            let uuid = record.summary.uuid;
            let transaction = store.transaction(uuid).await.unwrap();
            let summary = store.transaction_record(uuid, now).await.unwrap();
            format!("{:?}", (transaction, summary))
        }
    }
}

/// What the lists of a store hold. Records of the same millisecond are in any order.
async fn read_lists<S: Store + Transactions + RequestLog>(
    store: &S,
    profiles: &[ScepProfileUuid],
    now: OffsetDateTime,
) -> BTreeSet<String> {
    let page = &PageRequest {
        limit: 500,
        cursor: None,
    };
    let certificates = store
        .certificates(&CertificateFilter::default(), page)
        .await;
    let transactions = store.transactions(None, page, now).await;
    let requests = store.requests(&RequestFilter::default(), page, now).await;
    let mut listed = BTreeSet::new();
    listed.extend(show_all(&certificates.unwrap().items));
    listed.extend(show_all(&transactions.unwrap().items));
    listed.extend(show_all(&requests.unwrap().items));
    let mut next = Some(page.clone());
    while let Some(page) = next {
        // A page of large records is short.
        let audits = store.audit_records(&AuditFilter::default(), &page).await;
        let audits = audits.unwrap();
        listed.extend(show_all(&audits.items));
        next = audits.cursor.map(|cursor| PageRequest {
            cursor: Some(cursor),
            ..page
        });
    }
    for profile in profiles {
        let challenges = store.challenges(*profile, None, page, now).await;
        listed.extend(show_all(&challenges.unwrap().items));
        listed.extend(show_all(&store.locked_out(*profile).await.unwrap()));
        let pending = store.pending_requests(*profile, 100, now).await.unwrap();
        listed.insert(format!("{profile} has {pending} pending requests"));
    }
    listed
}

fn show_all<T: Debug>(items: &[T]) -> impl Iterator<Item = String> {
    items.iter().map(|item| format!("{item:?}"))
}

/// Writes what no client causes within this test.
async fn write_samples(store: &DynamoDbStore, now: OffsetDateTime) {
    let profile = ScepProfileUuid::nil();
    let challenge = samples::one_time_challenge(3, now);
    let reference = Reference::to::<ScepProfile>(profile);
    store
        .create_challenges(&[challenge], now, &audit(reference))
        .await
        .unwrap();
    let subject = LockoutSubject::Key(Fingerprint([5; 32]));
    let mut lockout = Lockout::none(profile, subject, now);
    for _ in 0..10 {
        lockout = lockout.with_failure(now);
        store.count_failure(&lockout).await.unwrap();
        lockout = store.lockout(lockout.uuid()).await.unwrap().unwrap();
    }
    let verdict = RefusalVerdict::of_refusal(&Refusal::ChallengeUsed, true);
    let refusal = RefusalRecord {
        uuid: RefusalUuid::from_u128(1),
        at: now,
        until: now + DAY,
        outline: RequestOutline::new(profile, None, Some("2001:db8::1".parse().unwrap())),
        reason: verdict.reason,
        failed: verdict.failed,
        message: verdict.message,
        fail_info: verdict.fail_info,
    };
    store.put_refusal(&refusal).await.unwrap();
    let mut counts = HourlyCounts::default();
    counts.add(now, Series::Enrolments, 7);
    let issued = IssuedCounts { counts, until: now };
    store.add_issued(&issued, None).await.unwrap();
    let event = NoticeEvent::Issued(IssuedCertificate {
        authority: TypedUuid::nil(),
        certificate: TypedUuid::from_u128(0x0A),
        csr: None,
    });
    let notice = Notice::new(
        TypedUuid::new_v4(),
        profile,
        NoticeReceiver::Webhook,
        event,
        now,
    );
    store.put_notice(&notice).await.unwrap();
    let predecessor = TypedUuid::from_u128(0x0A);
    for (number, stage) in [
        (0x0B, ClaimKind::Sign(now + DAY)),
        (0x0C, ClaimKind::Hold(now + DAY)),
    ] {
        let mut claim = samples::claim(key(&format!("t {number}")), None, now);
        claim.stage = stage;
        claim.renewal = Some(Renewal {
            predecessor,
            predecessor_not_after: now + DAY,
            successor: TypedUuid::from_u128(number),
        });
        store.claim(&claim).await.unwrap();
    }
    // More than a page of DynamoDB.
    for _ in 0..300 {
        let record = AuditRecord {
            uuid: AuditRecordUuid::from_untyped_uuid(Uuid::now_v7()),
            at: now,
            after: Some("x".repeat(5_000)),
            ..audit(reference)
        };
        store.record(&record).await.unwrap();
    }
}

/// A folder with records of every kind, and a device that enrolled there.
async fn fill_former(now: OffsetDateTime) -> (FormerFolder, EnrolledDevice) {
    let plan = Plan {
        now,
        ..Plan::default()
    };
    let world = World::planned(plan).await;
    let device = Device::rsa();
    let message = device.message(
        &device.enrolment("device-1", CHALLENGE),
        &world.ra_certificate,
    );
    let leaf = world.exchange(&device, message.clone()).await.leaf();
    let revoked = world.enrolled("device-2").await;
    let admin = Admin::of(&world);
    let body = json!({ "reason": "keyCompromise" });
    admin.revoke(&revoked.certificate, body).await;
    world
        .edit_scep_profile(|profile| profile.settings.require_manual_approval = true)
        .await;
    let waiting = Device::rsa();
    world
        .ask(&waiting, &waiting.enrolment("device-3", CHALLENGE))
        .await;
    let pending = admin.find_transaction("PENDING").await;
    let path = format!(
        "/scepTransactions/{}/reject",
        pending["uuid"].as_str().unwrap()
    );
    admin
        .post(&path, json!({ "reason": "unknown device" }))
        .await;
    world
        .edit_scep_profile(|profile| profile.settings.require_manual_approval = false)
        .await;
    let former = FormerFolder::of_world(world).await;
    write_samples(&former.store, now).await;
    let enrolled = EnrolledDevice {
        device,
        message,
        leaf,
    };
    (former, enrolled)
}

#[tokio::test]
async fn nothing_of_a_former_data_folder_is_lost() {
    // The server of this test runs by the real clock.
    let now = (OffsetDateTime::now_utc() - Duration::MINUTE)
        .replace_nanosecond(0)
        .unwrap();
    let (former, enrolled) = fill_former(now).await;
    let data = former.data.path();
    let refused = run_scepter(&["serve", "--listen", "127.0.0.1:0"], data);
    assert!(!refused.status.success());
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("run `scepter convert` once"), "{said}");

    let (records, items) = former.read_all().await;
    let kinds: BTreeSet<_> = records.iter().map(name_kind).collect();
    assert_eq!(kinds.len(), 15, "{kinds:?}");
    let said = expect_success(&run_scepter(&["convert"], data));
    assert!(
        said.starts_with(&format!("{items} items converted")),
        "{said}"
    );
    assert!(data.join("scepter.db.converted").exists());

    let converted = SqliteStore::open(&data.join("store.db")).unwrap();
    let profile = former.world.find::<ScepProfile>().await.object.uuid;
    let profiles = [ScepProfileUuid::nil(), profile];
    let before = read_lists(&former.store, &profiles, now).await;
    let after = read_lists(&converted, &profiles, now).await;
    let difference: Vec<_> = before.symmetric_difference(&after).collect();
    assert!(difference.is_empty(), "{difference:#?}");
    for record in &records {
        let before = read_back(&former.store, record, now).await;
        let after = read_back(&converted, record, now).await;
        assert_eq!(after, before, "a {}", name_kind(record));
    }
    drop(converted);

    let environment = [("SCEPTER_ADMIN_TOKEN", ADMIN_TOKEN)];
    let ready = "the value of SCEPTER_ADMIN_TOKEN";
    let binary = binary(Build::Debug);
    let mut server = Server::start_on("127.0.0.1:0", &binary, data, &environment, ready);
    // The server prints the SCEP URL of the demo alone.
    let api_url = server.printed("API URL");
    let (_, rest) = api_url.split_once("://").unwrap();
    server.address = rest.split('/').next().unwrap().to_owned();
    server.scep_url = format!("http://{}{PATH}", server.address);
    let ra_certificate = server.ra_certificate();
    assert_eq!(ra_certificate, former.world.ra_certificate);
    let reply = expect_status(server.post(&enrolled.message), 200);
    let resent = enrolled.device.read(&reply, &ra_certificate).leaf();
    assert_eq!(resent, enrolled.leaf);
    let new = Device::rsa();
    let request = new.enrolment("device-5", CHALLENGE);
    let reply = expect_status(server.post(&new.message(&request, &ra_certificate)), 200);
    new.read(&reply, &ra_certificate).leaf();
    let listed = server.administer("GET", "/certificates", &Value::Null);
    assert_eq!(listed["items"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_conversion_is_done_once_and_only_where_there_is_something_to_convert() {
    let world = World::new().await;
    let former = FormerFolder::of_world(world).await;
    let data = former.data.path();
    // What a conversion that was killed may leave.
    for name in ["store.new", "store.new-wal", "store.ready"] {
        std::fs::write(data.join(name), "half").unwrap();
    }
    expect_success(&run_scepter(&["convert"], data));
    for name in ["store.new", "store.new-wal", "store.ready", "scepter.db"] {
        assert!(!data.join(name).exists(), "{name}");
    }
    let again = run_scepter(&["convert"], data);
    assert!(!again.status.success());
    let said = String::from_utf8(again.stderr).unwrap();
    assert!(said.contains("was converted before"), "{said}");
    let empty = tempfile::tempdir().unwrap();
    let nothing = run_scepter(&["convert"], empty.path());
    let said = String::from_utf8(nothing.stderr).unwrap();
    assert!(said.contains("no database of an earlier version"), "{said}");
}

#[tokio::test]
async fn a_backup_is_made_while_the_server_runs() {
    let (data, server) = Server::start_demo();
    let copy = data.path().join("copy.db");
    let device = Device::rsa();
    let ra_certificate = server.ra_certificate();
    let message = device.message(&device.enrolment("device-1", CHALLENGE), &ra_certificate);
    let reply = expect_status(server.post(&message), 200);
    let leaf = device.read(&reply, &ra_certificate).leaf();
    let copy_name = copy.to_str().unwrap();
    expect_success(&run_scepter(&["backup", copy_name], data.path()));
    let mode = std::fs::metadata(&copy).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "{mode:o}");
    let store = SqliteStore::open(&copy).unwrap();
    let page = PageRequest {
        limit: 10,
        cursor: None,
    };
    let listed = store
        .certificates(&CertificateFilter::default(), &page)
        .await;
    let number = leaf.issuer_and_serial_number().serial_number_hex();
    assert_eq!(listed.unwrap().items[0].serial_number, number);
    // After a clean stop, one file has everything: the log is empty, or deleted.
    assert!(server.terminate());
    let log = std::fs::metadata(data.path().join("store.db-wal"));
    assert_eq!(log.map_or(0, |log| log.len()), 0);
    // A backup never replaces a file.
    let twice = run_scepter(&["backup", copy_name], data.path());
    assert!(!twice.status.success(), "{twice:?}");
}

/// The store of before is read in no order.
#[tokio::test]
async fn a_transaction_has_its_latest_challenge_in_whatever_order_they_are_converted() {
    let now = OffsetDateTime::now_utc();
    let challenges = [now, now - DAY].map(|made_at| {
        let mut challenge = samples::one_time_challenge(1, made_at);
        challenge.terms.transaction_id = Some(key("t 1").transaction_id);
        challenge
    });
    for order in [[0, 1], [1, 0]] {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("test.db")).unwrap();
        let records = order.map(|index| Record::Challenge(Box::new(challenges[index].clone())));
        store.import(records.to_vec()).await.unwrap();
        let found = store.challenge_of(&key("t 1")).await.unwrap();
        assert_eq!(found.unwrap().uuid, challenges[0].uuid);
    }
}
