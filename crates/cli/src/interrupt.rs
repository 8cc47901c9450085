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
    Watch(tokio::spawn(async move {
        if asked_to_end().await.is_err() {
            return;
        }
        shutdown.drain();
        let _ = writeln!(
            std::io::stderr(),
            "\nfinishing what is in flight; press Ctrl-C again to stop at once\n{how_to_resume}"
        );
        if asked_to_end().await.is_ok() {
            shutdown.abort();
        }
    }))
}

/// Waits for Ctrl-C or, where there is one, the signal that service managers send.
#[cfg(unix)]
async fn asked_to_end() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn asked_to_end() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
