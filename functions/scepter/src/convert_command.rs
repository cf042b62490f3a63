//! `scepter convert`: converts the database of an earlier version, which was an embedded DynamoDB.

use std::error::Error;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::ProgressBar;
use store_dynamodb::{DynamoDbStore, ExportPosition, Tables, check_tables};
use store_embedded::EmbeddedDynamoDb;
use store_sqlite::SqliteStore;

use crate::folder::lock_folder;
use crate::private_folder;
use crate::private_folder::{
    CONVERTED_DATABASE, DATABASE, FORMER_DATABASE, IMPORTED_DATABASE, UNFINISHED_DATABASE,
};
use crate::settings::DataSettings;

#[derive(Args)]
pub(crate) struct ConvertCommand {
    #[command(flatten)]
    data: DataSettings,
}

/// There is nothing to convert.
#[derive(Debug, thiserror::Error)]
enum ConversionError {
    #[error("{0} has no database of an earlier version")]
    NoFormer(PathBuf),
    #[error("{0} is there already: the data folder was converted before")]
    Converted(PathBuf),
}

impl ConvertCommand {
    /// Converts the database, with a progress bar. A crash leaves the folder unchanged, or
    /// converted.
    #[tokio::main]
    pub(crate) async fn run(self) -> Result<(), Box<dyn Error>> {
        let folder = self.data.folder;
        private_folder::open_private(&folder)?;
        let _lock = lock_folder(&folder)?;
        let (former, file) = (folder.join(FORMER_DATABASE), folder.join(DATABASE));
        if file.exists() {
            return Err(ConversionError::Converted(file).into());
        }
        if !former.exists() {
            return Err(ConversionError::NoFormer(folder).into());
        }
        let (unfinished, ready) = (
            folder.join(UNFINISHED_DATABASE),
            folder.join(IMPORTED_DATABASE),
        );
        remove_database(&unfinished)?;
        remove_database(&ready)?;
        let items = copy_all(&former, &unfinished).await?;
        // The copy is one file, without a log beside it, and on the disk.
        SqliteStore::back_up(&unfinished, &ready)?;
        std::fs::rename(&ready, &file)?;
        File::open(&folder)?.sync_all()?;
        std::fs::rename(&former, folder.join(CONVERTED_DATABASE))?;
        remove_database(&unfinished)?;
        remove_database(&former)?;
        println!(
            "{items} items converted; the former database is {CONVERTED_DATABASE}, and can be \
             deleted"
        );
        Ok(())
    }
}

/// Copies every record, and returns how many items they were.
async fn copy_all(former: &Path, new: &Path) -> Result<u64, Box<dyn Error>> {
    let tables = Tables::prefixed("scepter");
    let client = EmbeddedDynamoDb::open(former)?.client();
    check_tables(&client, &tables).await?;
    let from = DynamoDbStore::new(client, tables);
    let to = SqliteStore::open(new)?;
    let bar = ProgressBar::new(from.count_all().await?);
    let mut position = Some(ExportPosition::default());
    while let Some(here) = position {
        let page = from.export(here).await?;
        to.import(page.records).await?;
        bar.inc(u64::try_from(page.items).unwrap_or(0));
        position = page.next;
    }
    bar.finish_and_clear();
    Ok(bar.position())
}

/// Removes a database and the files beside it, those of an earlier attempt.
fn remove_database(file: &Path) -> Result<(), std::io::Error> {
    for suffix in ["", "-shm", "-wal"] {
        let mut name = file.as_os_str().to_owned();
        name.push(suffix);
        match std::fs::remove_file(&name) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}
