//! The error body of Google APIs: `google.rpc.Status` and its details.
//!
//! Decoding is tolerant by design, because an error that cannot be read costs the user the reason
//! of the failure: every field is optional, unknown details are kept as JSON, and the list form
//! and the bare form of the body are accepted.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::WireDuration;

/// The names of `google.rpc.Code`, by number.
const CANONICAL_NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// What went wrong, as the service tells it.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Status {
    /// The HTTP status repeated in the body, or the canonical code.
    pub code: Option<i32>,
    /// Text for a person.
    pub message: Option<String>,
    /// Canonical name such as `RESOURCE_EXHAUSTED`.
    pub status: Option<String>,
    /// Machine-readable details, in the order sent.
    pub details: Vec<ErrorDetail>,
}

/// One machine-readable detail of a [`Status`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ErrorDetail {
    /// How long to wait before the same request may succeed.
    RetryInfo {
        /// The wait the server asks for.
        retry_delay: Duration,
    },
    /// Which quota was exceeded.
    QuotaFailure(Vec<QuotaViolation>),
    /// The reason of the error in a fixed vocabulary.
    ErrorInfo {
        /// Upper-snake-case reason, such as `API_KEY_INVALID`.
        reason: String,
        /// Where the reason is defined, such as `googleapis.com`.
        domain: String,
        /// Further facts about the error.
        metadata: Map<String, Value>,
    },
    /// Pages that explain the error.
    Help(Vec<String>),
    /// A detail of another type, kept as sent.
    Other(Value),
}

/// One exceeded quota.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct QuotaViolation {
    /// Metric, such as `generativelanguage.googleapis.com/generate_content_free_tier_requests`.
    pub quota_metric: Option<String>,
    /// Limit, such as `GenerateRequestsPerDayPerProjectPerModel-FreeTier`.
    pub quota_id: Option<String>,
    /// The limit's value; a decimal number in text.
    pub quota_value: Option<String>,
    /// The dimensions the limit applies to, such as the model.
    pub quota_dimensions: Map<String, Value>,
}

impl Status {
    /// Reads an error body: `{"error": {…}}`, a list of one such object, or the bare status.
    ///
    /// Returns `None` when the bytes are not JSON or hold no error.
    ///
    /// ```
    /// use gimmal_types::rpc::Status;
    ///
    /// let body = br#"{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": [
    ///     {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "22.5s"}]}}"#;
    /// let status = Status::from_error_body(body).ok_or("not an error body")?;
    /// assert_eq!(status.retry_delay(), Some(std::time::Duration::from_millis(22_500)));
    /// # Ok::<(), &str>(())
    /// ```
    pub fn from_error_body(body: &[u8]) -> Option<Self> {
        Self::from_error_value(&serde_json::from_slice(body).ok()?)
    }

    /// The same for a body that is already parsed.
    pub fn from_error_value(body: &Value) -> Option<Self> {
        let object = match body {
            Value::Array(items) => items.first()?.as_object()?,
            other => other.as_object()?,
        };
        match object.get("error") {
            Some(Value::Object(error)) => Some(Self::from_object(error)),
            // OAuth endpoints answer {"error": "invalid_grant", "error_description": "…"}.
            Some(Value::String(error)) => Some(Self {
                status: Some(error.clone()),
                message: text(object, "error_description"),
                ..Self::default()
            }),
            Some(_) => None,
            None => {
                let bare = ["code", "status", "message"]
                    .iter()
                    .any(|key| object.contains_key(*key));
                if bare {
                    return Some(Self::from_object(object));
                }
                Some(Self {
                    message: Some(detail(object.get("detail")?)?),
                    ..Self::default()
                })
            }
        }
    }

    fn from_object(object: &Map<String, Value>) -> Self {
        let code = object.get("code").and_then(|code| match code {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        });
        let details = object.get("details").and_then(Value::as_array);
        Self {
            code: code.and_then(|code| code.try_into().ok()),
            message: text(object, "message"),
            status: text(object, "status"),
            details: details
                .into_iter()
                .flatten()
                .map(ErrorDetail::from_value)
                .collect(),
        }
    }

    /// The canonical name: the one given, else the name of a canonical code.
    pub fn name(&self) -> Option<&str> {
        self.status.as_deref().or_else(|| {
            let code = usize::try_from(self.code?).ok()?;
            CANONICAL_NAMES.get(code).copied()
        })
    }

    /// The wait that the server asks for.
    ///
    /// It is read from `RetryInfo`; when the message ends in `Please retry in 23.47s.` that more
    /// precise number is used if it is larger, so that a retry never comes too early.
    pub fn retry_delay(&self) -> Option<Duration> {
        let from_details = self.details.iter().find_map(|detail| match detail {
            ErrorDetail::RetryInfo { retry_delay } => Some(*retry_delay),
            _ => None,
        });
        from_details.max(self.message.as_deref().and_then(delay_in_message))
    }

    /// Every exceeded quota named in the details.
    pub fn quota_violations(&self) -> impl Iterator<Item = &QuotaViolation> {
        self.details.iter().flat_map(|detail| match detail {
            ErrorDetail::QuotaFailure(violations) => violations.as_slice(),
            _ => &[],
        })
    }

    /// True when a quota per day is exceeded, which no wait of seconds cures.
    pub fn is_daily_quota(&self) -> bool {
        self.quota_violations().any(|violation| {
            violation
                .quota_id
                .as_deref()
                .is_some_and(|id| id.contains("PerDay"))
        })
    }

    /// The reason of the first `ErrorInfo` detail.
    pub fn reason(&self) -> Option<&str> {
        self.details.iter().find_map(|detail| match detail {
            ErrorDetail::ErrorInfo { reason, .. } => Some(reason.as_str()),
            _ => None,
        })
    }
}

impl ErrorDetail {
    /// Reads one element of `details`; what it does not know becomes [`ErrorDetail::Other`].
    pub fn from_value(value: &Value) -> Self {
        Self::known(value).unwrap_or_else(|| Self::Other(value.clone()))
    }

    fn known(value: &Value) -> Option<Self> {
        let object = value.as_object()?;
        let kind = object.get("@type")?.as_str()?;
        match kind.rsplit('/').next()? {
            "google.rpc.RetryInfo" => {
                let delay: WireDuration = field(object, "retryDelay")?.as_str()?.parse().ok()?;
                Some(Self::RetryInfo {
                    retry_delay: delay.get(),
                })
            }
            "google.rpc.QuotaFailure" => {
                let violations = field(object, "violations")?.as_array()?;
                Some(Self::QuotaFailure(
                    violations.iter().map(QuotaViolation::from_value).collect(),
                ))
            }
            "google.rpc.ErrorInfo" => Some(Self::ErrorInfo {
                reason: text(object, "reason")?,
                domain: text(object, "domain").unwrap_or_default(),
                metadata: map(object, "metadata"),
            }),
            "google.rpc.Help" => {
                let links = field(object, "links")?.as_array()?;
                let urls = links
                    .iter()
                    .filter_map(|link| text(link.as_object()?, "url"));
                Some(Self::Help(urls.collect()))
            }
            _ => None,
        }
    }
}

impl QuotaViolation {
    fn from_value(value: &Value) -> Self {
        let Some(object) = value.as_object() else {
            return Self::default();
        };
        let quota_value = field(object, "quotaValue").map(|value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        Self {
            quota_metric: text(object, "quotaMetric"),
            quota_id: text(object, "quotaId"),
            quota_value,
            quota_dimensions: map(object, "quotaDimensions"),
        }
    }
}

/// A member under its camelCase name or the snake_case form of it.
fn field<'a>(object: &'a Map<String, Value>, camel: &str) -> Option<&'a Value> {
    object.get(camel).or_else(|| {
        let mut snake = String::with_capacity(camel.len() + 2);
        for letter in camel.chars() {
            if letter.is_ascii_uppercase() {
                snake.push('_');
            }
            snake.push(letter.to_ascii_lowercase());
        }
        object.get(&snake)
    })
}

/// What Tinker says: a text, or a list of places in the request, each with what is wrong there.
fn detail(detail: &Value) -> Option<String> {
    let complaint = |complaint: &Value| {
        let message = complaint.get("msg")?.as_str()?;
        let place = complaint.get("loc").and_then(Value::as_array);
        let place = place.into_iter().flatten().map(|step| match step {
            Value::String(name) => name.clone(),
            other => other.to_string(),
        });
        let place = place.collect::<Vec<_>>().join(".");
        Some(match place.is_empty() {
            true => message.to_owned(),
            false => format!("{place}: {message}"),
        })
    };
    match detail {
        Value::String(text) => Some(text.clone()),
        Value::Array(complaints) => {
            let told: Vec<String> = complaints.iter().filter_map(complaint).collect();
            (!told.is_empty()).then(|| told.join("; "))
        }
        _ => None,
    }
}

fn text(object: &Map<String, Value>, key: &str) -> Option<String> {
    field(object, key)?.as_str().map(str::to_owned)
}

fn map(object: &Map<String, Value>, key: &str) -> Map<String, Value> {
    field(object, key)
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default()
}

/// The delay in a message that ends in `Please retry in 23.472316927s.`
fn delay_in_message(message: &str) -> Option<Duration> {
    const MARK: &str = "retry in ";
    let start = message.rfind(MARK)? + MARK.len();
    let word = message[start..].split_whitespace().next()?;
    word.trim_end_matches('.')
        .parse::<WireDuration>()
        .ok()
        .map(WireDuration::get)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn quota_body(quota_id: &str) -> Value {
        json!({"error": {
            "code": 429, "status": "RESOURCE_EXHAUSTED",
            "message": "You exceeded your current quota.\nPlease retry in 23.472316927s.",
            "details": [
                {"@type": "type.googleapis.com/google.rpc.Help",
                 "links": [{"description": "limits", "url": "https://example.com/limits"}]},
                {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [
                    {"quotaMetric": "m", "quotaId": quota_id, "quotaValue": "20",
                     "quotaDimensions": {"model": "gemini-2.5-flash"}}]},
                {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "23s"}]}})
    }

    #[test]
    fn the_whole_quota_body_is_read() {
        let status =
            Status::from_error_value(&quota_body("GenerateRequestsPerMinutePerProject")).unwrap();
        assert_eq!(status.code, Some(429));
        assert_eq!(status.retry_delay(), Some(Duration::new(23, 472_316_927)));
        assert!(!status.is_daily_quota());
        let violation = status.quota_violations().next().unwrap();
        assert_eq!(violation.quota_value.as_deref(), Some("20"));
    }

    #[test]
    fn a_quota_per_day_is_recognised() {
        let status = Status::from_error_value(&quota_body(
            "GenerateRequestsPerDayPerProjectPerModel-FreeTier",
        ))
        .unwrap();
        assert!(status.is_daily_quota());
    }

    #[test]
    fn list_bare_and_oauth_forms() {
        let listed = Status::from_error_body(br#"[{"error": {"code": "503", "message": "m"}}]"#);
        assert_eq!(listed.unwrap().code, Some(503));
        let bare = Status::from_error_body(br#"{"code": 5, "message": "gone"}"#).unwrap();
        assert_eq!(bare.message.as_deref(), Some("gone"));
        assert_eq!(bare.name(), Some("NOT_FOUND"));
        let oauth =
            Status::from_error_body(br#"{"error": "invalid_grant", "error_description": "d"}"#);
        assert_eq!(oauth.unwrap().status.as_deref(), Some("invalid_grant"));
    }

    #[test]
    fn details_are_messages() {
        let message = |body: Value| Status::from_error_value(&body).and_then(|it| it.message);
        let plain = message(json!({"detail": "no such model"}));
        assert_eq!(plain.as_deref(), Some("no such model"));
        let places = message(json!({"detail": [
            {"loc": ["body", "data", 0], "msg": "Field required"}, {"msg": "too late"}, 7,
        ]}));
        let expected = "body.data.0: Field required; too late";
        assert_eq!(places.as_deref(), Some(expected));
        assert_eq!(message(json!({"detail": [], "cursor": 3})), None);
    }

    #[test]
    fn what_is_not_an_error_is_none() {
        for body in ["", "<html>", "[]", "{}", "3", r#"{"candidates": []}"#] {
            assert_eq!(Status::from_error_body(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn odd_details_are_kept() {
        let status = Status::from_error_value(
            &json!({"error": {"details": [7, {"@type": "x/google.rpc.RetryInfo", "retryDelay": 5}]}}),
        )
        .unwrap();
        assert_eq!(status.details.len(), 2);
        assert!(
            status
                .details
                .iter()
                .all(|detail| matches!(detail, ErrorDetail::Other(_)))
        );
        assert_eq!(status.retry_delay(), None);
    }
}
