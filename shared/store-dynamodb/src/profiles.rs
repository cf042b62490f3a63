//! The profiles table: objects as JSON documents with a version, names as items of their own.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use scep_protocol::{Configuration, EndpointName, ProfileName, RaProfile, ScepProfile};
use scep_service::{Object, ObjectKind, ProfileStore, Profiles, StoreError, Versioned};
use uuid::Uuid;

use crate::DynamoDbStore;
use crate::item::{DOCUMENT, ID, Item, Reader, UUID, VERSION, corrupt, number, text, unavailable};

impl ProfileStore for DynamoDbStore {
    async fn create<T: Object>(&self, object: &T) -> Result<(), StoreError> {
        let new = Versioned { object, version: 1 };
        let mut puts = vec![self.put_new(item(&new)?)?];
        if let Some(name) = object.name() {
            puts.push(self.put_new(Item::from([
                (ID.to_owned(), text(name_id(T::KIND, name))),
                (UUID.to_owned(), text(object.uuid().to_string())),
            ]))?);
        }
        let written = self
            .client
            .transact_write_items()
            .set_transact_items(Some(puts))
            .send()
            .await;
        match written {
            Ok(_) => Ok(()),
            // The uuid is fresh, so it is the name that somebody else has.
            Err(error) if cancellation_reasons(&error).contains(&CONDITION_FAILED) => {
                Err(StoreError::NameTaken)
            }
            Err(error) => Err(unavailable("creating an object")(error)),
        }
    }

    async fn read<T: Object>(&self, uuid: Uuid) -> Result<Option<Versioned<T>>, StoreError> {
        match self.get(object_id(T::KIND, uuid)).await? {
            Some(item) => object(&item).map(Some),
            None => Ok(None),
        }
    }

    async fn find<T: Object>(
        &self,
        name: &ProfileName,
    ) -> Result<Option<Versioned<T>>, StoreError> {
        let Some(item) = self.get(name_id(T::KIND, name)).await? else {
            return Ok(None);
        };
        let reader = Reader {
            what: kind_name(T::KIND),
            item: &item,
        };
        self.read(reader.uuid(UUID)?).await
    }

    async fn replace<T: Object>(&self, edited: &Versioned<T>) -> Result<(), StoreError> {
        let next = Versioned {
            object: &edited.object,
            version: edited.version.saturating_add(1),
        };
        let written = self
            .client
            .put_item()
            .table_name(&self.tables.profiles)
            .set_item(Some(item(&next)?))
            .condition_expression("version = :read")
            .expression_attribute_values(":read", number(edited.version))
            .send()
            .await;
        match written {
            Ok(_) => Ok(()),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(PutItemError::is_conditional_check_failed_exception) =>
            {
                Err(StoreError::Conflict)
            }
            Err(error) => Err(unavailable("replacing an object")(error)),
        }
    }
}

#[async_trait::async_trait]
impl Profiles for DynamoDbStore {
    async fn configuration(&self, endpoint: &EndpointName) -> Result<Configuration, StoreError> {
        let (scep_profile, ra_profile) = self.linked(endpoint).await?;
        let ra_certificate = match &scep_profile {
            Some(profile) => self.object(profile.ra_certificate).await?,
            None => None,
        };
        let authority = match &ra_profile {
            Some(profile) => self.object(profile.authority).await?,
            None => None,
        };
        Ok(Configuration {
            scep_profile,
            ra_profile,
            ra_certificate,
            authority,
        })
    }
}

impl DynamoDbStore {
    /// The named profile and the one that it is linked to.
    async fn linked(
        &self,
        endpoint: &EndpointName,
    ) -> Result<(Option<ScepProfile>, Option<RaProfile>), StoreError> {
        match endpoint {
            EndpointName::ScepProfile(name) => {
                let named = self
                    .find::<ScepProfile>(name)
                    .await?
                    .map(|found| found.object);
                let linked = match named.as_ref().and_then(|profile| profile.ra_profile) {
                    Some(uuid) => self.object(uuid).await?,
                    None => None,
                };
                Ok((named, linked))
            }
            EndpointName::RaProfile(name) => {
                let named = self
                    .find::<RaProfile>(name)
                    .await?
                    .map(|found| found.object);
                let linked = match named.as_ref().and_then(|profile| profile.scep_profile) {
                    Some(uuid) => self.object(uuid).await?,
                    None => None,
                };
                Ok((linked, named))
            }
        }
    }

    async fn object<T: Object>(&self, uuid: Uuid) -> Result<Option<T>, StoreError> {
        Ok(self.read(uuid).await?.map(|found| found.object))
    }

    async fn get(&self, id: String) -> Result<Option<Item>, StoreError> {
        let found = self
            .client
            .get_item()
            .table_name(&self.tables.profiles)
            .key(ID, text(id))
            .consistent_read(true)
            .send()
            .await
            .map_err(unavailable("reading an object"))?;
        Ok(found.item)
    }

    fn put_new(&self, item: Item) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .table_name(&self.tables.profiles)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(id)")
            .build()
            .map_err(unavailable("describing an object"))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}

/// Why a transaction is cancelled when a condition did not hold.
pub(crate) const CONDITION_FAILED: &str = "ConditionalCheckFailed";

/// Why a transaction was cancelled, item by item; nothing when it was not.
pub(crate) fn cancellation_reasons(error: &SdkError<TransactWriteItemsError>) -> Vec<&str> {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
        error.as_service_error()
    else {
        return Vec::new();
    };
    let reasons = cancelled.cancellation_reasons().iter();
    reasons
        .map(|reason| reason.code().unwrap_or_default())
        .collect()
}

fn item<T: Object>(object: &Versioned<&T>) -> Result<Item, StoreError> {
    let document = serde_json::to_string(object.object).map_err(corrupt(kind_name(T::KIND)))?;
    Ok(Item::from([
        (
            ID.to_owned(),
            text(object_id(T::KIND, object.object.uuid())),
        ),
        (VERSION.to_owned(), number(object.version)),
        (DOCUMENT.to_owned(), text(document)),
    ]))
}

fn object<T: Object>(item: &Item) -> Result<Versioned<T>, StoreError> {
    let what = kind_name(T::KIND);
    let reader = Reader { what, item };
    Ok(Versioned {
        object: serde_json::from_str(reader.text(DOCUMENT)?).map_err(corrupt(what))?,
        version: reader.number(VERSION)?,
    })
}

fn object_id(kind: ObjectKind, uuid: Uuid) -> String {
    format!("{}/{uuid}", kind_name(kind))
}

fn name_id(kind: ObjectKind, name: &ProfileName) -> String {
    format!("{}/name/{name}", kind_name(kind))
}

const fn kind_name(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Authority => "authority",
        ObjectKind::RaCertificate => "raCertificate",
        ObjectKind::RaProfile => "raProfile",
        ObjectKind::ScepProfile => "scepProfile",
    }
}
