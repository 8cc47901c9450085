//! The service's error bodies: `google.rpc.Status` under an `error` key, with the texts the service
//! uses. Builds them and nothing else; which one applies is decided elsewhere.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use crate::{reply::Reply, route::Backend};

/// A refusal, before it becomes a body.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ApiError {
    code: StatusCode,
    status: &'static str,
    message: String,
    details: Vec<Value>,
    /// The older list of reasons, which Vertex still sends with quota errors.
    errors: Vec<Value>,
}

impl ApiError {
    pub(crate) fn new(code: StatusCode, status: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            status,
            message: message.into(),
            details: Vec::new(),
            errors: Vec::new(),
        }
    }

    pub(crate) fn invalid_argument(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID_ARGUMENT", message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", message)
    }

    pub(crate) fn failed_precondition(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "FAILED_PRECONDITION", message)
    }

    pub(crate) fn permission_denied(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "PERMISSION_DENIED", message)
    }

    pub(crate) fn resource_exhausted(message: impl Into<String>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "RESOURCE_EXHAUSTED", message)
    }

    pub(crate) fn aborted(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "ABORTED", message)
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", message)
    }

    pub(crate) fn unavailable() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "UNAVAILABLE",
            "The model is overloaded. Please try again later.",
        )
    }

    /// A field the message does not have; `at` is its path in snake_case, empty for the root.
    pub(crate) fn unknown_field(name: &str, at: &str) -> Self {
        let place = if at.is_empty() {
            String::new()
        } else {
            format!(" at '{at}'")
        };
        let description = format!(
            "Invalid JSON payload received. Unknown name \"{name}\"{place}: Cannot find field."
        );
        Self::bad_request(at, description)
    }

    /// A value of the wrong type at `at`.
    pub(crate) fn invalid_value(at: &str, expected: &str, found: &Value) -> Self {
        let shown: String = found.to_string().chars().take(100).collect();
        Self::bad_request(at, format!("Invalid value at '{at}' ({expected}), {shown}"))
    }

    /// A 400 whose details say which field it is about.
    pub(crate) fn bad_request(at: &str, description: impl Into<String>) -> Self {
        let description = description.into();
        let mut violation = json!({ "description": description });
        if !at.is_empty() {
            violation["field"] = at.into();
        }
        Self::invalid_argument(description).with_detail(json!({
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [violation],
        }))
    }

    pub(crate) fn with_detail(mut self, detail: Value) -> Self {
        self.details.push(detail);
        self
    }

    /// `google.rpc.ErrorInfo` of the service's own domain.
    pub(crate) fn with_error_info(self, reason: &str, service: &str) -> Self {
        self.with_detail(json!({
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": reason,
            "domain": "googleapis.com",
            "metadata": { "service": service },
        }))
    }

    pub(crate) fn to_json(&self) -> Value {
        let mut error = json!({
            "code": self.code.as_u16(),
            "message": self.message,
            "status": self.status,
        });
        if !self.errors.is_empty() {
            error["errors"] = self.errors.clone().into();
        }
        if !self.details.is_empty() {
            error["details"] = self.details.clone().into();
        }
        json!({ "error": error })
    }

    /// The `google.rpc.Status` of work that ended so, which has a code of its own kind.
    pub(crate) fn to_status(&self) -> Value {
        let mut status = json!({ "code": rpc_code(self.status), "message": self.message });
        if !self.details.is_empty() {
            status["details"] = self.details.clone().into();
        }
        status
    }

    pub(crate) fn to_reply(&self) -> Reply {
        Reply::json(self.code, &self.to_json())
    }

    /// The form streaming without `alt=sse` uses: the error as the only element of an array.
    pub(crate) fn to_array_reply(&self) -> Reply {
        Reply::json_array(self.code, &[self.to_json()])
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn code(&self) -> u16 {
        self.code.as_u16()
    }
}

/// The number of a status name in `google.rpc.Code`.
fn rpc_code(name: &str) -> u8 {
    match name {
        "CANCELLED" => 1,
        "INVALID_ARGUMENT" => 3,
        "DEADLINE_EXCEEDED" => 4,
        "NOT_FOUND" => 5,
        "ALREADY_EXISTS" => 6,
        "PERMISSION_DENIED" => 7,
        "RESOURCE_EXHAUSTED" => 8,
        "FAILED_PRECONDITION" => 9,
        "ABORTED" => 10,
        "OUT_OF_RANGE" => 11,
        "UNIMPLEMENTED" => 12,
        "INTERNAL" => 13,
        "UNAVAILABLE" => 14,
        "DATA_LOSS" => 15,
        "UNAUTHENTICATED" => 16,
        _ => 2,
    }
}

/// Which quota a 429 is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quota {
    PerMinute,
    PerDay,
}

/// The 429 of an exhausted request quota. `retry_delay` goes into `RetryInfo` to the whole second
/// above and into the message exactly; Vertex sends neither details nor a delay.
pub(crate) fn quota_exceeded(
    backend: Backend,
    model: &str,
    quota: Quota,
    limit: u64,
    retry_delay: Duration,
) -> ApiError {
    if backend == Backend::Vertex {
        let mut error = ApiError::resource_exhausted(
            "Resource exhausted. Please try again later. Please refer to \
             https://cloud.google.com/vertex-ai/generative-ai/docs/error-code-429 for more details.",
        );
        error.errors = vec![json!({
            "message": error.message,
            "domain": "global",
            "reason": "rateLimitExceeded",
        })];
        return error;
    }
    let metric = "generativelanguage.googleapis.com/generate_content_free_tier_requests";
    let id = match quota {
        Quota::PerMinute => "GenerateRequestsPerMinutePerProjectPerModel-FreeTier",
        Quota::PerDay => "GenerateRequestsPerDayPerProjectPerModel-FreeTier",
    };
    let whole = retry_delay.as_secs() + u64::from(retry_delay.subsec_nanos() > 0);
    let exact = format!(
        "{}.{:09}",
        retry_delay.as_secs(),
        retry_delay.subsec_nanos()
    );
    let exact = exact.trim_end_matches('0').trim_end_matches('.');
    ApiError::resource_exhausted(format!(
        "You exceeded your current quota, please check your plan and billing details. For more \
         information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits. \n\
         * Quota exceeded for metric: {metric}, limit: {limit}, model: {model}\n\
         Please retry in {exact}s."
    ))
    .with_detail(json!({
        "@type": "type.googleapis.com/google.rpc.Help",
        "links": [{
            "description": "Learn more about Gemini API quotas",
            "url": "https://ai.google.dev/gemini-api/docs/rate-limits",
        }],
    }))
    .with_detail(json!({
        "@type": "type.googleapis.com/google.rpc.QuotaFailure",
        "violations": [{
            "quotaMetric": metric,
            "quotaId": id,
            "quotaDimensions": { "location": "global", "model": model },
            "quotaValue": limit.to_string(),
        }],
    }))
    .with_detail(json!({
        "@type": "type.googleapis.com/google.rpc.RetryInfo",
        "retryDelay": format!("{whole}s"),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_error_carries_all_three_details() {
        let delay = Duration::from_millis(21_500);
        let error = quota_exceeded(Backend::Developer, "gemini-x", Quota::PerDay, 20, delay);
        let body = error.to_json();
        let details = body["error"]["details"].as_array().expect("details");
        assert_eq!(body["error"]["code"], 429);
        assert_eq!(body["error"]["status"], "RESOURCE_EXHAUSTED");
        assert_eq!(details.len(), 3);
        assert_eq!(details[2]["retryDelay"], "22s");
        assert!(
            details[1]["violations"][0]["quotaId"]
                .as_str()
                .expect("id")
                .contains("PerDay")
        );
        let message = body["error"]["message"].as_str().expect("message");
        assert!(message.ends_with("Please retry in 21.5s."), "{message}");
    }

    #[test]
    fn vertex_sends_no_delay() {
        let error = quota_exceeded(Backend::Vertex, "m", Quota::PerMinute, 1, Duration::ZERO);
        let body = error.to_json();
        assert!(body["error"].get("details").is_none());
        assert_eq!(body["error"]["errors"][0]["reason"], "rateLimitExceeded");
    }

    #[test]
    fn unknown_fields_name_their_place() {
        assert_eq!(
            ApiError::unknown_field("x", "").message(),
            "Invalid JSON payload received. Unknown name \"x\": Cannot find field."
        );
        assert_eq!(
            ApiError::unknown_field("x", "generation_config").message(),
            "Invalid JSON payload received. Unknown name \"x\" at 'generation_config': \
             Cannot find field."
        );
    }
}
