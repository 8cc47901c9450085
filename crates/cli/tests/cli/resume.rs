//! A run that was cut off goes on where it stopped.

use std::io::Write as _;

use gimmal_emulator::{Emulator, Route};

use crate::support::{Bench, example, finish, prompts, records};

#[test]
fn a_resumed_run_is_the_run_that_was_not_cut() {
    let bench = Bench::new();
    bench.write("prompts.jsonl", prompts(40));
    let handbook = example("handbook.md");
    let handbook = handbook.to_str().unwrap();
    let run = [
        "--json",
        "batch",
        "prompts.jsonl",
        "--output",
        "answers.jsonl",
        "--context",
        handbook,
        "--cache",
        "always",
    ];
    bench.run(run).code(0);
    let path = bench.path("answers.jsonl");
    let whole = records(&path);

    // The crash: ten answers are missing, one failed, and the last line is torn.
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let mut cut = std::fs::File::create(&path).unwrap();
    for line in &lines[..28] {
        writeln!(cut, "{line}").unwrap();
    }
    let failed = r#"{"id":"q28","index":28,"text":null,"finish_reason":null,"usage":{"prompt_tokens":0,"cached_tokens":0,"output_tokens":0,"thoughts_tokens":0,"total_tokens":0},"attempts":5,"latency_ms":1,"error":{"kind":"server","status":503,"message":"busy"}}"#;
    writeln!(cut, "{failed}").unwrap();
    write!(cut, "{}", &lines[29][..20]).unwrap();
    drop(cut);

    let summary = bench
        .run(run.into_iter().chain(["--resume"]))
        .code(0)
        .json();
    assert_eq!(
        (&summary["resumed"], &summary["left"]),
        (&28.into(), &0.into())
    );
    assert_eq!(summary["totals"]["items"], 40);
    assert_eq!(summary["totals"]["failures"], serde_json::json!({}));
    let answers = |records: &[serde_json::Value]| {
        let mut answers: Vec<_> = records
            .iter()
            .map(|record| {
                (
                    record["id"].clone(),
                    record["index"].clone(),
                    record["text"].clone(),
                )
            })
            .collect();
        answers.sort_by_key(|(_, index, _)| index.as_u64());
        answers
    };
    assert_eq!(answers(&records(&path)), answers(&whole));

    // Nothing is left to do, and doing nothing is fine: not even a cache is made.
    let summary = bench
        .run(run.into_iter().chain(["--resume"]))
        .code(0)
        .json();
    assert_eq!(summary["resumed"], 40);
    assert_eq!(summary["cache"]["created"], 0);
}

#[test]
fn results_of_other_settings_are_refused() {
    let bench = Bench::new();
    bench.write("prompts.jsonl", prompts(3));
    let run = [
        "batch",
        "prompts.jsonl",
        "--output",
        "answers.jsonl",
        "--resume",
    ];
    bench.run(run).code(0);
    for other in [
        &["--model", "gemini-2.5-pro"][..],
        &["--system", "x"],
        &["--temperature", "1"],
    ] {
        let ran = bench.run(run.iter().chain(other)).code(2);
        assert!(
            ran.err.contains("another model, context or settings"),
            "{}",
            ran.err
        );
    }
    bench.run(run).code(0);
}

#[test]
fn answers_do_not_move_to_other_prompts() {
    let bench = Bench::new();
    // Without ids the lines are named after their numbers, which an inserted line shifts.
    bench.write("prompts.jsonl", "{\"prompt\": \"How many hives?\"}\n");
    let run = [
        "batch",
        "prompts.jsonl",
        "--output",
        "answers.jsonl",
        "--resume",
    ];
    bench.run(run).code(0);
    bench.write(
        "prompts.jsonl",
        "{\"prompt\": \"New?\"}\n{\"prompt\": \"How many hives?\"}\n",
    );
    let ran = bench.run(run).code(2);
    assert!(
        ran.err.contains("answers another prompt than `line-1`"),
        "{}",
        ran.err
    );
    assert_eq!(records(&bench.path("answers.jsonl")).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_cache_is_named_and_found_again() {
    let emulator = Emulator::builder().start().await.unwrap();
    let bench = Bench::new();
    bench.write("prompts.jsonl", prompts(20));
    let handbook = example("handbook.md");
    let mut summaries = Vec::new();
    for _ in 0..2 {
        let run = [
            "--json",
            "batch",
            "prompts.jsonl",
            "--output",
            "answers.jsonl",
            "--overwrite",
        ];
        let mut command = bench.command_for(&emulator, run);
        command.args(["--keep-cache", "--context"]).arg(&handbook);
        summaries.push(finish(command).await.code(0).json());
    }
    let [first, second] = &summaries[..] else {
        panic!("two runs")
    };
    let note = first["cache_note"].as_str().unwrap();
    assert!(
        note.starts_with("kept: cachedContents/") && note.contains(" until 20"),
        "{note}"
    );
    let counts = |summary: &serde_json::Value| {
        ["created", "adopted", "retired"].map(|name| summary["cache"][name].as_u64().unwrap())
    };
    assert_eq!((counts(first), counts(second)), ([1, 0, 0], [0, 1, 0]));
    // The time may differ by a second: the first run counts it from the moment of asking.
    let named = |note: &str| note.split(" until ").next().map(str::to_owned);
    assert_eq!(named(note), named(second["cache_note"].as_str().unwrap()));
    assert_eq!(emulator.journal().count(Route::CreateCachedContent), 1);
    emulator.shutdown().await;
}

#[test]
fn results_of_other_prompts_are_refused() {
    let bench = Bench::new();
    bench.write("prompts.jsonl", prompts(3));
    let run = ["batch", "prompts.jsonl", "--output", "answers.jsonl"];
    bench.run(run).code(0);
    let before = std::fs::read(bench.path("answers.jsonl")).unwrap();
    bench.write(
        "prompts.jsonl",
        "{\"id\": \"other\", \"prompt\": \"What?\"}\n",
    );
    let ran = bench.run(run.into_iter().chain(["--resume"])).code(2);
    assert!(ran.err.contains("belongs to another run"), "{}", ran.err);
    assert_eq!(std::fs::read(bench.path("answers.jsonl")).unwrap(), before);
}
