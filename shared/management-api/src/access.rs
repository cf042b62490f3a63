//! Access control: a table with one scope per route.

use std::sync::Arc;
use std::time::Instant;

use axum::body::HttpBody;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::Method;

use crate::caller::{Caller, CallersUnknown, Scope};
use crate::response::{ApiError, MAX_BODY_BYTES};
use crate::{Api, PREFIX};

use Scope::{Approve, Read, Write};

/// The scope of every route. Routes that are not listed are denied. The routes of a single RA
/// Profile also exist below `/authorities/{authorityUuid}`.
pub(crate) const ROUTES: &[(&str, &str, Scope)] = &[
    ("GET", "/auditRecords", Read),
    ("GET", "/authorities", Read),
    ("POST", "/authorities", Write),
    ("GET", "/authorities/{uuid}", Read),
    ("PUT", "/authorities/{uuid}", Write),
    ("DELETE", "/authorities/{uuid}", Write),
    ("POST", "/authorities/{uuid}/certificate", Write),
    ("GET", "/authorities/{uuid}/crl", Read),
    ("GET", "/authorities/{uuid}/csr", Read),
    ("POST", "/authorities/{uuid}/rollover", Write),
    ("POST", "/authorities/{uuid}/rollover/activate", Write),
    ("GET", "/authorities/{authorityUuid}/raCertificates", Read),
    ("POST", "/authorities/{authorityUuid}/raCertificates", Write),
    (
        "GET",
        "/authorities/{authorityUuid}/raCertificates/{uuid}",
        Read,
    ),
    (
        "DELETE",
        "/authorities/{authorityUuid}/raCertificates/{uuid}",
        Write,
    ),
    ("GET", "/authorities/{authorityUuid}/raProfiles", Read),
    ("POST", "/authorities/{authorityUuid}/raProfiles", Write),
    ("GET", "/certificates", Read),
    ("GET", "/certificates/{uuid}", Read),
    ("GET", "/certificates/{uuid}/pem", Read),
    ("POST", "/certificates/{uuid}/revoke", Approve),
    ("GET", "/raProfiles", Read),
    ("DELETE", "/raProfiles/delete", Write),
    ("DELETE", "/raProfiles/delete/force", Write),
    ("PATCH", "/raProfiles/disable", Write),
    ("PATCH", "/raProfiles/enable", Write),
    ("GET", "/raProfiles/{uuid}", Read),
    ("PUT", "/raProfiles/{uuid}", Write),
    ("DELETE", "/raProfiles/{uuid}", Write),
    ("PATCH", "/raProfiles/{uuid}/disable", Write),
    ("PATCH", "/raProfiles/{uuid}/enable", Write),
    ("GET", "/raProfiles/{uuid}/protocols/scep", Read),
    (
        "PATCH",
        "/raProfiles/{uuid}/protocols/scep/activate/{scepProfileUuid}",
        Write,
    ),
    (
        "PATCH",
        "/raProfiles/{uuid}/protocols/scep/deactivate",
        Write,
    ),
    ("GET", "/scepProfiles", Read),
    ("POST", "/scepProfiles", Write),
    ("GET", "/scepProfiles/caCertificates", Read),
    ("DELETE", "/scepProfiles/delete", Write),
    ("DELETE", "/scepProfiles/delete/force", Write),
    ("PATCH", "/scepProfiles/disable", Write),
    ("PATCH", "/scepProfiles/enable", Write),
    ("GET", "/scepProfiles/{uuid}", Read),
    ("PUT", "/scepProfiles/{uuid}", Write),
    ("DELETE", "/scepProfiles/{uuid}", Write),
    ("PATCH", "/scepProfiles/{uuid}/disable", Write),
    ("PATCH", "/scepProfiles/{uuid}/enable", Write),
    (
        "PATCH",
        "/scepProfiles/{uuid}/raProfiles/{raProfileUuid}",
        Write,
    ),
    ("GET", "/scepTransactions", Read),
    ("GET", "/scepTransactions/{uuid}", Read),
    ("POST", "/scepTransactions/{uuid}/approve", Approve),
    ("POST", "/scepTransactions/{uuid}/reject", Approve),
];

/// The prefix of the routes of a single RA Profile when they name its authority.
pub(crate) const OF_AUTHORITY: &str = "/authorities/{authorityUuid}";

/// The scope of a route; `None` if the route is not in the table.
pub(crate) fn scope_of(method: &Method, route: &str) -> Option<Scope> {
    let listed_route = route
        .strip_prefix(OF_AUTHORITY)
        .filter(|rest| rest.starts_with("/raProfiles/"))
        .unwrap_or(route);
    // axum serves HEAD with the handler of GET.
    let listed_method = if method == Method::HEAD {
        "GET"
    } else {
        method.as_str()
    };
    ROUTES
        .iter()
        .find(|row| row.0 == listed_method && row.1 == listed_route)
        .map(|(_, _, scope)| *scope)
}

/// The longest caller name in a log line, in octets.
const MAX_LOGGED_NAME_BYTES: usize = 300;

/// Passes a request on if its caller has the scope of the route, and logs one line about it.
pub(crate) async fn authorise_request(
    State(api): State<Arc<Api>>,
    matched: MatchedPath,
    request: Request,
    next: Next,
) -> Response {
    let start = Instant::now();
    let method = request.method().clone();
    // The route is logged rather than the URL, which the client can make arbitrarily long.
    let route = matched
        .as_str()
        .strip_prefix(PREFIX)
        .unwrap_or_default()
        .to_owned();
    let (head, body) = request.into_parts();
    let caller = api.authenticate.caller(&head).await;
    let name = caller
        .as_ref()
        .ok()
        .and_then(Option::as_ref)
        .map(|caller| caller.name.clone());
    let checked = caller
        .map_err(|CallersUnknown| ApiError::TryLater)
        .and_then(|caller| check_scope(caller, scope_of(&method, &route)));
    // An oversized body is rejected by its announced length, before any of it is read; but only
    // after authentication, so that other callers get 401 or 403.
    let announced = usize::try_from(body.size_hint().lower());
    let admitted = match announced {
        Ok(..=MAX_BODY_BYTES) => checked,
        Ok(_) | Err(_) => checked.and(Err(ApiError::TooLarge)),
    };
    let response = match admitted {
        Ok(caller) => {
            let mut request = Request::from_parts(head, body);
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(error) => error.into_response(),
    };
    tracing::info!(
        caller = name.as_deref().map(truncate_for_log),
        method = method_name(&method),
        route,
        status = response.status().as_u16(),
        milliseconds = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
        "management request"
    );
    response
}

/// The method as logged. Clients may send any word of any length as a method, so unknown ones are
/// logged as `other`.
fn method_name(method: &Method) -> &str {
    let known = [
        Method::DELETE,
        Method::GET,
        Method::HEAD,
        Method::OPTIONS,
        Method::PATCH,
        Method::POST,
        Method::PUT,
    ];
    match known.contains(method) {
        true => method.as_str(),
        false => "other",
    }
}

/// Truncates a caller's name for the log. In AWS the name comes from the token issuer, which may
/// let users choose it.
fn truncate_for_log(name: &str) -> &str {
    let end = name.floor_char_boundary(MAX_LOGGED_NAME_BYTES);
    name.get(..end).unwrap_or_default()
}

fn check_scope(caller: Option<Caller>, scope: Option<Scope>) -> Result<Caller, ApiError> {
    // Checked first: without a valid token, nobody learns which routes exist.
    let caller = caller.ok_or(ApiError::Unauthenticated)?;
    match scope {
        Some(scope) if caller.scopes.contains(&scope) => Ok(caller),
        Some(scope) => Err(ApiError::Forbidden(scope)),
        None => Err(ApiError::NotFound(
            "there is nothing at this URL".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_table_has_each_route_and_no_other() {
        let document = serde_json::to_value(crate::openapi()).unwrap();
        let mut documented = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for method in methods.as_object().unwrap().keys() {
                let path = path.strip_prefix(PREFIX).unwrap();
                let method: Method = method.to_uppercase().parse().unwrap();
                assert!(scope_of(&method, path).is_some(), "{method} {path}");
                let below = path.strip_prefix(OF_AUTHORITY).unwrap_or(path);
                let path = if below.starts_with("/raProfiles/") {
                    below
                } else {
                    path
                };
                documented.insert((method.to_string(), path.to_owned()));
            }
        }
        let rows = ROUTES
            .iter()
            .map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned()));
        assert_eq!(documented, rows.collect());
    }

    #[track_caller]
    fn check(scopes: &[Scope], needed: Option<Scope>, admits: bool) {
        let caller = Caller {
            name: "someone".to_owned(),
            scopes: scopes.to_vec(),
        };
        assert_eq!(check_scope(Some(caller), needed).is_ok(), admits);
        assert!(check_scope(None, needed).is_err());
    }

    #[test]
    fn a_scope_admits_to_its_routes_alone() {
        check(&[Read], Some(Read), true);
        check(&[Read], Some(Write), false);
        check(&[Write], Some(Read), false);
        check(&[Read, Write], Some(Approve), false);
        check(&Scope::ALL, Some(Approve), true);
        check(&Scope::ALL, None, false);
        check(&[], Some(Read), false);
    }
}
