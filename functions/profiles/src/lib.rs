//! Who calls the management API in AWS: machines and people with tokens of one issuer, and MDMs.

mod authorizer;
mod client_secrets;
mod issuer;
#[cfg(test)]
mod issuer_double;
mod people;
mod settings;
mod tokens;

pub use authorizer::JwtAuthorizer;
pub use settings::JwtSettings;
