//! The traits of a challengePassword that may be stored.

use scep_cms::challenge::ChallengePassword;
use serde::{Deserialize, Serialize};

/// Shortest challengePassword that causes no warning, in characters.
pub(crate) const MIN_CHALLENGE_CHARACTERS: usize = 16;

/// The traits of a challengePassword that can be stored without revealing it. Noted when it is set,
/// because the management API can encrypt secrets and not decrypt them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChallengeTraits {
    /// Whether it has fewer than 16 characters.
    pub is_short: bool,
    /// Whether it has a character outside PrintableString, which Windows cannot send.
    pub is_unfit_for_windows: bool,
}

impl ChallengeTraits {
    /// Determines the traits of a challengePassword.
    #[must_use]
    pub fn of(challenge: &ChallengePassword) -> Self {
        // X.680 §41.4. With any other character, such as `_` or `@`, Windows fails before it sends
        // anything.
        let is_fit = |c: char| c.is_ascii_alphanumeric() || " '()+,-./:=?".contains(c);
        Self {
            is_short: challenge.reveal().chars().count() < MIN_CHALLENGE_CHARACTERS,
            is_unfit_for_windows: !challenge.reveal().chars().all(is_fit),
        }
    }
}
