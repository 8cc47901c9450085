//! Google's library against stubs of its token endpoint and its metadata server.

use std::process::Command;
use std::time::Duration;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use gimmal_transport::auth::{GoogleCredentials, JwtClaims};
use gimmal_transport::testing::{Reply, ScriptedTransport};
use gimmal_transport::{
    CallOptions, Credentials, Delivery, Error, ErrorKind, Persistence, Request, Transport,
};
use http::Method;
use serde_json::{Value, json};
use test_case::test_case;
use url::Url;

use crate::stub::{Stub, reply};

async fn limited<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(60), future)
        .await
        .expect("the test hangs")
}

fn granted(token: &str) -> String {
    let body = json!({"access_token": token, "expires_in": 3600, "token_type": "Bearer"});
    reply(200, &body.to_string())
}

/// An authorised user, as `gcloud auth application-default login` writes one.
fn user(stub: &Stub) -> Value {
    json!({
        "type": "authorized_user",
        "client_id": "client",
        "client_secret": "CLIENT-SECRET",
        "refresh_token": "REFRESH-SECRET",
        "quota_project_id": "from-the-file",
        "token_uri": format!("http://{}/token", stub.address),
    })
}

fn credentials(json: &Value) -> GoogleCredentials {
    GoogleCredentials::from_json(json.to_string().into())
}

async fn headers(credentials: &GoogleCredentials) -> Result<(String, Option<String>), Error> {
    let headers = limited(credentials.headers()).await?;
    let text = |name: &str| Some(headers.as_map().get(name)?.to_str().unwrap().to_owned());
    Ok((text("authorization").unwrap(), text("x-goog-user-project")))
}

#[tokio::test]
async fn a_user_gets_a_token_once_and_pays_with_the_project_of_the_file() {
    let stub = Stub::start(vec![granted("TOKEN")]).await;
    let credentials = credentials(&user(&stub));
    assert!(stub.requests().is_empty(), "setting up sends nothing");
    let expected = ("Bearer TOKEN".into(), Some("from-the-file".into()));
    for _ in 0..3 {
        assert_eq!(headers(&credentials).await.unwrap(), expected);
    }
    let first = limited(credentials.headers()).await.unwrap();
    let second = limited(credentials.headers()).await.unwrap();
    assert_eq!(first.tag(), second.tag());
    assert!(first.as_map()["authorization"].is_sensitive());

    let [request] = stub.requests().try_into().unwrap();
    assert!(request.starts_with("POST /token HTTP/1.1"), "{request}");
    let (_, body) = request.split_once("\r\n\r\n").unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["grant_type"], "refresh_token");
    assert_eq!(body["refresh_token"], "REFRESH-SECRET");
    let scope = "https://www.googleapis.com/auth/cloud-platform";
    assert!(body.to_string().contains(scope), "{body}");
}

#[tokio::test]
async fn a_quota_project_set_in_code_wins_over_the_file() {
    let stub = Stub::start(vec![granted("TOKEN")]).await;
    let credentials = credentials(&user(&stub)).with_quota_project("from-code");
    let (_, project) = headers(&credentials).await.unwrap();
    assert_eq!(project.as_deref(), Some("from-code"));
}

#[tokio::test]
async fn a_refused_token_is_fetched_again_and_the_call_goes_through() {
    let stub = Stub::start(vec![granted("OLD"), granted("NEW")]).await;
    let http = ScriptedTransport::new([Reply::status(401), Reply::json(200, "{}")]);
    let transport = Transport::builder()
        .with_http(std::sync::Arc::new(http.clone()))
        .with_credentials(credentials(&user(&stub)))
        .build()
        .unwrap();
    let url = Url::parse("http://localhost/v1/x").unwrap();
    let request = Request::new(Method::POST, url);
    let reply = limited(transport.send(request, &CallOptions::default())).await;
    assert_eq!(reply.unwrap().attempts(), 1);
    let requests = http.requests();
    let tokens: Vec<_> = requests
        .iter()
        .map(|it| it.header("authorization").unwrap())
        .collect();
    assert_eq!(tokens, ["Bearer OLD", "Bearer NEW"]);
}

#[tokio::test]
async fn a_lasting_refusal_names_the_fix_and_the_next_call_asks_again() {
    let echo = r#"{"error": "invalid_grant", "error_description": "no such REFRESH-SECRET"}"#;
    let stub = Stub::start(vec![reply(400, echo), granted("TOKEN")]).await;
    let credentials = credentials(&user(&stub));
    let error = headers(&credentials).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert_eq!(error.delivery(), Delivery::NotSent);
    assert_eq!(error.persistence(), Persistence::Permanent);
    let shown = format!("{error} {error:?}");
    assert!(
        shown.contains("refuses the credentials (invalid_grant)"),
        "{shown}"
    );
    assert!(
        shown.contains("gcloud auth application-default login"),
        "{shown}"
    );
    assert!(!shown.contains("SECRET"), "{shown}");

    assert_eq!(headers(&credentials).await.unwrap().0, "Bearer TOKEN");
    assert_eq!(stub.requests().len(), 2);
}

#[tokio::test]
async fn a_passing_failure_says_so() {
    let stub = Stub::start(vec![reply(503, "SECRET"), granted("TOKEN")]).await;
    let credentials = credentials(&user(&stub));
    let error = headers(&credentials).await.unwrap_err();
    assert_eq!(error.persistence(), Persistence::Temporary);
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("token endpoint answers 503"), "{shown}");
    assert!(!shown.contains("SECRET"), "{shown}");
    assert_eq!(headers(&credentials).await.unwrap().0, "Bearer TOKEN");
}

/// A key pair made for this run; no key is kept anywhere.
fn service_account(universe: &str) -> (KeyPair, Value) {
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).unwrap();
    // The label is put together, so that this file does not look like a leaked key.
    let label = "PRIVATE KEY";
    let pem = format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        STANDARD.encode(der.as_ref())
    );
    let json = json!({
        "type": "service_account",
        "client_email": "robot@example.iam.gserviceaccount.com",
        "private_key_id": "key-1",
        "private_key": pem,
        "project_id": "project",
        "universe_domain": universe,
    });
    (pair, json)
}

#[tokio::test]
async fn a_service_account_signs_its_token_itself() {
    let (pair, json) = service_account("googleapis.com");
    let credentials = credentials(&json)
        .with_scopes(["https://www.googleapis.com/auth/generative-language"])
        .with_quota_project("billed");
    let (authorization, project) = headers(&credentials).await.unwrap();
    assert_eq!(project.as_deref(), Some("billed"));
    let token = authorization.strip_prefix("Bearer ").unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key())
        .verify(
            signed.as_bytes(),
            &URL_SAFE_NO_PAD.decode(signature).unwrap(),
        )
        .unwrap();
    let claims = JwtClaims::decode(&token.into()).unwrap();
    assert_eq!(
        claims.text("iss"),
        Some("robot@example.iam.gserviceaccount.com")
    );
    assert_eq!(
        claims.text("scope"),
        Some("https://www.googleapis.com/auth/generative-language")
    );
}

#[tokio::test]
async fn credentials_of_another_universe_are_not_sent() {
    let (_, json) = service_account("cloud.example");
    let error = headers(&credentials(&json)).await.unwrap_err();
    assert_eq!(error.field(), Some("universe_domain"));
    assert!(error.to_string().contains("cloud.example"), "{error}");
    let credentials = credentials(&json).with_universe_domain("cloud.example");
    assert!(
        headers(&credentials)
            .await
            .unwrap()
            .0
            .starts_with("Bearer ")
    );
}

#[test_case("SECRET", "are no JSON: line 1, column 1")]
#[test_case("{}", "have a `type` other than"; "no type")]
#[test_case(r#"{"type": "SECRET"}"#, "have a `type` other than")]
#[test_case(
    r#"{"type": "authorized_user", "client_id": ["SECRET"]}"#,
    "lack a field"
)]
#[test_case(r#"{"type": "service_account", "private_key": "SECRET"}"#, "lack a field"; "robot")]
#[tokio::test]
async fn a_flawed_file_is_described_and_not_quoted(text: &str, expected: &str) {
    let credentials = GoogleCredentials::from_json(text.into());
    let error = headers(&credentials).await.unwrap_err();
    assert_eq!(error.field(), Some("google_credentials"));
    let shown = format!("{error} {error:?} {credentials:?}");
    assert!(shown.contains(expected), "{shown}");
    assert!(!shown.contains("SECRET"), "{shown}");
}

#[tokio::test]
async fn a_file_is_read_when_it_is_needed_and_again_after_a_failure() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("user.json");
    let credentials = GoogleCredentials::from_file(&path);
    let error = headers(&credentials).await.unwrap_err();
    assert!(
        error.to_string().contains("user.json could not be read"),
        "{error}"
    );

    let stub = Stub::start(vec![granted("TOKEN")]).await;
    std::fs::write(&path, user(&stub).to_string()).unwrap();
    assert_eq!(headers(&credentials).await.unwrap().0, "Bearer TOKEN");
}

#[tokio::test]
async fn a_token_that_does_not_come_is_waited_for_in_bounded_time() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut user = json!({"type": "authorized_user", "client_id": "c", "client_secret": "s",
        "refresh_token": "r"});
    user["token_uri"] = format!("http://{}/token", listener.local_addr().unwrap()).into();
    let credentials = credentials(&user).with_fetch_timeout(Duration::from_millis(50));
    let error = headers(&credentials).await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
}

#[test]
fn credentials_outlive_the_runtime_they_were_used_on() {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap()
    };
    let server = runtime();
    let brief = json!({"access_token": "OLD", "expires_in": 0, "token_type": "Bearer"});
    let replies = vec![reply(200, &brief.to_string()), granted("NEW")];
    let stub = server.block_on(Stub::start(replies));
    // The stub needs its runtime driven while the others make their calls.
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = std::thread::spawn(move || server.block_on(stopped));

    let credentials = credentials(&user(&stub));
    assert_eq!(
        runtime().block_on(headers(&credentials)).unwrap().0,
        "Bearer OLD"
    );
    let second = runtime();
    let error = second.block_on(headers(&credentials)).unwrap_err();
    assert_eq!(error.persistence(), Persistence::Temporary);
    assert_eq!(
        second.block_on(headers(&credentials)).unwrap().0,
        "Bearer NEW"
    );
    drop(stop);
    assert!(server.join().unwrap().is_err());
}

#[tokio::test]
async fn credentials_made_with_googles_library_are_taken_as_they_are() {
    use google_cloud_auth::credentials::user_account::Builder;

    let stub = Stub::start(vec![granted("TOKEN")]).await;
    let given = Builder::new(user(&stub)).build().unwrap();
    let credentials = GoogleCredentials::from(given);
    assert_eq!(headers(&credentials).await.unwrap().0, "Bearer TOKEN");
}

/// Runs one of the tests below in a process of its own with these variables and no others.
async fn in_process(test: &str, variables: Vec<(&'static str, String)>) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", &format!("google::{test}"), "--ignored"])
        .env_clear()
        .envs(variables);
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = limited(output).await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("1 passed"), "{text}");
}

/// What the processes expect comes in this variable.
const EXPECTED: &str = "EXPECTED_HEADERS";

#[tokio::test]
#[ignore = "other tests run it in a process of its own, with variables set"]
async fn default_credentials_give_what_is_expected() {
    let credentials = GoogleCredentials::application_default().with_quota_project("from-code");
    let (authorization, project) = headers(&credentials).await.unwrap();
    let given = format!("{authorization} {}", project.unwrap());
    assert_eq!(given, std::env::var(EXPECTED).unwrap());
}

#[tokio::test]
async fn default_credentials_come_from_the_file_that_a_variable_names() {
    let stub = Stub::start(vec![granted("TOKEN")]).await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("user.json");
    std::fs::write(&path, user(&stub).to_string()).unwrap();
    let path = path.to_str().unwrap().to_owned();
    let variables = vec![
        ("GOOGLE_APPLICATION_CREDENTIALS", path.clone()),
        (EXPECTED, "Bearer TOKEN from-code".into()),
    ];
    in_process("default_credentials_give_what_is_expected", variables).await;

    let variables = vec![
        ("GOOGLE_APPLICATION_CREDENTIALS", path),
        ("GOOGLE_CLOUD_QUOTA_PROJECT", "from-the-variable".into()),
        (EXPECTED, "Bearer TOKEN from-the-variable".into()),
    ];
    in_process("default_credentials_give_what_is_expected", variables).await;
}

#[tokio::test]
async fn default_credentials_come_from_the_login_of_gcloud() {
    let stub = Stub::start(vec![granted("TOKEN")]).await;
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join(".config/gcloud");
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("application_default_credentials.json");
    std::fs::write(path, user(&stub).to_string()).unwrap();
    let variables = vec![
        ("HOME", home.path().to_str().unwrap().into()),
        (EXPECTED, "Bearer TOKEN from-code".into()),
    ];
    in_process("default_credentials_give_what_is_expected", variables).await;
}

#[tokio::test]
async fn default_credentials_come_from_the_metadata_server() {
    let stub = Stub::start(vec![granted("TOKEN"), reply(200, "googleapis.com")]).await;
    let home = tempfile::tempdir().unwrap();
    let variables = vec![
        ("HOME", home.path().to_str().unwrap().into()),
        ("GCE_METADATA_HOST", stub.address.to_string()),
        (EXPECTED, "Bearer TOKEN from-code".into()),
    ];
    in_process("default_credentials_give_what_is_expected", variables).await;
    let [token, universe] = stub.requests().try_into().unwrap();
    let path = "GET /computeMetadata/v1/instance/service-accounts/default/token";
    assert!(token.starts_with(path), "{token}");
    assert!(token.contains("cloud-platform"), "{token}");
    assert!(token.contains("metadata-flavor: Google"), "{token}");
    let path = "GET /computeMetadata/v1/universe/universe-domain";
    assert!(universe.starts_with(path), "{universe}");
}

#[tokio::test]
#[ignore = "another test runs it in a process of its own, with variables set"]
async fn a_missing_default_names_the_fix() {
    let credentials = GoogleCredentials::application_default();
    let error = headers(&credentials).await.unwrap_err();
    let expected = std::env::var(EXPECTED).unwrap();
    assert!(error.to_string().contains(&expected), "{error}");
}

#[tokio::test]
async fn without_default_credentials_the_error_names_the_fix() {
    let home = tempfile::tempdir().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = listener.local_addr().unwrap().to_string();
    drop(listener);
    let variables = vec![
        ("HOME", home.path().to_str().unwrap().into()),
        ("GCE_METADATA_HOST", nobody),
        (EXPECTED, "gcloud auth application-default login".into()),
    ];
    in_process("a_missing_default_names_the_fix", variables).await;

    let missing = home.path().join("missing.json");
    let variables = vec![
        (
            "GOOGLE_APPLICATION_CREDENTIALS",
            missing.to_str().unwrap().into(),
        ),
        (
            EXPECTED,
            "check the path in GOOGLE_APPLICATION_CREDENTIALS".into(),
        ),
    ];
    in_process("a_missing_default_names_the_fix", variables).await;
}
