//! The tables: their names, and their creation where no CloudFormation template creates them.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, TimeToLiveSpecification,
};
use scep_service::error::StoreError;

use crate::index::{
    CERTIFICATE_INDEXES, Index, IndexProjection, PROFILE_INDEXES, RangeKind, TRANSACTION_INDEXES,
};
use crate::item::{EXPIRES_AT, ID, corrupt, unavailable};

/// The names of the three tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tables {
    /// The table of authorities, RA certificates, both kinds of profiles, audit records and CRLs.
    pub profiles: String,
    /// The table of transactions and of everything else that expires.
    pub transactions: String,
    /// The table of certificates, their alternative names and revoked keys.
    pub certificates: String,
}

impl Tables {
    /// Puts a prefix before the three names: `{prefix}-profiles`, `{prefix}-transactions`,
    /// `{prefix}-certificates`.
    #[must_use]
    pub fn prefixed(prefix: &str) -> Self {
        let name = |table: &str| format!("{prefix}-{table}");
        Self {
            profiles: name("profiles"),
            transactions: name("transactions"),
            certificates: name("certificates"),
        }
    }

    const fn with_indexes(&self) -> [(&String, &'static [Index]); 3] {
        [
            (&self.profiles, PROFILE_INDEXES),
            (&self.certificates, CERTIFICATE_INDEXES),
            (&self.transactions, TRANSACTION_INDEXES),
        ]
    }
}

/// Creates the tables that do not exist yet. In AWS, the CloudFormation template creates them.
///
/// # Errors
/// [`StoreError::Unavailable`] if the database does not respond.
pub async fn create_tables(client: &Client, tables: &Tables) -> Result<(), StoreError> {
    for (name, indexes) in tables.with_indexes() {
        let state = create_table(client, name, indexes).await?;
        // Nothing in the other two tables expires: objects, audit records and the inventory stay.
        // DynamoDB rejects the call for a table that has the setting already.
        if state == TableState::New && *name == tables.transactions {
            enable_expiry(client, name).await?;
        }
    }
    Ok(())
}

/// A table lacks an index that lists are read from.
#[derive(Debug, thiserror::Error)]
#[error("table {table} has no index {index}: it was created by an older version")]
struct MissingIndex {
    table: String,
    index: &'static str,
}

/// Checks that the tables have every index that this version reads.
///
/// # Errors
/// [`StoreError::Corrupt`] if an index is missing, as in a table that an older version created;
/// [`StoreError::Unavailable`] if a table does not exist or the database does not respond.
pub async fn check_tables(client: &Client, tables: &Tables) -> Result<(), StoreError> {
    for (name, indexes) in tables.with_indexes() {
        let described = client
            .describe_table()
            .table_name(name)
            .send()
            .await
            .map_err(unavailable("describing a table"))?;
        let existing = described
            .table()
            .map_or(&[][..], |table| table.global_secondary_indexes());
        // Indexes that are left over from another version cost space and do no harm.
        for index in indexes {
            if !existing
                .iter()
                .any(|known| known.index_name() == Some(index.name))
            {
                return Err(corrupt("database")(MissingIndex {
                    table: name.clone(),
                    index: index.name,
                }));
            }
        }
    }
    Ok(())
}

#[derive(PartialEq, Eq)]
enum TableState {
    New,
    Existing,
}

async fn create_table(
    client: &Client,
    name: &str,
    indexes: &[Index],
) -> Result<TableState, StoreError> {
    let describing = "describing a table";
    let mut create = client
        .create_table()
        .table_name(name)
        .key_schema(key_element(ID, KeyType::Hash).map_err(unavailable(describing))?)
        // The other mode would require a provisioned throughput.
        .billing_mode(BillingMode::PayPerRequest);
    for attribute in key_attributes(indexes) {
        create = create.attribute_definitions(attribute.map_err(unavailable(describing))?);
    }
    for index in indexes {
        create = create
            .global_secondary_indexes(describe_index(index).map_err(unavailable(describing))?);
    }
    match create.send().await {
        Ok(_) => Ok(TableState::New),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(CreateTableError::is_resource_in_use_exception) =>
        {
            Ok(TableState::Existing)
        }
        Err(error) => Err(unavailable("creating a table")(error)),
    }
}

/// Describes every attribute that is a key of the table or of an index.
fn key_attributes(
    indexes: &[Index],
) -> impl Iterator<Item = Result<AttributeDefinition, BuildError>> {
    // This is a map, since indexes share keys and DynamoDB rejects an attribute that is defined
    // twice.
    let mut kinds = BTreeMap::from([(ID, ScalarAttributeType::S)]);
    for index in indexes {
        kinds.insert(index.hash, ScalarAttributeType::S);
        if let Some(range) = &index.range {
            let kind = match range.kind {
                RangeKind::Number => ScalarAttributeType::N,
                RangeKind::Text => ScalarAttributeType::S,
            };
            kinds.insert(range.name, kind);
        }
    }
    kinds.into_iter().map(|(name, kind)| {
        AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(kind)
            .build()
    })
}

fn key_element(name: &str, kind: KeyType) -> Result<KeySchemaElement, BuildError> {
    KeySchemaElement::builder()
        .attribute_name(name)
        .key_type(kind)
        .build()
}

fn describe_index(index: &Index) -> Result<GlobalSecondaryIndex, BuildError> {
    let projected = index.projected_attributes();
    let projection = Projection::builder()
        .projection_type(match index.projection {
            IndexProjection::All => ProjectionType::All,
            IndexProjection::KeysOnly => ProjectionType::KeysOnly,
            IndexProjection::Attributes(_) => ProjectionType::Include,
        })
        .set_non_key_attributes((!projected.is_empty()).then_some(projected))
        .build();
    let mut index_builder = GlobalSecondaryIndex::builder()
        .index_name(index.name)
        .key_schema(key_element(index.hash, KeyType::Hash)?)
        .projection(projection);
    if let Some(range) = &index.range {
        index_builder = index_builder.key_schema(key_element(range.name, KeyType::Range)?);
    }
    index_builder.build()
}

async fn enable_expiry(client: &Client, table: &str) -> Result<(), StoreError> {
    let time_to_live = TimeToLiveSpecification::builder()
        .enabled(true)
        .attribute_name(EXPIRES_AT)
        .build()
        .map_err(unavailable("describing a table"))?;
    client
        .update_time_to_live()
        .table_name(table)
        .time_to_live_specification(time_to_live)
        .send()
        .await
        .map_err(unavailable("setting the time to live"))?;
    Ok(())
}
