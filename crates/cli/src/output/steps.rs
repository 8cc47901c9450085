//! How far a run of training is: a bar on a terminal, a line now and then elsewhere.

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Lines are no closer together than this when they go to a file.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Progress on standard error.
pub(crate) struct Steps {
    total: u64,
    shown: Mutex<Shown>,
}

enum Shown {
    Bar(ProgressBar),
    Lines { last: Option<Instant>, line: String },
}

impl Steps {
    /// Shows nothing yet; `done` steps of `total` were taken by an earlier run.
    pub(crate) fn start(total: u64, done: u64) -> Self {
        let shown = if std::io::stderr().is_terminal() {
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{bar:20} {pos}/{len} ETA {eta} {msg}")
            {
                bar.set_style(style);
            }
            bar.set_position(done);
            bar.reset_eta();
            Shown::Bar(bar)
        } else {
            Shown::Lines {
                last: None,
                line: String::new(),
            }
        };
        Self {
            total,
            shown: Mutex::new(shown),
        }
    }

    /// So many steps are done.
    pub(crate) fn step(&self, done: u64, loss: Option<f64>, evaluated: Option<f64>) {
        let named = [("loss", loss), ("evaluation", evaluated)];
        let parts = named
            .iter()
            .filter_map(|(name, value)| Some(format!("{name} {:.4}", (*value)?)));
        let message = parts.collect::<Vec<_>>().join(", ");
        match &mut *self.shown() {
            Shown::Bar(bar) => {
                bar.set_message(message);
                bar.set_position(done);
            }
            Shown::Lines { last, line } => {
                *line = format!("step {done} of {}: {message}", self.total);
                if last.is_none_or(|last| last.elapsed() >= LINE_EVERY) {
                    *last = Some(Instant::now());
                    let _ = writeln!(std::io::stderr(), "{line}");
                    line.clear();
                }
            }
        }
    }

    /// Takes the bar away, or says the last word.
    pub(crate) fn finish(&self) {
        match &mut *self.shown() {
            Shown::Bar(bar) => bar.finish_and_clear(),
            Shown::Lines { line, .. } if !line.is_empty() => {
                let _ = writeln!(std::io::stderr(), "{line}");
            }
            Shown::Lines { .. } => {}
        }
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
