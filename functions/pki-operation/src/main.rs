//! Lambda function for PKIOperation and GetNextCACert. Its role is the only one that may unwrap RA
//! keys.
//!
//! The function may also read what the others read. Therefore it answers the other operations as
//! well, where no route leads to their functions: by POST and HEAD, in another spelling, and at the
//! fixed paths of devices whose path cannot be configured.

use std::process::ExitCode;

use lambda_host::{Adapters, FrontDoors};
use scep_http::{EveryOperation, at_fixed_path, respond_scep};

fn main() -> ExitCode {
    lambda_host::main(|environment| async move {
        let adapters = Adapters::of(&environment)?;
        let operations = &EveryOperation::new(adapters.enrolment()?);
        let default = &environment.profile("SCEPTER_DEFAULT_SCEP_PROFILE")?;
        let assertions = &adapters.assertions()?;
        lambda_host::serve(&FrontDoors::of(&environment), async |head, body| {
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
        })
        .await
    })
}
