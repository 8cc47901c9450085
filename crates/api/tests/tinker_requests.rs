//! Every request of the Tinker API: method, address, headers and body, without a server.

use bytes::Bytes;
use gimmal_api::tinker::{
    AuditQuery, Endpoint, ListQuery, ListTrainingRuns, Page, RequestType, RetrieveFuture, requests,
};
use gimmal_transport::{Error, Request};
use gimmal_types::tinker::proto::ForwardBackwardBody;
use gimmal_types::tinker::{
    AccessScope, AdamParams, CancelFutureRequest, CheckpointTtlRequest, ClientConfigRequest,
    CopyWeightsRequest, CreateCustomLossRequest, CreateModelRequest, CreateSamplingSessionRequest,
    CreateSessionRequest, Datum, FinishSessionRequest, FutureRetrieveRequest,
    FuturesRetrieveRequest, GetBillingUsageRequest, GetCurrentCheckpointStorageUsageRequest,
    GetInfoRequest, JoinSamplingSessionRequest, LoadWeightsRequest, LossFnType, ModelInput,
    OptimStepRequest, SampleRequest, SaveWeightsExternalRequest, SaveWeightsForSamplerRequest,
    SaveWeightsRequest, SessionHeartbeatRequest, SessionProjectRequest, SessionSearchRequest,
    TelemetrySendRequest, WeightsInfoRequest,
};
use serde_json::{Value, json};

fn endpoint() -> Endpoint {
    Endpoint::new("http://host/base").unwrap()
}

/// Method and address below `api/v1`.
fn line(request: &Request) -> String {
    let url = request.url().as_str();
    let path = url.strip_prefix("http://host/base/api/v1/").unwrap();
    format!("{} {path}", request.method())
}

fn body(request: &Request) -> Value {
    serde_json::from_slice(request.body()).unwrap()
}

/// Checks a request that is JSON, and gives its body.
fn sent(request: Result<Request, Error>, expected: &str) -> Value {
    let request = request.unwrap();
    assert_eq!(line(&request), expected);
    if expected.starts_with("GET") {
        assert!(request.body().is_empty() && request.headers().is_empty());
        return Value::Null;
    }
    assert_eq!(request.headers()["content-type"], "application/json");
    if request.body().is_empty() {
        return Value::Null;
    }
    body(&request)
}

/// Covers: CHK-EP-1, tinker.service.client_config, tinker.service.client_dynamic_config,
/// tinker.service.auth_token, tinker.service.health, tinker.service.get_server_capabilities,
/// tinker.auth.get_own_key, tinker.auth.delete_own_key, tinker.telemetry.send
#[test]
fn the_service_and_the_key() {
    let at = endpoint();
    let version = ClientConfigRequest::new().set_sdk_version("0.38.0");
    let said = json!({"sdk_version": "0.38.0"});
    assert_eq!(
        sent(requests::client_config(&at, &version), "POST client/config"),
        said
    );
    let dynamic = requests::client_dynamic_config(&at, &version);
    assert_eq!(sent(dynamic, "POST client/dynamic_config"), said);
    assert_eq!(
        sent(requests::auth_token(&at), "POST auth/token"),
        json!({})
    );
    sent(requests::health(&at), "GET healthz");
    sent(
        requests::get_server_capabilities(&at),
        "GET get_server_capabilities",
    );
    sent(requests::get_own_key(&at), "GET auth/apikey/me");
    sent(requests::delete_own_key(&at), "DELETE auth/apikey/me");
    let batch = TelemetrySendRequest::new().set_platform("Linux");
    let batch = sent(requests::send_telemetry(&at, &batch), "POST telemetry");
    assert_eq!(batch["events"], json!([]));
}

/// Covers: tinker.sessions.create, tinker.sessions.heartbeat, tinker.sessions.finish,
/// tinker.sessions.list, tinker.sessions.get, tinker.sessions.assign_project,
/// tinker.sessions.export_trace, tinker.sessions.search
#[test]
fn sessions() {
    let at = endpoint();
    let session = CreateSessionRequest::new()
        .set_sdk_version("0.38.0")
        .set_user_metadata(serde_json::Map::new());
    assert_eq!(
        sent(
            requests::create_session(&at, &session),
            "POST create_session"
        ),
        json!({"tags": [], "user_metadata": {}, "sdk_version": "0.38.0", "type": "create_session"})
    );
    let beat = SessionHeartbeatRequest::new().set_session_id("s");
    assert_eq!(
        sent(
            requests::session_heartbeat(&at, &beat),
            "POST session_heartbeat"
        ),
        json!({"session_id": "s", "type": "session_heartbeat"})
    );
    let end = FinishSessionRequest::new("success");
    assert_eq!(
        sent(
            requests::finish_session(&at, "s", &end),
            "POST sessions/s/finish"
        ),
        json!({"reason": {"type": "success"}, "detail": null})
    );
    let list = requests::list_sessions(&at, &ListQuery::default());
    sent(list, "GET sessions?limit=20&offset=0&access_scope=owned");
    let get = requests::get_session(&at, "s", &AccessScope::Accessible);
    sent(get, "GET sessions/s?access_scope=accessible");
    let project = SessionProjectRequest::new().set_project_id("p");
    let project = requests::assign_session_project(&at, "s", &project);
    assert_eq!(
        sent(project, "PUT sessions/s/project"),
        json!({"project_id": "p"})
    );
    sent(
        requests::export_session_trace(&at, "s"),
        "GET sessions/s/trace_export",
    );
    let search = requests::search_sessions(&at, &SessionSearchRequest::new());
    assert_eq!(
        sent(search, "POST sessions/search"),
        json!({"user_metadata": {}, "owner": {"type": "own"}, "limit": 50})
    );
    let bad = SessionSearchRequest::new().set_limit(0_u32);
    assert_eq!(
        requests::search_sessions(&at, &bad).unwrap_err().field(),
        Some("limit")
    );
}

/// Covers: tinker.training.create_model, tinker.training.get_info, tinker.training.optim_step,
/// tinker.training.create_custom_loss, tinker.training.forward_backward
#[test]
fn training() {
    let at = endpoint();
    let model = CreateModelRequest::new()
        .set_session_id("s")
        .set_base_model("b");
    assert_eq!(
        sent(requests::create_model(&at, &model), "POST create_model"),
        json!({
            "session_id": "s", "model_seq_id": 0, "base_model": "b",
            "optimizer_config": {"type": "adamw"}, "type": "create_model",
        })
    );
    let info = GetInfoRequest::new().set_model_id("m");
    sent(requests::get_info(&at, &info), "POST get_info");
    let step = OptimStepRequest::new("m", AdamParams::new()).with_seq_id(2);
    let step = sent(requests::optim_step(&at, &step), "POST optim_step");
    assert_eq!(step["adam_params"]["learning_rate"], 1e-4);
    let odd = OptimStepRequest::new("m", AdamParams::new().set_eps(f64::NAN));
    let error = requests::optim_step(&at, &odd).unwrap_err();
    assert_eq!(error.field(), Some("adam_params.eps"));
    let loss = CreateCustomLossRequest::new().set_name("n");
    let loss = sent(
        requests::create_custom_loss(&at, &loss),
        "POST create_custom_loss",
    );
    assert_eq!(loss["graph"], json!({"format": 1, "nodes": []}));

    let data = [Datum::new(ModelInput::from_ints([1, 2]))];
    let pass = ForwardBackwardBody::new("m", 1, &data, &LossFnType::CrossEntropy);
    let request = requests::forward_backward(&at, pass).unwrap();
    assert_eq!(line(&request), "POST forward_backward");
    assert_eq!(request.headers()["content-type"], "application/x-protobuf");
    assert_eq!(request.body(), &Bytes::from(pass.encode().unwrap()));
    let nothing = ForwardBackwardBody::new("m", 1, &[], &LossFnType::CrossEntropy);
    let error = requests::forward_backward(&at, nothing).unwrap_err();
    assert_eq!(error.field(), Some("data"));
}

/// Covers: tinker.weights.load, tinker.weights.save, tinker.weights.save_for_sampler,
/// tinker.weights.save_external, tinker.weights.info, tinker.weights.copy
#[test]
fn weights() {
    let at = endpoint();
    let load = LoadWeightsRequest::new()
        .set_path("tinker://r/weights/1")
        .set_model_id("m");
    assert_eq!(
        sent(requests::load_weights(&at, &load), "POST load_weights"),
        json!({
            "model_id": "m", "path": "tinker://r/weights/1", "optimizer": false,
            "type": "load_weights",
        })
    );
    let save = SaveWeightsRequest::new().set_model_id("m").set_path("c");
    assert_eq!(
        sent(requests::save_weights(&at, &save), "POST save_weights"),
        json!({"model_id": "m", "path": "c", "overwrite": false, "type": "save_weights"})
    );
    let save = SaveWeightsForSamplerRequest::new().set_model_id("m");
    let save = sent(
        requests::save_weights_for_sampler(&at, &save),
        "POST save_weights_for_sampler",
    );
    assert_eq!(save["kind"], "snapshot");
    let save = SaveWeightsExternalRequest::new().set_model_id("m");
    sent(
        requests::save_weights_external(&at, &save),
        "POST save_weights_external",
    );
    let info = WeightsInfoRequest::new().set_tinker_path("tinker://r/weights/1");
    sent(requests::weights_info(&at, &info), "POST weights_info");

    let copy = CopyWeightsRequest::new()
        .set_source_path("tinker://r/weights/1")
        .set_weights_access_token("TOKEN");
    let request = requests::copy_weights(&at, &copy).unwrap();
    let token = &request.headers()["x-tinker-weights-access-token"];
    assert!(token == "TOKEN" && token.is_sensitive());
    assert_eq!(
        body(&request),
        json!({"source_path": "tinker://r/weights/1"})
    );
    assert!(!format!("{copy:?} {request:?}").contains("TOKEN"));
    let copy = copy.set_weights_access_token("a\nb");
    let error = requests::copy_weights(&at, &copy).unwrap_err();
    assert_eq!(error.field(), Some("weights_access_token"));
}

/// Covers: tinker.sampling.create_session, tinker.sampling.join_session,
/// tinker.sampling.get_sampler, tinker.sampling.sample
#[test]
fn sampling() {
    let at = endpoint();
    let open = CreateSamplingSessionRequest::new()
        .set_session_id("s")
        .set_base_model("b");
    sent(
        requests::create_sampling_session(&at, &open),
        "POST create_sampling_session",
    );
    let join = JoinSamplingSessionRequest::new().set_sampling_session_id("s:sample:0");
    sent(
        requests::join_sampling_session(&at, &join),
        "POST join_sampling_session",
    );
    sent(
        requests::get_sampler(&at, "s:sample:0"),
        "GET samplers/s:sample:0",
    );
    assert_eq!(
        requests::get_sampler(&at, "..").unwrap_err().field(),
        Some("sampler_id")
    );
    let ask = SampleRequest::new().set_prompt(ModelInput::from_ints([1]));
    let request = requests::sample(&at, &ask).unwrap();
    assert_eq!(line(&request), "POST asample");
    assert_eq!(request.headers()["x-tinker-sampling-backpressure"], "1");
    assert_eq!(body(&request)["topk_prompt_logprobs"], 0);
}

/// Covers: tinker.futures.retrieve, tinker.futures.retrieve_many, tinker.futures.cancel
#[test]
fn futures() {
    let at = endpoint();
    let ask = FutureRetrieveRequest::new().set_request_id("r");
    let roundtrip = std::time::Duration::from_millis(250);
    for (kind, accept) in [
        (RequestType::Sample, Some("application/x-protobuf")),
        (RequestType::ForwardBackward, Some("application/x-protobuf")),
        (RequestType::OptimStep, None),
    ] {
        let poll = RetrieveFuture::new(&ask, kind).with_roundtrip(roundtrip);
        let request = requests::retrieve_future(&at, &poll).unwrap();
        let header = |name: &str| request.headers().get(name).map(|it| it.to_str().unwrap());
        assert_eq!(header("accept"), accept);
        assert_eq!(header("x-tinker-request-type"), Some(kind.name()));
        assert_eq!(header("x-tinker-request-iteration"), Some("0"));
        assert_eq!(
            header("x-tinker-create-promise-roundtrip-time"),
            Some("0.25")
        );
        assert_eq!(
            body(&request),
            json!({"request_id": "r", "allow_metadata_only": false})
        );
        let later = requests::retrieve_future(&at, &poll.with_iteration(3)).unwrap();
        assert_eq!(later.headers()["x-tinker-request-iteration"], "3");
        assert!(
            !later
                .headers()
                .contains_key("x-tinker-create-promise-roundtrip-time")
        );
    }
    let many = requests::retrieve_futures(&at, &FuturesRetrieveRequest::new());
    let many = sent(many, "POST retrieve_futures");
    assert_eq!(many["retrieved_request_ids"], json!([]));
    assert_eq!(many["target"]["type"], "sampling_session");
    let cancel = CancelFutureRequest::new().set_request_id("r");
    let cancel = sent(requests::cancel_future(&at, &cancel), "POST cancel_future");
    assert_eq!(cancel, json!({"request_id": "r"}));
}

/// Covers: tinker.training_runs.list, tinker.training_runs.get, tinker.checkpoints.list_of_run,
/// tinker.checkpoints.list, tinker.checkpoints.delete, tinker.checkpoints.publish,
/// tinker.checkpoints.unpublish, tinker.checkpoints.set_ttl,
/// tinker.checkpoints.external_weights_urls
#[test]
fn runs_and_checkpoints() {
    let at = endpoint();
    let (run, id) = ("s:train:0", "weights/0001");
    let list = ListTrainingRuns::default().with_project_id("p");
    sent(
        requests::list_training_runs(&at, &list),
        "GET training_runs?limit=20&offset=0&access_scope=owned&project_id=p",
    );
    let get = requests::get_training_run(&at, run, &AccessScope::Owned);
    sent(get, "GET training_runs/s:train:0?access_scope=owned");
    let below = "training_runs/s:train:0/checkpoints";
    let of_run = requests::list_checkpoints_of_run(&at, run);
    sent(of_run, &format!("GET {below}"));
    let list = requests::list_checkpoints(&at, Page::default());
    sent(list, "GET checkpoints?limit=100&offset=0");
    let urls = requests::external_weights_urls(&at, run, "external_weights/x");
    sent(
        urls,
        &format!("GET {below}/external_weights/x/external_weights_urls"),
    );
    sent(
        requests::delete_checkpoint(&at, run, id),
        &format!("DELETE {below}/{id}"),
    );
    let publish = requests::publish_checkpoint(&at, run, id);
    sent(publish, &format!("POST {below}/{id}/publish"));
    let unpublish = requests::unpublish_checkpoint(&at, run, id);
    sent(unpublish, &format!("DELETE {below}/{id}/publish"));
    let ttl = CheckpointTtlRequest::new();
    let ttl = sent(
        requests::set_checkpoint_ttl(&at, run, id, &ttl),
        &format!("PUT {below}/{id}/ttl"),
    );
    assert_eq!(ttl, json!({"ttl_seconds": null}));
    for (run, id, field) in [("", id, "training_run_id"), (run, "0001", "checkpoint_id")] {
        let error = requests::delete_checkpoint(&at, run, id).unwrap_err();
        assert_eq!(error.field(), Some(field));
    }
}

/// Covers: tinker.admin.audit_log, tinker.admin.billing_usage,
/// tinker.admin.current_checkpoint_storage
#[test]
fn administration() {
    let at = endpoint();
    sent(
        requests::audit_log(&at, &AuditQuery::default()),
        "GET audit?event_type=all",
    );
    let day = AuditQuery::new("teams").with_day("2026-01-01");
    sent(
        requests::audit_log(&at, &day),
        "GET audit?event_type=teams&day=2026-01-01",
    );
    let time = |text: &str| text.parse::<gimmal_types::Timestamp>().unwrap();
    let (start, end) = (time("2026-01-01T00:00:00Z"), time("2026-01-02T00:00:00Z"));
    let usage = GetBillingUsageRequest::new()
        .set_starting_on(start)
        .set_ending_before(end);
    sent(
        requests::billing_usage(&at, &usage),
        "GET billing/usage/events?starting_on=2026-01-01T00%3A00%3A00Z&ending_before=2026-01-02T00%3A00%3A00Z",
    );
    let none = GetBillingUsageRequest::new();
    assert_eq!(
        requests::billing_usage(&at, &none).unwrap_err().field(),
        Some("starting_on")
    );
    let turned = GetBillingUsageRequest::new()
        .set_starting_on(end)
        .set_ending_before(start);
    assert_eq!(
        requests::billing_usage(&at, &turned).unwrap_err().field(),
        Some("ending_before")
    );
    let storage = GetCurrentCheckpointStorageUsageRequest::new();
    let all = requests::current_checkpoint_storage(&at, &storage);
    sent(all, "GET billing/usage/checkpoints/current");
    let one = requests::current_checkpoint_storage(&at, &storage.set_project_id("p"));
    sent(one, "GET billing/usage/checkpoints/current?project_id=p");
}
