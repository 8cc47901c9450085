//! Settings of one WebSocket that no other call has.

use std::time::Duration;

use crate::options::Timeout;

/// A server that is asked for a sign of life this often does not take the client for dead.
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// Messages that wait to be read may be this large together: 16 MiB, some minutes of sound.
const BUFFERED_BYTES: u64 = 16 * 1024 * 1024;

/// Settings of a WebSocket.
///
/// ```
/// use std::time::Duration;
/// use gimmal_transport::Timeout;
/// use gimmal_transport::ws::WebSocketConfig;
///
/// let config = WebSocketConfig::default()
///     .with_ping_interval(Timeout::After(Duration::from_secs(30)))
///     .with_buffered_bytes(1024 * 1024);
/// # let _ = config;
/// ```
///
/// What other streams have too is set where theirs is: the largest message by
/// [`CallOptions::with_max_event_bytes`](crate::CallOptions::with_max_event_bytes), the longest
/// silence by [`with_idle_timeout`](crate::CallOptions::with_idle_timeout) (answers to pings are
/// signs of life), and the end of it all by
/// [`with_deadline`](crate::CallOptions::with_deadline).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
#[must_use]
pub struct WebSocketConfig {
    ping_interval: Timeout,
    buffered_bytes: u64,
}

impl Default for WebSocketConfig {
    fn default() -> Self {
        Self {
            ping_interval: Timeout::Default,
            buffered_bytes: BUFFERED_BYTES,
        }
    }
}

impl WebSocketConfig {
    /// Sends a ping this often; every 20 s by default.
    pub fn with_ping_interval(mut self, interval: Timeout) -> Self {
        self.ping_interval = interval;
        self
    }

    /// Stops reading from the server while messages of more than this many bytes wait for the
    /// caller; 16 MiB by default. One message may go beyond.
    pub fn with_buffered_bytes(mut self, bytes: u64) -> Self {
        self.buffered_bytes = bytes;
        self
    }

    pub(super) fn ping_interval(&self) -> Option<Duration> {
        self.ping_interval.resolve(Some(PING_INTERVAL))
    }

    pub(super) fn buffered_bytes(&self) -> u64 {
        self.buffered_bytes
    }
}
