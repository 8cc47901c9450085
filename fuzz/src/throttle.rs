//! The adaptive throttler under a random schedule, against its formula over a plain list of what
//! happened when.

use std::sync::Arc;
use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use gimmal_transport::FixedJitter;
use gimmal_transport::circuit::{AdaptiveThrottler, ThrottleConfig, ThrottlePermit};

use crate::virtual_clock::VirtualClock;

/// Into how many parts the window is documented to be divided.
const PARTS: u128 = 10;

#[derive(Arbitrary, Debug)]
enum Step {
    Ask,
    Accept(u8),
    Reject(u8),
    GiveUp(u8),
    Wait { ms: u16 },
}

/// Runs the target: window, multiplier and luck, then steps until the input is used up.
pub fn run(input: &[u8]) {
    let mut input = Unstructured::new(input);
    let Ok((window, multiplier, luck)) = <(u8, u8, u8)>::arbitrary(&mut input) else {
        return;
    };
    let window = Duration::from_secs(u64::from(window).max(1));
    let multiplier = 1.0 + f64::from(multiplier) / 64.0;
    let luck = f64::from(luck) / 256.0;
    let config = ThrottleConfig::default()
        .with_multiplier(multiplier)
        .expect("the multiplier is in range")
        .with_window(window);
    let clock = VirtualClock::default();
    let jitter = Arc::new(FixedJitter::new(luck));
    let throttler = AdaptiveThrottler::new(config, Arc::new(clock.clone()), jitter);

    let mut past = Past {
        multiplier,
        part: window.as_nanos() / PARTS,
        requests: Vec::new(),
        accepts: Vec::new(),
    };
    let mut permits: Vec<ThrottlePermit> = Vec::new();
    while !input.is_empty()
        && let Ok(step) = Step::arbitrary(&mut input)
    {
        let now = clock.elapsed();
        let before = past.probability(now);
        match step {
            Step::Ask => match throttler.try_acquire() {
                Ok(permit) => {
                    assert!(luck >= before);
                    permits.push(permit);
                }
                Err(refusal) => {
                    assert!(luck < before);
                    assert_eq!(refusal.probability(), before);
                    past.requests.push(past.part_at(now));
                }
            },
            Step::Accept(which) => {
                if let Some(permit) = pick(&mut permits, which) {
                    permit.accepted();
                    past.requests.push(past.part_at(now));
                    past.accepts.push(past.part_at(now));
                }
            }
            Step::Reject(which) => {
                if let Some(permit) = pick(&mut permits, which) {
                    permit.rejected();
                    past.requests.push(past.part_at(now));
                }
            }
            // A request without an outcome does not count.
            Step::GiveUp(which) => drop(pick(&mut permits, which)),
            Step::Wait { ms } => clock.advance(Duration::from_millis(u64::from(ms))),
        }
        let probability = throttler.reject_probability();
        assert_eq!(probability, past.probability(clock.elapsed()));
        assert!((0.0..1.0).contains(&probability), "{probability}");
    }
}

fn pick(permits: &mut Vec<ThrottlePermit>, which: u8) -> Option<ThrottlePermit> {
    let index = usize::from(which).checked_rem(permits.len())?;
    Some(permits.swap_remove(index))
}

/// Everything that happened, each by the part of time in which it did.
struct Past {
    multiplier: f64,
    part: u128,
    requests: Vec<u128>,
    accepts: Vec<u128>,
}

impl Past {
    fn part_at(&self, now: Duration) -> u128 {
        now.as_nanos() / self.part
    }

    fn probability(&self, now: Duration) -> f64 {
        let now = self.part_at(now);
        let recent = |parts: &[u128]| {
            let count = parts.iter().filter(|at| now - **at < PARTS).count();
            u32::try_from(count)
                .map(f64::from)
                .expect("inputs are short")
        };
        let (requests, accepts) = (recent(&self.requests), recent(&self.accepts));
        ((requests - self.multiplier * accepts) / (requests + 1.0)).max(0.0)
    }
}
