//! The profiles table alone, for functions that read nothing else.

use aws_sdk_dynamodb::Client;
use scep_service::error::StoreError;

use crate::DynamoDbStore;
use crate::attribute::to_text;
use crate::item::{ID, Item, unavailable};

/// Read access to the profiles table alone, which is all that the functions for GET operations get.
#[derive(Clone, Debug)]
pub struct ProfilesTable {
    client: Client,
    name: String,
}

impl ProfilesTable {
    /// Opens the existing table with this name.
    #[must_use]
    pub const fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }

    pub(crate) async fn get_item(
        &self,
        consistency: Consistency,
        id: String,
    ) -> Result<Option<Item>, StoreError> {
        let found = self
            .client
            .get_item()
            .table_name(&self.name)
            .key(ID, to_text(id))
            .consistent_read(consistency == Consistency::Strong)
            .send()
            .await
            .map_err(unavailable("reading an object"))?;
        Ok(found.item)
    }
}

impl DynamoDbStore {
    pub(crate) fn profiles_table(&self) -> ProfilesTable {
        ProfilesTable::new(self.client.clone(), self.tables.profiles.clone())
    }
}

/// Whether a read sees every write that was acknowledged before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consistency {
    /// The read may return slightly older data, at half the cost.
    Eventual,
    /// The read sees every acknowledged write.
    Strong,
}
