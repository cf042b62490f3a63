//! The items by which searches find certificates by the names of subjectAltName.
//!
//! Each name is an item of its own, which is in the index by search key alone, under another hash
//! key than the certificates.

use std::collections::{BTreeSet, HashMap};

use scep_service::error::StoreError;
use scep_service::inventory::{
    AlternativeNameSearch, CertificateRecord, CertificateSummary, Page, PageRequest,
};
use serde::{Deserialize, Serialize};

use crate::DynamoDbStore;
use crate::batch::MAX_READ_ITEMS;
use crate::certificate_item::{certificate_id, parse_record};
use crate::index::BY_COMMON_NAME;
use crate::item::{Item, build_item, parse_item, read_id};
use crate::page::{Bounds, List};

/// The hash key that all alternative names share in the index by search key.
// Certificates have another, so that neither list has to skip the items of the other.
const ALTERNATIVE_NAME: &str = "alternativeName";

/// The most times that certificates are read for one page.
// Each reads up to a hundred. A filter that matches nothing must not make one request read every
// certificate.
const MAX_READS: usize = 10;

/// An alternative name of a certificate.
// It has no attribute that is the key of another index, so no list of certificates contains it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AlternativeNameItem {
    /// The id of the certificate, a slash and a number.
    id: String,
    #[serde(skip_deserializing)]
    list: &'static str,
    search_key: String,
}

/// Builds the items of a certificate's alternative names.
pub(crate) fn alternative_name_items(record: &CertificateRecord) -> Result<Vec<Item>, StoreError> {
    let summary = &record.summary;
    let certificate = certificate_id(summary.uuid);
    let names = record.alternative_names();
    let items = names.keys().enumerate().map(|(number, key)| {
        build_item(AlternativeNameItem {
            id: format!("{certificate}/{number}"),
            list: ALTERNATIVE_NAME,
            search_key: key.to_owned(),
        })
    });
    items.collect()
}

/// A name in the index, and the id of its certificate.
struct FoundName {
    certificate: String,
    key: String,
}

fn parse_found_name(item: Item) -> Result<Option<FoundName>, StoreError> {
    let found: AlternativeNameItem = parse_item("alternative name", item)?;
    // Every id was built with a slash.
    Ok(found.id.rsplit_once('/').map(|(certificate, _)| FoundName {
        certificate: certificate.to_owned(),
        key: found.search_key.clone(),
    }))
}

impl DynamoDbStore {
    /// Reads a page of the certificates that a search by alternative name finds, sorted by those
    /// names.
    pub(crate) async fn read_page_of_names(
        &self,
        search: &AlternativeNameSearch,
        page: &PageRequest,
        fits: impl Fn(&CertificateSummary) -> bool,
    ) -> Result<Page<CertificateSummary>, StoreError> {
        let list = List {
            table: &self.tables.certificates,
            index: &BY_COMMON_NAME,
            hash: ALTERNATIVE_NAME.to_owned(),
            bounds: match search.key_prefix() {
                "" => Bounds::All,
                prefix => Bounds::WithPrefix(prefix.to_owned()),
            },
            ascending: true,
        };
        let mut items = Vec::new();
        let mut cursor = page.cursor.clone();
        for _ in 0..MAX_READS {
            let wanted = usize::from(page.limit).saturating_sub(items.len());
            let limit = u16::try_from(wanted.min(MAX_READ_ITEMS)).unwrap_or(u16::MAX);
            let rest = PageRequest { limit, cursor };
            let found = self.read_page(&list, &rest, parse_found_name).await?;
            cursor = found.cursor;
            let records = self.read_records(&found.items).await?;
            for name in &found.items {
                let Some(record) = records.get(&name.certificate) else {
                    continue;
                };
                // Several names of a certificate may match; the first of them in the index lists
                // it, so no page needs to know what others have listed.
                let is_first =
                    search.first_match(&record.alternative_names()) == Some(name.key.as_str());
                if is_first && fits(&record.summary) {
                    items.push(record.summary.clone());
                }
            }
            if cursor.is_none() || items.len() >= usize::from(page.limit) {
                break;
            }
        }
        Ok(Page { items, cursor })
    }

    /// Reads the records of these names, by id.
    async fn read_records(
        &self,
        names: &[FoundName],
    ) -> Result<HashMap<String, CertificateRecord>, StoreError> {
        // DynamoDB rejects a batch that names an item twice.
        let ids: BTreeSet<_> = names.iter().map(|name| name.certificate.clone()).collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let table = &self.tables.certificates;
        let mut records = HashMap::new();
        for item in self.read_items(table, ids.into_iter()).await? {
            if let Some(id) = read_id(item.clone())? {
                records.insert(id, parse_record(item)?);
            }
        }
        Ok(records)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::to_text;
    use crate::samples;

    const CERTIFICATE_ID: &str = "certificate/00000000-0000-0000-0000-000000000005";

    #[test]
    fn a_name_is_stored_under_these_names_and_read_again() {
        let items = alternative_name_items(&samples::named_record()).unwrap();
        let expected = [("0", "192.0.2.1"), ("1", "router-1.example")].map(|(number, name)| {
            samples::build_sample_item([
                ("id", to_text(format!("{CERTIFICATE_ID}/{number}"))),
                ("list", to_text("alternativeName")),
                ("searchKey", to_text(name)),
            ])
        });
        assert_eq!(items, expected);
        let found = parse_found_name(items[1].clone()).unwrap().unwrap();
        let certificate = CERTIFICATE_ID.to_owned();
        assert_eq!(
            (found.certificate, found.key.as_str()),
            (certificate, "router-1.example")
        );
    }

    #[test]
    fn a_certificate_without_names_has_no_item_more() {
        let record = samples::sample_record();
        assert_eq!(alternative_name_items(&record).unwrap(), Vec::new());
    }
}
