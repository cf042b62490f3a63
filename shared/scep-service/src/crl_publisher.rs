//! CRLs, RFC 5280 §5. A new one is published when a certificate is revoked, and before the last one
//! expires.

use std::collections::BTreeMap;

use ca::authority::{Authority, IssuingAuthority};
use ca::crl::{CrlContents, assemble_crl, build_crl_tbs, read_crl_entries};
use ca::generation::Generation;
use ca::id::AuthorityUuid;
use ca::profile_name::ProfileName;
use ca::revocation::{RevocationReason, RevokedCertificate};
use newtype_uuid::GenericUuid;
use scep_protocol::refusal::HttpRejection;
use time::{Duration, OffsetDateTime};

use crate::admin::Administration;
use crate::error::{Failure, StoreError};
use crate::error_chain::ErrorChain;
use crate::object::ObjectKind;
use crate::ports::{CaKeys, Clock, CrlHead, ProfileReader, Store, StoredCrl, WriteOutcome};

/// How far the index of revoked certificates may lag. Entries newer than this are carried over
/// from the previous CRL.
// This is far longer than an index of DynamoDB usually lags. Carrying over an entry that the index
// lists as well costs nothing; dropping one would make a revoked certificate valid again.
const INDEX_LAG: Duration = Duration::hours(1);

/// The number of attempts to publish a CRL while other processes are faster.
const MAX_TRIES: u32 = 10;

/// The pause before the second attempt. It grows by this much with each further attempt.
// It grows so that many revocations at once do not sign the same CRL over and over.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(50);

/// A published CRL of which only the head was read.
pub struct PublishedCrl {
    authority: AuthorityUuid,
    generation: Generation,
    /// The head of the CRL.
    pub head: CrlHead,
}

impl PublishedCrl {
    /// Finds the CRL of a generation of the authority with this name.
    ///
    /// # Errors
    /// Returns [`HttpRejection::NoCrl`] when no such CRL exists, and other variants for failures of
    /// the server.
    pub async fn find(
        reader: &dyn ProfileReader,
        authority: &ProfileName,
        generation: Generation,
    ) -> Result<Self, Failure> {
        let authority = reader
            .uuid_of(ObjectKind::Authority, authority)
            .await?
            .map(AuthorityUuid::from_untyped_uuid)
            .ok_or(Failure::Rejected(HttpRejection::NoCrl))?;
        let head = reader
            .crl_head(authority, generation)
            .await?
            .ok_or(Failure::Rejected(HttpRejection::NoCrl))?;
        Ok(Self {
            authority,
            generation,
            head,
        })
    }

    /// Reads the contents of the CRL, or of a later one.
    ///
    /// # Errors
    /// Returns [`HttpRejection::NoCrl`] when the CRL was deleted in the meantime, and other
    /// variants for failures of the server.
    pub async fn read(&self, reader: &dyn ProfileReader) -> Result<StoredCrl, Failure> {
        reader
            .crl_of(self.authority, self.generation, &self.head)
            .await?
            .ok_or(Failure::Rejected(HttpRejection::NoCrl))
    }
}

impl Administration {
    /// Returns the publisher of this deployment's CRLs.
    pub(crate) fn crl_publisher(&self) -> CrlPublisher<'_> {
        CrlPublisher {
            ca_keys: &*self.ca_keys,
            store: &*self.store,
            clock: &*self.clock,
            validity: self.deployment.crl_validity,
        }
    }
}

/// Signs and publishes the CRLs of authorities.
pub(crate) struct CrlPublisher<'a> {
    ca_keys: &'a dyn CaKeys,
    store: &'a dyn Store,
    clock: &'a dyn Clock,
    /// How long a CRL is valid: `nextUpdate` minus `thisUpdate`.
    validity: std::time::Duration,
}

impl CrlPublisher<'_> {
    /// Publishes a CRL for each generation with a valid certificate, if its CRL is missing, has
    /// passed half of its validity, or lacks a revoked certificate. A failure is logged and does
    /// not stop the other generations. Returns every failure.
    pub(crate) async fn refresh_all(&self, authority: &Authority) -> Vec<Failure> {
        let issuing_generations = authority
            .generations()
            .filter_map(|generation| authority.issuing_authority_of(generation));
        let mut failures = Vec::new();
        for issuing in issuing_generations {
            // No certificate outlives its issuer, so no verifier needs this CRL any more.
            if !issuing.certificate.is_valid_at(self.clock.now()) {
                continue;
            }
            if let Err(error) = self.refresh(&issuing).await {
                let (authority, generation) = (&issuing.name, issuing.generation.get());
                let cause = ErrorChain(&error);
                tracing::error!(%authority, generation, error = %cause, "could not publish a CRL");
                failures.push(error);
            }
        }
        failures
    }

    /// Publishes a CRL of a generation, if its CRL is missing, has passed half of its validity, or
    /// lacks a revoked certificate.
    async fn refresh(&self, authority: &IssuingAuthority) -> Result<(), Failure> {
        let last = self.store.crl(authority.uuid, authority.generation).await?;
        let now = self.clock.now();
        if let Some(last) = last.filter(|crl| is_young(crl, now)) {
            let entries = read_entries(&last);
            let indexed = self.indexed_entries(authority).await?;
            // A revocation whose publication failed is only in the index. It must not wait for the
            // CRL to grow old.
            if indexed.iter().all(|entry| is_listed(&entries, entry)) {
                return Ok(());
            }
        }
        self.publish(authority, &[]).await
    }

    /// Lists the entries of a generation's next CRL that the index already shows.
    async fn indexed_entries(
        &self,
        authority: &IssuingAuthority,
    ) -> Result<Vec<RevokedCertificate>, StoreError> {
        // RFC 5280 §3.3: an entry stays until one CRL was issued after its certificate expired.
        let from = self.clock.now() - self.validity;
        self.store
            .revoked(authority.uuid, authority.generation, from)
            .await
    }

    /// Signs and publishes the next CRL of a generation. It contains the entries in `added` even if
    /// the index does not show them yet. Nothing is published if another process has already
    /// published a CRL with all of them.
    ///
    /// # Errors
    /// Returns [`StoreError::Conflict`] when other processes were faster each time, and other
    /// variants for failures of the store and of the key.
    pub(crate) async fn publish(
        &self,
        authority: &IssuingAuthority,
        added: &[RevokedCertificate],
    ) -> Result<(), Failure> {
        for tries in 0..MAX_TRIES {
            self.clock.sleep(PAUSE * tries).await;
            let last = self.store.crl(authority.uuid, authority.generation).await?;
            let entries = last.as_ref().map(read_entries).unwrap_or_default();
            if !added.is_empty() && added.iter().all(|added| is_listed(&entries, added)) {
                return Ok(());
            }
            // The store replaces only the CRL that was read, so that two processes cannot each drop
            // the other's entries.
            let replaced = last.map(|last| last.number);
            let number = next_number(replaced, self.clock.now());
            let mut listed = self.indexed_entries(authority).await?;
            listed.extend(recent_entries(entries, self.clock.now()));
            listed.extend_from_slice(added);
            let crl = self.sign(authority, number, &merge_entries(listed)).await?;
            let outcome = self
                .store
                .replace_crl(authority.uuid, authority.generation, &crl, replaced)
                .await?;
            if outcome == WriteOutcome::Won {
                let (authority, number) = (&authority.name, crl.number);
                tracing::info!(%authority, number, "published a CRL");
                return Ok(());
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Signs a CRL with these entries, which are sorted by uuid.
    async fn sign(
        &self,
        authority: &IssuingAuthority,
        number: u64,
        revoked: &[RevokedCertificate],
    ) -> Result<StoredCrl, Failure> {
        let now = self.clock.now();
        let contents = CrlContents {
            number,
            this_update: now,
            next_update: now + self.validity,
            revoked,
        };
        let to_be_signed = build_crl_tbs(authority, &contents).map_err(Failure::encode)?;
        let signature = self
            .ca_keys
            .sign(&authority.key, authority.key_algorithm, &to_be_signed)
            .await?;
        Ok(StoredCrl {
            der: assemble_crl(&to_be_signed, authority, &signature).map_err(Failure::encode)?,
            number: contents.number,
            this_update: contents.this_update,
            next_update: contents.next_update,
        })
    }
}

/// Returns the number of the CRL that follows the one with this number: the seconds since 1970,
/// unless that number was as large.
// RFC 5280 §5.2.3: numbers increase, and verifiers may keep the CRL with the larger one. A number
// that only counted would go backwards when the store is restored from a backup.
fn next_number(last: Option<u64>, now: OffsetDateTime) -> u64 {
    let seconds = u64::try_from(now.unix_timestamp()).unwrap_or_default();
    last.map_or(1, |last| last.saturating_add(1)).max(seconds)
}

/// Returns whether a CRL is in the first half of its validity.
// A CRL is renewed at half of its validity, so that several runs of maintenance may fail before the
// CRL expires and verifiers reject every certificate.
fn is_young(crl: &StoredCrl, now: OffsetDateTime) -> bool {
    now < crl.this_update + (crl.next_update - crl.this_update) / 2
}

/// Returns those entries of a CRL that the index may not show yet.
fn recent_entries(
    entries: Vec<RevokedCertificate>,
    now: OffsetDateTime,
) -> impl Iterator<Item = RevokedCertificate> {
    entries
        .into_iter()
        .filter(move |entry| now - entry.revocation.at < INDEX_LAG)
}

/// Merges entries, of which several may be for the same certificate, and sorts them by uuid.
fn merge_entries(entries: Vec<RevokedCertificate>) -> Vec<RevokedCertificate> {
    let mut merged = BTreeMap::new();
    for entry in entries {
        let known = merged.entry(entry.uuid).or_insert(entry);
        // Only a hold may change into another revocation, so of two entries for a certificate the
        // one that is not a hold is the later.
        if known.revocation.reason == RevocationReason::CertificateHold {
            *known = entry;
        }
    }
    merged.into_values().collect()
}

/// Reads the entries of a CRL.
// A corrupt CRL counts as empty. Failing here would keep it published forever, whereas the index
// holds what the next one needs.
fn read_entries(crl: &StoredCrl) -> Vec<RevokedCertificate> {
    read_crl_entries(&crl.der).unwrap_or_else(|error| {
        let (number, error) = (crl.number, ErrorChain(&error));
        tracing::error!(number, %error, "stored CRL is corrupt; rebuilding it");
        Vec::new()
    })
}

/// Returns whether these entries, which are sorted by uuid, contain this certificate with the same
/// reason.
fn is_listed(listed: &[RevokedCertificate], entry: &RevokedCertificate) -> bool {
    listed
        .binary_search_by_key(&entry.uuid, |listed| listed.uuid)
        .ok()
        .and_then(|place| listed.get(place))
        .is_some_and(|listed| listed.revocation.reason == entry.revocation.reason)
}

#[cfg(test)]
mod tests {
    use ca::id::CertificateUuid;
    use ca::revocation::Revocation;

    use super::*;

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn entry(uuid: u128, reason: RevocationReason, age: Duration) -> RevokedCertificate {
        RevokedCertificate {
            uuid: CertificateUuid::from_u128(uuid),
            revocation: Revocation {
                at: NOW - age,
                reason,
            },
        }
    }

    #[test]
    fn crl_is_renewed_at_half_of_its_validity() {
        let crl = StoredCrl {
            der: Vec::new(),
            number: 1,
            this_update: NOW,
            next_update: NOW + Duration::hours(48),
        };
        assert!(is_young(&crl, NOW + Duration::hours(24) - Duration::SECOND));
        assert!(!is_young(&crl, NOW + Duration::hours(24)));
    }

    #[test]
    fn a_number_never_goes_backwards_even_after_a_restore() {
        let now = NOW + Duration::seconds(1_800_000_000);
        assert_eq!(next_number(None, now), 1_800_000_000);
        // A store of before a restore counted, or was restored to an earlier time.
        assert_eq!(next_number(Some(41), now), 1_800_000_000);
        assert_eq!(next_number(Some(1_799_999_000), now), 1_800_000_000);
        // Two CRLs of one second, and a clock that was put back.
        assert_eq!(next_number(Some(1_800_000_000), now), 1_800_000_001);
        assert_eq!(next_number(Some(7), NOW - Duration::DAY), 8);
        assert_eq!(next_number(None, NOW), 1);
    }

    #[test]
    fn entries_are_carried_over_until_the_index_shows_them() {
        let recent = entry(
            1,
            RevocationReason::KeyCompromise,
            INDEX_LAG - Duration::SECOND,
        );
        let indexed = entry(2, RevocationReason::KeyCompromise, INDEX_LAG);
        let carried: Vec<_> = recent_entries(vec![recent, indexed], NOW).collect();
        assert_eq!(carried, [recent]);
    }

    #[test]
    fn certificate_has_one_entry_and_a_hold_gives_way_to_a_final_revocation() {
        let hold = entry(2, RevocationReason::CertificateHold, Duration::HOUR);
        let end = entry(2, RevocationReason::KeyCompromise, Duration::HOUR);
        let other = entry(1, RevocationReason::Superseded, Duration::ZERO);
        assert_eq!(merge_entries(vec![hold, end, other]), [other, end]);
        assert_eq!(merge_entries(vec![end, hold, other]), [other, end]);
        assert_eq!(merge_entries(vec![hold, hold]), [hold]);
    }

    #[test]
    fn hold_is_not_listed_as_the_final_revocation_that_follows_it() {
        let hold = entry(1, RevocationReason::CertificateHold, Duration::HOUR);
        let end = entry(1, RevocationReason::KeyCompromise, Duration::HOUR);
        assert!(is_listed(&[hold], &hold));
        assert!(!is_listed(&[hold], &end));
        assert!(!is_listed(&[], &end));
    }
}
