//! Tokens and what they cost.

use std::sync::Arc;

use gimmal_batch::Usage;
use gimmal_batch::testing::ScriptedStrategy;

use crate::support::{at_once, items, run};

fn usage(prompt: u64, cached: u64, output: u64) -> Usage {
    let mut usage = Usage::of(prompt, output);
    usage.cached_tokens = cached;
    usage
}

/// Covers: AC-TK-1
#[test]
fn effective_tokens_and_costs_follow_the_published_vectors() {
    let ten = usage(5_000, 4_500, 1_000);
    assert_eq!(ten.cache_hit_rate(), 90.0);
    assert_eq!(ten.effective_input_tokens(0.10), 950);
    let cost = ten.estimated_cost(0.30, 2.50, 0.10);
    assert!((cost - 0.002_785).abs() < 1e-12, "{cost}");
    assert_eq!(usage(10, 1, 0).effective_input_tokens(0.10), 10);
    assert_eq!(usage(50_000, 45_000, 0).effective_input_tokens(0.10), 9_500);
    assert_eq!(usage(100, 100, 0).effective_input_tokens(0.0), 0);
    assert_eq!(usage(100, 100, 0).effective_input_tokens(1.0), 100);
    assert_eq!(usage(0, 0, 0).cache_hit_rate(), 0.0);
    for outside in [-0.1, 1.1, f64::NAN] {
        assert!(!usage(10, 5, 0).estimated_cost(1.0, 1.0, outside).is_nan());
    }
    // The float formula and the exact one agree wherever the reference was checked.
    for cached in (0..200_000_u64).step_by(997) {
        for (rate, percent) in [(0.02, 2), (0.1, 10), (0.25, 25), (0.5, 50)] {
            let exact = 200_000 - cached * (100 - percent) / 100;
            assert_eq!(
                usage(200_000, cached, 0).effective_input_tokens(rate),
                exact
            );
        }
    }
}

/// The batch of ten that the plan computes: 500 tokens each, 450 of them cached.
#[tokio::test(start_paused = true)]
async fn a_batch_of_ten_has_the_hit_rate_of_its_sum() {
    let strategy = ScriptedStrategy::costing(usage(500, 450, 0));
    let (_, ended) = run(at_once(3), Arc::new(strategy), items(10)).await;
    assert_eq!(ended.stats.usage.cached_tokens, 4_500);
    assert_eq!(ended.stats.cache_hit_rate(), 90.0);
    assert_eq!(ended.stats.usage.effective_input_tokens(0.10), 950);
}
