//! The yes of a challenge source.

use std::collections::{BTreeMap, BTreeSet};

use ca::vouched_names::{VouchedNames, VouchedNamesSpec};
use scep_cms::transaction_id::TransactionId;
use time::OffsetDateTime;

use crate::id::RaProfileUuid;
use crate::one_time_challenge::{ChallengeState, OneTimeChallenge};
use crate::refusal::Refusal;
use crate::reported_csr::ReportedCsr;
use crate::transaction::Fingerprint;
use crate::vouching::{ChallengeSourceKind, Vouching};

/// The yes of a challenge source.
#[derive(Clone, Debug)]
pub struct Vouched {
    /// The source.
    pub source: ChallengeSourceKind,
    /// The names that the source stands for.
    pub names: VouchedNames,
    /// Whether an administrator has to approve the enrolment nevertheless.
    pub hold: bool,
    /// Texts for the record of the certificate, such as a device's serial number.
    pub annotations: BTreeMap<String, String>,
    /// The one-time challenge, a use of which the claim takes.
    pub challenge: Option<Box<OneTimeChallenge>>,
    /// The PKCS #10 request, if the source wants to hear what became of it.
    pub csr: Option<ReportedCsr>,
}

impl Vouched {
    /// The yes of a source that stands for no names and adds nothing to the record.
    #[must_use]
    pub fn by(source: ChallengeSourceKind) -> Self {
        Self {
            source,
            names: VouchedNames::default(),
            hold: false,
            annotations: BTreeMap::new(),
            challenge: None,
            csr: None,
        }
    }

    /// This yes after the webhook, as a gate, said yes too: with the names of both, and held if
    /// either holds.
    ///
    /// # Errors
    /// [`Refusal::Denied`] if one stands for other names than the other.
    pub fn through(self, gate: &Self) -> Result<Self, Refusal> {
        let names = merge_names(&self.names, &gate.names).ok_or_else(|| {
            Refusal::Denied("the names vouched for contradict each other".to_owned())
        })?;
        Ok(Self {
            names,
            hold: self.hold || gate.hold,
            ..self
        })
    }
}

/// The names of both; `None` if they differ about a kind of name.
fn merge_names(one: &VouchedNames, other: &VouchedNames) -> Option<VouchedNames> {
    let mut merged = VouchedNamesSpec::clone(one);
    for (attribute, value) in &other.subject {
        let known = merged
            .subject
            .entry(*attribute)
            .or_insert_with(|| value.clone());
        if known != value {
            return None;
        }
    }
    let alt_names = &mut merged.subject_alt_names;
    if let Some(sid) = &other.subject_alt_names.sid {
        let known = alt_names.sid.get_or_insert_with(|| sid.clone());
        if known != sid {
            return None;
        }
    }
    for (kind, texts) in &other.subject_alt_names.by_type {
        let Some(texts) = texts else {
            continue;
        };
        let known = alt_names.by_type.entry(*kind).or_default();
        let known = known.get_or_insert_with(|| texts.clone());
        // The order of names has no meaning.
        let (known, texts): (BTreeSet<_>, BTreeSet<_>) =
            (known.iter().collect(), texts.iter().collect());
        if known != texts {
            return None;
        }
    }
    VouchedNames::try_from(merged).ok()
}

impl From<&Vouched> for Vouching {
    fn from(vouched: &Vouched) -> Self {
        Self {
            source: Some(vouched.source),
            challenge: vouched.challenge.as_ref().map(|challenge| challenge.uuid),
            names: vouched.names.clone(),
            annotations: vouched.annotations.clone(),
            csr: vouched.csr.clone(),
        }
    }
}

impl OneTimeChallenge {
    /// Decides whether the challenge is good for an enrolment at this RA Profile.
    ///
    /// A request that has taken a use, or corrects one that waits for an administrator, is accepted
    /// again: [`Self::take`] decides whether it takes another use.
    ///
    /// # Errors
    /// [`Refusal::ChallengeMisbound`], [`Refusal::ChallengeUsed`] and
    /// [`Refusal::ChallengeExpired`].
    pub fn vouch(
        &self,
        ra_profile: RaProfileUuid,
        transaction_id: &TransactionId,
        csr: Fingerprint,
        requester_key: Fingerprint,
        now: OffsetDateTime,
    ) -> Result<Vouched, Refusal> {
        let terms = &self.terms;
        if terms.ra_profile.is_some_and(|bound| bound != ra_profile) {
            return Err(Refusal::ChallengeMisbound("RA Profile"));
        }
        let bound = terms.transaction_id.as_ref();
        if bound.is_some_and(|bound| bound != transaction_id) {
            return Err(Refusal::ChallengeMisbound("transactionID"));
        }
        let has_taken = self.taken.iter().any(|taken| {
            let is_held = taken.held_until.is_some() && taken.counts(now);
            taken.requester_key == requester_key && (taken.csr == csr || is_held)
        });
        match self.state(now) {
            ChallengeState::Unused => {}
            ChallengeState::Used | ChallengeState::Expired | ChallengeState::Deleted
                if has_taken => {}
            ChallengeState::Used => return Err(Refusal::ChallengeUsed),
            ChallengeState::Expired | ChallengeState::Deleted => {
                return Err(Refusal::ChallengeExpired);
            }
        }
        let mut annotations = terms.annotations.clone();
        if !terms.note.as_str().is_empty() {
            annotations.insert("note".to_owned(), terms.note.as_str().to_owned());
        }
        Ok(Vouched {
            names: terms.names.clone(),
            hold: terms.hold,
            annotations,
            challenge: Some(Box::new(self.clone())),
            ..Vouched::by(ChallengeSourceKind::OneTime)
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn vouch_through(source: &Value, gate: &Value) -> Result<Vouched, Refusal> {
        let vouch = |names: &Value| Vouched {
            names: serde_json::from_value(names.clone()).unwrap(),
            ..Vouched::by(ChallengeSourceKind::Static)
        };
        vouch(source).through(&vouch(gate))
    }

    /// Checks the names of a source and a gate together, whichever is which; null if they
    /// contradict each other.
    #[track_caller]
    fn check(source: Value, gate: Value, expected: Value) {
        for (source, gate) in [(&source, &gate), (&gate, &source)] {
            let through = vouch_through(source, gate);
            if expected.is_null() {
                let refusal = through.err();
                assert!(matches!(refusal, Some(Refusal::Denied(_))), "{refusal:?}");
                continue;
            }
            let expected: VouchedNames = serde_json::from_value(expected.clone()).unwrap();
            assert_eq!(through.unwrap().names, expected, "{source} {gate}");
        }
    }

    #[test]
    fn a_gate_adds_names_of_other_kinds() {
        let name = json!({ "subject": { "CN": "device-7" } });
        let dns = json!({ "subjectAltNames": { "dns": ["a.example", "b.example"] } });
        let none = json!({ "subjectAltNames": { "upn": [] } });
        let sid = json!({ "subjectAltNames": { "sid": "S-1-5-21-1-2-3-1001" } });
        let merged = json!({
            "subject": { "CN": "device-7" },
            "subjectAltNames": { "dns": ["a.example", "b.example"] },
        });
        check(name.clone(), json!({}), name.clone());
        check(name.clone(), name.clone(), name.clone());
        check(name, dns.clone(), merged);
        check(
            sid.clone(),
            json!({ "subjectAltNames": { "sid": null } }),
            sid,
        );
        check(
            none.clone(),
            json!({ "subjectAltNames": { "upn": null } }),
            none,
        );
    }

    #[test]
    fn names_of_one_kind_must_be_the_same_in_any_order() {
        let of = |kind: &str, names: Value| json!({ "subjectAltNames": { kind: names } });
        let one = of("dns", json!(["a.example", "b.example"]));
        let turned = vouch_through(&one, &of("dns", json!(["b.example", "a.example"])));
        assert!(turned.is_ok());
        for (source, gate) in [
            (one.clone(), of("dns", json!(["a.example"]))),
            (one.clone(), of("dns", json!(["a.example", "c.example"]))),
            (one, of("dns", json!([]))),
            (
                of("sid", json!("S-1-5-21-1-2-3-1001")),
                of("sid", json!("S-1-5-21-1-2-3-500")),
            ),
            (
                json!({ "subject": { "CN": "device-7" } }),
                json!({ "subject": { "CN": "device-8", "O": "Corp" } }),
            ),
        ] {
            check(source, gate, Value::Null);
        }
    }

    #[test]
    fn either_can_hold() {
        for (source, gate) in [(false, false), (true, false), (false, true), (true, true)] {
            let vouch = |hold| Vouched {
                hold,
                ..Vouched::by(ChallengeSourceKind::OneTime)
            };
            let through = vouch(source).through(&vouch(gate)).unwrap();
            assert_eq!(through.hold, source || gate);
        }
    }
}
