//! Authentication of callers from the claims that API Gateway's JWT authorizer verified, and the
//! adapter between events and the router.

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use lambda_host::JwtClaims;
use management_api::{Authenticate, Caller, CallersUnknown, Scope, body_not_read};
use scep_protocol::HttpRejection;
use tower::ServiceExt;

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
            .get::<JwtClaims>()
            .and_then(|jwt| self.identify(jwt)))
    }
}

impl JwtAuthorizer {
    fn identify(&self, jwt: &JwtClaims) -> Option<Caller> {
        let name = NAMES.iter().find_map(|name| jwt.claims.get(*name))?;
        let parse_scope =
            |scope: &String| Scope::from_name(scope.strip_prefix(&self.scope_prefix)?);
        Some(Caller {
            name: match jwt.claims.get("sub") {
                // Names may change or be reused. The subject does neither, so it goes along into
                // audit records.
                Some(subject) if subject != name => format!("{name} ({subject})"),
                Some(_) | None => name.clone(),
            },
            scopes: jwt.scopes.iter().filter_map(parse_scope).collect(),
        })
    }
}

/// Answers a request with the router.
pub(crate) async fn answer_request(
    router: &Router,
    head: Parts,
    body: Result<Bytes, HttpRejection>,
) -> Response<Bytes> {
    let response = match body {
        Ok(body) => {
            let request = Request::from_parts(head, Body::from(body));
            router
                .clone()
                .oneshot(request)
                .await
                .unwrap_or_else(|never| match never {})
        }
        Err(rejection) => body_not_read(rejection),
    };
    collect_body(response).await
}

/// Builds the response to a request that never reaches the router, or that it does not answer in
/// time.
pub(crate) async fn reject_request(rejection: HttpRejection) -> Response<Bytes> {
    collect_body(body_not_read(rejection)).await
}

async fn collect_body(response: Response<Body>) -> Response<Bytes> {
    let (head, body) = response.into_parts();
    match body.collect().await {
        Ok(body) => Response::from_parts(head, body.to_bytes()),
        Err(error) => {
            // Part of a JSON document is worse than none: the caller could take it for a success.
            tracing::error!(%error, "failed to read the response body");
            let mut broken = Response::new(Bytes::new());
            *broken.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            broken
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[track_caller]
    fn check(claims: &[(&str, &str)], scopes: &[&str], expected: Option<(&str, &[Scope])>) {
        let authorizer = JwtAuthorizer {
            scope_prefix: "scepter/".to_owned(),
        };
        let text = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let jwt = JwtClaims {
            claims: claims.iter().map(text).collect::<HashMap<_, _>>(),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        };
        let caller = authorizer
            .identify(&jwt)
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
