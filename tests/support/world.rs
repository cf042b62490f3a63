//! A server in this process: the embedded database in memory, software keys in a temporary folder,
//! and a clock that tests set.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use authorise_http::{WebhookClient, WebhookNotifier, WebhookSource};
use bytes::Bytes;
use ca::authority::Authority;
use ca::generation::Generation;
use ca::id::AuthorityUuid;
use ca::key_algorithm::KeyAlgorithm;
use ca::key_location::KeyLocation;
use ca::profile_name::ProfileName;
use ca::template::{ExtendedKeyUsage, Period, TemplateSpec};
use http::{Request, Response};
use keys_file::{FileCaKeys, FileRaKeys, FileSecrets, KeyFolder};
use newtype_uuid::{GenericUuid, TypedUuid};
use scep_cms::certificate::Certificate;
use scep_cms::challenge::ChallengePassword;
use scep_http::EveryOperation;
use scep_protocol::annotations::Attributes;
use scep_protocol::notice::NoticeReceiver;
use scep_protocol::profile::{RaProfile, ScepProfile};
use scep_protocol::ra_certificate::{RaCertificate, RaKeyPair};
use scep_protocol::vouching::ChallengeSourceKind;
use scep_service::admin::{
    AdminError, Administration, AuthorityKind, Edit, NewAuthority, NewRaCertificate, RaProfileEdit,
    ScepProfileEdit,
};
use scep_service::audit::Actor;
use scep_service::ca_info::ProfileService;
use scep_service::deployment::Deployment;
use scep_service::enrol::Enrolment;
use scep_service::object::{Object, Reference, Versioned, find, read};
use scep_service::ports::{
    ChallengeSource, Change, Measurement, Metrics, Notifier, RequestLog, SecretOwner, Store,
    SystemRandom, Transactions,
};
use scep_service::refusal_recorder::RefusalRecorder;
use store_dynamodb::{DynamoDbStore, Tables, create_tables};
use store_embedded::EmbeddedDynamoDb;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::clock::TestClock;
use crate::objects::{audit, replace, stored};

/// The challengePassword of every world.
pub const CHALLENGE: &str = "s3cret";

/// The SCEP path of every world.
pub const PATH: &str = "/api/v1/protocols/scep/default/pkiclient.exe";

/// Discards all measurements.
pub struct Unmeasured;

impl Metrics for Unmeasured {
    fn record(&self, _: &Measurement<'_>) {}
}

/// Creates an empty store.
pub async fn store() -> (EmbeddedDynamoDb, DynamoDbStore) {
    let database = EmbeddedDynamoDb::in_memory().unwrap();
    let tables = Tables::prefixed("test");
    let client = database.client();
    create_tables(&client, &tables).await.unwrap();
    (database, DynamoDbStore::new(client, tables))
}

/// The ports of a store.
pub trait AnyStore: Store + Transactions + RequestLog {}

impl<S: Store + Transactions + RequestLog> AnyStore for S {}

/// A server with one authority and a linked, enabled pair of profiles, both called `default`.
pub struct World<S = DynamoDbStore, D = EmbeddedDynamoDb> {
    pub clock: Arc<TestClock>,
    pub database: D,
    pub store: S,
    pub administration: Administration,
    pub enrolment: Enrolment,
    pub authority: Certificate,
    pub ra_certificate: Certificate,
    keys: Arc<tempfile::TempDir>,
}

/// The parameters of a world that tests vary.
pub struct Plan {
    pub now: OffsetDateTime,
    pub key_algorithm: KeyAlgorithm,
    /// An RA certificate made elsewhere and its PKCS #8 key.
    pub ra: Option<(Certificate, Vec<u8>)>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            // The clock stands still a minute ahead, so that certificates made by openssl during
            // the test are already valid.
            now: OffsetDateTime::now_utc() + time::Duration::MINUTE,
            key_algorithm: KeyAlgorithm::EcP256,
            ra: None,
        }
    }
}

impl World {
    /// Creates the default world, with an EC authority because its key is the fastest to generate.
    pub async fn new() -> Self {
        Self::planned(Plan::default()).await
    }

    /// Creates a world according to this plan.
    pub async fn planned(plan: Plan) -> Self {
        let (database, store) = store().await;
        Self::build(plan, database, store.clone(), Arc::new(store)).await
    }

    /// The same world with another clock, over another database and this client of it; the keys
    /// stay the same.
    pub fn over(
        &self,
        database: EmbeddedDynamoDb,
        client: aws_sdk_dynamodb::Client,
        clock: Arc<TestClock>,
    ) -> Self {
        let store = DynamoDbStore::new(client, Tables::prefixed("test"));
        self.over_ports(database, store.clone(), Arc::new(store), clock)
    }

    /// The number of stored transactions.
    pub fn count_transactions(&self) -> usize {
        let mut items = self.database.items("test-transactions").unwrap();
        items.retain(|item| item.get("transactionId").is_some() && item.get("failed").is_none());
        items.len()
    }
}

impl<S, D> World<S, D> {
    /// Creates a world on this database, whose store has these ports.
    pub async fn build(plan: Plan, database: D, store: S, ports: Arc<dyn AnyStore>) -> Self {
        let keys = tempfile::tempdir().unwrap();
        let folder = KeyFolder::open(&keys.path().join("keys")).unwrap();
        let clock = Arc::new(TestClock::at(plan.now));
        let week = Duration::from_secs(7 * 24 * 60 * 60);
        let deployment = Deployment {
            public_url: "http://scep.example".to_owned(),
            crl_url_base: Some("http://scep.example".to_owned()),
            pending_validity: week,
            crl_validity: week,
            request_validity: Duration::from_secs(30 * 24 * 60 * 60),
            refusal_delay: Duration::ZERO,
        };
        let administration = Administration {
            actor: Actor::new("tests".to_owned()),
            store: ports.clone(),
            cache: None,
            ca_keys: Arc::new(FileCaKeys::new(folder.clone())),
            ra_keys: Arc::new(FileRaKeys::new(folder.clone())),
            secrets: Arc::new(FileSecrets::open(&folder).unwrap()),
            transactions: ports.clone(),
            clock: clock.clone(),
            random: Arc::new(SystemRandom),
            requests: ports.clone(),
            deployment: deployment.clone(),
        };
        let secrets = administration.secrets.clone();
        let webhook = Arc::new(WebhookClient::new(secrets, Arc::new(SystemRandom)));
        let source: Arc<dyn ChallengeSource> = Arc::new(WebhookSource::new(webhook.clone()));
        let notifier: Arc<dyn Notifier> = Arc::new(WebhookNotifier::new(webhook));
        let enrolment = Enrolment {
            profile_service: ProfileService {
                profiles: ports.clone(),
                clock: clock.clone(),
                metrics: Arc::new(Unmeasured),
            },
            transactions: ports.clone(),
            ca_keys: administration.ca_keys.clone(),
            ra_keys: administration.ra_keys.clone(),
            secrets: administration.secrets.clone(),
            crls: ports.clone(),
            random: Arc::new(SystemRandom),
            refusals: new_recorder(ports.clone(), &deployment),
            services: BTreeMap::from([(ChallengeSourceKind::Webhook, source)]),
            notifiers: BTreeMap::from([(NoticeReceiver::Webhook, notifier)]),
            deployment,
        };
        let (authority, ra_certificate) = create_profiles(&administration, plan, &keys).await;
        Self {
            clock,
            database,
            store,
            administration,
            enrolment,
            authority,
            ra_certificate,
            keys: Arc::new(keys),
        }
    }

    /// The same world with another clock, on another database, whose store has these ports. The
    /// keys stay the same.
    pub fn over_ports(
        &self,
        database: D,
        store: S,
        ports: Arc<dyn AnyStore>,
        clock: Arc<TestClock>,
    ) -> Self {
        let administration = Administration {
            store: ports.clone(),
            transactions: ports.clone(),
            requests: ports.clone(),
            clock: clock.clone(),
            ..self.administration.clone()
        };
        let enrolment = Enrolment {
            profile_service: ProfileService {
                profiles: ports.clone(),
                clock: clock.clone(),
                metrics: Arc::new(Unmeasured),
            },
            transactions: ports.clone(),
            crls: ports.clone(),
            refusals: new_recorder(ports, &self.enrolment.deployment),
            ..self.enrolment.clone()
        };
        Self {
            clock,
            database,
            store,
            administration,
            enrolment,
            authority: self.authority.clone(),
            ra_certificate: self.ra_certificate.clone(),
            keys: Arc::clone(&self.keys),
        }
    }

    /// Runs maintenance as the timer does.
    pub async fn run_maintenance(&self) -> Result<(), AdminError> {
        self.administration.run_maintenance(&Unmeasured).await
    }

    /// Edits the SCEP Profile without checking the rules.
    pub async fn edit_scep_profile(&self, edit: impl FnOnce(&mut ScepProfile)) {
        let mut profile: Versioned<ScepProfile> = self.find().await;
        edit(&mut profile.object);
        replace(&*self.administration.store, &profile)
            .await
            .unwrap();
    }

    /// Has one-time challenges authorise enrolments, and nothing else.
    pub async fn choose_one_time(&self) {
        let profile: Versioned<ScepProfile> = self.find().await;
        let owner = SecretOwner::ChallengeKey(profile.object.uuid);
        let key = Uuid::new_v4().to_string().into();
        let sealed = self.administration.secrets.seal(owner, &key).await.unwrap();
        self.edit_scep_profile(|profile| {
            profile.challenge_key = Some(sealed);
            profile.chosen_sources = Some([ChallengeSourceKind::OneTime].into());
        })
        .await;
    }

    /// Edits the RA Profile without checking the rules.
    pub async fn edit_ra_profile(&self, edit: impl FnOnce(&mut RaProfile)) {
        let mut profile: Versioned<RaProfile> = self.find().await;
        edit(&mut profile.object);
        replace(&*self.administration.store, &profile)
            .await
            .unwrap();
    }

    /// Edits the rules of the RA Profile without checking them, as an earlier version may have
    /// stored them.
    pub async fn edit_template(&self, edit: impl FnOnce(&mut TemplateSpec)) {
        self.edit_ra_profile(|profile| {
            let mut spec = TemplateSpec::clone(&profile.template);
            edit(&mut spec);
            let stored = serde_json::to_value(spec).unwrap();
            profile.template = serde_json::from_value(stored).unwrap();
        })
        .await;
    }

    /// Edits an object without checking the rules.
    pub async fn edit<T: Object>(&self, uuid: TypedUuid<T::IdKind>, edit: impl FnOnce(&mut T)) {
        let mut found: Versioned<T> = read(&*self.administration.store, uuid)
            .await
            .unwrap()
            .unwrap();
        edit(&mut found.object);
        replace(&*self.administration.store, &found).await.unwrap();
    }

    /// The profile called `default`.
    pub async fn find<T: Object>(&self) -> Versioned<T> {
        find(&*self.administration.store, &name())
            .await
            .unwrap()
            .unwrap()
    }

    /// The folder with the keys.
    pub fn key_folder(&self) -> PathBuf {
        self.keys.path().join("keys")
    }

    /// Sends a GET with this query, such as `operation=GetCACaps`, to the default path.
    pub async fn get_scep(&self, query: &str) -> Response<Bytes> {
        self.get(&format!("{PATH}?{query}")).await
    }

    /// Sends a GET of this path and query.
    pub async fn get(&self, path_and_query: &str) -> Response<Bytes> {
        self.send("GET", path_and_query, Vec::new()).await
    }

    /// Posts a pkiMessage to the default path.
    pub async fn post(&self, message: Vec<u8>) -> Response<Bytes> {
        let path = format!("{PATH}?operation=PKIOperation");
        self.send("POST", &path, message).await
    }

    /// Sends any request.
    pub async fn send(&self, method: &str, uri: &str, body: Vec<u8>) -> Response<Bytes> {
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .body(Bytes::from(body))
            .unwrap();
        let (head, body) = request.into_parts();
        let operations = EveryOperation::new(self.enrolment.clone());
        scep_http::respond_scep(&operations, &head, Ok(body)).await
    }
}

fn new_recorder(store: Arc<dyn AnyStore>, deployment: &Deployment) -> Arc<RefusalRecorder> {
    let validity = deployment.request_validity;
    let minute = Duration::from_secs(60);
    Arc::new(RefusalRecorder::new(store, validity, minute))
}

/// The name of every profile of a world.
pub fn name() -> ProfileName {
    ProfileName::new("default").unwrap()
}

async fn create_profiles(
    administration: &Administration,
    plan: Plan,
    keys: &tempfile::TempDir,
) -> (Certificate, Certificate) {
    let authority = authority(administration, "test-ca", plan.key_algorithm).await;
    let ra_certificate = create_ra_certificate(administration, authority.uuid, plan.ra, keys).await;
    let edit = RaProfileEdit {
        name: Some(name().to_string()),
        ..RaProfileEdit::default()
    };
    let made = administration.create_ra_profile(edit, authority.uuid).await;
    let ra_profile = made.unwrap().object.uuid;
    let edit = ScepProfileEdit {
        name: Some(name().to_string()),
        ra_certificate: Some(ra_certificate.uuid),
        challenge: Some(ChallengePassword::new(CHALLENGE)),
        ..ScepProfileEdit::default()
    };
    let made = administration.create_scep_profile(edit).await;
    let scep_profile = made.unwrap().object.uuid;
    // Writes the store directly: the use case would reject an RA certificate made elsewhere that is
    // expired or not yet valid.
    let mut linked: Versioned<ScepProfile> = read(&*administration.store, scep_profile)
        .await
        .unwrap()
        .unwrap();
    linked.object.ra_profile = Some(ra_profile);
    let change = Change::Replace {
        object: stored(&linked.object, linked.version + 1),
        read: linked.version,
        added: vec![Reference::to::<RaProfile>(ra_profile)],
        removed: Vec::new(),
    };
    let record = audit(Reference::to::<ScepProfile>(scep_profile));
    administration.store.apply(&change, &record).await.unwrap();
    administration
        .activate_scep(ra_profile, scep_profile, Attributes::default())
        .await
        .unwrap();
    administration.enable_ra_profile(ra_profile).await.unwrap();
    administration
        .enable_scep_profile(scep_profile)
        .await
        .unwrap();
    let certificate = authority.current.path().unwrap().certificate;
    let ra_certificate = ra_certificate.serving_key().unwrap().certificate.clone();
    (certificate, ra_certificate)
}

/// Creates an RA certificate, or imports one made elsewhere with its key.
async fn create_ra_certificate(
    administration: &Administration,
    authority: AuthorityUuid,
    ra: Option<(Certificate, Vec<u8>)>,
    keys: &tempfile::TempDir,
) -> RaCertificate {
    let Some((certificate, pkcs8)) = ra else {
        let new = NewRaCertificate {
            common_name: "Test RA".to_owned(),
            key_algorithm: KeyAlgorithm::Rsa2048,
            extended_key_usage: vec![ExtendedKeyUsage::SERVER_AUTH],
            validity: Period::years(2),
        };
        let made = administration.create_ra_certificate(new, authority).await;
        return made.unwrap().object;
    };
    let (uuid, file) = (Uuid::new_v4(), Uuid::new_v4());
    let path = keys.path().join(format!("keys/{file}.key"));
    std::fs::write(&path, pkcs8).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let imported = RaCertificate {
        uuid: TypedUuid::from_untyped_uuid(uuid),
        authority,
        keys: vec![RaKeyPair {
            uuid: TypedUuid::from_untyped_uuid(uuid),
            generation: Generation::FIRST,
            key_algorithm: KeyAlgorithm::Rsa2048,
            key: KeyLocation::File(file),
            certificate,
        }],
        announcement: None,
    };
    let object = stored(&imported, 1);
    let record = audit(object.reference);
    let references = imported.references();
    let change = Change::Create { object, references };
    administration.store.apply(&change, &record).await.unwrap();
    imported
}

/// Creates a root authority.
pub async fn authority(
    administration: &Administration,
    name: &str,
    key_algorithm: KeyAlgorithm,
) -> Authority {
    let new = NewAuthority {
        name: name.to_owned(),
        description: Edit::Keep,
        kind: AuthorityKind::Root,
        key_algorithm,
        key: None,
        subject: "CN=Test CA,O=Corp".to_owned(),
        validity: Period::years(10),
    };
    administration.create_authority(new).await.unwrap().object
}
