//! Lambda function for PKIOperation and GetNextCACert. Its role is the only one that may unwrap RA
//! keys.
//!
//! The function may also read what the others read. Therefore it answers the other operations as
//! well, where no route leads to their functions: by POST and HEAD, in another spelling, and at the
//! fixed paths of devices whose path cannot be configured.

use std::process::ExitCode;
use std::sync::Arc;

use lambda_host::{Adapters, FrontDoors};
use scep_http::{EveryOperation, at_fixed_path, respond_scep};
use scep_service::ports::{Clock, SystemClock};

fn main() -> ExitCode {
    lambda_host::main(|environment| async move {
        let adapters = Adapters::of(&environment)?;
        let enrolment = adapters.enrolment()?;
        let refusals = Arc::clone(&enrolment.refusals);
        let operations = &EveryOperation::new(enrolment);
        let default = &environment.profile("SCEPTER_DEFAULT_SCEP_PROFILE")?;
        let assertions = &adapters.assertions()?;
        let doors = FrontDoors::of(&environment)?;
        let answer = async |head, body| {
            if let Some(issuer) = assertions
                && let Some(response) = lambda_host::respond_well_known(issuer, &head).await
            {
                return response;
            }
            let profile_head = match default {
                Some(profile) => at_fixed_path(head, profile),
                None => head,
            };
            respond_scep(operations, &profile_head, body).await
        };
        let rest = async || refusals.write_due(SystemClock.now()).await;
        lambda_host::serve_then(&doors, answer, rest).await
    })
}
