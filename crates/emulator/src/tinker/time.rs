//! Times as the wire has them.

use std::time::SystemTime;

use jiff::Timestamp;

/// A time as a timestamp; what lies beyond all timestamps is the last one.
pub(crate) fn timestamp(time: SystemTime) -> Timestamp {
    Timestamp::try_from(time).unwrap_or(Timestamp::MAX)
}
