//! A key exchanged for a JSON web token, on a scripted transport.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gimmal_transport::auth::{
    CredentialCommand, FixedToken, JwtExchange, TokenConfig, TokenCredentials, TokenSource,
};
use gimmal_transport::testing::{Reply, ScriptedTransport};
use gimmal_transport::{Credentials, ErrorKind, Persistence, Transport};
use http::HeaderName;
use secrecy::ExposeSecret;
use test_case::test_case;
use url::Url;

const HEADER: HeaderName = HeaderName::from_static("x-api-key");

/// A token that runs out `seconds` from now.
fn jwt(seconds: u64) -> String {
    let at = SystemTime::now() + Duration::from_secs(seconds);
    let exp = at.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let claims = URL_SAFE_NO_PAD.encode(format!("{{\"exp\": {exp}}}"));
    format!("e30.{claims}.c2ln")
}

fn granted(jwt: &str) -> Reply {
    Reply::json(200, format!("{{\"jwt\": \"{jwt}\", \"more\": 1}}"))
}

fn exchange(http: &ScriptedTransport, secret: impl TokenSource) -> JwtExchange {
    let transport = Transport::builder()
        .with_http(Arc::new(http.clone()))
        .build()
        .unwrap();
    let url = Url::parse("https://localhost/api/v1/auth/token").unwrap();
    JwtExchange::new(transport, url, HEADER, secret)
}

fn key() -> FixedToken {
    FixedToken::new("SECRET-KEY".into())
}

#[tokio::test(start_paused = true)]
async fn the_key_goes_out_and_the_token_comes_back() {
    let jwt = jwt(3_600);
    let http = ScriptedTransport::new([granted(&jwt)]);
    let credentials = TokenCredentials::new(exchange(&http, key()), TokenConfig::in_header(HEADER));
    for _ in 0..3 {
        let headers = credentials.headers().await.unwrap();
        assert_eq!(headers.as_map()["x-api-key"], jwt.as_str());
    }
    let [request] = http.requests().try_into().unwrap();
    assert_eq!(request.method(), "POST");
    assert_eq!(request.path_and_query(), "/api/v1/auth/token");
    assert_eq!(request.header("x-api-key"), Some("SECRET-KEY"));
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.body(), "{}");
}

#[tokio::test(start_paused = true)]
async fn the_lifetime_is_what_the_claim_leaves() {
    let http = ScriptedTransport::new([granted(&jwt(3_600))]);
    let token = exchange(&http, key()).fetch().await.unwrap();
    let lifetime = token.lifetime().unwrap().as_secs();
    assert!((3_500..=3_600).contains(&lifetime), "{lifetime}");

    // Of a token without a readable end nobody can say that it is still good.
    let http = ScriptedTransport::new([granted("no-jwt"), granted("e30.e30.x")]);
    for _ in 0..2 {
        let token = exchange(&http, key()).fetch().await.unwrap();
        assert_eq!(token.lifetime(), Some(Duration::ZERO));
    }
}

#[tokio::test(start_paused = true)]
async fn names_and_body_are_parameters() {
    let jwt = jwt(60);
    let http = ScriptedTransport::new([Reply::json(200, format!("{{\"access\": \"{jwt}\"}}"))]);
    let exchange = exchange(&http, key())
        .with_token_field("access")
        .with_json_body(r#"{"grant": 1}"#);
    let token = exchange.fetch().await.unwrap();
    assert_eq!(token.secret().expose_secret(), jwt);
    assert_eq!(http.requests()[0].json().unwrap()["grant"], 1);
}

#[test_case("SECRET", "is no JSON object with a member `jwt`")]
#[test_case("\"SECRET\"", "is no JSON object with a member `jwt`"; "text")]
#[test_case(r#"{"token": "SECRET"}"#, "has no text in the member `jwt`")]
#[test_case(r#"{"jwt": ["SECRET"]}"#, "has no text in the member `jwt`"; "an array")]
#[tokio::test(start_paused = true)]
async fn a_reply_without_a_token_is_an_error_that_does_not_quote_it(body: &str, expected: &str) {
    let http = ScriptedTransport::new([Reply::json(200, body.to_owned())]);
    let error = exchange(&http, key()).fetch().await.unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(shown.contains(expected), "{shown}");
    assert!(!shown.contains("SECRET"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_is_an_error_without_the_key() {
    let echo = r#"{"error": {"message": "no such key: SECRET-KEY"}}"#;
    let http = ScriptedTransport::new([Reply::json(401, echo)]);
    let credentials = TokenCredentials::new(exchange(&http, key()), TokenConfig::in_header(HEADER));
    let error = credentials.headers().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert_eq!(error.persistence(), Persistence::Permanent);
    assert_eq!(
        error.to_string(),
        "no usable credentials: no token could be obtained: http 401 unauthorized: \
         no such key: [REDACTED]"
    );
    assert!(!format!("{error:?}").contains("SECRET"), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn the_exchange_is_retried_by_its_transport_and_by_nobody_else() {
    let http = ScriptedTransport::repeating(Reply::status(503));
    let credentials = TokenCredentials::new(exchange(&http, key()), TokenConfig::in_header(HEADER));
    let error = credentials.headers().await.unwrap_err();
    assert_eq!(http.request_count(), 5);
    assert_eq!(error.persistence(), Persistence::Persistent);
}

#[test_case(404, true)]
#[test_case(405, true)]
#[test_case(501, true)]
#[test_case(401, false)]
#[test_case(403, false)]
#[tokio::test(start_paused = true)]
async fn without_an_endpoint_the_key_itself_is_used(status: u16, falls_back: bool) {
    let http = ScriptedTransport::repeating(Reply::status(status));
    let period = Duration::from_secs(600);
    let fetched = exchange(&http, key()).with_fallback(period).fetch().await;
    assert_eq!(fetched.is_ok(), falls_back);
    if let Ok(token) = fetched {
        assert_eq!(token.secret().expose_secret(), "SECRET-KEY");
        assert_eq!(token.lifetime(), Some(period));
    }
    assert!(
        exchange(&http, key()).fetch().await.is_err(),
        "off by default"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn the_key_may_come_from_a_command() {
    let http = ScriptedTransport::new([granted(&jwt(60))]);
    let command = CredentialCommand::new("echo SECRET-KEY");
    exchange(&http, command).fetch().await.unwrap();
    assert_eq!(http.requests()[0].header("x-api-key"), Some("SECRET-KEY"));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_no_header_can_carry_is_not_sent() {
    let http = ScriptedTransport::new([]);
    let key = FixedToken::new("SECRET\nKEY".into());
    let error = exchange(&http, key).fetch().await.unwrap_err();
    assert!(error.to_string().contains("line break"), "{error}");
    assert!(!format!("{error:?}").contains("SECRET"));
    assert_eq!(http.request_count(), 0);
}
