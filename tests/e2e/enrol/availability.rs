//! Whether an endpoint serves: every reason not to, for every operation, at both URLs.

use std::sync::Arc;
use std::time::Duration;

use ca::authority::{Authority, Certification};
use ca::generation::Generation;
use ca::id::AuthorityUuid;
use ca::profile_name::ProfileName;
use newtype_uuid::TypedUuid;
use scep_protocol::id::RaProfileUuid;
use scep_protocol::profile::EndpointName;
use scep_protocol::ra_certificate::RaCertificate;
use scep_service::error::StoreError;
use scep_service::inventory::PageRequest;
use scep_service::object::{ObjectKind, Reference, StoredObject, Versioned, read};
use scep_service::ports::{CrlHead, ProfileReader, Store, StoredCrl};
use scep_service::profile_cache::CachedProfiles;
use scepter_tests::device::Device;
use scepter_tests::objects::audit;
use scepter_tests::world::{CHALLENGE, World, name};
use store_dynamodb::DynamoDbStore;
use uuid::Uuid;

const BY_SCEP_PROFILE: &str = "/api/v1/protocols/scep/default/pkiclient.exe";
const BY_RA_PROFILE: &str = "/api/v1/protocols/scep/raProfile/default/pkiclient.exe";

/// The answer of an endpoint where a device can enrol.
const SERVES: &str = "200";

/// The status and reason with which an endpoint answers every operation, such as `403 the RA
/// Profile is disabled`; [`SERVES`] where a device can enrol.
async fn probe_path(world: &World, path: &str) -> String {
    let caps = world.get(&format!("{path}?operation=GetCACaps")).await;
    let status = caps.status();
    // EC keys are cheap to generate; only a certificate's holder needs a key that can decrypt the
    // reply.
    let device = match status == 200 {
        true => Device::rsa(),
        false => Device::ec(),
    };
    let request = device.enrolment("device-1", CHALLENGE);
    let message = device.message(&request, &world.ra_certificate);
    let cert = world.get(&format!("{path}?operation=GetCACert")).await;
    let uri = format!("{path}?operation=PKIOperation");
    let reply = world.send("POST", &uri, message).await;
    assert_eq!([cert.status(), reply.status()], [status; 2], "{path}");
    if status == 200 {
        device.read(reply.body(), &world.ra_certificate).leaf();
        return SERVES.to_owned();
    }
    for response in [&caps, &cert, &reply] {
        assert_eq!(response.body(), caps.body(), "{path}");
        assert_eq!(response.headers()["content-type"], "text/plain");
    }
    let reason = String::from_utf8_lossy(caps.body());
    format!("{} {}", status.as_u16(), reason.strip_suffix('\n').unwrap())
}

#[tokio::test]
async fn a_linked_and_enabled_pair_serves_at_both_urls() {
    let world = World::new().await;
    assert_eq!(probe_path(&world, BY_SCEP_PROFILE).await, SERVES);
    assert_eq!(probe_path(&world, BY_RA_PROFILE).await, SERVES);
}

#[tokio::test]
async fn profiles_that_do_not_exist_are_404() {
    let world = World::new().await;
    assert_eq!(
        probe_path(&world, "/api/v1/protocols/scep/nobody/pkiclient.exe").await,
        "404 no such SCEP Profile"
    );
    assert_eq!(
        probe_path(&world, "/api/v1/protocols/scep/raProfile/nobody").await,
        "404 no such RA Profile"
    );
}

#[tokio::test]
async fn a_disabled_profile_is_403() {
    let world = World::new().await;
    world
        .edit_scep_profile(|profile| profile.enabled = false)
        .await;
    assert_eq!(
        probe_path(&world, BY_SCEP_PROFILE).await,
        "403 the SCEP Profile is disabled"
    );
    assert_eq!(
        probe_path(&world, BY_RA_PROFILE).await,
        "403 the SCEP Profile is disabled"
    );
    world
        .edit_scep_profile(|profile| profile.enabled = true)
        .await;
    world
        .edit_ra_profile(|profile| profile.enabled = false)
        .await;
    assert_eq!(
        probe_path(&world, BY_SCEP_PROFILE).await,
        "403 the RA Profile is disabled"
    );
    assert_eq!(
        probe_path(&world, BY_RA_PROFILE).await,
        "403 the RA Profile is disabled"
    );
}

#[tokio::test]
async fn a_missing_link_is_403_at_the_url_that_needs_it() {
    let world = World::new().await;
    world
        .edit_scep_profile(|profile| profile.ra_profile = None)
        .await;
    let reason = "403 the SCEP Profile has no default RA Profile";
    assert_eq!(probe_path(&world, BY_SCEP_PROFILE).await, reason);
    assert_eq!(probe_path(&world, BY_RA_PROFILE).await, SERVES);
    world
        .edit_scep_profile(|profile| profile.ra_profile = Some(TypedUuid::nil()))
        .await;
    assert_eq!(probe_path(&world, BY_SCEP_PROFILE).await, reason);
    world.edit_ra_profile(|profile| profile.scep = None).await;
    let reason = "403 SCEP is not activated on the RA Profile";
    assert_eq!(probe_path(&world, BY_RA_PROFILE).await, reason);
}

#[tokio::test]
async fn a_missing_ra_certificate_or_authority_is_403() {
    let world = World::new().await;
    world
        .edit_ra_profile(|profile| profile.authority = TypedUuid::nil())
        .await;
    let reason = "403 the RA Profile has no authority";
    assert_eq!(probe_path(&world, BY_SCEP_PROFILE).await, reason);
    assert_eq!(probe_path(&world, BY_RA_PROFILE).await, reason);
    world
        .edit_scep_profile(|profile| profile.ra_certificate = TypedUuid::nil())
        .await;
    let reason = "403 the SCEP Profile has no RA certificate";
    assert_eq!(probe_path(&world, BY_SCEP_PROFILE).await, reason);
    assert_eq!(probe_path(&world, BY_RA_PROFILE).await, reason);
}

#[tokio::test]
async fn an_ra_certificate_of_another_authority_or_key_is_403() {
    let world = World::new().await;
    let profile: Versioned<scep_protocol::profile::ScepProfile> = world.find().await;
    let uuid = profile.object.ra_certificate;
    let reason = "403 the RA certificate does not fit the authority";
    let mut authority = TypedUuid::nil();
    let swap = |object: &mut RaCertificate| std::mem::swap(&mut object.authority, &mut authority);
    world.edit(uuid, swap).await;
    assert_eq!(probe_path(&world, BY_SCEP_PROFILE).await, reason);
    assert_eq!(probe_path(&world, BY_RA_PROFILE).await, reason);
    let other_key = |object: &mut RaCertificate| {
        object.authority = authority;
        object.keys[0].certificate = Device::ec().certificate;
    };
    world.edit(uuid, other_key).await;
    assert_eq!(probe_path(&world, BY_SCEP_PROFILE).await, reason);
    assert_eq!(probe_path(&world, BY_RA_PROFILE).await, reason);
}

#[tokio::test]
async fn an_authority_that_awaits_its_certificate_is_403() {
    let world = World::new().await;
    let profile: Versioned<scep_protocol::profile::RaProfile> = world.find().await;
    let awaiting = |authority: &mut Authority| {
        authority.current.certification = Certification::Subordinate {
            request: String::new(),
            installed: None,
        };
    };
    world.edit(profile.object.authority, awaiting).await;
    let reason = "403 the authority is not active: it awaits its certificate";
    assert_eq!(probe_path(&world, BY_SCEP_PROFILE).await, reason);
    assert_eq!(probe_path(&world, BY_RA_PROFILE).await, reason);
}

#[tokio::test]
async fn expired_certificates_are_403() {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    let world = World::new().await;
    world.clock.advance(3 * YEAR);
    let reason = "403 the RA certificate is not valid now";
    assert_eq!(probe_path(&world, BY_SCEP_PROFILE).await, reason);
    assert_eq!(probe_path(&world, BY_RA_PROFILE).await, reason);
    // Outlive the RA certificate, so that only the authority's certificate has expired.
    let profile: Versioned<scep_protocol::profile::ScepProfile> = world.find().await;
    let uuid = profile.object.ra_certificate;
    let outlive = |object: &mut RaCertificate| {
        object.keys[0].certificate = Device::rsa().certificate;
    };
    world.edit(uuid, outlive).await;
    world.clock.advance(8 * YEAR);
    let reason = "403 the authority's certificate is not valid now";
    assert_eq!(probe_path(&world, BY_SCEP_PROFILE).await, reason);
    assert_eq!(probe_path(&world, BY_RA_PROFILE).await, reason);
    let ra_profile: Versioned<scep_protocol::profile::RaProfile> = world.find().await;
    let authority = read::<Authority>(&world.store, ra_profile.object.authority).await;
    assert!(authority.unwrap().is_some());
}

#[tokio::test]
async fn a_cached_profile_is_read_anew_when_it_is_too_old() {
    let world = World::new().await;
    let endpoint = EndpointName::ScepProfile(name());
    let stored = Arc::new(world.store.clone());
    let cached = |max_age| CachedProfiles::new(stored.clone(), max_age, world.clock.clone());
    let (kept, fleeting) = (cached(Duration::from_secs(3600)), cached(Duration::ZERO));
    let enabled = async |profiles: &CachedProfiles| {
        let configuration = profiles.configuration(&endpoint).await.unwrap();
        configuration.scep_profile.unwrap().enabled
    };
    assert!(enabled(&kept).await && enabled(&fleeting).await);
    world
        .edit_scep_profile(|profile| profile.enabled = false)
        .await;
    assert!(enabled(&kept).await);
    assert!(!enabled(&fleeting).await);
}

/// The cache keeps every complete endpoint, but no unknown or incomplete one: otherwise attackers
/// could fill it.
#[tokio::test]
async fn every_endpoint_that_leads_to_two_profiles_is_kept() {
    let world = World::new().await;
    let stored = Arc::new(world.store.clone());
    let cache = CachedProfiles::new(stored, Duration::from_secs(3600), world.clock.clone());
    let endpoints = [
        EndpointName::ScepProfile(name()),
        EndpointName::RaProfile(name()),
    ];
    let linked = async |endpoint: &EndpointName| {
        let configuration = cache.configuration(endpoint).await.unwrap();
        configuration.scep_profile.is_some() && configuration.ra_profile.is_some()
    };
    let link = async |to: Option<RaProfileUuid>| {
        world
            .edit_scep_profile(|profile| profile.ra_profile = to)
            .await;
    };
    let ra_profile = world
        .find::<scep_protocol::profile::RaProfile>()
        .await
        .object;
    link(None).await;
    assert!(!linked(&endpoints[0]).await);
    link(Some(ra_profile.uuid)).await;
    for endpoint in &endpoints {
        assert!(linked(endpoint).await);
    }
    link(None).await;
    for endpoint in &endpoints {
        assert!(linked(endpoint).await);
    }
    let found = cache.ra_profile(ra_profile.uuid).await.unwrap();
    assert_eq!(found.unwrap().name, ra_profile.name);
}

#[tokio::test]
async fn objects_are_read_and_recorded_through_a_cache_as_they_are() {
    let world = World::new().await;
    let stored = Arc::new(world.store.clone());
    let cached = CachedProfiles::new(stored, Duration::from_secs(3600), world.clock.clone());
    let kind = ObjectKind::ScepProfile;
    let uuid = cached.uuid_of(kind, &name()).await.unwrap().unwrap();
    let reference = Reference { kind, uuid };
    let document = cached.read(reference).await.unwrap().unwrap().document;
    let found = cached.find(kind, &name()).await.unwrap().unwrap();
    assert_eq!(found.document, document);
    let [listed] = &world.store.list(kind).await.unwrap()[..] else {
        panic!("not exactly one SCEP Profile");
    };
    assert_eq!(listed.document, document);
    let record = audit(reference);
    world.store.record(&record).await.unwrap();
    let page = PageRequest {
        limit: 100,
        cursor: None,
    };
    let records = world.store.audit_records(&Default::default(), &page).await;
    let mut records = records.unwrap().items.into_iter();
    assert!(records.any(|kept| kept.uuid == record.uuid));
}

/// A write by an administrator through the same process is visible to the next request, however
/// long the cache keeps profiles.
#[tokio::test]
async fn a_write_in_the_same_process_is_followed_at_once() {
    let world = World::new().await;
    let stored = Arc::new(world.store.clone());
    let cache = Arc::new(CachedProfiles::new(
        stored,
        Duration::from_secs(3600),
        world.clock.clone(),
    ));
    let mut administration = world.administration.clone();
    administration.cache = Some(cache.clone());
    let profile: Versioned<scep_protocol::profile::ScepProfile> = world.find().await;
    let endpoint = EndpointName::ScepProfile(name());
    for wanted in [false, true] {
        // Fill the cache.
        cache.configuration(&endpoint).await.unwrap();
        let uuid = profile.object.uuid;
        let changed = match wanted {
            false => administration.disable_scep_profile(uuid).await,
            true => administration.enable_scep_profile(uuid).await,
        };
        changed.unwrap();
        let configuration = cache.configuration(&endpoint).await.unwrap();
        let enabled = configuration.scep_profile.unwrap().enabled;
        assert_eq!(enabled, wanted);
    }
}

/// A result that was read before a write and arrives after it is not cached, because it may be
/// outdated.
#[tokio::test]
async fn what_was_read_before_a_write_is_not_kept_after_it() {
    struct Slow {
        stored: DynamoDbStore,
        read: tokio::sync::Notify,
        go_on: tokio::sync::Notify,
    }

    #[async_trait::async_trait]
    impl ProfileReader for Slow {
        async fn read(&self, reference: Reference) -> Result<Option<StoredObject>, StoreError> {
            self.stored.read(reference).await
        }

        async fn uuid_of(
            &self,
            kind: ObjectKind,
            name: &ProfileName,
        ) -> Result<Option<Uuid>, StoreError> {
            self.stored.uuid_of(kind, name).await
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

        async fn configuration(
            &self,
            endpoint: &EndpointName,
        ) -> Result<scep_protocol::availability::Configuration, StoreError> {
            let configuration = self.stored.configuration(endpoint).await;
            self.read.notify_one();
            self.go_on.notified().await;
            configuration
        }
    }

    let world = World::new().await;
    let slow = Arc::new(Slow {
        stored: world.store.clone(),
        read: tokio::sync::Notify::new(),
        go_on: tokio::sync::Notify::new(),
    });
    let cache = Arc::new(CachedProfiles::new(
        slow.clone(),
        Duration::from_secs(3600),
        world.clock.clone(),
    ));
    let endpoint = EndpointName::ScepProfile(name());
    let reading = {
        let (cache, endpoint) = (cache.clone(), endpoint.clone());
        tokio::spawn(async move { cache.configuration(&endpoint).await.unwrap() })
    };
    slow.read.notified().await;
    world
        .edit_scep_profile(|profile| profile.enabled = false)
        .await;
    cache.forget();
    slow.go_on.notify_one();
    assert!(reading.await.unwrap().scep_profile.unwrap().enabled);
    slow.go_on.notify_one();
    let configuration = cache.configuration(&endpoint).await.unwrap();
    assert!(!configuration.scep_profile.unwrap().enabled);
}
