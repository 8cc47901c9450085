//! Which failed questions end the waiting. The work itself goes on in any case.

use std::fmt::Debug;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use gimmal_transport::{Error, Persistence};

/// What is known when a question failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PollErrors {
    /// Failures since the last answer, this one included.
    pub in_a_row: NonZeroU32,
    /// Since when the work is waited for.
    pub elapsed: Duration,
}

impl PollErrors {
    pub(crate) fn new(in_a_row: NonZeroU32, elapsed: Duration) -> Self {
        Self { in_a_row, elapsed }
    }
}

/// Decides whether to go on asking after a question failed.
///
/// The transport has retried the question by then, as its own policy says. Asking again later is
/// not one more retry: the next question was due anyway.
pub trait PollErrorPolicy: Debug + Send + Sync + 'static {
    /// True to ask again after the usual wait, false to end with the error.
    fn tolerates(&self, errors: &PollErrors, error: &Error) -> bool;
}

/// Anything that can stand for a policy: a value, or an `Arc` of one.
#[derive(Clone, Debug)]
pub struct PollErrorPolicyArg(Arc<dyn PollErrorPolicy>);

impl PollErrorPolicyArg {
    pub(crate) fn into_inner(self) -> Arc<dyn PollErrorPolicy> {
        self.0
    }
}

impl<P: PollErrorPolicy> From<P> for PollErrorPolicyArg {
    fn from(policy: P) -> Self {
        Self(Arc::new(policy))
    }
}

impl From<Arc<dyn PollErrorPolicy>> for PollErrorPolicyArg {
    fn from(policy: Arc<dyn PollErrorPolicy>) -> Self {
        Self(policy)
    }
}

/// Goes on through failures that may pass, such as lost connections, 429 and 503, up to a number
/// of them in a row: ten, unless set otherwise. The default policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TolerateOutages {
    in_a_row: NonZeroU32,
}

impl Default for TolerateOutages {
    fn default() -> Self {
        Self {
            in_a_row: NonZeroU32::new(10).unwrap_or(NonZeroU32::MIN),
        }
    }
}

impl TolerateOutages {
    /// Goes on through this many failures in a row.
    pub fn up_to(in_a_row: NonZeroU32) -> Self {
        Self { in_a_row }
    }
}

impl PollErrorPolicy for TolerateOutages {
    fn tolerates(&self, errors: &PollErrors, error: &Error) -> bool {
        error.persistence() != Persistence::Permanent && errors.in_a_row <= self.in_a_row
    }
}

/// Ends with the first question that fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NeverTolerate;

impl PollErrorPolicy for NeverTolerate {
    fn tolerates(&self, _errors: &PollErrors, _error: &Error) -> bool {
        false
    }
}
