//! A server in this process: the embedded database in memory, software keys in a temporary folder, a clock to be set.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use ca_issuer::CaSubject;
use http::{Request, Response};
use keys_software::{KeyFolder, SoftwareCaKeys, SoftwareRaKeys, SoftwareSecrets};
use scep_cms::{Certificate, ChallengePassword};
use scep_protocol::{
    CertificateTemplate, KeyAlgorithm, ProfileName, RaCertificate, RaProfile, ScepProfile,
};
use scep_service::{
    Clock, Issuing, Managing, ProfileStore, Reading, Versioned, activate_scep,
    create_ra_certificate, create_ra_profile, create_root_authority, create_scep_profile,
    enable_ra_profile, enable_scep_profile,
};
use store_dynamodb::{DynamoDbStore, Tables, create_tables};
use store_embedded::EmbeddedDynamoDb;
use time::OffsetDateTime;
use uuid::Uuid;

/// The challengePassword of every world.
pub const CHALLENGE: &str = "s3cret";

/// The SCEP path of every world.
pub const PATH: &str = "/api/v1/protocols/scep/default/pkiclient.exe";

/// A clock that stands still until it is moved.
pub struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

impl TestClock {
    /// Moves the time forward.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(by.as_secs() as i64, Ordering::SeqCst);
    }
}

/// An empty store.
pub async fn store() -> (EmbeddedDynamoDb, DynamoDbStore) {
    let database = EmbeddedDynamoDb::in_memory().unwrap();
    let tables = Tables::prefixed("test");
    let client = database.client();
    create_tables(&client, &tables).await.unwrap();
    (database, DynamoDbStore::new(client, tables))
}

/// A server with one authority and a linked, enabled pair of profiles, both called `default`.
pub struct World {
    pub clock: Arc<TestClock>,
    pub database: EmbeddedDynamoDb,
    pub store: DynamoDbStore,
    pub issuing: Issuing,
    pub managing: Managing<DynamoDbStore>,
    pub authority: Certificate,
    pub ra_certificate: Certificate,
    _keys: tempfile::TempDir,
}

/// How a world differs from the usual one.
pub struct Plan {
    pub now: OffsetDateTime,
    pub key_algorithm: KeyAlgorithm,
    /// An RA certificate and its PKCS #8 key from elsewhere.
    pub ra: Option<(Certificate, Vec<u8>)>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            now: OffsetDateTime::now_utc(),
            key_algorithm: KeyAlgorithm::EcP256,
            ra: None,
        }
    }
}

impl World {
    /// The usual world: an EC authority, because it is made fastest.
    pub async fn new() -> Self {
        Self::planned(Plan::default()).await
    }

    /// A world as planned.
    pub async fn planned(plan: Plan) -> Self {
        let (database, store) = store().await;
        let keys = tempfile::tempdir().unwrap();
        let folder = KeyFolder::open(&keys.path().join("keys")).unwrap();
        let clock = Arc::new(TestClock(AtomicI64::new(plan.now.unix_timestamp())));
        let managing = Managing {
            profiles: store.clone(),
            ca_keys: Arc::new(SoftwareCaKeys::new(folder.clone())),
            ra_keys: Arc::new(SoftwareRaKeys::new(folder.clone())),
            secrets: Arc::new(SoftwareSecrets::open(&folder).unwrap()),
            clock: clock.clone(),
        };
        let issuing = Issuing {
            reading: Reading {
                profiles: Arc::new(store.clone()),
                clock: clock.clone(),
            },
            transactions: Arc::new(store.clone()),
            ca_keys: managing.ca_keys.clone(),
            ra_keys: managing.ra_keys.clone(),
            secrets: managing.secrets.clone(),
        };
        let (authority, ra_certificate) = profiles(&managing, plan, &keys).await;
        Self {
            clock,
            database,
            store,
            issuing,
            managing,
            authority,
            ra_certificate,
            _keys: keys,
        }
    }

    /// Edits the SCEP Profile.
    pub async fn edit_scep_profile(&self, edit: impl FnOnce(&mut ScepProfile)) {
        let mut profile: Versioned<ScepProfile> = self.find().await;
        edit(&mut profile.object);
        self.store.replace(&profile).await.unwrap();
    }

    /// Edits the RA Profile.
    pub async fn edit_ra_profile(&self, edit: impl FnOnce(&mut RaProfile)) {
        let mut profile: Versioned<RaProfile> = self.find().await;
        edit(&mut profile.object);
        self.store.replace(&profile).await.unwrap();
    }

    /// The profile called `default`.
    pub async fn find<T: scep_service::Object>(&self) -> Versioned<T> {
        self.store.find(&name()).await.unwrap().unwrap()
    }

    /// GET of this path and query.
    pub async fn get(&self, path_and_query: &str) -> Response<Bytes> {
        self.send("GET", path_and_query, Vec::new()).await
    }

    /// POST of a pkiMessage to the usual path.
    pub async fn post(&self, message: Vec<u8>) -> Response<Bytes> {
        let path = format!("{PATH}?operation=PKIOperation");
        self.send("POST", &path, message).await
    }

    /// Any request.
    pub async fn send(&self, method: &str, uri: &str, body: Vec<u8>) -> Response<Bytes> {
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .body(Bytes::from(body))
            .unwrap();
        let (head, body) = request.into_parts();
        scep_http::respond(&self.issuing, &head, Ok(body)).await
    }
}

/// The name of every profile here.
pub fn name() -> ProfileName {
    ProfileName::new("default").unwrap()
}

const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

async fn profiles(
    managing: &Managing<DynamoDbStore>,
    plan: Plan,
    keys: &tempfile::TempDir,
) -> (Certificate, Certificate) {
    let subject = CaSubject::new("CN=Test CA,O=Corp").unwrap();
    let ca = ProfileName::new("test-ca").unwrap();
    let authority = create_root_authority(managing, ca, plan.key_algorithm, &subject, 10 * YEAR)
        .await
        .unwrap();
    let subject = CaSubject::new("CN=Test RA,O=Corp").unwrap();
    let ra_certificate = match plan.ra {
        None => create_ra_certificate(managing, &authority, &subject, 2 * YEAR)
            .await
            .unwrap(),
        Some((certificate, pkcs8)) => {
            let imported = RaCertificate {
                uuid: Uuid::new_v4(),
                authority: authority.uuid,
                key: scep_protocol::KeyReference(import(keys, &pkcs8)),
                certificate,
            };
            managing.profiles.create(&imported).await.unwrap();
            imported
        }
    };
    let template = CertificateTemplate::default();
    let ra_profile = create_ra_profile(managing, name(), authority.uuid, template)
        .await
        .unwrap();
    let challenge = ChallengePassword::new(CHALLENGE);
    let scep_profile = create_scep_profile(
        managing,
        name(),
        ra_certificate.uuid,
        Some(ra_profile.uuid),
        Some(&challenge),
    )
    .await
    .unwrap();
    let read = |uuid| managing.profiles.read::<RaProfile>(uuid);
    let stored = read(ra_profile.uuid).await.unwrap().unwrap();
    activate_scep(managing, stored, scep_profile.uuid)
        .await
        .unwrap();
    let stored = read(ra_profile.uuid).await.unwrap().unwrap();
    enable_ra_profile(managing, stored).await.unwrap();
    let stored = managing
        .profiles
        .read(scep_profile.uuid)
        .await
        .unwrap()
        .unwrap();
    enable_scep_profile(managing, stored).await.unwrap();
    (authority.certificate, ra_certificate.certificate)
}

/// Puts a key where the folder's keys are; its reference.
fn import(keys: &tempfile::TempDir, pkcs8: &[u8]) -> String {
    use std::os::unix::fs::PermissionsExt;
    let reference = Uuid::new_v4().to_string();
    let path = keys.path().join(format!("keys/{reference}.key"));
    std::fs::write(&path, pkcs8).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    reference
}
