//! A plain HTTP client with the few calls the tests make. It knows no more of the wire than paths.

use std::time::Duration;

use gimmal_emulator::{Emulator, EmulatorBuilder};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};

pub(crate) const MODEL: &str = "gemini-2.5-flash";

/// An emulator and a client with a key for it.
pub(crate) struct Session {
    pub(crate) emulator: Emulator,
    http: Client,
    key: String,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Session {
    pub(crate) async fn start(builder: EmulatorBuilder) -> Self {
        let emulator = builder.start().await.expect("the emulator starts");
        let http = Client::builder()
            .no_proxy()
            // A missing reply fails the test instead of hanging it.
            .timeout(Duration::from_secs(20))
            .build()
            .expect("a client");
        Self {
            emulator,
            http,
            key: "test-key".to_owned(),
        }
    }

    pub(crate) async fn plain() -> Self {
        Self::start(Emulator::builder()).await
    }

    pub(crate) fn with_key(mut self, key: &str) -> Self {
        key.clone_into(&mut self.key);
        self
    }

    /// A request to a path such as `v1beta/models`, without a key.
    pub(crate) fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.emulator.base_url()))
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.bare(method, path);
        if self.key.is_empty() {
            request
        } else {
            request.header("x-goog-api-key", &self.key)
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        answer(self.request(Method::GET, path)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        answer(self.request(Method::DELETE, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        answer(self.request(Method::POST, path).body(body.to_string())).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Answer {
        answer(self.request(Method::PATCH, path).body(body.to_string())).await
    }

    pub(crate) async fn generate(&self, body: &Value) -> Answer {
        self.post(&format!("v1beta/models/{MODEL}:generateContent"), body)
            .await
    }

    /// The raw response to a stream call.
    pub(crate) async fn stream(&self, query: &str, body: &Value) -> Response {
        let path = format!("v1beta/models/{MODEL}:streamGenerateContent{query}");
        let request = self.request(Method::POST, &path).body(body.to_string());
        request.send().await.expect("a response")
    }

    pub(crate) async fn create_cache(&self, extra: Value) -> Answer {
        let mut body = json!({
            "model": format!("models/{MODEL}"),
            "contents": [{ "role": "user", "parts": [{ "text": long_document() }] }],
        });
        for (key, value) in extra.as_object().expect("an object") {
            body[key] = value.clone();
        }
        self.post("v1beta/cachedContents", &body).await
    }
}

impl Answer {
    /// The body of a success.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body
    }

    /// The message of a refusal with the given status.
    #[track_caller]
    pub(crate) fn refused(&self, code: u16, status: &str) -> &str {
        assert_eq!(self.status, code, "{}", self.body);
        assert_eq!(self.body["error"]["code"], code);
        assert_eq!(self.body["error"]["status"], status);
        self.body["error"]["message"].as_str().expect("a message")
    }
}

pub(crate) async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.expect("a response");
    let status = response.status().as_u16();
    let bytes = response.bytes().await.expect("a body");
    let body = serde_json::from_slice(&bytes).expect("a JSON body");
    Answer { status, body }
}

/// A request with one text.
pub(crate) fn ask(text: &str) -> Value {
    json!({ "contents": [{ "role": "user", "parts": [{ "text": text }] }] })
}

/// The text of a candidate, without thoughts.
pub(crate) fn text(body: &Value, candidate: usize) -> String {
    let parts = body["candidates"][candidate]["content"]["parts"].as_array();
    let parts = parts
        .into_iter()
        .flatten()
        .filter(|part| part["thought"] != true);
    parts.filter_map(|part| part["text"].as_str()).collect()
}

/// The sentence of [`long_document`] that tells of tins.
pub(crate) const FACT: &str = "The night porter keeps the spare keys in a blue tin.";

/// More than the 4096 tokens any model wants of a cached content.
pub(crate) fn long_document() -> String {
    let rooms = (1..160).map(|n| {
        format!(
            "## Room {n}\n\nRoom {n} has {} windows and an oak wardrobe. Its door opens to \
             corridor {}, and it was last painted in {}.\n\n",
            n % 4 + 1,
            n % 9,
            1950 + n % 70
        )
    });
    format!(
        "# Hotel\n\n{}## Keys\n\n{FACT}\n",
        rooms.collect::<String>()
    )
}
