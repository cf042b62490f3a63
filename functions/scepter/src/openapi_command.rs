//! `scepter openapi`: prints the OpenAPI document without a server.

use std::error::Error;
use std::io::Write;

/// Prints the document to standard output, as indented JSON with sorted names, so that two versions
/// of it can be compared line by line.
pub(crate) fn print_document() -> Result<(), Box<dyn Error>> {
    let mut text = serde_json::to_string_pretty(&management_api::openapi())?;
    text.push('\n');
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}
