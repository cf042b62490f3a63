//! An issuer of tokens on the loopback interface, for tests: its keys and its token endpoint.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

pub(crate) const KID: &str = "key-1";

/// The client id that the token endpoint knows.
pub(crate) const CLIENT: &str = "1fd9qkqo8m2k7g5s0f";

pub(crate) const SECRET: &str = "the+secret/of~the=client";

#[derive(Clone)]
pub(crate) struct IssuerDouble {
    /// The name of the issuer, which is the URL of what it answers.
    pub(crate) name: String,
    key: Arc<KeyPair>,
    /// The status of every answer; 200 lets the issuer answer as it does.
    pub(crate) status: Arc<AtomicU16>,
    /// The number of requests.
    pub(crate) asked: Arc<AtomicUsize>,
}

impl IssuerDouble {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let double = Self {
            name: format!("http://{}/pool", listener.local_addr().unwrap()),
            key: Arc::new(KeyPair::generate(KeySize::Rsa2048).unwrap()),
            status: Arc::new(AtomicU16::new(200)),
            asked: Arc::default(),
        };
        let router = Router::new()
            .route("/pool/.well-known/openid-configuration", get(discover))
            .route("/pool/keys", get(show_keys))
            .route("/pool/token", post(grant_token))
            .with_state(double.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        double
    }

    /// The public key, DER.
    pub(crate) fn public_key(&self) -> &[u8] {
        self.key.public_key().as_ref()
    }

    /// A token with these claims and this header, signed by RS256 whatever the header says.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", encode(header), encode(claims));
        let mut signature = vec![0; self.key.public_modulus_len()];
        let random = SystemRandom::new();
        self.key
            .sign(
                &RSA_PKCS1_SHA256,
                &random,
                signed.as_bytes(),
                &mut signature,
            )
            .unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The answer, unless the issuer fails.
    fn answer(&self, answer: Response) -> Response {
        self.asked.fetch_add(1, Ordering::SeqCst);
        match StatusCode::from_u16(self.status.load(Ordering::SeqCst)).unwrap() {
            StatusCode::OK => answer,
            failure => failure.into_response(),
        }
    }
}

async fn discover(State(double): State<IssuerDouble>) -> Response {
    let keys = format!("{}/keys", double.name);
    let document = json!({ "issuer": double.name, "jwks_uri": keys }).to_string();
    double.answer(document.into_response())
}

async fn show_keys(State(double): State<IssuerDouble>) -> Response {
    // RSAPublicKey, RFC 8017 §A.1.1: nine octets precede a modulus of 2048 bits.
    let modulus = URL_SAFE_NO_PAD.encode(&double.public_key()[9..][..256]);
    let key = json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": KID, "n": modulus, "e": "AQAB" });
    double.answer(json!({ "keys": [key] }).to_string().into_response())
}

/// RFC 6749 §4.4.2, with the client's credentials as Basic authentication.
async fn grant_token(
    State(double): State<IssuerDouble>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let expected = format!("Basic {}", STANDARD.encode(format!("{CLIENT}:{SECRET}")));
    assert_eq!(headers[CONTENT_TYPE], "application/x-www-form-urlencoded");
    assert_eq!(
        body,
        "grant_type=client_credentials&scope=scepter%2Fchallenge"
    );
    let answer = match headers[AUTHORIZATION] == expected {
        true => json!({ "access_token": "a token", "token_type": "Bearer", "expires_in": 3600 })
            .to_string()
            .into_response(),
        // Cognito's answer, which RFC 6749 §5.2 has with 401 for Basic authentication.
        false => (StatusCode::BAD_REQUEST, r#"{"error":"invalid_client"}"#).into_response(),
    };
    double.answer(answer)
}
