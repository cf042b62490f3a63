//! Authentication of callers from the claims that API Gateway's JWT authorizer verified.

use async_trait::async_trait;
use http::request::Parts;
use lambda_http::aws_lambda_events::apigw::ApiGatewayRequestAuthorizerJwtDescription as JwtClaims;
use lambda_http::request::RequestContext;
use management_api::{Authenticate, Caller, CallersUnknown};

/// Authenticates callers by the claims of a token that API Gateway has already verified: signature,
/// issuer, audience and times. A request without such claims has no caller.
pub(crate) struct JwtAuthorizer {
    /// The prefix of the API's scopes in a token: `scepter/` for `scepter/read`.
    pub(crate) scope_prefix: String,
}

/// The claims that may name a caller, from the most readable one.
// Tokens of people have a name or an address, tokens of machines a client_id and a sub.
const NAMES: [&str; 5] = ["username", "cognito:username", "email", "client_id", "sub"];

#[async_trait]
impl Authenticate for JwtAuthorizer {
    async fn caller(&self, head: &Parts) -> Result<Option<Caller>, CallersUnknown> {
        Ok(head
            .extensions
            .get::<RequestContext>()
            .and_then(RequestContext::authorizer)
            .and_then(|authorizer| authorizer.jwt.as_ref())
            .and_then(|jwt| self.identify(jwt)))
    }
}

impl JwtAuthorizer {
    fn identify(&self, jwt: &JwtClaims) -> Option<Caller> {
        let name = NAMES.iter().find_map(|name| jwt.claims.get(*name))?;
        let parse_scope = |scope: &String| scope.strip_prefix(&self.scope_prefix)?.parse().ok();
        Some(Caller {
            name: match jwt.claims.get("sub") {
                // Names may change or be reused. The subject does neither, so it goes along into
                // audit records.
                Some(subject) if subject != name => format!("{name} ({subject})"),
                Some(_) | None => name.clone(),
            },
            scopes: jwt
                .scopes
                .iter()
                .flatten()
                .filter_map(parse_scope)
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use http::Request;
    use management_api::Scope;
    use serde_json::json;

    #[track_caller]
    fn check(claims: &[(&str, &str)], scopes: &[&str], expected: Option<(&str, &[Scope])>) {
        let authorizer = JwtAuthorizer {
            scope_prefix: "scepter/".to_owned(),
        };
        let claims: HashMap<_, _> = claims.iter().copied().collect();
        let context = json!({
            "http": {"method": "GET"},
            "authorizer": {"jwt": {"claims": claims, "scopes": scopes}}
        });
        let context = RequestContext::ApiGatewayV2(serde_json::from_value(context).unwrap());
        let request = Request::builder().extension(context).body(()).unwrap();
        let (head, ()) = request.into_parts();
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
    }
}
