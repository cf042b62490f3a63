//! Authentication of callers: from the claims that API Gateway's JWT authorizer verified, and of
//! MDMs from tokens or client secrets that they send as passwords, which it cannot read.

use async_trait::async_trait;
use ca::bounded_text::bound_text;
use http::request::Parts;
use lambda_http::aws_lambda_events::apigw::ApiGatewayRequestAuthorizerJwtDescription as JwtClaims;
use lambda_http::request::RequestContext;
use management_api::{Authenticate, Caller, CallersUnknown, Credentials, Scope, bearer_token};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use crate::client_secrets::ClientSecrets;
use crate::people::{PERSON, People, describe_person};
use crate::tokens::TokenVerifier;

/// Authenticates callers by the claims of a token that API Gateway has already verified: signature,
/// issuer, audience and times. A request without such claims has no caller. The URLs of MDMs have
/// no authorizer, so credentials are verified here.
pub struct JwtAuthorizer {
    /// The prefix of the API's scopes in a token: `scepter/` for `scepter/read`.
    pub(crate) scope_prefix: String,
    pub(crate) verifier: TokenVerifier,
    pub(crate) people: People,
    /// The user pool of the stack; `None` if another issuer was chosen.
    pub(crate) client_secrets: Option<ClientSecrets>,
}

/// The claims that may name a caller, from the most readable one.
// Tokens of people have a name or an address, tokens of machines a client_id and a sub.
const NAMES: [&str; 5] = ["username", "cognito:username", "email", "client_id", "sub"];

#[async_trait]
impl Authenticate for JwtAuthorizer {
    async fn caller(&self, head: &Parts) -> Result<Option<Caller>, CallersUnknown> {
        let jwt = head
            .extensions
            .get::<RequestContext>()
            .and_then(RequestContext::authorizer)
            .and_then(|authorizer| authorizer.jwt.as_ref());
        let Some(jwt) = jwt else {
            return Ok(None);
        };
        let claim = |name: &str| jwt.claims.get(name).map(String::as_str);
        if !self.people.signed_in_with(claim) {
            return Ok(self.read_verified(jwt));
        }
        // API Gateway passes a list on as one text, `[a b]`, in which one group may look like two.
        // The token has the list, and is verified again, because a request may have several.
        match bearer_token(&head.headers) {
            Some(token) => self.read_token(token).await,
            None => Ok(None),
        }
    }

    async fn identify(&self, credentials: &Credentials) -> Result<Option<Caller>, CallersUnknown> {
        let Some(token) = self.find_token(credentials).await? else {
            return Ok(None);
        };
        self.read_token(token.expose_secret()).await
    }
}

impl JwtAuthorizer {
    /// The token in the credentials, or the one that a client of the user pool gets for its secret.
    async fn find_token(
        &self,
        credentials: &Credentials,
    ) -> Result<Option<SecretString>, CallersUnknown> {
        if is_token(credentials.secret()) {
            return Ok(Some(credentials.secret().into()));
        }
        match (credentials, &self.client_secrets) {
            (Credentials::Basic { user, password }, Some(secrets)) => {
                secrets.token_of(user, password.expose_secret()).await
            }
            (Credentials::Basic { .. } | Credentials::Token(_), _) => Ok(None),
        }
    }

    /// The caller of a token, once it is verified.
    async fn read_token(&self, token: &str) -> Result<Option<Caller>, CallersUnknown> {
        let claims = self.verifier.verify(token).await?;
        Ok(claims.and_then(|claims| self.read_claims(&claims)))
    }

    /// The caller of claims as API Gateway passes them on.
    fn read_verified(&self, jwt: &JwtClaims) -> Option<Caller> {
        let scopes = jwt.scopes.iter().flatten().map(String::as_str);
        let claim = |name: &str| jwt.claims.get(name).map(String::as_str);
        describe_client(claim, self.read_scopes(scopes))
    }

    /// The caller of the claims of a token. Scopes are a list in one text, RFC 9068 §2.2.3, in
    /// `scope` or, of some issuers, in `scp`, which may also be an array.
    fn read_claims(&self, claims: &Map<String, Value>) -> Option<Caller> {
        let listed = claims.get("scope").or_else(|| claims.get("scp"));
        let scopes: Vec<_> = match listed {
            Some(Value::Array(scopes)) => scopes.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(scopes)) => scopes.split(' ').collect(),
            Some(_) | None => Vec::new(),
        };
        let scopes = self.read_scopes(scopes.into_iter());
        let claim = |name: &str| claims.get(name).and_then(Value::as_str);
        match self.people.signed_in_with(claim) {
            true => describe_person(claims, &scopes),
            false => describe_client(claim, scopes),
        }
    }

    /// The scopes of the API among those of a token.
    fn read_scopes<'a>(&self, scopes: impl Iterator<Item = &'a str>) -> Vec<Scope> {
        scopes
            .filter_map(|scope| scope.strip_prefix(&self.scope_prefix)?.parse().ok())
            .collect()
    }
}

/// The caller of a token that was not issued to a person; `None` if the claims do not say who it
/// is, or pretend to be a person.
fn describe_client<'a>(
    claim: impl Fn(&str) -> Option<&'a str>,
    scopes: Vec<Scope>,
) -> Option<Caller> {
    let name = bound_text(NAMES.iter().find_map(|name| claim(name))?);
    (!name.starts_with(PERSON)).then(|| Caller {
        name: match claim("sub").map(bound_text) {
            // Names may change or be reused. The subject does neither, so it goes along into audit
            // records.
            Some(subject) if subject != name => format!("{name} ({subject})"),
            Some(_) | None => name,
        },
        scopes,
    })
}

/// Whether a secret is a token, RFC 7519: three parts, the first a JSON object in base64url. A
/// client secret has no dots.
fn is_token(secret: &str) -> bool {
    secret.starts_with("eyJ") && secret.split('.').count() == 3
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;
    use crate::issuer::Issuer;
    use crate::issuer_double::{CLIENT, IssuerDouble, KID};
    use authorise_http::HttpClient;
    use http::Request;
    use serde_json::json;

    /// The client by which people sign in.
    const CONSOLE: &str = "console";

    /// An authorizer whose issuer nobody reaches.
    fn new_authorizer() -> JwtAuthorizer {
        let issuer = Issuer::new("https://id.example".to_owned(), None);
        let http = HttpClient::new().unwrap();
        JwtAuthorizer {
            scope_prefix: "scepter/".to_owned(),
            verifier: TokenVerifier::new(issuer, HashSet::new(), http),
            people: People::new(HashSet::from([CONSOLE.to_owned()])),
            client_secrets: None,
        }
    }

    #[test]
    fn the_scopes_of_a_token_are_a_text_or_a_list() {
        for (claims, scopes) in [
            (
                json!({ "scope": "scepter/challenge other/read" }),
                &[Scope::Challenge][..],
            ),
            (
                json!({ "scp": ["scepter/read", "scepter/write", 1] }),
                &[Scope::Read, Scope::Write],
            ),
            (json!({ "scp": "scepter/read" }), &[Scope::Read]),
            (json!({ "scope": 5 }), &[]),
            (json!({}), &[]),
        ] {
            let mut claims = claims.as_object().unwrap().clone();
            claims.insert("client_id".to_owned(), json!("mdm"));
            let caller = new_authorizer().read_claims(&claims).unwrap();
            assert_eq!(
                (caller.name.as_str(), caller.scopes.as_slice()),
                ("mdm", scopes)
            );
        }
        assert_eq!(new_authorizer().read_claims(&Map::new()), None);
    }

    #[test]
    fn a_token_is_told_from_a_client_secret() {
        assert!(is_token("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"));
        for secret in ["", "eyJ", "eyJ.eyJ", "a.b.c", "1fd9qkqo8m2k7g5s0f"] {
            assert!(!is_token(secret), "{secret}");
        }
    }

    #[tokio::test]
    async fn a_token_that_is_sent_as_a_password_has_its_own_scopes() {
        let (issuer, authorizer) = start_issuer().await;
        for (scope, scopes) in [
            ("scepter/challenge", &[Scope::Challenge][..]),
            ("challenge other/challenge scepter/", &[]),
        ] {
            let claims = json!({
                "iss": issuer.name, "exp": u32::MAX, "client_id": CLIENT, "scope": scope,
            });
            let token = issuer.sign(&json!({ "alg": "RS256", "kid": KID }), &claims);
            for credentials in [
                Credentials::Token(token.clone().into()),
                Credentials::Basic {
                    user: "anybody".to_owned(),
                    password: token.clone().into(),
                },
            ] {
                let caller = authorizer.identify(&credentials).await.unwrap().unwrap();
                assert_eq!(
                    (caller.name.as_str(), caller.scopes.as_slice()),
                    (CLIENT, scopes)
                );
            }
        }
    }

    /// An authorizer whose issuer answers.
    async fn start_issuer() -> (IssuerDouble, JwtAuthorizer) {
        let issuer = IssuerDouble::start().await;
        let audience = HashSet::from([CLIENT.to_owned(), CONSOLE.to_owned()]);
        let authorizer = JwtAuthorizer {
            verifier: TokenVerifier::new(
                Issuer::new(issuer.name.clone(), None),
                audience,
                HttpClient::new().unwrap(),
            ),
            ..new_authorizer()
        };
        (issuer, authorizer)
    }

    /// A request with these claims as API Gateway passes them on.
    fn new_request(claims: &Value, scopes: &[&str], headers: &[(&str, &str)]) -> Parts {
        let context = json!({
            "http": {"method": "GET"},
            "authorizer": {"jwt": {"claims": claims, "scopes": scopes}}
        });
        let context = RequestContext::ApiGatewayV2(serde_json::from_value(context).unwrap());
        let mut request = Request::builder().extension(context);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[tokio::test]
    async fn a_person_has_the_scopes_of_the_groups_in_the_token_itself() {
        let (issuer, authorizer) = start_issuer().await;
        let sign = |client: &str, groups: Value| {
            let claims = json!({
                "iss": issuer.name, "exp": u32::MAX, "client_id": client, "sub": "1",
                "username": "jane", "cognito:groups": groups, "token_use": "access",
                "scope": "openid scepter/read scepter/write scepter/approve",
            });
            issuer.sign(&json!({ "alg": "RS256", "kid": KID }), &claims)
        };
        let reader = sign(CONSOLE, json!(["scepter-readers"]));
        // Whoever may name groups could name one like this.
        let impostor = sign(CONSOLE, json!(["x scepter-approvers scepter-writers"]));
        let forged = IssuerDouble::start().await.sign(
            &json!({ "alg": "RS256", "kid": KID }),
            &json!({
                "iss": issuer.name, "exp": u32::MAX, "client_id": CONSOLE, "sub": "1",
                "cognito:groups": ["scepter-writers"], "scope": "scepter/write",
            }),
        );
        let person = Some(("person:jane (1)", &[Scope::Read][..]));
        for (groups, token, expected) in [
            ("[scepter-readers]", format!("Bearer {reader}"), person),
            (
                "[scepter-readers scepter-writers]",
                format!("bearer {reader}"),
                person,
            ),
            (
                "[x scepter-approvers scepter-writers]",
                format!("Bearer {impostor}"),
                Some(("person:jane (1)", &[])),
            ),
            ("[scepter-writers]", format!("Bearer {forged}"), None),
            (
                "[scepter-writers]",
                format!("Bearer {reader},Bearer {forged}"),
                None,
            ),
            ("[scepter-writers]", reader.clone(), None),
            ("[scepter-writers]", String::new(), None),
        ] {
            let claims = json!({ "client_id": CONSOLE, "sub": "1", "cognito:groups": groups });
            let scopes = ["scepter/read", "scepter/write", "scepter/approve"];
            let head = new_request(&claims, &scopes, &[("authorization", &token)]);
            let caller = authorizer.caller(&head).await.unwrap();
            let caller = caller.map(|caller| (caller.name, caller.scopes));
            let expected = expected.map(|(name, scopes)| (name.to_owned(), scopes.to_vec()));
            assert_eq!(caller, expected, "{groups}");
        }
        // As a password, a person's token has no more scopes.
        let credentials = Credentials::Token(reader.into());
        let caller = authorizer.identify(&credentials).await.unwrap().unwrap();
        assert_eq!(caller.scopes, [Scope::Read]);
    }

    #[tokio::test]
    async fn a_person_is_unknown_while_the_issuer_fails() {
        let (issuer, authorizer) = start_issuer().await;
        issuer
            .status
            .store(503, std::sync::atomic::Ordering::SeqCst);
        let claims = json!({ "iss": issuer.name, "exp": u32::MAX, "client_id": CONSOLE });
        let token = issuer.sign(&json!({ "alg": "RS256", "kid": KID }), &claims);
        let token = format!("Bearer {token}");
        let head = new_request(
            &json!({ "client_id": CONSOLE }),
            &[],
            &[("authorization", &token)],
        );
        assert_eq!(authorizer.caller(&head).await, Err(CallersUnknown));
    }

    #[track_caller]
    fn check(claims: &[(&str, &str)], scopes: &[&str], expected: Option<(&str, &[Scope])>) {
        let authorizer = new_authorizer();
        let claims: HashMap<_, _> = claims.iter().copied().collect();
        let head = new_request(&json!(claims), scopes, &[]);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let caller = runtime.block_on(authorizer.caller(&head));
        let caller = caller
            .unwrap_or_else(|CallersUnknown| panic!("the claims are in the request"))
            .map(|caller| (caller.name, caller.scopes));
        assert_eq!(
            caller,
            expected.map(|(name, scopes)| (name.to_owned(), scopes.to_vec()))
        );
    }

    #[test]
    fn a_token_names_its_caller_and_its_scopes() {
        check(
            &[("sub", "1"), ("client_id", "robot")],
            &[
                "scepter/read",
                "scepter/write",
                "openid",
                "approve",
                "other/approve",
            ],
            Some(("robot (1)", &[Scope::Read, Scope::Write])),
        );
        check(&[("sub", "1")], &[], Some(("1", &[])));
        check(&[("aud", "1")], &["scepter/read"], None);
        // No client is taken for a person.
        let pretended = "person:jane (1)";
        check(&[("client_id", pretended)], &["scepter/read"], None);
        check(
            &[("username", pretended), ("sub", "2")],
            &["scepter/read"],
            None,
        );
    }
}
