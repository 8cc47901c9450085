//! Times in replies, of which some servers leave out the zone.
//!
//! SkyRL, for one, writes `2026-01-31T12:00:00.25` and means UTC. Only replies are read this way:
//! in what a user asks for, a time without a zone is refused by [`Timestamp`].

use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Error};
use serde::{Deserialize, Deserializer};

use crate::Timestamp;

/// Reads a time; one that says no zone is in UTC.
pub(crate) struct ZoneOrUtc<T>(PhantomData<T>);

impl<T> Default for ZoneOrUtc<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<'de> DeserializeSeed<'de> for ZoneOrUtc<Timestamp> {
    type Value = Timestamp;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(deserializer)?;
        Timestamp::parse_or_utc(&text).map_err(D::Error::custom)
    }
}

impl<'de> DeserializeSeed<'de> for ZoneOrUtc<Option<Timestamp>> {
    type Value = Option<Timestamp>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        let time = text.as_deref().map(Timestamp::parse_or_utc).transpose();
        time.map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::super::{Checkpoint, GetBillingUsageRequest};

    fn checkpoint(time: &str) -> Result<Checkpoint, serde_json::Error> {
        from_value(json!({
            "checkpoint_id": "weights/state",
            "checkpoint_type": "training",
            "time": time,
            "tinker_path": "tinker://run/weights/state",
            "expires_at": time,
        }))
    }

    #[test]
    fn a_time_without_a_zone_in_a_reply_is_in_utc() {
        for time in ["2026-11-21T22:10:06.677603", "2026-11-21 22:10:06.677603"] {
            let read = checkpoint(time).unwrap();
            assert_eq!(read.time.to_string(), "2026-11-21T22:10:06.677603Z");
            assert_eq!(read.expires_at, Some(read.time));
        }
        let read = checkpoint("2026-11-21T23:10:06+01:00").unwrap();
        assert_eq!(read.time.to_string(), "2026-11-21T22:10:06Z");
    }

    #[test]
    fn what_is_no_time_is_refused_in_a_reply_and_a_time_without_a_zone_in_a_request() {
        let error = checkpoint("yesterday").unwrap_err().to_string();
        assert!(
            error.contains("\"yesterday\" is not an RFC 3339 timestamp"),
            "{error}"
        );
        let asked = json!({"starting_on": "2026-11-21T22:00:00"});
        assert!(from_value::<GetBillingUsageRequest>(asked).is_err());
    }
}
