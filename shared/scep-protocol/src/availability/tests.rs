use ca::authority::{CaGeneration, Certification};
use ca::bounded_text::Description;
use ca::generation::Generation;
use ca::id::AuthorityUuid;
use ca::key_algorithm::KeyAlgorithm;
use ca::key_location::KeyLocation;
use ca::profile_name::ProfileName;
use ca::stored_octets::StoredOctets;
use ca::template::CertificateTemplate;
use newtype_uuid::{TypedUuid, TypedUuidKind};
use scep_cms::algorithm::ContentEncryption;
use scep_cms::content_key::ContentKey;
use scep_cms::envelope::SealTo;
use scep_cms::pki_message::PkiMessage;
use time::macros::datetime;
use uuid::Uuid;

use super::*;
use crate::annotations::Attributes;
use crate::id::{RaCertificateUuid, RaKeyUuid, RaProfileUuid, ScepProfileUuid};
use crate::profile::{IntuneSettings, ScepActivation, ScepSettings};

const SCEP_PROFILE: ScepProfileUuid = ScepProfileUuid::from_u128(1);
pub(crate) const RA_PROFILE: RaProfileUuid = RaProfileUuid::from_u128(2);
const RA_CERTIFICATE: RaCertificateUuid = RaCertificateUuid::from_u128(3);
const AUTHORITY: AuthorityUuid = AuthorityUuid::from_u128(4);
/// The id of an object that does not exist.
const fn other<K: TypedUuidKind>() -> TypedUuid<K> {
    TypedUuid::from_u128(5)
}

pub(crate) const NOW: OffsetDateTime = datetime!(2027-01-01 00:00 UTC);
/// A time at which [`RA`] and [`CLIENT`] have expired, and [`CA`] and [`CENTURY`] have not.
const NEXT_YEAR: OffsetDateTime = datetime!(2028-01-01 00:00 UTC);

/// A self-signed certificate, valid for ten years.
pub(crate) const CA: &str = "ca.pem";
/// A certificate issued by [`CA`], valid for a year.
const RA: &str = "ra.pem";
/// The signer of a captured message, issued by [`CA`], valid for a year.
const CLIENT: &str = "pki-renew.der";
/// The signer of a captured message, self-signed, valid for a hundred years.
const CENTURY: &str = "certmonger-new.der";
/// The signer of a captured message, self-signed, valid for a year.
const YEAR: &str = "pki-poll.der";
/// The signer of a captured message, self-signed, valid for a day and expired.
const EXPIRED: &str = "jscep-new.der";

/// Reads a file of `tests/vectors`.
pub(crate) fn read_vector(file: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors");
    std::fs::read(format!("{folder}/{file}")).unwrap()
}

/// The certificate in a file of `tests/vectors`, or the signer of the message in it.
pub(crate) fn load_certificate(file: &str) -> Certificate {
    let octets = read_vector(file);
    if let Ok(pem) = std::str::from_utf8(&octets) {
        return Certificate::from_pem(pem).unwrap();
    }
    let message = PkiMessage::from_ber(&octets).unwrap();
    message.verify().unwrap().signer().clone()
}

fn profile_name() -> ProfileName {
    ProfileName::new("default").unwrap()
}

fn ca_generation(number: u32, file: &str) -> CaGeneration {
    CaGeneration {
        number: Generation::new(number).unwrap(),
        key_algorithm: KeyAlgorithm::Rsa2048,
        key: KeyLocation::File(Uuid::nil()),
        certification: Certification::Root {
            certificate: load_certificate(file),
        },
    }
}

fn ra_key(uuid: u128, generation: u32, file: &str) -> RaKeyPair {
    RaKeyPair {
        uuid: RaKeyUuid::from_u128(uuid),
        generation: Generation::new(generation).unwrap(),
        key_algorithm: KeyAlgorithm::Rsa2048,
        key: KeyLocation::File(Uuid::nil()),
        certificate: load_certificate(file),
    }
}

/// A pair of profiles whose authority is in its second generation. [`RA`] is the only RA key.
pub(crate) fn build_configuration() -> Configuration {
    let scep_profile = ScepProfile {
        uuid: SCEP_PROFILE,
        name: profile_name(),
        description: Description::default(),
        enabled: true,
        ra_profile: Some(RA_PROFILE),
        ra_certificate: RA_CERTIFICATE,
        challenge: None,
        challenge_traits: None,
        challenge_key: None,
        chosen_sources: None,
        settings: ScepSettings::initial(),
        intune: IntuneSettings::default(),
        webhook: None,
        annotations: Annotations::default(),
    };
    let ra_profile = RaProfile {
        uuid: RA_PROFILE,
        name: profile_name(),
        description: Description::default(),
        enabled: true,
        authority: AUTHORITY,
        scep: Some(ScepActivation {
            scep_profile: SCEP_PROFILE,
            issue_certificate_attributes: Attributes::from_json("[\"activation\"]".to_owned()),
        }),
        template: CertificateTemplate::default(),
    };
    Configuration {
        scep_profile: Some(scep_profile),
        ra_profile: Some(ra_profile),
        ra_certificate: Some(RaCertificate {
            uuid: RA_CERTIFICATE,
            authority: AUTHORITY,
            keys: vec![ra_key(2, 2, RA)],
            announcement: None,
        }),
        authority: Some(Authority {
            uuid: AUTHORITY,
            name: profile_name(),
            description: Description::default(),
            current: ca_generation(2, CA),
            next: None,
            previous: Vec::new(),
        }),
    }
}

fn scep_profile_mut(configuration: &mut Configuration) -> &mut ScepProfile {
    configuration.scep_profile.as_mut().unwrap()
}

fn ra_profile_mut(configuration: &mut Configuration) -> &mut RaProfile {
    configuration.ra_profile.as_mut().unwrap()
}

fn ra_certificate_mut(configuration: &mut Configuration) -> &mut RaCertificate {
    configuration.ra_certificate.as_mut().unwrap()
}

fn authority_mut(configuration: &mut Configuration) -> &mut Authority {
    configuration.authority.as_mut().unwrap()
}

fn by_scep_profile() -> EndpointName {
    EndpointName::ScepProfile(profile_name())
}

fn by_ra_profile() -> EndpointName {
    EndpointName::RaProfile(profile_name())
}

/// The profile that serves at the SCEP Profile's endpoint.
pub(crate) fn serving_profile(edit: impl FnOnce(&mut Configuration)) -> AvailableProfile {
    let mut configuration = build_configuration();
    edit(&mut configuration);
    check_availability(&by_scep_profile(), configuration, NOW).unwrap()
}

#[test]
fn a_linked_and_enabled_pair_serves_at_both_endpoints() {
    for endpoint in [by_scep_profile(), by_ra_profile()] {
        let profile = check_availability(&endpoint, build_configuration(), NOW).unwrap();
        assert_eq!(profile.scep_profile().uuid, SCEP_PROFILE);
        assert_eq!(profile.ra_profile().uuid, RA_PROFILE);
        assert_eq!(profile.ra_key().certificate, load_certificate(RA));
        assert_eq!(profile.authority().certificate, load_certificate(CA));
    }
}

#[track_caller]
fn check(
    endpoint: &EndpointName,
    edit: impl FnOnce(&mut Configuration),
    now: OffsetDateTime,
    expected: Unavailable,
) {
    let mut configuration = build_configuration();
    edit(&mut configuration);
    assert_eq!(
        check_availability(endpoint, configuration, now).err(),
        Some(expected)
    );
}

#[test]
fn missing_disabled_or_expired_objects_do_not_serve() {
    use Unavailable::{
        AuthorityExpired, AuthorityMissing, AuthorityNotActive, RaCertificateExpired,
        RaCertificateMissing, RaCertificateUnfit, RaProfileDisabled, ScepProfileDisabled,
    };
    for at in [by_scep_profile(), by_ra_profile()] {
        let disable = |of: &mut Configuration| scep_profile_mut(of).enabled = false;
        check(&at, disable, NOW, ScepProfileDisabled);
        let disable = |of: &mut Configuration| ra_profile_mut(of).enabled = false;
        check(&at, disable, NOW, RaProfileDisabled);
        let remove = |of: &mut Configuration| of.ra_certificate = None;
        check(&at, remove, NOW, RaCertificateMissing);
        let another = |of: &mut Configuration| ra_certificate_mut(of).uuid = other();
        check(&at, another, NOW, RaCertificateMissing);
        let remove = |of: &mut Configuration| of.authority = None;
        check(&at, remove, NOW, AuthorityMissing);
        let another = |of: &mut Configuration| authority_mut(of).uuid = other();
        check(&at, another, NOW, AuthorityMissing);
        let elsewhere = |of: &mut Configuration| ra_certificate_mut(of).authority = other();
        check(&at, elsewhere, NOW, RaCertificateUnfit);
        let without_key =
            |of: &mut Configuration| ra_certificate_mut(of).keys = vec![ra_key(1, 1, RA)];
        check(&at, without_key, NOW, RaCertificateUnfit);
        let awaiting = |of: &mut Configuration| {
            authority_mut(of).current.certification = Certification::Subordinate {
                request: String::new(),
                installed: None,
            };
        };
        check(&at, awaiting, NOW, AuthorityNotActive);
        check(&at, |_| {}, NEXT_YEAR, RaCertificateExpired);
        let outlived =
            |of: &mut Configuration| authority_mut(of).current = ca_generation(2, EXPIRED);
        check(&at, outlived, NOW, AuthorityExpired);
    }
}

#[test]
fn an_endpoint_leads_from_one_profile_to_the_other() {
    use Unavailable::{
        RaProfileUnknown, ScepNotActivated, ScepProfileUnknown, WithoutDefaultRaProfile,
    };
    let (by_scep, by_ra) = (by_scep_profile(), by_ra_profile());
    let no_scep = |of: &mut Configuration| of.scep_profile = None;
    check(&by_scep, no_scep, NOW, ScepProfileUnknown);
    check(&by_ra, no_scep, NOW, ScepNotActivated);
    let no_ra = |of: &mut Configuration| of.ra_profile = None;
    check(&by_scep, no_ra, NOW, WithoutDefaultRaProfile);
    check(&by_ra, no_ra, NOW, RaProfileUnknown);
    for link in [None, Some(other())] {
        let edit = |of: &mut Configuration| scep_profile_mut(of).ra_profile = link;
        check(&by_scep, edit, NOW, WithoutDefaultRaProfile);
    }
    let inactive = |of: &mut Configuration| ra_profile_mut(of).scep = None;
    check(&by_ra, inactive, NOW, ScepNotActivated);
    let another = |of: &mut Configuration| scep_profile_mut(of).uuid = other();
    check(&by_ra, another, NOW, ScepNotActivated);
}

#[test]
fn each_endpoint_has_its_own_attributes_of_the_issuance() {
    let mut configuration = build_configuration();
    let ours = Annotations {
        issue_certificate_attributes: Attributes::from_json("[\"profile\"]".to_owned()),
        custom_attributes: Attributes::from_json("[\"custom\"]".to_owned()),
        ..Annotations::default()
    };
    scep_profile_mut(&mut configuration).annotations = ours.clone();
    let annotations = |endpoint| {
        let profile = check_availability(&endpoint, configuration.clone(), NOW).unwrap();
        profile.annotations().clone()
    };
    assert_eq!(annotations(by_scep_profile()), ours);
    let activations = Annotations {
        issue_certificate_attributes: Attributes::from_json("[\"activation\"]".to_owned()),
        ..ours
    };
    assert_eq!(annotations(by_ra_profile()), activations);
}

/// An envelope that is encrypted to the key of this certificate.
pub(crate) fn seal_envelope(content: &[u8], key: &[u8], to: &str) -> PkcsPkiEnvelope {
    let cipher = ContentEncryption::Aes128Cbc;
    let key = ContentKey::new(cipher, key).unwrap();
    let certificate = load_certificate(to);
    let to = SealTo::Certificate(&certificate);
    let der = PkcsPkiEnvelope::seal(content, cipher, &key, &[7; 16], to).unwrap();
    PkcsPkiEnvelope::from_ber(&der).unwrap()
}

/// Checks which key serves a request that is encrypted to this certificate, and which generation
/// issues.
#[track_caller]
fn check_addressed(to: &str, edit: impl FnOnce(&mut Configuration), key: u128, generation: u32) {
    let profile = serving_profile(edit).select_ra_key(&seal_envelope(b"", &[8; 16], to));
    assert_eq!(profile.ra_key().uuid, RaKeyUuid::from_u128(key), "{to}");
    assert_eq!(profile.authority().generation.get(), generation, "{to}");
}

#[test]
fn a_request_is_served_by_the_key_that_it_is_encrypted_to_or_by_the_current_one() {
    let keys =
        |keys: Vec<RaKeyPair>| move |of: &mut Configuration| ra_certificate_mut(of).keys = keys;
    let present = || ra_key(2, 2, RA);
    check_addressed(RA, |_| {}, 2, 2);
    check_addressed(YEAR, |_| {}, 2, 2);
    // A key that served before, in this generation or an earlier one, serves until it expires.
    for generation in [1, 2] {
        let older = ra_key(1, generation, CLIENT);
        check_addressed(CLIENT, keys(vec![older.clone(), present()]), 1, 2);
        check_addressed(RA, keys(vec![older, present()]), 2, 2);
        let over = ra_key(1, generation, EXPIRED);
        check_addressed(EXPIRED, keys(vec![over, present()]), 2, 2);
    }
    // The authority has no generation 3.
    check_addressed(YEAR, keys(vec![present(), ra_key(3, 3, YEAR)]), 2, 2);
}

/// Adds and announces a third generation of the authority, with an RA key.
fn with_next(of: &mut Configuration, ca: &str, ra: &str) {
    authority_mut(of).next = Some(ca_generation(3, ca));
    ra_certificate_mut(of).keys.push(ra_key(3, 3, ra));
    announce_generation(of, 3);
}

fn announce_generation(of: &mut Configuration, generation: u32) {
    ra_certificate_mut(of).announcement = Some(NextCaAnnouncement {
        generation: Generation::new(generation).unwrap(),
        certificates: Vec::new(),
        signature: StoredOctets::new(Vec::new()),
    });
}

#[test]
fn a_next_generation_serves_and_is_announced_while_its_certificates_are_valid() {
    let next = |ca, ra| move |of: &mut Configuration| with_next(of, ca, ra);
    let told = |edit: &dyn Fn(&mut Configuration)| {
        let profile = serving_profile(edit);
        let keyword = Capability::GetNextCaCert;
        let announced = profile.capabilities().contains(&keyword);
        let announcement = profile.next_ca_announcement();
        let generation = announcement.map(|announcement| announcement.generation.get());
        assert_eq!(announced, generation.is_some());
        assert!(profile.capabilities().contains(&Capability::ScepStandard));
        generation
    };
    check_addressed(YEAR, next(CENTURY, YEAR), 3, 3);
    check_addressed(RA, next(CENTURY, YEAR), 2, 2);
    assert_eq!(told(&next(CENTURY, YEAR)), Some(3));
    check_addressed(YEAR, next(EXPIRED, YEAR), 2, 2);
    assert_eq!(told(&next(EXPIRED, YEAR)), None);
    check_addressed(EXPIRED, next(CENTURY, EXPIRED), 2, 2);
    assert_eq!(told(&next(CENTURY, EXPIRED)), None);
    assert_eq!(told(&|_| {}), None);
    // The announcement is of a generation other than the next.
    let stale = |of: &mut Configuration| {
        with_next(of, CENTURY, YEAR);
        announce_generation(of, 2);
    };
    assert_eq!(told(&stale), None);
    assert_eq!(
        told(&|of: &mut Configuration| announce_generation(of, 3)),
        None
    );
}

#[test]
fn an_authority_is_known_by_every_generation() {
    let profile = serving_profile(|of| {
        authority_mut(of).previous = vec![ca_generation(1, YEAR)];
        with_next(of, CENTURY, CLIENT);
    });
    for (number, file) in [(1, YEAR), (2, CA), (3, CENTURY)] {
        let path: Vec<_> = profile
            .path_of(Generation::new(number).unwrap())
            .cloned()
            .collect();
        assert_eq!(path, [load_certificate(file)]);
        assert!(profile.is_own_issuer(load_certificate(file).subject()));
    }
    assert_eq!(profile.path_of(Generation::new(4).unwrap()).count(), 0);
    let is_authority = |file| match seal_envelope(b"", &[8; 16], file).recipients() {
        [Recipient::KeyTrans(recipient)] => profile.is_authority(recipient.id()),
        _ => panic!("sealed to one certificate"),
    };
    assert!([YEAR, CA, CENTURY].into_iter().all(is_authority));
    assert!(![RA, CLIENT, EXPIRED].into_iter().any(is_authority));
    // An RA certificate issues nothing.
    assert!(!profile.is_own_issuer(load_certificate(RA).subject()));
    let own = |file| {
        let certificate = load_certificate(file);
        let own = profile.own_certificate(certificate.issuer_and_serial_number());
        own.map(|(own, generation)| (*own == certificate, generation.map(Generation::get)))
    };
    for (file, generation) in [(YEAR, 1), (CA, 2), (CENTURY, 3), (RA, 2), (CLIENT, 3)] {
        assert_eq!(own(file), Some((true, Some(generation))), "{file}");
    }
    assert_eq!(own(EXPIRED), None);
}

#[test]
fn a_subordinate_has_a_chain_and_was_issued_by_another_authority() {
    let subordinate = load_certificate(CLIENT);
    let profile = serving_profile(|of| {
        authority_mut(of).current.certification = Certification::Subordinate {
            request: String::new(),
            installed: Some(CertificatePath {
                certificate: load_certificate(CLIENT),
                chain: vec![load_certificate(CA)],
            }),
        };
    });
    let path: Vec<_> = profile.path_of(Generation::FIRST.next()).cloned().collect();
    assert_eq!(path, [subordinate.clone(), load_certificate(CA)]);
    let own = profile.own_certificate(subordinate.issuer_and_serial_number());
    assert_eq!(own, Some((&subordinate, None)));
    assert!(!profile.is_own_issuer(load_certificate(CA).subject()));
}
