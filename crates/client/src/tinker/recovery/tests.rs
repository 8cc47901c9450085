//! Recovery with a service made of a few lines.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use gimmal_transport::{Clock as _, Error, TokioClock};
use gimmal_types::tinker::TrainingRun;
use serde_json::{Value, json};

use super::*;

const RUN: &str = "s:train:0";
const PATH: &str = "tinker://s:train:0/weights/7";

/// A service with runs, and notes of what was asked of it.
#[derive(Clone, Debug, Default)]
struct Service(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    runs: BTreeMap<String, Value>,
    /// Attempts that fail first.
    failures: u32,
    /// How long a client is in the making.
    takes: Duration,
    in_the_making: u32,
    most_at_once: u32,
    made: Vec<(String, bool)>,
    events: Vec<(&'static str, u32)>,
    callbacks: Vec<String>,
}

impl Service {
    fn with_run(self, run_id: &str, corrupted: bool, checkpoint: Option<&str>) -> Self {
        let time = "2026-01-01T00:00:00Z";
        let last = checkpoint.map(|path| {
            json!({"checkpoint_id": "weights/7", "checkpoint_type": "training",
                "time": time, "tinker_path": path})
        });
        let run = json!({
            "training_run_id": run_id, "base_model": "b", "model_owner": "o", "is_lora": true,
            "last_request_time": time, "corrupted": corrupted, "last_checkpoint": last,
        });
        self.0.lock().unwrap().runs.insert(run_id.to_owned(), run);
        self
    }

    fn failing(self, times: u32) -> Self {
        self.0.lock().unwrap().failures = times;
        self
    }

    fn executor(&self, policy: RecoveryPolicy) -> RecoveryExecutor<Service> {
        let (good, bad) = (self.clone(), self.clone());
        RecoveryExecutor::new(policy, Arc::new(self.clone()), self.clone())
            .with_observer(Arc::new(self.clone()))
            .on_recovery(move |old, new, path| {
                let old = old.map_or("none", String::as_str);
                let line = format!("{old} -> {new} from {path}");
                good.0.lock().unwrap().callbacks.push(line);
            })
            .on_failure(move |run, error| {
                let line = format!("{run} is lost: {error}");
                bad.0.lock().unwrap().callbacks.push(line);
            })
    }

    fn events(&self) -> Vec<(&'static str, u32)> {
        self.0.lock().unwrap().events.clone()
    }

    fn callbacks(&self) -> Vec<String> {
        self.0.lock().unwrap().callbacks.clone()
    }
}

impl RunSource for Service {
    fn training_run<'a>(&'a self, run_id: &'a str) -> BoxFuture<'a, Result<TrainingRun, Error>> {
        let found = self.0.lock().unwrap().runs.get(run_id).cloned();
        Box::pin(async move {
            let found = found.ok_or_else(|| Error::connect("no route"))?;
            Ok(serde_json::from_value(found).unwrap())
        })
    }
}

impl TrainingFactory for Service {
    type Client = String;

    fn client_of<'a>(
        &'a self,
        path: &'a str,
        with_optimizer: bool,
    ) -> BoxFuture<'a, Result<String, Error>> {
        Box::pin(async move {
            let takes = {
                let mut state = self.0.lock().unwrap();
                state.made.push((path.to_owned(), with_optimizer));
                state.in_the_making += 1;
                state.most_at_once = state.most_at_once.max(state.in_the_making);
                state.takes
            };
            TokioClock.sleep(takes).await;
            let mut state = self.0.lock().unwrap();
            state.in_the_making -= 1;
            if state.failures > 0 {
                state.failures -= 1;
                return Err(Error::connect("refused"));
            }
            Ok("new".to_owned())
        })
    }
}

impl RecoveryObserver for Service {
    fn on_event(&self, event: &RecoveryEvent) {
        let told = match event {
            RecoveryEvent::Detected { .. } => ("detected", 0),
            RecoveryEvent::PollError { .. } => ("poll_error", 0),
            RecoveryEvent::Started { attempt, .. } => ("started", *attempt),
            RecoveryEvent::CheckpointSelected { attempt, .. } => ("selected", *attempt),
            RecoveryEvent::ClientCreated { attempt, .. } => ("created", *attempt),
            RecoveryEvent::Completed { attempt, .. } => ("completed", *attempt),
            RecoveryEvent::Failed { attempt, .. } => ("failed", *attempt),
            RecoveryEvent::Exhausted { attempt, .. } => ("exhausted", *attempt),
        };
        self.0.lock().unwrap().events.push(told);
        // Observers that panic do no harm.
        panic!("an observer");
    }
}

async fn pass(seconds: u64) {
    TokioClock.sleep(Duration::from_secs(seconds)).await;
}

/// Covers: CHK-REC-1
#[tokio::test(start_paused = true)]
async fn chk_rec_1_a_run_goes_on_from_its_last_checkpoint() {
    let service = Service::default().with_run(RUN, true, Some(PATH));
    let executor = service.executor(RecoveryPolicy::enabled());
    let lost = LostRun::new(RUN).with_client("old".to_owned());
    executor.recover(lost).unwrap();
    pass(1).await;
    let made = service.0.lock().unwrap().made.clone();
    assert_eq!(made, [(PATH.to_owned(), true)]);
    assert_eq!(service.callbacks(), [format!("old -> new from {PATH}")]);
    let steps = ["started", "selected", "created", "completed"].map(|step| (step, 1));
    assert_eq!(service.events(), steps);
    assert!(executor.pending().is_empty());
}

/// Covers: CHK-REC-1
#[tokio::test(start_paused = true)]
async fn chk_rec_1_the_policy_says_from_where() {
    let other = "tinker://x/weights/1";
    for (policy, known, expected) in [
        (
            RecoveryPolicy::enabled().with_restore_optimizer(false),
            None,
            Some((PATH, false)),
        ),
        (RecoveryPolicy::enabled(), Some(other), Some((other, true))),
        (
            RecoveryPolicy::enabled().with_strategy(CheckpointStrategy::Specific(other.to_owned())),
            Some(PATH),
            Some((other, true)),
        ),
        (
            RecoveryPolicy::enabled().with_strategy(CheckpointStrategy::Best),
            None,
            None,
        ),
    ] {
        let service = Service::default().with_run(RUN, true, Some(PATH));
        let mut lost = LostRun::new(RUN);
        if let Some(known) = known {
            lost = lost.with_last_checkpoint(known);
        }
        service.executor(policy).recover(lost).unwrap();
        pass(100).await;
        let made = service.0.lock().unwrap().made.first().cloned();
        let expected = expected.map(|(path, optimizer)| (path.to_owned(), optimizer));
        assert_eq!(made, expected);
    }
    let bare = Service::default().with_run(RUN, true, None);
    bare.executor(RecoveryPolicy::enabled())
        .recover(LostRun::new(RUN))
        .unwrap();
    pass(100).await;
    assert!(
        bare.callbacks()[0].contains("no checkpoint"),
        "{:?}",
        bare.callbacks()
    );
}

/// Covers: CHK-REC-2
#[tokio::test(start_paused = true)]
async fn chk_rec_2_after_the_last_attempt_a_run_is_given_up() {
    let service = Service::default()
        .with_run(RUN, true, Some(PATH))
        .failing(9);
    let attempts = NonZeroU32::new(2).unwrap();
    let policy = RecoveryPolicy::enabled().with_max_attempts(attempts);
    let executor = service.executor(policy);
    executor.recover(LostRun::new(RUN)).unwrap();
    pass(4).await;
    assert_eq!(service.events().last(), Some(&("failed", 1)));
    assert_eq!(executor.pending(), [RUN]);
    pass(2).await;
    let told = service.events();
    let told: Vec<_> = told
        .iter()
        .filter(|(step, _)| *step != "selected")
        .collect();
    let steps = [
        ("started", 1),
        ("failed", 1),
        ("started", 2),
        ("failed", 2),
        ("exhausted", 2),
    ];
    assert_eq!(told, steps.iter().collect::<Vec<_>>());
    assert_eq!(service.callbacks().len(), 1);
    pass(100).await;
    assert_eq!(service.0.lock().unwrap().made.len(), 2);
}

/// Covers: CHK-REC-4
#[tokio::test(start_paused = true)]
async fn chk_rec_4_a_run_is_recovered_once_at_a_time() {
    let service = Service::default()
        .with_run(RUN, true, Some(PATH))
        .failing(1);
    let executor = service.executor(RecoveryPolicy::enabled());
    executor.recover(LostRun::new(RUN)).unwrap();
    let again = || executor.recover(LostRun::new(RUN));
    assert_eq!(again().unwrap_err().field(), Some("run_id"));
    pass(2).await;
    assert!(again().is_err(), "it waits for its second attempt");
    pass(10).await;
    again().unwrap();
}

/// Covers: CHK-REC-5
#[tokio::test(start_paused = true)]
async fn chk_rec_5_a_monitor_hands_over_what_the_server_gave_up() {
    let service = Service::default()
        .with_run(RUN, true, Some(PATH))
        .with_run("healthy", false, None);
    let monitor = RecoveryMonitor::new(service.executor(RecoveryPolicy::enabled()));
    monitor.watch(RUN, Some("old".to_owned())).unwrap();
    monitor.watch("healthy", None).unwrap();
    monitor.watch("unknown", None).unwrap();
    pass(29).await;
    assert!(service.events().is_empty());
    pass(2).await;
    assert_eq!(service.callbacks(), [format!("old -> new from {PATH}")]);
    assert_eq!(monitor.watched(), ["healthy", "unknown"]);
    let events = service.events();
    assert!(events.contains(&("detected", 0)) && events.contains(&("poll_error", 0)));
    assert!(monitor.stop("healthy") && monitor.stop("unknown") && !monitor.stop(RUN));
    pass(100).await;
    let polls = service.events().len();
    pass(100).await;
    assert_eq!(service.events().len(), polls, "nothing is asked any more");
    monitor.watch(RUN, None).unwrap();
    pass(31).await;
    assert_eq!(service.callbacks().len(), 2, "the asking begins anew");

    let off = RecoveryMonitor::new(service.executor(RecoveryPolicy::default()));
    assert!(
        off.watch(RUN, None)
            .unwrap_err()
            .to_string()
            .contains("recovery is off")
    );
}

/// Covers: CHK-REC-6
#[tokio::test(start_paused = true)]
async fn chk_rec_6_so_many_runs_are_recovered_at_once() {
    let service = Service::default();
    service.0.lock().unwrap().takes = Duration::from_secs(10);
    let executor = service
        .executor(RecoveryPolicy::enabled())
        .with_max_concurrent(NonZeroU32::new(2).unwrap());
    for run in ["a", "b", "c"] {
        executor
            .recover(LostRun::new(run).with_last_checkpoint(PATH))
            .unwrap();
    }
    pass(5).await;
    let started = || service.0.lock().unwrap().made.len();
    assert_eq!((started(), executor.pending().len()), (2, 3));
    pass(6).await;
    assert_eq!((started(), executor.pending().len()), (3, 1));
    pass(10).await;
    assert_eq!(service.callbacks().len(), 3);
    assert_eq!(service.0.lock().unwrap().most_at_once, 2);
}
