//! Guesses of the challengePassword: which messages count as one, and what locks out whom.

use std::net::IpAddr;
use std::time::Duration;

use scep_protocol::profile::EndpointName;
use scep_service::enrol::Outcome;
use scepter_tests::admin::administered;
use scepter_tests::device::Device;
use scepter_tests::world::{CHALLENGE, World, name};
use serde_json::json;

/// The text of every refusal that does not tell a wrong password from a damaged envelope.
const UNOPENED: &str = "badMessageCheck: the content cannot be decrypted";

/// Sends a message as the client at this address, and returns the name of the pkiStatus or the
/// reason of the refusal.
async fn send_from(world: &World, address: &str, message: &[u8]) -> String {
    let address: IpAddr = address.parse().unwrap();
    let endpoint = EndpointName::ScepProfile(name());
    let answer = world.enrolment.answer(&endpoint, message, Some(address));
    match answer.await.unwrap().outcome {
        Outcome::Refused(refusal) => format!("{}: {}", refusal.fail_info().name(), refusal.text()),
        outcome @ (Outcome::Granted(_) | Outcome::Found | Outcome::Pending) => {
            outcome.pki_status().to_owned()
        }
    }
}

/// An enrolment by the right challenge, encrypted under this password.
fn message_under(device: &Device, transaction_id: &str, password: &str) -> Vec<u8> {
    let mut request = device.enrolment("device-1", CHALLENGE);
    request.transaction_id = transaction_id.to_owned();
    device.message_by_password(&request, password)
}

#[tokio::test]
async fn ten_wrong_passwords_of_envelopes_lock_out() {
    let (world, admin, _, profile, _) = administered().await;
    let device = Device::ec();
    let guess = async |number: u32, address: &str, password: &str| {
        let message = message_under(&device, &number.to_string(), password);
        send_from(&world, address, &message).await
    };
    for number in 0..9 {
        let password = format!("guess {number}");
        assert_eq!(guess(number, "192.0.2.7", &password).await, UNOPENED);
    }
    // Nine lock nobody out.
    assert_eq!(guess(10, "192.0.2.7", CHALLENGE).await, "SUCCESS");
    assert_eq!(guess(11, "192.0.2.7", "guess 9").await, UNOPENED);
    // A right password is not recognised any more, neither by this key nor from this address.
    assert_eq!(guess(12, "192.0.2.7", CHALLENGE).await, UNOPENED);
    assert_eq!(guess(13, "192.0.2.8", CHALLENGE).await, UNOPENED);
    let other = Device::ec();
    let message = message_under(&other, "14", CHALLENGE);
    assert_eq!(send_from(&world, "192.0.2.7", &message).await, UNOPENED);
    let message = message_under(&other, "15", CHALLENGE);
    assert_eq!(send_from(&world, "192.0.2.8", &message).await, "SUCCESS");
    let lockouts = format!("/scepProfiles/{profile}/lockouts");
    let listed = admin.get(&lockouts).await.expect(200);
    let counts: Vec<_> = listed.as_array().unwrap().iter().collect();
    assert_eq!(counts.len(), 2, "{listed}");
    for count in counts {
        assert_eq!(count["failures"], json!(10));
    }
}

#[tokio::test]
async fn the_holder_of_a_certificate_is_not_locked_out_by_envelopes() {
    let (world, admin, _, profile, _) = administered().await;
    let device = Device::ec();
    let request = device.enrolment("device-1", CHALLENGE);
    let leaf = world
        .exchange(&device, device.message_by_password(&request, CHALLENGE))
        .await
        .leaf();
    let holder = device.holding(leaf.clone());
    world.make_renewable(&leaf);
    for number in 0..12 {
        let mut request = holder.renewal("device-1");
        request.transaction_id = number.to_string();
        let message = holder.message_by_password(&request, "the password of last year");
        assert_eq!(send_from(&world, "192.0.2.7", &message).await, UNOPENED);
    }
    let message = holder.message_by_password(&holder.renewal("device-1"), CHALLENGE);
    assert_eq!(send_from(&world, "192.0.2.7", &message).await, "SUCCESS");
    let listed = admin
        .get(&format!("/scepProfiles/{profile}/lockouts"))
        .await;
    assert_eq!(listed.expect(200), json!([]));
}

/// An enrolment by a wrong challenge, encrypted to the RA certificate.
fn wrong_message(world: &World, device: &Device, transaction_id: &str) -> Vec<u8> {
    let mut request = device.enrolment("device-1", "guessed");
    request.transaction_id = transaction_id.to_owned();
    device.message(&request, &world.ra_certificate)
}

const WRONG: &str = "badRequest: the challengePassword is missing or wrong";

#[tokio::test]
async fn a_recorded_message_sent_twenty_times_locks_nobody_out() {
    let (world, _, _, _, _) = administered().await;
    let (device, other) = (Device::rsa(), Device::ec());
    let by_key = wrong_message(&world, &device, "1");
    let by_password = message_under(&other, "2", "guessed");
    for _ in 0..20 {
        assert_eq!(send_from(&world, "192.0.2.7", &by_key).await, WRONG);
        assert_eq!(send_from(&world, "192.0.2.7", &by_password).await, UNOPENED);
    }
    let good = device.message(
        &device.enrolment("device-1", CHALLENGE),
        &world.ra_certificate,
    );
    assert_eq!(send_from(&world, "192.0.2.7", &good).await, "SUCCESS");
}

/// Whoever is locked out cannot send guesses ahead, to repeat them uncounted.
#[tokio::test]
async fn guesses_that_were_not_looked_at_count_when_they_are() {
    let (world, _, _, _, _) = administered().await;
    let device = Device::rsa();
    let guesses: Vec<_> = (0..22)
        .map(|number| wrong_message(&world, &device, &number.to_string()))
        .collect();
    for guess in &guesses {
        assert_eq!(send_from(&world, "192.0.2.7", guess).await, WRONG);
    }
    let good = device.message(
        &device.enrolment("device-1", CHALLENGE),
        &world.ra_certificate,
    );
    assert_eq!(send_from(&world, "192.0.2.7", &good).await, WRONG);
    // After the lock-out, those that were counted do not count again.
    world.clock.advance(Duration::from_secs(61));
    for guess in &guesses[..10] {
        assert_eq!(send_from(&world, "192.0.2.7", guess).await, WRONG);
    }
    assert_eq!(send_from(&world, "192.0.2.8", &good).await, "SUCCESS");
    // The first of the others begins the next lock-out.
    assert_eq!(send_from(&world, "192.0.2.7", &guesses[10]).await, WRONG);
    assert_eq!(send_from(&world, "192.0.2.7", &good).await, WRONG);
}
