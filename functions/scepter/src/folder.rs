//! The data folder: the database, the keys and the adapters over them.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use authorise_http::{
    AssertionIssuer, IntuneNotifier, IntuneSource, IntuneUrls, WebhookClient, WebhookNotifier,
    WebhookSource,
};
use ca::profile_name::ProfileName;
use keys_file::{FileCaKeys, FileRaKeys, FileSecrets, KeyFolder};
use management_api::{Api, Platform, Probes};
use scep_http::CrlService;
use scep_protocol::notice::NoticeReceiver;
use scep_protocol::vouching::ChallengeSourceKind;
use scep_service::admin::Administration;
use scep_service::audit::Actor;
use scep_service::ca_info::ProfileService;
use scep_service::crl_cache::CachedCrls;
use scep_service::deployment::Deployment;
use scep_service::enrol::{Enrolment, LEASE};
use scep_service::error::StoreError;
use scep_service::error_chain::ErrorChain;
use scep_service::ports::{
    CaKeys, ChallengeSource, Notifier, RaKeys, Secrets, SystemClock, SystemRandom,
};
use scep_service::profile_cache::CachedProfiles;
use scep_service::refusal_recorder::RefusalRecorder;
use store_sqlite::SqliteStore;
use time::OffsetDateTime;
use tokio::time::Instant;

use crate::intune::Intune;
use crate::line::LineClock;
use crate::private_folder;
use crate::private_folder::{DATABASE, FORMER_DATABASE, KEYS, PrivateFolderError};
use crate::prometheus::PrometheusMetrics;
use crate::tokens::TokenHolders;

/// How long cached profiles are used before they are read again. Edits made by this process take
/// effect immediately.
const PROFILES_MAX_AGE: Duration = Duration::from_secs(5);

/// How often CRLs and RA certificates are checked.
const MAINTENANCE_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// How often notices that could not be delivered at once are delivered.
const DELIVERY_INTERVAL: Duration = Duration::from_secs(10);

/// How often refused requests are counted: a write to a file costs little, and the console shows
/// the counts beside the list of requests.
const COUNTS_INTERVAL: Duration = Duration::from_secs(5);

/// How often what has expired is deleted.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// The data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FolderError {
    #[error("the data folder {0} is in use by another scepter")]
    InUse(PathBuf),
    #[error("opening the data folder {path}")]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("opening the database")]
    Database(#[from] StoreError),
    #[error(
        "the data folder {0} was written by an earlier version: run `scepter convert` once, with \
         the same --data"
    )]
    Former(PathBuf),
    #[error(transparent)]
    Private(#[from] PrivateFolderError),
}

/// An open data folder, locked against a second process.
#[derive(Clone)]
pub(crate) struct DataFolder {
    path: PathBuf,
    _lock: Arc<File>,
    store: SqliteStore,
    crls: Arc<CachedCrls>,
    profiles: Arc<CachedProfiles>,
    ca_keys: Arc<dyn CaKeys>,
    ra_keys: Arc<dyn RaKeys>,
    secrets: Arc<dyn Secrets>,
    webhook: Arc<WebhookClient>,
    intune: Intune,
    metrics: Arc<PrometheusMetrics>,
    refusals: Arc<RefusalRecorder>,
    deployment: Deployment,
}

impl DataFolder {
    pub(crate) fn open(
        path: &Path,
        deployment: Deployment,
        intune_urls: IntuneUrls,
    ) -> Result<Self, FolderError> {
        let io = |source| FolderError::Io {
            path: path.to_owned(),
            source,
        };
        private_folder::open_private(path)?;
        // The folder is locked before keys or database are opened: neither supports two processes.
        let lock = lock_folder(path)?;
        let keys = KeyFolder::open(&path.join(KEYS)).map_err(io)?;
        let secrets: Arc<dyn Secrets> = Arc::new(FileSecrets::open(&keys).map_err(io)?);
        let intune = Intune::new(
            intune_urls,
            &deployment.public_url,
            keys.clone(),
            Arc::clone(&secrets),
        );
        let store = open_database(path)?;
        let reader = Arc::new(store.clone());
        let profiles = CachedProfiles::new(reader, PROFILES_MAX_AGE, Arc::new(SystemClock));
        Ok(Self {
            path: path.to_owned(),
            _lock: Arc::new(lock),
            crls: Arc::new(CachedCrls::new(Arc::new(store.clone()))),
            refusals: Arc::new(RefusalRecorder::new(
                Arc::new(store.clone()),
                deployment.request_validity,
                COUNTS_INTERVAL,
            )),
            store,
            profiles: Arc::new(profiles),
            ca_keys: Arc::new(FileCaKeys::new(keys.clone())),
            ra_keys: Arc::new(FileRaKeys::new(keys)),
            webhook: Arc::new(WebhookClient::new(
                Arc::clone(&secrets),
                Arc::new(SystemRandom),
            )),
            secrets,
            intune,
            metrics: Arc::default(),
            deployment,
        })
    }

    /// Administration on behalf of this process.
    pub(crate) fn administration(&self) -> Administration {
        Administration {
            actor: Actor::new("scepter serve".to_owned()),
            store: Arc::new(self.store.clone()),
            cache: Some(Arc::clone(&self.profiles)),
            ca_keys: Arc::clone(&self.ca_keys),
            ra_keys: Arc::clone(&self.ra_keys),
            secrets: Arc::clone(&self.secrets),
            transactions: Arc::new(self.store.clone()),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            requests: Arc::new(self.store.clone()),
            deployment: self.deployment.clone(),
        }
    }

    /// The management API, for callers whose tokens `holders` recognises. See
    /// [`Api::default_scep_profile`] for `default`.
    pub(crate) fn api(&self, holders: TokenHolders, default: ProfileName) -> Api {
        Api {
            administration: self.administration(),
            tokens: Some(Arc::new(holders.tokens())),
            authenticate: Arc::new(holders),
            default_scep_profile: Some(default),
            platform: Platform::Local,
            profiles_max_age: PROFILES_MAX_AGE,
            probes: Probes {
                intune: self.intune.client.clone(),
                webhook: self.webhook.clone(),
            },
        }
    }

    /// The ports for public CRL requests.
    pub(crate) fn crls(&self) -> CrlService {
        CrlService {
            crls: self.crls.clone(),
            clock: Arc::new(SystemClock),
        }
    }

    /// Whether the demo was ever created, even if it has been deleted since.
    pub(crate) fn was_demo_created(&self) -> bool {
        self.demo_mark().exists()
    }

    /// Records that the demo was created.
    pub(crate) fn mark_demo_created(&self) -> Result<(), FolderError> {
        let mark = self.demo_mark();
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&mark)
            .and_then(|file| file.sync_all())
            .map_err(|source| FolderError::Io { path: mark, source })
    }

    fn demo_mark(&self) -> PathBuf {
        self.path.join("demo-made")
    }

    pub(crate) fn enrolment(&self) -> Enrolment {
        let source: Arc<dyn ChallengeSource> =
            Arc::new(WebhookSource::new(Arc::clone(&self.webhook)));
        let notifier: Arc<dyn Notifier> = Arc::new(WebhookNotifier::new(Arc::clone(&self.webhook)));
        let client = &self.intune.client;
        let intune_source: Arc<dyn ChallengeSource> =
            Arc::new(IntuneSource::new(Arc::clone(client)));
        let intune_notifier: Arc<dyn Notifier> = Arc::new(IntuneNotifier::new(Arc::clone(client)));
        Enrolment {
            profile_service: ProfileService {
                profiles: self.profiles.clone(),
                clock: Arc::new(LineClock),
                metrics: self.metrics.clone(),
            },
            transactions: Arc::new(self.store.clone()),
            ca_keys: Arc::clone(&self.ca_keys),
            ra_keys: Arc::clone(&self.ra_keys),
            secrets: Arc::clone(&self.secrets),
            crls: self.crls.clone(),
            random: Arc::new(SystemRandom),
            refusals: Arc::clone(&self.refusals),
            services: BTreeMap::from([
                (ChallengeSourceKind::Intune, intune_source),
                (ChallengeSourceKind::Webhook, source),
            ]),
            notifiers: BTreeMap::from([
                (NoticeReceiver::Intune, intune_notifier),
                (NoticeReceiver::Webhook, notifier),
            ]),
            deployment: self.deployment.clone(),
        }
    }

    /// The measurements of this process.
    pub(crate) fn metrics(&self) -> Arc<PrometheusMetrics> {
        Arc::clone(&self.metrics)
    }

    /// What signs for federated credentials, and publishes its key.
    pub(crate) fn assertions(&self) -> Arc<AssertionIssuer> {
        Arc::clone(&self.intune.issuer)
    }

    /// Runs maintenance at the start and by timer, as a schedule does in AWS.
    pub(crate) async fn maintain_periodically(self) {
        self.maintain().await;
        // An issuance that a crash interrupted is completed once its lease has expired. The lock of
        // the folder proves that no other process has taken a lease since.
        let mut timer = tokio::time::interval_at(Instant::now() + LEASE, MAINTENANCE_INTERVAL);
        loop {
            timer.tick().await;
            self.maintain().await;
        }
    }

    async fn maintain(&self) {
        let administration = self.administration();
        if let Err(error) = administration.run_maintenance(&*self.metrics).await {
            let error = ErrorChain(&error);
            tracing::error!(%error, "maintenance failed");
        }
        let orders = &*self.intune.client;
        if let Err(error) = administration.follow_revocation_orders(orders).await {
            let error = ErrorChain(&error);
            tracing::error!(%error, "revocation as Intune orders failed");
        }
    }

    /// Delivers by timer the notices that could not be delivered at once, as a schedule does in
    /// AWS.
    pub(crate) async fn deliver_periodically(self) {
        let enrolment = self.enrolment();
        let mut timer = tokio::time::interval(DELIVERY_INTERVAL);
        loop {
            timer.tick().await;
            if let Err(error) = enrolment.deliver_due_notices().await {
                let error = ErrorChain(&error);
                tracing::error!(%error, "delivering notices failed");
            }
        }
    }

    /// Writes what is to be recorded of refused requests: records at once, and counts by timer.
    pub(crate) async fn record_refusals(self) {
        let mut timer = tokio::time::interval(COUNTS_INTERVAL);
        loop {
            tokio::select! {
                () = self.refusals.wait() => {}
                _ = timer.tick() => {}
            }
            self.refusals.write_due(OffsetDateTime::now_utc()).await;
        }
    }

    /// Writes what is left to be recorded of refused requests before the process ends, and leaves
    /// the database in one file.
    pub(crate) async fn close(&self) {
        self.refusals.write_all(OffsetDateTime::now_utc()).await;
        if let Err(error) = self.store.empty_log() {
            let error = ErrorChain(&error);
            tracing::warn!(%error, "the log of the database remains");
        }
    }

    /// Waits until the disk has not taken what was written to the database.
    pub(crate) async fn failed(&self) {
        self.store.failed().await;
    }

    /// Deletes by timer what has expired, and what is beyond the limit.
    pub(crate) async fn sweep_periodically(self) {
        let mut timer = tokio::time::interval(SWEEP_INTERVAL);
        loop {
            timer.tick().await;
            if let Err(error) = self.sweep().await {
                let error = ErrorChain(&error);
                tracing::error!(%error, "could not delete what has expired");
            }
        }
    }

    async fn sweep(&self) -> Result<(), StoreError> {
        // Writes of requests come between the parts.
        loop {
            match self.store.delete_expired(OffsetDateTime::now_utc()).await? {
                0 => break,
                rows => tracing::debug!(rows, "deleted what has expired"),
            }
        }
        match self.store.forget_surplus_envelopes().await? {
            0 => {}
            count => tracing::warn!(count, "forgot the oldest encrypted keys: too many messages"),
        }
        Ok(())
    }
}

/// Opens the database, or creates it in a folder that has none of an earlier version either.
fn open_database(folder: &Path) -> Result<SqliteStore, FolderError> {
    let file = folder.join(DATABASE);
    if !file.exists() && folder.join(FORMER_DATABASE).exists() {
        return Err(FolderError::Former(folder.to_owned()));
    }
    Ok(SqliteStore::open(&file)?)
}

/// Locks the folder against other processes, for as long as the returned file is open.
pub(crate) fn lock_folder(path: &Path) -> Result<File, FolderError> {
    let io = |source| FolderError::Io {
        path: path.to_owned(),
        source,
    };
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path.join("lock"))
        .map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(FolderError::InUse(path.to_owned())),
        Err(TryLockError::Error(error)) => Err(io(error)),
    }
}
