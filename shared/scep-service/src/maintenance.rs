//! Scheduled maintenance: renews CRLs and RA keys before they expire, completes issuances that a
//! crash interrupted, and measures the remaining validity of the server's own certificates and
//! CRLs.

use ca::authority::Authority;
use scep_protocol::ra_certificate::RaCertificate;
use time::{Duration, OffsetDateTime};

use crate::admin::{AdminError, Administration};
use crate::error::Failure;
use crate::error_chain::ErrorChain;
use crate::object::{Versioned, list};
use crate::ports::{Measurement, Metrics, ServerCertificate};

impl Administration {
    /// Runs every maintenance task that is due. A failure is logged and does not stop the other
    /// tasks.
    ///
    /// # Errors
    /// Returns the store's error when authorities or RA certificates cannot be read, and
    /// [`Failure::Maintenance`] when a task failed.
    pub async fn run_maintenance(&self, metrics: &dyn Metrics) -> Result<(), AdminError> {
        // Before the authorities, some of which this creates.
        let mut is_complete = match self.finish_key_orders().await {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(error = %ErrorChain(&error), "could not use every ordered key");
                false
            }
        };
        for authority in list::<Authority>(&*self.store).await? {
            if let Err(error) = self.reconcile_authority(authority.object.uuid).await {
                let (authority, error) = (&authority.object.name, ErrorChain(&error));
                tracing::error!(%authority, %error, "maintenance of an authority failed");
                is_complete = false;
            }
        }
        if let Err(error) = self.finish_abandoned().await {
            tracing::error!(error = %ErrorChain(&error), "could not complete interrupted issuances");
            is_complete = false;
        }
        if let Err(error) = self.count_certificates().await {
            tracing::error!(error = %ErrorChain(&error), "could not count certificates");
            is_complete = false;
        }
        // The validity is measured after a failure as well: alarms on expiring certificates matter
        // most when the renewal of RA keys fails.
        self.measure_remaining(metrics).await?;
        if !is_complete {
            return Err(Failure::Maintenance.into());
        }
        Ok(())
    }

    /// Measures the remaining validity of each authority's current certificate and CRL, and of the
    /// key with which each RA certificate serves, except of authorities that expired long ago.
    async fn measure_remaining(&self, metrics: &dyn Metrics) -> Result<(), Failure> {
        let now = self.clock.now();
        let mut authorities = Vec::new();
        for Versioned { object, .. } in list::<Authority>(&*self.store).await? {
            let Some(path) = object.current.path() else {
                continue;
            };
            let validity = path.certificate.validity().map_err(Failure::corrupt(
                "the validity of an authority's certificate",
            ))?;
            if now - validity.not_after > EXPIRY_MEASURED {
                continue;
            }
            metrics.record(&Measurement::Remaining {
                certificate: ServerCertificate::Authority,
                name: object.name.as_str(),
                days: days_until(validity.not_after, now),
            });
            // An expired authority signs no more CRLs.
            if validity.not_after > now {
                self.measure_crl(&object, now, metrics).await?;
            }
            authorities.push(object);
        }
        for Versioned { object, .. } in list::<RaCertificate>(&*self.store).await? {
            // Only the key of the current generation serves clients. Others may expire unnoticed.
            let serving_key = authorities
                .iter()
                .find(|authority| authority.uuid == object.authority)
                .and_then(|authority| object.key_of(authority.current.number));
            if let Some(key) = serving_key {
                let validity = key
                    .certificate
                    .validity()
                    .map_err(Failure::corrupt("the validity of an RA certificate"))?;
                metrics.record(&Measurement::Remaining {
                    certificate: ServerCertificate::Ra,
                    name: &object.uuid.to_string(),
                    days: days_until(validity.not_after, now),
                });
            }
        }
        Ok(())
    }

    async fn measure_crl(
        &self,
        authority: &Authority,
        now: OffsetDateTime,
        metrics: &dyn Metrics,
    ) -> Result<(), Failure> {
        let generation = authority.current.number;
        let head = self.store.crl_head(authority.uuid, generation).await?;
        metrics.record(&Measurement::CrlRemaining {
            authority: authority.name.as_str(),
            hours: head.map_or(0.0, |head| 24.0 * days_until(head.next_update, now)),
        });
        Ok(())
    }
}

/// How long the expiry of an authority is measured. An alarm is on the minimum of all certificates,
/// so an authority that is kept for its records would hide the others for ever.
const EXPIRY_MEASURED: Duration = Duration::days(30);

fn days_until(end: OffsetDateTime, now: OffsetDateTime) -> f64 {
    (end - now).as_seconds_f64() / (24.0 * 60.0 * 60.0)
}
