//! Replies that no record has to say: those by which clients come to be, and plain results of calls
//! that are made up on the spot.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gimmal_types::tinker::proto::messages::{Datum, tensor};
use serde_json::{Value, json};

/// What a server would remember.
#[derive(Debug, Default)]
pub(super) struct Canned {
    /// The session that clients find themselves in.
    session: String,
    config: Value,
    dynamic: Value,
    /// Results of promises of its own.
    results: BTreeMap<String, Value>,
    /// Samples that are promised, for the futures poller.
    promised: Vec<String>,
    tokens: u64,
    /// The number of the next sampler that joins.
    pub(super) clone_id: u64,
}

impl Canned {
    /// A server with these settings for its clients.
    pub(super) fn new(session: &str, config: Value, dynamic: Value) -> Self {
        Self {
            session: session.to_owned(),
            config,
            dynamic,
            ..Self::default()
        }
    }

    /// A reply with a token in the place where the record only says that there was one.
    pub(super) fn sign(&mut self, mut reply: Value) -> Value {
        if reply.pointer("/body/json/jwt") == Some(&json!("{JWT}")) {
            reply["body"]["json"]["jwt"] = self.token().into();
        }
        reply
    }

    /// Takes note of what was promised.
    pub(super) fn note(&mut self, path: &str, reply: &Value) {
        let promise = reply.pointer("/body/json/request_id");
        if let ("/api/v1/asample", Some(Value::String(id))) = (path, promise) {
            self.promised.push(id.clone());
        }
    }

    /// A reply to a request; `None` lets it wait for ever.
    pub(super) fn answer(&mut self, request: &Value, content: &Value) -> Option<Value> {
        let path = request["path"].as_str().unwrap_or_default();
        let name = path.trim_start_matches("/api/v1/");
        let body = match name {
            "auth/token" => json!({"jwt": self.token()}),
            "client/config" => self.config.clone(),
            "client/dynamic_config" => self.dynamic.clone(),
            "create_session" => json!({"session_id": self.session}),
            "create_sampling_session" => {
                json!({"sampling_session_id": sampler(&self.session, content)})
            }
            "get_info" => json!({
                "model_id": content["model_id"], "model_data": {"model_name": "model"},
                "is_lora": true,
            }),
            "join_sampling_session" => json!({"client_counter": self.clone_id}),
            "retrieve_future" => {
                let id = content["request_id"].as_str().unwrap_or_default();
                self.results.remove(id).unwrap_or_else(|| json!({}))
            }
            "retrieve_futures" => return self.completions(content),
            "telemetry" => json!({"status": "accepted"}),
            name if name.starts_with("samplers/") => {
                json!({"sampler_id": name.trim_start_matches("samplers/"), "base_model": "model"})
            }
            name => match promised(name, &self.session, content) {
                Some(result) => self.promise(result, content),
                None => json!({}),
            },
        };
        Some(json!({"body": {"json": body}}))
    }

    fn promise(&mut self, result: Value, content: &Value) -> Value {
        let id = format!("made-up-{}", self.results.len());
        let count = result["sequences"].as_array().map(Vec::len);
        self.results.insert(id.clone(), result);
        let ids = count.map(|count| {
            let name = |n: usize| format!("{}-{n}", content["seq_id"]);
            (0..count).map(name).collect::<Vec<_>>()
        });
        json!({"request_id": id, "sample_sequence_ids": ids})
    }

    /// Everything that was promised is there, once each; without news the server keeps silent.
    fn completions(&mut self, content: &Value) -> Option<Value> {
        let cursor = content["prev_cursor"].as_u64().unwrap_or_default();
        let ready = std::mem::take(&mut self.promised);
        if ready.is_empty() && content["timeout"].is_null() {
            return None;
        }
        let completions = ready.iter().map(|id| {
            let size = "response_payload_uncompressed_size";
            json!({"state": "finished", "request_id": id, size: 1})
        });
        let completions: Vec<Value> = completions.collect();
        let cursor = cursor + completions.len() as u64;
        Some(json!({"body": {"json": {"completions": completions, "cursor": cursor}}}))
    }

    /// A token of an account, good for an hour; each is another one.
    fn token(&mut self) -> String {
        self.tokens += 1;
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let now = now.map_or(0, |now| now.as_secs());
        let claims = json!({
            "iss": "passport-test", "sub": "tml:user:u1", "org_id": "o1",
            "email": "u@example.test", "iat": now, "exp": now + 3_600, "jti": self.tokens,
        });
        let part = |part: Value| URL_SAFE_NO_PAD.encode(part.to_string());
        format!("{}.{}.none", part(json!({"alg": "none"})), part(claims))
    }

    /// How many target tokens a datum has.
    pub(super) fn targets(datum: &Datum) -> usize {
        let targets = datum.loss_fn_inputs.get("target_tokens");
        match targets.and_then(|tensor| tensor.encoding.as_ref()) {
            Some(tensor::Encoding::Dense(bytes)) => bytes.len() / 8,
            Some(tensor::Encoding::SparseCsr(csr)) => csr.values.len() / 8,
            None => 0,
        }
    }
}

fn sampler(session: &str, content: &Value) -> String {
    format!("{session}:sample:{}", content["sampling_session_seq_id"])
}

/// The result of a call whose result is promised.
fn promised(name: &str, session: &str, content: &Value) -> Option<Value> {
    let path = |kind: &str| {
        let model = content["model_id"].as_str().unwrap_or_default();
        let name = content["path"].as_str().unwrap_or_default();
        format!("tinker://{model}/{kind}/{name}")
    };
    Some(match name {
        "create_model" => {
            json!({"model_id": format!("{session}:train:{}", content["model_seq_id"])})
        }
        "create_custom_loss" => {
            json!({"loss_id": format!("loss-{}", content["custom_loss_seq_id"].as_u64().unwrap_or(0) + 1)})
        }
        "load_weights" => json!({"path": content["path"]}),
        "optim_step" => json!({}),
        "save_weights" => json!({"path": path("weights")}),
        "save_weights_external" => json!({"path": path("external_weights")}),
        "save_weights_for_sampler" if content["path"].is_null() => {
            json!({"sampling_session_id": sampler(session, content)})
        }
        "save_weights_for_sampler" => json!({"path": path("sampler_weights")}),
        "asample" => {
            let count = content["num_samples"].as_u64().unwrap_or(1);
            let sequence = json!({"stop_reason": "length", "tokens": []});
            json!({"sequences": vec![sequence; usize::try_from(count).unwrap_or(1)]})
        }
        "forward_backward" => {
            let lengths = content["lengths"].as_array().cloned().unwrap_or_default();
            let outputs = lengths.iter().map(|length| {
                let zeros = vec![0.0; length.as_u64().unwrap_or(0) as usize];
                json!({"logprobs": {"data": zeros, "dtype": "float32", "shape": [length]}})
            });
            json!({
                "loss_fn_output_type": "ArrayRecord",
                "loss_fn_outputs": outputs.collect::<Vec<_>>(),
                "metrics": {"loss:sum": 0.0},
            })
        }
        _ => return None,
    })
}
