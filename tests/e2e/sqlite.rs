//! The contract of the store, kept by the one in a SQLite file.

#[path = "../contract/mod.rs"]
#[expect(
    clippy::duplicate_mod,
    reason = "the contract runs over one adapter each time"
)]
mod contract;

mod adapters {
    pub(crate) use store_sqlite::SqliteStore as Adapter;
    use tempfile::TempDir;

    /// Creates an empty store in a folder that is deleted with the guard.
    pub(crate) async fn store() -> (TempDir, Adapter) {
        let folder = tempfile::tempdir().unwrap();
        let store = Adapter::open(&folder.path().join("scepter.db")).unwrap();
        (folder, store)
    }
}
