//! The order of the layers, written down once and run here.
//!
//! ```text
//! call      deadline, span, idempotency key      once per call
//!           packing of the body                  once per call
//!   loop
//!     permit to be in flight                     once per attempt
//!     circuit breaker, throttle                  once per attempt
//!     rate limit, pause                          once per attempt
//!     credentials                                once per attempt
//!     interceptors, before                       once per attempt
//!     send and receive, under the attempt limit  once per attempt
//!     from the credentials again, after a 401    at most once per attempt
//!     interceptors, after                        once per attempt
//!     classify: policy, hint, deadline, budget   once per failure
//!     wait, then again
//! ```
//!
//! Why this order, and what goes wrong in another one:
//!
//! - The deadline is outside of the loop and cuts the attempt's own limit. Inside, five attempts
//!   could take five deadlines.
//! - The idempotency key belongs to the call. Drawn for each attempt, it would tell the server that
//!   the retry is another request, which is what it is there to prevent.
//! - The body is packed before the loop. Inside, every retry would do the same work again, and
//!   after the interceptors a signature would cover other bytes than those that go out.
//! - Permits, breaker and limits are inside of the loop: a retry is a request like any other.
//!   Outside, the server would see more than was agreed, and a call that sleeps between attempts
//!   would keep others from going.
//! - The permit comes before the breaker. The other way round, a call could queue for a permit
//!   with the place of the one probe in its hand, and would ask the breaker about a state that is
//!   long past.
//! - Breaker and throttle come before rate limit and pause, so that a call that is not sent uses up
//!   no budget and waits for nothing. The breaker is asked again when the circuit changed during
//!   those waits; the throttle only counts, and what it counted is still true afterwards.
//! - All of them come before the credentials, because a token that was fetched first may run out
//!   while the call waits. What they refuse is no attempt: it ends the call and is not retried.
//! - Credentials are inside of the loop. Outside, a token that runs out during a long wait is sent
//!   again and again, and each retry fails.
//! - A request that is refused for a token that ran out is sent again within the attempt. As a
//!   retry it would be charged to the budget and wait, though nothing is wrong but the token.
//! - Interceptors come after the credentials, so that they can sign or count what really goes out.
//!   Before them, a signature would not cover the credentials.
//! - The policy is asked before the budget is charged. The other way round, failures that are
//!   never retried would use up the budget of those that are.
//! - The hint and the deadline are compared before sleeping. Afterwards, a call would sleep
//!   through its deadline to report that it has passed.
//! - There is one loop. A second one around it or beneath it multiplies the attempts; errors that
//!   were retried here say so ([`Persistence::Persistent`]).

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use http::{HeaderMap, StatusCode};
use tracing::Instrument;

use crate::auth::{Credentials, NoCredentials};
use crate::body::ByteStream;
use crate::call::Call;
use crate::compression;
use crate::error::{Delivery, Error, PAYLOAD_LIMIT};
use crate::gates::{Gates, Pass};
use crate::http::{HttpTransport, harmless};
use crate::interceptor::{Attempt, Interceptor, ReplyHead};
use crate::limit::Limit;
use crate::observe::{CallRecorder, Observers};
use crate::options::CallOptions;
use crate::receive::{Due, Receive, Terms};
use crate::redact::HeaderNames;
use crate::request::Request;
use crate::response::{Response, ResponseParts};
use crate::retry::{Backoff, RetryBudget, RetryPolicy, hint};
use crate::time::{Clock, Elapsed, Jitter, until};

/// How long to wait for the body of a refusal: it explains the status, but the status is enough.
pub(crate) const ERROR_BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// What all calls of a transport share.
#[derive(Clone)]
pub(crate) struct Core {
    pub(crate) http: Arc<dyn HttpTransport>,
    pub(crate) credentials: Arc<dyn Credentials>,
    pub(crate) retry_policy: Arc<dyn RetryPolicy>,
    pub(crate) backoff: Arc<dyn Backoff>,
    pub(crate) budget: RetryBudget,
    pub(crate) max_server_delay: Duration,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) jitter: Arc<dyn Jitter>,
    pub(crate) interceptors: Vec<Arc<dyn Interceptor>>,
    pub(crate) options: CallOptions,
    pub(crate) headers: HeaderMap,
    pub(crate) gates: Gates,
    pub(crate) observers: Observers,
}

impl Core {
    /// The same without anything that says who the caller is.
    pub(crate) fn without_credentials(&self) -> Self {
        let options = self.options.clone();
        Self {
            credentials: Arc::new(NoCredentials),
            headers: harmless(&self.headers),
            options: options.for_another_address(harmless(self.options.headers())),
            ..self.clone()
        }
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core")
            .field("http", &self.http)
            .field("credentials", &self.credentials)
            .field("retry_policy", &self.retry_policy)
            .field("backoff", &self.backoff)
            .field("budget", &self.budget)
            .field("max_server_delay", &self.max_server_delay)
            .field("options", &self.options)
            .field("headers", &HeaderNames(&self.headers))
            .field("gates", &self.gates)
            .field("observers", &self.observers)
            .finish_non_exhaustive()
    }
}

/// Makes one call.
pub(crate) async fn run<R: Receive>(
    core: &Core,
    request: &Request,
    options: &CallOptions,
    receive: &R,
) -> Result<Response<R::Output>, Error> {
    let mut call = Call::new(core, request, options, R::STREAMED)?;
    let span = call.span();
    let running = async {
        call.pack().await;
        attempt_loop(&mut call, receive).await
    };
    // Pinned first, because instrumenting would move it.
    let response = pin!(running).instrument(span).await?;
    Ok(call.conclude::<R>(response))
}

/// Tries until an attempt succeeds or its failure is final.
async fn attempt_loop<R: Receive>(
    call: &mut Call<'_>,
    receive: &R,
) -> Result<Response<R::Output>, Error> {
    loop {
        let mut pass = call.pass_gates().await?;
        let attempt = call.begin_attempt();
        let result = attempt_once(call, &attempt, receive, &mut pass).await;
        // Before any wait, so that the place in flight is free during it.
        pass.settle(&call.core.gates, result.as_ref());
        match result {
            Ok(response) => {
                call.succeed(&response);
                return Ok(response);
            }
            Err(error) => {
                let wait = call.classify(&attempt, error)?;
                call.core.clock.sleep(wait).await;
            }
        }
    }
}

/// One attempt, with the interceptors around it.
async fn attempt_once<R: Receive>(
    call: &Call<'_>,
    attempt: &Attempt,
    receive: &R,
    pass: &mut Pass,
) -> Result<Response<R::Output>, Error> {
    let result = exchange(call, attempt, receive, pass).await;
    if call.core.interceptors.is_empty() {
        return result;
    }
    let ended = match &result {
        Ok(response) => response.took(),
        Err(_) => call.elapsed(),
    };
    let took = ended.saturating_sub(attempt.started_after);
    let head = result.as_ref().map(|response| ReplyHead {
        status: response.status(),
        headers: response.headers(),
        took,
    });
    for interceptor in &call.core.interceptors {
        interceptor.after_attempt(attempt, head.as_ref().map_err(|error| *error));
    }
    result
}

/// Credentials, request, reply: each under what is left of the attempt's limit.
async fn exchange<R: Receive>(
    call: &Call<'_>,
    attempt: &Attempt,
    receive: &R,
    pass: &mut Pass,
) -> Result<Response<R::Output>, Error> {
    let core = call.core;
    let due = Due {
        attempt_started: call.started + attempt.started_after,
        deadline: call.deadline,
    };
    let limit = Limit::of(&due, receive.limit(&call.options));

    let mut refused = false;
    let (head, body, coding) = loop {
        let credentials = limit.hold(&*core.clock, core.credentials.headers()).await;
        // Whatever went wrong on the way to a token, the request itself has not left.
        let credentials = credentials
            .flatten()
            .map_err(|error| error.with_delivery(Delivery::NotSent))?;
        let mut outgoing = call.outgoing(credentials.as_map());
        for interceptor in &core.interceptors {
            interceptor.before_attempt(attempt, &mut outgoing)?;
        }

        pass.start();
        let reply = limit.hold(&*core.clock, core.http.execute(outgoing));
        let (mut head, body) = reply.await??.into_parts();
        let coding = call
            .accepts_coding()
            .then(|| compression::take_coding(&mut head.headers))
            .flatten();
        if receive.accepts(head.status) {
            break (head, body, coding);
        }
        let body = compression::unpack(body, coding, None);
        let error = refusal(core, &limit, head.status, head.headers, body).await;
        let error = call.without_secrets(error, credentials.as_map());
        // A 401 did nothing, so that any request may follow it, but only once: a second one is
        // about the caller and no longer about a token that had run out.
        if refused
            || head.status != StatusCode::UNAUTHORIZED
            || !core.credentials.rejected(credentials.tag(), &error)
        {
            return Err(error);
        }
        refused = true;
    };
    let body = if R::STREAMED { pass.hold(body) } else { body };
    let terms = Terms {
        coding,
        options: &call.options,
        clock: &core.clock,
        due,
    };
    let body = receive.receive(body, terms);
    let body = match limit.hold(&*core.clock, pin!(body)).await {
        Ok(Ok(body)) => body,
        Ok(Err(error)) | Err(error) => return Err(error.with_answer(head.status, &head.headers)),
    };
    let parts = ResponseParts {
        status: head.status,
        headers: head.headers,
        attempts: attempt.number,
        took: call.elapsed(),
        recorder: CallRecorder::default(),
    };
    Ok(Response::from_parts(parts, body))
}

/// Reads what the server says about its refusal, as far as it comes.
async fn refusal(
    core: &Core,
    limit: &Limit,
    status: StatusCode,
    headers: HeaderMap,
    body: ByteStream,
) -> Error {
    let mut payload = BytesMut::new();
    let patience = core.clock.now().checked_add(ERROR_BODY_TIMEOUT);
    let due = limit.due().into_iter().chain(patience).min();
    let reading = body.read_prefix(PAYLOAD_LIMIT, &mut payload);
    // A body that stalls or breaks is worth less than the status, which is already here.
    let _: Result<(), Elapsed> = until(&*core.clock, due, pin!(reading)).await;
    let error = Error::from_response(status, headers, payload.freeze());
    match error.headers().and_then(|headers| {
        hint::server_delay(headers, error.rpc_status(), Some(core.clock.system_now()))
    }) {
        Some(delay) => error.with_retry_after(delay),
        None => error,
    }
}
