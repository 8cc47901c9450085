//! Which of the library's log lines are let through, decided while the program runs. It writes none
//! itself and leaves those of others alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Filter};

use super::LogLevel;

/// What the targets of the library's lines begin with.
const TARGETS: &str = "gimmal";
/// From the coarsest to the finest; the index is what is kept.
const LEVELS: [LevelFilter; 6] = [
    LevelFilter::OFF,
    LevelFilter::ERROR,
    LevelFilter::WARN,
    LevelFilter::INFO,
    LevelFilter::DEBUG,
    LevelFilter::TRACE,
];

/// Lets the library's log lines through up to a level, and all of others.
///
/// ```
/// use gimmal_client::tinker::{LogFilter, LogLevel, ServiceClient};
/// use tracing_subscriber::prelude::*;
///
/// let config = ServiceClient::builder().with_api_key("tml-key").from_env().config()?;
/// // TINKER_LOG, if it is set.
/// let filter = LogFilter::new(config.log_level.map(|level| level.value));
/// let lines = tracing_subscriber::fmt::layer().with_filter(filter.clone());
/// let subscriber = tracing_subscriber::registry().with(lines);
/// // …init() it, and later, when something is odd:
/// filter.maybe_set_level(Some(LogLevel::Debug));
/// # drop(subscriber);
/// # Ok::<(), gimmal_client::Error>(())
/// ```
///
/// Clones are one filter. Without a level everything goes through.
#[derive(Clone, Debug)]
pub struct LogFilter(Arc<AtomicUsize>);

impl LogFilter {
    /// A filter at this level.
    pub fn new(level: Option<LogLevel>) -> Self {
        let filter = Self(Arc::new(AtomicUsize::new(LEVELS.len() - 1)));
        filter.maybe_set_level(level);
        filter
    }

    /// Goes over to this level, from the next line on; without one, stays where it is.
    pub fn maybe_set_level(&self, level: Option<LogLevel>) {
        let Some(level) = level.map(LogLevel::as_tracing) else {
            return;
        };
        let place = LEVELS.iter().position(|it| *it == level);
        self.0.store(place.unwrap_or_default(), Ordering::Relaxed);
    }

    /// The finest level that goes through.
    pub fn level(&self) -> LevelFilter {
        LEVELS[self.0.load(Ordering::Relaxed)]
    }

    fn lets_through(&self, target: &str, level: &Level) -> bool {
        !target.starts_with(TARGETS) || *level <= self.level()
    }
}

impl<S: Subscriber> Filter<S> for LogFilter {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        self.lets_through(metadata.target(), metadata.level())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tracing::Event;
    use tracing_subscriber::Layer;
    use tracing_subscriber::prelude::*;

    use super::*;

    /// Remembers the targets and levels of the lines that it gets.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<(String, Level)>>>);

    impl<S: Subscriber> Layer<S> for Lines {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            let metadata = event.metadata();
            let line = (metadata.target().to_owned(), *metadata.level());
            self.0.lock().unwrap().push(line);
        }
    }

    fn log() {
        tracing::warn!(target: "gimmal_client::test", "worrying");
        tracing::debug!(target: "gimmal_client::test", "a detail");
        tracing::trace!(target: "somebody", "else");
    }

    /// Covers: CHK-LOG-1
    #[test]
    fn chk_log_1_a_change_of_the_level_is_seen_and_none_leaves_it() {
        let (lines, filter) = (Lines::default(), LogFilter::new(Some(LogLevel::Warn)));
        let layer = lines.clone().with_filter(filter.clone());
        let seen = || std::mem::take(&mut *lines.0.lock().unwrap());
        let ours = |level| ("gimmal_client::test".to_owned(), level);
        let others = ("somebody".to_owned(), Level::TRACE);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            log();
            assert_eq!(seen(), [ours(Level::WARN), others.clone()]);
            filter.maybe_set_level(None);
            assert_eq!(filter.level(), LevelFilter::WARN);
            filter.maybe_set_level(Some(LogLevel::Error));
            log();
            assert_eq!(seen(), std::slice::from_ref(&others));
            filter.maybe_set_level(Some(LogLevel::Debug));
            log();
            let expected = [ours(Level::WARN), ours(Level::DEBUG), others.clone()];
            assert_eq!(seen(), expected);
        });
        assert_eq!(LogFilter::new(None).level(), LevelFilter::TRACE);
    }
}
