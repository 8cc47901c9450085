//! The pause that all callers make together, and the slow start after it.

use std::sync::Arc;
use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use gimmal_transport::rate_limit::{PauseConfig, PauseGeneration, PauseWindow, SlowStart};

use crate::tasks::Tasks;
use crate::virtual_clock::VirtualClock;

#[derive(Arbitrary, Debug)]
struct Settings {
    first_ms: u16,
    growth: u8,
    longest_ms: u16,
    slow_start: Option<(u8, u16, u16)>,
}

#[derive(Arbitrary, Debug)]
enum Step {
    Enter { longest_ms: Option<u16> },
    GiveUp(u8),
    Report { which: u8, hint_ms: Option<u32> },
    Succeed,
    PauseFor { ms: u16 },
    Clear,
    Wait { ms: u16 },
}

type Entered = Result<PauseGeneration, Duration>;

pub(super) fn run(input: &mut Unstructured<'_>) {
    let Ok(settings) = Settings::arbitrary(input) else {
        return;
    };
    let (config, ramp) = settings.config();
    let clock = VirtualClock::default();
    let window = PauseWindow::new(config, Arc::new(clock.clone()));
    let mut run = Run {
        window: &window,
        config,
        ramp,
        clock,
        entering: Tasks::default(),
        patience: Vec::new(),
        seen: vec![window.generation()],
        starts: None,
    };
    while !input.is_empty()
        && let Ok(step) = Step::arbitrary(input)
    {
        run.take(&step);
        run.serve();
        let open = run.ramp.is_none() && !window.is_paused();
        if open || matches!(step, Step::Clear) {
            assert!(
                run.entering.is_empty(),
                "nobody was told that the pause is over"
            );
        }
    }
    run.finish();
}

impl Settings {
    fn config(&self) -> (PauseConfig, Option<SlowStart>) {
        let ms = |ms: u16| Duration::from_millis(u64::from(ms));
        let config = PauseConfig::default()
            .with_first(ms(self.first_ms))
            .with_longest(ms(self.longest_ms))
            .with_growth(1.0 + f64::from(self.growth) / 32.0)
            .expect("growth is in range");
        let ramp = self.slow_start.map(|(starts, initial, last)| {
            let (initial, last) = (ms(initial.max(last)), ms(initial.min(last)));
            SlowStart::new(u32::from(starts), initial, last).expect("gaps shrink")
        });
        match ramp {
            Some(ramp) => (config.with_slow_start(ramp), Some(ramp)),
            None => (config, None),
        }
    }
}

struct Run<'a> {
    window: &'a PauseWindow,
    config: PauseConfig,
    ramp: Option<SlowStart>,
    clock: VirtualClock,
    entering: Tasks<'a, Entered>,
    /// How long each caller, by number, puts up with a pause.
    patience: Vec<Duration>,
    seen: Vec<PauseGeneration>,
    /// Of the slow start: the last start, and how many there were since the pause.
    starts: Option<(Duration, u32)>,
}

impl Run<'_> {
    fn take(&mut self, step: &Step) {
        let (now, before) = (self.clock.elapsed(), self.window.remaining());
        let generation = self.window.generation();
        match *step {
            Step::Enter { longest_ms } => {
                let longest =
                    longest_ms.map_or(Duration::MAX, |ms| Duration::from_millis(u64::from(ms)));
                let window = self.window;
                self.entering
                    .start(async move { window.enter_within(longest).await });
                self.patience.push(longest);
            }
            Step::GiveUp(which) => {
                if let Some(index) = usize::from(which).checked_rem(self.entering.len()) {
                    self.entering.give_up(index);
                }
            }
            Step::Report { which, hint_ms } => {
                let seen = self.seen[usize::from(which) % self.seen.len()];
                let hint = hint_ms.map(|ms| Duration::from_millis(u64::from(ms)));
                let begun = self.window.report(seen, hint);
                let after = self.window.remaining();
                assert_eq!(begun, before.is_zero() && seen == generation);
                assert!(after >= before, "a pause was shortened");
                assert!(after <= before.max(self.config.longest()));
                let least = hint.unwrap_or_default().min(self.config.longest());
                assert!(after >= least || (before.is_zero() && !begun));
            }
            Step::Succeed => self.window.succeeded(),
            Step::PauseFor { ms } => {
                let length = Duration::from_millis(u64::from(ms));
                self.window.pause_for(length);
                assert_eq!(self.window.remaining(), before.max(length));
            }
            Step::Clear => {
                self.window.clear();
                assert!(!self.window.is_paused());
                self.starts = None;
            }
            Step::Wait { ms } => {
                let wait = Duration::from_millis(u64::from(ms));
                self.clock.advance(wait);
                assert_eq!(self.window.remaining(), before.saturating_sub(wait));
            }
        }
        if self.window.generation() != generation {
            assert!(self.window.generation() > generation);
            let end = now + self.window.remaining();
            self.starts = self.ramp.map(|_| (end, 0));
        }
    }

    fn serve(&mut self) {
        for (id, entered) in self.entering.run() {
            let remaining = self.window.remaining();
            match entered {
                Ok(generation) => {
                    assert!(remaining.is_zero(), "somebody went during a pause");
                    assert_eq!(generation, self.window.generation());
                    self.seen.push(generation);
                    self.set_off();
                }
                Err(left) => {
                    assert_eq!(left, remaining);
                    assert!(left > self.patience[id], "it could have waited");
                }
            }
        }
    }

    /// Starts are as far apart as the ramp says.
    fn set_off(&mut self) {
        let (Some((last, count)), Some(ramp)) = (self.starts, self.ramp) else {
            return;
        };
        let now = self.clock.elapsed();
        self.starts = ramp.gap(count).map(|gap| {
            assert!(now >= last + gap, "start {count} came too soon");
            (now, count + 1)
        });
    }

    /// Whoever waits sets off, if only time goes on.
    fn finish(mut self) {
        while !self.entering.is_empty() {
            assert!(self.clock.advance_to_next(), "nobody waits for the clock");
            self.serve();
        }
    }
}
