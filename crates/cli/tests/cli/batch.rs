//! `gimmal batch` when all goes well, or nearly.

use std::collections::HashSet;

use gimmal_emulator::Emulator;
use serde_json::Value;

use crate::support::{Bench, example, finish, prompts, records};

fn main_job(bench: &Bench, more: &[&str]) -> crate::support::Ran {
    let (questions, handbook) = (example("questions.jsonl"), example("handbook.md"));
    let (questions, handbook) = (questions.to_str().unwrap(), handbook.to_str().unwrap());
    let mut args = vec![
        "batch",
        questions,
        "--context",
        handbook,
        "--output",
        "answers.jsonl",
    ];
    args.extend(more);
    bench.run(args)
}

fn number(value: &Value, path: &str) -> u64 {
    let found = value
        .pointer(path)
        .unwrap_or_else(|| panic!("no {path} in {value}"));
    found
        .as_u64()
        .unwrap_or_else(|| panic!("{path} is {found}"))
}

#[test]
fn the_handbook_answers_its_questions() {
    let bench = Bench::new();
    let ran = main_job(&bench, &[]).code(0);
    assert!(ran.err.contains("embedded emulator"), "{}", ran.err);
    assert!(ran.out.contains("saved by the cache"), "{}", ran.out);

    let records = records(&bench.path("answers.jsonl"));
    assert!(records.len() >= 200);
    let checkable: Vec<_> = records
        .iter()
        .filter_map(|record| Some((record, record["context"]["expected"].as_str()?)))
        .collect();
    assert!(checkable.len() >= 200);
    let right = checkable.iter().filter(|(record, expected)| {
        record["text"]
            .as_str()
            .is_some_and(|text| text.contains(expected))
    });
    let right = right.count();
    assert!(
        right * 10 >= checkable.len() * 9,
        "{right} of {} are right",
        checkable.len()
    );
}

#[test]
fn the_summary_is_the_sum_of_the_records() {
    let bench = Bench::new();
    let summary = main_job(&bench, &["--json", "--order", "completion"])
        .code(0)
        .json();
    let records = records(&bench.path("answers.jsonl"));
    let sum = |path: &str| {
        records
            .iter()
            .map(|record| number(record, path))
            .sum::<u64>()
    };

    assert_eq!(number(&summary, "/totals/items"), records.len() as u64);
    assert_eq!(number(&summary, "/totals/succeeded"), records.len() as u64);
    assert_eq!(number(&summary, "/totals/attempts"), sum("/attempts"));
    for name in [
        "prompt_tokens",
        "cached_tokens",
        "output_tokens",
        "thoughts_tokens",
        "total_tokens",
    ] {
        assert_eq!(
            number(&summary, &format!("/totals/usage/{name}")),
            sum(&format!("/usage/{name}"))
        );
    }
    let (prompt, cached) = (sum("/usage/prompt_tokens"), sum("/usage/cached_tokens"));
    assert!(
        cached * 10 > prompt * 8,
        "{cached} of {prompt} prompt tokens were cached"
    );
    let rate = summary["cache_hit_rate"].as_f64().unwrap();
    assert!((rate - 100.0 * cached as f64 / prompt as f64).abs() < 1e-9);
    // gemini-2.5-flash: 0.30 plain, 0.03 cached, 2.50 out, 1.00 per hour, in USD per million.
    assert_eq!(
        number(&summary, "/effective_input_tokens"),
        prompt - cached * 9 / 10
    );
    let output = sum("/usage/output_tokens") as f64 * 2.5e-6;
    let without = prompt as f64 * 0.3e-6 + output;
    let replies = (prompt - cached) as f64 * 0.3e-6 + cached as f64 * 0.03e-6 + output;
    let upkeep = number(&summary, "/cache/creation_tokens") as f64 * 0.3e-6
        + summary["cache"]["storage_token_hours"].as_f64().unwrap() * 1e-6;
    let cost = |name: &str| summary["cost"][name].as_f64().unwrap();
    assert!((cost("without_cache_usd") - without).abs() < 1e-9);
    assert!((cost("with_cache_usd") - replies - upkeep).abs() < 1e-9);
    assert!((cost("saved_usd") - (without - replies - upkeep)).abs() < 1e-9);
    assert_eq!(number(&summary, "/cache/created"), 1);
    assert_eq!(number(&summary, "/cache/retired"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_items_are_neither_lost_nor_doubled() {
    let emulator = Emulator::builder()
        .with_journal_capacity(0)
        .start()
        .await
        .unwrap();
    let bench = Bench::new();
    bench.write("prompts.jsonl", prompts(2_000));
    let handbook = example("handbook.md");
    let command = bench.command_for(
        &emulator,
        [
            "--json",
            "batch",
            "prompts.jsonl",
            "--context",
            handbook.to_str().unwrap(),
            "--output",
            "answers.jsonl",
            "--concurrency",
            "256",
        ],
    );
    let summary = finish(command).await.code(0).json();
    let records = records(&bench.path("answers.jsonl"));
    let ids: Vec<&str> = records
        .iter()
        .filter_map(|record| record["id"].as_str())
        .collect();
    let expected: Vec<String> = (0..2_000).map(|i| format!("q{i}")).collect();
    assert_eq!(ids, expected, "answers come in the order of the prompts");
    if cfg!(target_os = "linux") {
        let peak = number(&summary, "/peak_memory_bytes");
        assert!(peak < 100 * 1024 * 1024, "the command took {peak} bytes");
    }
    emulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_item_does_not_stop_the_rest() {
    let emulator = Emulator::builder()
        .with_blocked_phrase("gimmal 3?")
        .start()
        .await
        .unwrap();
    let bench = Bench::new();
    bench.write("prompts.jsonl", prompts(6));
    let command = bench.command_for(
        &emulator,
        ["batch", "prompts.jsonl", "--output", "answers.jsonl"],
    );
    let ran = finish(command).await.code(1);
    assert!(ran.out.contains("failed: content_blocked"), "{}", ran.out);
    let failed: Vec<_> = records(&bench.path("answers.jsonl"))
        .into_iter()
        .filter(|record| !record["error"].is_null())
        .collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(
        (&failed[0]["id"], &failed[0]["error"]["category"]),
        (&"q3".into(), &"content_blocked".into())
    );
    assert!(
        number(&failed[0], "/usage/prompt_tokens") > 0,
        "a withheld reply is billed too: {failed:?}"
    );
    emulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_one_error() {
    let emulator = Emulator::builder()
        .with_api_key("right")
        .start()
        .await
        .unwrap();
    let bench = Bench::new();
    bench.write("prompts.jsonl", prompts(50));
    let mut command = bench.command_for(
        &emulator,
        ["batch", "prompts.jsonl", "--output", "answers.jsonl"],
    );
    command.env("GEMINI_API_KEY", "not-the-right-one");
    let ran = finish(command).await.code(3);
    assert_eq!(
        ran.err.matches("API key not valid").count(),
        1,
        "{}",
        ran.err
    );
    assert!(!format!("{}{}", ran.err, ran.out).contains("not-the-right-one"));
    assert!(records(&bench.path("answers.jsonl")).is_empty());

    // Not even with --overwrite does a wrong key cost the answers that are there.
    bench.write("answers.jsonl", "precious");
    let handbook = example("handbook.md");
    for context in [None, Some(handbook)] {
        let mut command = bench.command_for(&emulator, ["batch", "prompts.jsonl"]);
        command.args(["--output", "answers.jsonl", "--overwrite"]);
        command.args(
            context
                .iter()
                .flat_map(|path| ["--context".as_ref(), path.as_os_str()]),
        );
        command.env("GEMINI_API_KEY", "not-the-right-one");
        finish(command).await.code(3);
        assert_eq!(
            std::fs::read_to_string(bench.path("answers.jsonl")).unwrap(),
            "precious"
        );
    }
    emulator.shutdown().await;
}

#[test]
fn results_on_standard_output_stand_alone() {
    let bench = Bench::new();
    bench.write("prompts.jsonl", prompts(5));
    let ran = bench
        .run(["batch", "prompts.jsonl", "--output", "-"])
        .code(0);
    let ids: HashSet<String> = ran
        .out
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["id"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(ids.len(), 5);
    assert!(ran.err.contains("answered"), "{}", ran.err);
}

#[test]
fn prices_can_be_replaced() {
    let bench = Bench::new();
    bench.write("prompts.jsonl", prompts(2));
    let unknown = r#"{"version": "x", "models": []}"#;
    bench.write("prices.json", unknown);
    let args = [
        "batch",
        "prompts.jsonl",
        "--output",
        "answers.jsonl",
        "--prices",
        "prices.json",
    ];
    let ran = bench.run(args).code(0);
    assert!(ran.out.contains("no prices for this model"), "{}", ran.out);
    bench.write("prices.json", "[]");
    let ran = bench.run(args.into_iter().chain(["--overwrite"])).code(2);
    assert!(ran.err.contains("prices.json: model table"), "{}", ran.err);
}

#[test]
fn a_service_that_is_not_there_is_one_error() {
    // Nothing listens on a port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let bench = Bench::new();
    bench.write("prompts.jsonl", prompts(3));
    let base_url = format!("http://127.0.0.1:{port}/");
    let args = [
        "--base-url",
        &base_url,
        "batch",
        "prompts.jsonl",
        "--output",
        "answers.jsonl",
    ];
    let once = ["--max-attempts", "1"];
    let ran = bench.run(args.into_iter().chain(once)).code(3);
    assert!(
        ran.err
            .contains("first item that failed (connection_error): q"),
        "{}",
        ran.err
    );
    assert!(
        ran.err.contains("the service could not be reached"),
        "{}",
        ran.err
    );
}

#[test]
fn a_model_that_is_not_there_is_one_error() {
    let bench = Bench::new();
    bench.write("prompts.jsonl", prompts(30));
    let args = [
        "batch",
        "prompts.jsonl",
        "--output",
        "answers.jsonl",
        "--model",
        "gemini-0",
    ];
    let ran = bench.run(args).code(3);
    assert_eq!(
        ran.err.matches("models/gemini-0 is not found").count(),
        1,
        "{}",
        ran.err
    );
}

#[test]
fn it_says_why_no_cache_was_used() {
    let bench = Bench::new();
    bench.write("prompts.jsonl", prompts(3));
    bench.write("short.md", "A gimmal is a ring of two interlocked hoops.");
    let run = [
        "batch",
        "prompts.jsonl",
        "--output",
        "answers.jsonl",
        "--overwrite",
        "--context",
    ];
    let short = bench.run(run.into_iter().chain(["short.md"])).code(0);
    assert!(
        short.out.contains("gemini-2.5-flash takes 2,048 or more"),
        "{}",
        short.out
    );
    assert!(!short.out.contains("saved by the cache"), "{}", short.out);
    let handbook = example("handbook.md");
    let handbook = handbook.to_str().unwrap();
    let off = bench
        .run(run.into_iter().chain([handbook, "--cache", "off"]))
        .code(0);
    assert!(off.out.contains("not used: switched off"), "{}", off.out);
    let cut = ["--max-output-tokens", "1"];
    let cut = bench
        .run(run.into_iter().chain(["short.md"]).chain(cut))
        .code(0);
    assert!(
        cut.out.contains("cut off by the token limit"),
        "{}",
        cut.out
    );
}
