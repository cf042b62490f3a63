//! One-time challenges for MDMs: the page of NDES, and the webhook of Jamf Pro.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Instant;

use bytes::Bytes;
use ca::template::Period;
use ca::vouched_names::VouchedNamesSpec;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use newtype_uuid::GenericUuid;
use scep_cms::certificate::Certificate;
use scep_http::{BodyError, ClientAddress, confine_response};
use scep_protocol::id::ScepProfileUuid;
use scep_protocol::profile::ScepProfile;
use scep_protocol::ra_certificate::RaCertificate;
use scep_protocol::refusal::HttpRejection;
use scep_protocol::vouching::ChallengeSourceKind;
use scep_service::admin::{AdminError, Administration, ChallengeRequest, NewChallenge};
use scep_service::audit::Actor;
use scep_service::error::Failure;
use scep_service::error_chain::ErrorChain;
use scep_service::object::ObjectKind;

use crate::access::truncate_for_log;
use crate::credentials::Credentials;
use crate::jamf_event::{JamfEvent, clean_text};
use crate::mdm_url::{MdmForm, MdmUrl};
use crate::ndes_page::{Encoding, render_challenge, render_refusal};
use crate::{Api, Caller, CallersUnknown, Scope};

/// The longest body of an event, in octets.
pub const MAX_EVENT_BYTES: usize = 16 * 1024;

/// How long a challenge is valid, in minutes: as long as one of NDES, of which MDMs know it.
const VALIDITY_MINUTES: u8 = 60;

const TEXT: HeaderValue = HeaderValue::from_static("text/plain");

/// Why an MDM gets no challenge.
enum MdmError {
    /// The credentials are missing or wrong.
    Unauthenticated,
    /// The token does not have the scope `challenge`.
    Forbidden,
    /// A page of another site made the browser send the request.
    OtherSite,
    /// Callers cannot be authenticated at the moment.
    TryLater,
    /// No SCEP Profile has the name.
    Unknown,
    /// The SCEP Profile does not have `ONE_TIME` among its challenge sources.
    OneTimeNotChosen,
    /// The body is no event.
    NoEvent(serde_json::Error),
    /// The body cannot be read.
    Body(BodyError),
    /// The use case refused or failed.
    Use(AdminError),
}

impl From<AdminError> for MdmError {
    fn from(error: AdminError) -> Self {
        Self::Use(error)
    }
}

impl MdmError {
    /// The status, and the reason as a sentence without a full stop.
    fn explain(&self) -> (StatusCode, String) {
        let (status, reason) = match self {
            Self::Unauthenticated => (
                StatusCode::UNAUTHORIZED,
                "A token with the scope challenge is required, as the password of any user",
            ),
            // The sentence of NDES, by which Fleet tells this error from others.
            Self::Forbidden => (
                StatusCode::FORBIDDEN,
                "You do not have sufficient permission to enroll with SCEP. The token lacks the \
                 scope challenge",
            ),
            Self::OtherSite => (
                StatusCode::FORBIDDEN,
                "A page of another site sent this request: open the address yourself",
            ),
            Self::Unknown => (StatusCode::NOT_FOUND, "There is no such SCEP Profile"),
            Self::OneTimeNotChosen => (
                StatusCode::FORBIDDEN,
                "The SCEP Profile has no one-time challenges: ONE_TIME is not among its \
                 challengeSources",
            ),
            Self::NoEvent(error) => {
                let reason = format!("The body is no event of Jamf Pro in JSON: {error}");
                return (StatusCode::BAD_REQUEST, reason);
            }
            Self::Body(BodyError::TooLarge) => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "The body is larger than 16 KiB",
            ),
            Self::Body(BodyError::Damaged | BodyError::TimedOut | BodyError::Unreadable) => {
                (StatusCode::BAD_REQUEST, "The body could not be read")
            }
            Self::TryLater => return explain_rejection(HttpRejection::TryLater),
            Self::Use(AdminError::Failed(failure)) => {
                return explain_rejection(failure.rejection());
            }
            Self::Use(error @ (AdminError::Conflict | AdminError::NameTaken(_))) => {
                return (StatusCode::CONFLICT, error.to_string());
            }
            Self::Use(error @ AdminError::NotFound(_)) => {
                return (StatusCode::NOT_FOUND, error.to_string());
            }
            Self::Use(error @ (AdminError::Invalid(_) | AdminError::VersionMissing)) => {
                return (StatusCode::UNPROCESSABLE_ENTITY, error.to_string());
            }
        };
        (status, reason.to_owned())
    }

    fn log(&self) {
        if let Self::Use(AdminError::Failed(failure)) = self {
            let error = ErrorChain(failure);
            tracing::error!(%error, "the server failed");
        }
    }
}

/// Whether a browser sends a request for a page of another site: Fetch Metadata Request Headers,
/// W3C, §2.3.
fn is_of_other_site(headers: &HeaderMap) -> bool {
    let mut sites = headers.get_all("sec-fetch-site").iter();
    sites.any(|site| site.as_bytes().eq_ignore_ascii_case(b"cross-site"))
}

fn explain_rejection(rejection: HttpRejection) -> (StatusCode, String) {
    let status = StatusCode::from_u16(rejection.status());
    (
        status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        rejection.text().into_owned(),
    )
}

impl Api {
    /// Responds to a request to a URL at which MDMs get challenges, and logs one line about it.
    ///
    /// Each `GET` of the page and each event `SCEPChallenge` makes a challenge with one use, which
    /// is valid for an hour; `HEAD` and other events make none. Events of Jamf Pro other than
    /// `SCEPChallenge` get 204.
    ///
    /// `body` is the whole body, or the reason why it could not be read; up to [`MAX_EVENT_BYTES`]
    /// are accepted.
    pub async fn respond_to_mdm(
        &self,
        url: &MdmUrl,
        head: &Parts,
        body: Result<Bytes, BodyError>,
    ) -> Response<Bytes> {
        let start = Instant::now();
        let client_address = ClientAddress::of(head);
        let caller = self.identify_mdm(head).await;
        let name = caller.as_ref().map(|caller| caller.name.clone()).ok();
        let answered = match caller {
            Ok(caller) => self.answer_mdm(url, &caller, head, body).await,
            Err(error) => Err(error),
        };
        let response = answered.unwrap_or_else(|error| {
            error.log();
            refuse(url.form, head, &error)
        });
        tracing::info!(
            client_address = client_address.map(tracing::field::display),
            caller = name.as_deref().map(truncate_for_log),
            profile = url.profile.as_str(),
            form = url.form.name(),
            status = response.status().as_u16(),
            milliseconds = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
            "challenge request"
        );
        add_headers(response)
    }

    async fn identify_mdm(&self, head: &Parts) -> Result<Caller, MdmError> {
        // A browser repeats the credentials of a page that somebody opened, whichever page sends
        // the request, and each makes a challenge. MDMs are no browsers and send no such header.
        if is_of_other_site(&head.headers) {
            return Err(MdmError::OtherSite);
        }
        let credentials = Credentials::of(&head.headers).ok_or(MdmError::Unauthenticated)?;
        let identified = self.authenticate.identify(&credentials).await;
        identified
            .map_err(|CallersUnknown| MdmError::TryLater)?
            .ok_or(MdmError::Unauthenticated)
    }

    async fn answer_mdm(
        &self,
        url: &MdmUrl,
        caller: &Caller,
        head: &Parts,
        body: Result<Bytes, BodyError>,
    ) -> Result<Response<Bytes>, MdmError> {
        let may = |scope: Scope| caller.scopes.contains(&scope);
        if !may(Scope::Challenge) && !may(Scope::Write) {
            return Err(MdmError::Forbidden);
        }
        let administration = Administration {
            actor: Actor::new(caller.name.clone()),
            ..self.administration.clone()
        };
        let profile = MdmProfile {
            administration,
            url,
            caller,
            client_address: ClientAddress::of(head),
        };
        match url.form {
            MdmForm::NdesPage => profile.answer_page(head).await,
            MdmForm::Jamf => profile.answer_event(body).await,
        }
    }
}

/// A SCEP Profile of which an MDM asks for a challenge.
struct MdmProfile<'a> {
    administration: Administration,
    url: &'a MdmUrl,
    caller: &'a Caller,
    client_address: Option<IpAddr>,
}

impl MdmProfile<'_> {
    async fn answer_page(&self, head: &Parts) -> Result<Response<Bytes>, MdmError> {
        let profile = self.find_profile().await?;
        let encoding = Encoding::of(&head.uri, &head.headers);
        if head.method == Method::HEAD {
            return Ok(build_response(encoding.media_type(), Bytes::new()));
        }
        let authority = self.find_authority_certificate(&profile).await?;
        let new = self.make_challenge(&profile, BTreeMap::new()).await?;
        let page = render_challenge(authority.as_ref(), &new.secret, VALIDITY_MINUTES);
        Ok(build_response(
            encoding.media_type(),
            encoding.encode(&page).into(),
        ))
    }

    async fn answer_event(
        &self,
        body: Result<Bytes, BodyError>,
    ) -> Result<Response<Bytes>, MdmError> {
        let body = body.map_err(MdmError::Body)?;
        if body.len() > MAX_EVENT_BYTES {
            return Err(MdmError::Body(BodyError::TooLarge));
        }
        match JamfEvent::parse(&body).map_err(MdmError::NoEvent)? {
            JamfEvent::Challenge(properties) => {
                let profile = self.find_profile().await?;
                let new = self.make_challenge(&profile, properties).await?;
                let secret = Bytes::from(new.secret.reveal().to_owned());
                Ok(build_response(TEXT, secret))
            }
            JamfEvent::Other => {
                let mut response = Response::new(Bytes::new());
                *response.status_mut() = StatusCode::NO_CONTENT;
                Ok(response)
            }
        }
    }

    async fn find_profile(&self) -> Result<ScepProfile, MdmError> {
        let store = &self.administration.store;
        let found = store
            .uuid_of(ObjectKind::ScepProfile, &self.url.profile)
            .await;
        let uuid = found
            .map_err(AdminError::from)?
            .map(ScepProfileUuid::from_untyped_uuid)
            .ok_or(MdmError::Unknown)?;
        let profile: ScepProfile = match self.administration.get(uuid).await {
            Ok(found) => found.object,
            Err(AdminError::NotFound(_)) => return Err(MdmError::Unknown),
            Err(error) => return Err(error.into()),
        };
        match profile
            .challenge_sources()
            .contains(&ChallengeSourceKind::OneTime)
        {
            true => Ok(profile),
            false => Err(MdmError::OneTimeNotChosen),
        }
    }

    /// The certificate of the authority that issues for a profile; `None` before it has one.
    async fn find_authority_certificate(
        &self,
        profile: &ScepProfile,
    ) -> Result<Option<Certificate>, MdmError> {
        let found = self
            .administration
            .get::<RaCertificate>(profile.ra_certificate)
            .await?;
        let authority = self
            .administration
            .get::<ca::authority::Authority>(found.object.authority)
            .await?;
        let issuing = authority.object.issuing_authority();
        Ok(issuing.map(|issuing| issuing.certificate))
    }

    async fn make_challenge(
        &self,
        profile: &ScepProfile,
        annotations: BTreeMap<String, String>,
    ) -> Result<NewChallenge, MdmError> {
        let request = ChallengeRequest {
            validity: Some(Period::hours(VALIDITY_MINUTES / 60)),
            uses: Some(1),
            ra_profile: None,
            transaction_id: None,
            names: VouchedNamesSpec::default(),
            hold: false,
            note: Some(self.describe(&annotations)),
            annotations,
        };
        let made = self
            .administration
            .create_challenges(profile.uuid, vec![request])
            .await?;
        // One request makes one challenge.
        let new = made.into_iter().next();
        new.ok_or_else(|| AdminError::Failed(Failure::Busy).into())
    }

    /// The note of a challenge: how and by whom it was asked for, from where, and for which device.
    fn describe(&self, device: &BTreeMap<String, String>) -> String {
        let form = self.url.form.name();
        let mut note = format!("{form} by {}", clean_text(&self.caller.name));
        if let Some(address) = self.client_address {
            note += &format!(" from {address}");
        }
        // These two identify a device; the others are in the annotations.
        for (name, label) in [("serialNumber", "serial number"), ("udid", "udid")] {
            if let Some(value) = device.get(name) {
                note += &format!(", {label} {value}");
            }
        }
        note
    }
}

/// The response to an MDM that gets no challenge, in the form that it reads.
fn refuse(form: MdmForm, head: &Parts, error: &MdmError) -> Response<Bytes> {
    let (status, reason) = error.explain();
    let mut response = match form {
        MdmForm::NdesPage => {
            let encoding = Encoding::of(&head.uri, &head.headers);
            let page = render_refusal(&format!("{reason}."));
            build_response(encoding.media_type(), encoding.encode(&page).into())
        }
        MdmForm::Jamf => build_response(TEXT, Bytes::from(format!("{reason}\n"))),
    };
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if status == StatusCode::UNAUTHORIZED {
        let basic = HeaderValue::from_static("Basic realm=\"scepter\", charset=\"UTF-8\"");
        headers.insert(WWW_AUTHENTICATE, basic);
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(http::header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
    response
}

fn build_response(media_type: HeaderValue, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response
}

/// Adds headers that keep challenges out of caches, and confine pages in browsers.
fn add_headers(mut response: Response<Bytes>) -> Response<Bytes> {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    confine_response(headers);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_or_is_gone_meanwhile_is_told_apart_from_what_is_invalid() {
        for (error, status) in [
            (AdminError::Conflict, StatusCode::CONFLICT),
            (
                AdminError::NotFound(ObjectKind::ScepProfile),
                StatusCode::NOT_FOUND,
            ),
            (
                AdminError::Invalid(Vec::new()),
                StatusCode::UNPROCESSABLE_ENTITY,
            ),
        ] {
            assert_eq!(MdmError::from(error).explain().0, status);
        }
    }
}
