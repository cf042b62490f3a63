//! People: they sign in at a user pool, and may do what their groups let them do.

use std::sync::Arc;

use scepter_tests::browser::{SignIn, sign_in};
use scepter_tests::people_door::PeopleDoor;
use scepter_tests::user_pool::{CLIENT_ID, Person, UserPoolDouble};
use scepter_tests::world::World;
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery";

/// A pool with these people and their groups, and the front door of a server that they use.
async fn open_door(people: &[(&str, &[&str])]) -> (Arc<UserPoolDouble>, PeopleDoor, World) {
    let pool = Arc::new(UserPoolDouble::start().await);
    for (name, groups) in people {
        pool.add(&Person {
            name,
            password: PASSWORD,
            groups,
        });
    }
    let world = World::new().await;
    let door = PeopleDoor::open(world.administration.clone(), &pool).await;
    (pool, door, world)
}

/// The status of a request with this token, and the body of the answer.
async fn call(door: &PeopleDoor, token: &str, method: &str, path: &str) -> (u16, Value) {
    let url = format!("{}/api/v1{path}", door.url);
    let request = reqwest::Client::new()
        .request(method.parse().unwrap(), url)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .body(match method {
            "GET" => "",
            _ => r#"{"name": "made", "subject": "CN=Made", "keyAlgorithm": "EC_P256"}"#,
        });
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let body = response.bytes().await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

#[tokio::test]
async fn a_person_may_do_what_a_group_lets_them_do_and_nothing_else() {
    const NOBODY: &str = "00000000-0000-4000-8000-000000000000";
    let approve = format!("/certificates/{NOBODY}/revoke");
    let challenges = format!("/scepProfiles/{NOBODY}/challenges");
    let (pool, door, _world) = open_door(&[
        ("reader", &["scepter-readers"]),
        ("writer", &["scepter-writers"]),
        ("approver", &["scepter-approvers"]),
        ("challenger", &["scepter-challengers", "payroll"]),
        ("guest", &["payroll", "scepter-readers scepter-writers"]),
        ("outsider", &[]),
    ])
    .await;
    // What each gets to read, write, approve and list challenges. What is allowed may fail later,
    // since the objects do not exist.
    for (name, expected) in [
        ("reader", [200, 403, 403, 404]),
        ("writer", [403, 201, 403, 404]),
        ("approver", [403, 403, 400, 403]),
        ("challenger", [403, 403, 403, 404]),
        ("guest", [403, 403, 403, 403]),
        ("outsider", [403, 403, 403, 403]),
    ] {
        let answer = sign_in(&pool, &door.url, name, PASSWORD).await;
        let token = answer["access_token"].as_str().unwrap();
        let mut statuses = Vec::new();
        for (method, path) in [
            ("GET", "/scepProfiles"),
            ("POST", "/authorities"),
            ("POST", &approve),
            ("GET", &challenges),
        ] {
            statuses.push(call(&door, token, method, path).await.0);
        }
        assert_eq!(statuses, expected, "{name}");
        // An ID token says who somebody is, and opens nothing.
        let id_token = answer["id_token"].as_str().unwrap();
        assert_eq!(call(&door, id_token, "GET", "/scepProfiles").await.0, 401);
    }
    assert_eq!(pool.objections(), [""; 0]);
}

#[tokio::test]
async fn the_console_says_where_people_sign_in() {
    let (pool, door, _world) = open_door(&[]).await;
    let get = async |url: String| {
        let body = reqwest::get(url).await.unwrap().bytes().await.unwrap();
        serde_json::from_slice::<Value>(&body).unwrap()
    };
    let settings = get(format!("{}/console/sign-in.json", door.url)).await;
    let discovery = get(format!(
        "{}/.well-known/openid-configuration",
        pool.issuer()
    ))
    .await;
    for (setting, found) in [
        ("issuer", "issuer"),
        ("authorizationEndpoint", "authorization_endpoint"),
        ("tokenEndpoint", "token_endpoint"),
        ("endSessionEndpoint", "end_session_endpoint"),
    ] {
        assert_eq!(settings[setting], discovery[found], "{setting}");
    }
    assert_eq!(settings["clientId"], json!(CLIENT_ID));
}

#[tokio::test]
async fn audit_records_name_the_person() {
    let groups = ["scepter-readers", "scepter-writers"];
    let (pool, door, _world) = open_door(&[("jane", &groups)]).await;
    let answer = sign_in(&pool, &door.url, "jane", PASSWORD).await;
    let token = answer["access_token"].as_str().unwrap();
    assert_eq!(call(&door, token, "POST", "/authorities").await.0, 201);
    let (status, records) = call(&door, token, "GET", "/auditRecords").await;
    assert_eq!(status, 200);
    let name = format!("person:jane ({})", pool.subject_of("jane"));
    assert_eq!(records["items"][0]["who"], json!(name));
}

#[tokio::test]
async fn a_session_is_refreshed_until_it_is_revoked() {
    let (pool, door, _world) = open_door(&[("jane", &["scepter-readers"])]).await;
    pool.limit_access(0);
    let attempt = SignIn::begin(&pool, &door.url);
    let code = attempt.type_password("jane", PASSWORD).await.unwrap();
    let answer = attempt.exchange_code(&code).await.unwrap();
    let expired = answer["access_token"].as_str().unwrap();
    assert_eq!(call(&door, expired, "GET", "/scepProfiles").await.0, 401);
    pool.limit_access(900);
    let refresh_token = answer["refresh_token"].as_str().unwrap();
    let refreshed = attempt.refresh(refresh_token).await.unwrap();
    let token = refreshed["access_token"].as_str().unwrap();
    assert_eq!(call(&door, token, "GET", "/scepProfiles").await.0, 200);
    assert_eq!(refreshed["refresh_token"], Value::Null);
    pool.revoke_sessions();
    let refused = attempt.refresh(refresh_token).await;
    assert_eq!(refused, Err("invalid_grant".to_owned()));
}

/// The double is of use only if it refuses what the pool refuses.
#[tokio::test]
async fn the_pool_holds_clients_to_the_protocol() {
    let (pool, door, _world) = open_door(&[("jane", &["scepter-readers"])]).await;
    let other_page = format!("{}/console/signed-in/", door.url);
    for (name, value) in [
        ("client_id", "another"),
        ("redirect_uri", "https://attacker.example/"),
        ("redirect_uri", &other_page),
        ("response_type", "token"),
        ("scope", "openid scepter/everything"),
        ("state", ""),
        ("code_challenge", "short"),
        ("code_challenge_method", "plain"),
    ] {
        let mut attempt = SignIn::begin(&pool, &door.url);
        for parameter in &mut attempt.request {
            if parameter.0 == name {
                value.clone_into(&mut parameter.1);
            }
        }
        let refused = attempt.type_password("jane", PASSWORD).await;
        assert_eq!(refused, Err(400), "{name}={value}");
    }
    let attempt = SignIn::begin(&pool, &door.url);
    assert_eq!(attempt.type_password("jane", "guess").await, Err(200));
    assert_eq!(attempt.type_password("joe", PASSWORD).await, Err(200));
    assert_eq!(pool.objections().len(), 8);

    let refused = Err("invalid_grant".to_owned());
    let code = attempt.type_password("jane", PASSWORD).await.unwrap();
    let other = SignIn::begin(&pool, &door.url);
    assert_eq!(
        other.exchange_code(&code).await,
        refused,
        "another verifier"
    );
    assert_eq!(attempt.exchange_code(&code).await, refused, "a tried code");
    let code = attempt.type_password("jane", PASSWORD).await.unwrap();
    assert!(attempt.exchange_code(&code).await.is_ok());
    assert_eq!(attempt.exchange_code(&code).await, refused, "a used code");
    let code = attempt.type_password("jane", PASSWORD).await.unwrap();
    let mut elsewhere = SignIn::begin(&pool, &door.url);
    elsewhere.verifier = attempt.verifier.clone();
    elsewhere.redirect_uri.push('/');
    assert_eq!(
        elsewhere.exchange_code(&code).await,
        refused,
        "another page"
    );
    let secret = [
        ("client_id", CLIENT_ID.to_owned()),
        ("client_secret", "secret".to_owned()),
        ("grant_type", "refresh_token".to_owned()),
        ("refresh_token", "x".to_owned()),
    ];
    let refused = attempt.ask_tokens(&secret).await;
    assert_eq!(refused, Err("invalid_request".to_owned()), "a secret");
}
