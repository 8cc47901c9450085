//! When a cached content expires: `ttl` or `expireTime`, never both, on the emulator's clock.
//! Also the wire form of times.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::gemini::{
    errors::ApiError,
    fields::{join, string},
};

/// How long a cached content lives when nothing is asked for.
pub(crate) const DEFAULT_TTL: Duration = Duration::from_secs(3600);

/// The expiry that `fields` ask for, if they ask for one. `at` is the path of the message.
pub(crate) fn requested(
    fields: &Map<String, Value>,
    at: &str,
    now: SystemTime,
) -> Result<Option<SystemTime>, ApiError> {
    let ttl = string(fields, "ttl", at)?;
    let expire_time = string(fields, "expireTime", at)?;
    let expiry = match (ttl, expire_time) {
        (Some(_), Some(_)) => {
            return Err(ApiError::bad_request(
                at,
                format!(
                    "Invalid value at '{at}' (oneof), oneof field 'expiration' is already set. \
                     Cannot set 'ttl'"
                ),
            ));
        }
        (None, None) => return Ok(None),
        (Some(ttl), None) => {
            let place = join(at, "ttl");
            let duration = parse_duration(ttl).ok_or_else(|| {
                ApiError::bad_request(
                    &place,
                    format!(
                        "Invalid value at '{place}' (type.googleapis.com/google.protobuf.Duration), \
                         Field 'ttl', Illegal duration format; duration must end with 's'"
                    ),
                )
            })?;
            now.checked_add(duration).filter(|expiry| in_range(*expiry))
        }
        (None, Some(text)) => {
            let place = join(at, "expireTime");
            let time: Timestamp = text.parse().map_err(|_| {
                ApiError::bad_request(
                    &place,
                    format!(
                        "Invalid value at '{place}' \
                         (type.googleapis.com/google.protobuf.Timestamp), Field 'expireTime', \
                         Illegal timestamp format; timestamps must end with 'Z' or have a valid \
                         timezone offset."
                    ),
                )
            })?;
            Some(SystemTime::from(time))
        }
    };
    match expiry {
        Some(expiry) if expiry > now => Ok(Some(expiry)),
        Some(_) => Err(ApiError::bad_request(
            at,
            "expiration must be in the future.",
        )),
        None => Err(ApiError::bad_request(
            &join(at, "ttl"),
            "ttl is out of range.",
        )),
    }
}

/// RFC 3339 in UTC, to the microsecond.
pub(crate) fn format_time(time: SystemTime) -> String {
    let Ok(time) = Timestamp::try_from(time) else {
        return String::new();
    };
    let micros = Timestamp::from_microsecond(time.as_microsecond());
    micros.unwrap_or(time).to_string()
}

/// `3.5s` and the like, with up to nine digits of fraction.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    let number = text.strip_suffix('s')?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 9 {
        // A negative duration is well formed, but lies in the past in any case.
        return (number.starts_with('-') && digits(&number[1..].replacen('.', "", 1)))
            .then_some(Duration::ZERO);
    }
    let nanos: u32 = format!("{fraction:0<9}").parse().ok()?;
    Some(Duration::new(whole.parse().ok()?, nanos))
}

fn in_range(time: SystemTime) -> bool {
    Timestamp::try_from(time).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn ask(fields: Value) -> Result<Option<Duration>, String> {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600);
        let fields = fields.as_object().cloned().expect("an object");
        let expiry = requested(&fields, "cached_content", now);
        expiry
            .map(|expiry| expiry.map(|expiry| expiry.duration_since(now).expect("in the future")))
            .map_err(|error| error.message().to_owned())
    }

    #[test]
    fn durations_and_times() {
        assert_eq!(ask(json!({})), Ok(None));
        assert_eq!(
            ask(json!({"ttl": "3.5s"})),
            Ok(Some(Duration::from_millis(3500)))
        );
        assert_eq!(
            ask(json!({"ttl": "86400s"})),
            Ok(Some(Duration::from_secs(86400)))
        );
        let time = json!({"expireTime": "2026-01-01T02:00:00.25+01:00"});
        assert_eq!(ask(time), Ok(Some(Duration::from_millis(3_600_250))));
    }

    #[test]
    fn refusals() {
        let both = json!({"ttl": "1s", "expireTime": "2027-01-01T00:00:00Z"});
        assert!(
            ask(both)
                .expect_err("both")
                .contains("oneof field 'expiration'")
        );
        for ttl in [
            "5",
            "5m",
            "s",
            "1.s",
            "x s",
            "1.0000000001s",
            "0s",
            "-1s",
            "99999999999999s",
        ] {
            assert!(ask(json!({ "ttl": ttl })).is_err(), "{ttl}");
        }
        assert!(
            ask(json!({"ttl": 5}))
                .expect_err("a number")
                .contains("TYPE_STRING")
        );
        for time in ["2027-01-01T00:00:00", "tomorrow", "2020-01-01T00:00:00Z"] {
            assert!(ask(json!({ "expireTime": time })).is_err(), "{time}");
        }
    }

    #[test]
    fn times_are_written_to_the_microsecond() {
        let time = SystemTime::UNIX_EPOCH + Duration::new(1_767_225_600, 123_456_789);
        assert_eq!(format_time(time), "2026-01-01T00:00:00.123456Z");
    }
}
