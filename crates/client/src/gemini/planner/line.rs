//! What is remembered of the requests that share a prefix: how far apart they come, how much of it
//! the service caches by itself, and what a cache would have saved so far. Pure; it is told the time.

use std::time::{Duration, Instant};

/// How much the newest reply counts in the share that the service caches by itself.
const NEWEST: f64 = 0.5;
/// From this share on implicit caching is taken to do the work, and nothing is put on the scales.
pub(super) const SERVED: f64 = 0.5;
/// A cache is held to have been kept for at least so long.
const LEAST_HELD: Duration = Duration::from_secs(60);

/// The requests that share a prefix.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    started: Instant,
    last: Instant,
    longest_gap: Option<Duration>,
    implicit_share: f64,
    /// Tokens, weighted by price, that a cache would have spared.
    premium: f64,
    replies: u64,
}

/// What a decision needs to know of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct LineFacts {
    /// The longest time between two requests.
    pub longest_gap: Option<Duration>,
    /// How likely the service caches the prefix by itself, 0 to 1.
    pub implicit_share: f64,
    /// Replies to requests that were sent whole, on which that likelihood rests.
    pub whole_replies: u64,
    /// Tokens at the input price that a cache would have spared so far.
    pub premium_tokens: f64,
    /// How long a cache would have been kept so far.
    pub held: Duration,
}

impl Line {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            started: now,
            last: now,
            longest_gap: None,
            implicit_share: 0.0,
            premium: 0.0,
            replies: 0,
        }
    }

    /// One more request.
    pub(super) fn read(&mut self, now: Instant) {
        let gap = now.saturating_duration_since(self.last);
        if gap > Duration::ZERO {
            self.longest_gap = self.longest_gap.max(Some(gap));
        }
        self.last = now;
    }

    /// A reply to a request that was sent whole: `coverable` tokens could have come from a cache
    /// that costs `cached_ratio` of the input price, `cached` did come from the service's own.
    pub(super) fn sent_whole(&mut self, coverable: u32, cached: u64, cached_ratio: f64) {
        let coverable = f64::from(coverable.max(1));
        let cached = (cached as f64).min(coverable);
        self.replies += 1;
        self.implicit_share += NEWEST * (cached / coverable - self.implicit_share);
        if self.implicit_share < SERVED {
            self.premium += (coverable - cached) * (1.0 - cached_ratio);
        }
    }

    /// A reply to a request whose beginning came from a cache: of the `coverable` tokens it held
    /// `cached`.
    pub(super) fn read_beginning(&mut self, coverable: u32, cached: u64, cached_ratio: f64) {
        let rest = f64::from(coverable) - cached as f64;
        self.premium += rest.max(0.0) * (1.0 - cached_ratio);
    }

    /// A cache was made: what it costs is on the scales anew.
    pub(super) fn rolled(&mut self, now: Instant) {
        (self.started, self.premium) = (now, 0.0);
    }

    pub(super) fn is_older_than(&self, age: Duration, now: Instant) -> bool {
        now.saturating_duration_since(self.last) > age
    }

    pub(super) fn facts(&self, now: Instant) -> LineFacts {
        LineFacts {
            longest_gap: self.longest_gap,
            implicit_share: self.implicit_share,
            whole_replies: self.replies,
            premium_tokens: self.premium,
            held: now.saturating_duration_since(self.started).max(LEAST_HELD),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_and_premiums_add_up() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut line = Line::new(start);
        for seconds in [0, 60, 460, 500] {
            line.read(at(seconds));
            line.sent_whole(10_000, 0, 0.1);
        }
        let facts = line.facts(at(500));
        assert_eq!(facts.longest_gap, Some(Duration::from_secs(400)));
        assert!((facts.premium_tokens - 36_000.0).abs() < 1e-6);
        assert_eq!(facts.held, Duration::from_secs(500));
        line.rolled(at(500));
        assert_eq!(line.facts(at(510)).held, LEAST_HELD);
        assert_eq!(line.facts(at(510)).premium_tokens, 0.0);
    }

    #[test]
    fn nothing_is_spared_where_the_service_caches_by_itself() {
        let mut line = Line::new(Instant::now());
        for _ in 0..4 {
            line.sent_whole(10_000, 9_000, 0.1);
        }
        let facts = line.facts(Instant::now());
        assert!(facts.implicit_share > 0.8);
        assert!(
            (facts.premium_tokens - 900.0).abs() < 1e-6,
            "of the first reply"
        );
    }
}
