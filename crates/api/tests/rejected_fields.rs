//! Every field of the reference, one request each: what it sends we send, what it refuses we
//! refuse. The fixture was made by setting each field of google-genai 3.4.0 alone.

mod common;

use std::collections::BTreeSet;

use gimmal_api::gemini::{Backend, Endpoint, requests};
use gimmal_transport::{Error, Request};
use gimmal_types::gemini::{
    CountTokensRequest, CreateCachedContentRequest, GenerateContentRequest,
};
use gimmal_types::wire::{FieldVisitor, WireValue};
use serde::Deserialize;
use serde_json::{Value, json};

use common::{FREE_FORM, MAPS, camel, normalised};

const SWEEP: &str = include_str!("fixtures/sweep.json");

/// Members that cannot stand beside another one: the reference sends both, we send one.
const EXCLUSIVE: [&str; 2] = ["cachedContent", "expireTime"];

#[derive(Deserialize)]
struct Case {
    method: String,
    backend: String,
    /// The field that was set, in the reference's spelling.
    path: String,
    /// The JSON name of the field that is refused, if one is.
    refused: Option<String>,
    body: Value,
}

impl Case {
    fn label(&self) -> String {
        format!("{} {} {}", self.backend, self.method, self.path)
    }

    fn endpoint(&self) -> Endpoint {
        let endpoint = match self.backend.as_str() {
            "mldev" => Endpoint::gemini_api(),
            _ => Endpoint::vertex()
                .with_project("test-project")
                .with_location("us-central1"),
        };
        endpoint.build().unwrap()
    }

    /// The request, and the paths of the fields that were found in the body.
    fn build(&self) -> (Result<Request, Error>, BTreeSet<String>) {
        let endpoint = self.endpoint();
        match self.method.as_str() {
            "caches.create" => {
                let mut request: CreateCachedContentRequest = self.decode();
                let paths = paths(&request);
                if request.ttl.is_some() {
                    request.expire_time = None;
                }
                (requests::create_cache(&endpoint, &request), paths)
            }
            "models.count_tokens" => {
                let request: CountTokensRequest = self.decode();
                let built = requests::count_tokens(&endpoint, "stub-model", &request);
                (built, paths(&request))
            }
            "models.generate_content" => {
                let mut request: GenerateContentRequest = self.decode();
                let paths = paths(&request);
                if request.system_instruction.is_some() {
                    request.cached_content = None;
                }
                let built = requests::generate_content(&endpoint, "stub-model", &request);
                (built, paths)
            }
            other => panic!("no such method: {other}"),
        }
    }

    fn decode<T: for<'de> Deserialize<'de>>(&self) -> T {
        serde_json::from_value(self.body.clone())
            .unwrap_or_else(|error| panic!("{}: {error}", self.label()))
    }
}

fn cases() -> Vec<Case> {
    // The reference's own name for this member is not the service's.
    let sweep = SWEEP.replace(r#""jsonSchema":"#, r#""schema":"#);
    serde_json::from_str(&sweep).unwrap()
}

/// The paths of every set field, with lists and maps left out.
fn paths<T: WireValue>(request: &T) -> BTreeSet<String> {
    #[derive(Default)]
    struct Paths {
        open: Vec<&'static str>,
        all: BTreeSet<String>,
    }
    impl FieldVisitor for Paths {
        fn enter(&mut self, _owner: &'static str, field: &'static str) {
            self.open.push(field);
            self.all.insert(self.open.join("."));
        }
        fn leave(&mut self) {
            self.open.pop();
        }
    }
    let mut paths = Paths::default();
    request.walk(&mut paths);
    paths.all
}

/// The paths of every member of a body, spelled as [`paths`] spells them.
fn members(value: &Value, below: &str, out: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| members(item, below, out)),
        Value::Object(object) => {
            for (key, value) in object {
                if *value == Value::Null || *value == json!([]) {
                    continue;
                }
                let key = camel(key);
                let path = match below {
                    "" => key.clone(),
                    below => format!("{below}.{key}"),
                };
                out.insert(path.clone());
                match value {
                    _ if FREE_FORM.contains(&key.as_str()) => {}
                    Value::Object(named) if MAPS.contains(&key.as_str()) => {
                        named.values().for_each(|value| members(value, &path, out));
                    }
                    value => members(value, &path, out),
                }
            }
        }
        _ => {}
    }
}

/// Covers: caches.create, models.generate_content, models.count_tokens
#[test]
fn every_accepted_field_is_sent_as_the_reference_sends_it() {
    let mut problems = Vec::new();
    let mut accepted = 0;
    for case in cases().iter().filter(|case| case.refused.is_none()) {
        let (built, _) = case.build();
        match built {
            Err(error) => problems.push(format!("{}: {error}", case.label())),
            Ok(request) => {
                let sent: Value = serde_json::from_slice(request.body()).unwrap();
                let (sent, mut wanted) = (normalised(&sent), normalised(&case.body));
                for member in EXCLUSIVE {
                    if sent.get(member).is_none() {
                        wanted.as_object_mut().unwrap().remove(member);
                    }
                }
                if sent != wanted {
                    problems.push(format!("{}:\n  {sent}\n  {wanted}", case.label()));
                }
            }
        }
        accepted += 1;
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert_eq!(accepted, 1079);
}

#[test]
fn every_field_of_the_reference_has_a_place() {
    let mut homeless = BTreeSet::new();
    for case in cases().iter().filter(|case| case.refused.is_none()) {
        let (_, known) = case.build();
        let mut wanted = BTreeSet::new();
        members(&case.body, "", &mut wanted);
        homeless.extend(wanted.difference(&known).cloned());
    }
    assert!(homeless.is_empty(), "{homeless:#?}");
}

#[test]
fn every_refused_field_is_refused_by_name() {
    let mut problems = Vec::new();
    let mut refused = 0;
    for case in cases() {
        let Some(field) = &case.refused else { continue };
        refused += 1;
        let backend = match case.backend.as_str() {
            "mldev" => Backend::GeminiApi,
            _ => Backend::Vertex,
        };
        match case.build().0 {
            Ok(_) => problems.push(format!("{}: accepted", case.label())),
            Err(error) => {
                let named = error.field().and_then(|path| path.rsplit('.').next());
                if named != Some(field) || !error.to_string().contains(&backend.to_string()) {
                    problems.push(format!("{}: {error} ({:?})", case.label(), error.field()));
                }
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert_eq!(refused, 104);
}

#[test]
fn a_cache_excludes_what_it_holds_itself() {
    for (field, body) in [
        (
            "systemInstruction",
            json!({"systemInstruction": {"parts": [{"text": "s"}]}}),
        ),
        ("tools", json!({"tools": [{"googleSearch": {}}]})),
        ("toolConfig", json!({"toolConfig": {}})),
    ] {
        let mut request: GenerateContentRequest = serde_json::from_value(body).unwrap();
        request.cached_content = Some("abc".to_owned());
        let endpoint = Endpoint::gemini_api().build().unwrap();
        let error = requests::generate_content(&endpoint, "m", &request).unwrap_err();
        assert_eq!(error.field(), Some(field));
        assert!(error.to_string().contains("cachedContent"), "{error}");
    }
}
