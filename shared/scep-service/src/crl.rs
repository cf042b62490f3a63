//! CRLs, RFC 5280 §5. A new one is published when a certificate is revoked, and before the last one
//! expires.

use std::collections::BTreeMap;

use ca_issuer::{CrlContents, assemble_crl, certificate_list, entries_of};
use scep_protocol::{
    Authority, HttpRejection, IssuingAuthority, ProfileName, RevocationReason, RevokedCertificate,
};
use time::Duration;
use uuid::Uuid;

use crate::{
    Administration, ClaimOutcome, CrlHead, Crls, ErrorChain, Failure, ObjectKind, Objects,
    StoreError, StoredCrl,
};

/// How far the index of revoked certificates may lag. Entries newer than this are carried over
/// from the previous CRL.
// Far longer than an index of DynamoDB usually lags. Carrying over an entry that the index lists
// as well costs nothing; dropping one would make a revoked certificate valid again.
const INDEX_LAG: Duration = Duration::hours(1);

/// The number of attempts to publish a CRL while other processes are faster.
const MAX_TRIES: u32 = 10;

/// The pause before the second attempt. It grows by this much with each further attempt.
// It grows so that many revocations at once do not sign the same CRL over and over.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(50);

/// A published CRL of which only the head was read.
pub struct PublishedCrl {
    authority: Uuid,
    generation: u32,
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
        objects: &dyn Objects,
        crls: &dyn Crls,
        authority: &ProfileName,
        generation: u32,
    ) -> Result<Self, Failure> {
        let authority = objects
            .uuid_of(ObjectKind::Authority, authority)
            .await?
            .ok_or(Failure::Rejected(HttpRejection::NoCrl))?;
        let head = crls
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
    pub async fn read(&self, crls: &dyn Crls) -> Result<StoredCrl, Failure> {
        crls.crl_of(self.authority, self.generation, &self.head)
            .await?
            .ok_or(Failure::Rejected(HttpRejection::NoCrl))
    }
}

impl Administration {
    /// Publishes a CRL for each generation with a valid certificate, if its CRL is missing, has
    /// passed half of its validity, or lacks a revoked certificate. A failure is logged and does
    /// not stop the other generations; the last one is returned.
    pub(crate) async fn refresh_crls(&self, authority: &Authority) -> Result<(), Failure> {
        let issuing_generations = authority
            .generations()
            .filter_map(|generation| authority.issuing_by(generation));
        let mut outcome = Ok(());
        for issuing in issuing_generations {
            // No certificate outlives its issuer, so no verifier needs this CRL any more.
            if !issuing.certificate.is_valid_at(self.clock.now()) {
                continue;
            }
            if let Err(error) = self.refresh_crl(&issuing).await {
                let (authority, generation) = (&issuing.name, issuing.generation);
                let cause = ErrorChain(&error);
                tracing::error!(%authority, generation, error = %cause, "could not publish a CRL");
                outcome = Err(error);
            }
        }
        outcome
    }

    async fn refresh_crl(&self, authority: &IssuingAuthority) -> Result<(), Failure> {
        let last = self.crls.crl(authority.uuid, authority.generation).await?;
        let now = self.clock.now();
        // At half of its validity, so that several runs of maintenance may fail before the CRL
        // expires and verifiers reject every certificate.
        let is_young = |crl: &StoredCrl| {
            let half = (crl.next_update - crl.this_update) / 2;
            now < crl.this_update + half
        };
        if let Some(last) = last.filter(is_young) {
            let entries = read_entries(&last);
            let indexed = self.indexed_entries(authority).await?;
            // A revocation whose publication failed is only in the index. It must not wait for the
            // CRL to grow old.
            if indexed.iter().all(|entry| is_listed(&entries, entry)) {
                return Ok(());
            }
        }
        self.publish_crl(authority, &[]).await
    }

    /// Lists the entries of a generation's next CRL that the index already shows.
    async fn indexed_entries(
        &self,
        authority: &IssuingAuthority,
    ) -> Result<Vec<RevokedCertificate>, StoreError> {
        // RFC 5280 §3.3: an entry stays until one CRL was issued after its certificate expired.
        let from = self.clock.now() - self.deployment.crl_validity;
        self.certificates
            .revoked(authority.uuid, authority.generation, from)
            .await
    }

    /// Signs and publishes the next CRL of a generation. It contains the entries in `added` even if
    /// the index does not show them yet. Nothing is published if another process has already
    /// published a CRL with all of them.
    pub(crate) async fn publish_crl(
        &self,
        authority: &IssuingAuthority,
        added: &[RevokedCertificate],
    ) -> Result<(), Failure> {
        for tries in 0..MAX_TRIES {
            tokio::time::sleep(PAUSE * tries).await;
            let last = self.crls.crl(authority.uuid, authority.generation).await?;
            let entries = last.as_ref().map(read_entries).unwrap_or_default();
            if !added.is_empty() && added.iter().all(|added| is_listed(&entries, added)) {
                return Ok(());
            }
            // RFC 5280 §5.2.3: numbers increase. The store replaces a CRL only by its successor, so
            // that two processes cannot each drop the other's entries.
            let number = last.map_or(0, |last| last.number).saturating_add(1);
            let newer = entries
                .into_iter()
                .filter(|entry| self.clock.now() - entry.revocation.at < INDEX_LAG)
                .chain(added.iter().copied());
            let crl = self.sign_crl(authority, number, newer).await?;
            let replaced = self
                .crls
                .replace_crl(authority.uuid, authority.generation, &crl)
                .await?;
            if replaced == ClaimOutcome::Won {
                let (authority, number) = (&authority.name, crl.number);
                tracing::info!(%authority, number, "published a CRL");
                return Ok(());
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Signs a CRL with the entries of the index and these newer ones.
    async fn sign_crl(
        &self,
        authority: &IssuingAuthority,
        number: u64,
        newer: impl Iterator<Item = RevokedCertificate>,
    ) -> Result<StoredCrl, Failure> {
        let mut entries = BTreeMap::new();
        for entry in self
            .indexed_entries(authority)
            .await?
            .into_iter()
            .chain(newer)
        {
            let known = entries.entry(entry.uuid).or_insert(entry);
            // Only a hold may change into another revocation, so of two entries for a certificate
            // the one that is not a hold is the later.
            if known.revocation.reason == RevocationReason::CertificateHold {
                *known = entry;
            }
        }
        let revoked: Vec<_> = entries.into_values().collect();
        let now = self.clock.now();
        let contents = CrlContents {
            number,
            this_update: now,
            next_update: now + self.deployment.crl_validity,
            revoked: &revoked,
        };
        let to_be_signed = certificate_list(authority, &contents).map_err(Failure::encode)?;
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

/// Reads the entries of a CRL.
// A corrupt CRL counts as empty. Failing here would keep it published for good, whereas the index
// holds what the next one needs.
fn read_entries(crl: &StoredCrl) -> Vec<RevokedCertificate> {
    entries_of(&crl.der).unwrap_or_else(|error| {
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
