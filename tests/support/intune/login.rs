//! Entra's tokens and Microsoft Graph's list of endpoints.

use std::collections::BTreeMap;

use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::request::Parts;
use serde_json::{Value, json};

use crate::intune::protocol::{
    Audience, Objection, answer_json, check_caller, header, require, text,
};
use crate::intune::{APPLICATION_ID, APPLICATION_KEY, State, TENANT};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Answers a token request by the client credentials grant.
pub(crate) fn issue_token(
    state: &mut State,
    head: &Parts,
    body: &[u8],
    keys: Option<&Value>,
) -> Result<Response, Objection> {
    require(head.method == "POST", "not a POST")?;
    let path = format!("/login/{TENANT}/oauth2/v2.0/token");
    if head.uri.path() != path {
        return Err(Objection::coded(
            400,
            "invalid_request",
            "AADSTS90002: Tenant not found.",
        ));
    }
    require(
        header(head, "content-type")? == "application/x-www-form-urlencoded",
        "the Content-Type is not that of a form",
    )?;
    let form: BTreeMap<_, _> = url::form_urlencoded::parse(body).into_owned().collect();
    let field = |name: &str| form.get(name).map_or("", String::as_str);
    let names: Vec<_> = form.keys().map(String::as_str).collect();
    require(field("grant_type") == "client_credentials", "wrong grant")?;
    if field("client_id") != APPLICATION_ID {
        let text = "AADSTS700016: Application was not found in the directory.";
        return Err(Objection::coded(400, "unauthorized_client", text));
    }
    match (state.federated.clone(), keys) {
        (Some((issuer, subject)), Some(keys)) => {
            let expected = [
                "client_assertion",
                "client_assertion_type",
                "client_id",
                "grant_type",
                "scope",
            ];
            require(names == expected, &format!("fields {names:?}"))?;
            require(
                field("client_assertion_type") == ASSERTION_TYPE,
                "wrong type of assertion",
            )?;
            let id = check_assertion(field("client_assertion"), keys, &issuer, &subject)?;
            require(!state.assertions.contains(&id), "a jti is used again")?;
            state.assertions.push(id);
        }
        _ => {
            let expected = ["client_id", "client_secret", "grant_type", "scope"];
            require(names == expected, &format!("fields {names:?}"))?;
            if field("client_secret") != APPLICATION_KEY {
                let text = "AADSTS7000215: Invalid client secret provided.\r\nTrace ID: 1";
                return Err(Objection::coded(401, "invalid_client", text));
            }
        }
    }
    let audience = match field("scope") {
        "https://graph.microsoft.com/.default" => Audience::Graph,
        // Microsoft's library appends `/.default` to a URL that ends with a slash.
        "https://api.manage.microsoft.com//.default" => Audience::Intune,
        _ => {
            let text = "AADSTS500011: The resource principal was not found.";
            return Err(Objection::coded(400, "invalid_resource", text));
        }
    };
    let token = format!("token-{}", uuid::Uuid::new_v4());
    state.tokens.insert(token.clone(), audience);
    Ok(answer_json(&json!({
        "token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": token,
    })))
}

/// Answers with the endpoints of Intune in the tenant, among dozens of others.
pub(crate) fn list_endpoints(state: &mut State, head: &Parts) -> Result<Response, Objection> {
    require(head.method == "GET", "not a GET")?;
    let path = "/graph/v1.0/servicePrincipals/appId=0000000a-0000-0000-c000-000000000000/endpoints";
    require(head.uri.path() == path, "there is nothing at this URL")?;
    check_caller(state, head, Audience::Graph)?;
    let (base, shard) = (&state.base, state.shard);
    let endpoint = |name: &str, uri: String| {
        json!({
            "id": uuid::Uuid::new_v4(), "deletedDateTime": null, "capability": name,
            "providerId": uuid::Uuid::new_v4(), "providerName": name, "uri": uri,
            "providerResourceId": "0000000a-0000-0000-c000-000000000000",
        })
    };
    let others = (0..80).map(|n| {
        let name = format!("Other{n}FEService");
        let uri = format!("https://fef.msub01.manage.microsoft.com/{name}");
        endpoint(&name, uri)
    });
    let ours = [
        ("ScepRequestValidationFEService", "scep"),
        ("PkiConnectorFEService", "pki"),
    ];
    let ours = ours.map(|(name, part)| endpoint(name, format!("{base}/fef{shard}/{part}")));
    let value: Vec<_> = others.chain(ours).collect();
    Ok(answer_json(&json!({
        "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#endpoints", "value": value,
    })))
}

/// Fetches the keys of an issuer of assertions, as its discovery document says.
pub(crate) async fn fetch_keys(issuer: &str) -> Result<Value, Objection> {
    let document = fetch(&format!("{issuer}/.well-known/openid-configuration")).await?;
    require(document["issuer"] == issuer, "the issuer is another one")?;
    fetch(text(&document, "jwks_uri")?).await
}

async fn fetch(url: &str) -> Result<Value, Objection> {
    let failed = |error: &dyn std::error::Error| Objection::new(400, &format!("{url}: {error}"));
    let response = reqwest::get(url).await.map_err(|error| failed(&error))?;
    require(response.status() == 200, &format!("{url}: no status 200"))?;
    let body = response.bytes().await.map_err(|error| failed(&error))?;
    serde_json::from_slice(&body).map_err(|error| failed(&error))
}

/// Checks a JWT of a federated identity credential and returns its `jti`.
fn check_assertion(
    jwt: &str,
    keys: &Value,
    issuer: &str,
    subject: &str,
) -> Result<String, Objection> {
    let parts: Vec<_> = jwt.split('.').collect();
    require(parts.len() == 3, "the assertion is no JWT")?;
    let octets = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
    let header: Value = serde_json::from_slice(&octets(parts[0])).unwrap();
    let claims: Value = serde_json::from_slice(&octets(parts[1])).unwrap();
    require(header["alg"] == "RS256", "Entra takes RS256 alone")?;
    require(header["typ"] == "JWT", "the typ is not JWT")?;
    let key = keys["keys"].as_array().unwrap().iter();
    let key = key
        .into_iter()
        .find(|key| key["kid"] == header["kid"])
        .ok_or_else(|| Objection::new(400, "AADSTS700027: the key was not found"))?;
    require(
        key["kty"] == "RSA" && key["use"] == "sig",
        "not a key that signs",
    )?;
    let component = |name: &str| octets(key[name].as_str().unwrap());
    let public = aws_lc_rs::rsa::PublicKeyComponents {
        n: component("n"),
        e: component("e"),
    };
    let signed = format!("{}.{}", parts[0], parts[1]);
    let verified = public.verify(
        &aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256,
        signed.as_bytes(),
        &octets(parts[2]),
    );
    require(verified.is_ok(), "AADSTS700027: the signature is invalid")?;
    require(claims["iss"] == issuer, "AADSTS700211: wrong issuer")?;
    require(claims["sub"] == subject, "AADSTS700213: wrong subject")?;
    require(
        claims["aud"] == "api://AzureADTokenExchange",
        "AADSTS700212: wrong audience",
    )?;
    let time = |name: &str| claims[name].as_i64().unwrap_or_default();
    require(
        time("exp") - time("nbf") <= 600 && time("iat") >= time("nbf"),
        "the assertion is good for too long",
    )?;
    Ok(text(&claims, "jti")?.to_owned())
}
