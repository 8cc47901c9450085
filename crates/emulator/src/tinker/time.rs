//! Times as the wire has them.

use std::time::SystemTime;

use jiff::Timestamp;

/// A time as a timestamp; what lies beyond all timestamps is the last one.
pub(crate) fn timestamp(time: SystemTime) -> Timestamp {
    Timestamp::try_from(time).unwrap_or(Timestamp::MAX)
}

/// A time as whole seconds since 1970; what lies before is 0.
pub(crate) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}
