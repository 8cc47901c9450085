//! `gimmal batch` with other inputs, limits, a journal, reports, jobs of the service and workers.

use gimmal_emulator::{Emulator, Fault, FaultRule, Route, ScriptedReply};
use serde_json::{Value, json};

use crate::support::{Bench, finish, prompts, records};

const OUT: [&str; 2] = ["--output", "answers.jsonl"];

/// Covers: AC-XT-1
#[tokio::test(flavor = "multi_thread")]
async fn the_same_prompts_come_to_the_same_answers_in_every_form() {
    let emulator = Emulator::builder().start().await.unwrap();
    let bench = Bench::new();
    let prompts = ["What is a hoop?", "What is a ring?"];
    std::fs::create_dir(bench.path("folder")).unwrap();
    bench.write("folder/a", prompts[0]);
    bench.write("folder/b", prompts[1]);
    let lines = |row: &dyn Fn(&str, &str) -> Value| -> String {
        let rows = ["a", "b"].into_iter().zip(prompts);
        rows.map(|(id, prompt)| format!("{}\n", row(id, prompt)))
            .collect()
    };
    let own = lines(&|id, prompt| json!({"id": id, "prompt": prompt}));
    bench.write("own.jsonl", &own);
    bench.write(
        "gemini.jsonl",
        lines(&|id, prompt| {
            json!({"key": id, "request": {"contents": [{"parts": [{"text": prompt}]}]}})
        }),
    );
    bench.write(
        "openai.jsonl",
        lines(&|id, prompt| {
            json!({"custom_id": id, "method": "POST", "url": "/v1/chat/completions", "body": {
                "model": "any", "messages": [{"role": "user", "content": prompt}]}})
        }),
    );
    bench.write(
        "table.csv",
        format!("id,prompt\na,{}\nb,{}\n", prompts[0], prompts[1]),
    );
    bench.write("lines.txt", prompts.join("\n"));
    let mut golden: Option<Vec<Value>> = None;
    for input in [
        "own.jsonl",
        "gemini.jsonl",
        "openai.jsonl",
        "table.csv",
        "lines.txt",
        "folder",
        "-",
    ] {
        let args = ["batch", input, "--overwrite"];
        let mut command = bench.command_for(&emulator, args.iter().chain(&OUT));
        command.stdin(std::fs::File::open(bench.path("own.jsonl")).unwrap());
        finish(command).await.code(0);
        let mut rows = records(&bench.path("answers.jsonl"));
        for row in &mut rows {
            // Lines have no names of their own, and time is time.
            if input == "lines.txt" {
                let name = if row["id"] == "line-1" { "a" } else { "b" };
                row["id"] = name.into();
                row["digest"] =
                    golden.as_ref().unwrap()[row["index"].as_u64().unwrap() as usize]["digest"]
                        .clone();
            }
            row["latency_ms"] = 0.into();
            assert!(
                row["text"].is_string() && row["error"].is_null(),
                "{input}: {row}"
            );
        }
        let golden = golden.get_or_insert_with(|| rows.clone());
        assert_eq!(&rows, golden, "{input}");
    }
    emulator.shutdown().await;
}

/// Covers: AC-XT-1
#[tokio::test(flavor = "multi_thread")]
async fn tables_lines_and_folders_are_inputs_too() {
    let emulator = Emulator::builder().start().await.unwrap();
    let bench = Bench::new();
    bench.write(
        "t.csv",
        "id,text,lang\na,Good day,French\nb,\"Well, well\",German\n",
    );
    let args = ["batch", "t.csv", "--template", "Say {text} in {lang}"];
    finish(bench.command_for(&emulator, args.iter().chain(&OUT)))
        .await
        .code(0);
    let answers = records(&bench.path("answers.jsonl"));
    assert_eq!(
        (&answers[0]["id"], &answers[1]["id"]),
        (&"a".into(), &"b".into())
    );
    assert_eq!(answers[1]["context"]["lang"], "German");
    let last = emulator.journal().requests(Route::GenerateContent);
    let sent: Vec<String> = last
        .iter()
        .map(|request| request.body().unwrap()["contents"].to_string())
        .collect();
    assert!(
        sent.iter()
            .any(|body| body.contains("Say Well, well in German")),
        "{sent:?}"
    );

    bench.write("two.txt", "What is a hoop?\n\nWhat is a ring?\n");
    let args = ["batch", "two.txt", "--overwrite"];
    finish(bench.command_for(&emulator, args.iter().chain(&OUT)))
        .await
        .code(0);
    let answers = records(&bench.path("answers.jsonl"));
    assert_eq!(
        (&answers[0]["id"], &answers[1]["id"]),
        (&"line-1".into(), &"line-3".into())
    );

    std::fs::create_dir(bench.path("notes")).unwrap();
    bench.write("notes/one.md", "Sum this up.");
    bench.write("notes/.hidden", "Not this.");
    let args = ["batch", "notes", "--overwrite"];
    finish(bench.command_for(&emulator, args.iter().chain(&OUT)))
        .await
        .code(0);
    let answers = records(&bench.path("answers.jsonl"));
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0]["id"], "one.md");
    emulator.shutdown().await;
}

#[test]
fn a_template_that_names_no_column_is_told_before_anything_is_sent() {
    let bench = Bench::new();
    bench.write("t.csv", "id,text\na,Good day\n");
    let args = ["batch", "t.csv", "--template", "{body}"];
    let ran = bench.run(args.iter().chain(&OUT)).code(2);
    assert!(
        ran.err.contains("has no `body`, which the template names"),
        "{}",
        ran.err
    );
    // Once for all rows alike.
    bench.write("t.csv", "id,text\na,Good day\nb,Well\nc,Thanks\n");
    let args = ["batch", "t.csv", "--template", "{body}"];
    let ran = bench.run(args.iter().chain(&OUT)).code(2);
    assert_eq!(ran.err.matches("has no `body`").count(), 1, "{}", ran.err);
    assert!(ran.err.contains("(and 2 more like it)"), "{}", ran.err);
    // A folder's file by its name.
    std::fs::create_dir(bench.path("notes")).unwrap();
    bench.write("notes/one.md", "Sum this up.");
    bench.write("notes/two.md", "");
    let ran = bench.run(["batch", "notes"].iter().chain(&OUT)).code(2);
    assert!(
        ran.err.contains("two.md: has an empty `prompt`"),
        "{}",
        ran.err
    );
    let args = ["batch", "t.csv", "--template", "{text"];
    let ran = bench.run(args.iter().chain(&OUT)).code(2);
    assert!(
        ran.err.contains("a brace that is not closed"),
        "{}",
        ran.err
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_estimates_and_sends_nothing() {
    let emulator = Emulator::builder().start().await.unwrap();
    let bench = Bench::new();
    bench.write("prompts.jsonl", prompts(30));
    bench.write(
        "context.md",
        "A gimmal is a ring of two hoops. ".repeat(500),
    );
    let args = [
        "--json",
        "batch",
        "prompts.jsonl",
        "--context",
        "context.md",
        "--dry-run",
        "--rpm",
        "10",
    ];
    let ran = finish(bench.command_for(&emulator, args.iter().chain(&OUT))).await;
    let plan = ran.code(0).json();
    assert_eq!(plan["items"], 30);
    // Ten a minute: the thirtieth goes 29 times six seconds after the first.
    assert_eq!(plan["seconds_at_least"], 174.0);
    let (without, with) = (&plan["without_cache_usd"], &plan["with_cache_usd"]);
    assert!(without.as_f64().unwrap() > with.as_f64().unwrap());
    assert!(!bench.path("answers.jsonl").exists());
    assert!(
        emulator
            .journal()
            .requests(Route::GenerateContent)
            .is_empty()
    );
    emulator.shutdown().await;
}

/// Covers: AC-XT-3
#[tokio::test(flavor = "multi_thread")]
async fn a_spent_budget_ends_the_run_and_a_larger_one_goes_on() {
    let emulator = Emulator::builder().start().await.unwrap();
    let bench = Bench::new();
    bench.write("prompts.jsonl", prompts(40));
    let limited = [
        "batch",
        "prompts.jsonl",
        "--budget-tokens",
        "100",
        "--concurrency",
        "2",
    ];
    let ran = finish(bench.command_for(&emulator, limited.iter().chain(&OUT)))
        .await
        .code(3);
    assert!(ran.err.contains("tokens are used"), "{}", ran.err);
    let first = records(&bench.path("answers.jsonl")).len();
    assert!((1..40).contains(&first), "{first}");
    let resumed = ["batch", "prompts.jsonl", "--resume"];
    finish(bench.command_for(&emulator, resumed.iter().chain(&OUT)))
        .await
        .code(0);
    assert_eq!(records(&bench.path("answers.jsonl")).len(), 40);
    assert_eq!(emulator.journal().count(Route::GenerateContent), 40);
    emulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_its_journal_answers_makes_no_cache() {
    let emulator = Emulator::builder().start().await.unwrap();
    let bench = Bench::new();
    bench.write("prompts.jsonl", prompts(20));
    let context = "A gimmal is a ring of two hoops. ".repeat(2_000);
    bench.write("context.md", context);
    let args = [
        "batch",
        "prompts.jsonl",
        "--context",
        "context.md",
        "--cache",
        "always",
        "--overwrite",
        "--concurrency",
        "2",
        "--journal",
        "run.journal",
    ];
    let run = |emulator: &Emulator, more: &[&str]| {
        finish(bench.command_for(emulator, args.iter().chain(&OUT).chain(more)))
    };
    run(&emulator, &["--budget-tokens", "100"]).await.code(3);
    assert_eq!(emulator.journal().count(Route::CreateCachedContent), 1);
    // The others need one, and where it is refused they are not asked one by one.
    let refusal = ScriptedReply::error(401, "UNAUTHENTICATED", "no such key");
    let refusing = FaultRule::new(Fault::reply(refusal));
    let refusing = Emulator::builder().with_fault(refusing).start();
    let refusing = refusing.await.unwrap();
    let refused = run(&refusing, &[]).await.code(3);
    assert!(
        refused.err.contains("the run was stopped"),
        "{}",
        refused.err
    );
    assert_eq!(refusing.journal().count(Route::GenerateContent), 0);
    refusing.shutdown().await;
    run(&emulator, &[]).await.code(0);
    assert_eq!(emulator.journal().count(Route::CreateCachedContent), 2);
    // Then all of them are there.
    let counts = || {
        let routes = [
            Route::CreateCachedContent,
            Route::CountTokens,
            Route::GenerateContent,
        ];
        routes.map(|route| emulator.journal().count(route))
    };
    let before = counts();
    run(&emulator, &[]).await.code(0);
    assert_eq!(counts(), before);
    assert_eq!(records(&bench.path("answers.jsonl")).len(), 20);
    emulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_answers_the_next_run_and_reports_are_written() {
    let emulator = Emulator::builder().start().await.unwrap();
    let bench = Bench::new();
    bench.write("prompts.jsonl", prompts(20));
    let args = [
        "batch",
        "prompts.jsonl",
        "--journal",
        "run.journal",
        "--report",
        "report.html",
        "--metrics",
        "metrics.prom",
        "--overwrite",
        "--dedup",
    ];
    for _ in 0..2 {
        finish(bench.command_for(&emulator, args.iter().chain(&OUT)))
            .await
            .code(0);
        assert_eq!(records(&bench.path("answers.jsonl")).len(), 20);
    }
    assert_eq!(emulator.journal().count(Route::GenerateContent), 20);
    let html = std::fs::read_to_string(bench.path("report.html")).unwrap();
    assert!(html.starts_with("<!DOCTYPE html>"));
    assert!(html.matches("<svg").count() >= 3);
    for elsewhere in ["http://", "https://", "<script"] {
        let found = html.replace("http://www.w3.org/2000/svg", "");
        assert!(!found.contains(elsewhere), "{elsewhere}");
    }
    let metrics = std::fs::read_to_string(bench.path("metrics.prom")).unwrap();
    assert!(
        metrics.contains("gimmal_batch_items_total{result=\"replayed\"} 20\n"),
        "{metrics}"
    );
    // Other prompts do not belong to this journal.
    bench.write("prompts.jsonl", prompts(21));
    let ran = finish(bench.command_for(&emulator, args.iter().chain(&OUT)))
        .await
        .code(2);
    assert!(ran.err.contains("belongs to other inputs"), "{}", ran.err);
    emulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn prompts_go_through_batch_jobs_of_the_service() {
    let emulator = Emulator::builder()
        .with_job_pace(std::time::Duration::ZERO, std::time::Duration::ZERO)
        .start()
        .await
        .unwrap();
    let bench = Bench::new();
    bench.write("prompts.jsonl", prompts(12));
    let args = ["batch", "prompts.jsonl", "--engine", "gemini-batch"];
    let ran = finish(bench.command_for(&emulator, args.iter().chain(&OUT)))
        .await
        .code(0);
    assert!(ran.err.contains("handed in with 12 prompts"), "{}", ran.err);
    let answers = records(&bench.path("answers.jsonl"));
    assert_eq!(answers.len(), 12);
    assert!(answers.iter().all(|answer| answer["text"].is_string()));
    assert!(answers.iter().all(|answer| answer["by_batch_job"] == true));
    // They cost half, and the closing table says so.
    assert!(ran.out.contains("batch jobs at half"), "{}", ran.out);
    assert!(ran.out.contains("saved by batch jobs"), "{}", ran.out);
    assert_eq!(emulator.journal().count(Route::CreateBatch), 1);
    assert_eq!(emulator.journal().count(Route::GenerateContent), 0);
    assert!(!bench.path("answers.jsonl.jobs").exists());
    emulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_progress_tells_the_cost_and_the_pauses() {
    let refusal = Fault::rate_limited(std::time::Duration::from_millis(50));
    let refusal = FaultRule::new(refusal).on(Route::GenerateContent);
    let emulator = Emulator::builder()
        .with_fault(refusal.at_most(1))
        .start()
        .await
        .unwrap();
    let bench = Bench::new();
    bench.write("prompts.jsonl", prompts(3));
    let ran = finish(bench.command_for(&emulator, ["batch", "prompts.jsonl"].iter().chain(&OUT)))
        .await
        .code(0);
    let last = ran.err.lines().find(|line| line.starts_with("3 of 3 done"));
    let last = last.unwrap_or_else(|| panic!("{}", ran.err));
    assert!(
        last.contains("$0.000") && last.contains("1 pause"),
        "{last}"
    );
    emulator.shutdown().await;
}

#[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
fn skipped() {
    eprintln!("skipped: there is no redis-server");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_answer_the_prompts_of_a_queue() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let redis = std::process::Command::new("redis-server")
        .args([
            "--port",
            &port.to_string(),
            "--save",
            "",
            "--appendonly",
            "no",
        ])
        .stdout(std::process::Stdio::null())
        .spawn();
    let Ok(mut redis) = redis else {
        return skipped();
    };
    let url = format!("redis://127.0.0.1:{port}");
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let emulator = Emulator::builder().start().await.unwrap();
    let bench = Bench::new();
    bench.write("prompts.jsonl", prompts(60));
    bench.write(
        "context.md",
        "A gimmal is a ring of two hoops that part. ".repeat(800),
    );
    let producer = [
        "batch",
        "prompts.jsonl",
        "--context",
        "context.md",
        "--queue",
        &url,
        "--metrics",
        "run.prom",
        "--report",
        "run.html",
        "--manifest",
        "run.json",
        "--json",
    ];
    let producer = finish(bench.command_for(&emulator, producer.iter().chain(&OUT)));
    let worker = || finish(bench.command_for(&emulator, ["batch-worker", "--queue", &url]));
    let (produced, one, other) = tokio::join!(producer, worker(), worker());
    let summary = produced.code(0).json();
    let said = one.code(0).out + &other.code(0).out;
    let answered: u64 = said
        .lines()
        .map(|line| line.split(' ').next().unwrap().parse::<u64>().unwrap())
        .sum();
    assert_eq!(answered, 60, "{said}");
    let answers: Vec<Value> = records(&bench.path("answers.jsonl"));
    assert_eq!(answers.len(), 60);
    assert!(answers.iter().all(|answer| answer["text"].is_string()));
    assert_eq!(emulator.journal().count(Route::CreateCachedContent), 1);
    // What workers did is in every report, and their cache is paid for and deleted.
    let metrics = std::fs::read_to_string(bench.path("run.prom")).unwrap();
    let line = r#"items_total{result="succeeded"} 60"#;
    assert!(metrics.contains(line), "{metrics}");
    let report = std::fs::read_to_string(bench.path("run.html")).unwrap();
    let items = "<tr><th>items</th><td>60</td></tr>";
    assert!(report.contains(items), "{report}");
    let manifest = std::fs::read_to_string(bench.path("run.json")).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    let this_run = &manifest["this_run"];
    assert_eq!(this_run["succeeded"], 60, "{this_run}");
    assert_eq!(this_run["requests"], 60, "{this_run}");
    let usage = &summary["totals"]["usage"];
    assert_eq!(&this_run["tokens"], usage, "{this_run}");
    let cache = &summary["cache"];
    assert_eq!([&cache["created"], &cache["retired"]], [1, 1], "{cache}");
    assert!(
        cache["creation_tokens"].as_u64().unwrap() > 1_000,
        "{cache}"
    );
    let upkeep = &summary["cost"]["cache_upkeep_usd"];
    assert!(upkeep.as_f64().unwrap() > 0.0, "{upkeep}");
    assert_eq!(emulator.journal().count(Route::DeleteCachedContent), 1);
    redis.kill().unwrap();
    redis.wait().unwrap();
    emulator.shutdown().await;
}
