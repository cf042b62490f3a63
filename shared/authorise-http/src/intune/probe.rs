//! The test of Intune: logs in and looks for the service that validates requests, and validates
//! none.

use async_trait::async_trait;
use scep_protocol::profile::ScepProfile;
use scep_protocol::vouching::ChallengeSourceKind;
use scep_service::error::Failure;
use scep_service::ports::{ProbeError, SourceProbe};
use time::OffsetDateTime;

use crate::intune::application::Application;
use crate::intune::client::IntuneClient;
use crate::intune::error::IntuneError;
use crate::report::{fail, report, report_http};

#[async_trait]
impl SourceProbe for IntuneClient {
    async fn probe(&self, profile: &ScepProfile, _: OffsetDateTime) -> Result<String, ProbeError> {
        let application = Application::of(profile).map_err(describe_failure)?;
        self.rehearse(&application)
            .await
            .map_err(describe_failure)?;
        Ok(
            "Entra issued tokens, and Microsoft Graph names the service of Intune that validates \
            requests"
                .to_owned(),
        )
    }
}

fn describe_failure(error: IntuneError) -> ProbeError {
    match error {
        IntuneError::Http(error) => report_http(&error),
        IntuneError::Credential(error) => fail(error),
        IntuneError::Login { status, reason, .. } => {
            ProbeError::Unfit(describe_login(status, &reason))
        }
        error @ (IntuneError::Incomplete(_)
        | IntuneError::NotOffered(_)
        | IntuneError::Status { .. }
        | IntuneError::Unreadable(_)) => report(&error),
        error @ (IntuneError::Answered(_) | IntuneError::Client(_)) => fail(Failure::Source {
            kind: ChallengeSourceKind::Intune,
            source: error.into(),
        }),
    }
}

/// Why Entra issued no token: its error code of RFC 6749 §5.2, and its own, which Microsoft's
/// documentation explains. The rest of its answer is for the log.
fn describe_login(status: u16, reason: &str) -> String {
    let is_code = |word: &&str| {
        let is_own = word.strip_prefix("AADSTS").is_some_and(|number| {
            (1..=10).contains(&number.len()) && number.bytes().all(|c| c.is_ascii_digit())
        });
        is_own || LOGIN_ERRORS.contains(word)
    };
    let mut said = format!("Entra issued no token: status {status}");
    let words = reason.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    for code in words.filter(is_code).take(2) {
        said.push_str(", ");
        said.push_str(code);
    }
    said
}

/// The error codes of RFC 6749 §5.2.
const LOGIN_ERRORS: [&str; 6] = [
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "unauthorized_client",
    "unsupported_grant_type",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_codes_of_a_login_are_told() {
        let said = describe_login(
            401,
            "invalid_client AADSTS7000215: Invalid client secret <secret> AADSTSx AADSTS",
        );
        assert_eq!(
            said,
            "Entra issued no token: status 401, invalid_client, AADSTS7000215"
        );
        assert_eq!(
            describe_login(500, "anything"),
            "Entra issued no token: status 500"
        );
    }
}
