//! Brings the log of the database to the disk. Commits of one moment share a synchronisation.
//!
//! SQLite does the same at each commit if it is told to (`PRAGMA synchronous = FULL`), but holds the
//! database meanwhile. Whatever a commit wrote is in the log when it ends; a checkpoint that moves
//! it into the database synchronises both by itself.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::{io, thread};

use tokio::sync::oneshot;

use crate::error::{Error, LogSyncGone};

type Synced = Result<(), Arc<io::Error>>;

/// Brings the log to the disk, on a thread of its own.
#[derive(Clone)]
pub(crate) struct LogSync {
    waiting: Sender<oneshot::Sender<Synced>>,
}

impl LogSync {
    /// Starts for the log of an open database. The log stays the same file for as long as a
    /// connection is open.
    pub(crate) fn start(database: &Path) -> io::Result<Self> {
        let path = log_path(database);
        let log = File::open(&path)?;
        // The log may be a new file: its name has to survive a power cut as well.
        if let Some(folder) = path.parent() {
            let is_here = folder.as_os_str().is_empty();
            File::open(if is_here { Path::new(".") } else { folder })?.sync_all()?;
        }
        Self::of_file(log)
    }

    pub(crate) fn of_file(log: File) -> io::Result<Self> {
        let (waiting, receiver) = channel();
        thread::Builder::new()
            .name("store-sync".to_owned())
            .spawn(move || sync_for_all(&log, &receiver))?;
        Ok(Self { waiting })
    }

    /// Returns once all that was committed before is on the disk.
    pub(crate) async fn sync(&self) -> Result<(), Error> {
        let (sender, synced) = oneshot::channel();
        self.waiting
            .send(sender)
            .map_err(|_| Error::LogSyncGone(LogSyncGone))?;
        match synced.await {
            Ok(synced) => synced.map_err(Error::Sync),
            Err(_) => Err(Error::LogSyncGone(LogSyncGone)),
        }
    }
}

/// Synchronises until the last handle of the database is gone.
fn sync_for_all(log: &File, waiting: &Receiver<oneshot::Sender<Synced>>) {
    let mut synced: Synced = Ok(());
    while let Ok(first) = waiting.recv() {
        let others: Vec<_> = waiting.try_iter().collect();
        // After a failure the system may have dropped what it could not write, and report success
        // the next time. So nothing is on the disk for certain until the database is opened again.
        if synced.is_ok() {
            synced = log.sync_data().map_err(Arc::new);
        }
        for waiting in std::iter::once(first).chain(others) {
            // A caller that went away needs no answer.
            let _gone = waiting.send(synced.clone());
        }
    }
}

fn log_path(database: &Path) -> PathBuf {
    let mut path = OsString::from(database);
    path.push("-wal");
    path.into()
}
