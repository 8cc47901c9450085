//! What the program holds of work that is under way.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Fuse, FusedFuture as _};
use gimmal_transport::Error;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

/// Work that the server has accepted; awaiting it gives the result.
///
/// Whoever waits on `&mut handle` may stop waiting and come back: the asking goes on in the
/// background. Dropping the handle ends the asking; what the server does with accepted work is its
/// own affair.
///
/// ```no_run
/// # use std::time::Duration;
/// # async fn run<T>(mut handle: gimmal_client::tinker::Handle<T>) -> Result<(), gimmal_client::Error> {
/// if tokio::time::timeout(Duration::from_secs(1), &mut handle).await.is_err() {
///     println!("not yet");
/// }
/// let result = handle.await?;
/// # let _ = result;
/// # Ok(()) }
/// ```
#[must_use = "dropping a handle ends the wait for the result"]
pub struct Handle<T> {
    /// In a box, for which there is no room before there is a result.
    result: Fuse<oneshot::Receiver<Box<Result<T, Error>>>>,
    task: Option<AbortHandle>,
}

impl<T: Send + 'static> Handle<T> {
    /// Runs `work` in the background until it ends or the handle is dropped.
    pub(crate) fn spawn(work: impl Future<Output = Result<T, Error>> + Send + 'static) -> Self {
        let (sender, receiver) = oneshot::channel();
        let task = tokio::spawn(async move {
            let result = Box::new(work.await);
            // Nobody waits any more; then nobody misses it.
            let _: Result<(), _> = sender.send(result);
        });
        Self {
            result: receiver.fuse(),
            task: Some(task.abort_handle()),
        }
    }

    /// The same work with another result.
    pub(crate) fn map<U: Send + 'static>(
        self,
        change: impl FnOnce(T) -> Result<U, Error> + Send + 'static,
    ) -> Handle<U> {
        Handle::spawn(async move { change(self.await?) })
    }

    /// The result as a future that owns everything.
    pub fn boxed(self) -> BoxFuture<'static, Result<T, Error>> {
        Box::pin(self)
    }

    /// Whether the result has been taken.
    pub fn is_taken(&self) -> bool {
        self.result.is_terminated()
    }
}

impl<T> Future for Handle<T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let lost = "the task that waited for the result ended early";
        let received = std::task::ready!(self.result.poll_unpin(context));
        Poll::Ready(received.map_or_else(|_| Err(Error::cancelled(lost)), |result| *result))
    }
}

impl<T> Drop for Handle<T> {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl<T> fmt::Debug for Handle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let taken = self.result.is_terminated();
        f.debug_struct("Handle")
            .field("taken", &taken)
            .finish_non_exhaustive()
    }
}
