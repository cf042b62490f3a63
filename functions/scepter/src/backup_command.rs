//! `scepter backup`: copies the database into a new file, even while the server runs.

use std::error::Error;
use std::path::PathBuf;

use clap::Args;
use store_sqlite::SqliteStore;

use crate::private_folder::{DATABASE, KEYS};
use crate::settings::DataSettings;

#[derive(Args)]
pub(crate) struct BackupCommand {
    /// The new file. The keys are not in it.
    file: PathBuf,
    #[command(flatten)]
    data: DataSettings,
}

impl BackupCommand {
    /// Copies the database, and says what else belongs to a backup.
    pub(crate) fn run(self) -> Result<(), Box<dyn Error>> {
        let folder = self.data.folder;
        SqliteStore::back_up(&folder.join(DATABASE), &self.file)?;
        println!("{} holds the database as it is now", self.file.display());
        let keys = folder.join(KEYS);
        eprintln!(
            "Copy {} too: without the keys in it, the database is of no use.",
            keys.display()
        );
        Ok(())
    }
}
