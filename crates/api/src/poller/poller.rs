//! The poller: drives the state machine over a transport, as a future or as a stream.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll as Ready};
use std::time::Duration;

use futures_util::future::{BoxFuture, Either, select};
use futures_util::{FutureExt as _, Stream, StreamExt as _};
use gimmal_transport::{CallOptions, Error, Response, ResponseParts, Timeout};

use super::errors::PollErrorPolicyArg;
use super::machine::{Machine, Next};
use super::pacing::PacingArg;
use super::poll::{Poll, Verdict};
use crate::gemini::Gemini;

/// Waits for work that outlives a call.
///
/// `.await` it for the result, or read it as a stream to see the progress. Its
/// [`name`](Self::name) is all that another process needs to wait for the same work
/// ([`Poller::from_name`]).
///
/// Dropping a poller, and the end of its time, only end the waiting: the service works on, and
/// bills. [`cancel`](Self::cancel) asks it to stop, where the service can.
///
/// ```
/// # async fn run(gemini: gimmal_api::gemini::Gemini) -> Result<(), gimmal_transport::Error> {
/// use std::time::Duration;
///
/// use gimmal_api::Poller;
/// use gimmal_transport::Timeout;
/// use gimmal_types::gemini::GenerateVideosOperation;
///
/// let name = "projects/p/locations/l/publishers/google/models/veo/operations/1";
/// let films = Poller::<GenerateVideosOperation>::from_name(gemini, name)
///     .with_deadline(Timeout::After(Duration::from_secs(1800)))
///     .await?;
/// println!("{} films", films.generated_videos.len());
/// # Ok(()) }
/// ```
#[must_use = "a poller asks nothing until it is awaited or read"]
pub struct Poller<P: Poll> {
    name: String,
    gemini: Gemini,
    /// Away while a step is under way.
    core: Option<Box<Core<P>>>,
    step: Option<BoxFuture<'static, Stepped<P>>>,
}

type Item<P> = Result<Progress<P>, Error>;

/// The core on its way back, and what there is to tell.
type Stepped<P> = (Box<Core<P>>, Option<Item<P>>);

/// What a poller saw.
#[derive(Debug)]
#[non_exhaustive]
pub enum Progress<P: Poll> {
    /// The work goes on; what the service says about it.
    Running(P),
    /// A question failed and will be asked again; the work goes on as far as is known.
    PollFailed(Error),
    /// It is done. Nothing comes after this.
    Done(P::Output),
}

impl<P: Poll> Poller<P> {
    /// Waits for work that was begun here; its first description is not asked for again.
    pub fn new(gemini: Gemini, begun: P) -> Self {
        let name = begun.name().unwrap_or_default().to_owned();
        Self::start(gemini, name, Phase::Known(begun))
    }

    /// Waits for work that was begun anywhere, by its name.
    pub fn from_name(gemini: Gemini, name: impl Into<String>) -> Self {
        Self::start(gemini, name.into(), Phase::Due)
    }

    fn start(gemini: Gemini, name: String, phase: Phase<P>) -> Self {
        let core = Core {
            gemini: gemini.clone(),
            name: name.clone(),
            options: CallOptions::default(),
            machine: Machine::new(P::PATIENCE, P::pacing()),
            head: None,
            stop: None,
            phase,
        };
        Self {
            name,
            gemini,
            core: Some(Box::new(core)),
            step: None,
        }
    }

    /// The name to find the work by, in this process or another.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Status, headers and attempts of the last answer; `None` before the first, and while a
    /// question is under way.
    pub fn head(&self) -> Option<&ResponseParts> {
        self.core.as_ref()?.head.as_ref()
    }

    /// Sets the waits between questions; each kind of work has its own default
    /// ([`Poll::pacing`]). Set it before the first question.
    pub fn with_pacing(self, pacing: impl Into<PacingArg>) -> Self {
        let pacing = pacing.into().into_inner();
        self.set(|core| core.machine.pacing = pacing)
    }

    /// Sets which failed questions end the waiting;
    /// [`TolerateOutages`](super::TolerateOutages) by default.
    pub fn with_error_policy(self, policy: impl Into<PollErrorPolicyArg>) -> Self {
        let policy = policy.into().into_inner();
        self.set(|core| core.machine.errors = policy)
    }

    /// Limits the waiting as a whole; each kind of work has its own default
    /// ([`Poll::PATIENCE`]), which is ten minutes for most.
    pub fn with_deadline(self, deadline: Timeout) -> Self {
        self.set(|core| {
            core.machine.patience = match deadline {
                Timeout::Default => P::PATIENCE,
                Timeout::After(limit) => Some(limit),
                Timeout::Never => None,
            }
        })
    }

    /// Ends the waiting, with an error of the kind `Cancelled`, when this future is ready. The
    /// service works on.
    pub fn with_stop(self, stop: impl Future<Output = ()> + Send + 'static) -> Self {
        self.set(|core| core.stop = Some(stop.boxed()))
    }

    /// Options of each question. Without a deadline of its own, a question may take two minutes.
    pub fn with_options(self, options: CallOptions) -> Self {
        self.set(|core| core.options = options)
    }

    fn set(mut self, change: impl FnOnce(&mut Core<P>)) -> Self {
        if let Some(core) = &mut self.core {
            change(core);
        }
        self
    }

    /// Asks the service to stop the work. The poller then sees how it ended.
    ///
    /// # Errors
    ///
    /// Fails before sending where work of this kind cannot be stopped; otherwise as the transport
    /// does.
    pub async fn cancel(&self, options: &CallOptions) -> Result<Response<()>, Error> {
        self.gemini.cancel_operation::<P>(&self.name, options).await
    }

    /// Waits for the result; what `.await` does.
    ///
    /// # Errors
    ///
    /// Fails with what the work failed of ([`ErrorKind::OperationFailed`]), when the time is up,
    /// when the waiting was stopped, and with a question that failed for good. In the last three
    /// cases the work goes on, and the error's context holds its name.
    ///
    /// [`ErrorKind::OperationFailed`]: gimmal_transport::ErrorKind::OperationFailed
    pub async fn wait(mut self) -> Result<P::Output, Error> {
        while let Some(progress) = self.next().await {
            if let Progress::Done(output) = progress? {
                return Ok(output);
            }
        }
        Err(Error::config("the poller was already read to its end"))
    }
}

/// A question may take this long unless its options say otherwise: long enough for a reply that
/// holds films, short enough that one lost connection does not use up the time for the work.
const QUESTION: Duration = Duration::from_secs(120);

/// What a step needs.
struct Core<P> {
    gemini: Gemini,
    name: String,
    options: CallOptions,
    machine: Machine,
    head: Option<ResponseParts>,
    stop: Option<BoxFuture<'static, ()>>,
    phase: Phase<P>,
}

enum Phase<P> {
    /// A description is here already.
    Known(P),
    /// It is time to ask.
    Due,
    /// It is time to ask after this wait.
    Later(Duration),
    Over,
}

impl<P: Poll> Core<P> {
    /// Goes on until there is something to tell; `None` after the end.
    async fn step(&mut self) -> Option<Item<P>> {
        let phase = std::mem::replace(&mut self.phase, Phase::Over);
        let answer = match phase {
            Phase::Over => return None,
            Phase::Known(begun) => Ok(begun),
            asking => match self.stop.take() {
                None => self.ask(asking).await,
                Some(stop) => match unless(stop, self.ask(asking)).await {
                    Some((answer, stop)) => {
                        self.stop = Some(stop);
                        answer
                    }
                    None => return Some(Err(self.named(stopped::<P>()))),
                },
            },
        };
        Some(self.judge(answer))
    }

    async fn ask(&mut self, phase: Phase<P>) -> Result<P, Error> {
        let clock = self.gemini.transport().clock().clone();
        if let Phase::Later(wait) = phase {
            clock.sleep(wait).await;
        }
        let mut options = self.options.or(self.gemini.transport().options());
        let own = options.deadline().unwrap_or(QUESTION);
        let left = self.machine.ask(clock.now()).unwrap_or(own);
        options = options.with_deadline(Timeout::After(own.min(left)));
        let reply = self.gemini.get_operation::<P>(&self.name, &options).await?;
        let (head, description) = reply.into_parts();
        self.head = Some(head);
        Ok(description)
    }

    fn judge(&mut self, answer: Result<P, Error>) -> Item<P> {
        let transport = self.gemini.transport();
        let (now, jitter) = (transport.clock().now(), transport.jitter().as_ref());
        let (next, seen) = match answer.map(Poll::verdict) {
            Ok(Verdict::Done(output)) => return Ok(Progress::Done(output)),
            Ok(Verdict::Failed(error)) => return Err(self.named(error)),
            Ok(Verdict::Running(description)) => {
                let next = self.machine.running(now, jitter);
                (next, Progress::Running(description))
            }
            Err(error) => match self.machine.failed(&error, now, jitter) {
                None => return Err(self.named(error)),
                Some(next) => (next, Progress::PollFailed(error)),
            },
        };
        match next {
            Next::Wait(wait) => {
                self.phase = Phase::Later(wait);
                Ok(seen)
            }
            Next::Late(late) => Err(self.named(match seen {
                Progress::PollFailed(error) => late.with_source(error),
                _ => late.with_source(format!(
                    "{} is not done; it goes on and can be asked about by its name",
                    P::WHAT
                )),
            })),
        }
    }

    /// The error with what is needed to take the waiting up again.
    fn named(&self, error: Error) -> Error {
        error.with_context("operation", self.name.clone())
    }
}

/// The output of `work` and the signal to stop, unless the signal comes first.
async fn unless<T>(
    stop: BoxFuture<'static, ()>,
    work: impl Future<Output = T>,
) -> Option<(T, BoxFuture<'static, ()>)> {
    match select(std::pin::pin!(work), stop).await {
        Either::Left(finished) => Some(finished),
        Either::Right(((), _)) => None,
    }
}

fn stopped<P: Poll>() -> Error {
    Error::cancelled(format!(
        "waiting for {} was stopped; the service works on",
        P::WHAT
    ))
}

impl<P: Poll> Stream for Poller<P> {
    type Item = Result<Progress<P>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Ready<Option<Self::Item>> {
        if let Some(mut core) = self.core.take() {
            self.step = Some(
                async move {
                    let item = core.step().await;
                    (core, item)
                }
                .boxed(),
            );
        }
        let Some(step) = self.step.as_mut() else {
            return Ready::Ready(None);
        };
        let Ready::Ready((core, item)) = step.poll_unpin(context) else {
            return Ready::Pending;
        };
        self.step = None;
        self.core = Some(core);
        Ready::Ready(item)
    }
}

impl<P: Poll> IntoFuture for Poller<P> {
    type Output = Result<P::Output, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.wait().boxed()
    }
}

impl<P: Poll> fmt::Debug for Poller<P> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Poller")
            .field("what", &P::WHAT)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
