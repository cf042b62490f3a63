//! Brings the log of the database to the disk. Commits of one moment share a synchronisation.
//!
//! SQLite does the same at each commit if it is told to (`PRAGMA synchronous = FULL`), but holds
//! the database meanwhile, and shows the commit to readers only then. Here readers see a commit as
//! soon as the log has it, so an answer that rests on one waits for the disk as well. Whatever a
//! commit wrote is in the log when it ends; a checkpoint that moves it into the database
//! synchronises both by itself.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::{io, thread};

use tokio::sync::{oneshot, watch};

use crate::error::{Error, LogSyncGone};

type Synced = Result<(), Arc<io::Error>>;

/// Brings the log to the disk, on a thread of its own.
#[derive(Clone)]
pub(crate) struct LogSync {
    waiting: Sender<oneshot::Sender<Synced>>,
    counts: Arc<Counts>,
    failed: watch::Receiver<bool>,
}

/// How many commits there were that have to survive a power cut.
#[derive(Default)]
struct Counts {
    begun: AtomicU64,
    ended: AtomicU64,
    /// Of those that ended, how many are on the disk.
    synced: AtomicU64,
}

impl LogSync {
    /// Starts for the log of an open database. The log stays the same file for as long as a
    /// connection is open.
    pub(crate) fn start(database: &Path) -> io::Result<Self> {
        // SQLite writes the log beside the file that a symbolic link leads to.
        let path = log_path(&database.canonicalize()?);
        let log = File::open(&path)?;
        // What a former process left in the log, and a reader keeps there, may not be on the disk.
        log.sync_data()?;
        // The log may be a new file: its name has to survive a power cut as well.
        if let Some(folder) = path.parent() {
            File::open(folder)?.sync_all()?;
        }
        Self::of_file(log)
    }

    pub(crate) fn of_file(log: File) -> io::Result<Self> {
        let (waiting, receiver) = channel();
        let counts = Arc::<Counts>::default();
        let shared = Arc::clone(&counts);
        let (failure, failed) = watch::channel(false);
        thread::Builder::new()
            .name("store-sync".to_owned())
            .spawn(move || sync_for_all(&log, &receiver, &shared, &failure))?;
        Ok(Self {
            waiting,
            counts,
            failed,
        })
    }

    /// Waits until a synchronisation has failed.
    pub(crate) async fn failed(&self) {
        let mut failed = self.failed.clone();
        // An error means that the thread has ended, so that nothing is synchronised either.
        let _ = failed.wait_for(|has_failed| *has_failed).await;
    }

    /// Notes that a commit begins which has to survive a power cut. It ends, or has failed, when
    /// the result is dropped.
    pub(crate) fn begin_commit(&self) -> CommitInProgress<'_> {
        self.counts.begun.fetch_add(1, Ordering::SeqCst);
        CommitInProgress(&self.counts)
    }

    /// Returns once all that a reader has seen, and that has to survive a power cut, is on the
    /// disk.
    pub(crate) async fn sync_seen(&self) -> Result<(), Error> {
        let Counts { begun, synced, .. } = &*self.counts;
        // A reader sees a commit no sooner than it began.
        match synced.load(Ordering::SeqCst) < begun.load(Ordering::SeqCst) {
            true => self.sync().await,
            false => Ok(()),
        }
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

pub(crate) struct CommitInProgress<'a>(&'a Counts);

impl Drop for CommitInProgress<'_> {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::SeqCst);
    }
}

/// Synchronises until the last handle of the database is gone.
fn sync_for_all(
    log: &File,
    waiting: &Receiver<oneshot::Sender<Synced>>,
    counts: &Counts,
    failure: &watch::Sender<bool>,
) {
    let mut synced: Synced = Ok(());
    while let Ok(first) = waiting.recv() {
        let others: Vec<_> = waiting.try_iter().collect();
        let ended = counts.ended.load(Ordering::SeqCst);
        // After a failure the system may have dropped what it could not write, and report success
        // the next time. So nothing is on the disk for certain until the database is opened again.
        if synced.is_ok() {
            synced = log.sync_data().map_err(Arc::new);
            match &synced {
                Ok(()) => counts.synced.store(ended, Ordering::SeqCst),
                Err(error) => {
                    tracing::error!(%error, "the log of the database is not on the disk");
                    failure.send_replace(true);
                }
            }
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
