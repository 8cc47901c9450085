//! What planning costs: the identity of a prefix, made once, and a plan that finds a live cache.
//!
//! The times are those that this process was busy, so that other work does not count.

#[path = "../../transport/benches/common/time.rs"]
mod time;
#[path = "../../transport/benches/common/verdict.rs"]
mod verdict;
#[path = "../../transport/benches/common/wanted.rs"]
mod wanted;

use std::sync::Arc;

use gimmal_client::gemini::GeminiClient;
use gimmal_client::gemini::planner::{PlanHint, Planner, Prefix, Reason};
use gimmal_client::transport::testing::{Reply, ScriptedTransport};
use gimmal_client::types::gemini::Content;

use crate::time::{busy, median};
use crate::verdict::Verdict;

const MODEL: &str = "gemini-2.5-flash";
const PREFIX_BYTES: usize = 100_000;
const REQUIRED_MB_PER_SECOND: f64 = 500.0;
const REQUIRED_PLAN_MICROS: f64 = 50.0;
const ROUNDS: usize = 11;
const HASHES: u32 = 200;
const PLANS: u32 = 5_000;

fn main() {
    if !wanted::measures() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let planner = planner();
    let mut verdict = Verdict::default();
    identity(&planner, &mut verdict);
    runtime.block_on(plans(&planner, &mut verdict));
    verdict.settle();
}

fn planner() -> Planner {
    let cache = r#"{"name": "cachedContents/c", "usageMetadata": {"totalTokenCount": 25000},
        "createTime": "2026-01-01T00:00:00Z", "expireTime": "2026-01-02T00:00:00Z"}"#;
    let client = GeminiClient::builder()
        .with_api_key("key")
        .with_http(Arc::new(ScriptedTransport::new([Reply::json(200, cache)])))
        .build()
        .expect("a client");
    Planner::builder(&client).build()
}

fn prefix() -> Prefix {
    let sentence = "The two hoops of a gimmal turn on one pivot.\n";
    let text = sentence.repeat(PREFIX_BYTES / sentence.len());
    Prefix {
        contents: vec![Content::user(text)],
        ..Prefix::default()
    }
}

fn identity(planner: &Planner, verdict: &mut Verdict) {
    let prefix = prefix();
    let round = |_| {
        let copies: Vec<Prefix> = (0..HASHES).map(|_| prefix.clone()).collect();
        let time = busy(|| {
            for copy in copies {
                std::hint::black_box(planner.prepare(MODEL, copy).expect("a model"));
            }
        });
        f64::from(HASHES) * PREFIX_BYTES as f64 / 1e6 / time.as_secs_f64()
    };
    let rate = median((0..ROUNDS).map(round).collect());
    verdict.check(
        rate >= REQUIRED_MB_PER_SECOND,
        format!("identity of a prefix of 100 kB: {rate:.0} MB/s"),
    );
}

async fn plans(planner: &Planner, verdict: &mut Verdict) {
    let prefix = planner.prepare(MODEL, prefix()).expect("a model");
    let hint = PlanHint::new().with_expected_reads(1_000_000);
    let question = || [Content::user("Why?")];
    planner.plan(&prefix, question(), &hint).await;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let start = cpu_time::ProcessTime::now();
        for _ in 0..PLANS {
            let plan = planner.plan(&prefix, question(), &hint).await;
            assert_eq!(plan.decision.reason, Reason::LeaseHit);
        }
        rounds.push(start.elapsed().as_secs_f64() * 1e6 / f64::from(PLANS));
    }
    let micros = median(rounds);
    verdict.check(
        micros < REQUIRED_PLAN_MICROS,
        format!("a plan that finds a live cache: {micros:.1} µs"),
    );
}
