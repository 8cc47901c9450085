//! A request on its way to the server: done when the server has accepted it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::FutureExt as _;
use gimmal_transport::Error;
use tokio::sync::oneshot;

use super::Handle;

/// A request that has its place in the order of things and is on its way; awaiting it gives the
/// [`Handle`] when the server has accepted it.
///
/// Dropping it does not take the request back: the server counts on it.
#[derive(Debug)]
#[must_use = "await it to hear whether the server accepted the request"]
pub struct Submission<T>(State<T>);

#[derive(Debug)]
enum State<T> {
    Waiting(oneshot::Receiver<Result<Handle<T>, Error>>),
    Ready(Option<Result<Handle<T>, Error>>),
}

impl<T: Send + 'static> Submission<T> {
    /// Nothing was sent.
    pub(crate) fn failed(error: Error) -> Self {
        Self(State::Ready(Some(Err(error))))
    }

    /// Work that begins at once.
    pub(crate) fn begun(handle: Handle<T>) -> Self {
        Self(State::Ready(Some(Ok(handle))))
    }

    /// Hands a request in, in the background, whoever waits for it.
    pub(crate) fn spawn(
        work: impl Future<Output = Result<Handle<T>, Error>> + Send + 'static,
    ) -> Self {
        let (sender, receiver) = oneshot::channel();
        tokio::spawn(async move {
            let accepted = work.await;
            // Whoever went away does not want the result either.
            let _: Result<(), _> = sender.send(accepted);
        });
        Self(State::Waiting(receiver))
    }

    /// The result, once the server has accepted the request and done it.
    pub(crate) async fn result(self) -> Result<T, Error> {
        self.await?.await
    }
}

impl<T> Future for Submission<T> {
    type Output = Result<Handle<T>, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let lost = || {
            Err(Error::cancelled(
                "the task that handed the request in ended early",
            ))
        };
        match &mut self.0 {
            State::Ready(ready) => Poll::Ready(ready.take().unwrap_or_else(lost)),
            State::Waiting(receiver) => receiver
                .poll_unpin(context)
                .map(|received| received.unwrap_or_else(|_| lost())),
        }
    }
}

impl<T> Unpin for Submission<T> {}
