//! The calls that the clients make, with what the endpoints leave open: who called, how long to
//! wait for an account in debt, and how promises are asked for.

use std::future::Future;
use std::time::Duration;

use futures_util::future::BoxFuture;
use gimmal_api::tinker::polling::PollReply;
use gimmal_api::tinker::session_futures::{Completion, SessionQuestion};
use gimmal_api::tinker::{RetrieveFuture, Tinker, requests, with_sdk_method};
use gimmal_transport::compression::RequestCompression;
use gimmal_transport::retry::{NeverRetry, RetryPolicyExt as _, StandardRetry};
use gimmal_transport::{CallOptions, Error, ExponentialBackoff, PoolPurpose, Timeout};
use gimmal_types::tinker::{
    CancelFutureRequest, FutureCompletion, FutureRetrieveRequest, FuturesRetrieveRequest,
    InvalidInput, SamplingSessionFuturesTarget,
};
use http::StatusCode;

use super::billing::Billing;
use super::promise::{News, Promise, PromiseApi, Question};

const POLL_TIMEOUT: Duration = Duration::from_secs(45);
/// Calls that keep their place in the order are tried again for this long.
const RETRY_WINDOW: Duration = Duration::from_secs(300);
const BILLING_PAUSE: Duration = Duration::from_secs(5);

/// Makes calls.
#[derive(Clone, Debug)]
pub(crate) struct Calls(pub(crate) Tinker);

impl Calls {
    /// Options of a call on behalf of a public method.
    pub(crate) fn of(method: &'static str) -> CallOptions {
        with_sdk_method(&CallOptions::new(), method)
    }

    /// Options of a call that has a place in the order of requests: tried again for five minutes,
    /// as giving it up leaves a gap.
    pub(crate) fn in_order(method: &'static str) -> CallOptions {
        let policy = StandardRetry::tinker()
            .with_max_attempts(std::num::NonZeroU32::MAX)
            .without_statuses([StatusCode::CONFLICT])
            .with_time_limit(RETRY_WINDOW);
        Self::of(method)
            .with_retry_policy(policy)
            .with_backoff(ExponentialBackoff::tinker())
    }

    /// Options of a call without which nothing works, but that is usually made in passing.
    pub(crate) fn without_limit() -> CallOptions {
        CallOptions::new()
            .with_retry_policy(StandardRetry::tinker())
            .with_backoff(ExponentialBackoff::tinker())
    }

    /// The same with a packed body, where that is built in. The server that wants it wants it of
    /// bodies of every size.
    pub(crate) fn packed(options: CallOptions, packed: bool) -> CallOptions {
        #[cfg(feature = "zstd")]
        let compression = RequestCompression::zstd().with_min_bytes(0);
        #[cfg(not(feature = "zstd"))]
        let compression = RequestCompression::off();
        match packed {
            true => options.with_request_compression(compression),
            false => options,
        }
    }

    /// Makes a call, again and again while the account is in debt and may be waited for.
    pub(crate) async fn paid<T, F>(
        &self,
        billing: &Billing,
        mut call: impl FnMut() -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let clock = self.0.transport().clock();
        loop {
            match call().await {
                Err(error)
                    if error.status() == Some(StatusCode::PAYMENT_REQUIRED)
                        && billing.may_wait(clock.now()) =>
                {
                    clock.sleep(BILLING_PAUSE).await;
                }
                done => return done,
            }
        }
    }

    /// Says that nobody wants a result any more.
    pub(crate) async fn cancel(&self, request_id: &str) -> Result<(), Error> {
        let body = CancelFutureRequest::new().set_request_id(request_id);
        self.0.cancel_future(&body, &CallOptions::new()).await?;
        Ok(())
    }
}

impl PromiseApi for Calls {
    fn retrieve<'a>(&'a self, question: Question<'a>) -> BoxFuture<'a, PollReply> {
        Box::pin(async move {
            let promise: &Promise = question.promise;
            let body = FutureRetrieveRequest::new()
                .set_request_id(promise.request_id.as_str())
                .set_allow_metadata_only(question.allow_metadata_only);
            let poll = RetrieveFuture::new(&body, promise.request_type)
                .with_iteration(u64::from(question.iteration))
                .with_roundtrip(promise.roundtrip);
            // Replies are told apart by the state machine, which knows older servers too.
            let options = Self::of(promise.method)
                .with_pool(PoolPurpose::FUTURES)
                .with_attempt_timeout(Timeout::After(POLL_TIMEOUT))
                .with_retry_policy(NeverRetry);
            let sent = async {
                let request = requests::retrieve_future(self.0.endpoint(), &poll)?;
                self.0.transport().send(request, &options).await
            };
            PollReply::of_call(sent.await)
        })
    }

    fn retrieve_many<'a>(
        &'a self,
        session: &'a str,
        clone_id: u64,
        question: &'a SessionQuestion,
    ) -> BoxFuture<'a, Result<News, Error>> {
        Box::pin(async move {
            let target = SamplingSessionFuturesTarget::new()
                .set_sampling_session_id(session)
                .set_cloned_sampler_id(clone_id);
            let mut body = FuturesRetrieveRequest::new();
            body.target = target;
            body.prev_cursor = question.prev_cursor;
            body.retrieved_request_ids.clone_from(&question.retrieved);
            body.timeout = question.ack_only.then_some(0.0);
            let reply = self.0.retrieve_futures(&body, &CallOptions::new()).await?;
            let reply = reply.into_body();
            let completions = reply.completions.into_iter().filter_map(completion);
            Ok((completions.collect(), reply.cursor))
        })
    }
}

fn completion(completion: FutureCompletion) -> Option<(String, Completion)> {
    match completion {
        FutureCompletion::Finished(finished) => Some((
            finished.request_id,
            Completion::Finished {
                bytes: finished.response_payload_uncompressed_size,
            },
        )),
        FutureCompletion::Failed(failed) => Some((failed.request_id, Completion::Failed)),
        // A state that is new here is asked about one by one.
        other => Some((other.request_id()?.to_owned(), Completion::Failed)),
    }
}

/// What the types refuse, as an error of the client.
pub(crate) fn invalid(input: &InvalidInput) -> Error {
    Error::invalid(input.field(), input.reason())
}
