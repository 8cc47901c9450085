//! A service that admits 600 requests a minute and a batch of 3,000: as fast as it goes, with hardly
//! a refusal, on a clock that costs nothing.

use std::collections::VecDeque;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gimmal_batch::testing::{ScriptedStrategy, too_many_requests};
use gimmal_batch::{Outcome, Processor, Usage};
use gimmal_client::transport::{RateLimitInfo, RateLimits};
use tokio::time::Instant;

use crate::support::{at_once, items, millis, run, seconds};

const LIMIT: usize = 600;
const ITEMS: usize = 3_000;
const MINUTE: Duration = Duration::from_secs(60);

/// Counts over a sliding minute, as the emulator does, and tells how long it is to the next place.
fn service(refusals: Arc<Mutex<u64>>) -> ScriptedStrategy {
    let recent = Mutex::new(VecDeque::<Instant>::new());
    ScriptedStrategy::new(move |input, _, _| {
        let now = Instant::now();
        let mut recent = recent.lock().unwrap();
        while recent.front().is_some_and(|first| *first + MINUTE <= now) {
            recent.pop_front();
        }
        if recent.len() < LIMIT {
            recent.push_back(now);
            return Ok(Outcome::new(input.to_owned(), Usage::of(10, 10), 1));
        }
        *refusals.lock().unwrap() += 1;
        Err(too_many_requests().with_retry_after(recent[0] + MINUTE - now))
    })
    .with_latency(millis(200))
}

/// How long the run took, and how many requests were refused.
async fn storm(processor: Processor) -> (Duration, u64) {
    let refusals = Arc::new(Mutex::new(0));
    let strategy = service(Arc::clone(&refusals));
    let begun = Instant::now();
    let (results, _) = run(processor, Arc::new(strategy), items(ITEMS)).await;
    assert!(results.iter().all(|result| result.outcome.is_ok()));
    let refused = *refusals.lock().unwrap();
    (begun.elapsed(), refused)
}

#[tokio::test(start_paused = true)]
async fn a_known_limit_is_used_up_and_hardly_passed() {
    let requests = NonZeroU64::new(LIMIT as u64).unwrap();
    // Somewhat less than a minute's worth at once, so that the last of it comes at the pace of the limit.
    let limits = RateLimits::default().with_requests_per_minute(requests);
    let limits = limits.with_burst(seconds(50)).unwrap();
    let (took, refused) = storm(at_once(50).with_rate_limits(limits)).await;
    // The service could answer the last of them after four minutes.
    let ideal = seconds(240);
    assert!(took <= ideal.mul_f64(1.15), "{took:?}");
    assert!(refused * 50 < ITEMS as u64, "{refused} refusals");
}

#[tokio::test(start_paused = true)]
async fn a_strict_pace_is_never_refused() {
    let requests = NonZeroU64::new(LIMIT as u64 - 1).unwrap();
    let limits = RateLimits::default().with_requests_per_minute(requests);
    let limits = limits.with_burst(Duration::ZERO).unwrap();
    let (took, refused) = storm(at_once(50).with_rate_limits(limits)).await;
    assert!(took <= seconds(300).mul_f64(1.15), "{took:?}");
    assert_eq!(refused, 0);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_limit_costs_some_refusals_and_loses_no_item() {
    let (took, refused) = storm(at_once(10)).await;
    assert!(took <= seconds(480), "{took:?}");
    assert!(refused * 20 < ITEMS as u64, "{refused} refusals");
}

/// Covers: AC-XT-9
#[tokio::test(start_paused = true)]
async fn a_limit_that_the_service_tells_is_kept_from_then_on() {
    const TOLD: u64 = 100;
    for configured in [Some(1_000), None] {
        let sent = Arc::new(Mutex::new(Vec::new()));
        let times = Arc::clone(&sent);
        let strategy = ScriptedStrategy::new(move |input, attempt, _| {
            times.lock().unwrap().push(Instant::now());
            let mut told = RateLimitInfo::default();
            told.requests.limit = Some(TOLD);
            attempt.told = Some(told);
            Ok(Outcome::new(input.to_owned(), Usage::default(), 1))
        })
        .with_latency(millis(10));
        let mut processor = at_once(5);
        if let Some(requests) = configured.and_then(NonZeroU64::new) {
            let limits = RateLimits::default().with_requests_per_minute(requests);
            processor = processor.with_rate_limits(limits.with_burst(seconds(5)).unwrap());
        }
        let begun = Instant::now();
        run(processor, Arc::new(strategy), items(500)).await;
        let sent = sent.lock().unwrap();
        // After the first window no minute holds more than was told, but for what was saved up.
        let burst = if configured.is_some() {
            TOLD * 5 / 60 + 1
        } else {
            1
        };
        let later: Vec<_> = sent.iter().filter(|at| **at >= begun + MINUTE).collect();
        for first in 0..later.len() {
            let end = *later[first] + MINUTE;
            let within = later[first..].iter().take_while(|at| ***at < end);
            assert!(within.count() as u64 <= TOLD + burst);
        }
        assert!(later.len() > 300, "{}", later.len());
        assert!(begun.elapsed() < 6 * MINUTE, "{:?}", begun.elapsed());
    }
}
