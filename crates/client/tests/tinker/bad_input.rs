//! What goes wrong in the hands of a user, and what the user is told: the class of the error, whose
//! fault it is, which request it was, what is wrong and what to do.

use std::fmt::Debug;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gimmal_client::tinker::{
    ErrorClass, ServiceClient, TrainingClient, advice, category, classify, failed_request_id,
    is_user_error,
};
use gimmal_client::types::tinker::{
    AdamParams, Datum, LossFnType, ModelInput, RequestErrorCategory, SamplingParams, TensorData,
};
use gimmal_client::{Error, ErrorKind};
use gimmal_emulator::{RouteMatcher, ScriptedReply};
use http::{HeaderName, HeaderValue, header};
use serde_json::json;
use test_case::test_case;

use super::support::{Bench, HastyClock, KEY, MODEL};

/// The error, which must be the user's, of this class, and say these words and this advice.
#[track_caller]
fn told<T: Debug>(outcome: Result<T, Error>, class: ErrorClass, words: &str, what: &str) -> Error {
    let error = outcome.unwrap_err();
    assert_eq!(classify(&error), class, "{error}");
    assert!(error.to_string().contains(words), "{error}");
    let advice = advice(&error);
    assert!(advice.contains(what), "{error}: {advice}");
    error
}

/// An error of the user's that the server found, in a request that is named.
#[track_caller]
fn found<T: Debug>(outcome: Result<T, Error>, class: ErrorClass, words: &str, what: &str) -> Error {
    let error = told(outcome, class, words, what);
    assert_eq!(category(&error), RequestErrorCategory::User, "{error}");
    assert!(is_user_error(&error), "{error}");
    assert!(failed_request_id(&error).is_some_and(|id| !id.is_empty()));
    error
}

/// An argument that was refused before anything was sent.
#[track_caller]
fn refused<T: Debug>(outcome: Result<T, Error>, field: &str, words: &str) {
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert_eq!(error.field(), Some(field), "{error}");
    assert!(error.to_string().contains(words), "{error}");
    assert_eq!(category(&error), RequestErrorCategory::User);
}

fn datum() -> Datum {
    Datum::new(ModelInput::from_ints([1, 2])).with_input("target_tokens", vec![2_i64, 3])
}

/// The class of requests that the server took and could not do.
const FAILED: ErrorClass = ErrorClass::RequestFailedError;

/// A pass that the server takes and cannot do.
#[track_caller]
fn failed_pass<T: Debug>(outcome: Result<T, Error>, words: &str) {
    found(outcome, FAILED, words, "correct the request");
}

/// The next answer to a request of this kind is a refusal with a request id.
fn script(bench: &Bench, path: &str, status: u16, detail: &str, times: usize) {
    let id = HeaderName::from_static("x-request-id");
    let reply = ScriptedReply::json(status, &json!({ "detail": detail }))
        .with_header(id, HeaderValue::from_static("req-7"));
    let matcher = RouteMatcher::any().with_path_part(path);
    bench.emulator.script().push_times(matcher, reply, times);
}

#[tokio::test]
async fn a_wrong_key_is_named_and_not_shown() {
    let bench = Bench::start().await;
    let service = ServiceClient::builder()
        .with_api_key("tml-somebody-elses")
        .with_base_url(bench.emulator.base_url())
        .build()
        .unwrap();
    let made = service.create_lora_training_client(MODEL).await;
    let class = ErrorClass::AuthenticationError;
    let error = found(made, class, "invalid API key", "TINKER_API_KEY");
    assert!(!format!("{error} {error:?}").contains("somebody"));
    let text = ServiceClient::builder().with_api_key("sk-other").build();
    refused(text, "api_key", "tml-");
}

#[tokio::test]
async fn an_expired_token_says_so() {
    let bench = Bench::start().await;
    let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
    let expired = ScriptedReply::json(401, &json!({"detail": "the token has expired"}))
        .with_header(header::WWW_AUTHENTICATE, challenge);
    let script = bench.emulator.script();
    script.push_times(RouteMatcher::any(), expired, 10);
    let part = |json: serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
    let (head, claims) = (part(json!({"alg": "HS256"})), part(json!({"exp": 1})));
    let service = ServiceClient::builder()
        .with_api_key(format!("{head}.{claims}.c2VhbA"))
        .with_base_url(bench.emulator.base_url())
        .build()
        .unwrap();
    let made = service.create_lora_training_client(MODEL).await;
    let class = ErrorClass::AuthenticationError;
    let error = found(made, class, "expired", "a token that has not expired");
    assert!(!format!("{error} {error:?}").contains(&claims));
}

#[tokio::test]
async fn a_datum_over_the_limit_ends_the_client_with_the_reason() {
    let bench = Bench::start().await;
    let training = bench.training().await;
    let detail = "a request may have 5000000 bytes";
    script(&bench, "/forward_backward", 413, detail, 1);
    let large = training.forward_backward([datum()], LossFnType::CrossEntropy);
    let error = found(large.await, ErrorClass::APIStatusError, detail, "message");
    assert_eq!(failed_request_id(&error), Some("req-7"));
    // The server waits for the lost request, so nothing may follow; and that says why.
    let later = training.optim_step(AdamParams::new()).await;
    let error = told(
        later,
        ErrorClass::APIStatusError,
        "from the last checkpoint",
        "",
    );
    assert_eq!(failed_request_id(&error), Some("req-7"));
}

#[tokio::test]
async fn shapes_that_do_not_fit_are_named() {
    let bench = Bench::start().await;
    let training = bench.training().await;
    let pass = |datum| training.forward_backward([datum], LossFnType::CrossEntropy);
    let short = datum().with_input("target_tokens", vec![2_i64]);
    failed_pass(pass(short).await, "model_input has 2 tokens");
    let long = datum().with_input("weights", vec![1.0_f32; 3]);
    failed_pass(pass(long).await, "weights has 3 elements");
    let shape = TensorData::from(vec![1.0_f32; 3]).with_shape([2, 2]);
    assert!(shape.unwrap_err().to_string().contains("shape"));
    // The client goes on.
    pass(datum()).await.unwrap();
}

#[test_case(f32::NAN)]
#[test_case(f32::INFINITY)]
#[test_case(f32::NEG_INFINITY)]
#[tokio::test]
async fn numbers_that_are_none_are_refused_where_they_are(number: f32) {
    let bench = Bench::start().await;
    let training = bench.training().await;
    let bad = datum().with_input("weights", vec![1.0, number]);
    let pass = training.forward_backward([datum(), bad], LossFnType::CrossEntropy);
    refused(pass.await, "data[1].loss_fn_inputs.weights[1]", "finite");
    let number = f64::from(number);
    let step = training.optim_step(AdamParams::new().set_learning_rate(number));
    refused(step.await, "adam_params.learning_rate", "finite");
    let sampler = bench.service.create_sampling_client().set_base_model(MODEL);
    let params = SamplingParams::new().set_temperature(number);
    let sample = sampler
        .await
        .unwrap()
        .sample([1].into_iter().collect::<ModelInput>(), 1, params);
    refused(sample.await, "sampling_params.temperature", "finite");
    // Nothing took a number in the order of requests.
    let step = training.optim_step(AdamParams::new());
    step.await.unwrap();
    assert_eq!(bench.emulator.tinker().applied().last().unwrap().seq_id, 1);
}

#[tokio::test]
async fn an_unknown_loss_is_named() {
    let bench = Bench::start().await;
    let training = bench.training().await;
    let pass = training.forward_backward([datum()], "cross_entropie");
    refused(
        pass.await,
        "loss_fn",
        "none of cross_entropy, importance_sampling",
    );
}

#[tokio::test]
async fn a_checkpoint_of_the_wrong_kind_says_which_one_is_needed() {
    let bench = Bench::start().await;
    let training = bench.training().await;
    let state = training.save_state("a").await.unwrap().path;
    let sampler = training.save_weights_for_sampler("b").await.unwrap().path;
    let bad_request = ErrorClass::BadRequestError;
    let loaded = training.load_state(sampler.as_str()).await;
    found(loaded, bad_request, "what save_state has saved", "correct");
    let rest = bench.service.create_rest_client();
    let urls = rest.get_external_weights_urls(&state).await;
    refused(urls, "tinker_path", "external_weights");
    let info = rest
        .delete_checkpoint_from_tinker_path("tinker://run/a")
        .await;
    refused(info, "tinker_path", "three parts");
}

#[tokio::test]
async fn a_model_that_was_unloaded_is_not_found() {
    let bench = Bench::start().await;
    let training = bench.training().await;
    unload(&bench, &training).await;
    let step = training.optim_step(AdamParams::new()).await;
    let what = "does not exist";
    found(step, ErrorClass::NotFoundError, training.model_id(), what);
    let pass = training.forward_backward([datum()], LossFnType::CrossEntropy);
    found(
        pass.await,
        ErrorClass::NotFoundError,
        training.model_id(),
        what,
    );
}

async fn unload(bench: &Bench, training: &TrainingClient) {
    let url = format!("{}/api/v1/unload_model", bench.emulator.base_url());
    let body = json!({"model_id": training.model_id(), "type": "unload_model"});
    let request = reqwest::Client::new().post(url).header("x-api-key", KEY);
    let request = request.header(header::CONTENT_TYPE, "application/json");
    let reply = request.body(body.to_string()).send().await.unwrap();
    assert!(reply.status().is_success());
}

#[tokio::test]
async fn a_bill_that_is_not_paid_is_said_once_waiting_is_over() {
    let patience = json!({"billing_exception_max_pause_duration_sec": 0});
    let flags = patience.as_object().cloned().unwrap();
    let bench = Bench::with(|builder| builder.with_tinker_config(flags)).await;
    let service = ServiceClient::builder()
        .with_api_key(KEY)
        .with_base_url(bench.emulator.base_url())
        .with_clock(HastyClock::new())
        .build()
        .unwrap();
    let training = service.create_lora_training_client(MODEL).await.unwrap();
    let detail = "the account has no credit";
    script(&bench, "/optim_step", 402, detail, 2);
    let step = training.optim_step(AdamParams::new()).await;
    let error = found(step, ErrorClass::BillingError, detail, "settle the bill");
    assert_eq!(failed_request_id(&error), Some("req-7"));
}
