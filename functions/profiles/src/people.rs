//! People who signed in to the console: who they are, and what their groups let them do.

use std::collections::HashSet;

use ca::bounded_text::bound_text;
use management_api::{Caller, Scope};
use serde_json::{Map, Value};

/// What the name of every person begins with, so that no other caller can have a person's name.
pub(crate) const PERSON: &str = "person:";

/// The claims that may name the client of a token: Cognito's and RFC 9068's, and those of Keycloak
/// and Auth0, Okta and Entra.
const CLIENTS: [&str; 4] = ["client_id", "azp", "cid", "appid"];

/// The claims that may list a person's groups: Cognito's, and that of other issuers.
const GROUPS: [&str; 2] = ["cognito:groups", "groups"];

/// The claims that may name a person, from the one that the issuer guards best.
// Cognito's access tokens have `username` alone.
const NAMES: [&str; 4] = [
    "username",
    "cognito:username",
    "preferred_username",
    "email",
];

/// The scope that a group gives.
const SCOPES: [(&str, Scope); 4] = [
    ("scepter-readers", Scope::Read),
    ("scepter-writers", Scope::Write),
    ("scepter-approvers", Scope::Approve),
    ("scepter-challengers", Scope::Challenge),
];

/// The people of the issuer of tokens.
pub(crate) struct People {
    /// The ids of the clients by which people sign in.
    clients: HashSet<String>,
}

impl People {
    pub(crate) fn new(clients: HashSet<String>) -> Self {
        Self { clients }
    }

    /// Whether a token was issued to a client by which people sign in.
    pub(crate) fn signed_in_with<'a>(&self, claim: impl Fn(&str) -> Option<&'a str>) -> bool {
        // One claim suffices: a token that names two clients must not escape its groups.
        CLIENTS
            .iter()
            .filter_map(|name| claim(name))
            .any(|client| self.clients.contains(client))
    }
}

/// The person of these claims, with those of the scopes that a group of theirs gives; `None` if the
/// claims do not say who it is.
pub(crate) fn describe_person(claims: &Map<String, Value>, scopes: &[Scope]) -> Option<Caller> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let subject = bound_text(text("sub")?);
    let given = scopes_of_groups(claims);
    Some(Caller {
        // Names may change or be reused, or be chosen by the person. The subject is none of that,
        // and stands last, where no name can imitate it.
        name: match NAMES.iter().find_map(|name| text(name)).map(bound_text) {
            Some(name) if name != subject => format!("{PERSON}{name} ({subject})"),
            Some(_) | None => format!("{PERSON}{subject}"),
        },
        scopes: scopes
            .iter()
            .copied()
            .filter(|scope| given.contains(scope))
            .collect(),
    })
}

/// The scopes that the groups in these claims give.
fn scopes_of_groups(claims: &Map<String, Value>) -> Vec<Scope> {
    // Only the first claim counts. In Cognito, `groups` may be an attribute that people edit.
    let listed = GROUPS.iter().find_map(|name| claims.get(*name));
    let is_in = |group: &str| match listed {
        Some(Value::Array(groups)) => groups.iter().any(|one| one == group),
        Some(one) => one == group,
        None => false,
    };
    SCOPES
        .iter()
        .filter(|(group, _)| is_in(group))
        .map(|(_, scope)| *scope)
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use Scope::{Approve, Challenge, Read, Write};

    const ALL: [Scope; 4] = [Read, Write, Approve, Challenge];

    #[track_caller]
    fn check_person(claims: Value, scopes: &[Scope], expected: Option<(&str, &[Scope])>) {
        let person = describe_person(claims.as_object().unwrap(), scopes);
        let person = person.map(|person| (person.name, person.scopes));
        assert_eq!(
            person,
            expected.map(|(name, scopes)| (name.to_owned(), scopes.to_vec())),
            "{claims}"
        );
    }

    #[test]
    fn a_person_may_do_what_both_a_group_and_the_token_allow() {
        for (groups, scopes, expected) in [
            (json!(["scepter-readers"]), &ALL[..], &[Read][..]),
            (json!(["scepter-writers"]), &ALL, &[Write]),
            (json!(["scepter-approvers"]), &ALL, &[Approve]),
            (json!(["scepter-challengers", "others"]), &ALL, &[Challenge]),
            (
                json!(["scepter-approvers", "scepter-readers"]),
                &ALL,
                &[Read, Approve],
            ),
            (
                json!(["scepter-readers", "scepter-writers"]),
                &[Write],
                &[Write],
            ),
            (json!(["scepter-readers"]), &[Write], &[]),
            (json!("scepter-readers"), &ALL, &[Read]),
            // A group that is named like several is none of them.
            (json!(["x scepter-approvers"]), &ALL, &[]),
            (json!("scepter-readers scepter-writers"), &ALL, &[]),
            (json!("[scepter-readers scepter-writers]"), &ALL, &[]),
            (json!(["SCEPTER-READERS", "readers", ""]), &ALL, &[]),
            (json!({ "scepter-readers": true }), &ALL, &[]),
            (json!([["scepter-readers"]]), &ALL, &[]),
            (json!([]), &ALL, &[]),
            (json!(null), &ALL, &[]),
        ] {
            let claims = json!({ "sub": "1", "username": "jane", "cognito:groups": groups });
            check_person(claims, scopes, Some(("person:jane (1)", expected)));
        }
        check_person(json!({ "sub": "1" }), &ALL, Some(("person:1", &[])));
        let other_issuer = json!({ "sub": "1", "groups": ["scepter-readers"] });
        check_person(other_issuer, &ALL, Some(("person:1", &[Read])));
        let both = json!({ "sub": "1", "cognito:groups": [], "groups": ["scepter-readers"] });
        check_person(both, &ALL, Some(("person:1", &[])));
    }

    #[test]
    fn a_person_is_named_by_a_readable_claim_and_the_subject() {
        for (claims, name) in [
            (
                json!({ "sub": "1", "username": "jane", "email": "j@x.example" }),
                "person:jane (1)",
            ),
            (
                json!({ "sub": "1", "preferred_username": "j" }),
                "person:j (1)",
            ),
            (
                json!({ "sub": "1", "email": "j@x.example" }),
                "person:j@x.example (1)",
            ),
            (json!({ "sub": "1", "username": "1" }), "person:1"),
            (json!({ "sub": "1", "client_id": "console" }), "person:1"),
            (
                json!({ "sub": "1", "username": "x (2)" }),
                "person:x (2) (1)",
            ),
            // Nothing that hides or reorders text reaches audit records.
            (
                json!({ "sub": "1\u{202e}", "username": "j\u{200b}ane\n" }),
                "person:j\u{fffd}ane\u{fffd} (1\u{fffd})",
            ),
        ] {
            check_person(claims, &[], Some((name, &[])));
        }
        check_person(json!({ "username": "jane" }), &ALL, None);
    }

    #[test]
    fn people_are_told_by_the_client_of_their_token() {
        let people = People::new(HashSet::from(["console".to_owned()]));
        for (claims, is_person) in [
            (&[("client_id", "console")][..], true),
            (&[("azp", "console")], true),
            (&[("cid", "console")], true),
            (&[("appid", "console")], true),
            (&[("client_id", "robot"), ("azp", "console")], true),
            (&[("client_id", "robot")], false),
            (&[("username", "console"), ("sub", "console")], false),
            (&[], false),
        ] {
            let claim = |name: &str| {
                let found = claims.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| *value)
            };
            assert_eq!(people.signed_in_with(claim), is_person, "{claims:?}");
        }
    }
}
