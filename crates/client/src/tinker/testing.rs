//! A small server for the tests of the clients: it keeps promises in JSON, as older servers do, and
//! remembers what it was asked.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use gimmal_transport::rate_limit::{PauseConfig, PauseWindow};
use gimmal_transport::{ByteStream, Error, FixedJitter, HttpTransport, TokioClock};
use gimmal_types::tinker::proto::messages;
use http::{HeaderMap, Response};
use prost::Message as _;
use serde_json::{Value, json};

use super::{ServiceClient, ServiceClientBuilder};

/// What a request was.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) json: Value,
    pub(crate) pass: Option<messages::ForwardBackwardRequest>,
}

#[derive(Debug, Default)]
struct State {
    seen: Vec<Seen>,
    results: BTreeMap<String, Value>,
    /// Statuses to answer with instead, by path.
    failures: BTreeMap<String, VecDeque<u16>>,
    /// How long a reply takes, by path.
    delays: BTreeMap<String, Duration>,
    config: Value,
    /// What is known of models.
    model_data: Value,
    needs_model: bool,
    logprobs: f32,
}

/// The server. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Server(Arc<Mutex<State>>);

impl Server {
    /// A server with these settings for its clients.
    pub(crate) fn with_config(config: Value) -> Self {
        let server = Self::default();
        server.0.lock().unwrap().config = config;
        server
    }

    /// Answers the next requests to `path` with these statuses; 200 lets one through.
    pub(crate) fn fail(&self, path: &str, statuses: impl IntoIterator<Item = u16>) {
        let path = format!("/api/v1/{path}");
        let mut state = self.0.lock().unwrap();
        state.failures.entry(path).or_default().extend(statuses);
    }

    /// Says this of every model.
    #[cfg(feature = "tokenizers")]
    pub(crate) fn describe(&self, model_data: Value) {
        self.0.lock().unwrap().model_data = model_data;
    }

    /// Loads weights only into models that are there.
    pub(crate) fn need_model(&self) {
        self.0.lock().unwrap().needs_model = true;
    }

    /// Lets replies to `path` take so long.
    pub(crate) fn delay(&self, path: &str, delay: Duration) {
        let path = format!("/api/v1/{path}");
        self.0.lock().unwrap().delays.insert(path, delay);
    }

    /// The requests to `path` so far.
    pub(crate) fn seen(&self, path: &str) -> Vec<Seen> {
        let path = format!("/api/v1/{path}");
        let state = self.0.lock().unwrap();
        state
            .seen
            .iter()
            .filter(|seen| seen.path == path)
            .cloned()
            .collect()
    }

    /// The paths of all requests so far, without those that repeat in the background.
    pub(crate) fn paths(&self) -> Vec<String> {
        let background = ["session_heartbeat", "telemetry"];
        let state = self.0.lock().unwrap();
        let paths = state
            .seen
            .iter()
            .map(|seen| seen.path.trim_start_matches("/api/v1/"));
        paths
            .filter(|path| !background.contains(path))
            .map(str::to_owned)
            .collect()
    }

    /// The numbers of the passes, in the order in which they came.
    pub(crate) fn pass_numbers(&self) -> Vec<i32> {
        let passes = self.seen("forward_backward");
        passes
            .iter()
            .map(|seen| seen.pass.as_ref().unwrap().seq_id)
            .collect()
    }

    /// A client of this server.
    pub(crate) fn builder(&self) -> ServiceClientBuilder {
        let window = PauseWindow::new(PauseConfig::default(), Arc::new(TokioClock));
        ServiceClient::builder()
            .with_api_key("tml-test-key")
            .with_base_url("http://tinker.test/base")
            .with_http(Arc::new(self.clone()))
            .with_jitter(Arc::new(FixedJitter::new(0.5)))
            .with_sampling_pause(window)
    }

    pub(crate) fn client(&self) -> ServiceClient {
        self.builder().build().unwrap()
    }

    fn answer(&self, seen: Seen) -> (u16, Value) {
        let mut state = self.0.lock().unwrap();
        state.seen.push(seen.clone());
        let failure = state
            .failures
            .get_mut(&seen.path)
            .and_then(VecDeque::pop_front);
        if let Some(status) = failure.filter(|status| *status != 200) {
            return (status, json!({"detail": "on purpose"}));
        }
        let json = &seen.json;
        let reply = match seen.path.trim_start_matches("/api/v1/") {
            "client/config" if state.config.is_object() => state.config.clone(),
            "create_session" => json!({"session_id": "session-1"}),
            "create_model" => {
                let id = format!("session-1:train:{}", json["model_seq_id"]);
                state.promise(json!({"type": "create_model", "model_id": id}))
            }
            "get_info" if state.model_data.is_object() => json!({
                "model_id": json["model_id"], "model_data": state.model_data,
            }),
            "get_info" => json!({
                "model_id": json["model_id"], "model_data": {"model_name": "base"},
            }),
            "forward_backward" => {
                let result = state.pass(&seen.pass.unwrap());
                state.promise(result)
            }
            "optim_step" => state.promise(json!({"metrics": {"lr": 0.5}})),
            "save_weights" => state.promise(json!({"path": "tinker://r/weights/c"})),
            "load_weights" if state.needs_model && json["model_id"].is_null() => {
                let missing = json!({"loc": ["body", "model_id"], "msg": "Field required"});
                return (422, json!({"detail": [missing]}));
            }
            "weights_info" => json!({
                "base_model": "base", "is_lora": true, "lora_rank": 4, "train_mlp": false,
            }),
            "load_weights" => state.promise(json!({"path": "tinker://r/weights/c"})),
            "save_weights_for_sampler" => {
                let number = &json["sampling_session_seq_id"];
                let result = match number.is_null() {
                    true => json!({"path": "tinker://r/sampler_weights/c"}),
                    false => json!({"sampling_session_id": format!("session-1:sample:{number}")}),
                };
                state.promise(result)
            }
            "create_sampling_session" => json!({
                "sampling_session_id":
                    format!("session-1:sample:{}", json["sampling_session_seq_id"]),
            }),
            "asample" => {
                let sequence = json!({"stop_reason": "length", "tokens": [7]});
                let mut reply = state.promise(json!({
                    "sequences": [sequence], "prompt_logprobs": [null, -0.5],
                }));
                reply["sample_sequence_ids"] = json!(["seq-1"]);
                reply
            }
            "retrieve_future" => {
                let id = json["request_id"].as_str().unwrap();
                state
                    .results
                    .get(id)
                    .cloned()
                    .unwrap_or_else(|| json!({"error": "unknown"}))
            }
            "create_custom_loss" => state.promise(json!({"loss_id": "loss-1"})),
            "join_sampling_session" => json!({"client_counter": 7}),
            "get_server_capabilities" => json!({"supported_models": []}),
            "telemetry" => json!({"status": "accepted"}),
            path if path.starts_with("samplers/") => {
                json!({"sampler_id": "s", "base_model": "base"})
            }
            _ => json!({}),
        };
        (200, reply)
    }
}

impl State {
    fn promise(&mut self, result: Value) -> Value {
        let id = format!("r-{}", self.results.len());
        self.results.insert(id.clone(), result);
        json!({"request_id": id})
    }

    /// Log-probabilities of -1, -2 … for every target token, whatever the model.
    fn pass(&self, pass: &messages::ForwardBackwardRequest) -> Value {
        let outputs: Vec<Value> = pass
            .data
            .iter()
            .map(|datum| {
                let targets = datum.loss_fn_inputs.get("target_tokens");
                let count = targets.map_or(0, |tensor| floats_or_ints(tensor).1);
                let logprobs: Vec<f64> = (1..=count)
                    .map(|n| -(n as f64) - f64::from(self.logprobs))
                    .collect();
                json!({"logprobs": {"data": logprobs, "dtype": "float32", "shape": [count]}})
            })
            .collect();
        json!({
            "loss_fn_output_type": "ArrayRecord",
            "loss_fn_outputs": outputs,
            "metrics": {"loss:sum": pass.data.len()},
        })
    }
}

/// The floats of a dense tensor, and how many values there are.
pub(crate) fn floats_or_ints(tensor: &messages::Tensor) -> (Vec<f32>, usize) {
    let Some(messages::tensor::Encoding::Dense(bytes)) = &tensor.encoding else {
        panic!("a dense tensor");
    };
    let floats = bytes
        .chunks_exact(4)
        .map(|four| f32::from_le_bytes(four.try_into().unwrap()));
    match tensor.dtype {
        1 => (floats.collect(), bytes.len() / 4),
        _ => (Vec::new(), bytes.len() / 8),
    }
}

impl HttpTransport for Server {
    fn execute(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<Response<ByteStream>, Error>> {
        let (head, body) = request.into_parts();
        let kind = head
            .headers
            .get("content-type")
            .map(|kind| kind.as_bytes().to_vec());
        let is_protobuf = kind.is_some_and(|kind| kind == b"application/x-protobuf");
        let pass =
            is_protobuf.then(|| messages::ForwardBackwardRequest::decode(body.clone()).unwrap());
        let seen = Seen {
            path: head.uri.path().trim_start_matches("/base").to_owned(),
            headers: head.headers,
            json: serde_json::from_slice(&body).unwrap_or_default(),
            pass,
        };
        let delay = self.0.lock().unwrap().delays.get(&seen.path).copied();
        // A reply takes a moment, so that others get their turn.
        let delay = delay.unwrap_or(Duration::from_millis(30));
        let (status, reply) = self.answer(seen);
        let reply = Response::builder()
            .status(status)
            .header("content-type", "application/json")
            .body(ByteStream::from_bytes(reply.to_string().into()))
            .unwrap();
        Box::pin(async move {
            tokio::time::sleep(delay).await;
            Ok(reply)
        })
    }
}
