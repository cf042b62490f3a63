//! Upkeep, by a timer: CRLs before they run out, RA keys before they end, what a crash left unfinished, and how long the server's own
//! certificates last.

use scep_protocol::{Authority, RaCertificate};
use time::OffsetDateTime;

use crate::manage::finish_abandoned;
use crate::{
    Causes, Failure, ManageError, Managing, Measurement, Metrics, ServerCertificate, Versioned,
    list,
};

/// Does what is due. What fails for one authority is logged, and keeps no other from its due.
///
/// # Errors
/// When authorities or RA certificates cannot be read; else the last failure.
pub async fn upkeep(managing: &Managing, metrics: &dyn Metrics) -> Result<(), ManageError> {
    let mut done = Ok(());
    for authority in list::<Authority>(&*managing.objects).await? {
        if let Err(error) = managing.keep_generations(authority.object.uuid).await {
            let (authority, error) = (&authority.object.name, Causes(&error));
            tracing::error!(%authority, %error, "upkeep of an authority failed");
            done = Err(());
        }
    }
    if let Err(error) = finish_abandoned(managing).await {
        tracing::error!(error = %Causes(&error), "what a crash left is not finished");
        done = Err(());
    }
    measure_remaining(managing, metrics).await?;
    done.map_err(|()| Failure::Upkeep.into())
}

/// Measures what is left of the validity of each certificate of an authority that issues, and of each RA certificate that serves.
async fn measure_remaining(managing: &Managing, metrics: &dyn Metrics) -> Result<(), Failure> {
    let now = managing.clock.now();
    let authorities = list::<Authority>(&*managing.objects).await?;
    for Versioned { object, .. } in &authorities {
        if let Some(path) = object.current.path() {
            let validity = path.certificate.validity().map_err(Failure::encode)?;
            metrics.record(&Measurement::Remaining {
                certificate: ServerCertificate::Authority,
                name: object.name.as_str(),
                days: days_until(validity.not_after, now),
            });
        }
    }
    for Versioned { object, .. } in list::<RaCertificate>(&*managing.objects).await? {
        let mut authorities = authorities.iter().map(|found| &found.object);
        let authority = authorities.find(|authority| authority.uuid == object.authority);
        let serving = authority.and_then(|authority| object.key_of(authority.current.number));
        if let Some(key) = serving {
            let validity = key.certificate.validity().map_err(Failure::encode)?;
            metrics.record(&Measurement::Remaining {
                certificate: ServerCertificate::Ra,
                name: &object.uuid.to_string(),
                days: days_until(validity.not_after, now),
            });
        }
    }
    Ok(())
}

fn days_until(end: OffsetDateTime, now: OffsetDateTime) -> f64 {
    (end - now).as_seconds_f64() / (24.0 * 60.0 * 60.0)
}
