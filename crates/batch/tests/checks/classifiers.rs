//! What answers of the service mean, by real bodies through the real client.

use std::time::Duration;

use gimmal_batch::{Category, Classifier as _, Failure, GeminiErrorClassifier};
use gimmal_client::CallOptions;
use gimmal_client::gemini::GeminiClient;
use gimmal_client::transport::NeverRetry;
use gimmal_client::transport::testing::{Reply, ScriptedTransport};
use serde_json::{Value, json};

async fn failure_of(reply: Reply) -> Failure {
    let client = GeminiClient::builder()
        .with_api_key("k")
        .with_http(std::sync::Arc::new(ScriptedTransport::new([reply])))
        .build()
        .unwrap();
    let call = client.models().generate_content("gemini-2.5-flash");
    let options = CallOptions::new().with_retry_policy(NeverRetry);
    let sent = call.set_contents(["Why?"]).with_options(options).send();
    Failure::from(sent.await.unwrap_err())
}

fn body(status: u16, message: &str, details: Value) -> Reply {
    let error = json!({"code": status, "message": message, "details": details});
    Reply::json(status, json!({ "error": error }).to_string())
}

fn quota(ids: &[&str]) -> Value {
    let violations: Vec<Value> = ids.iter().map(|id| json!({ "quotaId": id })).collect();
    json!([{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": violations}])
}

/// Covers: AC-ER-1
#[tokio::test]
async fn every_status_has_its_category() {
    use Category::*;
    for (status, category) in [
        (400, ClientError),
        (401, Authentication),
        (402, InsufficientBalance),
        (403, PermissionDenied),
        (404, ClientError),
        (405, ClientError),
        (408, ServerError),
        (409, ClientError),
        (410, ClientError),
        (413, RequestTooLarge),
        (418, ClientError),
        (422, ClientError),
        (425, ServerError),
        (429, RateLimit),
        (499, ServerTimeout),
        (500, ServerError),
        (502, ServerError),
        (503, ServerOverload),
        (504, ServerTimeout),
        (529, ServerOverload),
        (599, ApiError),
    ] {
        let failure = failure_of(body(status, "no", json!([]))).await;
        assert_eq!(failure.status, Some(status));
        assert_eq!(
            GeminiErrorClassifier.classify(&failure),
            category,
            "{status}"
        );
    }
    let wrong_key = json!([{"@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "API_KEY_INVALID", "domain": "googleapis.com"}]);
    let failure = failure_of(body(400, "API key not valid", wrong_key)).await;
    assert_eq!(failure.category, Authentication);
    assert!(failure.is_fatal);
    for (status, message) in [
        (400, "Cache content 42 is expired."),
        (403, "CachedContent not found (or permission denied)"),
        (404, "Cached content cachedContents/x not found"),
    ] {
        let failure = failure_of(body(status, message, json!([]))).await;
        assert_eq!(failure.category, CacheExpired, "{message}");
        assert!(!failure.is_fatal);
    }
    let failure = failure_of(Reply::connect_error()).await;
    assert_eq!(failure.category, ConnectionError);
}

/// Covers: AC-ER-4
#[tokio::test]
async fn a_quota_per_day_is_not_waited_for() {
    let minute = "GenerateRequestsPerMinutePerProject";
    let day = "GenerateRequestsPerDayPerProjectPerModel-FreeTier";
    for (ids, category) in [
        (&[minute, day][..], Category::RateLimit),
        (&[day], Category::QuotaExhausted),
        (&[day, day], Category::QuotaExhausted),
        (&[], Category::RateLimit),
    ] {
        let failure = failure_of(body(429, "quota", quota(ids))).await;
        assert_eq!(failure.category, category, "{ids:?}");
    }
    let failure = failure_of(body(429, "insufficient_quota: top up", json!([]))).await;
    assert_eq!(failure.category, Category::InsufficientBalance);
}

/// Covers: AC-ER-5
#[tokio::test]
async fn the_wait_that_the_service_asks_for_is_known() {
    let with = |name: &'static str, value: &str| {
        let reply = body(429, "slow down", json!([]));
        reply.with_header(name.parse().unwrap(), value.parse().unwrap())
    };
    let wait = async |reply| {
        let failure = failure_of(reply).await;
        GeminiErrorClassifier.suggested_wait(&failure)
    };
    assert_eq!(
        wait(with("retry-after", "7")).await,
        Some(Duration::from_secs(7))
    );
    assert_eq!(
        wait(with("retry-after-ms", "1500")).await,
        Some(Duration::from_millis(1_500))
    );
    assert_eq!(wait(with("retry-after", "soon")).await, None);
    let info =
        json!([{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "12.5s"}]);
    let told = wait(body(429, "slow down", info)).await;
    assert_eq!(told, Some(Duration::from_millis(12_500)));
}
