//! A complete server in this process with enrolled devices, replaced from time to time.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use scep_service::enrol::Enrolment;
use scep_service::profile_cache::CachedProfiles;
use scepter_tests::admin::{Admin, text};
use scepter_tests::device::Device;
use scepter_tests::world::{CHALLENGE, World};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::device::{RSA, is_ec};
use crate::management::PLACEHOLDERS;

/// The number of inputs that one server answers.
// Lists and tables grow with each input, and a finding should not depend on too many inputs before
// it.
const LIFE: u32 = 1_000;

/// A server with its clients.
pub struct Server {
    /// The runtime that its futures run on.
    pub runtime: Runtime,
    /// The store, keys and profiles.
    pub world: World,
    /// The issuing side of `world`, with profiles cached in memory as in the functions.
    pub enrolment: Enrolment,
    /// An administrator of `world`.
    pub admin: Admin,
    /// The uuid of one object of each kind, by the kind's name in paths.
    pub uuids: HashMap<&'static str, String>,
    /// A device with a certificate for the key of [`RSA`] that may be renewed.
    pub holder: Device,
    /// A device with a revoked certificate.
    pub revoked: Device,
    left: u32,
}

thread_local! {
    static SERVER: RefCell<Option<Server>> = const { RefCell::new(None) };
}

/// Calls `answer` with the server of this thread, a new one where the old one is used up.
pub fn with_server(answer: impl FnOnce(&Server)) {
    SERVER.with_borrow_mut(|slot| {
        if slot.as_ref().is_none_or(|server| server.left == 0) {
            *slot = None;
        }
        let server = slot.get_or_insert_with(Server::new);
        server.left -= 1;
        answer(server);
    });
}

/// Drops the server, so that the next input gets a new one.
pub fn retire_server() {
    SERVER.with_borrow_mut(|server| *server = None);
}

impl Server {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let (world, admin, holder, revoked, uuids) = runtime.block_on(async {
            let world = World::new().await;
            let admin = Admin::of(&world);
            let holder = enrol_device(&world, &RSA, "holder").await;
            let revoked = enrol_device(&world, &Device::ec(), "revoked").await;
            let answer = admin.revoke(&revoked.certificate, json!({})).await;
            assert!(answer.status.is_success());
            world.make_renewable(&holder.certificate);
            // The last of the objects, so that `find_uuids` finds one of each kind.
            leave_pending_request(&world).await;
            let uuids = find_uuids(&admin).await;
            (world, admin, holder, revoked, uuids)
        });
        let mut enrolment = world.enrolment.clone();
        let profiles = CachedProfiles::new(
            enrolment.profile_service.profiles,
            Duration::from_secs(3600),
            enrolment.profile_service.clock.clone(),
        );
        enrolment.profile_service.profiles = Arc::new(profiles);
        Self {
            runtime,
            world,
            enrolment,
            admin,
            uuids,
            holder,
            revoked,
            left: LIFE,
        }
    }
}

/// Enrols the device and returns it with its certificate.
async fn enrol_device(world: &World, device: &Device, common_name: &str) -> Device {
    let request = device.enrolment(common_name, CHALLENGE);
    let response = world
        .post(device.message(&request, &world.ra_certificate))
        .await;
    // An EC key cannot decrypt, so its reply is encrypted with the challengePassword.
    let password = is_ec(device).then_some(CHALLENGE);
    let reply = device.read_with(response.body(), &world.ra_certificate, password);
    device.holding(reply.leaf())
}

/// Leaves one request pending for approval.
async fn leave_pending_request(world: &World) {
    let approval = |needed| {
        world.edit_scep_profile(move |profile| profile.settings.require_manual_approval = needed)
    };
    approval(true).await;
    let device = Device::ec();
    let request = device.enrolment("waiting", CHALLENGE);
    world
        .post(device.message(&request, &world.ra_certificate))
        .await;
    approval(false).await;
}

/// Finds the uuid of one object of each kind.
async fn find_uuids(admin: &Admin) -> HashMap<&'static str, String> {
    let mut uuids = HashMap::new();
    for (kind, _) in PLACEHOLDERS {
        let path = match kind {
            "raCertificates" => format!("/authorities/{}/raCertificates", uuids["authorities"]),
            kind => format!("/{kind}"),
        };
        let list = admin.get(&path).await.expect(200);
        let items = list.get("items").unwrap_or(&list);
        uuids.insert(kind, text(&items[0]["uuid"]));
    }
    uuids
}
