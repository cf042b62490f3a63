//! Lambda function for maintenance, which schedules invoke: CRLs, RA keys, transactions that a
//! crash interrupted, revocations that Microsoft Intune orders, and notices.

use std::process::ExitCode;

use lambda_host::{Adapters, ScheduledTask};
use scep_service::admin::AdminError;
use scep_service::audit::Actor;

fn main() -> ExitCode {
    lambda_host::main(|environment| async move {
        let adapters = Adapters::of(&environment)?;
        // The author of what audit records say about maintenance.
        let administration = &adapters.administration(Actor::new("schedule".to_owned()))?;
        let enrolment = &adapters.enrolment()?;
        let metrics = &*adapters.metrics();
        let intune = &*adapters.intune()?;
        lambda_host::serve_schedule(async |task| {
            if task == ScheduledTask::Notices {
                return enrolment
                    .deliver_due_notices()
                    .await
                    .map_err(AdminError::from);
            }
            let maintained = administration.run_maintenance(metrics).await;
            // What Intune orders is followed after a failure as well.
            let followed = administration.follow_revocation_orders(intune).await;
            // A service hears of events even while something else cannot be maintained.
            let delivered = enrolment.deliver_due_notices().await;
            maintained
                .and(followed)
                .and(delivered.map_err(AdminError::from))
        })
        .await
    })
}
