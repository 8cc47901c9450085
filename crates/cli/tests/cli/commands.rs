//! The other commands, in one run against one emulator, and the help of all of them.

use gimmal_emulator::Emulator;
use serde_json::Value;

use crate::support::{Bench, Ran, example, finish};

/// Runs the command off the runtime that serves the emulator.
async fn run(bench: &Bench, emulator: &Emulator, args: &[&str]) -> Ran {
    finish(bench.command_for(emulator, args)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn caches_live_from_create_to_delete() {
    let emulator = Emulator::builder().start().await.unwrap();
    let bench = Bench::new();
    let handbook = example("handbook.md");
    let handbook = handbook.to_str().unwrap();
    let created = run(
        &bench,
        &emulator,
        &[
            "--json",
            "cache",
            "create",
            "--context",
            handbook,
            "--ttl",
            "30m",
            "--display-name",
            "book",
        ],
    )
    .await
    .code(0)
    .json();
    let name = created["name"].as_str().unwrap().to_owned();
    assert_eq!(created["displayName"], "book");

    let listed = run(&bench, &emulator, &["cache", "list"]).await.code(0);
    assert!(
        listed.out.contains(&name) && listed.out.contains("book"),
        "{}",
        listed.out
    );
    let asked = run(
        &bench,
        &emulator,
        &[
            "generate",
            "Which minimum does a context cache have?",
            "--cached-content",
            &name,
        ],
    )
    .await
    .code(0);
    assert!(!asked.out.trim().is_empty());

    let before = run(&bench, &emulator, &["--json", "cache", "get", &name])
        .await
        .code(0)
        .json();
    let renewed = run(
        &bench,
        &emulator,
        &["--json", "cache", "update", &name, "--ttl", "2h"],
    )
    .await;
    assert!(renewed.json()["expireTime"].as_str() > before["expireTime"].as_str());
    run(&bench, &emulator, &["cache", "delete", &name])
        .await
        .code(0);
    let gone = run(&bench, &emulator, &["cache", "get", &name])
        .await
        .code(3);
    assert!(gone.err.contains("CachedContent not found"), "{}", gone.err);
    let empty = run(&bench, &emulator, &["--json", "cache", "list"])
        .await
        .code(0);
    assert_eq!(empty.json(), serde_json::json!([]));
    emulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_come_whole_streamed_and_as_json() {
    let emulator = Emulator::builder().start().await.unwrap();
    let bench = Bench::new();
    bench.write(
        "ring.md",
        "A gimmal is a ring of two interlocked hoops. Rings are round.",
    );
    let question = [
        "generate",
        "How many hoops has a gimmal?",
        "--context",
        "ring.md",
    ];
    let whole = run(&bench, &emulator, &question).await.code(0);
    assert!(whole.out.contains("two interlocked hoops"), "{}", whole.out);
    let streamed = run(&bench, &emulator, &[&question[..], &["--stream"]].concat())
        .await
        .code(0);
    assert_eq!(streamed.out, whole.out);
    let chunks = run(
        &bench,
        &emulator,
        &[&question[..], &["--stream", "--json"]].concat(),
    )
    .await;
    assert!(
        chunks
            .out
            .lines()
            .all(|line| serde_json::from_str::<Value>(line).is_ok())
    );
    let limited = [&question[..], &["--max-output-tokens", "1", "--json"]].concat();
    let short = run(&bench, &emulator, &limited).await.code(0).json();
    assert_eq!(short["candidates"][0]["finishReason"], "MAX_TOKENS");

    let counted = run(&bench, &emulator, &["--json", "count", "--file", "ring.md"])
        .await
        .code(0);
    assert!(counted.json()["totalTokens"].as_u64().unwrap() > 10);
    run(&bench, &emulator, &["count"]).await.code(2);
    run(&bench, &emulator, &["count", "--model", "gemini-2.5-pro"])
        .await
        .code(2);
    run(&bench, &emulator, &["count", "text", "--file", "ring.md"])
        .await
        .code(2);
    emulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn models_are_listed_and_described() {
    let emulator = Emulator::builder().start().await.unwrap();
    let bench = Bench::new();
    let listed = run(&bench, &emulator, &["model", "list", "--limit", "3"])
        .await
        .code(0);
    assert!(listed.out.contains("models/"), "{}", listed.out);
    let model = run(
        &bench,
        &emulator,
        &["--json", "model", "get", "gemini-2.5-flash"],
    )
    .await
    .code(0)
    .json();
    assert_eq!(model["name"], "models/gemini-2.5-flash");
    let missing = run(&bench, &emulator, &["model", "get", "gemini-0"])
        .await
        .code(3);
    assert!(missing.err.starts_with("error: "), "{}", missing.err);
    emulator.shutdown().await;
}

#[test]
fn help_tells_what_there_is() {
    let bench = Bench::new();
    for args in [
        &["--help"][..],
        &["batch", "--help"],
        &["generate", "--help"],
        &["cache", "create", "--help"],
        &["emulator", "--help"],
    ] {
        // A fixed width keeps the text independent of the terminal.
        let mut command = bench.command(args);
        let ran = Ran::from(command.env("COLUMNS", "100").output().unwrap()).code(0);
        insta::assert_snapshot!(args.join("_").replace("--", ""), ran.out);
    }
}
