//! Limits on what administrators may write.

/// The maximum number of purposes of an RA certificate.
pub(super) const MAX_USAGES: usize = 16;

/// The maximum length of a challengePassword, in characters: pkcs-9-ub-challengePassword of RFC
/// 2985.
pub const MAX_CHALLENGE_CHARACTERS: usize = 255;

/// The maximum validity of a one-time challenge, in days.
pub(super) const MAX_CHALLENGE_DAYS: i64 = 90;

/// The maximum number of certificates that a one-time challenge is good for.
// Each use is a part of the challenge's item. Who needs more has many devices, and should make a
// challenge for each.
pub const MAX_CHALLENGE_USES: u16 = 100;

/// The maximum number of one-time challenges that are made at once.
pub const MAX_CHALLENGES: usize = 500;

/// The maximum length of a rejection's reason, in characters. The client receives it as
/// failInfoText.
pub const MAX_REASON_CHARACTERS: usize = 200;

/// How long a webhook may be given to answer, in seconds. A device waits as long for its answer.
pub const WEBHOOK_TIMEOUT_SECONDS: std::ops::RangeInclusive<u8> = 1..=10;
