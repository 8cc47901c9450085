//! What these tests share: one clock for client and emulator, a prefix that is worth a cache, and
//! waiting without sleeping.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use gimmal_client::gemini::GeminiClient;
use gimmal_client::gemini::planner::{
    Executed, Mode, Plan, PlanHint, Planner, PlannerOptions, Prefix, PreparedPrefix, TtlPolicy,
};
use gimmal_client::transport::{Clock, HttpTransport};
use gimmal_client::types::gemini::{Content, GenerateContentRequest, Tool};
use gimmal_client::{CallOptions, Error};
use gimmal_emulator::{Clock as _, Emulator, EmulatorBuilder, ManualClock, Route};
use serde_json::{Value, json};

/// How long a test waits for something that must happen. Nothing takes nearly as long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// The model of every test: 2,048 tokens at least, and a price for everything.
pub(crate) const MODEL: &str = "gemini-2.5-flash";
/// The key of every client.
pub(crate) const KEY: &str = "test-key-that-must-not-show";

/// A clock that stands still until it is moved, for the client and the emulator alike.
#[derive(Clone, Debug)]
pub(crate) struct TestClock {
    pub(crate) manual: ManualClock,
    started: (Instant, SystemTime),
}

impl TestClock {
    pub(crate) fn new() -> Self {
        let manual = ManualClock::new();
        let started = (Instant::now(), manual.now());
        Self { manual, started }
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.manual.advance(Duration::from_secs(seconds));
    }

    /// Finishes a future while the clock runs, a tenth of a second at a time.
    pub(crate) async fn run<F: Future>(&self, future: F) -> F::Output {
        let future = Box::pin(future);
        let ticking = async {
            loop {
                self.manual.advance(Duration::from_millis(100));
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            output = in_time(future) => output,
            () = ticking => unreachable!("a clock does not end"),
        }
    }
}

impl Clock for TestClock {
    fn now(&self) -> Instant {
        let (instant, date) = self.started;
        instant + self.manual.now().duration_since(date).unwrap_or_default()
    }

    fn system_now(&self) -> SystemTime {
        self.manual.now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.manual.sleep(duration).boxed()
    }
}

/// An emulator, a client of it, and their clock.
pub(crate) struct World {
    pub(crate) emulator: Emulator,
    pub(crate) client: GeminiClient,
    pub(crate) clock: TestClock,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|emulator| emulator).await
    }

    pub(crate) async fn with(change: impl FnOnce(EmulatorBuilder) -> EmulatorBuilder) -> Self {
        let clock = TestClock::new();
        let emulator = Emulator::builder().with_clock(Arc::new(clock.manual.clone()));
        let emulator = change(emulator).start().await.unwrap();
        let client = GeminiClient::builder()
            .with_api_key(KEY)
            .with_base_url(emulator.base_url())
            .with_clock(Arc::new(clock.clone()))
            .build()
            .unwrap();
        Self {
            emulator,
            client,
            clock,
        }
    }

    pub(crate) fn planner(&self) -> Planner {
        self.planner_with(|_| {})
    }

    pub(crate) fn planner_with(&self, change: impl FnOnce(&mut PlannerOptions)) -> Planner {
        planner_of(&self.client, change)
    }
}

/// A client of a scripted transport.
pub(crate) fn scripted_client(http: impl HttpTransport, clock: &TestClock) -> GeminiClient {
    GeminiClient::builder()
        .with_api_key(KEY)
        .with_http(Arc::new(http))
        .with_clock(Arc::new(clock.clone()))
        .build()
        .unwrap()
}

/// A planner that keeps caches for ten minutes.
pub(crate) fn planner_of(
    client: &GeminiClient,
    change: impl FnOnce(&mut PlannerOptions),
) -> Planner {
    let mut options = PlannerOptions::default();
    options.mode = Mode::Cost;
    options.ttl = TtlPolicy::Fixed(Duration::from_secs(600));
    change(&mut options);
    Planner::builder(client).with_options(options).build()
}

/// Fails when a future takes longer than anything here may.
pub(crate) async fn in_time<F: Future>(future: F) -> F::Output {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(output) => output,
        Err(_) => panic!("nothing happened within {PATIENCE:?}"),
    }
}

/// Waits until something has happened elsewhere.
pub(crate) async fn until(mut happened: impl FnMut() -> bool) {
    in_time(async {
        while !happened() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// About ten thousand tokens of text, different for every title.
pub(crate) fn document(title: &str) -> String {
    let sentence = format!("The gimmal of {title} has two hoops that turn on one pivot. ");
    sentence.repeat(42_000 / sentence.len() + 1)
}

/// A document with instructions and a tool.
pub(crate) fn prefix(title: &str) -> Prefix {
    let tools: Vec<Tool> = serde_json::from_value(json!([{"functionDeclarations": [
        {"name": "lookup", "description": "Looks a ring up.", "parameters": {"type": "OBJECT"}}]}]))
    .unwrap();
    Prefix {
        system_instruction: Some(Content::text("Be terse.")),
        tools,
        contents: vec![Content::user(document(title))],
        ..Prefix::default()
    }
}

pub(crate) fn prepared(planner: &Planner, title: &str) -> PreparedPrefix {
    planner.prepare(MODEL, prefix(title)).unwrap()
}

/// Enough reads for a cache to pay.
pub(crate) fn many() -> PlanHint {
    PlanHint::new().with_expected_reads(100)
}

pub(crate) fn question(text: &str) -> [Content; 1] {
    [Content::user(text)]
}

pub(crate) async fn plan(planner: &Planner, prefix: &PreparedPrefix) -> Plan {
    in_time(planner.plan(prefix, question("How many hoops?"), &many())).await
}

pub(crate) async fn execute(world: &World, plan: &Plan) -> Result<Executed, Error> {
    execute_with(world, plan, &GenerateContentRequest::new()).await
}

pub(crate) async fn execute_with(
    world: &World,
    plan: &Plan,
    settings: &GenerateContentRequest,
) -> Result<Executed, Error> {
    let options = CallOptions::default();
    in_time(world.client.executor().execute(plan, settings, &options)).await
}

pub(crate) fn count(world: &World, route: Route) -> usize {
    world.emulator.journal().count(route)
}

pub(crate) fn bodies(world: &World, route: Route) -> Vec<Value> {
    let requests = world.emulator.journal().requests(route);
    requests
        .iter()
        .map(|request| request.body().unwrap().clone())
        .collect()
}

pub(crate) fn cache_name(plan: &Plan) -> &str {
    plan.action
        .cache_name()
        .unwrap_or_else(|| panic!("no cache: {:?}", plan.decision))
}
