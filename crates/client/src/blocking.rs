//! Everything that can be awaited, for programs without async: scripts, tests, notebooks. One
//! runtime of the process does the waiting; what goes on in the background goes on there.

use std::future::IntoFuture;
use std::io;
use std::sync::OnceLock;

use futures_util::{Stream, StreamExt as _};
use tokio::runtime::{Builder, Runtime};

/// Waits for what could be awaited.
///
/// ```no_run
/// use gimmal_client::blocking::Wait as _;
/// use gimmal_client::tinker::ServiceClient;
/// use gimmal_client::types::tinker::{AdamParams, Datum, LossFnType};
///
/// # fn run(data: Vec<Datum>) -> Result<(), Box<dyn std::error::Error>> {
/// gimmal_client::blocking::start()?;
/// let service = ServiceClient::from_env()?;
/// let training = service.create_lora_training_client("Qwen/Qwen3-8B").wait()?;
/// let pass = training.forward_backward(data, LossFnType::CrossEntropy).wait()?;
/// println!("{:?}", pass.metrics);
/// training.optim_step(AdamParams::new()).wait()?;
/// service.close("success", None).wait()?;
/// # Ok(()) }
/// ```
pub trait Wait: IntoFuture + Sized {
    /// Waits for the result on this thread.
    ///
    /// # Panics
    ///
    /// Panics in async code, where it would hold other tasks up: use `.await` there. It also does
    /// when the runtime cannot be started; [`start`] says why.
    fn wait(self) -> Self::Output {
        // Some begin their work when they become a future.
        let future = within(|| self.into_future());
        // Calls are large futures; in a box they do not fill the stack of the caller.
        runtime().block_on(Box::pin(future))
    }
}

impl<T: IntoFuture> Wait for T {}

/// Starts the runtime, which otherwise starts when it is first needed.
///
/// # Errors
///
/// Fails when the operating system gives no thread.
pub fn start() -> io::Result<()> {
    if RUNTIME.get().is_none() {
        // Of two that are made at the same time, one is dropped unused.
        let _: Result<(), Runtime> = RUNTIME.set(make()?);
    }
    Ok(())
}

/// Runs code that begins work in the background, such as `submit` of a request, and returns what
/// it returns.
///
/// ```no_run
/// # use gimmal_client::tinker::TrainingClient;
/// # use gimmal_client::types::tinker::{AdamParams, Datum, LossFnType};
/// use gimmal_client::blocking::{Wait as _, within};
///
/// # fn run(training: TrainingClient, data: Vec<Datum>) -> Result<(), gimmal_client::Error> {
/// let (pass, step) = within(|| {
///     let pass = training.forward_backward(data, LossFnType::CrossEntropy).submit();
///     (pass, training.optim_step(AdamParams::new()).submit())
/// });
/// let (pass, step) = (pass.wait()?, step.wait()?);
/// println!("{:?}", pass.wait()?.metrics);
/// step.wait()?;
/// # Ok(()) }
/// ```
///
/// # Panics
///
/// Panics when the runtime cannot be started, and when the code does.
pub fn within<T>(begin: impl FnOnce() -> T) -> T {
    let _entered = runtime().enter();
    begin()
}

/// The items of a stream, each of which is waited for.
///
/// ```
/// let items = gimmal_client::blocking::iter(futures_util::stream::iter([1, 2]));
/// assert_eq!(items.collect::<Vec<_>>(), [1, 2]);
/// ```
pub fn iter<S: Stream + Unpin>(stream: S) -> Items<S> {
    Items(stream)
}

/// The items of a stream; see [`iter`].
#[derive(Debug)]
#[must_use = "an iterator does nothing until it is read"]
pub struct Items<S>(S);

impl<S: Stream + Unpin> Iterator for Items<S> {
    type Item = S::Item;

    fn next(&mut self) -> Option<S::Item> {
        self.0.next().wait()
    }
}

static RUNTIME: OnceLock<Runtime> = OnceLock::new();

fn make() -> io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    // One thread is enough for the background; whoever waits works on its own.
    builder.worker_threads(1).thread_name("gimmal-blocking");
    builder.enable_all().build()
}

fn runtime() -> &'static Runtime {
    RUNTIME.get_or_init(|| make().expect("a thread for the runtime"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_begun_goes_on_while_nobody_waits() {
        start().unwrap();
        start().unwrap();
        let (sender, receiver) = std::sync::mpsc::channel();
        let task = within(|| {
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(1)).await;
                sender.send(()).unwrap();
                7
            })
        });
        receiver.recv().unwrap();
        assert_eq!(task.wait().unwrap(), 7);
    }
}
