//! The Tinker API over the socket: order, polls, checkpoints, lists, keys and faults.

use std::{sync::Arc, time::Duration};

use gimmal_emulator::{
    Emulator, EmulatorBuilder, Fault, FaultRule, ManualClock, QueueState, Route, TinkerCall,
};
use reqwest::{Client, Method};
use serde_json::{Map, Value, json};

struct Bench {
    emulator: Emulator,
    http: Client,
    key: String,
}

impl Bench {
    async fn start(builder: EmulatorBuilder) -> Self {
        let http = Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(20))
            .build();
        Self {
            emulator: builder.start().await.expect("the emulator starts"),
            http: http.expect("a client"),
            key: "tml-key".to_owned(),
        }
    }

    async fn plain() -> Self {
        Self::start(Emulator::builder()).await
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        let url = format!("{}api/v1/{path}", self.emulator.base_url());
        let mut request = self
            .http
            .request(method, url)
            .header("x-api-key", &self.key);
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        let reply = request.send().await.expect("a reply");
        let status = reply.status().as_u16();
        let text = reply.bytes().await.expect("a body");
        (status, serde_json::from_slice(&text).unwrap_or_default())
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.send(Method::POST, path, Some(&body)).await
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.send(Method::GET, path, None).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    async fn ok(&self, path: &str, body: Value) -> Value {
        let (status, body) = self.post(path, body).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    async fn session(&self) -> String {
        let made = self.ok("create_session", json!({"sdk_version": "0"})).await;
        text(&made["session_id"])
    }

    async fn result(&self, future: &Value) -> Value {
        let poll = json!({"request_id": future["request_id"]});
        loop {
            let (status, body) = self.post("retrieve_future", poll.clone()).await;
            if status != 408 {
                assert_eq!(status, 200, "{body}");
                return body;
            }
        }
    }

    async fn model(&self, session: &str) -> String {
        let body = json!({"session_id": session, "model_seq_id": 0, "base_model": "gimmal/bytes"});
        let future = self.ok("create_model", body).await;
        text(&self.result(&future).await["model_id"])
    }

    async fn step(&self, model: &str, seq_id: u64) -> (u16, Value) {
        let body = json!({"model_id": model, "seq_id": seq_id, "adam_params": {}});
        self.post("optim_step", body).await
    }

    async fn save(&self, model: &str, seq_id: u64, name: &str) -> Value {
        let body = json!({"model_id": model, "seq_id": seq_id, "path": name});
        let future = self.ok("save_weights", body).await;
        self.result(&future).await
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

#[tokio::test]
async fn requests_wait_for_their_turn_and_count_once() {
    let bench = Bench::plain().await;
    let model = bench.model(&bench.session().await).await;
    let (_, third) = bench.step(&model, 3).await;
    let (_, second) = bench.step(&model, 2).await;
    assert_eq!(bench.emulator.tinker().applied().len(), 1);
    let (_, first) = bench.step(&model, 1).await;
    let (_, again) = bench.step(&model, 1).await;
    assert_eq!(again["request_id"], first["request_id"]);
    for future in [&first, &second, &third] {
        assert!(bench.result(future).await["metrics"].is_object());
    }
    let other = json!({"model_id": model, "seq_id": 1, "adam_params": {"beta1": 0.5}});
    assert_eq!(bench.post("optim_step", other).await.0, 400);
    let applied = bench.emulator.tinker().applied();
    let numbers: Vec<u64> = applied.iter().map(|request| request.seq_id).collect();
    assert_eq!(numbers, [0, 1, 2, 3]);
}

#[tokio::test]
async fn faults_of_every_kind_leave_each_request_applied_once() {
    let calls = [TinkerCall::OptimStep, TinkerCall::RetrieveFuture];
    let rules = calls.into_iter().flat_map(|call| {
        [Fault::unavailable(), Fault::reset(), Fault::repeat()].map(|fault| {
            FaultRule::new(fault)
                .on(Route::Tinker(call))
                .with_ratio(0.1)
        })
    });
    let bench = Bench::start(Emulator::builder().with_faults(rules)).await;
    let model = bench.model(&bench.session().await).await;
    let url = format!("{}api/v1/", bench.emulator.base_url());
    let again = async |path: &str, body: Value| loop {
        let request = bench
            .http
            .post(format!("{url}{path}"))
            .header("x-api-key", &bench.key);
        match request.body(body.to_string()).send().await {
            Ok(reply) if reply.status() == 200 => {
                let bytes = reply.bytes().await.expect("a body");
                return serde_json::from_slice::<Value>(&bytes).expect("JSON");
            }
            _ => {}
        }
    };
    for number in 1..=100 {
        let body = json!({"model_id": model, "seq_id": number, "adam_params": {}});
        let future = again("optim_step", body).await;
        again(
            "retrieve_future",
            json!({"request_id": future["request_id"]}),
        )
        .await;
    }
    assert!(bench.emulator.chaos().strikes() > 20);
    let applied = bench.emulator.tinker().applied();
    let numbers: Vec<u64> = applied.iter().map(|request| request.seq_id).collect();
    assert_eq!(numbers, (0..=100).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_poll_is_held_and_then_told_the_state_of_the_queue() {
    let clock = ManualClock::new();
    let builder = Emulator::builder()
        .with_clock(Arc::new(clock.clone()))
        .with_tinker_hold(Duration::ZERO);
    let bench = Bench::start(builder).await;
    let model = bench.model(&bench.session().await).await;
    let tinker = bench.emulator.tinker();
    tinker.hold(QueueState::PausedRateLimit, Some("too many clients"));
    let (_, future) = bench.step(&model, 1).await;
    let poll = json!({"request_id": future["request_id"]});
    let (status, body) = bench.post("retrieve_future", poll.clone()).await;
    assert_eq!(
        (status, text(&body["queue_state"])),
        (408, "paused_rate_limit".to_owned())
    );
    assert_eq!(body["queue_state_reason"], "too many clients");
    tinker.hold(QueueState::Active, None);
    while bench.post("retrieve_future", poll.clone()).await.0 == 408 {}
    assert_eq!(
        bench
            .post("retrieve_future", json!({"request_id": "x"}))
            .await
            .0,
        410
    );
}

#[tokio::test]
async fn sessions_end_without_heartbeats() {
    let clock = ManualClock::new();
    let bench = Bench::start(Emulator::builder().with_clock(Arc::new(clock.clone()))).await;
    let session = bench.session().await;
    let model = bench.model(&session).await;
    let beat = json!({"session_id": session});
    clock.advance(Duration::from_secs(299));
    assert_eq!(bench.post("session_heartbeat", beat.clone()).await.0, 200);
    clock.advance(Duration::from_secs(301));
    assert_eq!(bench.post("session_heartbeat", beat).await.0, 410);
    assert_eq!(bench.step(&model, 1).await.0, 404);
    let found = bench
        .ok(
            "sessions/search",
            json!({"statuses": [{"type": "cancelled"}]}),
        )
        .await;
    assert_eq!(found["sessions"][0]["session_id"], session);
}

#[tokio::test]
async fn checkpoints_outlive_the_emulator() {
    let folder = tempfile::tempdir().expect("a folder");
    let start = || Bench::start(Emulator::builder().with_tinker_folder(folder.path()));
    let bench = start().await;
    let first = bench.session().await;
    let model = bench.model(&first).await;
    let path = text(&bench.save(&model, 1, "a").await["path"]);
    assert_eq!(path, format!("tinker://{model}/weights/a"));
    let again = bench.save(&model, 2, "a").await;
    assert_eq!(again["category"], "user");
    drop(bench);

    let bench = start().await;
    let session = bench.session().await;
    assert_ne!(session, first);
    let load = json!({
        "session_id": session, "model_seq_id": 0, "path": path, "optimizer": true,
    });
    let future = bench.ok("load_weights", load).await;
    assert_eq!(bench.result(&future).await["path"], path);
    assert_eq!(bench.get("checkpoints").await["cursor"]["total_count"], 1);
    let at = format!("training_runs/{model}/checkpoints/weights/a");
    assert_eq!(bench.post(&format!("{at}/publish"), json!({})).await.0, 200);
    assert_eq!(bench.post(&format!("{at}/publish"), json!({})).await.0, 409);
    let ttl = json!({"ttl_seconds": 10});
    assert_eq!(
        bench
            .send(Method::PUT, &format!("{at}/ttl"), Some(&ttl))
            .await
            .0,
        422
    );
    assert_eq!(bench.send(Method::DELETE, &at, None).await.0, 200);
    assert_eq!(bench.send(Method::DELETE, &at, None).await.0, 404);
}

#[tokio::test]
async fn files_are_fetched_whole_and_in_parts() {
    let bench = Bench::plain().await;
    let model = bench.model(&bench.session().await).await;
    let body = json!({"model_id": model, "seq_id": 1, "path": "e"});
    let future = bench.ok("save_weights_external", body).await;
    bench.result(&future).await;
    let at = format!("training_runs/{model}/checkpoints/external_weights/e");
    let urls = bench.get(&format!("{at}/external_weights_urls")).await;
    let url = text(&urls["urls"]["adapter_model.safetensors"]);
    let whole = bench.http.get(&url).send().await.expect("a reply");
    let whole = whole.bytes().await.expect("a file");
    let rest = bench
        .http
        .get(&url)
        .header("range", "bytes=8-")
        .send()
        .await
        .expect("a reply");
    assert_eq!(rest.status(), 206);
    assert_eq!(rest.bytes().await.expect("a part"), whole[8..]);
    let forged = url.replace("external_weights/e", "external_weights/f");
    assert_eq!(
        bench
            .http
            .get(forged)
            .send()
            .await
            .expect("a reply")
            .status(),
        403
    );
    let archive = format!("{}api/v1/{at}/archive", bench.emulator.base_url());
    let archive = bench.http.get(archive).header("x-api-key", &bench.key);
    let archive = archive
        .send()
        .await
        .expect("a reply")
        .bytes()
        .await
        .expect("an archive");
    assert!(archive.starts_with(b"adapter_config.json\0"));
}

#[tokio::test]
async fn samplings_are_told_in_a_stream_and_repeat_by_number() {
    let bench = Bench::plain().await;
    let session = bench.session().await;
    let create = json!({
        "session_id": session, "sampling_session_seq_id": 0, "base_model": "gimmal/bytes",
    });
    let sampler = bench.ok("create_sampling_session", create).await;
    let sampler = text(&sampler["sampling_session_id"]);
    let ask = json!({
        "sampling_session_id": sampler, "seq_id": 0, "num_samples": 2,
        "prompt": {"chunks": [{"type": "encoded_text", "tokens": [65, 66]}]},
        "sampling_params": {"max_tokens": 3, "seed": 1, "stop": []},
    });
    let future = bench.ok("asample", ask.clone()).await;
    assert_eq!(
        future["sample_sequence_ids"].as_array().expect("ids").len(),
        2
    );
    assert_eq!(bench.ok("asample", ask).await, future);
    let poll = json!({"target": {"type": "sampling_session", "sampling_session_id": sampler}});
    let ended = bench.ok("retrieve_futures", poll).await;
    assert_eq!(ended["completions"][0]["request_id"], future["request_id"]);
    assert_eq!(ended["cursor"], 1);
    let seen = json!({
        "target": {"type": "sampling_session", "sampling_session_id": sampler},
        "prev_cursor": 1, "timeout": 0.0, "retrieved_request_ids": [future["request_id"]],
    });
    let rest = bench.ok("retrieve_futures", seen).await;
    assert_eq!(rest, json!({"completions": [], "cursor": 1}));
    let gone = json!({"request_id": future["request_id"]});
    assert_eq!(bench.post("retrieve_future", gone).await.0, 410);
    let clone = bench
        .ok(
            "join_sampling_session",
            json!({"sampling_session_id": sampler}),
        )
        .await;
    assert_eq!(clone["client_counter"], 1);
}

#[tokio::test]
async fn tokens_take_the_place_of_keys() {
    let clock = ManualClock::new();
    let flags = json!({"pjwt_auth_enabled": true});
    let flags: Map<String, Value> = serde_json::from_value(flags).expect("flags");
    let builder = Emulator::builder()
        .with_clock(Arc::new(clock.clone()))
        .with_tinker_config(flags)
        .with_tinker_token_lifetime(Duration::from_secs(60));
    let mut bench = Bench::start(builder).await;
    let create = json!({"sdk_version": "0"});
    assert_eq!(bench.post("create_session", create.clone()).await.0, 401);
    let config = bench.ok("client/config", create.clone()).await;
    assert_eq!(config["pjwt_auth_enabled"], true);
    bench.key = text(&bench.ok("auth/token", json!({})).await["jwt"]);
    assert_eq!(bench.post("create_session", create.clone()).await.0, 200);
    clock.advance(Duration::from_secs(60));
    assert_eq!(bench.post("create_session", create).await.0, 401);
    let journal = bench.emulator.journal();
    let request = journal
        .last(Route::Tinker(TinkerCall::CreateSession))
        .expect("a request");
    assert!(!request.headers().contains_key("x-api-key"));
    bench.key = "sk-wrong".to_owned();
    assert_eq!(bench.send(Method::GET, "sessions", None).await.0, 401);
}

#[tokio::test]
async fn messages_are_read_strictly() {
    let bench = Bench::plain().await;
    let odd = json!({"sdk_version": "0", "colour": "red"});
    let (status, body) = bench.post("create_session", odd).await;
    assert_eq!(
        (status, &body["detail"][0]["loc"][1]),
        (422, &json!("colour"))
    );
    let session = bench.session().await;
    let unknown = json!({"session_id": session, "model_seq_id": 0, "base_model": "no/model"});
    assert_eq!(bench.post("create_model", unknown).await.0, 400);
    let model = bench.model(&session).await;
    assert_eq!(bench.post("forward_backward", json!({})).await.0, 422);
    bench.ok("unload_model", json!({"model_id": model})).await;
    assert_eq!(bench.step(&model, 1).await.0, 404);
}

#[tokio::test]
async fn samplings_are_turned_away_when_too_many_wait() {
    let bench = Bench::start(Emulator::builder().with_tinker_sampling_limit(1)).await;
    let session = bench.session().await;
    let create = json!({
        "session_id": session, "sampling_session_seq_id": 0, "base_model": "gimmal/bytes",
    });
    let sampler = bench.ok("create_sampling_session", create).await;
    bench
        .emulator
        .tinker()
        .hold(QueueState::PausedCapacity, None);
    let url = format!("{}api/v1/asample", bench.emulator.base_url());
    let ask = async |seq_id: u64| {
        let body = json!({
            "sampling_session_id": sampler["sampling_session_id"], "seq_id": seq_id,
            "prompt": {"chunks": [{"type": "encoded_text", "tokens": [65]}]},
            "sampling_params": {"max_tokens": 1},
        });
        let request = bench.http.post(&url).header("x-api-key", &bench.key);
        let request = request.header("x-tinker-sampling-backpressure", "1");
        let reply = request.body(body.to_string()).send().await;
        reply.expect("a reply").status().as_u16()
    };
    let mut refused = 0;
    for number in 0..50 {
        refused += usize::from(ask(number).await == 429);
    }
    assert!(refused > 0);
    bench.emulator.tinker().hold(QueueState::Active, None);
}
