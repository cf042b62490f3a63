//! What a browser with the console does to sign a person in, without the browser: authorization
//! code with PKCE, RFC 6749 §4.1 and RFC 7636.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::LOCATION;
use reqwest::{Client, Response, redirect::Policy};
use serde_json::Value;
use url::Url;
use url::form_urlencoded::Serializer;
use uuid::Uuid;

use crate::user_pool::{CLIENT_ID, SCOPES, UserPoolDouble};

/// An attempt to sign in to the console at an origin.
pub struct SignIn<'a> {
    pool: &'a UserPoolDouble,
    http: Client,
    /// The parameters of the request for a code, which tests change.
    pub request: Vec<(&'static str, String)>,
    pub redirect_uri: String,
    pub verifier: String,
    pub state: String,
}

impl<'a> SignIn<'a> {
    /// Begins an attempt, as the console does.
    #[must_use]
    pub fn begin(pool: &'a UserPoolDouble, origin: &str) -> Self {
        let verifier = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let state = Uuid::new_v4().to_string();
        let redirect_uri = format!("{origin}/console/signed-in");
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        let request = vec![
            ("client_id", CLIENT_ID.to_owned()),
            ("redirect_uri", redirect_uri.clone()),
            ("response_type", "code".to_owned()),
            ("scope", SCOPES.join(" ")),
            ("state", state.clone()),
            ("code_challenge", challenge),
            ("code_challenge_method", "S256".to_owned()),
        ];
        let http = Client::builder().redirect(Policy::none()).build().unwrap();
        Self {
            pool,
            http,
            request,
            redirect_uri,
            verifier,
            state,
        }
    }

    /// Types a name and a password. Returns the code, or the status of the page that says no.
    pub async fn type_password(&self, name: &str, password: &str) -> Result<String, u16> {
        let query = encode_form(&self.request);
        let authorize = self.pool.locate(&format!("/oauth2/authorize?{query}"));
        let asked = self.http.get(authorize).send().await.unwrap();
        let login = self.pool.locate(&location_of(&asked)?);
        let form = [
            ("username", name.to_owned()),
            ("password", password.to_owned()),
        ];
        let form = encode_form(&form);
        let typed = self.http.post(login).body(form).send().await.unwrap();
        let back = Url::parse(&location_of(&typed)?).unwrap();
        assert_eq!(
            back.as_str().split('?').next(),
            Some(self.redirect_uri.as_str())
        );
        let pairs: Vec<_> = back.query_pairs().into_owned().collect();
        assert_eq!(pairs[1], ("state".to_owned(), self.state.clone()));
        assert_eq!((pairs.len(), pairs[0].0.as_str()), (2, "code"));
        Ok(pairs[0].1.clone())
    }

    /// Exchanges a code for tokens. Returns the answer, or the error in it.
    pub async fn exchange_code(&self, code: &str) -> Result<Value, String> {
        self.ask_tokens(&[
            ("client_id", CLIENT_ID.to_owned()),
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.to_owned()),
            ("code_verifier", self.verifier.clone()),
            ("redirect_uri", self.redirect_uri.clone()),
        ])
        .await
    }

    /// Exchanges a refresh token for new tokens. Returns the answer, or the error in it.
    pub async fn refresh(&self, refresh_token: &str) -> Result<Value, String> {
        self.ask_tokens(&[
            ("client_id", CLIENT_ID.to_owned()),
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", refresh_token.to_owned()),
        ])
        .await
    }

    /// Posts this form to the token endpoint.
    pub async fn ask_tokens(&self, form: &[(&str, String)]) -> Result<Value, String> {
        let sent = self
            .http
            .post(self.pool.locate("/oauth2/token"))
            .header(
                "content-type",
                "application/x-www-form-urlencoded;charset=UTF-8",
            )
            .body(encode_form(form))
            .send()
            .await
            .unwrap();
        assert_eq!(sent.headers()["access-control-allow-origin"], "*");
        let status = sent.status().as_u16();
        let answer: Value = serde_json::from_slice(&sent.bytes().await.unwrap()).unwrap();
        match status {
            200 => Ok(answer),
            _ => Err(answer["error"].as_str().unwrap().to_owned()),
        }
    }
}

/// Signs a person in. Returns the answer of the token endpoint.
///
/// # Panics
/// If the pool refuses.
pub async fn sign_in(pool: &UserPoolDouble, origin: &str, name: &str, password: &str) -> Value {
    let attempt = SignIn::begin(pool, origin);
    let code = attempt.type_password(name, password).await.unwrap();
    attempt.exchange_code(&code).await.unwrap()
}

fn encode_form(pairs: &[(&str, String)]) -> String {
    let mut form = Serializer::new(String::new());
    form.extend_pairs(pairs).finish()
}

/// Where a response leads, or its status if it leads nowhere.
fn location_of(response: &Response) -> Result<String, u16> {
    let location = response.headers().get(LOCATION);
    let location = location.ok_or(response.status().as_u16())?;
    Ok(location.to_str().unwrap().to_owned())
}
