//! Limits on what administrators may write.

/// The maximum number of purposes of an RA certificate.
pub(super) const MAX_USAGES: usize = 16;

/// The maximum length of a challengePassword, in characters: pkcs-9-ub-challengePassword of RFC
/// 2985.
pub const MAX_CHALLENGE_CHARACTERS: usize = 255;

/// The maximum length of a rejection's reason, in characters. The client receives it as
/// failInfoText.
pub const MAX_REASON_CHARACTERS: usize = 200;

/// How long a webhook may be given to answer, in seconds. A device waits as long for its answer.
pub const WEBHOOK_TIMEOUT_SECONDS: std::ops::RangeInclusive<u8> = 1..=10;
