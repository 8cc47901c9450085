//! Times to live and expiry times in every form that they come in. A text that is none is told
//! when the call is sent, so that setters can be chained.

use std::time::{Duration, SystemTime};

use gimmal_transport::Error;
use gimmal_types::{Timestamp, WireDuration};

/// How long a cache lives: a [`Duration`], a [`WireDuration`], or decimal seconds and an `s` in a
/// text, such as `"3600s"` or `"300.5s"`.
///
/// ```
/// use std::time::Duration;
/// use gimmal_client::gemini::GeminiClient;
///
/// # fn main() -> Result<(), gimmal_client::Error> {
/// # let client = GeminiClient::builder().with_api_key("key").build()?;
/// let create = client.caches().create("gemini-2.5-flash").set_contents(["a long handbook"]);
/// let hour = create.clone().set_ttl(Duration::from_secs(3600));
/// let same = create.set_ttl("3600s");
/// # let _ = (hour, same);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct TtlArg(Result<WireDuration, Error>);

/// Until when a cache lives: a [`Timestamp`], a [`SystemTime`], or RFC 3339 in a text, such as
/// `"2026-12-31T23:59:59Z"`.
#[derive(Clone, Debug)]
pub struct ExpireTimeArg(Result<Timestamp, Error>);

impl TtlArg {
    pub(super) fn into_inner(self) -> Result<WireDuration, Error> {
        self.0
    }
}

impl ExpireTimeArg {
    pub(super) fn into_inner(self) -> Result<Timestamp, Error> {
        self.0
    }
}

impl From<Duration> for TtlArg {
    fn from(ttl: Duration) -> Self {
        Self(Ok(ttl.into()))
    }
}

impl From<WireDuration> for TtlArg {
    fn from(ttl: WireDuration) -> Self {
        Self(Ok(ttl))
    }
}

impl From<&str> for TtlArg {
    fn from(text: &str) -> Self {
        let text = text.trim();
        let is_negative = text
            .strip_prefix('-')
            .is_some_and(|rest| rest.parse::<WireDuration>().is_ok());
        Self(if is_negative {
            let fix = format!("{text} is negative; a cache lives for some time, such as 3600s");
            Err(Error::invalid("ttl", fix))
        } else {
            text.parse()
                .map_err(|error| Error::invalid("ttl", format!("{error}")))
        })
    }
}

impl From<String> for TtlArg {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<Timestamp> for ExpireTimeArg {
    fn from(time: Timestamp) -> Self {
        Self(Ok(time))
    }
}

impl From<SystemTime> for ExpireTimeArg {
    fn from(time: SystemTime) -> Self {
        Self(refused(Timestamp::try_from(time)))
    }
}

impl From<&str> for ExpireTimeArg {
    fn from(text: &str) -> Self {
        Self(refused(text.trim().parse()))
    }
}

impl From<String> for ExpireTimeArg {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

fn refused<T, E: std::fmt::Display>(time: Result<T, E>) -> Result<T, Error> {
    time.map_err(|error| Error::invalid("expireTime", format!("{error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_time_to_live() {
        let minute = WireDuration::from_secs(60);
        for ttl in [
            TtlArg::from(Duration::from_secs(60)),
            minute.into(),
            "60s".into(),
            " 60.0s ".to_owned().into(),
        ] {
            assert_eq!(ttl.into_inner().unwrap(), minute);
        }
        for (text, message) in [
            (
                "-5s",
                "invalid `ttl`: -5s is negative; a cache lives for some time, such as 3600s",
            ),
            (
                "1h",
                "invalid `ttl`: \"1h\" is not a duration: expected decimal seconds ending in \
                 `s`, such as \"3600s\"",
            ),
        ] {
            let error = TtlArg::from(text).into_inner().unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn every_form_of_an_expiry() {
        let time: Timestamp = "2026-12-31T23:59:59Z".parse().unwrap();
        for expiry in [
            ExpireTimeArg::from(time),
            time.to_system_time().into(),
            "2027-01-01T00:59:59+01:00".into(),
            time.to_string().into(),
        ] {
            assert_eq!(expiry.into_inner().unwrap(), time);
        }
        let error = ExpireTimeArg::from("tomorrow").into_inner().unwrap_err();
        assert_eq!(
            error.to_string(),
            "invalid `expireTime`: \"tomorrow\" is not an RFC 3339 timestamp such as \
             \"2026-01-31T12:00:00Z\""
        );
    }
}
