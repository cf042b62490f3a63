//! Lock-outs: who has guessed challenges too often is refused for a while without a look at the
//! challenge.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};

use crate::id::{LockoutUuid, ScepProfileUuid};
use crate::transaction::Fingerprint;

/// The number of failures within [`WINDOW`] that locks out.
const MAX_FAILURES: u32 = 10;

/// The time within which failures are counted.
const WINDOW: Duration = Duration::minutes(10);

/// The first lock-out; each further one lasts twice as long, up to [`LONGEST`].
const SHORTEST: Duration = Duration::minutes(1);

/// The longest lock-out. For as long after its end, one failure locks out again.
const LONGEST: Duration = Duration::hours(1);

/// Whose failures are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockoutSubject {
    /// The client's IPv4 address, or its IPv6 network of 64 bits.
    // One host has a whole IPv6 network to choose addresses from.
    Address(IpAddr),
    /// The key that signed the message.
    Key(Fingerprint),
}

impl LockoutSubject {
    /// The subject of a client's address.
    #[must_use]
    pub fn of_address(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V4(address) => address.into(),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
            }
        })
    }

    /// What is counted, as the API names it.
    #[must_use]
    pub const fn by(&self) -> &'static str {
        match self {
            Self::Address(_) => "ADDRESS",
            Self::Key(_) => "KEY",
        }
    }

    /// The identity of the count under a SCEP Profile: 122 bits of SHA-256.
    #[must_use]
    pub fn uuid(&self, scep_profile: ScepProfileUuid) -> LockoutUuid {
        let digest = Sha256::new_with_prefix(scep_profile)
            .chain_update(self.by())
            .chain_update(self.to_string())
            .finalize();
        Fingerprint(digest.into()).typed_uuid()
    }
}

/// Formats as the value in the API: an IPv4 address, an IPv6 network with its length, or a
/// fingerprint.
impl fmt::Display for LockoutSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(IpAddr::V4(address)) => address.fmt(f),
            Self::Address(IpAddr::V6(network)) => write!(f, "{network}/64"),
            Self::Key(key) => key.fmt(f),
        }
    }
}

/// The count of one subject's failures under a SCEP Profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lockout {
    /// The SCEP Profile.
    pub scep_profile: ScepProfileUuid,
    /// Whose failures are counted.
    pub subject: LockoutSubject,
    /// The failures since [`Self::since`].
    pub failures: u32,
    /// The first failure that counts.
    pub since: OffsetDateTime,
    /// The number of lock-outs in succession.
    pub rounds: u32,
    /// The last moment of the latest lock-out; `None` before the first.
    pub until: Option<OffsetDateTime>,
    /// A number that grows with every write; 0 before the first.
    pub version: u64,
}

impl Lockout {
    /// The count of a subject without failures.
    #[must_use]
    pub const fn none(
        scep_profile: ScepProfileUuid,
        subject: LockoutSubject,
        now: OffsetDateTime,
    ) -> Self {
        Self {
            scep_profile,
            subject,
            failures: 0,
            since: now,
            rounds: 0,
            until: None,
            version: 0,
        }
    }

    /// The identity in the API and in storage.
    #[must_use]
    pub fn uuid(&self) -> LockoutUuid {
        self.subject.uuid(self.scep_profile)
    }

    /// Whether the subject is locked out.
    #[must_use]
    pub fn is_locked(&self, now: OffsetDateTime) -> bool {
        self.until.is_some_and(|until| now <= until)
    }

    /// The last moment at which the count matters.
    #[must_use]
    pub fn expires_at(&self) -> OffsetDateTime {
        let window_end = self.since + WINDOW;
        self.until
            .map_or(window_end, |until| window_end.max(until + LONGEST))
    }

    /// Counts a failure.
    #[must_use]
    pub fn with_failure(&self, now: OffsetDateTime) -> Self {
        if self.expires_at() < now {
            return Self {
                version: self.version,
                ..Self::none(self.scep_profile, self.subject, now)
            }
            .with_failure(now);
        }
        let is_in_window = now <= self.since + WINDOW;
        let (failures, since) = match is_in_window {
            true => (self.failures.saturating_add(1), self.since),
            false => (1, now),
        };
        let counted = Self {
            failures,
            since,
            ..self.clone()
        };
        // A client that was locked out a short time ago gets no further ten attempts.
        if failures < MAX_FAILURES && self.rounds == 0 {
            return counted;
        }
        let lasts = SHORTEST.saturating_mul(1_i32.checked_shl(self.rounds).unwrap_or(i32::MAX));
        Self {
            rounds: self.rounds.saturating_add(1),
            until: Some(now + lasts.clamp(SHORTEST, LONGEST)),
            ..counted
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const START: OffsetDateTime = datetime!(2026-01-01 0:00 UTC);

    fn new_lockout() -> Lockout {
        let subject = LockoutSubject::of_address("192.0.2.1".parse().unwrap());
        Lockout::none(ScepProfileUuid::nil(), subject, START)
    }

    /// Counts failures at these seconds after the start.
    fn after_failures(seconds: &[i64]) -> Lockout {
        seconds.iter().fold(new_lockout(), |lockout, second| {
            lockout.with_failure(START + Duration::seconds(*second))
        })
    }

    #[track_caller]
    fn check_until(seconds: &[i64], expected: Option<i64>) {
        let until = after_failures(seconds).until;
        assert_eq!(until.map(|until| (until - START).whole_seconds()), expected);
    }

    #[test]
    fn the_tenth_failure_within_ten_minutes_locks_out() {
        check_until(&[0; 9], None);
        check_until(&[0; 10], Some(60));
        check_until(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 600], Some(660));
        check_until(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 601], None);
    }

    #[test]
    fn each_further_failure_locks_out_for_twice_as_long_up_to_an_hour() {
        let mut seconds = vec![0; 10];
        for (after, lasts) in [
            (61, 120),
            (200, 240),
            (500, 480),
            (1_000, 960),
            (2_000, 1_920),
            (4_000, 3_600),
            (8_000, 3_600),
            (12_000, 3_600),
        ] {
            seconds.push(after);
            check_until(&seconds, Some(after + lasts));
        }
        // Nothing for an hour after the end of the last one: the next failure is the first.
        seconds.push(12_000 + 7_201);
        check_until(&seconds, None);
        assert_eq!(after_failures(&seconds).failures, 1);
    }

    #[test]
    fn a_lock_out_includes_its_last_moment() {
        let lockout = after_failures(&[0; 10]);
        assert!(lockout.is_locked(START + Duration::seconds(60)));
        assert!(!lockout.is_locked(START + Duration::seconds(61)));
        assert!(!new_lockout().is_locked(START));
    }

    #[test]
    fn hosts_of_one_ipv6_network_are_one_subject() {
        let subject = |address: &str| LockoutSubject::of_address(address.parse().unwrap());
        assert_eq!(subject("2001:db8::1"), subject("2001:db8::ffff:1"));
        assert_ne!(subject("2001:db8::1"), subject("2001:db8:0:1::1"));
        assert_eq!(subject("::ffff:192.0.2.1"), subject("192.0.2.1"));
        assert_eq!(subject("2001:db8::1").to_string(), "2001:db8::/64");
        assert_eq!(subject("192.0.2.1").to_string(), "192.0.2.1");
        let profile = ScepProfileUuid::nil();
        assert_ne!(
            subject("192.0.2.1").uuid(profile),
            subject("192.0.2.2").uuid(profile)
        );
    }
}
