//! Ctrl-C: once ends a run gently, twice at once.

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
    Watch(tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_err() {
            return;
        }
        shutdown.drain();
        let _ = writeln!(
            std::io::stderr(),
            "\nfinishing what is in flight; press Ctrl-C again to stop at once\n{how_to_resume}"
        );
        if tokio::signal::ctrl_c().await.is_ok() {
            shutdown.abort();
        }
    }))
}
