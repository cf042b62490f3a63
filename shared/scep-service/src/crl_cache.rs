//! A cache of CRLs in memory, so that a CRL that many clients fetch is read once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use ca::generation::Generation;
use ca::id::AuthorityUuid;
use ca::profile_name::ProfileName;
use uuid::Uuid;

use crate::error::StoreError;
use crate::object::{ObjectKind, Reference, StoredObject};
use crate::ports::{CrlHead, ProfileReader, StoredCrl};

/// The maximum size of the cache, in octets.
// It holds one CRL of the largest size that can be served, or many small ones.
const MAX_CACHED_BYTES: usize = 8 * 1024 * 1024;

/// A [`ProfileReader`] that caches CRLs. It reads the head each time and so never returns a CRL
/// that has been replaced.
pub struct CachedCrls {
    reader: Arc<dyn ProfileReader>,
    /// The cached CRLs, the most recently used one last.
    cached: Mutex<Vec<CachedCrl>>,
}

struct CachedCrl {
    authority: AuthorityUuid,
    generation: Generation,
    crl: Arc<StoredCrl>,
}

impl CachedCrls {
    /// Caches the CRLs that `reader` returns.
    #[must_use]
    pub fn new(reader: Arc<dyn ProfileReader>) -> Self {
        Self {
            reader,
            cached: Mutex::default(),
        }
    }

    fn lookup(
        &self,
        authority: AuthorityUuid,
        generation: Generation,
        head: &CrlHead,
    ) -> Option<Arc<StoredCrl>> {
        let mut cached = self.lock();
        let place = cached
            .iter()
            .position(|entry| (entry.authority, entry.generation) == (authority, generation))?;
        let found = cached.remove(place);
        let crl = Arc::clone(&found.crl);
        // The head may come from a read that lags, so a cached CRL later than the head is the
        // current one. Times are compared and not numbers, which start again after a restore.
        let is_later = crl.this_update > head.this_update;
        if crl.head() != *head && !is_later {
            return None;
        }
        // The end holds the most recently used one.
        cached.push(found);
        Some(crl)
    }

    fn insert(&self, authority: AuthorityUuid, generation: Generation, crl: Arc<StoredCrl>) {
        let mut cached = self.lock();
        cached.retain(|entry| (entry.authority, entry.generation) != (authority, generation));
        cached.push(CachedCrl {
            authority,
            generation,
            crl,
        });
        let mut bytes: usize = cached.iter().map(|entry| entry.crl.der.len()).sum();
        // The front holds the least recently used one.
        while bytes > MAX_CACHED_BYTES && !cached.is_empty() {
            bytes = bytes.saturating_sub(cached.remove(0).crl.der.len());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<CachedCrl>> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl ProfileReader for CachedCrls {
    async fn read(&self, reference: Reference) -> Result<Option<StoredObject>, StoreError> {
        self.reader.read(reference).await
    }

    async fn uuid_of(
        &self,
        kind: ObjectKind,
        name: &ProfileName,
    ) -> Result<Option<Uuid>, StoreError> {
        self.reader.uuid_of(kind, name).await
    }

    async fn crl_head(
        &self,
        authority: AuthorityUuid,
        generation: Generation,
    ) -> Result<Option<CrlHead>, StoreError> {
        self.reader.crl_head(authority, generation).await
    }

    async fn crl(
        &self,
        authority: AuthorityUuid,
        generation: Generation,
    ) -> Result<Option<StoredCrl>, StoreError> {
        match self.crl_head(authority, generation).await? {
            Some(head) => self.crl_of(authority, generation, &head).await,
            None => Ok(None),
        }
    }

    async fn crl_of(
        &self,
        authority: AuthorityUuid,
        generation: Generation,
        head: &CrlHead,
    ) -> Result<Option<StoredCrl>, StoreError> {
        if let Some(known) = self.lookup(authority, generation, head) {
            return Ok(Some(StoredCrl::clone(&known)));
        }
        let Some(stored) = self.reader.crl_of(authority, generation, head).await? else {
            return Ok(None);
        };
        let crl = Arc::new(stored);
        self.insert(authority, generation, Arc::clone(&crl));
        Ok(Some(StoredCrl::clone(&crl)))
    }
}

#[cfg(test)]
mod tests {
    use time::{Duration, OffsetDateTime};

    use super::*;

    /// An empty store.
    struct Nothing;

    #[async_trait]
    impl ProfileReader for Nothing {
        async fn read(&self, _: Reference) -> Result<Option<StoredObject>, StoreError> {
            Ok(None)
        }

        async fn uuid_of(
            &self,
            _: ObjectKind,
            _: &ProfileName,
        ) -> Result<Option<Uuid>, StoreError> {
            Ok(None)
        }

        async fn crl_head(
            &self,
            _: AuthorityUuid,
            _: Generation,
        ) -> Result<Option<CrlHead>, StoreError> {
            Ok(None)
        }

        async fn crl(
            &self,
            _: AuthorityUuid,
            _: Generation,
        ) -> Result<Option<StoredCrl>, StoreError> {
            Ok(None)
        }
    }

    fn crl(number: u64, bytes: usize) -> StoredCrl {
        let this_update = OffsetDateTime::UNIX_EPOCH + Duration::seconds(number.cast_signed());
        StoredCrl {
            der: vec![0; bytes],
            number,
            this_update,
            next_update: this_update,
        }
    }

    #[test]
    fn so_many_octets_are_kept_and_what_was_asked_for_last_longest() {
        let cache = CachedCrls::new(Arc::new(Nothing));
        let head = crl(1, 0).head();
        let insert = |number, bytes| {
            let generation = Generation::new(number).unwrap();
            cache.insert(AuthorityUuid::nil(), generation, Arc::new(crl(1, bytes)))
        };
        let is_known = |number| {
            let generation = Generation::new(number).unwrap();
            cache
                .lookup(AuthorityUuid::nil(), generation, &head)
                .is_some()
        };
        for generation in 1..=3 {
            insert(generation, MAX_CACHED_BYTES / 3);
        }
        assert!(is_known(2) && is_known(1));
        insert(4, MAX_CACHED_BYTES / 3);
        assert!(is_known(1) && is_known(2) && !is_known(3) && is_known(4));
        insert(5, MAX_CACHED_BYTES + 1);
        assert_eq!(cache.lock().len(), 0);
    }

    #[test]
    fn a_crl_is_known_by_its_head_until_a_later_one_is_there() {
        let cache = CachedCrls::new(Arc::new(Nothing));
        let known = |head| {
            cache
                .lookup(AuthorityUuid::nil(), Generation::FIRST, &head)
                .map(|crl| crl.number)
        };
        cache.insert(
            AuthorityUuid::nil(),
            Generation::FIRST,
            Arc::new(crl(2, 10)),
        );
        assert_eq!(known(crl(2, 0).head()), Some(2));
        // The head was read from a replica that lags.
        assert_eq!(known(crl(1, 0).head()), Some(2));
        assert_eq!(known(crl(3, 0).head()), None);
        // The tables were restored from a backup: the number is lower, the CRL is newer.
        cache.insert(
            AuthorityUuid::nil(),
            Generation::FIRST,
            Arc::new(crl(9, 10)),
        );
        let restored = CrlHead {
            number: 8,
            ..crl(10, 0).head()
        };
        assert_eq!(known(restored), None);
    }
}
