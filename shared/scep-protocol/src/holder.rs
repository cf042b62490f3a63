//! Who signed a message, and from when on a certificate may be renewed.

use scep_cms::{CertifiableKeys, Certificate, MessageType, Validity};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::Refusal;

/// What the inventory knows of a certificate.
#[derive(Clone, Debug)]
pub struct KnownCertificate {
    /// Its identity.
    pub uuid: Uuid,
    /// The certificate.
    pub certificate: Certificate,
    /// The RA Profile whose rules made it.
    pub ra_profile: Uuid,
    /// Whether it is revoked, or another certificate of its key is.
    pub revoked: bool,
}

/// Who signed a message, as far as the inventory tells. Settled before anything is opened.
#[derive(Clone, Debug)]
pub enum Signer {
    /// The holder of a certificate of this authority that is valid and not revoked.
    Holder(Box<KnownCertificate>),
    /// The holder of a certificate of this authority that is not valid now: it expired.
    Former,
    /// Anyone else: whose certificate it is, nobody knows.
    Unknown,
}

impl Signer {
    /// Who signed with this certificate. `known` is what the inventory has under its serial number.
    ///
    /// # Errors
    /// [`Refusal::SignerRevoked`]: a revoked certificate signs nothing.
    pub fn of(
        signer: &Certificate,
        known: Option<KnownCertificate>,
        now: OffsetDateTime,
    ) -> Result<Self, Refusal> {
        let Some(known) = known.filter(|known| known.certificate == *signer) else {
            return Ok(Self::Unknown);
        };
        if known.revoked {
            return Err(Refusal::SignerRevoked);
        }
        if !known.certificate.is_valid_at(now) {
            return Ok(Self::Former);
        }
        Ok(Self::Holder(Box::new(known)))
    }

    /// May this signer send such a message? Whoever holds no certificate of ours may only enrol.
    pub(crate) fn may_send(&self, message_type: MessageType) -> Result<(), Refusal> {
        match (message_type, self) {
            (MessageType::PkcsReq, _) | (_, Self::Holder(_)) => Ok(()),
            (_, Self::Former) => Err(Refusal::SignerExpired),
            (_, Self::Unknown) => Err(Refusal::SignerNotOurs),
        }
    }

    /// Whose keys this signer may have certified.
    pub(crate) const fn certifiable_keys(&self) -> CertifiableKeys {
        match self {
            Self::Holder(_) | Self::Former => CertifiableKeys::Any,
            Self::Unknown => CertifiableKeys::SignersOwn,
        }
    }
}

/// From when on a certificate may be renewed: so many days before its end; without a number, in the second half of its life.
#[must_use]
pub fn renewable_from(validity: Validity, threshold_days: Option<u32>) -> OffsetDateTime {
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
