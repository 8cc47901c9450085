//! No kind of credentials shows its secrets: not in `Debug`, not in an error, not in the log.
//!
//! A test binary of its own with a single test, because it takes over the log of the process, that
//! of the HTTP libraries included.

#[path = "../common/log.rs"]
mod log;
#[path = "../auth/stub.rs"]
mod stub;

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use gimmal_transport::auth::{
    CredentialCommand, CredentialsFile, FixedToken, JwtExchange, JwtToken, StoredCredentials,
    StoredKey, TokenConfig, TokenCredentials, TokenSource,
};
use gimmal_transport::{ApiKey, BearerToken, CallOptions, Credentials, Error, Request, Transport};
use http::{HeaderName, Method};
use url::Url;

use crate::log::Log;
use crate::stub::{Stub, reply};

const HEADER: HeaderName = HeaderName::from_static("x-api-key");

/// Part of every secret below, however it is encoded on its way.
const SECRET: &str = "SECRET";

/// A server that refuses everything and repeats the secret it expects to be shown.
async fn refusing(secret: &str) -> Stub {
    let echo = format!("{{\"error\": {{\"message\": \"I do not know {secret}\"}}}}");
    Stub::start(vec![reply(401, &echo)]).await
}

/// A token whose signature gives it away. It runs out in the year 2100.
fn jwt() -> String {
    let claims = URL_SAFE_NO_PAD.encode("{\"exp\": 4102444800}");
    format!("e30.{claims}.{SECRET}")
}

/// Makes a call that fails, and returns all that can be seen of it.
async fn failing_call(stub: &Stub, credentials: Arc<dyn Credentials>) -> String {
    let mut seen = format!("{credentials:?}\n");
    let transport = Transport::builder().with_credentials(credentials).build();
    let transport = transport.unwrap();
    let url = Url::parse(&format!("http://{}/call", stub.address)).unwrap();
    let request = Request::new(Method::POST, url).with_json_body(Bytes::from_static(b"{}"));
    seen.push_str(&format!("{transport:?}\n{request:?}\n"));
    let options = CallOptions::default();
    let call = transport.send(request, &options);
    let error = tokio::time::timeout(Duration::from_secs(60), call).await;
    seen.push_str(&everything(&error.expect("the test hangs").unwrap_err()));
    seen
}

/// An error with all that caused it.
fn everything(error: &Error) -> String {
    let mut seen = format!("{error}\n{error:?}\n{error:#?}\n");
    let mut cause = error.source();
    while let Some(error) = cause {
        seen.push_str(&format!("{error}\n{error:?}\n"));
        cause = error.source();
    }
    seen
}

fn tokens(source: impl TokenSource) -> Arc<dyn Credentials> {
    Arc::new(TokenCredentials::new(
        source,
        TokenConfig::in_header(HEADER),
    ))
}

fn exchange(stub: &Stub) -> JwtExchange {
    let url = Url::parse(&format!("http://{}/auth/token", stub.address)).unwrap();
    let key = FixedToken::new(format!("{SECRET}-KEY").into());
    JwtExchange::new(Transport::builder().build().unwrap(), url, HEADER, key)
}

#[cfg(feature = "google-auth")]
fn google(stub: &Stub) -> Arc<dyn Credentials> {
    let json = format!(
        "{{\"type\": \"authorized_user\", \"client_id\": \"id\", \
         \"client_secret\": \"{SECRET}-CLIENT\", \"refresh_token\": \"{SECRET}-REFRESH\", \
         \"token_uri\": \"http://{}/token\"}}",
        stub.address
    );
    Arc::new(gimmal_transport::auth::GoogleCredentials::from_json(
        json.into(),
    ))
}

#[tokio::test]
async fn no_secret_shows_anywhere() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .init();

    let key = || format!("{SECRET}-KEY");
    let api_key = |key: String| Arc::new(ApiKey::new(HEADER, key.into()));
    let server = refusing(&key()).await;
    let jwt_server = refusing(&jwt()).await;
    let granted = reply(200, &format!("{{\"jwt\": \"{}\"}}", jwt()));
    let granting = Stub::start(vec![granted]).await;
    let muddled = Stub::start(vec![reply(200, &format!("{{\"jwt\": [\"{}\"]}}", jwt()))]).await;

    let directory = tempfile::tempdir().unwrap();
    let file = CredentialsFile::new(directory.path().join("credentials.json"));
    let mut stored = StoredCredentials::default();
    stored.insert("a", StoredKey::new(key().into(), "one"));
    stored.set_default("a").unwrap();
    file.save(&stored).unwrap();
    let stored = file.load().unwrap();
    let from_file = stored.default_key().unwrap().key().clone();

    let mut kinds: Vec<(&str, Arc<dyn Credentials>)> = vec![
        ("key", api_key(key())),
        (
            "key with a line break",
            api_key(format!("{}\n{SECRET}", key())),
        ),
        (
            "key with a letter of another script",
            api_key(format!("{}é", key())),
        ),
        ("bearer token", Arc::new(BearerToken::new(key().into()))),
        ("key of a file", Arc::new(ApiKey::new(HEADER, from_file))),
        ("kept token", tokens(FixedToken::new(key().into()))),
        (
            "token of the caller's",
            tokens(JwtToken::new(jwt().into()).unwrap()),
        ),
        ("exchanged token", tokens(exchange(&granting))),
        ("refused exchange", tokens(exchange(&server))),
        ("muddled exchange", tokens(exchange(&muddled))),
    ];
    if cfg!(unix) {
        let print = format!("echo {SECRET}-KEY; echo {SECRET} >&2");
        let fail = format!("{print}; exit 1");
        kinds.push(("command", tokens(CredentialCommand::new(print))));
        kinds.push(("failing command", tokens(CredentialCommand::new(fail))));
    }
    #[cfg(feature = "google-auth")]
    {
        let body = format!("{{\"access_token\": \"{SECRET}-KEY\", \"token_type\": \"Bearer\"}}");
        let granting = Stub::start(vec![reply(200, &body)]).await;
        let refusal = format!("{{\"error\": \"invalid_grant {SECRET}\"}}");
        let refusing = Stub::start(vec![reply(400, &refusal)]).await;
        kinds.push(("google user", google(&granting)));
        kinds.push(("refused google user", google(&refusing)));
    }

    for (kind, credentials) in kinds {
        let server = match kind {
            "token of the caller's" | "exchanged token" => &jwt_server,
            _ => &server,
        };
        let seen = failing_call(server, credentials).await;
        assert!(!seen.contains(SECRET), "{kind}: {seen}");
    }
    let seen = format!("{file:?} {stored:?} {:?}", stored.default_key());
    assert!(!seen.contains(SECRET), "{seen}");
    assert!(!format!("{:?}", exchange(&server)).contains(SECRET));

    // It was all there to be seen.
    for server in [&server, &jwt_server, &granting, &muddled] {
        assert!(server.requests().iter().any(|it| it.contains(SECRET)));
    }
    let log = log.text();
    for expected in [
        "attempt failed, giving up",
        "TRACE",
        "token could not be obtained",
    ] {
        assert!(log.contains(expected), "{log}");
    }
    let shown = log.lines().find(|line| line.contains(SECRET));
    assert_eq!(shown, None);
}
