//! Properties every schedule must have, whatever its numbers.

use gimmal_training::{Decay, LrSchedule};
use proptest::prelude::*;

fn decay() -> impl Strategy<Value = Decay> {
    prop_oneof![
        Just(Decay::Constant),
        Just(Decay::Linear),
        Just(Decay::Cosine)
    ]
}

prop_compose! {
    fn schedule()(
        peak in 1e-8..10.0_f64,
        total in 1_u64..5_000,
        warmup in 0_u64..500,
        floor in 0.0..=1.0_f64,
        decay in decay(),
    ) -> (LrSchedule, u64) {
        let schedule = LrSchedule::new(peak, total)
            .and_then(|schedule| schedule.with_floor_ratio(floor))
            .expect("the ranges above are valid")
            .with_decay(decay)
            .with_warmup_steps(warmup);
        (schedule, warmup)
    }
}

proptest! {
    #[test]
    fn no_step_exceeds_the_peak_or_falls_below_zero(
        (schedule, _) in schedule(),
        step in 0_u64..10_000,
    ) {
        let rate = schedule.at(step);
        prop_assert!(rate.is_finite() && rate >= 0.0);
        prop_assert!(rate <= schedule.peak() * (1.0 + 1e-12));
    }

    #[test]
    fn warmup_rises_and_decay_never_does((schedule, warmup) in schedule(), step in 0_u64..6_000) {
        let slack = schedule.peak() * 1e-12;
        let (now, next) = (schedule.at(step), schedule.at(step + 1));
        if step + 1 < warmup {
            prop_assert!(now < next);
        } else if step >= warmup {
            prop_assert!(next <= now + slack);
            prop_assert!(now >= schedule.floor() - slack);
        }
    }

    #[test]
    fn the_last_step_of_warmup_is_at_the_peak((schedule, warmup) in schedule()) {
        prop_assume!(warmup > 0);
        prop_assert!((schedule.at(warmup - 1) - schedule.peak()).abs() <= schedule.peak() * 1e-12);
    }

    #[test]
    fn the_end_is_the_floor_and_stays_there((schedule, warmup) in schedule(), more in 0_u64..99) {
        let end = schedule.total_steps().max(warmup);
        let falling = schedule.with_decay(Decay::Cosine);
        let slack = schedule.peak() * 1e-12;
        prop_assert!((falling.at(end) - falling.floor()).abs() <= slack);
        prop_assert_eq!(falling.at(end + more), falling.at(end));
    }

    #[test]
    fn rates_scale_with_the_peak((schedule, _) in schedule(), step in 0_u64..6_000) {
        let unit = LrSchedule::new(1.0, schedule.total_steps()).expect("1 is a valid peak");
        let scaled = LrSchedule::new(schedule.peak(), schedule.total_steps()).expect("valid peak");
        for decay in [Decay::Constant, Decay::Linear, Decay::Cosine] {
            let difference = unit.with_decay(decay).at(step) * schedule.peak()
                - scaled.with_decay(decay).at(step);
            prop_assert!(difference.abs() <= schedule.peak() * 1e-12);
        }
    }
}
