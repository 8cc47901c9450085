//! Requests and tokens per minute that all workers of a queue keep together, counted by the server.

use std::num::NonZeroU64;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::scripts::ADMIT;
use super::{QueueError, RedisQueue};
use crate::shared_limits::SharedLimits;
use crate::{Category, Failure};

/// No worker asks again sooner or sleeps longer than this.
const SHORTEST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(2);

/// Limits shared by the workers of a queue: in no minute are they exceeded, by the server's clock.
#[derive(Clone, Debug)]
pub struct RedisLimits {
    queue: RedisQueue,
    requests: u64,
    tokens: u64,
}

impl RedisLimits {
    /// Requests and tokens per minute, for all workers of the queue together.
    pub fn new(
        queue: &RedisQueue,
        requests: Option<NonZeroU64>,
        tokens: Option<NonZeroU64>,
    ) -> Self {
        Self {
            queue: queue.clone(),
            requests: requests.map_or(0, NonZeroU64::get),
            tokens: tokens.map_or(0, NonZeroU64::get),
        }
    }

    /// The milliseconds to wait, or 0 when the request was counted.
    async fn count(&self, tokens: i64, is_correction: bool) -> Result<u64, QueueError> {
        let arguments = [
            self.requests.to_string(),
            self.tokens.to_string(),
            tokens.to_string(),
            u8::from(is_correction).to_string(),
        ];
        let arguments = arguments.map(String::into_bytes);
        let keys = [self.queue.key("limits")];
        self.queue.eval(ADMIT, &keys, &arguments).await
    }
}

impl SharedLimits for RedisLimits {
    fn admit(&self, tokens: u64) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async move {
            let tokens = i64::try_from(tokens).unwrap_or(i64::MAX);
            loop {
                let wait = self
                    .count(tokens, false)
                    .await
                    .map_err(|error| Failure::new(Category::ConnectionError, error.to_string()))?;
                if wait == 0 {
                    return Ok(());
                }
                // The others wait for the same second: whoever asks first afterwards has it.
                let wait = Duration::from_millis(wait).clamp(SHORTEST, LONGEST);
                tokio::time::sleep(wait).await;
            }
        })
    }

    fn correct(&self, reserved: u64, used: u64) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let number = |number| i64::try_from(number).unwrap_or(i64::MAX);
            let difference = number(used) - number(reserved);
            if difference == 0 || self.tokens == 0 {
                return;
            }
            if let Err(error) = self.count(difference, true).await {
                tracing::warn!(%error, "shared tokens could not be corrected");
            }
        })
    }
}
