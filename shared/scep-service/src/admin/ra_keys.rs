//! The keys of RA certificates: one for each generation of an authority that serves or is about to,
//! renewed before it expires.

use ca::authority::{Authority, IssuingAuthority};
use ca::generation::Generation;
use ca::key_algorithm::KeyAlgorithm;
use ca::serial_number::SerialNumber;
use ca::server_certificate::{CaSubject, RaContents, extended_key_usage_of};
use ca::stored_octets::StoredOctets;
use ca::template::{ExtendedKeyUsage, Period};
use newtype_uuid::GenericUuid;
use scep_protocol::id::{RaCertificateUuid, RaKeyUuid};
use scep_protocol::ra_certificate::{NextCaAnnouncement, RaCertificate, RaKeyPair};
use time::{Duration, OffsetDateTime};

use crate::admin::Administration;
use crate::admin::invalid::AdminError;
use crate::audit::AuditAction;
use crate::enrol::next_ca::build_announcement;
use crate::error::Failure;
use crate::object::{Object, Reference, Versioned, read};

/// The parameters of a new key of an RA certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NewRaKey {
    pub(super) algorithm: KeyAlgorithm,
    pub(super) subject: CaSubject,
    pub(super) extended_key_usage: Vec<ExtendedKeyUsage>,
    pub(super) validity: Period,
}

/// The outcome of bringing an RA certificate up to date.
pub(super) struct Rotation {
    /// The RA certificate as it is stored now; `None` if it does not exist or could not be stored.
    pub(super) ra_certificate: Option<Versioned<RaCertificate>>,
    /// Everything that failed.
    pub(super) failures: Vec<AdminError>,
}

impl Rotation {
    fn new(
        stored: Result<Option<Versioned<RaCertificate>>, AdminError>,
        mut failures: Vec<AdminError>,
    ) -> Self {
        let ra_certificate = stored.unwrap_or_else(|error| {
            failures.push(error);
            None
        });
        Self {
            ra_certificate,
            failures,
        }
    }
}

impl Administration {
    /// Generates a key for an RA certificate and has a generation of the authority certify it.
    pub(super) async fn create_ra_key(
        &self,
        uuid: RaKeyUuid,
        new_key: &NewRaKey,
        authority: &IssuingAuthority,
    ) -> Result<RaKeyPair, Failure> {
        let key = self.ra_keys.generate(uuid, new_key.algorithm).await?;
        let crl_url = self.deployment.crl_url(authority);
        let contents = RaContents {
            subject: &new_key.subject,
            extended_key_usage: &new_key.extended_key_usage,
            crl_url: crl_url.as_deref(),
            validity: new_key.validity,
        };
        let to_be_signed = ca::server_certificate::ra_certificate(
            authority,
            &contents,
            &key.subject_public_key_info,
            SerialNumber::from_random(self.random.octets()?),
            self.clock.now(),
        )
        .map_err(Failure::encode)?;
        // The record names the key, which of the first key is the RA certificate as well.
        let object = Reference {
            kind: RaCertificate::KIND,
            uuid: uuid.into_untyped_uuid(),
        };
        let certificate = self
            .sign(
                object,
                &authority.key,
                authority.key_algorithm,
                &to_be_signed,
            )
            .await?;
        Ok(RaKeyPair {
            uuid,
            generation: authority.generation,
            key_algorithm: new_key.algorithm,
            key: key.location,
            certificate,
        })
    }

    /// Brings an RA certificate up to date: issues or rotates its keys for the current and the next
    /// generation, refreshes the rollover announcement, and drops expired keys. Whatever succeeds
    /// is stored.
    pub(super) async fn rotate_ra_keys(
        &self,
        uuid: RaCertificateUuid,
        authority: &Authority,
    ) -> Rotation {
        let found = read::<RaCertificate>(&*self.store, uuid)
            .await
            .map_err(AdminError::from);
        let Ok(Some(before)) = found else {
            return Rotation::new(found, Vec::new());
        };
        let (after, failures) = self.rotate(before.object.clone(), authority).await;
        let stored = self.replace(before, after, AuditAction::Rotate).await;
        Rotation::new(stored.map(Some), failures)
    }

    /// Returns the RA certificate as it should be now, and what could not be brought up to date.
    async fn rotate(
        &self,
        mut ra_certificate: RaCertificate,
        authority: &Authority,
    ) -> (RaCertificate, Vec<AdminError>) {
        let now = self.clock.now();
        let current = authority.issuing_authority();
        let next = authority
            .next
            .as_ref()
            .and_then(|generation| authority.issuing_authority_of(generation));
        let mut failures = Vec::new();
        // A generation whose key is lost can sign nothing, which must not stop the other one.
        for issuing in current.iter().chain(&next) {
            match self.create_missing_key(&ra_certificate, issuing, now).await {
                Ok(key) => ra_certificate.keys.extend(key),
                Err(error) => failures.push(error.into()),
            }
        }
        let generations: Vec<_> = current
            .iter()
            .chain(&next)
            .map(|issuing| issuing.generation)
            .collect();
        ra_certificate.keys = prune(&ra_certificate, &generations, now);
        let announcement = match (&current, &next) {
            (Some(current), Some(next)) => {
                self.refresh_announcement(&ra_certificate, current, next)
                    .await
            }
            (_, None) | (None, _) => Ok(None),
        };
        ra_certificate.announcement = announcement.unwrap_or_else(|error| {
            failures.push(error.into());
            None
        });
        (ra_certificate, failures)
    }

    /// Creates the key for a generation that an RA certificate lacks, if it lacks one.
    async fn create_missing_key(
        &self,
        ra_certificate: &RaCertificate,
        authority: &IssuingAuthority,
        now: OffsetDateTime,
    ) -> Result<Option<RaKeyPair>, Failure> {
        let Some(new_key) = missing_key(ra_certificate, authority, now)? else {
            return Ok(None);
        };
        let key = self
            .create_ra_key(self.random.uuid()?, &new_key, authority)
            .await?;
        Ok(Some(key))
    }

    /// Returns the announcement of the next generation, and signs a new one only if the
    /// certificates have changed.
    async fn refresh_announcement(
        &self,
        ra_certificate: &RaCertificate,
        current: &IssuingAuthority,
        next: &IssuingAuthority,
    ) -> Result<Option<NextCaAnnouncement>, Failure> {
        // The announcement contains the RA certificate of the next generation.
        let Some(key) = ra_certificate.key_of(next.generation) else {
            return Ok(None);
        };
        let mut certificates = vec![next.certificate.clone()];
        certificates.extend(next.chain.clone());
        certificates.push(key.certificate.clone());
        if let Some(known) = &ra_certificate.announcement
            && known.generation == next.generation
            && known.certificates == certificates
        {
            return Ok(Some(known.clone()));
        }
        let message = build_announcement(current, &certificates)?;
        let signature = self
            .ca_keys
            .sign(&current.key, current.key_algorithm, message.bytes())
            .await?;
        Ok(Some(NextCaAnnouncement {
            generation: next.generation,
            certificates,
            signature: StoredOctets::new(signature),
        }))
    }
}

/// How long before its expiry an RA certificate gets a new key. One that is valid for less than
/// three times as long gets it in the last third of its validity.
// Clients that cached the old certificate have this long to fetch the new one.
const ROTATE_BEFORE: Duration = Duration::days(30);

/// Returns the parameters of the key that an RA certificate lacks for a generation: it has none, or
/// the newest one expires soon. `None` if it lacks none, or the generation cannot certify one.
fn missing_key(
    ra_certificate: &RaCertificate,
    authority: &IssuingAuthority,
    now: OffsetDateTime,
) -> Result<Option<NewRaKey>, Failure> {
    let newest = ra_certificate.key_of(authority.generation);
    // A new key copies algorithm, subject and validity from the one that it replaces.
    let Some(model) = newest.or(ra_certificate.keys.last()) else {
        return Ok(None);
    };
    if !authority.certificate.is_valid_at(now) {
        return Ok(None);
    }
    let validity = model
        .certificate
        .validity()
        .map_err(Failure::corrupt("the validity of an RA certificate"))?;
    let life = validity.not_after - validity.not_before;
    let authority_validity = authority.certificate.validity().map_err(Failure::corrupt(
        "the validity of an authority's certificate",
    ))?;
    let is_fresh = now + ROTATE_BEFORE.min(life / 3) < validity.not_after;
    // A new certificate would expire with the authority as well, so it would not last longer.
    let cannot_last_longer = validity.not_after >= authority_validity.not_after;
    if newest.is_some() && (is_fresh || cannot_last_longer) {
        return Ok(None);
    }
    let days = u16::try_from(life.whole_days()).unwrap_or(u16::MAX);
    Ok(Some(NewRaKey {
        algorithm: model.key_algorithm,
        subject: CaSubject::of(&model.certificate),
        extended_key_usage: extended_key_usage_of(&model.certificate)
            .map_err(Failure::corrupt("the usages of an RA certificate"))?,
        validity: Period::days(days.max(1)),
    }))
}

/// Returns the keys of an RA certificate that are still needed while its authority has these
/// generations.
// Older keys stay until they expire: clients that fetched the RA certificate earlier still encrypt
// to them. The newest one of a generation stays even then, as the model for its successor.
fn prune(
    ra_certificate: &RaCertificate,
    generations: &[Generation],
    now: OffsetDateTime,
) -> Vec<RaKeyPair> {
    let newest: Vec<_> = generations
        .iter()
        .filter_map(|generation| ra_certificate.key_of(*generation))
        .map(|key| key.uuid)
        .collect();
    ra_certificate
        .keys
        .iter()
        .filter(|key| newest.contains(&key.uuid) || key.certificate.is_valid_at(now))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use ca::id::AuthorityUuid;
    use ca::key_location::KeyLocation;
    use ca::server_certificate::SubjectKey;
    use ca::tbs_certificate::assemble_certificate;
    use scep_cms::certificate::Certificate;
    use uuid::Uuid;

    use super::*;

    /// The time so many days after the authority and the RA certificate of the tests were created.
    fn day(day: i64) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH + Duration::days(10_000 + day)
    }

    /// A public key, SubjectPublicKeyInfo, DER: the generator of P-256, SEC 2 §2.4.2.
    const PUBLIC_KEY: &str = "3059301306072a8648ce3d020106082a8648ce3d030107034200046b17d1f2e12c42\
         47f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33\
         576b315ececbb6406837bf51f5";

    /// A certificate that is valid for this many days from this day, with a dummy signature.
    fn certificate(from: i64, days: u16) -> Certificate {
        let digits = PUBLIC_KEY.as_bytes().chunks(2);
        let key: Vec<_> = digits
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
        let to_be_signed = ca::server_certificate::build_root_tbs(
            &CaSubject::new("CN=Test").unwrap(),
            &SubjectKey {
                algorithm: KeyAlgorithm::EcP256,
                subject_public_key_info: &key,
            },
            SerialNumber::from_random([1; 16]),
            // A root's certificate begins a day before it is signed.
            Period::days(days - 1),
            day(from + 1),
        )
        .unwrap();
        assemble_certificate(&to_be_signed, KeyAlgorithm::EcP256, &[0; 8])
            .unwrap()
            .certificate
    }

    /// The generation with this number, whose certificate is valid for ten years.
    fn generation(number: u32) -> IssuingAuthority {
        IssuingAuthority {
            uuid: AuthorityUuid::nil(),
            name: ca::profile_name::ProfileName::new("test-ca").unwrap(),
            generation: Generation::new(number).unwrap(),
            key_algorithm: KeyAlgorithm::EcP256,
            key: KeyLocation::File(Uuid::nil()),
            certificate: certificate(0, 3650),
            chain: Vec::new(),
        }
    }

    /// An RA certificate with keys of these generations, each of which is valid for this many days
    /// from this day.
    fn ra_certificate(keys: &[(u32, i64, u16)]) -> RaCertificate {
        let keys = (0..)
            .zip(keys)
            .map(|(uuid, (generation, from, days))| RaKeyPair {
                uuid: RaKeyUuid::from_u128(uuid),
                generation: Generation::new(*generation).unwrap(),
                key_algorithm: KeyAlgorithm::Rsa2048,
                key: KeyLocation::File(Uuid::nil()),
                certificate: certificate(*from, *days),
            });
        RaCertificate {
            uuid: RaCertificateUuid::nil(),
            authority: AuthorityUuid::nil(),
            keys: keys.collect(),
            announcement: None,
        }
    }

    /// Checks for how many days a new key of the generation would be valid.
    #[track_caller]
    fn check_missing(keys: &[(u32, i64, u16)], of: u32, on: i64, expected: Option<u16>) {
        let missing = missing_key(&ra_certificate(keys), &generation(of), day(on)).unwrap();
        let validity = missing.map(|key| {
            assert_eq!(key.algorithm, KeyAlgorithm::Rsa2048);
            assert_eq!(key.subject, CaSubject::new("CN=Test").unwrap());
            key.validity
        });
        assert_eq!(validity, expected.map(Period::days));
    }

    #[test]
    fn key_is_missing_for_a_new_generation_and_before_the_newest_one_expires() {
        let keys = [(1, 0, 365)];
        check_missing(&keys, 1, 100, None);
        check_missing(&keys, 1, 334, None);
        check_missing(&keys, 1, 336, Some(365));
        check_missing(&keys, 1, 400, Some(365));
        check_missing(&keys, 2, 100, Some(365));
    }

    #[test]
    fn short_lived_key_is_missing_in_the_last_third_of_its_validity() {
        check_missing(&[(1, 0, 30)], 1, 19, None);
        check_missing(&[(1, 0, 30)], 1, 21, Some(30));
    }

    #[test]
    fn no_key_is_missing_that_could_not_last_longer_or_has_no_model() {
        // The key expires with the authority.
        check_missing(&[(1, 0, 3650)], 1, 3640, None);
        // The authority has expired.
        check_missing(&[(1, 0, 365)], 1, 4000, None);
        check_missing(&[], 1, 100, None);
    }

    #[test]
    fn expired_keys_are_pruned_unless_they_are_the_newest_of_a_generation() {
        let keys = [(1, 0, 30), (1, 10, 100), (1, 20, 30), (2, 0, 30)];
        let left = |numbers: &[u32], on: i64| -> Vec<_> {
            let generations: Vec<_> = numbers
                .iter()
                .map(|number| Generation::new(*number).unwrap())
                .collect();
            prune(&ra_certificate(&keys), &generations, day(on))
                .iter()
                .map(|key| key.uuid.as_u128())
                .collect()
        };
        assert_eq!(left(&[1, 2], 25), [0, 1, 2, 3]);
        assert_eq!(left(&[1, 2], 60), [1, 2, 3]);
        assert_eq!(left(&[2], 60), [1, 3]);
        assert_eq!(left(&[1], 200), [2]);
    }
}
