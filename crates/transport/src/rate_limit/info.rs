//! What a server says of its limits in the headers of an answer. It is only read here; what is
//! made of it is up to the caller.

use std::time::{Duration, SystemTime};

use gimmal_types::Timestamp;
use http::HeaderMap;
use http::header::DATE;

use crate::retry::hint;

/// From here on a number of seconds is a point in time and no wait: it is September 2001.
const EPOCH_FROM: f64 = 1e9;

/// The limits that a server told with its answer; whatever it did not tell is absent.
///
/// Read are `x-ratelimit-limit-requests` and its relatives (`remaining`, `reset`; `tokens`), the
/// same without a unit and without `x-`, which count requests, and `retry-after`.
///
/// ```
/// use std::time::Duration;
/// use gimmal_transport::RateLimitInfo;
/// use http::HeaderMap;
///
/// let mut headers = HeaderMap::new();
/// headers.insert("x-ratelimit-limit-tokens", "30000".parse()?);
/// headers.insert("x-ratelimit-remaining-tokens", "12000".parse()?);
/// headers.insert("x-ratelimit-reset-tokens", "1m30s".parse()?);
/// let tokens = RateLimitInfo::from_headers(&headers).tokens;
/// assert_eq!((tokens.limit, tokens.remaining), (Some(30_000), Some(12_000)));
/// assert_eq!(tokens.resets_after, Some(Duration::from_secs(90)));
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimitInfo {
    /// The limit on requests.
    pub requests: RateLimitWindow,
    /// The limit on tokens.
    pub tokens: RateLimitWindow,
    /// How long to wait before the next request.
    pub retry_after: Option<Duration>,
}

/// One limit and how much of it is used up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimitWindow {
    /// How much there is in all.
    pub limit: Option<u64>,
    /// How much of it is left.
    pub remaining: Option<u64>,
    /// When it is whole again, counted from the answer.
    pub resets_after: Option<Duration>,
}

impl RateLimitInfo {
    /// What these headers of an answer say. Points in time are counted from its `date`.
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let date = text(headers, DATE.as_str());
        let now = date.and_then(|date| httpdate::parse_http_date(date).ok());
        Self {
            requests: window(headers, &["-requests", ""], now),
            tokens: window(headers, &["-tokens"], now),
            retry_after: hint::server_delay(headers, None, now),
        }
    }

    /// True when the answer says nothing of limits.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn window(headers: &HeaderMap, units: &[&str], now: Option<SystemTime>) -> RateLimitWindow {
    let find = |what: &str| {
        units.iter().find_map(|unit| {
            let named = text(headers, &format!("x-ratelimit-{what}{unit}"));
            named.or_else(|| text(headers, &format!("ratelimit-{what}{unit}")))
        })
    };
    RateLimitWindow {
        limit: find("limit").and_then(count),
        remaining: find("remaining").and_then(count),
        resets_after: find("reset").and_then(|reset| wait(reset, now)),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    Some(headers.get(name)?.to_str().ok()?.trim())
}

/// The number at the beginning; policies may follow it, as in `100, 100;w=60`.
fn count(text: &str) -> Option<u64> {
    text.split([',', ';']).next()?.trim().parse().ok()
}

/// A wait in seconds, a wait with units such as `1m30s`, or a point in time.
fn wait(text: &str, now: Option<SystemTime>) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<f64>() {
        let wait = Duration::try_from_secs_f64(seconds).ok()?;
        if seconds < EPOCH_FROM {
            return Some(wait);
        }
        let at = SystemTime::UNIX_EPOCH.checked_add(wait)?;
        return Some(at.duration_since(now?).unwrap_or_default());
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(
            time.to_system_time()
                .duration_since(now?)
                .unwrap_or_default(),
        );
    }
    with_units(text)
}

fn with_units(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.find(|letter: char| letter.is_ascii_digit());
        let unit = &rest[..letters.unwrap_or(rest.len())];
        seconds += number
            * match unit {
                "ms" => 1e-3,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3_600.0,
                "d" => 86_400.0,
                _ => return None,
            };
        rest = &rest[unit.len()..];
    }
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|_| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use http::HeaderName;
    use test_case::test_case;

    use super::*;

    fn info(pairs: &[(&'static str, &'static str)]) -> RateLimitInfo {
        let pairs = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        RateLimitInfo::from_headers(&pairs.collect())
    }

    #[test]
    fn requests_and_tokens_are_told_apart() {
        let info = info(&[
            ("x-ratelimit-limit-requests", "60"),
            ("x-ratelimit-remaining-requests", "59"),
            ("x-ratelimit-limit-tokens", "30000"),
            ("retry-after", "7"),
        ]);
        assert_eq!(
            (info.requests.limit, info.requests.remaining),
            (Some(60), Some(59))
        );
        assert_eq!(
            (info.tokens.limit, info.tokens.remaining),
            (Some(30_000), None)
        );
        assert_eq!(info.retry_after, Some(Duration::from_secs(7)));
    }

    #[test]
    fn names_without_a_unit_count_requests() {
        let plain = info(&[
            ("ratelimit-limit", "100, 100;w=60"),
            ("x-ratelimit-remaining", "3"),
        ]);
        assert_eq!(
            (plain.requests.limit, plain.requests.remaining),
            (Some(100), Some(3))
        );
        assert!(info(&[("content-type", "text/plain")]).is_empty());
        assert_eq!(info(&[("x-ratelimit-limit", "many")]).requests.limit, None);
    }

    #[test_case("20", Some(20_000))]
    #[test_case("0.5", Some(500))]
    #[test_case("6m0s", Some(360_000))]
    #[test_case("1h1m1.5s", Some(3_661_500))]
    #[test_case("250ms", Some(250))]
    #[test_case("1000000060", Some(60_000); "a point in time")]
    #[test_case("2001-09-09T01:47:40Z", Some(60_000); "a timestamp")]
    #[test_case("2001-09-09T01:46:00Z", Some(0); "a timestamp in the past")]
    #[test_case("soon", None)]
    #[test_case("5 parsecs", None)]
    #[test_case("-1", None)]
    #[test_case("", None; "nothing")]
    fn resets(text: &'static str, expected_ms: Option<u64>) {
        // The date is the moment of a thousand million seconds.
        let date = ("date", "Sun, 09 Sep 2001 01:46:40 GMT");
        let reset = info(&[date, ("x-ratelimit-reset-requests", text)])
            .requests
            .resets_after;
        assert_eq!(reset, expected_ms.map(Duration::from_millis));
    }

    #[test]
    fn a_point_in_time_needs_a_date() {
        let info = info(&[
            ("x-ratelimit-reset", "1000000060"),
            ("retry-after", "Sun, 09 Sep 2001 01:46:40 GMT"),
        ]);
        assert_eq!((info.requests.resets_after, info.retry_after), (None, None));
    }
}
