//! How far a long run is: a bar on a terminal, a line now and then elsewhere. However fast items are
//! done, it is drawn a few times a second and no more.

use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use gimmal_batch::{Event, Observer};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{grouped, usd};

/// A bar changes no more often than this.
const BAR_EVERY: Duration = Duration::from_millis(100);

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
    screen: Box<dyn Screen>,
    /// When it was drawn last.
    drawn: Option<Instant>,
    now: Now,
    note: Option<Note>,
}

/// Tells the time.
type Now = Box<dyn Fn() -> Instant>;

/// The pauses that a run makes when the service refuses it for the rate.
#[derive(Debug, Default)]
pub(crate) struct Pauses {
    count: AtomicU64,
    until: Mutex<Option<Instant>>,
}

impl Pauses {
    /// How they stand, in a few words; `None` when there was none.
    fn in_short(&self, now: Instant) -> Option<String> {
        let count = self.count.load(Ordering::Relaxed);
        if count == 0 {
            return None;
        }
        let times = if count == 1 { "pause" } else { "pauses" };
        let until = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
        let left = until.and_then(|until| until.checked_duration_since(now));
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

/// Where progress is drawn.
trait Screen {
    /// The least time between two drawings.
    fn every(&self) -> Duration;
    /// Draws how it stands.
    fn draw(&mut self, done: u64, total: u64, message: &str);
    /// Draws how it ended.
    fn end(&mut self, done: u64, total: u64, message: &str);
}

/// A bar on a terminal, which goes when the run does.
struct Bar(ProgressBar);

impl Screen for Bar {
    fn every(&self) -> Duration {
        BAR_EVERY
    }

    fn draw(&mut self, done: u64, _total: u64, message: &str) {
        self.0.set_message(message.to_owned());
        self.0.set_position(done);
    }

    fn end(&mut self, done: u64, total: u64, message: &str) {
        self.draw(done, total, message);
        self.0.finish_and_clear();
    }
}

/// Lines on standard error.
struct Lines;

impl Screen for Lines {
    fn every(&self) -> Duration {
        LINE_EVERY
    }

    fn draw(&mut self, done: u64, total: u64, message: &str) {
        let _ = writeln!(std::io::stderr(), "{done} of {total} done, {message}");
    }

    fn end(&mut self, done: u64, total: u64, message: &str) {
        self.draw(done, total, message);
    }
}

impl Progress {
    /// Shows nothing yet; `done` items of `total` were finished by an earlier run.
    ///
    /// A bar and results on one terminal would run into each other, so there is no bar then.
    pub(crate) fn start(total: u64, done: u64, results_on_stdout: bool) -> Self {
        let results_on_terminal = results_on_stdout && std::io::stdout().is_terminal();
        let (screen, drawn): (Box<dyn Screen>, _) =
            if std::io::stderr().is_terminal() && !results_on_terminal {
                let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
                let template = "{bar:20} {pos}/{len} ETA {eta} {msg}";
                if let Ok(style) = ProgressStyle::with_template(template) {
                    bar.set_style(style);
                }
                bar.set_position(done);
                bar.reset_eta();
                (Box::new(Bar(bar)), None)
            } else {
                // The first line comes when there is something to tell.
                (Box::new(Lines), Some(Instant::now()))
            };
        Self::on(screen, drawn, Box::new(Instant::now), (total, done))
    }

    fn on(
        screen: Box<dyn Screen>,
        drawn: Option<Instant>,
        now: Now,
        (total, done): (u64, u64),
    ) -> Self {
        Self {
            total,
            done,
            failed: 0,
            prompt_tokens: 0,
            cached_tokens: 0,
            started: now(),
            done_before: done,
            spent_usd: None,
            pauses: Arc::default(),
            screen,
            drawn,
            now,
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

    /// Shows how it stands, also when no item was done for a while; nothing when it was shown a
    /// moment ago.
    pub(crate) fn show(&mut self) {
        let now = (self.now)();
        let since = self.drawn.map(|drawn| now.saturating_duration_since(drawn));
        if since.is_some_and(|since| since < self.screen.every()) {
            return;
        }
        self.drawn = Some(now);
        let message = self.message(now);
        self.screen.draw(self.done, self.total, &message);
    }

    fn message(&mut self, now: Instant) -> String {
        let elapsed = now.saturating_duration_since(self.started);
        let seconds = elapsed.as_secs_f64().max(0.001);
        let speed = ((self.done - self.done_before) as f64 / seconds).round() as u64;
        let mut message = format!("{}/s, {} failed", grouped(speed), self.failed);
        if self.prompt_tokens > 0 {
            let cached = 100.0 * self.cached_tokens as f64 / self.prompt_tokens as f64;
            message = format!("{message}, {cached:.0} % of the input tokens cached");
        }
        if let Some(spent) = self.spent_usd {
            message = format!("{message}, {}", usd(spent));
        }
        if let Some(pauses) = self.pauses.in_short(now) {
            message = format!("{message}, {pauses}");
        }
        if let Some(note) = &mut self.note {
            let due = |at: Instant| now.saturating_duration_since(at) >= NOTE_EVERY;
            if note.at.is_none_or(due) {
                (note.told, note.at) = ((note.tell)(), Some(now));
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
        let now = (self.now)();
        let message = self.message(now);
        self.screen.end(self.done, self.total, &message);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::rc::Rc;

    use super::*;

    /// Remembers what was drawn.
    #[derive(Clone, Default)]
    struct Memory(Rc<RefCell<Vec<String>>>);

    impl Screen for Memory {
        fn every(&self) -> Duration {
            BAR_EVERY
        }

        fn draw(&mut self, done: u64, total: u64, message: &str) {
            self.0
                .borrow_mut()
                .push(format!("{done}/{total} {message}"));
        }

        fn end(&mut self, done: u64, total: u64, message: &str) {
            self.draw(done, total, message);
        }
    }

    /// Covers: AC-MW-6
    #[test]
    fn a_million_items_in_ten_seconds_are_drawn_a_hundred_times_and_exactly_at_the_end() {
        const ITEMS: u64 = 1_000_000;
        let (memory, begun) = (Memory::default(), Instant::now());
        let time = Rc::new(Cell::new(begun));
        let clock = Rc::clone(&time);
        let now = Box::new(move || clock.get());
        let screen = Box::new(memory.clone());
        let mut progress = Progress::on(screen, None, now, (ITEMS, 0));
        for item in 1..=ITEMS {
            time.set(begun + Duration::from_secs(10).mul_f64(item as f64 / ITEMS as f64));
            progress.item(item % 4 == 0, 10, 9);
        }
        progress.finish();
        let drawn = memory.0.borrow();
        assert!((90..=102).contains(&drawn.len()), "{}", drawn.len());
        let last = "1000000/1000000 100,000/s, 250000 failed, 90 % of the input tokens cached";
        assert_eq!(drawn.last().unwrap(), last);
        let counts = drawn.iter().map(|line| line.split('/').next().unwrap());
        let counts: Vec<u64> = counts.map(|count| count.parse().unwrap()).collect();
        assert!(counts.is_sorted(), "it never goes back");
    }
}
