//! CRLs, RFC 5280 §5: made when a certificate is revoked and before the last one runs out; handed out to everyone.

use std::collections::BTreeMap;

use ca_issuer::{CrlContents, assemble_crl, certificate_list, entries_of};
use scep_protocol::{
    Authority, IssuingAuthority, ProfileName, Rejection, RevocationReason, RevokedCertificate,
};
use time::Duration;
use uuid::Uuid;

use crate::{
    Causes, ClaimOutcome, CrlHead, Crls, Failure, Managing, ObjectKind, Objects, StoreError,
    StoredCrl,
};

/// How long a list of revoked certificates may be behind: whatever a CRL says that is younger, its successor says too.
const INDEX_LAG: Duration = Duration::hours(1);

/// How often a CRL is made anew because another process was faster.
const MAX_TRIES: u32 = 10;

/// How much longer to wait before each of them.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(50);

/// A CRL that is there for everyone, of which only the head was read.
pub struct PublishedCrl {
    authority: Uuid,
    generation: u32,
    /// Its head.
    pub head: CrlHead,
}

impl PublishedCrl {
    /// The CRL of a generation of the authority of this name.
    ///
    /// # Errors
    /// [`Rejection::NoCrl`] when there is none; our own failures.
    pub async fn find(
        objects: &dyn Objects,
        crls: &dyn Crls,
        authority: &ProfileName,
        generation: u32,
    ) -> Result<Self, Failure> {
        let found = objects.uuid_of(ObjectKind::Authority, authority).await?;
        let authority = found.ok_or(Failure::Rejected(Rejection::NoCrl))?;
        let head = crls.crl_head(authority, generation).await?;
        Ok(Self {
            authority,
            generation,
            head: head.ok_or(Failure::Rejected(Rejection::NoCrl))?,
        })
    }

    /// All of it, or of a later one.
    ///
    /// # Errors
    /// [`Rejection::NoCrl`] when it is gone meanwhile; our own failures.
    pub async fn read(&self, crls: &dyn Crls) -> Result<StoredCrl, Failure> {
        let crl = crls.crl_of(self.authority, self.generation, &self.head);
        let crl = crl.await?;
        crl.ok_or(Failure::Rejected(Rejection::NoCrl))
    }
}

impl Managing {
    /// The CRL of each generation that has a certificate, if it is missing, has lived half of its life, or lacks a certificate that
    /// is revoked; none for a generation that has ended. What fails for one generation is logged, and keeps no other from its CRL.
    pub(crate) async fn keep_crls(&self, authority: &Authority) -> Result<(), Failure> {
        let generations = authority.generations();
        let mut kept = Ok(());
        for issuing in generations.filter_map(|generation| authority.issuing_by(generation)) {
            if !issuing.certificate.is_valid_at(self.clock.now()) {
                continue;
            }
            if let Err(error) = self.keep_crl(&issuing).await {
                let (authority, generation) = (&issuing.name, issuing.generation);
                let cause = Causes(&error);
                tracing::error!(%authority, generation, error = %cause, "a CRL was not made");
                kept = Err(error);
            }
        }
        kept
    }

    async fn keep_crl(&self, authority: &IssuingAuthority) -> Result<(), Failure> {
        let last = self.crls.crl(authority.uuid, authority.generation).await?;
        let now = self.clock.now();
        let is_young = |crl: &StoredCrl| {
            let half = (crl.next_update - crl.this_update) / 2;
            now < crl.this_update + half
        };
        if let Some(last) = last.filter(is_young) {
            let listed = listed(&last);
            let revoked = self.revoked(authority).await?;
            if revoked.iter().all(|entry| is_on(&listed, entry)) {
                return Ok(());
            }
        }
        self.make_crl(authority, &[]).await
    }

    /// What belongs on the CRL of a generation now, as far as the index has come.
    async fn revoked(
        &self,
        authority: &IssuingAuthority,
    ) -> Result<Vec<RevokedCertificate>, StoreError> {
        // RFC 5280 §3.3: an entry is on one more CRL after its certificate has ended.
        let from = self.clock.now() - self.deployment.crl_validity;
        let revoked = self
            .certificates
            .revoked(authority.uuid, authority.generation, from);
        revoked.await
    }

    /// Makes and publishes the next CRL of a generation; what is `added` is on it, whatever the index says yet. None, where
    /// another process has published one with all of it on.
    pub(crate) async fn make_crl(
        &self,
        authority: &IssuingAuthority,
        added: &[RevokedCertificate],
    ) -> Result<(), Failure> {
        for tries in 0..MAX_TRIES {
            tokio::time::sleep(PAUSE * tries).await;
            let last = self.crls.crl(authority.uuid, authority.generation).await?;
            let entries = last.as_ref().map(listed).unwrap_or_default();
            if !added.is_empty() && added.iter().all(|added| is_on(&entries, added)) {
                return Ok(());
            }
            let number = last.map_or(0, |last| last.number).saturating_add(1);
            let recent = entries.into_iter();
            let recent = recent.filter(|entry| self.clock.now() - entry.revocation.at < INDEX_LAG);
            let crl = self
                .next_crl(authority, number, recent.chain(added.iter().copied()))
                .await?;
            let replaced = self
                .crls
                .replace_crl(authority.uuid, authority.generation, &crl);
            if replaced.await? == ClaimOutcome::Won {
                let (authority, number) = (&authority.name, crl.number);
                tracing::info!(%authority, number, "made a CRL");
                return Ok(());
            }
        }
        Err(StoreError::Conflict.into())
    }

    async fn next_crl(
        &self,
        authority: &IssuingAuthority,
        number: u64,
        younger: impl Iterator<Item = RevokedCertificate>,
    ) -> Result<StoredCrl, Failure> {
        let mut revoked = BTreeMap::new();
        for entry in self.revoked(authority).await?.into_iter().chain(younger) {
            let known = revoked.entry(entry.uuid).or_insert(entry);
            // A hold becomes another revocation, of the same time; no other changes.
            if known.revocation.reason == RevocationReason::CertificateHold {
                *known = entry;
            }
        }
        let revoked: Vec<_> = revoked.into_values().collect();
        let now = self.clock.now();
        let contents = CrlContents {
            number,
            this_update: now,
            next_update: now + self.deployment.crl_validity,
            revoked: &revoked,
        };
        let to_be_signed = certificate_list(authority, &contents).map_err(Failure::encode)?;
        let signing = self
            .ca_keys
            .sign(&authority.key, authority.key_algorithm, &to_be_signed);
        let signature = signing.await?;
        Ok(StoredCrl {
            der: assemble_crl(&to_be_signed, authority, &signature).map_err(Failure::encode)?,
            number: contents.number,
            this_update: contents.this_update,
            next_update: contents.next_update,
        })
    }
}

/// The entries of a CRL. One that cannot be read stands in the way of no other: it is replaced.
fn listed(crl: &StoredCrl) -> Vec<RevokedCertificate> {
    entries_of(&crl.der).unwrap_or_else(|error| {
        let (number, error) = (crl.number, Causes(&error));
        tracing::error!(number, %error, "a CRL of ours cannot be read");
        Vec::new()
    })
}

/// Does a CRL with these entries, which are sorted, say so of this certificate?
fn is_on(listed: &[RevokedCertificate], entry: &RevokedCertificate) -> bool {
    let place = listed.binary_search_by_key(&entry.uuid, |listed| listed.uuid);
    let found = place.ok().and_then(|place| listed.get(place));
    found.is_some_and(|listed| listed.revocation.reason == entry.revocation.reason)
}
