//! The service client and the sampling client against a small server.

use std::sync::Arc;
use std::time::Duration;

use gimmal_transport::retry::RetryConfig;
use gimmal_transport::{Clock as _, TokioClock};
use gimmal_types::tinker::{CopyWeightsRequest, ModelInput, SamplingParams};
use serde_json::{Value, json};

use super::testing::Server;
use super::*;

fn prompt() -> ModelInput {
    ModelInput::from_ints([1, 2])
}

async fn sampler(server: &Server, options: SamplerOptions) -> SamplingClient {
    let service = server.client();
    let made = service.create_sampling_client().set_base_model("base");
    made.with_options(options).await.unwrap()
}

fn numbers(server: &Server) -> Vec<Value> {
    let samples = server.seen("asample");
    samples
        .iter()
        .map(|seen| seen.json["seq_id"].clone())
        .collect()
}

fn without_retries() -> SamplerOptions {
    SamplerOptions::default().with_retry(RetryConfig::default().with_retries(false))
}

/// Covers: CHK-SVC-1, ServiceClient.create_lora_training_client, ServiceClient.create_sampling_client
#[tokio::test(start_paused = true)]
async fn chk_svc_1_one_session_and_numbers_in_order() {
    let server = Server::default();
    let service = server.client();
    for number in 0..2 {
        let training = service.create_lora_training_client("base").await.unwrap();
        assert_eq!(training.model_id(), format!("session-1:train:{number}"));
    }
    for number in 0..2 {
        let made = service
            .create_sampling_client()
            .set_model_path("tinker://r/sampler_weights/c");
        let sampler = made.await.unwrap();
        assert_eq!(
            sampler.sampling_session_id(),
            format!("session-1:sample:{number}")
        );
        assert_eq!(sampler.get_base_model(), Some("base"));
    }
    let paths = server.paths();
    let opening = [
        "client/config",
        "client/dynamic_config",
        "create_session",
        "create_model",
    ];
    assert_eq!(paths[..4], opening);
    assert_eq!(server.seen("create_session").len(), 1);
    assert_eq!(
        server.seen("create_session")[0].headers["x-api-key"],
        "tml-test-key"
    );
}

#[tokio::test(start_paused = true)]
async fn bad_arguments_send_nothing() {
    let server = Server::default();
    let service = server.client();
    let none = service
        .create_lora_training_client("base")
        .set_train_attn(false)
        .set_train_mlp(false)
        .set_train_unembed(false);
    assert_eq!(none.await.unwrap_err().field(), Some("lora_config"));
    let error = service.create_sampling_client().await.unwrap_err();
    assert_eq!(error.field(), Some("model_path"));
    assert!(server.paths().is_empty());
    let error = ServiceClient::builder()
        .with_api_key("sk-1")
        .build()
        .unwrap_err();
    assert_eq!(error.field(), Some("api_key"));
}

/// Covers: CHK-SVC-3
#[tokio::test(start_paused = true)]
async fn chk_svc_3_clients_of_different_servers_share_nothing() {
    let (one, other) = (Server::default(), Server::default());
    let first = sampler(&one, SamplerOptions::default()).await;
    let second = sampler(&other, SamplerOptions::default()).await;
    first
        .sample(prompt(), 1, SamplingParams::new())
        .await
        .unwrap();
    first
        .sample(prompt(), 1, SamplingParams::new())
        .await
        .unwrap();
    second
        .sample(prompt(), 1, SamplingParams::new())
        .await
        .unwrap();
    assert_eq!(
        (numbers(&one), numbers(&other)),
        (vec![json!(0), json!(1)], vec![json!(0)])
    );
}

/// Covers: CHK-SM-4
#[tokio::test(start_paused = true)]
async fn chk_sm_4_a_session_carries_its_project() {
    let server = Server::default();
    let service = server
        .builder()
        .with_project_id("p-1")
        .with_tags(["t"])
        .build()
        .unwrap();
    assert_eq!(service.session_id().await.unwrap(), "session-1");
    let sent = &server.seen("create_session")[0].json;
    assert_eq!(
        (&sent["project_id"], &sent["tags"]),
        (&json!("p-1"), &json!(["t"]))
    );
}

#[tokio::test(start_paused = true)]
async fn a_session_beats_until_it_is_closed() {
    let server = Server::default();
    let service = server.client();
    service.session_id().await.unwrap();
    TokioClock.sleep(Duration::from_secs(35)).await;
    assert_eq!(server.seen("session_heartbeat").len(), 3);
    service.close("success", Some("done")).await.unwrap();
    service.close("success", None).await.unwrap();
    let finish = server.seen("sessions/session-1/finish");
    assert_eq!(finish.len(), 1);
    assert_eq!(
        finish[0].json,
        json!({"reason": {"type": "success"}, "detail": "done"})
    );
    TokioClock.sleep(Duration::from_secs(35)).await;
    assert_eq!(server.seen("session_heartbeat").len(), 3);
    assert!(service.session_id().await.unwrap_err().is_cancelled());
    let told = server.seen("telemetry");
    let kinds: Vec<_> = told
        .iter()
        .flat_map(|batch| batch.json["events"].as_array().unwrap().clone())
        .map(|event| event["event"].clone())
        .collect();
    assert_eq!(kinds, [json!("SESSION_START"), json!("SESSION_END")]);
}

/// Covers: CHK-TEL-1
#[tokio::test(start_paused = true)]
async fn chk_tel_1_telemetry_can_be_switched_off() {
    let server = Server::default();
    let off = |name: &str| (name == "TINKER_TELEMETRY").then(|| "0".to_owned());
    let service = server.builder().from_lookup(off).build().unwrap();
    let training = service.create_lora_training_client("base").await.unwrap();
    assert!(training.get_telemetry().is_none());
    service.close("success", None).await.unwrap();
    assert!(server.seen("telemetry").is_empty());
}

/// Covers: CHK-CFG-3
#[test]
fn chk_cfg_3_nothing_shows_the_key() {
    let builder = ServiceClient::builder().with_api_key("tml-secret-1");
    let service = ServiceClient::builder()
        .with_api_key("tml-secret-1")
        .build()
        .unwrap();
    for shown in [format!("{builder:?}"), format!("{service:?}")] {
        assert!(!shown.contains("secret-1"), "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn debts_are_waited_out_when_a_session_is_opened() {
    let server = Server::default();
    server.fail("client/config", [402, 402]);
    let start = TokioClock.now();
    server.client().session_id().await.unwrap();
    assert!(TokioClock.now() - start >= Duration::from_secs(10));
}

/// Covers: SamplingClient.sample, SamplingClient.compute_logprobs
#[tokio::test(start_paused = true)]
async fn a_sample_names_its_sequences() {
    let server = Server::default();
    let client = sampler(&server, SamplerOptions::default()).await;
    let reply = client
        .sample(prompt(), 1, SamplingParams::new())
        .await
        .unwrap();
    assert_eq!(reply.sequences[0].sequence_id, "seq-1");
    assert_eq!(
        client.compute_logprobs(prompt()).await.unwrap(),
        [None, Some(-0.5)]
    );
    let sent = &server.seen("asample");
    assert_eq!(sent[0].headers["x-tinker-sampling-backpressure"], "1");
    assert_eq!(sent[1].json["sampling_params"]["max_tokens"], 1);
    assert_eq!(sent[1].json["prompt_logprobs"], true);
}

/// Covers: CHK-SMP-1
#[tokio::test(start_paused = true)]
async fn chk_smp_1_a_refusal_is_absorbed_under_the_same_number() {
    let server = Server::default();
    let client = sampler(&server, without_retries()).await;
    server.fail("asample", [429]);
    let start = TokioClock.now();
    client
        .sample(prompt(), 1, SamplingParams::new())
        .await
        .unwrap();
    assert!(TokioClock.now() - start >= Duration::from_secs(1));
    let samples = (0..20).map(|_| client.sample(prompt(), 1, SamplingParams::new()).submit());
    for sample in samples.collect::<Vec<_>>() {
        sample.await.unwrap().await.unwrap();
    }
    let mut sent: Vec<u64> = numbers(&server)
        .iter()
        .map(|n| n.as_u64().unwrap())
        .collect();
    sent.sort_unstable();
    let expected: Vec<u64> = std::iter::once(0).chain(0..=20).collect();
    assert_eq!(sent, expected);
}

/// Covers: CHK-SMP-4
#[tokio::test(start_paused = true)]
async fn chk_smp_4_without_retries_one_failure_is_one_call() {
    for status in [500, 400] {
        let server = Server::default();
        let client = sampler(&server, without_retries()).await;
        server.fail("asample", [status]);
        let error = client
            .sample(prompt(), 1, SamplingParams::new())
            .await
            .unwrap_err();
        assert_eq!(error.status().unwrap(), status);
        assert_eq!(numbers(&server), [0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_broken_promise_is_handed_in_anew() {
    let server = Server::default();
    let client = sampler(&server, SamplerOptions::default()).await;
    server.fail("retrieve_future", [410]);
    client
        .sample(prompt(), 1, SamplingParams::new())
        .await
        .unwrap();
    assert_eq!(numbers(&server), [0, 1]);
}

/// Covers: CHK-REST-2, RestClient.get_sampler, RestClient.delete_checkpoint_from_tinker_path
#[tokio::test(start_paused = true)]
async fn chk_rest_2_a_malformed_path_sends_nothing() {
    let server = Server::default();
    let rest = server.client().create_rest_client();
    let error = rest
        .delete_checkpoint_from_tinker_path("tinker://x/weights")
        .await;
    assert_eq!(
        error.unwrap_err().kind(),
        gimmal_transport::ErrorKind::Invalid
    );
    assert!(server.paths().is_empty());

    let sampler = rest.get_sampler("session-1:sample:0").await.unwrap();
    assert_eq!(sampler.base_model, "base");
    rest.delete_checkpoint_from_tinker_path("tinker://r/weights/0001")
        .await
        .unwrap();
    let expected = [
        "client/config",
        "client/dynamic_config",
        "samplers/session-1:sample:0",
        "training_runs/r/checkpoints/weights/0001",
    ];
    assert_eq!(server.paths(), expected, "no session is opened");
}

/// Covers: CHK-SVC-2, ServiceClient.create_training_client_from_state_with_optimizer
#[tokio::test(start_paused = true)]
async fn chk_svc_2_a_model_is_made_from_a_checkpoint_in_one_request() {
    let server = Server::default();
    let service = server.client();
    let path = "tinker://r/weights/c";
    let made = service.create_training_client_from_state_with_optimizer(path);
    assert_eq!(made.await.unwrap().model_id(), "session-1:train:0");
    let made = service.create_training_client_from_state(path);
    assert_eq!(made.await.unwrap().model_id(), "session-1:train:1");
    let paths = server.paths();
    let each = ["load_weights", "retrieve_future", "get_info"];
    assert_eq!(paths[3..], [each, each].concat());
    let sent = server.seen("load_weights");
    for (number, request) in sent.iter().enumerate() {
        assert_eq!(request.json["path"], path);
        assert_eq!(request.json["optimizer"], number == 0);
        assert_eq!(request.json["model_seq_id"], number);
        assert_eq!(request.json["session_id"], "session-1");
    }
}

/// Covers: ServiceClient.create_training_client_from_state
#[tokio::test(start_paused = true)]
async fn a_server_that_loads_only_into_models_is_asked_twice() {
    let server = Server::default();
    server.need_model();
    let service = server.client();
    let path = "tinker://r/weights/c";
    let made = service.create_training_client_from_state(path);
    let client = made.set_weights_access_token("token").await.unwrap();
    let made = server.seen("create_model").remove(0).json;
    assert_eq!(made["base_model"], "base");
    let lora = &made["lora_config"];
    assert_eq!(
        (&lora["rank"], &lora["train_mlp"]),
        (&json!(4), &json!(false))
    );
    let loaded = server.seen("load_weights").remove(1).json;
    assert_eq!(loaded["model_id"], client.model_id());
    assert_eq!(
        (&loaded["seq_id"], &loaded["optimizer"]),
        (&json!(1), &json!(false))
    );
    assert_eq!(loaded["weights_access_token"], "token");
}

/// Covers: CHK-SM-5
#[tokio::test(start_paused = true)]
async fn chk_sm_5_a_slow_heartbeat_delays_no_other_session() {
    let (slow, quick) = (Server::default(), Server::default());
    slow.delay("session_heartbeat", Duration::from_secs(5));
    let (first, second) = (slow.client(), quick.client());
    first.session_id().await.unwrap();
    second.session_id().await.unwrap();
    TokioClock.sleep(Duration::from_millis(61_000)).await;
    assert_eq!(slow.seen("session_heartbeat").len(), 4);
    assert_eq!(quick.seen("session_heartbeat").len(), 6);
}

/// Covers: CHK-SM-2
#[tokio::test(start_paused = true)]
async fn chk_sm_2_a_lost_session_is_left_alone() {
    let server = Server::default();
    server.fail("session_heartbeat", [503; 10]);
    let limits = HeartbeatLimits::default().with_max_failures(2);
    let service = server.builder().with_heartbeat_limits(limits);
    let service = service.build().unwrap();
    service.session_id().await.unwrap();
    TokioClock.sleep(Duration::from_secs(100)).await;
    assert_eq!(server.seen("session_heartbeat").len(), 3);
}

/// Covers: CHK-SR-1
#[tokio::test(start_paused = true)]
async fn chk_sr_1_a_sampling_client_is_listed_until_its_last_clone_is_gone() {
    let server = Server::default();
    let service = server.client();
    assert!(service.sampling_clients().is_empty());
    let make = || service.create_sampling_client().set_base_model("base");
    let (first, second) = (make().await.unwrap(), make().await.unwrap());
    let clone = first.clone();
    drop(first);
    assert_eq!(service.sampling_clients().len(), 2);
    drop(clone);
    let left = service.sampling_clients();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].sampling_session_id, second.sampling_session_id());
    assert_eq!(left[0].base_model.as_deref(), Some("base"));
}

/// Covers: CHK-SMP-3
#[tokio::test(start_paused = true)]
async fn chk_smp_3_clients_of_one_server_and_key_pause_together() {
    let server = Server::default();
    let client = |key: &'static str| {
        let builder = ServiceClient::builder()
            .with_api_key(key)
            .with_base_url("http://chk-smp-3.test:80/base")
            .with_http(Arc::new(server.clone()));
        builder.build().unwrap()
    };
    let sampler = async |service: &ServiceClient| {
        let made = service.create_sampling_client().set_base_model("base");
        made.with_options(without_retries()).await.unwrap()
    };
    let (one, same, other) = (client("tml-1"), client("tml-1"), client("tml-2"));
    let (one, same, other) = (
        sampler(&one).await,
        sampler(&same).await,
        sampler(&other).await,
    );
    server.fail("asample", [429]);
    let refused = one.sample(prompt(), 1, SamplingParams::new()).submit();
    TokioClock.sleep(Duration::from_millis(100)).await;
    let start = TokioClock.now();
    let sample = |client: &SamplingClient| client.sample(prompt(), 1, SamplingParams::new());
    sample(&other).await.unwrap();
    assert!(TokioClock.now() - start < Duration::from_millis(500));
    sample(&same).await.unwrap();
    assert!(TokioClock.now() - start >= Duration::from_millis(800));
    refused.result().await.unwrap();
}

/// Covers: CHK-SMP-5
#[tokio::test(start_paused = true)]
async fn chk_smp_5_a_token_is_there_before_the_last_one_is_sent() {
    use futures_util::StreamExt as _;
    use gimmal_transport::testing::{Reply, ScriptedTransport};
    let json = |body: &'static str| Reply::json(200, body);
    let wait = Duration::from_secs(30);
    let http = ScriptedTransport::new([
        json("{}"),
        json("{}"),
        json(r#"{"session_id": "s"}"#),
        json(r#"{"sampling_session_id": "s:sample:0"}"#),
        Reply::status(200)
            .with_chunk("data: {\"token\": \"a\"}\n\n")
            .with_pause(wait)
            .with_chunk("data: {\"token\": \"b\", \"finish_reason\": \"stop\"}\n\n"),
    ]);
    let http = Arc::new(http);
    let service = ServiceClient::builder()
        .with_api_key("tml-1")
        .with_base_url("http://chk-smp-5.test")
        .with_telemetry(false)
        .with_http(http.clone());
    let service = service.build().unwrap();
    let made = service.create_sampling_client().set_base_model("base");
    let sampler = made.await.unwrap();
    let start = TokioClock.now();
    let stream = sampler.sample_stream(prompt(), SamplingParams::new());
    let mut stream = stream.await.unwrap();
    let first = stream.next().await.unwrap().unwrap();
    assert_eq!(first.token.as_deref(), Some("a"));
    assert!(TokioClock.now() - start < wait);
    let (text, _) = stream.collect_text().await.unwrap();
    assert_eq!(text, "b");
    let requests = http.requests();
    let mut streams = requests
        .iter()
        .filter(|request| request.path_and_query() == "/api/v1/stream_sample");
    let request = streams.next().unwrap();
    assert_eq!(request.header("accept"), Some("text/event-stream"));
}

/// The events that the server was told of, by name or kind, with their data.
fn told(server: &Server) -> Vec<(String, Value)> {
    let batches = server.seen("telemetry");
    let events = batches
        .iter()
        .flat_map(|batch| batch.json["events"].as_array().unwrap());
    let named = events.map(|event| {
        let name = event.get("event_name").unwrap_or(&event["event"]);
        (name.as_str().unwrap().to_owned(), event.clone())
    });
    named.collect()
}

/// Covers: CHK-CAP-1
#[tokio::test(start_paused = true)]
async fn chk_cap_1_what_fails_in_a_client_is_told_without_secrets() {
    let server = Server::default();
    let service = server.client();
    let training = service.create_lora_training_client("base").await.unwrap();
    server.fail("retrieve_future", [503, 403]);
    let step = training.optim_step(gimmal_types::tinker::AdamParams::new());
    step.await.unwrap_err();
    service.close("errored", None).await.unwrap();
    let told = told(&server);
    let names: Vec<&str> = told.iter().map(|(name, _)| name.as_str()).collect();
    let poll = "APIFuture.result_async.api_status_error";
    let expected = ["SESSION_START", poll, poll, "user_error", "SESSION_END"];
    assert_eq!(names, expected);
    assert_eq!(told[1].1["severity"], "WARNING");
    assert_eq!(told[1].1["event_data"]["status_code"], 503);
    assert_eq!(told[1].1["event_data"]["request_type"], "OptimStep");
    assert!(!format!("{told:?}").contains("tml-"));
}

/// Covers: CHK-CAP-1
#[tokio::test(start_paused = true)]
async fn chk_cap_1_a_model_that_cannot_be_made_is_told() {
    let server = Server::default();
    let service = server.client();
    service.session_id().await.unwrap();
    server.fail("create_model", [418]);
    let made = service.create_lora_training_client("base").await;
    assert_eq!(made.unwrap_err().status().unwrap(), 418);
    service.close("errored", None).await.unwrap();
    let names: Vec<String> = told(&server).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["SESSION_START", "user_error", "SESSION_END"]);
}

/// Covers: ServiceClient.get_console_url, TrainingClient.get_console_url, ServiceClient.get_telemetry,
/// TrainingClient.get_telemetry, SamplingClient.get_telemetry
#[tokio::test(start_paused = true)]
async fn pages_and_the_reporter_come_with_the_session() {
    let server = Server::default();
    let service = server.client();
    assert!(service.get_console_url().ends_with("/sessions"));
    assert!(service.get_telemetry().is_none());
    let training = service.create_lora_training_client("base").await.unwrap();
    assert!(service.get_console_url().ends_with("/sessions/session-1"));
    let page = training.get_console_url();
    assert!(page.ends_with("/training_runs/session-1:train:0"), "{page}");
    assert!(service.get_telemetry().is_some());
    assert!(training.get_telemetry().is_some());
    let sampler = service.create_sampling_client().set_base_model("base");
    assert!(sampler.await.unwrap().get_telemetry().is_some());
}

/// Covers: RestClient.get_telemetry, AdminClient.get_telemetry, ServiceClient.create_rest_client
#[tokio::test(start_paused = true)]
async fn clients_without_a_session_have_a_reporter_unless_it_is_off() {
    for on in [true, false] {
        let server = Server::default();
        let service = server.builder().with_telemetry(on).build().unwrap();
        let rest = service.create_rest_client();
        assert_eq!(rest.get_telemetry().await.unwrap().is_some(), on);
        let admin = service.create_admin_client();
        assert_eq!(admin.get_telemetry().await.unwrap().is_some(), on);
        assert!(server.seen("create_session").is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn access_is_checked_without_a_session() {
    let server = Server::default();
    server.client().check_access().await.unwrap();
    assert!(!server.paths().contains(&"create_session".to_owned()));
    server.fail("get_server_capabilities", [401]);
    let refused = server.client().check_access().await.unwrap_err();
    assert_eq!(refused.status().unwrap(), 401);
}

/// Covers: ServiceClient.copy_weights
#[tokio::test(start_paused = true)]
async fn a_copy_goes_into_the_project_of_the_client() {
    let server = Server::default();
    let copy = || CopyWeightsRequest::new().set_source_path("tinker://r/weights/c");
    let homeless = server.client().copy_weights(copy()).await;
    assert_eq!(
        homeless.unwrap_err().field(),
        Some("destination_project_id")
    );
    let service = server.builder().with_project_id("p").build().unwrap();
    // The server has no copy to name, which is of no interest here.
    drop(service.copy_weights(copy()).await);
    let sent = &server.seen("copy_weights")[0];
    assert_eq!(sent.json["destination_project_id"], "p");
    assert_eq!(sent.headers["x-sdk-method"], "ServiceClient.copy_weights");
    assert!(
        server.seen("create_session").is_empty(),
        "no session is needed"
    );
}
