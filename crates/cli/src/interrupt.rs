//! Ctrl-C, or the signal that asks to end: once ends a run gently, twice at once.

use std::io::Write as _;

use gimmal_batch::Shutdown;

/// Watches for Ctrl-C until it is dropped.
pub(crate) struct Watch(tokio::task::JoinHandle<()>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Ends the run through `shutdown`; `how_to_resume` is told to the user.
pub(crate) fn watch(shutdown: Shutdown, how_to_resume: String) -> Watch {
    // Listening begins here and never pauses: a signal between two waits would otherwise be lost.
    let requests = Requests::listen();
    Watch(tokio::spawn(async move {
        let Ok(mut requests) = requests else { return };
        if requests.next().await.is_none() {
            return;
        }
        shutdown.drain();
        let _ = writeln!(
            std::io::stderr(),
            "\nfinishing what is in flight; press Ctrl-C again to stop at once\n{how_to_resume}"
        );
        if requests.next().await.is_some() {
            shutdown.abort();
        }
    }))
}

/// Requests to end: Ctrl-C, and the signal that service managers send.
#[cfg(unix)]
struct Requests {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Requests {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> Option<()> {
        tokio::select! {
            request = self.interrupt.recv() => request,
            request = self.terminate.recv() => request,
        }
    }
}

/// Requests to end: Ctrl-C.
#[cfg(windows)]
struct Requests(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Requests {
    fn listen() -> std::io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) -> Option<()> {
        self.0.recv().await
    }
}
