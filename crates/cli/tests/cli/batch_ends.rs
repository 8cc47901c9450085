//! How `gimmal batch` ends, by its exit code, and what is on standard output until then.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use gimmal_emulator::{Emulator, Fault, FaultRule, Route};
use serde_json::Value;

use crate::support::{Bench, Ran, finish, prompts, records};

const RUN: [&str; 4] = ["batch", "prompts.jsonl", "--output", "answers.jsonl"];

/// Runs forty prompts with more arguments against an emulator.
async fn run(emulator: &Emulator, bench: &Bench, more: &[&str]) -> Ran {
    bench.write("prompts.jsonl", prompts(40));
    let args = RUN.iter().chain(more);
    finish(bench.command_for(emulator, args)).await
}

/// Covers: AC-XT-3
#[tokio::test(flavor = "multi_thread")]
async fn the_exit_code_says_how_it_went() {
    let emulator = Emulator::builder().start().await.unwrap();
    let bench = Bench::new();
    // All is well.
    run(&emulator, &bench, &[]).await.code(0);
    // The command line or the input is wrong.
    run(
        &emulator,
        &bench,
        &["--fail-fast", "colours", "--overwrite"],
    )
    .await
    .code(2);
    run(&emulator, &bench, &[]).await.code(2);
    // A limit of the run was reached.
    let spent = run(&emulator, &bench, &["--overwrite", "--budget-tokens", "50"])
        .await
        .code(3);
    assert!(spent.err.contains("--resume"), "{}", spent.err);
    let strict = ["--overwrite", "--budget-tokens", "50", "--budget-strict"];
    let before = emulator.journal().count(Route::GenerateContent);
    let strict = run(&emulator, &bench, &strict).await.code(3);
    assert!(
        strict.err.contains("the next call takes about"),
        "{}",
        strict.err
    );
    assert_eq!(emulator.journal().count(Route::GenerateContent), before);
    emulator.shutdown().await;

    // Some prompts failed.
    let refusal = Fault::reply(gimmal_emulator::ScriptedReply::error(
        400,
        "INVALID_ARGUMENT",
        "no",
    ));
    let refusal = FaultRule::new(refusal)
        .on(Route::GenerateContent)
        .at_most(3);
    let emulator = Emulator::builder()
        .with_fault(refusal)
        .start()
        .await
        .unwrap();
    let failed = run(&emulator, &bench, &["--overwrite"]).await.code(1);
    assert!(
        failed.err.contains("first item that failed (client_error)"),
        "{}",
        failed.err
    );
    assert!(!failed.err.contains("ERROR"), "told once:\n{}", failed.err);
    emulator.shutdown().await;
    // One failure is enough for who wants it so, and nobody answers at all.
    let refusal = Fault::reply(gimmal_emulator::ScriptedReply::error(
        403,
        "PERMISSION_DENIED",
        "not yours",
    ));
    let refusal = FaultRule::new(refusal)
        .on(Route::GenerateContent)
        .at_most(1);
    let emulator = Emulator::builder()
        .with_fault(refusal)
        .start()
        .await
        .unwrap();
    run(
        &emulator,
        &bench,
        &["--overwrite", "--fail-fast", "permission_denied"],
    )
    .await
    .code(3);
    let gone = emulator.base_url().to_owned();
    emulator.shutdown().await;
    let unreached = ["--base-url", &gone, "--overwrite", "--max-attempts", "1"];
    let unreached = finish(bench.command(RUN.iter().chain(&unreached)))
        .await
        .code(3);
    assert!(
        unreached.err.contains("could not be reached"),
        "{}",
        unreached.err
    );
}

/// Covers: AC-XT-3
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_has_a_code_of_its_own() {
    let emulator = Emulator::builder().start().await.unwrap();
    let bench = Bench::new();
    bench.write("prompts.jsonl", prompts(40));
    let args = [
        "batch",
        "prompts.jsonl",
        "--output",
        "/dev/full",
        "--overwrite",
    ];
    let ran = finish(bench.command_for(&emulator, args)).await.code(4);
    let said = "cannot write the output /dev/full: No space left on device";
    assert!(ran.err.contains(said), "{}", ran.err);
    emulator.shutdown().await;
}

/// The same command where no file may grow beyond so many blocks of 512 bytes, as on a full disk.
#[cfg(unix)]
fn with_small_files(command: &Command, blocks: u32) -> Command {
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
    let mut limited = Command::new("sh");
    limited
        .args(["-c", &script, "sh"])
        .arg(command.get_program());
    limited.args(command.get_args());
    limited.current_dir(command.get_current_dir().unwrap());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    limited
}

/// Covers: AC-XT-3
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_cannot_be_written_ends_the_run_and_loses_nothing() {
    let emulator = Emulator::builder().start().await.unwrap();
    let bench = Bench::new();
    bench.write("prompts.jsonl", prompts(200));
    let args = [
        "batch",
        "prompts.jsonl",
        "--journal",
        "run.journal",
        "--output",
        "-",
    ];
    let limited = with_small_files(&bench.command_for(&emulator, args), 16);
    let ran = finish(limited).await.code(4);
    assert!(
        ran.err
            .contains("the run was stopped: cannot write the journal: "),
        "{}",
        ran.err
    );
    let seen = ran.out.lines().count();
    assert!((1..200).contains(&seen), "{seen}");
    // What was seen is written, half a line is not, and none of it is sent again.
    let sent = emulator.journal().count(Route::GenerateContent);
    let args = [
        "batch",
        "prompts.jsonl",
        "--journal",
        "run.journal",
        "--output",
        "all.jsonl",
    ];
    let ran = finish(bench.command_for(&emulator, args)).await.code(0);
    assert!(!ran.err.contains("cut off"), "{}", ran.err);
    assert_eq!(records(&bench.path("all.jsonl")).len(), 200);
    let again = emulator.journal().count(Route::GenerateContent) - sent;
    assert!(again <= 200 - seen, "{again} again, {seen} were seen");
    emulator.shutdown().await;
}

/// Covers: AC-XT-5
#[tokio::test(flavor = "multi_thread")]
async fn standard_output_holds_rows_and_nothing_else() {
    let refusal = Fault::rate_limited(Duration::from_millis(20));
    let refusal = FaultRule::new(refusal)
        .on(Route::GenerateContent)
        .at_most(2);
    let emulator = Emulator::builder()
        .with_fault(refusal)
        .start()
        .await
        .unwrap();
    let bench = Bench::new();
    bench.write("prompts.jsonl", prompts(40));
    for more in [&[][..], &["--json"], &["--dedup", "--order", "completion"]] {
        let args = ["batch", "prompts.jsonl", "--output", "-"];
        let mut command = bench.command_for(&emulator, args.iter().chain(more));
        command.env("GIMMAL_LOG", "debug");
        let ran = finish(command).await.code(0);
        let rows: Vec<Value> = ran
            .out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
            .collect();
        assert_eq!(rows.len(), 40);
        assert!(
            rows.iter()
                .all(|row| row["id"].is_string() && row["text"].is_string())
        );
        // Progress, the log and the closing words are all on standard error.
        assert!(ran.err.contains("40 of 40 done"), "{}", ran.err);
        assert!(ran.err.contains("DEBUG"), "{}", ran.err);
    }
    emulator.shutdown().await;
}

/// Covers: AC-XT-2
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_ends_the_run_and_leaves_the_journal_whole() {
    let slow = FaultRule::new(Fault::delay(Duration::from_millis(5))).on(Route::GenerateContent);
    let emulator = Emulator::builder().with_fault(slow).start().await.unwrap();
    let bench = Bench::new();
    bench.write("prompts.jsonl", prompts(300));
    let args = [
        "batch",
        "prompts.jsonl",
        "--journal",
        "run.journal",
        "--output",
        "-",
    ];
    let mut command = bench.command_for(&emulator, args.iter().chain(&["--concurrency", "4"]));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let (code, said) = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut row = String::new();
        out.read_line(&mut row).unwrap();
        assert!(row.starts_with("{\"id\":\"q0\""), "{row}");
        // As `head -1` does.
        drop(out);
        let mut said = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        (child.wait().unwrap().code(), said)
    })
    .await
    .unwrap();
    assert_eq!(code, Some(4), "{said}");
    assert!(
        !said.contains("panicked") && !said.contains("error:"),
        "{said}"
    );
    let sent = emulator.journal().count(Route::GenerateContent);
    assert!(sent < 300, "it went on");

    let written = std::fs::read_to_string(bench.path("run.journal")).unwrap();
    let written = written.lines().count() - 1;
    assert!(written > 0);
    let args = [
        "batch",
        "prompts.jsonl",
        "--journal",
        "run.journal",
        "--output",
        "all.jsonl",
    ];
    finish(bench.command_for(&emulator, args)).await.code(0);
    let answers = records(&bench.path("all.jsonl"));
    assert_eq!(answers.len(), 300);
    let again = emulator.journal().count(Route::GenerateContent) - sent;
    assert_eq!(again, 300 - written, "what was written was not sent again");
    emulator.shutdown().await;
}

/// Covers: AC-XT-20
#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_tells_what_was_run_and_runs_it_again_for_nothing() {
    let emulator = Emulator::builder().start().await.unwrap();
    let bench = Bench::new();
    let more = [
        "--journal",
        "run.journal",
        "--manifest",
        "run.json",
        "--temperature",
        "0.5",
        "--concurrency",
        "4",
    ];
    run(&emulator, &bench, &more).await.code(0);
    let read = || -> Value {
        serde_json::from_str(&std::fs::read_to_string(bench.path("run.json")).unwrap()).unwrap()
    };
    let manifest = read();
    assert_eq!(manifest["gimmal"], env!("CARGO_PKG_VERSION"));
    assert_eq!(manifest["settings"]["temperature"], "0.5");
    assert_eq!(manifest["settings"]["base-url"], emulator.base_url());
    assert_eq!(manifest["input"]["items"], 40);
    assert_eq!(manifest["totals"]["succeeded"], 40);
    assert_eq!(manifest["termination"]["kind"], "completed");
    assert_eq!(manifest["files"]["journal"], "run.journal");
    assert_eq!(manifest["this_run"]["requests"], 40);
    for known in ["fingerprint", "started_at", "ended_at", "model", "prices"] {
        assert!(manifest[known].is_string(), "{known}");
    }
    assert!(manifest["input"]["digest"].is_string());

    let sent = emulator.journal().count(Route::GenerateContent);
    let before = records(&bench.path("answers.jsonl"));
    let again = bench.command(["batch", "--config", "run.json", "--overwrite"]);
    finish(again).await.code(0);
    assert_eq!(emulator.journal().count(Route::GenerateContent), sent);
    let texts = |rows: &[Value]| {
        rows.iter()
            .map(|row| row["text"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        texts(&records(&bench.path("answers.jsonl"))),
        texts(&before)
    );
    let manifest = read();
    assert_eq!(manifest["this_run"]["replayed"], 40);
    assert_eq!(manifest["this_run"]["requests"], 0);

    // A run that ends early says why, and what was given twice stands once.
    let more = [
        "--overwrite",
        "--manifest",
        "run.json",
        "--budget-tokens",
        "50",
    ];
    run(&emulator, &bench, &more).await.code(3);
    let manifest = read();
    assert_eq!(manifest["termination"]["kind"], "budget_exceeded");
    emulator.shutdown().await;
}

/// Covers: AC-CF-3
#[tokio::test(flavor = "multi_thread")]
async fn settings_of_a_file_are_those_of_the_command_line() {
    let emulator = Emulator::builder().start().await.unwrap();
    let bench = Bench::new();
    bench.write("prompts.csv", "id,text\na,Good day\nb,Thanks\n");
    let base_url = emulator.base_url();
    bench.write(
        "run.toml",
        format!(
            "input = \"prompts.csv\"\noutput = \"answers.jsonl\"\nbase-url = \"{base_url}\"\n\
             template = \"Say {{text}}\"\nmax_output_tokens = 9\noverwrite = true\n\
             fail-fast = [\"permission_denied\", \"quota_exhausted\"]\n"
        ),
    );
    finish(bench.command(["batch", "--config", "run.toml"]))
        .await
        .code(0);
    finish(bench.command(["batch", "--config", "run.toml", "--max-output-tokens", "7"]))
        .await
        .code(0);
    let sent = emulator.journal().requests(Route::GenerateContent);
    let limits: Vec<_> = sent
        .iter()
        .map(|request| request.body().unwrap()["generationConfig"]["maxOutputTokens"].as_i64())
        .collect();
    assert_eq!(limits, [Some(9), Some(9), Some(7), Some(7)]);
    assert_eq!(records(&bench.path("answers.jsonl")).len(), 2);

    bench.write("bad.toml", "outputs = \"answers.jsonl\"\n");
    let ran = finish(bench.command(["batch", "--config", "bad.toml"]))
        .await
        .code(2);
    let said = "error: bad.toml: there is no setting `outputs`; did you mean `output`?";
    assert!(ran.err.contains(said), "{}", ran.err);
    let ran = finish(bench.command(["batch", "--config", "none.toml"]))
        .await
        .code(2);
    assert!(
        ran.err.contains("cannot read the settings none.toml"),
        "{}",
        ran.err
    );
    emulator.shutdown().await;
}

/// Covers: AC-XT-14
#[tokio::test(flavor = "multi_thread")]
async fn an_estimate_of_a_thousand_varied_prompts_comes_close_to_what_they_take() {
    let emulator = Emulator::builder().start().await.unwrap();
    let bench = Bench::new();
    // Words, figures, other scripts, code; short and long.
    let pieces = [
        "What does a gimmal ring stand for? ",
        "Grundstücksverkehrsgenehmigungszuständigkeit ",
        "指輪は二つの輪からできている。",
        "fn main() { let x = [1, 2, 3]; } ",
        "4711 + 0815 = 5526; ",
        "Кольцо из двух обручей. ",
        "!!! ??? ... ",
    ];
    let lines: String = (0..1_000_usize)
        .map(|i| {
            let piece = pieces[(i * i + i / 7) % pieces.len()];
            let prompt = piece.repeat(1 + (i * 31) % 40) + pieces[i % 3];
            format!(
                "{}\n",
                serde_json::json!({"id": i.to_string(), "prompt": prompt})
            )
        })
        .collect();
    bench.write("prompts.jsonl", lines);
    bench.write(
        "context.md",
        "A gimmal is a ring of two hoops that part. ".repeat(50),
    );
    let args = [
        "--json",
        "batch",
        "prompts.jsonl",
        "--context",
        "context.md",
        "--output",
        "a.jsonl",
    ];
    let dry = ["--dry-run", "--count-sample", "100"];
    let plan = finish(bench.command_for(&emulator, args.iter().chain(&dry))).await;
    let plan = plan.code(0).json();
    assert_eq!(plan["counted"], 100);
    assert_eq!(emulator.journal().count(Route::GenerateContent), 0);
    assert_eq!(emulator.journal().count(Route::CountTokens), 101);
    let run = ["--cache", "off"];
    let summary = finish(bench.command_for(&emulator, args.iter().chain(&run))).await;
    let summary = summary.code(0).json();
    let truth = summary["totals"]["usage"]["prompt_tokens"]
        .as_f64()
        .unwrap();
    let (about, margin) = (&plan["prompt_tokens"], &plan["prompt_tokens_margin"]);
    let (about, margin) = (about.as_f64().unwrap(), margin.as_f64().unwrap());
    assert!((about / truth - 1.0).abs() < 0.1, "{about} for {truth}");
    assert!(
        (about - truth).abs() <= 2.0 * margin,
        "{about} ± {margin} for {truth}"
    );
    emulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_that_the_last_prompt_uses_up_stops_nothing() {
    let emulator = Emulator::builder().start().await.unwrap();
    let bench = Bench::new();
    // One prompt cannot be stopped by what it costs itself.
    bench.write("one.jsonl", prompts(1));
    let args = [
        "batch",
        "one.jsonl",
        "--output",
        "one.out",
        "--budget-tokens",
        "1",
    ];
    let err = finish(bench.command_for(&emulator, args)).await.code(0).err;
    assert!(err.contains("all prompts were done by then"), "{err}");
    assert!(!err.contains("--resume"), "{err}");
    emulator.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_without_a_folder_is_refused_before_anything_is_sent() {
    let emulator = Emulator::builder().start().await.unwrap();
    let bench = Bench::new();
    for argument in ["--journal", "--manifest", "--metrics", "--report"] {
        let err = run(&emulator, &bench, &[argument, "nowhere/file"])
            .await
            .code(2)
            .err;
        assert!(
            err.contains(argument) && err.contains("no folder nowhere"),
            "{err}"
        );
        let folder = bench.path("");
        let folder = folder.to_str().unwrap();
        let err = run(&emulator, &bench, &[argument, folder])
            .await
            .code(2)
            .err;
        assert!(err.contains("is a folder"), "{err}");
    }
    assert_eq!(emulator.journal().count(Route::GenerateContent), 0);
    assert!(!bench.path("answers.jsonl").exists());
    emulator.shutdown().await;
}
