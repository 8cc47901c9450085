//! How far a long run is: a bar on a terminal, a line now and then elsewhere.

use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use gimmal_batch::{Event, Observer};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{grouped, usd};

/// Lines are no closer together than this when they go to a file.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// A note is asked for no more often than this.
const NOTE_EVERY: Duration = Duration::from_millis(250);

/// Progress on standard error.
pub(crate) struct Progress {
    total: u64,
    done: u64,
    failed: u64,
    prompt_tokens: u64,
    cached_tokens: u64,
    started: Instant,
    done_before: u64,
    /// What the answers cost so far, if prices are known.
    spent_usd: Option<f64>,
    pauses: Arc<Pauses>,
    shown: Shown,
    note: Option<Note>,
}

/// The pauses that a run makes when the service refuses it for the rate.
#[derive(Debug, Default)]
pub(crate) struct Pauses {
    count: AtomicU64,
    until: Mutex<Option<Instant>>,
}

impl Pauses {
    /// How they stand, in a few words; `None` when there was none.
    fn in_short(&self) -> Option<String> {
        let count = self.count.load(Ordering::Relaxed);
        if count == 0 {
            return None;
        }
        let times = if count == 1 { "pause" } else { "pauses" };
        let until = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
        let left = until.and_then(|until| until.checked_duration_since(Instant::now()));
        Some(match left {
            Some(left) => format!(
                "{count} {times}, this one for {} s more",
                left.as_secs() + 1
            ),
            None => format!("{count} {times}"),
        })
    }

    fn set(&self, until: Option<Instant>) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }
}

impl Observer for Pauses {
    fn on_event<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, ()> {
        match event {
            Event::CooldownStarted { duration, .. } => {
                self.count.fetch_add(1, Ordering::Relaxed);
                self.set(Instant::now().checked_add(*duration));
            }
            Event::CooldownEnded { .. } => self.set(None),
            _ => {}
        }
        Box::pin(async {})
    }
}

/// Something more to say, asked for now and then.
struct Note {
    tell: Box<dyn Fn() -> String>,
    told: String,
    at: Option<Instant>,
}

enum Shown {
    Bar(ProgressBar),
    Lines(Instant),
}

impl Progress {
    /// Shows nothing yet; `done` items of `total` were finished by an earlier run.
    ///
    /// A bar and results on one terminal would run into each other, so there is no bar then.
    pub(crate) fn start(total: u64, done: u64, results_on_stdout: bool) -> Self {
        let results_on_terminal = results_on_stdout && std::io::stdout().is_terminal();
        let shown = if std::io::stderr().is_terminal() && !results_on_terminal {
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
            let template = "{bar:20} {pos}/{len} ETA {eta} {msg}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.set_position(done);
            bar.reset_eta();
            Shown::Bar(bar)
        } else {
            Shown::Lines(Instant::now())
        };
        Self {
            total,
            done,
            failed: 0,
            prompt_tokens: 0,
            cached_tokens: 0,
            started: Instant::now(),
            done_before: done,
            spent_usd: None,
            pauses: Arc::default(),
            shown,
            note: None,
        }
    }

    /// Hears of pauses from the run that it is an observer of.
    pub(crate) fn pauses(&self) -> Arc<Pauses> {
        Arc::clone(&self.pauses)
    }

    /// What the answers cost so far.
    pub(crate) fn spent(&mut self, usd: f64) {
        self.spent_usd = Some(usd);
    }

    /// Adds what `tell` says, asked a few times a second.
    pub(crate) fn with_note(mut self, tell: impl Fn() -> String + 'static) -> Self {
        self.note = Some(Note {
            tell: Box::new(tell),
            told: String::new(),
            at: None,
        });
        self
    }

    /// One more item is done.
    pub(crate) fn item(&mut self, failed: bool, prompt_tokens: u64, cached_tokens: u64) {
        self.done += 1;
        self.failed += u64::from(failed);
        self.prompt_tokens += prompt_tokens;
        self.cached_tokens += cached_tokens;
        self.show();
    }

    /// Shows how it stands, also when no item was done for a while.
    pub(crate) fn show(&mut self) {
        let message = self.message();
        match &mut self.shown {
            Shown::Bar(bar) => {
                bar.set_message(message);
                bar.set_position(self.done);
            }
            Shown::Lines(last) if last.elapsed() >= LINE_EVERY => {
                *last = Instant::now();
                let _ = writeln!(
                    std::io::stderr(),
                    "{} of {} done, {message}",
                    self.done,
                    self.total
                );
            }
            Shown::Lines(_) => {}
        }
    }

    fn message(&mut self) -> String {
        let seconds = self.started.elapsed().as_secs_f64().max(0.001);
        let speed = ((self.done - self.done_before) as f64 / seconds).round() as u64;
        let mut message = format!("{}/s, {} failed", grouped(speed), self.failed);
        if self.prompt_tokens > 0 {
            let cached = 100.0 * self.cached_tokens as f64 / self.prompt_tokens as f64;
            message = format!("{message}, {cached:.0} % of the input tokens cached");
        }
        if let Some(spent) = self.spent_usd {
            message = format!("{message}, {}", usd(spent));
        }
        if let Some(pauses) = self.pauses.in_short() {
            message = format!("{message}, {pauses}");
        }
        if let Some(note) = &mut self.note {
            if note.at.is_none_or(|at| at.elapsed() >= NOTE_EVERY) {
                (note.told, note.at) = ((note.tell)(), Some(Instant::now()));
            }
            message = format!("{message}, {}", note.told);
        }
        message
    }

    /// Takes the bar away, or says the last word.
    pub(crate) fn finish(mut self) {
        if let Some(note) = &mut self.note {
            note.at = None;
        }
        match &self.shown {
            Shown::Bar(bar) => bar.finish_and_clear(),
            Shown::Lines(_) => {
                let message = self.message();
                let _ = writeln!(
                    std::io::stderr(),
                    "{} of {} done, {message}",
                    self.done,
                    self.total
                );
            }
        }
    }
}
