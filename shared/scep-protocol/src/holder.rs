//! Who holds a good certificate of ours, and from when on it may be renewed.

use scep_cms::{Certificate, Validity};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::{Refusal, Revocation};

/// What the inventory knows of a certificate.
#[derive(Clone, Debug)]
pub struct KnownCertificate {
    /// Its identity.
    pub uuid: Uuid,
    /// The certificate.
    pub certificate: Certificate,
    /// The RA Profile whose rules made it.
    pub ra_profile: Uuid,
    /// That it is revoked, if it is.
    pub revocation: Option<Revocation>,
}

/// A signer whose certificate is one of ours and good: in the inventory, not revoked, not expired.
#[derive(Clone, Debug)]
pub struct Holder(KnownCertificate);

impl Holder {
    /// The holder of this certificate, if the inventory knows it and has nothing against it.
    ///
    /// # Errors
    /// [`Refusal::SignerNotOurs`], [`Refusal::SignerRevoked`] or [`Refusal::SignerExpired`].
    pub fn of(
        signer: &Certificate,
        known: Option<KnownCertificate>,
        now: OffsetDateTime,
    ) -> Result<Self, Refusal> {
        let known = known.filter(|known| known.certificate == *signer);
        let known = known.ok_or(Refusal::SignerNotOurs)?;
        if known.revocation.is_some() {
            return Err(Refusal::SignerRevoked);
        }
        if !known.certificate.is_valid_at(now) {
            return Err(Refusal::SignerExpired);
        }
        Ok(Self(known))
    }

    /// The certificate.
    #[must_use]
    pub fn certificate(self) -> KnownCertificate {
        self.0
    }
}

/// From when on a certificate may be renewed: so many days before its end; without a number, in the second half of its life.
pub(crate) fn renewable_from(validity: Validity, threshold_days: Option<u32>) -> OffsetDateTime {
    let Validity {
        not_before,
        not_after,
    } = validity;
    match threshold_days {
        None | Some(0) => not_before + (not_after - not_before) / 2,
        Some(days) => not_after
            .checked_sub(Duration::days(days.into()))
            .unwrap_or(not_before),
    }
}
