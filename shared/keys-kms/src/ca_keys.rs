//! CA keys: generated or adopted in KMS, which signs with them. Only digests are sent to it.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::operation::get_public_key::GetPublicKeyOutput;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{KeySpec, KeyUsageType, MessageType, SigningAlgorithmSpec, Tag};
use ca::id::KeyOrderUuid;
use ca::key_algorithm::KeyAlgorithm;
use ca::key_location::{KeyArn, KeyLocation, KeyName};
use ca::profile_name::ProfileName;
use ca::tbs_certificate::signature_algorithm;
use futures_util::{StreamExt, TryStreamExt};
use scep_cms::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use scep_service::error::KeyError;
use scep_service::error_chain::ErrorChain;
use scep_service::ports::{CaKeys, GeneratedKey};

use crate::Kms;
use crate::alias::{build_alias, sanitise_name};
use crate::call::{MissingMember, without_retries};
use crate::key_access::KeyAccess;

/// The tag of every CA key of a stack. Policies let functions sign only with keys that have it.
const TAG: &str = "scepter:stack";

/// The waits between tries of a call about a key that was just created.
// Eight seconds in total, of the 29 that a function has.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

/// The tag by which the key of an order is found.
const ORDER_TAG: &str = "scepter:keyOrder";

/// How many keys are asked for their tags at the same time.
const CONCURRENT_LOOKUPS: usize = 16;

/// CA keys in KMS. The location of a key is its ARN.
pub struct KmsCaKeys {
    kms: Kms,
    stack: String,
    /// Who may use new keys; `None` in processes that make none.
    access: Option<KeyAccess>,
    /// The keys that this process has created.
    created: Mutex<HashSet<String>>,
}

impl KmsCaKeys {
    /// Creates the adapter for the keys of a stack. The stack's name is their tag and part of their
    /// aliases; it has at most 128 letters, digits and `-`. Without `access` it makes no keys.
    #[must_use]
    pub fn new(kms: Kms, stack: String, access: Option<KeyAccess>) -> Self {
        Self {
            kms,
            stack,
            access,
            created: Mutex::default(),
        }
    }

    /// Awaits a call about a key, and retries for some seconds if this process has just created it.
    async fn call<T, E, F>(
        &self,
        operation: &'static str,
        key: &str,
        send: impl Fn() -> F,
    ) -> Result<T, KeyError>
    where
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
        F: Future<Output = Result<T, SdkError<E>>>,
    {
        // A new key takes a moment to be known throughout KMS. An error about any other key is
        // final.
        if self.has_created(key) {
            for pause in PAUSES {
                match self.kms.probe(operation, key, send()).await {
                    Err(KeyError::Broken { source, .. } | KeyError::Gone { source, .. }) => {
                        tracing::info!(error = %ErrorChain(&*source), key, "a new key is not usable yet");
                        tokio::time::sleep(pause).await;
                    }
                    result => return result,
                }
            }
        }
        self.kms.call(operation, key, send()).await
    }

    fn remember(&self, key: &str) {
        let mut created = self.created.lock().unwrap_or_else(PoisonError::into_inner);
        created.insert(key.to_owned());
    }

    fn has_created(&self, key: &str) -> bool {
        let created = self.created.lock().unwrap_or_else(PoisonError::into_inner);
        created.contains(key)
    }

    /// Creates a key and returns its ARN.
    async fn create(
        &self,
        order: KeyOrderUuid,
        authority: &ProfileName,
        algorithm: KeyAlgorithm,
    ) -> Result<String, KeyError> {
        let access = self
            .access
            .as_ref()
            .ok_or("this process makes no keys")
            .map_err(KeyError::broken("CreateKey", authority.as_str()))?;
        let tag = |key: &str, value: &str| Tag::builder().tag_key(key).tag_value(value).build();
        let tags = [
            tag(TAG, &self.stack),
            tag("scepter:authority", &sanitise_name(authority)),
            tag(ORDER_TAG, &order.to_string()),
        ]
        .into_iter()
        .collect::<Result<Vec<_>, _>>()
        .map_err(KeyError::broken("CreateKey", authority.as_str()))?;
        let request = self
            .kms
            .client
            .create_key()
            .key_spec(key_spec(algorithm))
            .key_usage(KeyUsageType::SignVerify)
            .description(format!(
                "CA key of {authority}, Scepter stack {}",
                self.stack
            ))
            .set_tags(Some(tags))
            .multi_region(access.is_multi_region)
            .policy(access.policy())
            // The function that makes a key may not change its policy afterwards. The account may.
            .bypass_policy_lockout_safety_check(true)
            .customize()
            .config_override(without_retries());
        self.kms
            .call("CreateKey", authority.as_str(), request.send())
            .await?
            .key_metadata
            .and_then(|metadata| metadata.arn)
            .ok_or(MissingMember("ARN"))
            .map_err(KeyError::broken("CreateKey", authority.as_str()))
    }

    /// Gives a key an alias by which administrators find it.
    async fn create_alias(&self, key: &str, authority: &ProfileName) {
        // A failure is only logged: nothing but people depends on the alias.
        let alias = build_alias(&self.stack, authority, key);
        let request = self
            .kms
            .client
            .create_alias()
            .alias_name(&alias)
            .target_key_id(key);
        if let Err(error) = self.kms.call("CreateAlias", key, request.send()).await {
            tracing::warn!(error = %ErrorChain(&error), key, alias, "could not create an alias for the new key");
        }
    }

    /// Whether a key was made for this order.
    async fn is_of_order(&self, key: &str, order: KeyOrderUuid) -> Result<bool, KeyError> {
        let request = self.kms.client.list_resource_tags().key_id(key);
        let listed = match self
            .kms
            .probe("ListResourceTags", key, request.send())
            .await
        {
            // It is not a key of this stack, or is deleted.
            Err(KeyError::Broken { .. } | KeyError::Gone { .. }) => return Ok(false),
            listed => listed?,
        };
        let is_order =
            |tag: &Tag| tag.tag_key() == ORDER_TAG && tag.tag_value() == order.to_string();
        Ok(listed.tags().iter().any(is_order))
    }

    /// Reads the public key of a key that was made for this order; `None` for any other key, and
    /// for one that is to be deleted.
    async fn find_of_order(
        &self,
        key: &str,
        order: KeyOrderUuid,
    ) -> Result<Option<GeneratedKey>, KeyError> {
        if !self.is_of_order(key, order).await? {
            return Ok(None);
        }
        match self.find_public_key(key).await {
            Err(KeyError::Gone { .. }) => Ok(None),
            public => build_generated_key(key, public?).map(Some),
        }
    }

    /// Finds the key of an order among all keys of the account and region.
    async fn find_by_tag(&self, order: KeyOrderUuid) -> Result<Option<GeneratedKey>, KeyError> {
        // KMS has no other way: it does not search by tags, and an alias comes after its key.
        let mut marker = None;
        loop {
            let request = self.kms.client.list_keys().limit(1000).set_marker(marker);
            let listed = self.kms.call("ListKeys", "*", request.send()).await?;
            let arns = listed.keys().iter().filter_map(|entry| entry.key_arn());
            let found = futures_util::stream::iter(arns)
                .map(async |arn| self.find_of_order(arn, order).await)
                .buffer_unordered(CONCURRENT_LOOKUPS)
                .try_filter_map(async |found| Ok(found))
                .boxed()
                .try_next()
                .await?;
            if found.is_some() {
                return Ok(found);
            }
            if listed.next_marker().is_none() {
                return Ok(None);
            }
            marker = listed.next_marker;
        }
    }

    /// Reads the public key of a key that may be missing or of no use.
    async fn find_public_key(&self, key: &str) -> Result<GetPublicKeyOutput, KeyError> {
        let request = self.kms.client.get_public_key().key_id(key);
        self.kms.probe("GetPublicKey", key, request.send()).await
    }
}

#[async_trait]
impl CaKeys for KmsCaKeys {
    async fn generate(
        &self,
        order: KeyOrderUuid,
        authority: &ProfileName,
        algorithm: KeyAlgorithm,
    ) -> Result<GeneratedKey, KeyError> {
        let arn = self.create(order, authority, algorithm).await?;
        tracing::info!(key = arn, %authority, "created a CA key");
        self.remember(&arn);
        let request = self.kms.client.get_public_key().key_id(&arn);
        let public = self
            .call("GetPublicKey", &arn, || request.clone().send())
            .await?;
        self.create_alias(&arn, authority).await;
        build_generated_key(&arn, public)
    }

    async fn find(
        &self,
        order: KeyOrderUuid,
        _algorithm: KeyAlgorithm,
    ) -> Result<Option<GeneratedKey>, KeyError> {
        let found = self.find_by_tag(order).await?;
        if let Some(key) = &found {
            tracing::info!(key = %key.location, "found a CA key of an interrupted attempt");
            self.remember(&key.location.to_stored());
        }
        Ok(found)
    }

    async fn adopt(
        &self,
        key: &KeyName,
        algorithm: KeyAlgorithm,
    ) -> Result<GeneratedKey, KeyError> {
        let refused = |reason| KeyError::NotAdoptable {
            name: key.as_str().to_owned(),
            reason,
        };
        let public = match self.find_public_key(key.as_str()).await {
            Err(KeyError::Broken { source, .. } | KeyError::Gone { source, .. }) => {
                tracing::warn!(error = %ErrorChain(&*source), key = key.as_str(), "could not adopt a key");
                // KMS does not always tell these causes apart, so the reason lists them all.
                return Err(refused(
                    "its public key cannot be read: the key must exist, be enabled, and have the tag scepter:stack with the name of this stack",
                ));
            }
            result => result?,
        };
        if public.key_usage != Some(KeyUsageType::SignVerify) {
            return Err(refused("its key usage is not SIGN_VERIFY"));
        }
        if public.key_spec != Some(key_spec(algorithm)) {
            return Err(refused("its key spec does not match keyAlgorithm"));
        }
        build_generated_key(key.as_str(), public)
    }

    async fn sign(
        &self,
        key: &KeyLocation,
        algorithm: KeyAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, KeyError> {
        let arn = key_arn(key)?;
        let (digest, spec) = find_signing_algorithm(signature_algorithm(algorithm))
            .ok_or("KMS does not support this signature algorithm")
            .map_err(KeyError::broken("Sign", arn))?;
        let request = self
            .kms
            .client
            .sign()
            .key_id(key_id(arn))
            // KMS signs messages of 4,096 bytes at most; a digest has no such limit.
            .message_type(MessageType::Digest)
            .message(Blob::new(digest.digest(message)))
            .signing_algorithm(spec);
        self.call("Sign", arn, || request.clone().send())
            .await?
            .signature
            .ok_or(MissingMember("signature"))
            .map_err(KeyError::broken("Sign", arn))
            .map(Blob::into_inner)
    }
}

/// Returns the ARN of a CA key.
fn key_arn(location: &KeyLocation) -> Result<&str, KeyError> {
    match location {
        KeyLocation::Kms(arn) => Ok(arn.as_str()),
        KeyLocation::File(_) | KeyLocation::Wrapped(_) | KeyLocation::Redacted => {
            Err(KeyError::Foreign {
                location: location.clone(),
                kept: "CA keys in AWS KMS",
            })
        }
    }
}

/// Returns what KMS finds a key by: the ARN, or the id of a key that can have replicas.
// The ARN of a replica names its own region. Its id is the same in every region, and KMS looks for
// it in the region that it is asked in.
fn key_id(arn: &str) -> &str {
    arn.rsplit_once('/')
        .map(|(_, id)| id)
        .filter(|id| id.starts_with("mrk-"))
        .unwrap_or(arn)
}

/// Builds the result for a key from its public key.
fn build_generated_key(
    requested: &str,
    public: GetPublicKeyOutput,
) -> Result<GeneratedKey, KeyError> {
    // The location is the ARN from the response: a key may be adopted by its id or an alias, and
    // an alias may come to mean another key.
    let arn = KeyArn::parse(public.key_id.as_deref().unwrap_or(requested))
        .map_err(KeyError::broken("GetPublicKey", requested))?;
    let key = public
        .public_key
        .ok_or(MissingMember("public key"))
        .map_err(KeyError::broken("GetPublicKey", requested))?;
    Ok(GeneratedKey {
        location: KeyLocation::Kms(arn),
        subject_public_key_info: key.into_inner(),
    })
}

fn key_spec(algorithm: KeyAlgorithm) -> KeySpec {
    match algorithm {
        KeyAlgorithm::Rsa2048 => KeySpec::Rsa2048,
        KeyAlgorithm::Rsa3072 => KeySpec::Rsa3072,
        KeyAlgorithm::Rsa4096 => KeySpec::Rsa4096,
        KeyAlgorithm::EcP256 => KeySpec::EccNistP256,
        KeyAlgorithm::EcP384 => KeySpec::EccNistP384,
        KeyAlgorithm::EcP521 => KeySpec::EccNistP521,
    }
}

/// Finds the name that KMS has for a signature algorithm, and the digest to send; `None` for what
/// CA keys do not sign with.
fn find_signing_algorithm(
    algorithm: SignatureAlgorithm,
) -> Option<(DigestAlgorithm, SigningAlgorithmSpec)> {
    use DigestAlgorithm::{Sha1, Sha256, Sha384, Sha512};
    use SignatureAlgorithm::{Ecdsa, RsaPkcs1, RsaPss};
    Some(match algorithm {
        RsaPkcs1(Sha256) => (Sha256, SigningAlgorithmSpec::RsassaPkcs1V15Sha256),
        RsaPkcs1(Sha384) => (Sha384, SigningAlgorithmSpec::RsassaPkcs1V15Sha384),
        RsaPkcs1(Sha512) => (Sha512, SigningAlgorithmSpec::RsassaPkcs1V15Sha512),
        Ecdsa(Sha256) => (Sha256, SigningAlgorithmSpec::EcdsaSha256),
        Ecdsa(Sha384) => (Sha384, SigningAlgorithmSpec::EcdsaSha384),
        Ecdsa(Sha512) => (Sha512, SigningAlgorithmSpec::EcdsaSha512),
        RsaPkcs1(Sha1) | Ecdsa(Sha1) | RsaPss { .. } => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use newtype_uuid::TypedUuid;
    use serde_json::json;
    use strum::VariantArray;

    use super::*;
    use crate::kms_double::build_kms;

    const ORDER: KeyOrderUuid = TypedUuid::nil();

    const ARN: &str = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef";

    /// Answers for a key of the order that is to be deleted, and for the live one.
    fn answer(operation: &str, key: &str) -> Result<serde_json::Value, &'static str> {
        let of = |end: &str| format!("{ARN}-{end}");
        match (operation, key.trim_start_matches(ARN)) {
            ("ListKeys", _) => Ok(json!({ "Keys": [
                { "KeyArn": of("000000000000") },
                { "KeyArn": of("111111111111") },
            ] })),
            ("ListResourceTags", _) => Ok(json!({ "Tags": [
                { "TagKey": ORDER_TAG, "TagValue": ORDER.to_string() },
            ] })),
            ("GetPublicKey", "-111111111111") => Ok(json!({ "KeyId": key, "PublicKey": "MAA=" })),
            _ => Err("KMSInvalidStateException"),
        }
    }

    #[tokio::test]
    async fn a_key_that_is_to_be_deleted_is_not_the_key_of_an_order() {
        let (kms, failures) = build_kms(answer);
        let keys = KmsCaKeys::new(kms, "stack".to_owned(), None);
        let found = keys.find(ORDER, KeyAlgorithm::EcP256).await.unwrap();
        let expected = format!("{ARN}-111111111111");
        assert_eq!(found.unwrap().location.to_stored(), expected);
        let gone = KeyLocation::try_from(format!("{ARN}-000000000000")).unwrap();
        let signed = keys.sign(&gone, KeyAlgorithm::EcP256, b"").await;
        assert!(matches!(signed, Err(KeyError::Gone { .. })), "{signed:?}");
        assert_eq!(failures.count(), 1);
    }

    #[tokio::test]
    async fn a_new_key_that_kms_does_not_know_yet_is_no_failure() {
        static TRIES: AtomicUsize = AtomicUsize::new(0);
        let (kms, failures) = build_kms(|_, _| match TRIES.fetch_add(1, Ordering::SeqCst) {
            0 => Err("NotFoundException"),
            _ => Ok(json!({ "Signature": "AA==" })),
        });
        let keys = KmsCaKeys::new(kms, "stack".to_owned(), None);
        let arn = format!("{ARN}-000000000000");
        keys.remember(&arn);
        let key = KeyLocation::try_from(arn).unwrap();
        keys.sign(&key, KeyAlgorithm::EcP256, b"").await.unwrap();
        assert_eq!(failures.count(), 0);
    }

    #[tokio::test]
    async fn a_key_of_others_and_one_that_cannot_be_adopted_are_no_failures() {
        let (kms, failures) = build_kms(|operation, _| match operation {
            "ListKeys" => Ok(json!({ "Keys": [{ "KeyArn": ARN }] })),
            _ => Err("AccessDeniedException"),
        });
        let keys = KmsCaKeys::new(kms, "stack".to_owned(), None);
        let found = keys.find(ORDER, KeyAlgorithm::EcP256).await.unwrap();
        assert!(found.is_none());
        let name = KeyName::new(ARN.to_owned());
        let adopted = keys.adopt(&name, KeyAlgorithm::EcP256).await;
        assert!(matches!(adopted, Err(KeyError::NotAdoptable { .. })));
        assert_eq!(failures.count(), 0);
    }

    #[test]
    fn a_key_is_found_by_its_arn_unless_it_can_have_replicas() {
        let arn = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
        assert_eq!(key_id(arn), arn);
        let replicated = "mrk-1234abcd12ab34cd56ef1234567890ab";
        let arn = format!("arn:aws:kms:eu-central-1:111122223333:key/{replicated}");
        assert_eq!(key_id(&arn), replicated);
    }

    #[test]
    fn every_key_algorithm_signs_in_kms() {
        for &algorithm in KeyAlgorithm::VARIANTS {
            assert!(find_signing_algorithm(signature_algorithm(algorithm)).is_some());
        }
    }
}
