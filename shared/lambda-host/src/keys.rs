//! Composition of the use cases that sign, with keys in KMS.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use authorise_http::{IntuneNotifier, IntuneSource, WebhookClient, WebhookNotifier, WebhookSource};
use aws_sdk_kms::Client;
use keys_kms::{KeyAccess, Kms, KmsCaKeys, KmsRaKeys, KmsSecrets};
use scep_protocol::notice::NoticeReceiver;
use scep_protocol::vouching::ChallengeSourceKind;
use scep_service::admin::Administration;
use scep_service::audit::Actor;
use scep_service::crl_cache::CachedCrls;
use scep_service::enrol::Enrolment;
use scep_service::ports::{ChallengeSource, Notifier, Random, SystemClock, SystemRandom};
use scep_service::refusal_recorder::RefusalRecorder;
use store_dynamodb::{DynamoDbStore, Tables};

use crate::{Adapters, SettingError};

/// How often a process counts refused requests, at most: each time is a write to the table.
const COUNTS_INTERVAL: Duration = Duration::from_secs(60);

/// The keys of the stack.
pub(crate) struct Keys {
    pub(crate) ca_keys: Arc<KmsCaKeys>,
    ra_keys: Arc<KmsRaKeys>,
    pub(crate) secrets: Arc<KmsSecrets>,
}

impl Adapters<'_> {
    /// The use cases of SCEP.
    ///
    /// # Errors
    /// If a setting is missing or has an invalid value.
    pub fn enrolment(&self) -> Result<Enrolment, SettingError> {
        let store = self.open_store()?;
        let keys = self.open_keys()?;
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let webhook = Arc::new(WebhookClient::new(keys.secrets.clone(), random.clone()));
        let source: Arc<dyn ChallengeSource> = Arc::new(WebhookSource::new(Arc::clone(&webhook)));
        let notifier: Arc<dyn Notifier> = Arc::new(WebhookNotifier::new(webhook));
        let intune = self.intune()?;
        let intune_source: Arc<dyn ChallengeSource> =
            Arc::new(IntuneSource::new(Arc::clone(&intune)));
        let intune_notifier: Arc<dyn Notifier> = Arc::new(IntuneNotifier::new(intune));
        let deployment = self.environment.deployment()?;
        let validity = deployment.request_validity;
        let refusals = RefusalRecorder::new(store.clone(), validity, COUNTS_INTERVAL);
        Ok(Enrolment {
            refusals: Arc::new(refusals),
            profile_service: self.profile_service(self.profiles())?,
            transactions: store.clone(),
            crls: Arc::new(CachedCrls::new(store)),
            ca_keys: keys.ca_keys,
            ra_keys: keys.ra_keys,
            secrets: keys.secrets,
            random,
            services: BTreeMap::from([
                (ChallengeSourceKind::Intune, intune_source),
                (ChallengeSourceKind::Webhook, source),
            ]),
            notifiers: BTreeMap::from([
                (NoticeReceiver::Intune, intune_notifier),
                (NoticeReceiver::Webhook, notifier),
            ]),
            deployment,
        })
    }

    /// The client of webhooks.
    ///
    /// # Errors
    /// If a setting is missing or has an invalid value.
    pub fn webhook(&self) -> Result<Arc<WebhookClient>, SettingError> {
        let secrets = self.open_keys()?.secrets;
        Ok(Arc::new(WebhookClient::new(
            secrets,
            Arc::new(SystemRandom),
        )))
    }

    /// The use cases of administration and maintenance, on behalf of this actor.
    ///
    /// # Errors
    /// If a setting is missing or has an invalid value.
    pub fn administration(&self, actor: Actor) -> Result<Administration, SettingError> {
        let store = self.open_store()?;
        let keys = self.open_keys()?;
        Ok(Administration {
            actor,
            // Requests are served by other processes, whose caches expire by themselves.
            cache: None,
            ca_keys: keys.ca_keys,
            ra_keys: keys.ra_keys,
            secrets: keys.secrets,
            transactions: store.clone(),
            requests: store.clone(),
            store,
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            deployment: self.environment.deployment()?,
        })
    }

    fn open_store(&self) -> Result<Arc<DynamoDbStore>, SettingError> {
        let tables = Tables {
            profiles: self.profiles_table.clone(),
            transactions: self.environment.table("SCEPTER_TRANSACTIONS_TABLE")?,
            certificates: self.environment.table("SCEPTER_CERTIFICATES_TABLE")?,
        };
        Ok(Arc::new(DynamoDbStore::new(self.dynamodb(), tables)))
    }

    pub(crate) fn open_keys(&self) -> Result<Keys, SettingError> {
        let symmetric_key = self.environment.key_arn("SCEPTER_SYMMETRIC_KEY")?;
        let stack = self.environment.stack("SCEPTER_STACK")?;
        let access = self.key_access()?;
        let kms = Kms::new(Client::new(&self.aws), self.metrics());
        Ok(Keys {
            ca_keys: Arc::new(KmsCaKeys::new(kms.clone(), stack, access)),
            ra_keys: Arc::new(KmsRaKeys::new(kms.clone(), symmetric_key.clone())),
            secrets: Arc::new(KmsSecrets::new(kms, symmetric_key)),
        })
    }

    /// Who may use new CA keys; `None` in a function that makes none.
    fn key_access(&self) -> Result<Option<KeyAccess>, SettingError> {
        let name = "SCEPTER_CA_KEY_SIGNERS";
        let Some(signers) = self.environment.optional(name) else {
            return Ok(None);
        };
        let readers = self.environment.text("SCEPTER_CA_KEY_READERS")?;
        let is_multi_region = self.environment.flag("SCEPTER_MULTI_REGION_KEYS")?;
        KeyAccess::parse(&signers, &readers)
            .map(|access| Some(access.with_multi_region(is_multi_region)))
            .map_err(|_| SettingError::Variable {
                name,
                problem: "and the readers are not lists of roles of one account",
            })
    }
}
