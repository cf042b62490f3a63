//! What maintenance measures of the server's own certificates and CRLs.

use std::sync::Mutex;

use scep_service::ports::{Measurement, Metrics};
use scepter_tests::world::World;
use time::Duration;

/// The measurements of one run: what was measured, in which unit.
#[derive(Default)]
struct Collected(Mutex<Vec<(String, f64)>>);

impl Metrics for Collected {
    fn record(&self, measurement: &Measurement<'_>) {
        let (what, value) = match measurement {
            Measurement::Remaining {
                certificate, days, ..
            } => (certificate.name().to_owned(), *days),
            Measurement::CrlRemaining { authority, hours } => (format!("CRL {authority}"), *hours),
            other => panic!("{other:?}"),
        };
        self.0.lock().unwrap().push((what, value));
    }
}

/// Runs maintenance, which fails once the authority has expired, and returns what it measured.
async fn measure_world(world: &World) -> Vec<(String, f64)> {
    let collected = Collected::default();
    let _ = world.administration.run_maintenance(&collected).await;
    let mut measured = collected.0.into_inner().unwrap();
    measured.sort_by(|one, other| one.0.cmp(&other.0));
    measured
}

#[tokio::test]
async fn the_remaining_hours_of_a_crl_are_measured_and_a_crl_that_cannot_be_renewed_shows() {
    let world = World::new().await;
    let crl = |measured: Vec<(String, f64)>| {
        let hours = measured.into_iter().find(|(what, _)| what == "CRL test-ca");
        hours.unwrap().1
    };
    assert_eq!(crl(measure_world(&world).await), 7.0 * 24.0);
    world
        .clock
        .advance(std::time::Duration::from_secs(2 * 3600));
    assert_eq!(crl(measure_world(&world).await), 7.0 * 24.0 - 2.0);
    // After half of its validity it is renewed.
    world
        .clock
        .advance(std::time::Duration::from_secs(4 * 86_400));
    assert_eq!(crl(measure_world(&world).await), 7.0 * 24.0);
}

#[tokio::test]
async fn an_authority_that_expired_long_ago_is_no_longer_measured() {
    let world = World::new().await;
    let end = world.authority.validity().unwrap().not_after;
    let days = |measured: &[(String, f64)]| {
        let found = measured.iter().find(|(what, _)| what == "authority");
        found.map(|(_, days)| *days)
    };
    let at = |after: Duration| {
        let world = &world;
        async move {
            let wait = end + after - world.administration.clock.now();
            world.clock.advance(wait.unsigned_abs());
            measure_world(world).await
        }
    };
    assert_eq!(days(&at(Duration::days(-1)).await), Some(1.0));
    let expired = at(Duration::days(29)).await;
    assert_eq!(days(&expired), Some(-29.0));
    assert!(!expired.iter().any(|(what, _)| what.starts_with("CRL")));
    assert_eq!(at(Duration::days(31)).await, []);
}
