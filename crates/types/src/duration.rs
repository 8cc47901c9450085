//! Durations in protobuf's JSON form: decimal seconds and an `s`, up to nine fraction digits.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A non-negative duration as Google APIs write it: `"3600s"`, `"29.723877525s"`.
///
/// ```
/// use gimmal_types::WireDuration;
/// use std::time::Duration;
///
/// let hour: WireDuration = "3600s".parse()?;
/// assert_eq!(hour.get(), Duration::from_secs(3600));
/// assert_eq!(WireDuration::from(Duration::from_millis(1500)).to_string(), "1.5s");
/// # Ok::<(), gimmal_types::InvalidDuration>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WireDuration(Duration);

/// Largest number of whole seconds a protobuf duration may hold (10,000 years).
const MAX_SECONDS: u64 = 315_576_000_000;

/// The text is not a duration in seconds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a duration: expected decimal seconds ending in `s`, such as \"3600s\"")]
pub struct InvalidDuration {
    text: String,
}

impl WireDuration {
    /// The longest one that protobuf knows: 10,000 years.
    pub const MAX: Self = Self::from_secs(MAX_SECONDS);

    /// The duration.
    pub const fn get(self) -> Duration {
        self.0
    }

    /// A duration of whole seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }
}

impl From<Duration> for WireDuration {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

impl From<WireDuration> for Duration {
    fn from(duration: WireDuration) -> Self {
        duration.0
    }
}

impl fmt::Display for WireDuration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.subsec_nanos();
        if nanos == 0 {
            return write!(formatter, "{}s", self.0.as_secs());
        }
        let fraction = format!("{nanos:09}");
        write!(
            formatter,
            "{}.{}s",
            self.0.as_secs(),
            fraction.trim_end_matches('0')
        )
    }
}

impl std::str::FromStr for WireDuration {
    type Err = InvalidDuration;

    fn from_str(text: &str) -> Result<Self, InvalidDuration> {
        parse(text).ok_or_else(|| InvalidDuration {
            text: text.chars().take(64).collect(),
        })
    }
}

/// Exact decimal parsing: going through a float would lose nanoseconds.
fn parse(text: &str) -> Option<WireDuration> {
    let number = text.strip_suffix('s')?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 9 {
        return None;
    }
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let seconds: u64 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let nanos: u32 = format!("{fraction:0<9}").parse().ok()?;
    (seconds <= MAX_SECONDS).then(|| WireDuration(Duration::new(seconds, nanos)))
}

impl Serialize for WireDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for WireDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

plain_wire_values!(WireDuration);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn text_and_value_agree(seconds in 0..=MAX_SECONDS, nanos in 0u32..1_000_000_000) {
            let value = WireDuration(Duration::new(seconds, nanos));
            prop_assert_eq!(value.to_string().parse::<WireDuration>().unwrap(), value);
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ = text.parse::<WireDuration>();
        }
    }

    #[test]
    fn exact_nanoseconds() {
        let value: WireDuration = "29.723877525s".parse().unwrap();
        assert_eq!(value.get(), Duration::new(29, 723_877_525));
        assert_eq!(
            "0.5s".parse::<WireDuration>().unwrap().get(),
            Duration::from_millis(500)
        );
    }

    #[test]
    fn other_forms_are_refused() {
        for text in [
            "",
            "s",
            ".s",
            "5",
            "5ms",
            "-1s",
            "+1s",
            "1e3s",
            "1.0000000001s",
            "1 s",
            "9999999999999s",
        ] {
            assert!(text.parse::<WireDuration>().is_err(), "{text:?}");
        }
    }
}
