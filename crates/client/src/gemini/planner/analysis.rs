//! The decision itself: a pure function of what is known. No clock, no network, no state.

use std::time::Duration;

use super::cost::{longest_gap, saving_usd, storage_share, storage_usd_per_hour};
use super::line::SERVED;
use super::seed::{Thresholds, thresholds};
use super::{
    ExactCount, LineFacts, Mode, ModelFacts, PlanHint, PlannerOptions, Price, Reason,
    TokenEstimate, TtlPolicy,
};

/// A cache that lives shorter than this is hardly ever read twice.
const SHORTEST_TTL: Duration = Duration::from_secs(300);
/// Longest life asked for unless the caller fixes one; a cache that is read longer is renewed.
const LONGEST_TTL: Duration = Duration::from_secs(7 * 24 * 3600);
/// A longer cache must hold at least so many tokens more than the one that it replaces.
const LEAST_GROWTH: u32 = 256;

/// Everything the decision rests on.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// How to decide.
    pub options: &'a PlannerOptions,
    /// What the caller knows.
    pub hint: &'a PlanHint,
    /// What is known of the model; `None` when nothing is.
    pub model: Option<&'a ModelFacts>,
    /// The model's minimum as the service stated it in an error, which beats the table.
    pub learnt_min: Option<u32>,
    /// Tokens of the prefix.
    pub prefix: TokenEstimate,
    /// Tokens of the tail.
    pub tail: TokenEstimate,
    /// True when there is nothing to cache.
    pub prefix_empty: bool,
    /// True when nothing would be left to send.
    pub tail_empty: bool,
    /// True when the model has spoken before.
    pub has_history: bool,
    /// True when a live cache holds the prefix.
    pub lease: bool,
    /// Tokens of the prefix that a live cache of its beginning holds.
    pub beginning_tokens: Option<u32>,
    /// True when creating this cache failed a short while ago.
    pub recent_failure: bool,
    /// False when the backend is known to have no caches.
    pub backend_supported: bool,
    /// True when a part of the prefix is fetched anew for every request, so that no cache can hold
    /// it.
    pub request_time_part: bool,
    /// The caches that are live.
    pub kept: KeptCaches,
    /// What is known of the requests before this one.
    pub line: LineFacts,
}

/// The caches that a planner keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct KeptCaches {
    /// How many.
    pub count: usize,
    /// What keeping them costs, in USD per hour.
    pub usd_per_hour: f64,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Verdict {
    /// Send the request whole.
    Send {
        /// Lay it out for implicit caching.
        optimized: bool,
        /// Why no cache is used.
        reason: Reason,
        /// What a cache would have saved, where that was the question.
        saving_usd: Option<f64>,
    },
    /// Use the cache the caller named.
    UseNamed,
    /// Use the live cache.
    UseLease,
    /// Count the prefix exactly and ask again.
    NeedTokens,
    /// Create a cache and use it.
    Create {
        /// How long it is to live.
        ttl: Duration,
        /// What it saves, where the prices are known.
        saving_usd: Option<f64>,
    },
}

/// Decides; the first rule that applies ends it.
pub fn decide(facts: &Facts<'_>) -> Verdict {
    let verdict = decide_anew(facts);
    if facts.beginning_tokens.is_none() {
        return verdict;
    }
    // A cache of the beginning is paid for. Another one must be worth its own price.
    match verdict {
        Verdict::Send { reason, .. }
            if !matches!(reason, Reason::ExplicitDisabled | Reason::TailEmpty) =>
        {
            Verdict::UseLease
        }
        Verdict::Create { .. } if facts.options.mode != Mode::Cost => Verdict::UseLease,
        other => other,
    }
}

fn decide_anew(facts: &Facts<'_>) -> Verdict {
    let options = facts.options;
    let plain = |reason| Verdict::Send {
        optimized: false,
        reason,
        saving_usd: None,
    };
    if options.mode == Mode::Off {
        return plain(Reason::ExplicitDisabled);
    }
    if facts.hint.cache_override_name.is_some() {
        return Verdict::UseNamed;
    }
    let Some(model) = facts.model else {
        return plain(Reason::UnsupportedModel);
    };
    let whole = |reason| Verdict::Send {
        optimized: implicit_possible(model, facts),
        reason,
        saving_usd: None,
    };
    if facts.prefix_empty {
        return whole(Reason::NoShared);
    }
    if facts.tail_empty {
        return whole(Reason::TailEmpty);
    }
    if facts.request_time_part {
        return whole(Reason::NotCacheablePart);
    }
    if facts.lease {
        // Storage is already paid for, and a cached read is never dearer than a plain one.
        return Verdict::UseLease;
    }
    if !facts.backend_supported {
        return whole(Reason::BackendUnsupported);
    }
    let Some(floor) = floor(facts) else {
        return whole(Reason::UnsupportedModel);
    };
    let counted = facts.prefix.confidence >= 1.0;
    if options.exact_count == ExactCount::Always && !counted {
        return Verdict::NeedTokens;
    }
    if let Mode::Seed { prefer_implicit } = options.mode {
        return by_thresholds(facts, model, prefer_implicit);
    }
    if options.respect_floor && facts.prefix.max < floor {
        let certain = facts.prefix.confidence >= options.conf_skip_floor;
        if certain || options.exact_count == ExactCount::Never {
            return whole(Reason::BelowFloorHighConf);
        }
        return Verdict::NeedTokens;
    }
    if options.mode == Mode::ReuseOnly {
        return whole(Reason::ReuseOnly);
    }
    if options.first_turn_only && facts.has_history {
        return whole(Reason::FirstTurnOnly);
    }
    if facts.recent_failure {
        return whole(Reason::RecentCreateFailure);
    }
    weigh(facts, model)
}

/// Decides by the model's minimums alone.
fn by_thresholds(facts: &Facts<'_>, model: &ModelFacts, prefer_implicit: bool) -> Verdict {
    let send = |optimized, reason| Verdict::Send {
        optimized,
        reason,
        saving_usd: None,
    };
    match thresholds(facts, model, prefer_implicit) {
        Thresholds::Implicit => send(true, Reason::ImplicitPreferred),
        Thresholds::Neither => send(false, Reason::BelowFloorHighConf),
        Thresholds::Explicit if facts.recent_failure => send(false, Reason::RecentCreateFailure),
        Thresholds::Explicit => weigh(facts, model),
    }
}

/// Creates when the mode does not ask for the price or the saving is worth it.
fn weigh(facts: &Facts<'_>, model: &ModelFacts) -> Verdict {
    let price = price(facts, model);
    let ttl = time_to_live(facts, &price);
    // A cache that is deleted after use is billed for the use only.
    let life = facts.hint.expected_duration.unwrap_or(ttl);
    // Each read saves only what implicit caching and a cache of the beginning do not save anyway.
    let held = f64::from(facts.beginning_tokens.unwrap_or(0));
    let rest = (1.0 - held / f64::from(facts.prefix.expected.max(1))).max(0.0);
    let share = rest * (1.0 - facts.line.implicit_share);
    let reads = facts.hint.expected_reads.unwrap_or(1) as f64 * share;
    let saving = saving_usd(&price, facts.prefix.expected, reads, life);
    let pays = match facts.hint.expected_reads {
        Some(_) => saving.is_some_and(|usd| usd > facts.options.min_saving_usd),
        None => has_paid_rent(facts, &price) && !waits_for_service(facts, model),
    };
    let at_any_price = matches!(facts.options.mode, Mode::Always | Mode::Seed { .. });
    if (at_any_price || pays) && has_grown(facts) && has_room(facts, &price) {
        return Verdict::Create {
            ttl,
            saving_usd: saving,
        };
    }
    Verdict::Send {
        optimized: implicit_possible(model, facts),
        reason: Reason::NotWorthIt,
        saving_usd: saving,
    }
}

fn price(facts: &Facts<'_>, model: &ModelFacts) -> Price {
    model.price(u64::from(facts.prefix.expected) + u64::from(facts.tail.expected))
}

/// Whether a cache would hold more than that of the beginning by an amount worth the while.
fn has_grown(facts: &Facts<'_>) -> bool {
    let grown = |held: u32| facts.prefix.expected >= held.saturating_add(LEAST_GROWTH);
    facts.beginning_tokens.is_none_or(grown)
}

/// Whether the limits allow one more cache.
fn has_room(facts: &Facts<'_>, price: &Price) -> bool {
    let (options, kept) = (facts.options, facts.kept);
    let within_budget = options.max_storage_usd_per_hour.is_none_or(|most| {
        kept.usd_per_hour + storage_usd_per_hour(price, facts.prefix.expected) <= most
    });
    kept.count < options.max_live_caches && within_budget
}

/// Whether requests have by now cost as much more than cached ones as a cache costs.
///
/// Nobody knows how many are to come. Whoever rents until the rent has reached the price, and buys
/// then, pays at most twice of what the best choice in hindsight costs; and what is read once is
/// never cached.
fn has_paid_rent(facts: &Facts<'_>, price: &Price) -> bool {
    let Some(storage) = storage_share(price) else {
        return false;
    };
    let hours = facts.line.held.as_secs_f64() / 3600.0;
    let cost = f64::from(facts.prefix.expected) * (1.0 + storage * hours);
    facts.line.premium_tokens >= cost
}

/// Whether the service's own caching is to be tried first: how often the prefix will be read is not
/// known, and it is so large that a cache of it is a large bet.
fn waits_for_service(facts: &Facts<'_>, model: &ModelFacts) -> bool {
    let is_large = |ceiling| facts.prefix.expected > ceiling;
    let has_failed = facts.line.whole_replies > 0 && facts.line.implicit_share < SERVED;
    model.implicit_min.is_some() && model.implicit_ceiling.is_some_and(is_large) && !has_failed
}

/// The minimum that counts: the caller's, else the learnt one, else the table's.
pub(super) fn floor(facts: &Facts<'_>) -> Option<u32> {
    let table = facts.model.and_then(|model| model.explicit_min);
    facts
        .options
        .min_tokens_floor
        .or(facts.learnt_min)
        .or(table)
}

fn implicit_possible(model: &ModelFacts, facts: &Facts<'_>) -> bool {
    let total = facts.prefix.max.saturating_add(facts.tail.max);
    model.implicit_min.is_some_and(|least| total >= least)
}

fn time_to_live(facts: &Facts<'_>, price: &Price) -> Duration {
    let options = facts.options;
    let worth_keeping = longest_gap(price);
    let (duration, wait) = (facts.hint.expected_duration, facts.line.longest_gap);
    match (options.ttl, duration, wait) {
        (TtlPolicy::Fixed(ttl), ..) => ttl,
        (TtlPolicy::SeedBySize, ..) => match facts.prefix.expected {
            0..=50_000 => options.default_ttl,
            50_001..=100_000 => 2 * options.default_ttl,
            100_001.. => 4 * options.default_ttl,
        },
        (TtlPolicy::Auto, Some(duration), _) => {
            let bounded = duration.min(LONGEST_TTL).mul_f64(1.2);
            bounded.clamp(SHORTEST_TTL, LONGEST_TTL)
        }
        (TtlPolicy::Auto, None, Some(wait)) => {
            let longest = worth_keeping.unwrap_or(options.default_ttl);
            let longest = longest.max(SHORTEST_TTL);
            wait.saturating_mul(2).clamp(SHORTEST_TTL, longest)
        }
        (TtlPolicy::Auto, None, None) => {
            worth_keeping.map_or(options.default_ttl, |gap| gap.min(options.default_ttl))
        }
    }
}

#[cfg(test)]
mod tests {
    use gimmal_types::gemini::Part;

    use super::super::ModelTable;
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    /// A row of the table of decisions (A1 to A20), with its defaults.
    struct Row {
        model: &'static str,
        prefix: TokenEstimate,
        tail: TokenEstimate,
        reads: u64,
        ttl: Duration,
        mode: Mode,
        lease: bool,
        recent_failure: bool,
        tail_empty: bool,
        implicit_share: f64,
    }

    impl Default for Row {
        fn default() -> Self {
            Self {
                model: "gemini-2.5-flash",
                prefix: text(42_000),
                tail: text(120),
                reads: 10,
                ttl: HOUR,
                mode: Mode::Cost,
                lease: false,
                recent_failure: false,
                tail_empty: false,
                implicit_share: 0.0,
            }
        }
    }

    fn text(bytes: usize) -> TokenEstimate {
        TokenEstimate::of_part(&Part::text("x".repeat(bytes)))
    }

    /// A prefix of 10,000 tokens that nothing else is known of.
    fn facts<'a>(
        options: &'a PlannerOptions,
        hint: &'a PlanHint,
        model: Option<&'a ModelFacts>,
    ) -> Facts<'a> {
        Facts {
            options,
            hint,
            model,
            learnt_min: None,
            prefix: text(42_000),
            tail: text(120),
            prefix_empty: false,
            tail_empty: false,
            has_history: false,
            lease: false,
            beginning_tokens: None,
            recent_failure: false,
            backend_supported: true,
            request_time_part: false,
            kept: KeptCaches::default(),
            line: LineFacts::default(),
        }
    }

    fn decide_row(row: &Row) -> Verdict {
        let table = ModelTable::default();
        let options = PlannerOptions {
            mode: row.mode,
            ttl: TtlPolicy::Fixed(row.ttl),
            ..Default::default()
        };
        let hint = PlanHint::new().with_expected_reads(row.reads);
        decide(&Facts {
            prefix: row.prefix,
            tail: row.tail,
            tail_empty: row.tail_empty,
            lease: row.lease,
            recent_failure: row.recent_failure,
            line: LineFacts {
                implicit_share: row.implicit_share,
                ..LineFacts::default()
            },
            ..facts(&options, &hint, table.find(row.model))
        })
    }

    fn assert_creates(row: Row, saving: f64) {
        match decide_row(&row) {
            Verdict::Create {
                saving_usd: Some(have),
                ..
            } => {
                assert!(
                    (have - saving).abs() < 1e-6,
                    "saving {have}, expected {saving}"
                );
            }
            other => panic!("expected a cache, got {other:?}"),
        }
    }

    fn assert_sends(row: Row, optimized: bool, reason: Reason) {
        match decide_row(&row) {
            Verdict::Send {
                optimized: have,
                reason: why,
                ..
            } => {
                assert_eq!((have, why), (optimized, reason));
            }
            other => panic!("expected {reason:?}, got {other:?}"),
        }
    }

    #[test]
    fn a1_ten_reads_pay() {
        assert_creates(Row::default(), 0.014);
    }

    #[test]
    fn a2_five_reads_just_pay() {
        assert_creates(
            Row {
                reads: 5,
                ..Row::default()
            },
            0.0005,
        );
    }

    #[test]
    fn a3_four_reads_do_not() {
        assert_sends(
            Row {
                reads: 4,
                ..Row::default()
            },
            true,
            Reason::NotWorthIt,
        );
    }

    #[test]
    fn a4_two_reads_pay_within_five_minutes() {
        let row = Row {
            reads: 2,
            ttl: Duration::from_secs(300),
            ..Row::default()
        };
        assert_creates(row, 0.001_566_666);
    }

    #[test]
    fn a5_implicit_caching_takes_the_gain() {
        let row = Row {
            implicit_share: 0.6,
            ..Row::default()
        };
        assert_sends(row, true, Reason::NotWorthIt);
    }

    #[test]
    fn a6_reuse_only_creates_nothing() {
        assert_sends(
            Row {
                mode: Mode::ReuseOnly,
                ..Row::default()
            },
            true,
            Reason::ReuseOnly,
        );
    }

    #[test]
    fn a7_reuse_only_uses_a_live_cache() {
        let row = Row {
            mode: Mode::ReuseOnly,
            lease: true,
            ..Row::default()
        };
        assert_eq!(decide_row(&row), Verdict::UseLease);
    }

    #[test]
    fn a8_always_creates_at_a_loss_and_says_so() {
        match decide_row(&Row {
            mode: Mode::Always,
            reads: 1,
            ..Row::default()
        }) {
            Verdict::Create {
                saving_usd: Some(saving),
                ..
            } => assert!(saving < 0.0),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a9_a_recent_failure_is_remembered() {
        let row = Row {
            recent_failure: true,
            ..Row::default()
        };
        assert_sends(row, true, Reason::RecentCreateFailure);
    }

    #[test]
    fn a10_without_a_tail_nothing_is_created() {
        assert_sends(
            Row {
                tail_empty: true,
                ..Row::default()
            },
            true,
            Reason::TailEmpty,
        );
    }

    #[test]
    fn a11_off_is_off() {
        assert_sends(
            Row {
                mode: Mode::Off,
                ..Row::default()
            },
            false,
            Reason::ExplicitDisabled,
        );
    }

    #[test]
    fn a12_small_prompts_go_plain() {
        let row = Row {
            prefix: text(4200),
            reads: 100,
            ..Row::default()
        };
        assert_sends(row, false, Reason::BelowFloorHighConf);
    }

    #[test]
    fn a13_the_prefix_counts_and_not_the_prompt() {
        let row = Row {
            prefix: text(7600),
            tail: text(1200),
            reads: 100,
            ..Row::default()
        };
        assert_sends(row, true, Reason::BelowFloorHighConf);
    }

    #[test]
    fn a14_uncertain_media_are_counted() {
        let pdf = TokenEstimate::of_part(&Part::inline_data(vec![0; 1_200_000], "application/pdf"));
        assert_eq!(
            decide_row(&Row {
                prefix: pdf,
                ..Row::default()
            }),
            Verdict::NeedTokens
        );
        let counted = |tokens| Row {
            prefix: TokenEstimate::exact(tokens),
            ..Row::default()
        };
        assert!(matches!(decide_row(&counted(5000)), Verdict::Create { .. }));
        assert_sends(counted(1500), false, Reason::BelowFloorHighConf);
    }

    #[test]
    fn a15_break_even_of_flash_lite() {
        let row = |reads| Row {
            model: "gemini-2.5-flash-lite",
            reads,
            ..Row::default()
        };
        assert_sends(row(12), true, Reason::NotWorthIt);
        assert_creates(row(13), 0.0007);
    }

    #[test]
    fn a16_break_even_of_a_cheap_store() {
        let row = |reads| Row {
            model: "gemini-3.8-flash",
            reads,
            ..Row::default()
        };
        assert_sends(row(1), true, Reason::NotWorthIt);
        assert_creates(row(2), 0.001);
    }

    #[test]
    fn a17_the_floor_is_a_matter_of_the_upper_bound() {
        let row = |bytes| Row {
            model: "gemini-3.8-flash",
            prefix: text(bytes),
            reads: 50,
            ..Row::default()
        };
        assert_sends(row(15_600), true, Reason::BelowFloorHighConf);
        assert!(matches!(decide_row(&row(15_700)), Verdict::Create { .. }));
    }

    #[test]
    fn a18_break_even_of_pro() {
        let row = |reads| Row {
            model: "gemini-2.5-pro",
            prefix: text(630_000),
            reads,
            ..Row::default()
        };
        assert_sends(row(4), true, Reason::NotWorthIt);
        assert_creates(row(6), 0.15);
    }

    #[test]
    fn a19_long_prompts_have_their_own_price() {
        let row = Row {
            model: "gemini-2.5-pro",
            prefix: text(630_000),
            tail: text(252_000),
            reads: 4,
            ..Row::default()
        };
        assert_creates(row, 0.3);
    }

    #[test]
    fn a20_unknown_models_go_plain() {
        assert_sends(
            Row {
                model: "gemini-1.0-x",
                ..Row::default()
            },
            false,
            Reason::UnsupportedModel,
        );
    }

    #[test]
    fn the_expected_duration_sets_the_life() {
        let (table, options) = (ModelTable::default(), PlannerOptions::default());
        let model = table.find("gemini-2.5-flash");
        let price = model.unwrap().price(1);
        let ttl = |hint: &PlanHint| time_to_live(&facts(&options, hint, model), &price).as_secs();
        let run = |seconds| PlanHint::new().with_expected_duration(Duration::from_secs(seconds));
        assert_eq!(ttl(&PlanHint::new()), 972);
        assert_eq!(ttl(&run(1000)), 1200);
        assert_eq!(ttl(&run(10)), 300);
        assert_eq!(ttl(&run(u64::MAX)), 7 * 24 * 3600);
    }

    #[test]
    fn b11_a_cache_lives_twice_the_longest_gap_while_that_pays() {
        let (table, options) = (ModelTable::default(), PlannerOptions::default());
        let (model, hint) = (table.find("gemini-2.5-flash"), PlanHint::new());
        let price = model.unwrap().price(10_000);
        for (gap, ttl) in [(60, 300), (400, 800), (900, 972)] {
            let mut facts = facts(&options, &hint, model);
            facts.line.longest_gap = Some(Duration::from_secs(gap));
            let have = time_to_live(&facts, &price);
            assert_eq!(have.as_secs_f64().round() as u64, ttl, "{gap:?}");
        }
    }

    #[test]
    fn a_planner_without_prices_doubles_the_life_of_large_caches() {
        let options = PlannerOptions {
            ttl: TtlPolicy::SeedBySize,
            ..PlannerOptions::default()
        };
        let (table, hint) = (ModelTable::default(), PlanHint::new());
        let model = table.find("gemini-2.5-flash");
        for (tokens, ttl) in [
            (50_000, 3600),
            (50_001, 7200),
            (100_000, 7200),
            (100_001, 14_400),
        ] {
            let mut facts = facts(&options, &hint, model);
            facts.prefix = TokenEstimate::exact(tokens);
            let have = time_to_live(&facts, &model.unwrap().price(1));
            assert_eq!(have.as_secs(), ttl, "{tokens}");
        }
    }

    #[test]
    fn without_a_hint_a_cache_is_made_when_the_premium_has_reached_its_price() {
        let (table, options) = (ModelTable::default(), PlannerOptions::default());
        let hint = PlanHint::new();
        let creates = |premium_tokens| {
            let mut facts = facts(&options, &hint, table.find("gemini-3.8-flash"));
            (facts.line.premium_tokens, facts.line.held) = (premium_tokens, HOUR);
            matches!(decide(&facts), Verdict::Create { .. })
        };
        // 10,000 tokens, and an hour of storage at two thirds of the input price.
        assert!(!creates(0.0) && !creates(16_600.0));
        assert!(creates(16_700.0));
    }

    #[test]
    fn a_large_prefix_is_left_to_the_service_until_that_fails() {
        let (table, options) = (ModelTable::default(), PlannerOptions::default());
        let model = table.find("gemini-3.8-flash");
        assert_eq!(model.unwrap().implicit_ceiling, Some(16_000));
        let creates = |tokens, reads, whole_replies, implicit_share| {
            let hint = PlanHint {
                expected_reads: reads,
                ..PlanHint::new()
            };
            let line = LineFacts {
                implicit_share,
                whole_replies,
                premium_tokens: 1e9,
                ..LineFacts::default()
            };
            let prefix = TokenEstimate::exact(tokens);
            let facts = facts(&options, &hint, model);
            matches!(
                decide(&Facts {
                    prefix,
                    line,
                    ..facts
                }),
                Verdict::Create { .. }
            )
        };
        assert!(!creates(16_001, None, 0, 0.0), "nothing was seen yet");
        assert!(
            !creates(16_001, None, 9, 0.5),
            "the service caches by itself"
        );
        assert!(creates(16_001, None, 9, 0.4), "it was seen to fail");
        assert!(creates(16_000, None, 9, 0.5), "small enough for a bet");
        assert!(creates(16_001, Some(100), 0, 0.0), "reads are known");
    }

    /// The minimums as they stood when the first planner was written.
    const SEED_MODELS: &str = r#"{"version": "2025-07", "models": [
        {"model": "gemini-2.5-flash-preview-05-20", "explicit_min": 4096, "implicit_min": 2048,
         "context_window": 1000000, "prices": [{"input": 0.3}]},
        {"model": "gemini-2.5-pro-preview-06-05", "explicit_min": 4096, "implicit_min": 2048,
         "context_window": 2000000, "prices": [{"input": 1.25}]},
        {"model": "gemini-2.0-flash", "explicit_min": 4096, "implicit_min": null,
         "context_window": 1000000, "prices": [{"input": 0.1}]}]}"#;

    #[test]
    fn thresholds_alone_decide_in_seed_mode() {
        let table = ModelTable::from_json(SEED_MODELS.as_bytes()).unwrap();
        let flash = "gemini-2.5-flash-preview-05-20";
        let raw = (false, Some(false));
        let (optimized, cached) = ((false, Some(true)), (true, None));
        for (model, tokens, prefer_implicit, expected) in [
            (flash, 2047, true, raw),
            (flash, 2048, true, optimized),
            (flash, 5000, true, optimized),
            (flash, 5000, false, cached),
            (flash, 3000, false, optimized),
            ("gemini-2.0-flash", 4095, true, raw),
            ("gemini-2.0-flash", 4096, true, cached),
            ("gemini-2.0-flash", 4096, false, cached),
            ("gemini-9-unknown", 1_000_000, true, raw),
        ] {
            let options = PlannerOptions {
                mode: Mode::Seed { prefer_implicit },
                ..PlannerOptions::default()
            };
            let hint = PlanHint::new();
            let verdict = decide(&Facts {
                prefix: TokenEstimate::exact(tokens),
                tail: TokenEstimate::NONE,
                ..facts(&options, &hint, table.find(model))
            });
            let have = match verdict {
                Verdict::Create { .. } => (true, None),
                Verdict::Send { optimized, .. } => (false, Some(optimized)),
                other => panic!("{other:?}"),
            };
            assert_eq!(have, expected, "{model} {tokens} {prefer_implicit}");
        }
    }

    #[test]
    fn a_longer_cache_must_be_worth_its_price_beside_that_of_the_beginning() {
        let table = ModelTable::default();
        let verdict = |mode, reads, held| {
            let options = PlannerOptions {
                mode,
                ttl: TtlPolicy::Fixed(HOUR),
                ..PlannerOptions::default()
            };
            let hint = PlanHint::new().with_expected_reads(reads);
            let mut facts = facts(&options, &hint, table.find("gemini-2.5-flash"));
            facts.beginning_tokens = Some(held);
            decide(&facts)
        };
        // Half of the 10,000 tokens are cached already, so it takes twice as many reads.
        let creates = |reads| matches!(verdict(Mode::Cost, reads, 5_000), Verdict::Create { .. });
        assert!(!creates(9) && creates(10));
        let barely_longer = verdict(Mode::Cost, 1_000_000, 9_800);
        assert_eq!(barely_longer, Verdict::UseLease);
        assert_eq!(verdict(Mode::Always, 100, 5_000), Verdict::UseLease);
    }

    #[test]
    fn limits_allow_no_more_caches() {
        let table = ModelTable::default();
        let options = PlannerOptions {
            max_storage_usd_per_hour: Some(0.05),
            ..PlannerOptions::default()
        };
        let hint = PlanHint::new().with_expected_reads(100);
        let creates = |count, usd_per_hour| {
            let mut facts = facts(&options, &hint, table.find("gemini-2.5-flash"));
            facts.kept = KeptCaches {
                count,
                usd_per_hour,
            };
            matches!(decide(&facts), Verdict::Create { .. })
        };
        // The cache itself costs a cent an hour.
        assert!(creates(99, 0.0) && !creates(100, 0.0));
        assert!(creates(0, 0.04) && !creates(0, 0.041));
    }

    #[test]
    fn what_is_fetched_for_every_request_is_not_cached() {
        let (table, options) = (ModelTable::default(), PlannerOptions::default());
        let hint = PlanHint::new().with_expected_reads(100);
        let verdict = decide(&Facts {
            request_time_part: true,
            ..facts(&options, &hint, table.find("gemini-2.5-flash"))
        });
        let reason = Reason::NotCacheablePart;
        assert!(matches!(verdict, Verdict::Send { reason: why, .. } if why == reason));
    }
}
