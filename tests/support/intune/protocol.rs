//! What all parts of the double have in common: steps, faults, objections and headers.

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;
use serde_json::{Map, Value, json};

use crate::intune::State;

/// A call that a SCEP server makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Login,
    Graph,
    Validate,
    Success,
    Failure,
    Download,
    Upload,
}

/// How a call fails.
#[derive(Clone, Debug)]
pub enum Fault {
    /// A response with status 200 and this body.
    Answer(String),
    /// Status 503, until the step is healed.
    Outage,
    /// No response within a minute.
    Silence,
    /// A response with this status.
    Status(u16),
    /// Status 429 with this many seconds in `Retry-After`.
    Throttled(u64),
}

/// What a token gives access to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    Graph,
    Intune,
}

/// A request that Microsoft would not accept.
pub(crate) struct Objection {
    pub(crate) status: StatusCode,
    pub(crate) text: String,
    code: String,
}

impl Objection {
    pub(crate) fn new(status: u16, text: &str) -> Self {
        Self {
            status: status.try_into().unwrap(),
            text: text.to_owned(),
            code: "invalid_request".to_owned(),
        }
    }

    pub(crate) fn coded(status: u16, code: &str, text: &str) -> Self {
        Self {
            code: code.to_owned(),
            ..Self::new(status, text)
        }
    }

    pub(crate) fn body(&self) -> String {
        json!({ "error": self.code, "error_description": self.text }).to_string()
    }
}

/// Objects unless something is as it should be.
pub(crate) fn require(is_right: bool, text: &str) -> Result<(), Objection> {
    is_right
        .then_some(())
        .ok_or_else(|| Objection::new(400, text))
}

/// Which call a request is; `None` for a URL that nobody serves.
pub(crate) fn find_step(head: &Parts) -> Option<Step> {
    let path = head.uri.path();
    if path.starts_with("/login/") {
        return Some(Step::Login);
    }
    if path.starts_with("/graph/") {
        return Some(Step::Graph);
    }
    let (_, action) = path.strip_prefix("/fef")?.split_once('/')?;
    match action {
        "scep/ScepActions/validateRequest" => Some(Step::Validate),
        "scep/ScepActions/successNotification" => Some(Step::Success),
        "scep/ScepActions/failureNotification" => Some(Step::Failure),
        "pki/CertificateAuthorityRequests/downloadRevocationRequests" => Some(Step::Download),
        "pki/CertificateAuthorityRequests/uploadRevocationResults" => Some(Step::Upload),
        _ => None,
    }
}

pub(crate) fn answer(status: StatusCode, body: &str) -> Response {
    let mut response = Response::new(Body::from(body.to_owned()));
    *response.status_mut() = status;
    response
}

pub(crate) fn answer_json(body: &Value) -> Response {
    answer(StatusCode::OK, &body.to_string())
}

pub(crate) fn header<'a>(head: &'a Parts, name: &str) -> Result<&'a str, Objection> {
    let values: Vec<_> = head.headers.get_all(name).iter().collect();
    match values[..] {
        [value] => Ok(value.to_str().unwrap()),
        _ => Err(Objection::new(
            400,
            &format!("header {name} is not there once"),
        )),
    }
}

/// Checks the token, and the identity of the request.
pub(crate) fn check_caller(
    state: &State,
    head: &Parts,
    audience: Audience,
) -> Result<(), Objection> {
    require(head.uri.query().is_none(), "no query is known")?;
    let activity = header(head, "client-request-id")?;
    require(
        uuid::Uuid::parse_str(activity).is_ok(),
        "client-request-id is no GUID",
    )?;
    let token = header(head, "authorization")?
        .strip_prefix("Bearer ")
        .ok_or_else(|| Objection::new(401, "no bearer token"))?;
    match state.tokens.get(token) {
        Some(known) if *known == audience => Ok(()),
        Some(_) => Err(Objection::new(401, "the token is for another audience")),
        None => Err(Objection::new(401, "the token is unknown")),
    }
}

/// Checks a call of a service of Intune, and returns the object named `name` in its body.
pub(crate) fn read_call(
    state: &State,
    head: &Parts,
    body: &[u8],
    api_version: &str,
    name: &str,
) -> Result<Value, Objection> {
    require(head.method == "POST", "not a POST")?;
    let shard = format!("/fef{}/", state.shard);
    if !head.uri.path().starts_with(&shard) {
        return Err(Objection::new(404, "the service is not here any more"));
    }
    check_caller(state, head, Audience::Intune)?;
    let media_type = header(head, "content-type")?;
    require(
        media_type.starts_with("application/json"),
        "the Content-Type is not JSON",
    )?;
    require(
        header(head, "api-version")? == api_version,
        "wrong api-version",
    )?;
    require(!header(head, "useragent")?.is_empty(), "no UserAgent")?;
    let body: Map<String, Value> =
        serde_json::from_slice(body).map_err(|error| Objection::new(400, &error.to_string()))?;
    require(body.len() == 1, "the body has more than one member")?;
    body.get(name)
        .cloned()
        .ok_or_else(|| Objection::new(400, &format!("the body has no member {name}")))
}

/// Checks that an object has these members and no others.
pub(crate) fn check_members(object: &Value, names: &[&str]) -> Result<(), Objection> {
    let members = object
        .as_object()
        .ok_or_else(|| Objection::new(400, "not an object"))?;
    let mut found: Vec<_> = members.keys().map(String::as_str).collect();
    let mut expected = names.to_vec();
    found.sort_unstable();
    expected.sort_unstable();
    require(
        found == expected,
        &format!("the members are {found:?} and not {expected:?}"),
    )
}

/// A member that is text and not empty.
pub(crate) fn text<'a>(object: &'a Value, name: &str) -> Result<&'a str, Objection> {
    object[name]
        .as_str()
        .filter(|text| !text.trim().is_empty())
        .ok_or_else(|| Objection::new(400, &format!("{name} is no text")))
}
