//! Upkeep, by a timer: how long the server's own certificates last.

use scep_protocol::{Authority, RaCertificate};
use time::OffsetDateTime;

use crate::{Clock, Failure, Measurement, Metrics, Objects, ServerCertificate, list};

/// Measures what is left of each authority's and each RA certificate's validity.
///
/// # Errors
/// When they cannot be read.
pub async fn measure_remaining(
    objects: &dyn Objects,
    clock: &dyn Clock,
    metrics: &dyn Metrics,
) -> Result<(), Failure> {
    let now = clock.now();
    for authority in list::<Authority>(objects).await? {
        let authority = authority.object;
        if let Some(path) = authority.path() {
            let validity = path.certificate.validity().map_err(Failure::encode)?;
            metrics.record(&Measurement::Remaining {
                certificate: ServerCertificate::Authority,
                name: authority.name.as_str(),
                days: days_until(validity.not_after, now),
            });
        }
    }
    for ra_certificate in list::<RaCertificate>(objects).await? {
        let ra_certificate = ra_certificate.object;
        let validity = ra_certificate.certificate.validity();
        let validity = validity.map_err(Failure::encode)?;
        metrics.record(&Measurement::Remaining {
            certificate: ServerCertificate::Ra,
            name: &ra_certificate.uuid.to_string(),
            days: days_until(validity.not_after, now),
        });
    }
    Ok(())
}

fn days_until(end: OffsetDateTime, now: OffsetDateTime) -> f64 {
    (end - now).as_seconds_f64() / (24.0 * 60.0 * 60.0)
}
