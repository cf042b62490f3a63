//! The adapters that the contract tests run on here: DynamoDB and KMS of the emulator.

use std::sync::{Arc, LockResult, RwLockReadGuard};

use keys_kms::{KeyAccess, Kms, KmsCaKeys, KmsRaKeys, KmsSecrets};
use lambda_host::{Environment, sdk_config};
use scepter_tests::world::Unmeasured;
pub(crate) use store_dynamodb::DynamoDbStore as Adapter;
use store_dynamodb::{DynamoDbStore, Tables, create_tables};
use uuid::Uuid;

use crate::key_contract::KeyPorts;
use crate::stack::{ALONE, STACK};

fn build_environment() -> Environment {
    Environment::of(|name| match name {
        "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("test".to_owned()),
        "AWS_REGION" => Some("eu-central-1".to_owned()),
        "AWS_ENDPOINT_URL" => Some(STACK.endpoint.clone()),
        _ => None,
    })
}

/// A shared lock that keeps out tests which disturb the stack.
type Shared = LockResult<RwLockReadGuard<'static, ()>>;

/// Creates tables with the code of the store.
pub(crate) async fn tables() -> (aws_sdk_dynamodb::Client, Tables) {
    let client = aws_sdk_dynamodb::Client::new(&sdk_config(&build_environment()).unwrap());
    let tables = Tables::prefixed(&format!("contract-{}", Uuid::new_v4()));
    create_tables(&client, &tables).await.unwrap();
    (client, tables)
}

/// Creates an empty store.
pub(crate) async fn store() -> (Shared, DynamoDbStore) {
    let shared = ALONE.read();
    let (client, tables) = tables().await;
    (shared, DynamoDbStore::new(client, tables))
}

/// KMS through a client that is constructed again on every call, as after a restart.
pub(crate) struct Keys {
    _shared: Shared,
}

impl Keys {
    pub(crate) fn new() -> Self {
        Self {
            _shared: ALONE.read(),
        }
    }

    pub(crate) fn open_ports(&self) -> KeyPorts {
        let client = aws_sdk_kms::Client::new(&sdk_config(&build_environment()).unwrap());
        let kms = Kms::new(client, Arc::new(Unmeasured));
        let symmetric_key = STACK.outputs["SymmetricKeyArn"].clone();
        let everybody = "arn:aws:iam::000000000000:role/contract-*";
        let access = Some(KeyAccess::parse(everybody, everybody).unwrap());
        KeyPorts {
            ca_keys: Arc::new(KmsCaKeys::new(kms.clone(), "contract".to_owned(), access)),
            ra_keys: Arc::new(KmsRaKeys::new(kms.clone(), symmetric_key.clone())),
            secrets: Arc::new(KmsSecrets::new(kms, symmetric_key)),
        }
    }
}
