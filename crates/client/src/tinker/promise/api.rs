//! What waiting for promises asks of the layer below, so that tests can stand in for the server.

use std::fmt::Debug;
use std::time::Duration;

use futures_util::future::BoxFuture;
use gimmal_api::tinker::RequestType;
use gimmal_api::tinker::polling::PollReply;
use gimmal_api::tinker::session_futures::{Completion, SessionQuestion};
use gimmal_transport::Error;

/// A promise that the server made.
#[derive(Clone, Debug)]
pub(crate) struct Promise {
    pub(crate) request_id: String,
    pub(crate) request_type: RequestType,
    /// How long the server took to make it.
    pub(crate) roundtrip: Duration,
    /// The public method that it came from.
    pub(crate) method: &'static str,
}

/// A question for one promise.
#[derive(Clone, Debug)]
pub(crate) struct Question<'a> {
    pub(crate) promise: &'a Promise,
    pub(crate) allow_metadata_only: bool,
    pub(crate) iteration: u32,
}

/// What is done in a session, and the new cursor.
pub(crate) type News = (Vec<(String, Completion)>, u64);

/// The calls that waiting for promises makes.
pub(crate) trait PromiseApi: Debug + Send + Sync + 'static {
    /// Asks for one promise.
    fn retrieve<'a>(&'a self, question: Question<'a>) -> BoxFuture<'a, PollReply>;

    /// Asks for the news of a sampling session: what is done, and the new cursor.
    fn retrieve_many<'a>(
        &'a self,
        session: &'a str,
        clone_id: u64,
        question: &'a SessionQuestion,
    ) -> BoxFuture<'a, Result<News, Error>>;

    /// Takes note of something that went wrong on the way.
    fn note(&self, event: &'static str, promise: &Promise, iteration: u32, error: &Error) {
        let _ = (event, promise, iteration, error);
    }
}
