//! The requests that the official SDK was recorded sending, built again by us: same method, same
//! path and query, same body.
//!
//! Where we differ on purpose, [`difference`] says how and why. Keys are compared in camelCase,
//! because the reference writes a mixture that the services take for the same.

mod common;

use gimmal_api::gemini::{Endpoint, ListCaches, ListModels, requests};
use gimmal_transport::{Error, Request};
use gimmal_types::gemini::{
    CountTokensRequest, CreateCachedContentRequest, GenerateContentRequest,
    UpdateCachedContentRequest,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use common::normalised;

const GOLDEN: &str = include_str!("../../types/tests/fixtures/gemini-golden.json");

/// How a case differs on purpose.
enum Difference {
    /// We refuse it, with an error on this field.
    Refused(&'static str),
    /// The body cannot be written with our types.
    Untypable,
    /// The recorded body with this member replaced.
    Body(&'static str, Value),
    /// The recorded path and query with this piece replaced.
    Path(&'static str, &'static str),
}

fn difference(mode: &str, name: &str) -> Option<Difference> {
    Some(match (mode, name) {
        // A date without an offset means one thing to Python and another to the service.
        (_, "caches.create expire_time (naive, micros)") => Difference::Untypable,
        // The reference refuses these two as well, before it makes a request.
        ("mldev", "caches.create kms_key_name") => Difference::Refused("encryptionSpec"),
        ("mldev", "count_tokens config") => Difference::Refused("systemInstruction"),
        // One expiry excludes the other, and the service says so with a 400.
        (_, "caches.update both") => Difference::Refused("expireTime"),
        // A cache holds its own instructions, and the service says so with a 400.
        (_, "generate_content full config") => Difference::Refused("systemInstruction"),
        // Express mode has no project, so the reference writes `projects/None/locations/None`.
        ("vertex-express", "express caches.create") => {
            Difference::Body("model", json!("publishers/google/models/gemini-2.5-flash"))
        }
        // The reference does not encode filters, so one with `&` in it would break the query.
        ("mldev", "models.list tuned") => Difference::Path("filter=a=b", "filter=a%3Db"),
        ("vertex", "models.list tuned") => Difference::Path(
            "filter=a=b&filter=labels.tune-type:*",
            "filter=a%3Db&filter=labels.tune-type%3A*",
        ),
        _ => return None,
    })
}

fn endpoint(mode: &str) -> Endpoint {
    let endpoint = match mode {
        "mldev" => Endpoint::gemini_api(),
        "vertex" => Endpoint::vertex()
            .with_project("proj")
            .with_location("us-central1"),
        "vertex-express" => Endpoint::vertex(),
        other => panic!("no such mode: {other}"),
    };
    endpoint.build().unwrap()
}

/// The request of ours for a recorded one; `None` for calls this crate does not have.
fn build(mode: &str, name: &str, path: &str, body: &Value) -> Option<Result<Request, Error>> {
    let endpoint = &endpoint(mode);
    let query = |key: &str| -> Option<String> {
        let query = path.split_once('?')?.1;
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs.find_map(|(have, value)| (have == key).then(|| value.into_owned()))
    };
    let page_size = query("pageSize").map(|size| size.parse().unwrap());
    // Models and caches are given as users write them, short.
    let model = || {
        let (path, _) = path.rsplit_once(':').unwrap_or((path, ""));
        path.rsplit('/').next().unwrap_or_default().to_owned()
    };
    let name = name.trim_start_matches("express ");
    let (call, detail) = name.split_once(' ').unwrap_or((name, ""));
    Some(match call {
        "caches.create" => {
            let request: CreateCachedContentRequest = decode(body);
            let model = request.model.clone().unwrap_or_default();
            // One recorded name is of another project and stays as it is.
            let written = match model.find("projects/p1/") {
                Some(start) => &model[start..],
                None => model.rsplit('/').next().unwrap_or_default(),
            };
            requests::create_cache(endpoint, &request.set_model(written))
        }
        "caches.get" => requests::get_cache(endpoint, detail.trim_start_matches("name=")),
        "caches.update" => {
            let request: UpdateCachedContentRequest = decode(body);
            requests::update_cache(endpoint, "abc", &request)
        }
        "caches.delete" => requests::delete_cache(endpoint, "abc"),
        "caches.list" => {
            let mut list = ListCaches::default();
            (list.page_size, list.page_token) = (page_size, query("pageToken"));
            requests::list_caches(endpoint, &list)
        }
        "generate_content" => {
            let mut request: GenerateContentRequest = decode(body);
            if detail.starts_with("full") && request.cached_content.is_some() {
                request.cached_content = Some("abc".to_owned());
            }
            requests::generate_content(endpoint, &model(), &request)
        }
        "generate_content_stream" => {
            let request: GenerateContentRequest = decode(body);
            let path = path.trim_end_matches("?alt=sse");
            let model = path.rsplit_once(':')?.0.rsplit('/').next()?;
            requests::stream_generate_content(endpoint, model, &request)
        }
        "count_tokens" => {
            let request: CountTokensRequest = decode(body);
            requests::count_tokens(endpoint, "m", &request)
        }
        "models.get" => {
            let written = match (mode, detail) {
                ("mldev", "tuned") => "tunedModels/x",
                (_, "tuned") => "models/123",
                _ => "gemini-2.5-flash",
            };
            requests::get_model(endpoint, written)
        }
        "models.list" => {
            let mut list = ListModels::default();
            list.tuned = detail == "tuned";
            list.filter = query("filter");
            (list.page_size, list.page_token) = (page_size, query("pageToken"));
            requests::list_models(endpoint, &list)
        }
        _ => return None,
    })
}

fn decode<T: DeserializeOwned>(body: &Value) -> T {
    serde_json::from_value(body.clone()).unwrap_or_else(|error| panic!("{error}\n{body}"))
}

/// Covers: caches.create, caches.get, caches.update, caches.delete, caches.list
/// Covers: models.generate_content, models.generate_content_stream, models.count_tokens
/// Covers: models.get, models.list
#[test]
fn recorded_requests_are_built_again() {
    let cases: Vec<Value> = serde_json::from_str(GOLDEN).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (mut compared, mut refused) = (0, 0);
    for case in &cases {
        let (mode, name) = (text(&case["mode"]), text(&case["name"]));
        let mut recorded = case["requests"].as_array().unwrap().clone();
        if recorded.is_empty() {
            // The reference refused; its twin on Vertex has the body.
            let twin = cases
                .iter()
                .find(|twin| twin["mode"] == "vertex" && twin["name"] == case["name"]);
            recorded.extend(twin.and_then(|twin| twin["requests"].get(0)).cloned());
        }
        for request in &recorded {
            let path = text(&request["path"]);
            let body = &request["body"];
            let label = format!("{mode} {name}");
            let difference = difference(&mode, &name);
            if let Some(Difference::Untypable) = difference {
                let typed = serde_json::from_value::<CreateCachedContentRequest>(body.clone());
                assert!(typed.is_err(), "{label}");
                refused += 1;
                continue;
            }
            let Some(built) = build(&mode, &name, &path, body) else {
                continue;
            };
            let (mut path, mut body) = (path, normalised(body));
            match difference {
                Some(Difference::Refused(field)) => {
                    assert_eq!(built.unwrap_err().field(), Some(field), "{label}");
                    refused += 1;
                    continue;
                }
                Some(Difference::Body(member, value)) => body[member] = value,
                Some(Difference::Path(from, to)) => path = path.replace(from, to),
                Some(Difference::Untypable) | None => {}
            }
            let built = built.unwrap_or_else(|error| panic!("{label}: {error}"));
            assert_eq!(built.method().as_str(), request["method"], "{label}");
            let url = built.url();
            let query = url
                .query()
                .map_or_else(String::new, |query| format!("?{query}"));
            assert_eq!(format!("{}{query}", url.path()), path, "{label}");
            let sent = match built.body().as_ref() {
                [] => Value::Null,
                bytes => normalised(&serde_json::from_slice(bytes).unwrap()),
            };
            assert_eq!(sent, body, "{label}");
            compared += 1;
        }
    }
    assert_eq!((compared, refused), (61, 8));
}

/// The one recorded case that no single request of ours can be: all fields beside a cache.
///
/// Covers: models.generate_content
#[test]
fn the_full_request_is_the_same_without_its_cache() {
    let cases: Vec<Value> = serde_json::from_str(GOLDEN).unwrap();
    let full = cases
        .iter()
        .filter(|case| case["name"] == "generate_content full config");
    let mut seen = 0;
    for case in full {
        let mut body = case["requests"][0]["body"].clone();
        body.as_object_mut().unwrap().remove("cachedContent");
        let request: GenerateContentRequest = decode(&body);
        let endpoint = endpoint(case["mode"].as_str().unwrap());
        let built = requests::generate_content(&endpoint, "gemini-2.5-flash", &request).unwrap();
        let sent: Value = serde_json::from_slice(built.body()).unwrap();
        assert_eq!(normalised(&sent), normalised(&body));
        seen += 1;
    }
    assert_eq!(seen, 2);
}
