//! How many samples may be on their way to the server, and the pause that all make together when
//! it says "too many". What a sample is does not matter here.

use std::num::NonZeroU32;
use std::time::Duration;

use gimmal_transport::PauseWindow;
use gimmal_transport::semaphore::{BytesPermit, BytesSemaphore, Permit, Semaphore};

/// Samples that are handed in at once.
const CONCURRENCY: NonZeroU32 = NonZeroU32::new(400).unwrap();
/// The same when there was a pause lately.
const THROTTLED: NonZeroU32 = NonZeroU32::new(10).unwrap();
/// Bytes that are handed in at once: 10 MiB.
const BYTES: u64 = 10 * 1024 * 1024;
/// A pause counts as recent for this long after its end.
const RECENT: Duration = Duration::from_secs(10);
/// How many times its size a sample weighs when there was a pause lately.
const PENALTY: u64 = 20;
/// Up to this size a sample is small: 128 KiB.
const SMALL: u64 = 128 * 1024;
const SHORT_PAUSE: Duration = Duration::from_secs(1);
const LONG_PAUSE: Duration = Duration::from_secs(5);

/// The limits of a [`SamplingDispatch`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DispatchLimits {
    /// Samples that are handed in at once; 400.
    pub concurrency: NonZeroU32,
    /// Samples that are handed in at once within 10 s of a pause; 10.
    pub throttled_concurrency: NonZeroU32,
    /// Estimated bytes that are handed in at once; 10 MiB.
    pub bytes: u64,
}

impl Default for DispatchLimits {
    fn default() -> Self {
        Self {
            concurrency: CONCURRENCY,
            throttled_concurrency: THROTTLED,
            bytes: BYTES,
        }
    }
}

/// Lets samples through to the server: so many at once, so many bytes, and hardly any while the
/// server is short on room. Clones share the limits.
///
/// ```
/// use std::sync::Arc;
/// use gimmal_client::tinker::{DispatchLimits, SamplingDispatch};
/// use gimmal_client::transport::rate_limit::{PauseConfig, PauseWindow};
/// use gimmal_client::transport::TokioClock;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let window = PauseWindow::new(PauseConfig::default(), Arc::new(TokioClock));
/// let dispatch = SamplingDispatch::new(DispatchLimits::default(), window);
/// let pass = dispatch.enter(131_072).await;
/// // The server says that it has no room.
/// dispatch.back_off(131_072);
/// assert!(dispatch.window().is_paused());
/// # drop(pass);
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SamplingDispatch {
    all: Semaphore,
    throttled: Semaphore,
    bytes: BytesSemaphore,
    window: PauseWindow,
}

/// Leave to hand a sample in; dropping it makes room for the next.
#[derive(Debug)]
#[must_use = "dropping a pass gives its place back"]
pub struct DispatchPass {
    // Given back in the reverse of the order in which they were taken.
    _bytes: BytesPermit,
    _throttled: Option<Permit>,
    _one: Permit,
}

impl SamplingDispatch {
    /// Limits of its own, and a window that may be shared with other clients of the account.
    pub fn new(limits: DispatchLimits, window: PauseWindow) -> Self {
        Self {
            all: Semaphore::new(limits.concurrency),
            throttled: Semaphore::new(limits.throttled_concurrency),
            bytes: BytesSemaphore::new(limits.bytes),
            window,
        }
    }

    /// Waits for room for a sample of this many bytes, as estimated.
    pub async fn enter(&self, bytes: u64) -> DispatchPass {
        let throttled = self.window.is_recent(RECENT);
        let one = self.all.acquire().await;
        let slow = match throttled {
            true => Some(self.throttled.acquire().await),
            false => None,
        };
        let weight = bytes.saturating_mul(if throttled { PENALTY } else { 1 });
        DispatchPass {
            _bytes: self.bytes.acquire(weight).await,
            _throttled: slow,
            _one: one,
        }
    }

    /// Pauses all samples of the account, because the server refused one of this size: 1 s for a
    /// small one, 5 s above 128 KiB.
    pub fn back_off(&self, bytes: u64) {
        self.window.pause_for(match bytes <= SMALL {
            true => SHORT_PAUSE,
            false => LONG_PAUSE,
        });
    }

    /// The pause.
    pub fn window(&self) -> &PauseWindow {
        &self.window
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::FutureExt as _;
    use gimmal_transport::TokioClock;
    use gimmal_transport::rate_limit::{PauseConfig, PauseWindow};

    use super::*;

    fn dispatch(bytes: u64) -> SamplingDispatch {
        let window = PauseWindow::new(PauseConfig::default(), Arc::new(TokioClock));
        let limits = DispatchLimits {
            bytes,
            ..DispatchLimits::default()
        };
        SamplingDispatch::new(limits, window)
    }

    fn is_let_in(dispatch: &SamplingDispatch, bytes: u64) -> Option<DispatchPass> {
        dispatch.enter(bytes).now_or_never()
    }

    /// Covers: CHK-SD-1
    #[tokio::test(start_paused = true)]
    async fn chk_sd_1_bytes_weigh_more_after_a_pause() {
        let limited = dispatch(1_000);
        let both = [is_let_in(&limited, 100), is_let_in(&limited, 100)];
        assert!(both.iter().all(Option::is_some), "no pause: both run");
        drop(both);

        limited.window().pause_for(Duration::ZERO);
        let first = is_let_in(&limited, 100).expect("2,000 of 1,000 are let in once");
        assert!(is_let_in(&limited, 100).is_none());
        drop(first);
        assert!(is_let_in(&limited, 100).is_some());
    }

    /// Covers: CHK-SD-2
    #[tokio::test(start_paused = true)]
    async fn chk_sd_2_a_pause_is_recent_for_ten_seconds() {
        let limited = dispatch(BYTES);
        limited.window().pause_for(Duration::ZERO);
        tokio::time::advance(Duration::from_millis(9_999)).await;
        let slow: Vec<_> = (0..11).map(|_| is_let_in(&limited, 1)).collect();
        assert_eq!(slow.iter().flatten().count(), 10);
        drop(slow);
        tokio::time::advance(Duration::from_millis(2)).await;
        let all: Vec<_> = (0..401).map(|_| is_let_in(&limited, 1)).collect();
        assert_eq!(all.iter().flatten().count(), 400);
    }

    /// Covers: CHK-SD-4
    #[tokio::test(start_paused = true)]
    async fn chk_sd_4_a_panic_gives_everything_back() {
        let limited = dispatch(1_000);
        limited.window().pause_for(Duration::ZERO);
        let panicking = {
            let limited = limited.clone();
            tokio::spawn(async move {
                let _pass = limited.enter(100).await;
                panic!("on purpose");
            })
        };
        assert!(panicking.await.unwrap_err().is_panic());
        assert_eq!(limited.bytes.left(), 1_000);
        assert_eq!(limited.throttled.available(), 10);
        assert_eq!(limited.all.available(), 400);
    }

    /// Covers: CHK-SMP-2
    #[tokio::test(start_paused = true)]
    async fn chk_smp_2_large_samples_pause_longer() {
        for (tokens, seconds) in [(13_107, 1), (13_108, 5)] {
            let limited = dispatch(BYTES);
            limited.back_off(tokens * 10);
            assert_eq!(limited.window().remaining(), Duration::from_secs(seconds));
        }
    }
}
