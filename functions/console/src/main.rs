//! Lambda function for the web console. Its role may do nothing but log: whatever the console shows
//! comes from the management API.

mod sign_in;

use std::process::ExitCode;

use console_http::Console;
use lambda_host::FrontDoors;

use crate::sign_in::read_sign_in;

fn main() -> ExitCode {
    lambda_host::main(|environment| async move {
        // API Gateway and CloudFront answer by TLS alone.
        let console = &Console::new(&read_sign_in(&environment)?, "https:")?;
        let doors = FrontDoors::of(&environment)?;
        lambda_host::serve(&doors, async |head, _| console.respond(&head)).await
    })
}
