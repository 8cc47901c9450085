//! Regularizers side by side and one after the other. Time is that of the runtime, and stands still
//! unless all wait.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use gimmal_client::transport::observe::EventBus;
use gimmal_client::types::tinker::Datum;
use gimmal_training::candle::{Device, Tensor};
use gimmal_training::{Error, ErrorKind, Executor, L1, Penalty, RegularizerSpec};
use tokio::time::{Instant, sleep};

use crate::telemetry::Heard;

const NO_DATA: [Datum; 0] = [];

fn logprobs() -> Tensor {
    Tensor::new(&[-1.0_f64, -2.0, -3.0], &Device::Cpu).unwrap()
}

/// A regularizer that waits and gives a number.
fn waits(name: &str, milliseconds: u64, gives: f64) -> RegularizerSpec {
    let work = move |_: Arc<[Datum]>, logprobs: Tensor| async move {
        sleep(Duration::from_millis(milliseconds)).await;
        Ok::<_, Error>(Penalty::from(((logprobs.sum_all()? * 0.0)? + gives)?))
    };
    RegularizerSpec::asynchronous(name, 1.0, work).unwrap()
}

fn fails(name: &str) -> RegularizerSpec {
    let refuse = |_: &[Datum], _: &Tensor| -> Result<Penalty, Error> {
        Err(Error::failed("it does not like the data"))
    };
    RegularizerSpec::new(name, 1.0, refuse).unwrap()
}

fn three_at_a_time() -> Executor {
    Executor::new().with_max_concurrency(NonZeroUsize::new(3).unwrap())
}

/// Covers: CHK-EX-1
#[tokio::test(start_paused = true)]
async fn three_at_a_time_take_as_long_as_one_and_keep_their_order() {
    let specs = [
        waits("c", 50, 1.0),
        waits("a", 40, 2.0),
        waits("b", 50, 3.0),
    ];
    let started = Instant::now();
    let outputs = three_at_a_time()
        .execute_all(&specs, NO_DATA, &logprobs())
        .await
        .unwrap();
    assert!(started.elapsed() < Duration::from_millis(120));
    let seen: Vec<_> = outputs
        .iter()
        .map(|one| (one.name.as_str(), one.value))
        .collect();
    assert_eq!(seen, [("c", 1.0), ("a", 2.0), ("b", 3.0)]);

    let started = Instant::now();
    let specs = [
        waits("c", 50, 1.0),
        waits("a", 50, 2.0),
        waits("b", 50, 3.0),
    ];
    let in_turn = three_at_a_time().with_parallel(false);
    let outputs = in_turn
        .execute_all(&specs, NO_DATA, &logprobs())
        .await
        .unwrap();
    assert!(started.elapsed() >= Duration::from_millis(150));
    assert_eq!(outputs.len(), 3);
    assert!(
        three_at_a_time()
            .execute_all(&[], NO_DATA, &logprobs())
            .await
            .unwrap()
            .is_empty()
    );
}

/// Covers: CHK-EX-2
#[tokio::test]
async fn the_first_failure_in_order_is_told_and_others_come_to_their_end() {
    let bus = EventBus::new();
    let heard = Heard::on(&bus);
    let sparse = |name| RegularizerSpec::new(name, 1.0, L1::new()).unwrap();
    let specs = [sparse("one"), fails("two"), sparse("three")];
    let executor = three_at_a_time().with_event_bus(bus);
    let error = executor
        .execute_all(&specs, NO_DATA, &logprobs())
        .await
        .unwrap_err();
    assert_eq!(error.regularizer(), Some("two"));
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert_eq!(heard.lines("Regularizer three value=").len(), 1);
    assert_eq!(heard.lines("Regularizer two failed after").len(), 1);

    let bus = EventBus::new();
    let heard = Heard::on(&bus);
    let in_turn = executor.with_parallel(false).with_event_bus(bus);
    let error = in_turn
        .execute_all(&specs, NO_DATA, &logprobs())
        .await
        .unwrap_err();
    assert_eq!(error.regularizer(), Some("two"));
    assert_eq!(heard.lines("Regularizer one value=").len(), 1);
    assert!(heard.lines("three").is_empty());
}

/// Covers: CHK-EX-3
#[tokio::test(start_paused = true)]
async fn a_computation_that_takes_too_long_is_left_behind() {
    let (stop, stopped) = mpsc::channel::<()>();
    let stopped = std::sync::Mutex::new(stopped);
    let (begin, mut begun) = tokio::sync::mpsc::unbounded_channel();
    let stuck = move |_: &[Datum], x: &Tensor| -> Result<Penalty, Error> {
        begin.send(()).unwrap();
        let _ = stopped.lock().unwrap().recv();
        Ok(x.sum_all()?.into())
    };
    let spec = RegularizerSpec::new("stuck", 1.0, stuck).unwrap();
    let executor = Executor::new().with_timeout(Duration::from_millis(50));
    let logprobs = logprobs();
    let run = executor.execute_one(&spec, NO_DATA, &logprobs);
    // The clock does not move by itself while a thread computes.
    let clock = async {
        begun.recv().await;
        tokio::time::advance(Duration::from_millis(200)).await;
    };
    let (result, ()) = tokio::join!(run, clock);
    let error = result.unwrap_err();
    assert_eq!(
        (error.kind(), error.regularizer()),
        (ErrorKind::TimedOut, Some("stuck"))
    );
    drop(stop);
}

/// Covers: CHK-EX-4
#[tokio::test(start_paused = true)]
async fn what_waits_too_long_is_dropped_where_it_stands() {
    let executor = Executor::new()
        .with_timeout(Duration::from_millis(50))
        .with_parallel(false);
    let quick = executor
        .execute_one(&waits("quick", 10, 4.0), NO_DATA, &logprobs())
        .await;
    assert_eq!(quick.unwrap().value, 4.0);
    let bus = EventBus::new();
    let heard = Heard::on(&bus);
    let executor = executor.with_event_bus(bus);
    let slow = executor
        .execute_one(&waits("slow", 200, 4.0), NO_DATA, &logprobs())
        .await;
    let error = slow.unwrap_err();
    assert_eq!(
        (error.kind(), error.regularizer()),
        (ErrorKind::TimedOut, Some("slow"))
    );
    assert_eq!(heard.count("exception"), 0);
    assert_eq!(
        error.to_string(),
        "regularizer `slow`: took longer than 50ms"
    );
}

#[tokio::test]
async fn panics_stay_inside() {
    let bad = |_: &[Datum], _: &Tensor| -> Result<Penalty, Error> { panic!("no such luck") };
    let spec = RegularizerSpec::new("bad", 1.0, bad).unwrap();
    let worse = |_: Arc<[Datum]>, logprobs: Tensor| async move {
        assert!(logprobs.elem_count() > 99, "far too short");
        Ok::<Penalty, Error>(logprobs.into())
    };
    let specs = [
        spec,
        RegularizerSpec::asynchronous("worse", 1.0, worse).unwrap(),
    ];
    for spec in &specs {
        let error = Executor::new()
            .execute_one(spec, NO_DATA, &logprobs())
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.regularizer()),
            (ErrorKind::Panicked, Some(spec.name()))
        );
    }
}

#[tokio::test]
async fn no_more_run_at_a_time_than_may() {
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let specs = (0..6).map(|index| {
        let (running, most) = (Arc::clone(&running), Arc::clone(&most));
        let watch = move |_: Arc<[Datum]>, logprobs: Tensor| {
            let (running, most) = (Arc::clone(&running), Arc::clone(&most));
            async move {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                running.fetch_sub(1, Ordering::SeqCst);
                Ok::<Penalty, Error>(logprobs.sum_all()?.into())
            }
        };
        RegularizerSpec::asynchronous(format!("r{index}"), 1.0, watch).unwrap()
    });
    let specs: Vec<_> = specs.collect();
    let two = Executor::new().with_max_concurrency(NonZeroUsize::new(2).unwrap());
    two.execute_all(&specs, NO_DATA, &logprobs()).await.unwrap();
    assert!(most.load(Ordering::SeqCst) <= 2);
}

#[tokio::test]
async fn specs_and_values_that_cannot_be_are_refused() {
    let new = |name: &str, weight| RegularizerSpec::new(name, weight, L1::new());
    assert_eq!(new("", 1.0).unwrap_err().field(), Some("name"));
    assert_eq!(new("l1", -0.5).unwrap_err().field(), Some("weight"));
    assert_eq!(new("l1", f64::NAN).unwrap_err().field(), Some("weight"));
    let nameless = |_: &[Datum], x: &Tensor| -> Result<Penalty, Error> { Ok(x.clone().into()) };
    assert!(RegularizerSpec::of(1.0, nameless).is_err());
    let vector = RegularizerSpec::new("vector", 1.0, nameless).unwrap();
    let error = Executor::new()
        .execute_one(&vector, NO_DATA, &logprobs())
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("[3]; reduce it to one number"),
        "{error}"
    );
}
