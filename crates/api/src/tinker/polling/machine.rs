//! When to ask for a promise again and when to give up: told the time and what was said, it says
//! what to do next.

use std::time::{Duration, Instant};

use bytes::Bytes;
use gimmal_transport::{Error, ExponentialBackoff, FixedJitter, TimeoutKind};
use gimmal_types::tinker::{QueueState, RequestErrorCategory, RequestFailedResponse};
use http::StatusCode;

use super::reply::{PollReply, QueueNotice};
use crate::tinker::request_failed;

/// Bad requests in a row that are taken for the whim of a proxy.
const MAX_BAD_REQUESTS: u32 = 3;
/// How long the account has to be in debt for the polling to look again.
const BILLING_PAUSE: Duration = Duration::from_secs(5);
/// The wait of a patient client whose queue is paused.
const PAUSED_QUEUE: Duration = Duration::from_secs(1);
/// The shortest time from one question to the next when the server does not hold them.
const LEAST_INTERVAL: Duration = Duration::from_millis(20);
/// What that grows to when the server keeps answering at once.
const MOST_INTERVAL: Duration = Duration::from_secs(1);

/// How the questions follow each other while the work is under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PollPacing {
    /// At once, as suits a server that holds a question until there is news. Answers that come
    /// back at once are spaced: 20 ms after the first, doubling to 1 s.
    #[default]
    Eager,
    /// With a wait after each answer: what the server asks for, 1 s when the queue is paused, else
    /// 1 s doubling to 30 s. Failures that are the server's own are waited out too.
    Patient,
}

/// How to ask for a promise.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
#[must_use]
pub struct PollOptions {
    pacing: PollPacing,
    patience: Option<Duration>,
    outage_backoff: Option<ExponentialBackoff>,
}

impl PollOptions {
    /// Sets how the questions follow each other.
    pub fn with_pacing(mut self, pacing: PollPacing) -> Self {
        self.pacing = pacing;
        self
    }

    /// Gives up after this long; never by default.
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// Waits like this after a 408 or a server error; by default the next question follows as
    /// [`PollPacing`] says.
    pub fn with_outage_backoff(mut self, backoff: ExponentialBackoff) -> Self {
        self.outage_backoff = Some(backoff);
        self
    }
}

/// What to do next.
#[derive(Debug)]
#[non_exhaustive]
pub enum PollNext {
    /// Ask again after this long.
    Ask {
        /// How long to wait first.
        after: Duration,
    },
    /// Make room for this many bytes, then ask again, without leave to answer with the size alone.
    Reserve {
        /// The size of the result.
        bytes: u64,
    },
    /// Ask the account's debts: if they may be waited out, ask again after this long; if not,
    /// the error is final.
    Unpaid {
        /// How long to wait first.
        after: Duration,
        /// What the server said.
        error: Error,
    },
    /// The result, in protobuf.
    Protobuf(Bytes),
    /// The result, in JSON.
    Json(Bytes),
    /// The work failed; see [`request_failed`].
    Failed(Error),
    /// The promise is broken; the request may be handed in anew.
    Expired(Error),
    /// There is nothing more to wait for.
    Fatal(Error),
}

impl PollNext {
    fn at_once() -> Self {
        Self::Ask {
            after: Duration::ZERO,
        }
    }
}

/// The polling of one promise.
///
/// ```
/// use std::time::{Duration, Instant};
/// use gimmal_api::tinker::polling::{FuturePoll, PollNext, PollOptions, PollReply};
///
/// let mut poll = FuturePoll::new("req-1", PollOptions::default());
/// let now = Instant::now();
/// poll.ask(now).unwrap();
/// let held = now + Duration::from_secs(30);
/// let next = poll.answered(held, PollReply::Pending);
/// assert!(matches!(next, PollNext::Ask { after } if after.is_zero()));
/// ```
#[derive(Debug)]
pub struct FuturePoll {
    request_id: String,
    options: PollOptions,
    allow_metadata: bool,
    iteration: Option<u32>,
    unreachable: u32,
    bad_requests: u32,
    instant: u32,
    began: Option<Instant>,
    asked: Option<Instant>,
    notice: Option<(QueueState, Option<String>)>,
    news: Option<QueueNotice>,
    last: Option<Error>,
}

impl FuturePoll {
    /// Nothing asked yet about this promise.
    pub fn new(request_id: impl Into<String>, options: PollOptions) -> Self {
        Self {
            request_id: request_id.into(),
            options,
            allow_metadata: true,
            iteration: None,
            unreachable: 0,
            bad_requests: 0,
            instant: 0,
            began: None,
            asked: None,
            notice: None,
            news: None,
            last: None,
        }
    }

    /// The promise that is asked for.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// The size is known already, and there is room for it.
    pub fn sized(&mut self) {
        self.allow_metadata = false;
    }

    /// A question goes out now; its number, counted from 0.
    ///
    /// # Errors
    ///
    /// Fails when the patience is at its end: with the last failure that was seen, or else with a
    /// timeout.
    pub fn ask(&mut self, now: Instant) -> Result<u32, Error> {
        let began = *self.began.get_or_insert(now);
        if let Some(patience) = self.options.patience
            && now.saturating_duration_since(began) > patience
        {
            let late = || Error::timeout(TimeoutKind::Deadline, patience);
            return Err(self.last.take().unwrap_or_else(late));
        }
        let iteration = self.iteration.map_or(0, |last| last.saturating_add(1));
        self.iteration = Some(iteration);
        self.asked = Some(now);
        Ok(iteration)
    }

    /// Whether the server may answer with the size of the result alone.
    pub fn allows_metadata_only(&self) -> bool {
        self.allow_metadata
    }

    /// The number of the last question.
    pub fn iteration(&self) -> u32 {
        self.iteration.unwrap_or_default()
    }

    /// What changed about the queue with the last answer, once.
    pub fn take_news(&mut self) -> Option<QueueNotice> {
        self.news.take()
    }

    /// Connection errors since the last answer.
    pub fn unreachable(&self) -> u32 {
        self.unreachable
    }

    /// Bad requests since the last 408.
    pub fn bad_requests(&self) -> u32 {
        self.bad_requests
    }

    /// Takes note of the answer to the last question.
    pub fn answered(&mut self, now: Instant, reply: PollReply) -> PollNext {
        if !matches!(&reply, PollReply::Refused { .. }) {
            self.unreachable = 0;
        }
        match reply {
            PollReply::Protobuf(body) => self.finish(PollNext::Protobuf(body)),
            PollReply::Json(body) => self.finish(PollNext::Json(body)),
            PollReply::Pending => self.wait(now, None),
            PollReply::TryAgain(notice) => {
                self.hear(notice.clone());
                self.wait(now, Some(&notice))
            }
            PollReply::Metadata { bytes } => self.reserve(bytes),
            PollReply::Failed { message, category } => self.failed(message, category),
            PollReply::Refused { error, notice } => self.refused(now, error, notice),
        }
    }

    /// Whatever the queue was, it let this one through.
    fn finish(&mut self, next: PollNext) -> PollNext {
        self.hear(QueueNotice::new(QueueState::Active));
        next
    }

    fn reserve(&mut self, bytes: u64) -> PollNext {
        if !self.allow_metadata {
            let error = Error::decode(
                "the size of the result came where the result was due",
                Bytes::new(),
            );
            return PollNext::Fatal(error);
        }
        self.allow_metadata = false;
        PollNext::Reserve { bytes }
    }

    fn failed(&mut self, message: String, category: RequestErrorCategory) -> PollNext {
        let passing = category != RequestErrorCategory::User;
        let mut reply = RequestFailedResponse::new().set_error(message);
        reply.category = category;
        let error = request_failed(&reply, &self.request_id);
        if passing && self.options.pacing == PollPacing::Patient {
            self.last = Some(error);
            return PollNext::Ask {
                after: self.backoff(self.iteration()),
            };
        }
        self.finish(PollNext::Failed(error))
    }

    fn refused(&mut self, now: Instant, error: Error, notice: Option<QueueNotice>) -> PollNext {
        if let Some(notice) = notice {
            self.hear(notice);
        }
        if PollReply::is_unreachable(&error) {
            return self.back_off(error);
        }
        let Some(status) = error.status() else {
            return PollNext::Fatal(error);
        };
        if status == StatusCode::TOO_MANY_REQUESTS {
            return self.back_off(error);
        }
        if status == StatusCode::PAYMENT_REQUIRED {
            return PollNext::Unpaid {
                after: BILLING_PAUSE,
                error,
            };
        }
        self.unreachable = 0;
        match status {
            StatusCode::BAD_REQUEST => {
                self.bad_requests += 1;
                if self.bad_requests > MAX_BAD_REQUESTS {
                    return PollNext::Fatal(error);
                }
                PollNext::at_once()
            }
            StatusCode::GONE => PollNext::Expired(error),
            StatusCode::REQUEST_TIMEOUT => {
                self.bad_requests = 0;
                self.outage(now, error)
            }
            status if status.is_server_error() => self.outage(now, error),
            _ => PollNext::Fatal(error),
        }
    }

    fn back_off(&mut self, error: Error) -> PollNext {
        let after = self.backoff(self.unreachable);
        self.unreachable = self.unreachable.saturating_add(1);
        self.last = Some(error);
        PollNext::Ask { after }
    }

    fn outage(&mut self, now: Instant, error: Error) -> PollNext {
        self.last = Some(error);
        let after = match &self.options.outage_backoff {
            Some(backoff) => {
                backoff.delay(self.iteration().saturating_add(1), &FixedJitter::new(0.0))
            }
            None if self.options.pacing == PollPacing::Patient => Duration::ZERO,
            None => self.spacing(now),
        };
        PollNext::Ask { after }
    }

    fn wait(&mut self, now: Instant, notice: Option<&QueueNotice>) -> PollNext {
        let wish = notice.and_then(|notice| notice.retry_after);
        let after = match self.options.pacing {
            PollPacing::Eager => self.spacing(now).max(wish.unwrap_or_default()),
            PollPacing::Patient => {
                let paused = notice.is_some_and(|notice| is_paused(&notice.state));
                let own = paused.then_some(PAUSED_QUEUE);
                wish.or(own)
                    .unwrap_or_else(|| self.backoff(self.iteration()))
            }
        };
        PollNext::Ask { after }
    }

    /// What is left of the least interval since the last question.
    fn spacing(&mut self, now: Instant) -> Duration {
        let held = self
            .asked
            .map_or(Duration::ZERO, |asked| now.saturating_duration_since(asked));
        let interval = LEAST_INTERVAL.saturating_mul(1 << self.instant.min(6));
        let interval = interval.min(MOST_INTERVAL);
        let left = interval.saturating_sub(held);
        self.instant = if left.is_zero() { 0 } else { self.instant + 1 };
        left
    }

    /// 1 s doubling to 30 s.
    fn backoff(&self, count: u32) -> Duration {
        let backoff = ExponentialBackoff::tinker_polling();
        backoff.delay(count.saturating_add(1), &FixedJitter::new(0.0))
    }

    /// Keeps a notice that differs from the last one. A first word that all is well is none.
    fn hear(&mut self, notice: QueueNotice) {
        let heard = (notice.state.clone(), notice.reason.clone());
        let well = notice.state == QueueState::Active && self.notice.is_none();
        let silent = matches!(
            notice.state,
            QueueState::Undetermined | QueueState::Unknown(_)
        ) && notice.reason.is_none();
        if well || silent || self.notice.as_ref() == Some(&heard) {
            return;
        }
        self.notice = Some(heard);
        self.news = Some(notice);
    }
}

fn is_paused(state: &QueueState) -> bool {
    matches!(
        state,
        QueueState::PausedCapacity | QueueState::PausedRateLimit
    )
}
