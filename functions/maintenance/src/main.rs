//! Lambda function for maintenance, which a schedule invokes: CRLs, RA keys, and transactions that
//! a crash interrupted.

use std::process::ExitCode;

use lambda_host::Adapters;
use scep_service::audit::Actor;

fn main() -> ExitCode {
    lambda_host::main(|environment| async move {
        let adapters = Adapters::of(&environment)?;
        // The author of what audit records say about maintenance.
        let administration = &adapters.administration(Actor::new("schedule".to_owned()))?;
        let metrics = &*adapters.metrics();
        lambda_host::serve_schedule(async || administration.run_maintenance(metrics).await).await
    })
}
