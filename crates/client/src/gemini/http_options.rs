//! What [`HttpOptions`] come to: options of calls that the transport knows. The address among them
//! is the endpoint's.

use std::num::NonZeroU32;
use std::time::Duration;

use gimmal_api::gemini::client_header;
use gimmal_transport::{CallOptions, Error, ExponentialBackoff, StandardRetry, Timeout};
use gimmal_types::gemini::{HttpOptions, HttpRetryOptions};
use http::{HeaderName, HeaderValue, StatusCode};

/// The options of calls among these options.
pub(super) fn call_options(options: &HttpOptions) -> Result<CallOptions, Error> {
    let mut out = CallOptions::new();
    for (name, value) in &options.headers {
        let (name, value) = header(name, value)?;
        out = out.with_header(name, value);
    }
    if let Some(milliseconds) = options.timeout {
        let limit = timeout(milliseconds)?;
        out = out
            .with_attempt_timeout(limit)
            .with_first_byte_timeout(limit)
            .with_idle_timeout(limit);
    }
    if let Some(members) = &options.extra_body {
        out = out.with_extra_body(members.clone());
    }
    if let Some(retry) = &options.retry_options {
        out = out
            .with_retry_policy(policy(retry)?)
            .with_backoff(backoff(retry)?);
    }
    Ok(out)
}

/// A header; the two that name the library keep its name before that of the caller.
fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Error> {
    let refuse = |what: &str| Error::invalid(format!("headers.{name}"), what);
    let name: HeaderName = name
        .parse()
        .map_err(|_| refuse("is not the name of a header"))?;
    let value = client_header(&name, value).unwrap_or_else(|| value.to_owned());
    let mut value = HeaderValue::from_str(&value)
        .map_err(|_| refuse("holds characters that no header can carry"))?;
    value.set_sensitive(true);
    Ok((name, value))
}

fn timeout(milliseconds: i64) -> Result<Timeout, Error> {
    match u64::try_from(milliseconds) {
        Ok(0) => Ok(Timeout::Never),
        Ok(limit) => Ok(Timeout::After(Duration::from_millis(limit))),
        Err(_) => Err(Error::invalid(
            "timeout",
            format!("is {milliseconds} ms; it must be positive, or 0 for no limit"),
        )),
    }
}

fn policy(retry: &HttpRetryOptions) -> Result<StandardRetry, Error> {
    let mut policy = StandardRetry::google_genai();
    if let Some(attempts) = retry.attempts {
        let attempts = u32::try_from(attempts)
            .map_err(|_| Error::invalid("retry_options.attempts", "must not be negative"))?;
        policy = policy.with_max_attempts(NonZeroU32::new(attempts).unwrap_or(NonZeroU32::MIN));
    }
    if retry.http_status_codes.is_empty() {
        return Ok(policy);
    }
    let statuses = retry.http_status_codes.iter().map(|code| {
        let status = u16::try_from(*code).ok();
        let status = status.and_then(|code| StatusCode::from_u16(code).ok());
        status.ok_or_else(|| {
            let field = "retry_options.http_status_codes";
            Error::invalid(field, format!("{code} is no status of HTTP"))
        })
    });
    Ok(policy.with_statuses(statuses.collect::<Result<Vec<_>, _>>()?))
}

fn backoff(retry: &HttpRetryOptions) -> Result<ExponentialBackoff, Error> {
    let seconds = |field: &str, value: f64| {
        Duration::try_from_secs_f64(value).map_err(|_| {
            let field = format!("retry_options.{field}");
            Error::invalid(field, format!("{value} is no number of seconds"))
        })
    };
    let mut backoff = ExponentialBackoff::google_genai();
    if let Some(initial) = retry.initial_delay {
        backoff = backoff.with_initial(seconds("initial_delay", initial)?);
    }
    if let Some(max) = retry.max_delay {
        backoff = backoff.with_max(seconds("max_delay", max)?);
    }
    if let Some(factor) = retry.exp_base {
        backoff = backoff
            .with_factor(factor)
            .map_err(|error| error.with_field("retry_options.exp_base"))?;
    }
    if let Some(jitter) = retry.jitter {
        backoff = backoff.with_added_jitter(seconds("jitter", jitter)?);
    }
    Ok(backoff)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(options: HttpOptions) -> String {
        call_options(&options).unwrap_err().to_string()
    }

    #[test]
    fn every_option_arrives() {
        let options = HttpOptions::new()
            .set_headers([("X-Custom".to_owned(), "1".to_owned())])
            .set_timeout(1_500)
            .set_retry_options(HttpRetryOptions::new().set_attempts(0));
        let options = call_options(&options).unwrap();
        assert_eq!(options.headers()["x-custom"], "1");
        let limit = Some(Duration::from_millis(1_500));
        assert_eq!(
            [
                options.attempt_timeout(),
                options.idle_timeout(),
                options.first_byte_timeout()
            ],
            [limit; 3]
        );
        let unlimited = call_options(&HttpOptions::new().set_timeout(0)).unwrap();
        assert_eq!(unlimited.attempt_timeout(), None);
    }

    #[test]
    fn the_library_keeps_its_name() {
        let agent = |value: &str| {
            let headers = [("User-Agent".to_owned(), value.to_owned())];
            let options = call_options(&HttpOptions::new().set_headers(headers)).unwrap();
            options.headers()["user-agent"].to_str().unwrap().to_owned()
        };
        let named = agent("caller/2.0");
        assert!(
            named.starts_with("gimmal/") && named.ends_with(" caller/2.0"),
            "{named}"
        );
        assert_eq!(agent(&named), named);
    }

    #[test]
    fn bad_options_are_named() {
        let headers = |name: &str, value: &str| {
            HttpOptions::new().set_headers([(name.to_owned(), value.to_owned())])
        };
        let retry = |retry: HttpRetryOptions| HttpOptions::new().set_retry_options(retry);
        for (options, message) in [
            (
                headers("two words", "1"),
                "invalid `headers.two words`: is not the name of a header",
            ),
            (
                headers("x-a", "line\nbreak"),
                "invalid `headers.x-a`: holds characters that no header can carry",
            ),
            (
                HttpOptions::new().set_timeout(-1),
                "invalid `timeout`: is -1 ms; it must be positive, or 0 for no limit",
            ),
            (
                retry(HttpRetryOptions::new().set_attempts(-1)),
                "invalid `retry_options.attempts`: must not be negative",
            ),
            (
                retry(HttpRetryOptions::new().set_http_status_codes([7])),
                "invalid `retry_options.http_status_codes`: 7 is no status of HTTP",
            ),
            (
                retry(HttpRetryOptions::new().set_initial_delay(-0.5)),
                "invalid `retry_options.initial_delay`: -0.5 is no number of seconds",
            ),
        ] {
            assert_eq!(refused(options), message);
        }
        let factor = retry(HttpRetryOptions::new().set_exp_base(0.5));
        assert!(refused(factor).starts_with("invalid `retry_options.exp_base`: "));
    }
}
