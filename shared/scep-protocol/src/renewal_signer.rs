//! The signer of a message, and the time from which a certificate may be renewed.

use ca::id::CertificateUuid;
use scep_cms::certificate::{Certificate, Validity};
use scep_cms::message_type::MessageType;
use scep_cms::pki_message::CertifiableKeys;
use time::{Duration, OffsetDateTime};

use crate::id::RaProfileUuid;
use crate::refusal::Refusal;
use crate::vouching::Vouching;

/// A certificate as the inventory records it.
#[derive(Clone, Debug)]
pub struct KnownCertificate {
    /// The certificate's identity.
    pub uuid: CertificateUuid,
    /// The certificate.
    pub certificate: Certificate,
    /// The RA Profile whose template it follows.
    pub ra_profile: RaProfileUuid,
    /// What vouched for it.
    pub vouching: Option<Vouching>,
    /// Whether this certificate, or another one with the same key, is revoked.
    pub revoked: bool,
}

/// The signer of a message, according to the inventory. Determined before any envelope is
/// decrypted.
#[derive(Clone, Debug)]
pub enum Signer {
    /// The holder of a certificate of this authority that is valid and not revoked.
    Holder(Box<KnownCertificate>),
    /// The holder of a certificate of this authority that is not valid now: it has expired.
    Former,
    /// Any other client. Its certificate proves possession of a key and no identity.
    Unknown,
}

impl Signer {
    /// Determines the signer from the certificate of a message. `known` is the inventory's record
    /// for that certificate's serial number.
    ///
    /// # Errors
    /// [`Refusal::SignerRevoked`] if the certificate is revoked.
    pub fn of(
        signer: &Certificate,
        known: Option<KnownCertificate>,
        now: OffsetDateTime,
    ) -> Result<Self, Refusal> {
        // Anyone can put the authority's name and a known serial number into a certificate of their
        // own, so the whole certificate is compared.
        let Some(known) = known.filter(|known| known.certificate == *signer) else {
            return Ok(Self::Unknown);
        };
        // Revocation is checked before expiry: the holder of an expired certificate may still enrol
        // by a challengePassword, and that of a revoked one may not.
        if known.revoked {
            return Err(Refusal::SignerRevoked);
        }
        if !known.certificate.is_valid_at(now) {
            return Ok(Self::Former);
        }
        Ok(Self::Holder(Box::new(known)))
    }

    /// Checks that this signer may send a message of this type. A client without a valid
    /// certificate of this authority may only enrol.
    pub(crate) fn may_send(&self, message_type: MessageType) -> Result<(), Refusal> {
        match (message_type, self) {
            (MessageType::PkcsReq, _) | (_, Self::Holder(_)) => Ok(()),
            (_, Self::Former) => Err(Refusal::SignerExpired),
            (_, Self::Unknown) => Err(Refusal::SignerUnknown),
        }
    }

    /// The keys that this signer may have certified. `allow_proxy_signer` is the profile's setting.
    pub(crate) const fn certifiable_keys(&self, allow_proxy_signer: bool) -> CertifiableKeys {
        match self {
            // A renewal may be for a new key, signed with the old one.
            Self::Holder(_) | Self::Former => CertifiableKeys::Any,
            Self::Unknown if allow_proxy_signer => CertifiableKeys::Any,
            // Otherwise an attacker could re-sign a captured envelope with a key of their own.
            Self::Unknown => CertifiableKeys::SignersOwn,
        }
    }
}

/// The time from which a certificate may be renewed: `threshold_days` before it expires, or halfway
/// through its validity if that is `None` or 0.
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

/// The shortest time for which a repeated request gets the certificate that it was issued, unless
/// that expires earlier.
pub const RESEND_WINDOW: std::time::Duration = std::time::Duration::from_secs(24 * 60 * 60);

/// The time until which a repeated request gets the certificate that it was issued: until that may
/// be renewed, but at least until `earliest`, and never beyond its expiry.
#[must_use]
pub fn resend_until(
    validity: Validity,
    threshold_days: Option<u32>,
    earliest: OffsetDateTime,
) -> OffsetDateTime {
    renewable_from(validity, threshold_days)
        .max(earliest)
        .min(validity.not_after)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOT_BEFORE: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn certificate(name: &str) -> Certificate {
        let pem = match name {
            "ca" => include_str!("../../../tests/vectors/ca.pem"),
            _ => include_str!("../../../tests/vectors/ra.pem"),
        };
        Certificate::from_pem(pem).unwrap()
    }

    fn known(name: &str, revoked: bool) -> KnownCertificate {
        KnownCertificate {
            uuid: CertificateUuid::nil(),
            certificate: certificate(name),
            ra_profile: RaProfileUuid::nil(),
            vouching: None,
            revoked,
        }
    }

    /// The kind of signer, as a word, of a message signed with the certificate `ca` a day after it
    /// expired or a day after its notBefore.
    fn signer(known: Option<KnownCertificate>, expired: bool) -> Result<&'static str, Refusal> {
        let signer = certificate("ca");
        let validity = signer.validity().unwrap();
        let from = if expired {
            validity.not_after
        } else {
            validity.not_before
        };
        Ok(match Signer::of(&signer, known, from + Duration::DAY)? {
            Signer::Holder(_) => "holder",
            Signer::Former => "former",
            Signer::Unknown => "unknown",
        })
    }

    #[test]
    fn the_signer_is_known_only_by_that_very_certificate() {
        assert_eq!(signer(None, false), Ok("unknown"));
        assert_eq!(signer(Some(known("ra", false)), false), Ok("unknown"));
        assert_eq!(signer(Some(known("ra", true)), false), Ok("unknown"));
        assert_eq!(signer(Some(known("ca", false)), false), Ok("holder"));
        assert_eq!(signer(Some(known("ca", false)), true), Ok("former"));
        for expired in [false, true] {
            let refused = signer(Some(known("ca", true)), expired);
            assert_eq!(refused, Err(Refusal::SignerRevoked));
        }
    }

    #[test]
    fn a_client_without_a_certificate_may_only_enrol() {
        let holder = || Signer::Holder(Box::new(known("ca", false)));
        let any = CertifiableKeys::Any;
        for proxies in [false, true] {
            assert_eq!(holder().certifiable_keys(proxies), any);
            assert_eq!(Signer::Former.certifiable_keys(proxies), any);
        }
        assert_eq!(Signer::Unknown.certifiable_keys(true), any);
        let own = CertifiableKeys::SignersOwn;
        assert_eq!(Signer::Unknown.certifiable_keys(false), own);
        for of_holders in [
            MessageType::RenewalReq,
            MessageType::GetCert,
            MessageType::GetCrl,
        ] {
            assert_eq!(holder().may_send(of_holders), Ok(()));
            let expired = Err(Refusal::SignerExpired);
            assert_eq!(Signer::Former.may_send(of_holders), expired);
            let not_ours = Err(Refusal::SignerUnknown);
            assert_eq!(Signer::Unknown.may_send(of_holders), not_ours);
        }
        for signer in [holder(), Signer::Former, Signer::Unknown] {
            assert_eq!(signer.may_send(MessageType::PkcsReq), Ok(()));
        }
    }

    #[track_caller]
    fn check(life_days: i64, threshold_days: Option<u32>, expected_day: i64) {
        let validity = Validity {
            not_before: NOT_BEFORE,
            not_after: NOT_BEFORE + Duration::days(life_days),
        };
        let from = renewable_from(validity, threshold_days);
        assert_eq!((from - NOT_BEFORE).whole_days(), expected_day);
    }

    #[test]
    fn a_certificate_may_be_renewed_in_its_second_half_or_so_many_days_before_its_end() {
        check(100, None, 50);
        check(100, Some(0), 50);
        check(100, Some(30), 70);
        check(100, Some(1), 99);
        // A threshold longer than the validity allows renewal at any time.
        check(100, Some(400), -300);
    }

    /// Checks the resend window of a certificate that is issued at its notBefore.
    #[track_caller]
    fn check_resend(life_days: i64, threshold_days: Option<u32>, expected_hours: i64) {
        let validity = Validity {
            not_before: NOT_BEFORE,
            not_after: NOT_BEFORE + Duration::days(life_days),
        };
        let until = resend_until(validity, threshold_days, NOT_BEFORE + RESEND_WINDOW);
        assert_eq!((until - NOT_BEFORE).whole_hours(), expected_hours);
    }

    #[test]
    fn a_certificate_is_resent_until_renewal_for_at_least_a_day_and_never_after_expiry() {
        check_resend(100, None, 50 * 24);
        check_resend(100, Some(30), 70 * 24);
        check_resend(1, None, 24);
        check_resend(2, Some(2), 24);
        check_resend(0, None, 0);
    }
}
