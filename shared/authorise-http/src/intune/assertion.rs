//! Assertions of this deployment's identity, by which Entra issues tokens in place of a secret: a
//! federated identity credential, RFC 7523 §2.2. Entra reads the key at this deployment's public
//! URL, as OpenID Connect Discovery says.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use scep_cms::public_key::PublicKey;
use scep_service::error::KeyError;
use scep_service::ports::AssertionKey;
use secrecy::SecretString;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// The path of the discovery document, below the public URL.
pub const DISCOVERY_PATH: &str = "/.well-known/openid-configuration";

/// The path of the JSON Web Key Set, below the public URL.
pub const KEY_SET_PATH: &str = "/.well-known/jwks.json";

/// The audience of assertions for Entra.
const AUDIENCE: &str = "api://AzureADTokenExchange";

/// How long an assertion is good.
const LIFETIME: Duration = Duration::minutes(5);

/// How much an assertion is antedated, for clocks that are behind.
const BACKDATE: Duration = Duration::minutes(1);

/// The issuer of assertions: this deployment under its public URL.
pub struct AssertionIssuer {
    public_url: String,
    key: Arc<dyn AssertionKey>,
}

impl AssertionIssuer {
    /// An issuer at this URL, without a slash at its end, whose assertions this key signs.
    #[must_use]
    pub const fn new(public_url: String, key: Arc<dyn AssertionKey>) -> Self {
        Self { public_url, key }
    }

    /// The JSON at a path; `None` for any path but [`DISCOVERY_PATH`] and [`KEY_SET_PATH`].
    ///
    /// # Errors
    /// When the key cannot be read.
    pub async fn find_document(&self, path: &str) -> Result<Option<String>, KeyError> {
        match path {
            DISCOVERY_PATH => Ok(Some(self.describe().to_string())),
            KEY_SET_PATH => {
                let key = JsonWebKey::of(&self.key.public_key().await?)?;
                Ok(Some(json!({ "keys": [key.to_json()] }).to_string()))
            }
            _ => Ok(None),
        }
    }

    /// The discovery document, OpenID Connect Discovery 1.0 §3, as far as it concerns an issuer
    /// whose only subjects are workloads.
    fn describe(&self) -> Value {
        json!({
            "issuer": self.public_url,
            "jwks_uri": format!("{}{KEY_SET_PATH}", self.public_url),
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "claims_supported": ["iss", "sub", "aud", "jti", "iat", "nbf", "exp"],
        })
    }

    /// Asserts that this deployment acts for `subject`: a JWT, RFC 7519.
    pub(crate) async fn assert(
        &self,
        subject: &str,
        now: OffsetDateTime,
    ) -> Result<SecretString, KeyError> {
        let key = JsonWebKey::of(&self.key.public_key().await?)?;
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": key.thumbprint() });
        let claims = json!({
            "iss": self.public_url,
            "sub": subject,
            "aud": AUDIENCE,
            "jti": Uuid::new_v4(),
            "iat": now.unix_timestamp(),
            "nbf": (now - BACKDATE).unix_timestamp(),
            "exp": (now + LIFETIME).unix_timestamp(),
        });
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", encode(&header), encode(&claims));
        let signature = self.key.sign(signed.as_bytes()).await?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)).into())
    }
}

/// An RSA key as RFC 7518 §6.3.1 writes it.
struct JsonWebKey {
    modulus: String,
    exponent: String,
}

impl JsonWebKey {
    fn of(spki: &[u8]) -> Result<Self, KeyError> {
        let fail = || KeyError::broken("reading", "assertion")("not an RSA key");
        match PublicKey::from_der(spki).map_err(|_| fail())? {
            PublicKey::Ec { .. } => Err(fail()),
            PublicKey::Rsa {
                modulus, exponent, ..
            } => {
                let octets = exponent.to_be_bytes();
                let zeros = octets.iter().take_while(|octet| **octet == 0).count();
                let (_, significant) = octets.split_at(zeros);
                Ok(Self {
                    modulus: URL_SAFE_NO_PAD.encode(modulus),
                    exponent: URL_SAFE_NO_PAD.encode(significant),
                })
            }
        }
    }

    /// The thumbprint, RFC 7638 §3: of the required members in this order, without spaces.
    fn thumbprint(&self) -> String {
        let canonical = format!(
            r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#,
            self.exponent, self.modulus
        );
        URL_SAFE_NO_PAD.encode(Sha256::digest(canonical))
    }

    fn to_json(&self) -> Value {
        json!({
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.thumbprint(),
            "n": self.modulus, "e": self.exponent,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_named_by_its_thumbprint() {
        // The key and the thumbprint of RFC 7638 §3.1.
        let key = JsonWebKey {
            modulus: "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw".to_owned(),
            exponent: "AQAB".to_owned(),
        };
        let expected = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
        assert_eq!(key.thumbprint(), expected);
    }
}
