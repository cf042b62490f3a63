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
    /// Prepares the responses at a public URL, of which only the scheme counts.
    ///
    /// # Errors
    /// If the console cannot work with the identity provider.
    pub fn new(sign_in: &SignIn, public_url: &str) -> Result<Self, UnfitSignIn> {
        let scheme = public_url.split(':').next().unwrap_or_default();
        Ok(Self {
            sign_in: sign_in.to_json()?,
            headers: SecurityHeaders::of(sign_in, scheme.eq_ignore_ascii_case("https"))?,
        })
    }

    /// Responds to a request for a path of the console, or for `/`, which leads to it; other paths
    /// get 404. The request's body is ignored.
    #[must_use]
    pub fn respond(&self, head: &Parts) -> Response<Bytes> {
        let mut response = match Resource::at(head.uri.path()) {
            None => not_found(),
            Some(resource) => match head.method {
                Method::GET => self.read(&resource, &head.headers),
                Method::HEAD => without_body(self.read(&resource, &head.headers)),
                Method::OPTIONS => allow_methods(empty_response(StatusCode::NO_CONTENT)),
                _ => allow_methods(text_response(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "the console is read by GET\n",
                )),
            },
        };
        self.headers.add_to(response.headers_mut());
        response
    }

    fn read(&self, resource: &Resource, headers: &HeaderMap) -> Response<Bytes> {
        match resource {
            Resource::Redirect(status) => redirect_to_prefix(*status),
            Resource::SignIn => {
                let json = HeaderValue::from_static("application/json");
                uncached(StatusCode::OK, json, self.sign_in.clone())
            }
            Resource::File(name) => match File::find(name) {
                Some(file) => file_response(file, name.starts_with(ASSETS), headers),
                None => not_found(),
            },
        }
    }
}

/// What the console has at a path.
enum Resource<'a> {
    /// The path leads to [`PREFIX`].
    Redirect(StatusCode),
    /// How people sign in.
    SignIn,
    /// A file, which may be missing.
    File(&'a str),
}

impl<'a> Resource<'a> {
    fn at(path: &'a str) -> Option<Self> {
        // What `/` leads to may change; where the console is does not.
        if path == "/" {
            return Some(Self::Redirect(StatusCode::FOUND));
        }
        if path == PREFIX.trim_end_matches('/') {
            return Some(Self::Redirect(StatusCode::PERMANENT_REDIRECT));
        }
        let name = path.strip_prefix(PREFIX)?;
        Some(match name {
            SIGN_IN => Self::SignIn,
            file if names_file(file) => Self::File(file),
            // Every page of the application has a path of its own.
            _ => Self::File(INDEX),
        })
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

fn allow_methods(mut response: Response<Bytes>) -> Response<Bytes> {
    response.headers_mut().insert(ALLOW, METHODS);
    response
}

fn redirect_to_prefix(status: StatusCode) -> Response<Bytes> {
    let mut response = empty_response(status);
    // Relative to the origin, which proxies and API Gateway hide.
    let location = HeaderValue::from_static(PREFIX);
    let headers = response.headers_mut();
    headers.insert(LOCATION, location);
    headers.insert(CACHE_CONTROL, NO_CACHE);
    response
}

fn not_found() -> Response<Bytes> {
    text_response(StatusCode::NOT_FOUND, "not found\n")
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
