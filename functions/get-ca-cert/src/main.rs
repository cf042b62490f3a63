//! Lambda function for GetCACert and the CRLs of authorities. Its role may read profiles and
//! nothing else.

use std::process::ExitCode;
use std::sync::Arc;

use lambda_host::{Adapters, FrontDoors};
use scep_http::{CRL_PREFIX, CrlService, ProfileOperations, respond_crl, respond_scep};
use scep_service::crl_cache::CachedCrls;
use scep_service::ports::SystemClock;

fn main() -> ExitCode {
    lambda_host::main(|environment| async move {
        let adapters = Adapters::of(&environment)?;
        // CRLs are in the table that this function reads anyway.
        let table = adapters.profiles();
        let operations = &ProfileOperations::get_ca_cert(adapters.profile_service(table.clone())?);
        let crls = &CrlService {
            crls: Arc::new(CachedCrls::new(table)),
            clock: Arc::new(SystemClock),
        };
        let doors = FrontDoors::of(&environment)?;
        lambda_host::serve(&doors, async |head, body| {
            match head.uri.path().starts_with(CRL_PREFIX) {
                true => respond_crl(crls, &head).await,
                false => respond_scep(operations, &head, body).await,
            }
        })
        .await
    })
}
