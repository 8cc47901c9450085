//! Makes events: numbered within their session, stamped, and without secrets.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use gimmal_transport::{Clock, Jitter};
use gimmal_types::tinker::Severity;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::classify::ErrorReport;
use super::sanitize::{hide, sanitize_map};
use crate::tinker::ids::uuid;

/// Makes the events of one session.
#[derive(Debug)]
pub struct EventFactory {
    clock: Arc<dyn Clock>,
    jitter: Arc<dyn Jitter>,
    started: Instant,
    next_index: AtomicU64,
    ended: AtomicBool,
}

impl EventFactory {
    /// The events of a session that begins now.
    pub fn new(clock: Arc<dyn Clock>, jitter: Arc<dyn Jitter>) -> Self {
        Self {
            started: clock.now(),
            clock,
            jitter,
            next_index: AtomicU64::new(0),
            ended: AtomicBool::new(false),
        }
    }

    /// A value that has no form in JSON, as text for a programmer.
    pub fn debug(value: &dyn Debug) -> Value {
        Value::String(format!("{value:?}"))
    }

    /// The session began.
    pub fn session_start(&self) -> Value {
        self.stamp("SESSION_START", &Severity::Info, Map::new())
    }

    /// The session ended; only once.
    pub fn session_end(&self) -> Option<Value> {
        if self.ended.swap(true, Ordering::Relaxed) {
            return None;
        }
        let lasted = self.clock.now().saturating_duration_since(self.started);
        let text = duration_text(lasted.as_micros());
        let members = Map::from_iter([("duration".to_owned(), text.into())]);
        Some(self.stamp("SESSION_END", &Severity::Info, members))
    }

    /// Something of interest, with its data.
    pub fn generic(&self, name: &str, data: Map<String, Value>, severity: &Severity) -> Value {
        let members = Map::from_iter([
            ("event_name".to_owned(), name.into()),
            ("event_data".to_owned(), sanitize_map(data).into()),
        ]);
        self.stamp("GENERIC_EVENT", severity, members)
    }

    /// An error: the user's own as a generic event, any other as an exception.
    pub fn exception(&self, report: &ErrorReport, severity: &Severity) -> Value {
        let message = hide(report.message.clone());
        if let Some(user) = &report.user_error {
            let mut data = Map::from_iter([
                ("error_type".to_owned(), report.error_type.as_str().into()),
                ("message".to_owned(), message.into()),
            ]);
            if let Some(status) = user.status {
                data.insert("status_code".to_owned(), status.into());
            }
            if let Some(body) = user.body.as_ref().filter(|body| body.is_object()) {
                data.insert("body".to_owned(), body.clone());
            }
            return self.generic("user_error", data, &Severity::Warning);
        }
        let mut members = Map::from_iter([
            ("error_type".to_owned(), report.error_type.as_str().into()),
            ("error_message".to_owned(), message.into()),
        ]);
        if let Some(chain) = report.chain.clone() {
            members.insert("traceback".to_owned(), hide(chain).into());
        }
        self.stamp("UNHANDLED_EXCEPTION", severity, members)
    }

    fn stamp(&self, event: &str, severity: &Severity, members: Map<String, Value>) -> Value {
        let now = Timestamp::try_from(self.clock.system_now()).unwrap_or(Timestamp::UNIX_EPOCH);
        let index = self.next_index.fetch_add(1, Ordering::Relaxed);
        let mut stamped = json!({
            "event": event,
            "event_id": uuid(&*self.jitter),
            "event_session_index": index,
            "severity": severity.name(),
            "timestamp": format!("{now:.6}"),
        });
        if let Some(all) = stamped.as_object_mut() {
            all.extend(members);
        }
        stamped
    }
}

/// `H:MM:SS`, with six digits of a second if there are any, and days in front.
fn duration_text(micros: u128) -> String {
    let seconds = micros / 1_000_000;
    let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
    let (minutes, rest) = (seconds / 60 % 60, seconds % 60);
    let day = match days {
        0 => String::new(),
        1 => "1 day, ".to_owned(),
        days => format!("{days} days, "),
    };
    let fraction = match micros % 1_000_000 {
        0 => String::new(),
        fraction => format!(".{fraction:06}"),
    };
    format!("{day}{hours}:{minutes:02}:{rest:02}{fraction}")
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use gimmal_transport::{Error, FixedJitter, TokioClock};
    use http::{HeaderMap, StatusCode};
    use test_case::test_case;

    use super::*;

    #[test_case(3_723_000_045, "1:02:03.000045")]
    #[test_case(5_000_000, "0:00:05")]
    #[test_case(86_400_000_000, "1 day, 0:00:00")]
    #[test_case(200_000_000_000, "2 days, 7:33:20")]
    fn durations(micros: u128, expected: &str) {
        assert_eq!(duration_text(micros), expected);
    }

    /// Covers: CHK-EV-1
    #[tokio::test(start_paused = true)]
    async fn chk_ev_1_an_error_of_the_users() {
        let factory = EventFactory::new(Arc::new(TokioClock), Arc::new(FixedJitter::new(0.5)));
        let body = Bytes::from_static(b"{\"a\": 1}");
        let error = Error::from_response(StatusCode::NOT_FOUND, HeaderMap::new(), body);
        let event = factory.exception(&ErrorReport::of(&error), &Severity::Error);
        assert_eq!(event["event_name"], "user_error");
        assert_eq!(event["severity"], "WARNING");
        assert_eq!(event["event_data"]["status_code"], 404);
        assert_eq!(event["event_data"]["body"], json!({"a": 1}));

        let unexpected =
            factory.exception(&ErrorReport::of(&Error::connect("no")), &Severity::Error);
        assert_eq!(unexpected["event"], "UNHANDLED_EXCEPTION");
        assert_eq!(unexpected["event_session_index"], 1);
        assert!(unexpected["timestamp"].as_str().unwrap().ends_with('Z'));
    }
}
