//! The tables: their names, and how they are made where no template makes them.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
    TimeToLiveSpecification,
};
use scep_service::StoreError;

use crate::item::{EXPIRES_AT, ID, unavailable};

/// Names of the three tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tables {
    /// Authorities, RA certificates, RA Profiles, SCEP Profiles.
    pub profiles: String,
    /// Transactions.
    pub transactions: String,
    /// Certificates.
    pub certificates: String,
}

impl Tables {
    /// The three names with a prefix: `{prefix}-profiles`, …
    #[must_use]
    pub fn prefixed(prefix: &str) -> Self {
        let name = |table: &str| format!("{prefix}-{table}");
        Self {
            profiles: name("profiles"),
            transactions: name("transactions"),
            certificates: name("certificates"),
        }
    }
}

/// Makes the tables that do not exist yet. In AWS the template makes them.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn create_tables(client: &Client, tables: &Tables) -> Result<(), StoreError> {
    for name in [&tables.profiles, &tables.certificates] {
        create_table(client, name).await?;
    }
    if create_table(client, &tables.transactions).await? == Made::Now {
        let time_to_live = TimeToLiveSpecification::builder()
            .enabled(true)
            .attribute_name(EXPIRES_AT)
            .build()
            .map_err(unavailable("describing a table"))?;
        client
            .update_time_to_live()
            .table_name(&tables.transactions)
            .time_to_live_specification(time_to_live)
            .send()
            .await
            .map_err(unavailable("setting the time to live"))?;
    }
    Ok(())
}

#[derive(PartialEq, Eq)]
enum Made {
    Now,
    Before,
}

async fn create_table(client: &Client, name: &str) -> Result<Made, StoreError> {
    let describing = "describing a table";
    let attribute = AttributeDefinition::builder()
        .attribute_name(ID)
        .attribute_type(ScalarAttributeType::S)
        .build()
        .map_err(unavailable(describing))?;
    let key = KeySchemaElement::builder()
        .attribute_name(ID)
        .key_type(KeyType::Hash)
        .build()
        .map_err(unavailable(describing))?;
    let created = client
        .create_table()
        .table_name(name)
        .attribute_definitions(attribute)
        .key_schema(key)
        .billing_mode(BillingMode::PayPerRequest)
        .send()
        .await;
    match created {
        Ok(_) => Ok(Made::Now),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(CreateTableError::is_resource_in_use_exception) =>
        {
            Ok(Made::Before)
        }
        Err(error) => Err(unavailable("creating a table")(error)),
    }
}
