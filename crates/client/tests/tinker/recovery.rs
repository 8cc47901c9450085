//! A run that the server lost goes on from its last checkpoint.

use std::sync::Arc;
use std::time::Duration;

use gimmal_client::tinker::recovery::{RecoveryExecutor, RecoveryMonitor, RecoveryPolicy};
use gimmal_client::types::tinker::AdamParams;
use tokio::sync::mpsc;

use super::support::Bench;

/// Covers: CHK-REC-1, CHK-REC-5
#[tokio::test]
async fn chk_rec_1_a_lost_run_goes_on_from_its_last_checkpoint() {
    let bench = Bench::start().await;
    let training = bench.training().await;
    let saved = training.save_state("a").await.unwrap();
    let lost = training.model_id().to_owned();
    let runs = Arc::new(bench.service.create_rest_client());
    let policy = RecoveryPolicy::enabled().with_poll_interval(Duration::from_millis(20));
    let (sender, mut recovered) = mpsc::unbounded_channel();
    let executor = RecoveryExecutor::new(policy, runs, bench.service.clone()).on_recovery(
        move |old, new, path| {
            let old = old.unwrap().model_id().to_owned();
            sender.send((old, new.clone(), path.to_owned())).unwrap();
        },
    );
    let monitor = RecoveryMonitor::new(executor);
    monitor.watch(lost.as_str(), Some(training)).unwrap();
    assert!(bench.emulator.tinker().corrupt_run(&lost));
    let (old, new, path) = recovered.recv().await.unwrap();
    assert_eq!((old, path), (lost.clone(), saved.path));
    assert_ne!(new.model_id(), lost);
    new.optim_step(AdamParams::new()).await.unwrap();
}
