//! Lambda function for GetCACaps. Its role may read profiles and nothing else.

use std::process::ExitCode;

use lambda_host::{Adapters, FrontDoors};
use scep_http::{ProfileOperations, respond_scep};

fn main() -> ExitCode {
    lambda_host::main(|environment| async move {
        let adapters = Adapters::of(&environment)?;
        let operations =
            &ProfileOperations::get_ca_caps(adapters.profile_service(adapters.profiles())?);
        let doors = FrontDoors::of(&environment)?;
        lambda_host::serve(&doors, async |head, body| {
            respond_scep(operations, &head, body).await
        })
        .await
    })
}
