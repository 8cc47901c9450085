//! Ctrl-C: once finishes what is in flight, twice stops at once.
#![cfg(unix)]

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use gimmal_emulator::{Emulator, Fault, FaultRule, ManualClock, Route};
use serde_json::Value;

use crate::support::{Bench, prompts};

fn interrupt(child: &Child) {
    let status = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(status.success());
}

/// Starts a run that answers on standard output, each answer as soon as it is there.
fn start(bench: &Bench, base_url: &str) -> Child {
    bench.write("prompts.jsonl", prompts(200));
    bench
        .command([
            "--base-url",
            base_url,
            "batch",
            "prompts.jsonl",
            "--output",
            "-",
        ])
        .args(["--concurrency", "4", "--order", "completion"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn once_finishes_what_is_in_flight() {
    let slow = FaultRule::new(Fault::delay(Duration::from_millis(20))).on(Route::GenerateContent);
    let emulator = Emulator::builder().with_fault(slow).start().await.unwrap();
    let bench = Bench::new();
    let mut child = start(&bench, emulator.base_url());
    let work = tokio::task::spawn_blocking(move || {
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut answers = String::new();
        out.read_line(&mut answers).unwrap();
        interrupt(&child);
        out.read_to_string(&mut answers).unwrap();
        let mut err = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut err)
            .unwrap();
        (answers, err, child.wait().unwrap().code())
    });
    let (answers, err, code) = work.await.unwrap();
    assert_eq!(code, Some(130), "{err}");
    let answers: Vec<Value> = answers
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(answers.len() < 200, "the run was not stopped");
    assert!(
        answers.iter().all(|answer| answer["error"].is_null()),
        "{answers:?}"
    );
    assert!(err.contains("finishing what is in flight"), "{err}");
    assert!(err.contains("left for --resume"), "{err}");
    emulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twice_stops_at_once() {
    // After a few answers the service falls silent: this clock never moves.
    let silent = FaultRule::new(Fault::delay(Duration::from_secs(3600)))
        .on(Route::GenerateContent)
        .after(3);
    let emulator = Emulator::builder()
        .with_clock(Arc::new(ManualClock::new()))
        .with_fault(silent)
        .start()
        .await
        .unwrap();
    let bench = Bench::new();
    let mut child = start(&bench, emulator.base_url());
    let work = tokio::task::spawn_blocking(move || {
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut err = BufReader::new(child.stderr.take().unwrap());
        out.read_line(&mut String::new()).unwrap();
        interrupt(&child);
        let mut line = String::new();
        while !line.contains("finishing what is in flight") {
            line.clear();
            assert_ne!(
                err.read_line(&mut line).unwrap(),
                0,
                "the command ended early"
            );
        }
        interrupt(&child);
        child.wait().unwrap().code()
    });
    let code = tokio::time::timeout(Duration::from_secs(60), work)
        .await
        .expect("it hangs");
    assert_eq!(code.unwrap(), Some(130));
    emulator.shutdown().await;
}
