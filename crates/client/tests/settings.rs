//! Which setting wins: URL and credential of a request for every way to set a client up. The rows
//! are what the official SDK was seen doing, apart from those marked as ours.

use std::sync::Arc;
use std::time::Duration;

use gimmal_client::gemini::{GeminiClient, GeminiClientBuilder};
use gimmal_client::transport::NoCredentials;
use gimmal_client::transport::testing::{Reply, ScriptedTransport};
use tokio::time::timeout;

type Variables = &'static [(&'static str, &'static str)];

/// What a request carries to prove who sends it.
#[derive(Debug, PartialEq)]
enum Shown {
    Key(String),
    Bearer(String),
}

fn key(key: &str) -> Shown {
    Shown::Key(key.to_owned())
}

fn bearer(token: &str) -> Shown {
    Shown::Bearer(token.to_owned())
}

fn builder(variables: Variables) -> GeminiClientBuilder {
    GeminiClient::builder().from_lookup(|name| {
        let found = variables.iter().find(|(have, _)| *have == name);
        found.map(|(_, value)| (*value).to_owned())
    })
}

/// Where a request goes and what it shows.
async fn sent(builder: GeminiClientBuilder) -> (String, Shown) {
    let http = ScriptedTransport::new([Reply::json(200, "{}")]);
    let client = builder.with_http(Arc::new(http.clone())).build().unwrap();
    let call = client.models().generate_content("m").set_contents(["hi"]);
    timeout(Duration::from_secs(10), call.send())
        .await
        .unwrap()
        .unwrap();
    let request = &http.requests()[0];
    let shown = match (
        request.header("x-goog-api-key"),
        request.header("authorization"),
    ) {
        (Some(key), None) => Shown::Key(key.to_owned()),
        (None, Some(bearer)) => Shown::Bearer(bearer.trim_start_matches("Bearer ").to_owned()),
        _ => panic!("exactly one credential must be sent"),
    };
    (request.uri().to_string(), shown)
}

/// Covers: models.generate_content
#[tokio::test]
async fn explicit_settings() {
    const EXPRESS: &str = "https://aiplatform.googleapis.com/v1beta1/publishers/google/models/m";
    let plain = || builder(&[]);
    let keyed = || plain().with_api_key("K");
    let rows = [
        (
            keyed(),
            "https://generativelanguage.googleapis.com/v1/models/m".to_owned(),
            key("K"),
        ),
        (
            plain()
                .with_vertex("p", "us-central1")
                .with_bearer_token("T"),
            place(
                "https://us-central1-aiplatform.googleapis.com",
                "us-central1",
            ),
            bearer("T"),
        ),
        (
            plain().with_vertex("p", "us").with_bearer_token("T"),
            place("https://aiplatform.us.rep.googleapis.com", "us"),
            bearer("T"),
        ),
        (
            plain().with_vertex("p", "global").with_bearer_token("T"),
            place("https://aiplatform.googleapis.com", "global"),
            bearer("T"),
        ),
        (keyed().with_vertex_express(), EXPRESS.to_owned(), key("K")),
        (
            keyed().with_vertex("p", "europe-west4"),
            place(
                "https://europe-west4-aiplatform.googleapis.com",
                "europe-west4",
            ),
            key("K"),
        ),
        (
            plain()
                .with_vertex("p", "l")
                .with_bearer_token("T")
                .with_base_url("https://gw/x/"),
            place("https://gw/x", "l"),
            bearer("T"),
        ),
        (
            keyed().with_base_url("https://gw/proxy"),
            "https://gw/proxy/v1/models/m".to_owned(),
            key("K"),
        ),
        (
            keyed().with_api_version(""),
            "https://generativelanguage.googleapis.com/models/m".to_owned(),
            key("K"),
        ),
        (
            keyed().with_api_version("v1alpha"),
            "https://generativelanguage.googleapis.com/v1alpha/models/m".to_owned(),
            key("K"),
        ),
        // Ours: white space around a key that was read from a file is not part of it.
        (
            plain().with_api_key(" K\n"),
            "https://generativelanguage.googleapis.com/v1/models/m".to_owned(),
            key("K"),
        ),
    ];
    for (builder, url, credential) in rows {
        let label = format!("{builder:?}");
        assert_eq!(
            sent(builder).await,
            (format!("{url}:generateContent"), credential),
            "{label}"
        );
    }
}

/// A model within a project and a location.
fn place(base: &str, location: &str) -> String {
    format!("{base}/v1beta1/projects/p/locations/{location}/publishers/google/models/m")
}

const VERTEX: (&str, &str) = ("GOOGLE_GENAI_USE_VERTEXAI", "true");
const PROJECT: (&str, &str) = ("GOOGLE_CLOUD_PROJECT", "p");
const LOCATION: (&str, &str) = ("GOOGLE_CLOUD_LOCATION", "l");
const ENV_KEY: (&str, &str) = ("GOOGLE_API_KEY", "E");

#[tokio::test]
async fn settings_from_the_environment() {
    const DEVELOPER: &str = "https://generativelanguage.googleapis.com/v1/models/m";
    const EXPRESS: &str = "https://aiplatform.googleapis.com/v1beta1/publishers/google/models/m";
    let regional = || place("https://l-aiplatform.googleapis.com", "l");
    let rows: Vec<(GeminiClientBuilder, String, Shown)> = vec![
        (
            builder(&[ENV_KEY, ("GEMINI_API_KEY", "G")]),
            DEVELOPER.to_owned(),
            key("E"),
        ),
        (
            builder(&[("GOOGLE_API_KEY", ""), ("GEMINI_API_KEY", " G ")]),
            DEVELOPER.to_owned(),
            key("G"),
        ),
        (
            builder(&[ENV_KEY]).with_api_key("K"),
            DEVELOPER.to_owned(),
            key("K"),
        ),
        // A project in the environment means nothing to the developer API.
        (
            builder(&[ENV_KEY, PROJECT, LOCATION]),
            DEVELOPER.to_owned(),
            key("E"),
        ),
        // Only `true` and `1` switch Vertex AI on, and the newer name wins.
        (
            builder(&[ENV_KEY, ("GOOGLE_GENAI_USE_VERTEXAI", "yes")]),
            DEVELOPER.to_owned(),
            key("E"),
        ),
        (
            builder(&[ENV_KEY, VERTEX, ("GOOGLE_GENAI_USE_ENTERPRISE", "false")]),
            DEVELOPER.to_owned(),
            key("E"),
        ),
        (
            builder(&[ENV_KEY, ("GOOGLE_GENAI_USE_ENTERPRISE", "1")]),
            EXPRESS.to_owned(),
            key("E"),
        ),
        // An explicit credential wins over a key from the environment.
        (
            builder(&[ENV_KEY, VERTEX, PROJECT, LOCATION]).with_bearer_token("T"),
            regional(),
            bearer("T"),
        ),
        (
            builder(&[ENV_KEY, VERTEX]).with_bearer_token("T"),
            EXPRESS.to_owned(),
            bearer("T"),
        ),
        // An explicit key wins over a project from the environment: express mode.
        (
            builder(&[VERTEX, PROJECT, LOCATION]).with_api_key("K"),
            EXPRESS.to_owned(),
            key("K"),
        ),
        // An explicit project wins over a key from the environment.
        (
            builder(&[ENV_KEY, LOCATION])
                .with_vertex("p", "l")
                .with_bearer_token("T"),
            regional(),
            bearer("T"),
        ),
        // A project without a location is everywhere.
        (
            builder(&[VERTEX, PROJECT]).with_bearer_token("T"),
            place("https://aiplatform.googleapis.com", "global"),
            bearer("T"),
        ),
        // The version, and `beta` for the service's own beta.
        (
            builder(&[ENV_KEY, ("GOOGLE_GENAI_API_VERSION", "beta")]),
            "https://generativelanguage.googleapis.com/v1beta/models/m".to_owned(),
            key("E"),
        ),
        (
            builder(&[ENV_KEY, ("GOOGLE_GENAI_API_VERSION", "beta")]).with_api_version("v1alpha"),
            "https://generativelanguage.googleapis.com/v1alpha/models/m".to_owned(),
            key("E"),
        ),
        // Base URLs. Ours: which of them is read follows the service in use, however it was chosen.
        (
            builder(&[
                ENV_KEY,
                ("GOOGLE_GEMINI_BASE_URL", "http://g"),
                ("GOOGLE_VERTEX_BASE_URL", "http://v"),
            ]),
            "http://g/v1/models/m".to_owned(),
            key("E"),
        ),
        (
            builder(&[
                ENV_KEY,
                VERTEX,
                ("GOOGLE_GEMINI_BASE_URL", "http://g"),
                ("GOOGLE_VERTEX_BASE_URL", "http://v"),
            ]),
            "http://v/v1beta1/publishers/google/models/m".to_owned(),
            key("E"),
        ),
        (
            builder(&[ENV_KEY, ("GOOGLE_GEMINI_BASE_URL", "http://g")]).with_base_url("http://x"),
            "http://x/v1/models/m".to_owned(),
            key("E"),
        ),
    ];
    for (row, (builder, url, credential)) in rows.into_iter().enumerate() {
        let wanted = (format!("{url}:generateContent"), credential);
        assert_eq!(sent(builder).await, wanted, "row {row}");
    }
}

#[test]
fn what_cannot_work_names_the_setting() {
    let plain = || builder(&[]);
    let keyed = || plain().with_api_key("K");
    let rows = [
        (plain(), "api_key"),
        (plain().with_api_key(" \n"), "api_key"),
        (plain().with_api_key("two\nlines"), "api_key"),
        (
            plain()
                .with_vertex_express()
                .with_api_key("auth_tokens/abc"),
            "api_key",
        ),
        (keyed().with_bearer_token("T"), "api_key"),
        (plain().with_bearer_token("T"), "bearer_token"),
        // The credentials of the machine take their place where those are built in.
        #[cfg(not(feature = "google-auth"))]
        (plain().with_vertex("p", "l"), "bearer_token"),
        (
            plain().with_vertex("p", "l").with_bearer_token(""),
            "bearer_token",
        ),
        // A project from the environment wins over a key from there, which leaves no credential.
        #[cfg(not(feature = "google-auth"))]
        (
            builder(&[ENV_KEY, VERTEX, PROJECT, LOCATION]),
            "bearer_token",
        ),
        (keyed().with_credentials(NoCredentials), "credentials"),
        (keyed().with_vertex("p/q", "l"), "project"),
        (keyed().with_vertex("p", "evil.example/"), "location"),
        (keyed().with_base_url("gateway"), "base_url"),
        (
            keyed().with_base_url("https://user:secret@gateway"),
            "base_url",
        ),
    ];
    for (builder, field) in rows {
        let error = builder.build().unwrap_err();
        assert_eq!(error.field(), Some(field), "{error}");
    }
    for (key, message) in [
        (
            "SEC\u{2010}RET",
            "invalid `api_key`: holds a character that is not ASCII; copy it again from where it \
             was issued",
        ),
        (
            "SEC\u{7}RET",
            "invalid `api_key`: holds a space or a control character; pass the secret alone",
        ),
        (
            "SEC\nRET",
            "invalid `api_key`: holds a line break; pass only one line",
        ),
    ] {
        let found = |name: &str| (name == "GEMINI_API_KEY").then(|| key.to_owned());
        let environment = GeminiClient::builder().from_lookup(found);
        for builder in [plain().with_api_key(key), environment] {
            let error = builder.build().unwrap_err();
            assert_eq!(error.to_string(), message);
            let shown = format!("{error:?}");
            assert!(!shown.contains("SEC") && !shown.contains("RET"), "{shown}");
        }
    }
    let missing = plain().build().unwrap_err().to_string();
    assert!(
        missing.contains("GEMINI_API_KEY or GOOGLE_API_KEY"),
        "{missing}"
    );
}
