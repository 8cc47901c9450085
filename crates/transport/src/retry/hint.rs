//! How long the server asks to wait. The largest of the hints counts, because waiting less than
//! any one of them earns the same refusal again.

use std::time::{Duration, SystemTime};

use gimmal_types::rpc::Status;
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName};

const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");

/// The wait asked for by `retry-after-ms`, `retry-after` or `google.rpc.RetryInfo`.
///
/// A date in `retry-after` is read only when the time of day is known.
pub(crate) fn server_delay(
    headers: &HeaderMap,
    rpc_status: Option<&Status>,
    now: Option<SystemTime>,
) -> Option<Duration> {
    let text = |name: &HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let milliseconds = text(&RETRY_AFTER_MS)
        .and_then(number)
        .and_then(|ms| Duration::try_from_secs_f64(ms / 1_000.0).ok());
    let header = text(&RETRY_AFTER).and_then(|value| match number(value) {
        Some(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        None => {
            let date = httpdate::parse_http_date(value).ok()?;
            // A date in the past means now.
            Some(date.duration_since(now?).unwrap_or_default())
        }
    });
    let body = rpc_status.and_then(Status::retry_delay);
    milliseconds.max(header).max(body)
}

/// A plain decimal number; words that `f64` knows, such as `inf`, are not numbers here.
fn number(text: &str) -> Option<f64> {
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    const BODY: &[u8] = br#"{"error": {"details": [
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7.5s"}]}}"#;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            let name = HeaderName::from_static(name);
            (name, value.parse().unwrap())
        });
        HeaderMap::from_iter(pairs)
    }

    #[test_case(&[("retry-after", "3")], Some(3_000))]
    #[test_case(&[("retry-after", " 1.5 ")], Some(1_500))]
    #[test_case(&[("retry-after-ms", "250")], Some(250))]
    #[test_case(&[("retry-after", "1"), ("retry-after-ms", "1200")], Some(1_200); "largest counts")]
    #[test_case(&[("retry-after", "Thu, 01 Jan 1970 00:01:00 GMT")], Some(20_000); "date")]
    #[test_case(&[("retry-after", "Thu, 01 Jan 1970 00:00:10 GMT")], Some(0); "date in the past")]
    #[test_case(&[("retry-after", "soon")], None)]
    #[test_case(&[("retry-after", "-1")], None)]
    #[test_case(&[("retry-after", "inf")], None)]
    #[test_case(&[("retry-after", "")], None; "empty")]
    #[test_case(&[("retry-after", "99999999999999999999999999")], None; "too large to hold")]
    #[test_case(&[], None; "no hint")]
    fn header_hints(pairs: &[(&'static str, &'static str)], expected_ms: Option<u64>) {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(40);
        assert_eq!(
            server_delay(&headers(pairs), None, Some(now)),
            expected_ms.map(Duration::from_millis)
        );
    }

    #[test]
    fn the_body_competes_with_the_header() {
        let status = Status::from_error_body(BODY);
        let delay =
            |seconds| server_delay(&headers(&[("retry-after", seconds)]), status.as_ref(), None);
        assert_eq!(delay("3"), Some(Duration::from_millis(7_500)));
        assert_eq!(delay("9"), Some(Duration::from_secs(9)));
    }

    #[test]
    fn a_date_needs_the_time_of_day() {
        let date = headers(&[("retry-after", "Thu, 01 Jan 1970 00:01:00 GMT")]);
        assert_eq!(server_delay(&date, None, None), None);
    }
}
