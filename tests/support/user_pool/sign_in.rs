//! The pages of the pool: a person signs in, is led back with a code, and signs out.

use axum::extract::{RawQuery, State};
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;
use http::header::LOCATION;
use url::Url;
use uuid::Uuid;

use super::forms::Parameters;
use super::{CLIENT_ID, Grant, Objection, Pool, SCOPES, seconds_since_1970};

/// The parameters of a request for a code.
const AUTHORIZE: [&str; 7] = [
    "client_id",
    "code_challenge",
    "code_challenge_method",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
];

/// RFC 6749 §4.1.1 with RFC 7636 §4.3. Leads to the page at which the password is typed.
pub(super) async fn authorize(State(pool): State<Pool>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    match check_request(&pool, &query) {
        Ok(_) => lead_to(&format!("/login?{query}")),
        Err(objection) => pool.object(objection),
    }
}

pub(super) async fn show_login(State(pool): State<Pool>, RawQuery(query): RawQuery) -> Response {
    match check_request(&pool, &query.unwrap_or_default()) {
        Ok(_) => login_page(""),
        Err(objection) => pool.object(objection),
    }
}

/// Checks the password, and leads back with a code, RFC 6749 §4.1.2.
pub(super) async fn log_in(
    State(pool): State<Pool>,
    RawQuery(query): RawQuery,
    body: String,
) -> Response {
    let request = match check_request(&pool, &query.unwrap_or_default()) {
        Ok(request) => request,
        Err(objection) => return pool.object(objection),
    };
    let form = match Parameters::parse(&body) {
        Ok(form) => form,
        Err(reason) => return pool.object(("invalid_request", reason)),
    };
    let (name, password) = (form.get("username"), form.get("password"));
    let mut state = pool.lock();
    let user = state.users.get(name);
    if user.is_none_or(|user| user.password != password) {
        return login_page("Incorrect username or password.");
    }
    let code = Uuid::new_v4().to_string();
    let grant = Grant {
        user: name.to_owned(),
        scope: request.get("scope").to_owned(),
        redirect_uri: request.get("redirect_uri").to_owned(),
        code_challenge: request.get("code_challenge").to_owned(),
        authenticated_at: seconds_since_1970(),
    };
    state.codes.insert(code.clone(), grant);
    let mut back = Url::parse(request.get("redirect_uri")).unwrap();
    back.query_pairs_mut()
        .append_pair("code", &code)
        .append_pair("state", request.get("state"));
    lead_to(back.as_str())
}

/// Cognito's sign-out: `logout_uri` has to be one of the client's.
pub(super) async fn log_out(State(pool): State<Pool>, RawQuery(query): RawQuery) -> Response {
    let query = match Parameters::parse(&query.unwrap_or_default()) {
        Ok(query) => query,
        Err(reason) => return pool.object(("invalid_request", reason)),
    };
    let target = query.get("logout_uri");
    let is_known = pool.lock().logout_urls.contains(target);
    match query.get("client_id") == CLIENT_ID && is_known {
        true => lead_to(target),
        false => pool.object(("invalid_request", format!("logout to {target:?}"))),
    }
}

/// Only what a public client of the pool sends. A wrong redirect URI is never followed, RFC 6749
/// §4.1.2.1; nor is any other mistake here, since the console makes none.
fn check_request(pool: &Pool, query: &str) -> Result<Parameters, Objection> {
    let request = Parameters::parse(query).map_err(|reason| ("invalid_request", reason))?;
    if request.names() != AUTHORIZE {
        let reason = format!("parameters {:?}", request.names());
        return Err(("invalid_request", reason));
    }
    let object = |error, name| Err((error, request.get(name).to_owned()));
    if request.get("client_id") != CLIENT_ID {
        return object("invalid_client", "client_id");
    }
    let target = request.get("redirect_uri");
    if !pool.lock().callback_urls.contains(target) {
        return object("redirect_mismatch", "redirect_uri");
    }
    if request.get("response_type") != "code" {
        return object("unsupported_response_type", "response_type");
    }
    let mut scopes = request.get("scope").split(' ');
    if !scopes.all(|scope| SCOPES.contains(&scope)) {
        return object("invalid_scope", "scope");
    }
    if request.get("code_challenge_method") != "S256" {
        return object("invalid_request", "code_challenge_method");
    }
    let challenge = request.get("code_challenge");
    if challenge.len() != 43 || !challenge.chars().all(is_base64url) {
        return object("invalid_request", "code_challenge");
    }
    Ok(request)
}

fn is_base64url(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_".contains(c)
}

fn lead_to(location: &str) -> Response {
    (StatusCode::FOUND, [(LOCATION, location)]).into_response()
}

/// The form posts to its own URL, whose query it keeps.
fn login_page(problem: &str) -> Response {
    Html(format!(
        "<!doctype html><html lang=en><link rel=icon href=data:,><title>Sign in</title>\
         <main><h1>Sign in</h1><p role=alert>{problem}</p><form method=post>\
         <label>Username <input name=username autocomplete=username></label>\
         <label>Password <input name=password type=password autocomplete=current-password></label>\
         <button>Sign in</button></form></main></html>"
    ))
    .into_response()
}
