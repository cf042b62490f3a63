//! Responds to requests for the console.

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderMap,
    HeaderValue, IF_NONE_MATCH, LOCATION, VARY,
};
use http::request::Parts;
use http::{Method, Response, StatusCode};

use crate::encoding::accepts_gzip;
use crate::files::File;
use crate::headers::SecurityHeaders;
use crate::{SignIn, UnfitSignIn};

/// The path of the console.
pub const PREFIX: &str = "/console/";

/// The page that is the application.
const INDEX: &str = "index.html";

/// Below it, Vite writes the hash of each file into its name.
const ASSETS: &str = "assets/";

/// How people sign in, for the application.
const SIGN_IN: &str = "sign-in.json";

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// The console, as the server serves it.
pub struct Console {
    sign_in: Bytes,
    headers: SecurityHeaders,
}

impl Console {
    /// # Errors
    /// If the console cannot work with the identity provider.
    pub fn new(sign_in: &SignIn) -> Result<Self, UnfitSignIn> {
        Ok(Self {
            sign_in: sign_in.to_json()?,
            headers: SecurityHeaders::of(sign_in)?,
        })
    }

    /// Responds to a request for `/console` or a path below [`PREFIX`]; other paths get 404. The
    /// request's body is ignored.
    #[must_use]
    pub fn respond(&self, head: &Parts) -> Response<Bytes> {
        let mut response = match head.method {
            Method::GET => self.respond_to_get(head),
            Method::HEAD => without_body(self.respond_to_get(head)),
            Method::OPTIONS => {
                let mut response = empty_response(StatusCode::NO_CONTENT);
                response.headers_mut().insert(ALLOW, METHODS);
                response
            }
            _ => {
                let status = StatusCode::METHOD_NOT_ALLOWED;
                let mut response = text_response(status, "the console is read by GET\n");
                response.headers_mut().insert(ALLOW, METHODS);
                response
            }
        };
        self.headers.add_to(response.headers_mut());
        response
    }

    fn respond_to_get(&self, head: &Parts) -> Response<Bytes> {
        let path = head.uri.path();
        let Some(name) = path.strip_prefix(PREFIX) else {
            return match PREFIX.trim_end_matches('/') == path {
                true => redirect_to_prefix(),
                false => text_response(StatusCode::NOT_FOUND, "not found\n"),
            };
        };
        if name == SIGN_IN {
            let json = HeaderValue::from_static("application/json");
            return uncached(StatusCode::OK, json, self.sign_in.clone());
        }
        // Every page of the application is a path of its own, and none names a file.
        let page = (!names_file(name)).then_some(INDEX);
        match File::find(page.unwrap_or(name)) {
            Some(file) => file_response(file, name.starts_with(ASSETS), &head.headers),
            None => text_response(StatusCode::NOT_FOUND, "not found\n"),
        }
    }
}

/// Whether a path below the prefix is that of a file, and not that of a page of the application.
fn names_file(name: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or_default();
    last.contains('.') || name.starts_with(ASSETS)
}

fn file_response(file: File, is_immutable: bool, headers: &HeaderMap) -> Response<Bytes> {
    let tag = file.entity_tag();
    let is_known = matches_tag(headers, &tag);
    let media_type = file.media_type.clone();
    let mut response = match accepts_gzip(headers) {
        true => {
            let mut response = Response::new(file.compressed());
            let gzip = HeaderValue::from_static("gzip");
            response.headers_mut().insert(CONTENT_ENCODING, gzip);
            response
        }
        false => match file.decompress() {
            Ok(content) => Response::new(content),
            // The build compressed it, so this does not happen.
            Err(_) => return text_response(StatusCode::INTERNAL_SERVER_ERROR, "server error\n"),
        },
    };
    let caching = if is_immutable { IMMUTABLE } else { NO_CACHE };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, media_type);
    headers.insert(CACHE_CONTROL, caching);
    headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    // A tag consists of hexadecimal digits.
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(ETAG, tag);
    }
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return without_body(response);
    }
    response
}

/// Whether the client has the content with this tag, RFC 9110 §13.1.2.
fn matches_tag(headers: &HeaderMap, tag: &str) -> bool {
    let opaque = tag.trim_start_matches("W/");
    let values = headers.get_all(IF_NONE_MATCH).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.trim_start_matches("W/") == opaque)
}

/// The response without its body, whose length it announces: to HEAD (RFC 9110 §9.3.2), and to a
/// client that has the content (§15.4.5).
fn without_body(response: Response<Bytes>) -> Response<Bytes> {
    let (mut head, body) = response.into_parts();
    if !body.is_empty() {
        head.headers.insert(CONTENT_LENGTH, body.len().into());
    }
    Response::from_parts(head, Bytes::new())
}

fn redirect_to_prefix() -> Response<Bytes> {
    let mut response = empty_response(StatusCode::PERMANENT_REDIRECT);
    // Relative to the origin, which proxies and API Gateway hide.
    let location = HeaderValue::from_static(PREFIX);
    response.headers_mut().insert(LOCATION, location);
    response
}

fn text_response(status: StatusCode, text: &'static str) -> Response<Bytes> {
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    uncached(status, plain, Bytes::from_static(text.as_bytes()))
}

fn uncached(status: StatusCode, media_type: HeaderValue, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, media_type);
    headers.insert(CACHE_CONTROL, NO_STORE);
    response
}

fn empty_response(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}
