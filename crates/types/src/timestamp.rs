//! Points in time in RFC 3339 form.

use std::fmt;
use std::time::SystemTime;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An RFC 3339 timestamp, written in UTC with a `Z`. The default is 1970-01-01T00:00:00Z.
///
/// ```
/// use gimmal_types::Timestamp;
///
/// let time: Timestamp = "2026-01-01T01:00:00+01:00".parse()?;
/// assert_eq!(time.to_string(), "2026-01-01T00:00:00Z");
/// # Ok::<(), gimmal_types::InvalidTimestamp>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(jiff::Timestamp);

/// The text is not an RFC 3339 timestamp with an offset.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an RFC 3339 timestamp such as \"2026-01-31T12:00:00Z\"")]
pub struct InvalidTimestamp {
    text: String,
}

impl Timestamp {
    /// Whole seconds since 1970-01-01T00:00:00Z; negative before.
    pub fn unix_seconds(self) -> i64 {
        self.0.as_second()
    }

    /// Reads a time that is in UTC where it says no zone, as Python servers write theirs.
    pub(crate) fn parse_or_utc(text: &str) -> Result<Self, InvalidTimestamp> {
        let in_utc = |refused| {
            let date: jiff::civil::DateTime = text.parse().map_err(|_| refused)?;
            let time = jiff::tz::TimeZone::UTC.to_timestamp(date);
            time.map(Self).map_err(|_| InvalidTimestamp::of(text))
        };
        text.parse().or_else(in_utc)
    }

    /// The same point in time for the standard library.
    pub fn to_system_time(self) -> SystemTime {
        self.0.into()
    }
}

impl InvalidTimestamp {
    fn of(text: &str) -> Self {
        Self {
            text: text.chars().take(64).collect(),
        }
    }
}

impl TryFrom<SystemTime> for Timestamp {
    type Error = InvalidTimestamp;

    fn try_from(time: SystemTime) -> Result<Self, InvalidTimestamp> {
        jiff::Timestamp::try_from(time)
            .map(Self)
            .map_err(|_| InvalidTimestamp {
                text: format!("{time:?}"),
            })
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

impl std::str::FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        let time = text.parse().map(Self);
        time.map_err(|_| InvalidTimestamp::of(text))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

plain_wire_values!(Timestamp);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nanoseconds_and_offsets_are_kept() {
        let time: Timestamp = "2025-06-07T08:09:10.123456789Z".parse().unwrap();
        assert_eq!(time.to_string(), "2025-06-07T08:09:10.123456789Z");
        let shifted: Timestamp = "2025-06-07T10:09:10.123456789+02:00".parse().unwrap();
        assert_eq!(shifted, time);
        assert_eq!(Timestamp::try_from(time.to_system_time()).unwrap(), time);
    }

    #[test]
    fn dates_without_an_offset_are_refused() {
        let error = "2025-06-07T08:09:10".parse::<Timestamp>().unwrap_err();
        assert!(error.to_string().contains("RFC 3339"));
    }
}
