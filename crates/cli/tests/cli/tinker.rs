//! `gimmal tinker` against an emulator: runs, checkpoints, models and bills.

use std::io::Write as _;
use std::process::Stdio;

use gimmal_client::tinker::{ServiceClient, TrainingClient};
use gimmal_emulator::{Emulator, RouteMatcher};
use serde_json::{Map, Value, json};

use crate::support::{Bench, Ran, finish};

pub(crate) const KEY: &str = "tml-of-the-tests";
const MODEL: &str = "gimmal/bytes";

/// An emulator with a client, and the command beside them.
pub(crate) struct Tinker {
    pub(crate) bench: Bench,
    pub(crate) emulator: Emulator,
    pub(crate) service: ServiceClient,
}

impl Tinker {
    pub(crate) async fn start() -> Self {
        let flags = Map::from_iter([("pjwt_auth_enabled".to_owned(), true.into())]);
        let emulator = Emulator::builder().with_tinker_config(flags);
        let emulator = emulator.start().await.unwrap();
        let notes = Map::from_iter([("purpose".to_owned(), "tests".into())]);
        let service = ServiceClient::builder()
            .with_api_key(KEY)
            .with_base_url(emulator.base_url())
            .with_user_metadata(notes)
            .build()
            .unwrap();
        Self {
            bench: Bench::new(),
            emulator,
            service,
        }
    }

    pub(crate) async fn training(&self) -> TrainingClient {
        let made = self.service.create_lora_training_client(MODEL).set_rank(4);
        made.await.unwrap()
    }

    /// Runs a command whose words have no blanks.
    pub(crate) async fn run(&self, line: &str) -> Ran {
        self.run_with(line, "").await
    }

    /// The same with something on standard input.
    pub(crate) async fn run_with(&self, line: &str, input: &str) -> Ran {
        let words = line.split_whitespace();
        let mut command = self.bench.command_for(&self.emulator, words);
        command.env("TINKER_API_KEY", KEY);
        let ran = feed(command, input).await;
        assert!(!ran.out.contains(KEY) && !ran.err.contains(KEY), "{line}");
        ran
    }

    pub(crate) fn asked(&self, part: &str) -> usize {
        let matcher = RouteMatcher::any().with_path_part(part);
        self.emulator.journal().count(matcher)
    }
}

/// Runs a command with something on standard input.
pub(crate) async fn feed(mut command: std::process::Command, input: &str) -> Ran {
    let input = input.to_owned();
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let ran = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        // A command that reads nothing may have ended before this.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        Ran::from(child.wait_with_output().unwrap())
    });
    ran.await.unwrap()
}

/// Covers: CHK-CLI-1, tinker.training_runs.list, tinker.training_runs.get
#[tokio::test(flavor = "multi_thread")]
async fn training_runs_are_listed_and_described() {
    let tinker = Tinker::start().await;
    let none = tinker.run("tinker run list").await.code(0);
    assert_eq!(none.out, "no training runs\n");
    let mut last = tinker.training().await;
    for _ in 0..2 {
        last = tinker.training().await;
    }
    last.save_state("0001").await.unwrap();

    let all = tinker.run("--json tinker run list --limit 0").await.code(0);
    let all = all.json();
    assert_eq!(
        (&all["total_count"], &all["shown_count"]),
        (&json!(3), &json!(3))
    );
    assert_eq!(all["runs"][0]["training_run_id"], last.model_id());
    let some = tinker
        .run("tinker run list --limit 2 --offset 1")
        .await
        .code(0);
    assert!(some.out.contains("2 of 3 training runs"), "{}", some.out);
    assert!(!some.out.contains(last.model_id()), "{}", some.out);
    let shared = "tinker -f json run list --access-scope accessible --limit 1";
    let shared = tinker.run(shared).await.code(0).json();
    assert_eq!(shared["shown_count"], 1);

    let columns = "tinker run list --columns id,checkpoint,checkpoint_time,owner";
    let shown = tinker.run(columns).await.code(0).out;
    for word in [
        "last checkpoint",
        "weights/0001",
        "none",
        "just now",
        "tml:",
    ] {
        assert!(shown.contains(word), "{word} is missing in\n{shown}");
    }
    let wrong = tinker
        .run("tinker run list --columns id,colour")
        .await
        .code(2);
    assert!(wrong.err.contains("colour") && wrong.err.contains("checkpoint_time"));

    let info = format!("tinker run info {}", last.model_id());
    let shown = tinker.run(&info).await.code(0).out;
    for word in ["Yes (rank 4)", MODEL, "Active", "weights/0001", "tinker://"] {
        assert!(shown.contains(word), "{word} is missing in\n{shown}");
    }
    let known = tinker.run(&format!("--json {info}")).await.code(0).json();
    assert_eq!(known["training_run_id"], last.model_id());
    tinker.run("tinker run info nobody").await.code(3);
}

/// Covers: CHK-CLI-1, tinker.checkpoints.list, tinker.checkpoints.list_of_run
#[tokio::test(flavor = "multi_thread")]
async fn checkpoints_are_listed_and_described() {
    let tinker = Tinker::start().await;
    let none = tinker.run("tinker checkpoint list").await.code(0);
    assert_eq!(none.out, "no checkpoints\n");
    let training = tinker.training().await;
    training.save_state("a").await.unwrap();
    let b = training
        .save_state("b")
        .set_ttl_seconds(7_200)
        .await
        .unwrap();
    let other = tinker.training().await;
    other.save_weights_for_sampler("c").await.unwrap();

    let all = tinker
        .run("--json tinker checkpoint list --limit 0")
        .await
        .code(0);
    let all = all.json();
    assert_eq!(
        (&all["total_count"], &all["shown_count"]),
        (&json!(3), &json!(3))
    );
    let of_run = format!("tinker checkpoint list --run-id {}", training.model_id());
    let listed = tinker.run(&of_run).await.code(0).out;
    for word in [
        "weights/a",
        "weights/b",
        "training",
        "Never",
        "in ",
        "just now",
        "KB",
    ] {
        assert!(listed.contains(word), "{word} is missing in\n{listed}");
    }
    assert!(!listed.contains("sampler"), "{listed}");
    let known = tinker
        .run(&format!("--json {of_run} --limit 1"))
        .await
        .code(0)
        .json();
    assert_eq!(known["run_id"], training.model_id());
    assert_eq!(
        (&known["total_count"], &known["shown_count"]),
        (&json!(2), &json!(1))
    );

    let info = format!("tinker checkpoint info {}", b.path);
    let shown = tinker.run(&info).await.code(0).out;
    for word in [b.path.as_str(), "Yes (rank 4)", "training", "in ", "No"] {
        assert!(shown.contains(word), "{word} is missing in\n{shown}");
    }
    let known = tinker.run(&format!("--json {info}")).await.code(0).json();
    assert_eq!(
        (&known["lora_rank"], &known["is_lora"]),
        (&json!(4), &json!(true))
    );
    let missing = format!(
        "tinker checkpoint info tinker://{}/weights/z",
        training.model_id()
    );
    let missing = tinker.run(&missing).await.code(3);
    assert!(missing.err.contains("has no checkpoint"), "{}", missing.err);
}

/// Covers: CHK-CLI-3, tinker.checkpoints.publish, tinker.checkpoints.unpublish,
/// tinker.checkpoints.set_ttl
#[tokio::test(flavor = "multi_thread")]
async fn checkpoints_are_published_and_kept_for_a_while() {
    let tinker = Tinker::start().await;
    let training = tinker.training().await;
    let path = training.save_state("a").await.unwrap().path;
    let known = async || {
        let info = format!("--json tinker checkpoint info {path}");
        tinker.run(&info).await.code(0).json()
    };
    let publish = format!("tinker checkpoint publish {path}");
    let said = tinker.run(&publish).await.code(0);
    assert_eq!(said.out, format!("{path} is public now\n"));
    assert_eq!(known().await["public"], true);
    let again = tinker.run(&publish).await.code(3);
    assert!(again.err.contains("409"), "{}", again.err);
    let hidden = format!("--json tinker checkpoint unpublish {path}");
    let hidden = tinker.run(&hidden).await.code(0).json();
    assert_eq!(hidden, json!({"tinker_path": path, "public": false}));
    assert_eq!(known().await["public"], false);

    tinker
        .run(&format!("tinker checkpoint set-ttl {path} --ttl 7200"))
        .await
        .code(0);
    assert!(known().await["expires_at"].is_string());
    tinker
        .run(&format!("tinker checkpoint set-ttl {path} --remove"))
        .await
        .code(0);
    assert_eq!(known().await["expires_at"], Value::Null);

    let before = tinker.asked("training_runs");
    for (options, said) in [
        ("", "Must specify either --ttl <seconds> or --remove"),
        (
            "--ttl 9000 --remove",
            "Cannot specify both --ttl and --remove",
        ),
        ("--ttl 0", "0 is not in 1.."),
    ] {
        let line = format!("tinker checkpoint set-ttl {path} {options}");
        let refused = tinker.run(&line).await.code(2);
        assert!(refused.err.contains(said), "{}", refused.err);
    }
    for command in ["info", "publish", "unpublish", "download", "delete --yes"] {
        let line = format!("tinker checkpoint {command} run/weights/a");
        let refused = tinker.run(&line).await.code(2);
        assert!(
            refused.err.contains("tinker://run-id/weights/0001"),
            "{}",
            refused.err
        );
    }
    assert_eq!(tinker.asked("training_runs"), before, "nothing is sent");
}

/// Covers: CHK-CLI-2, tinker.checkpoints.delete
#[tokio::test(flavor = "multi_thread")]
async fn chk_cli_2_all_are_deleted_whatever_becomes_of_one() {
    let tinker = Tinker::start().await;
    let training = tinker.training().await;
    let a = training.save_state("a").await.unwrap().path;
    let b = training.save_state("b").await.unwrap().path;
    let missing = a.replace("/a", "/z");
    let line = format!("tinker checkpoint delete {missing} {a}");
    let ran = tinker.run_with(&line, "y\n").await.code(1);
    assert_eq!(ran.err.matches("Proceed? [y/N]").count(), 1, "{}", ran.err);
    assert!(ran.err.contains("Deleting checkpoints: 2/2"), "{}", ran.err);
    assert!(
        ran.err.contains(&format!("error: {missing}: ")),
        "{}",
        ran.err
    );
    assert_eq!(ran.out, "deleted 1 of 2 checkpoints\n");
    assert_eq!(tinker.asked("checkpoints/weights"), 2);

    let one = format!("tinker checkpoint delete {b}");
    for answer in ["n\n", "\n"] {
        let kept = tinker.run_with(&one, answer).await.code(0);
        assert!(kept.err.contains("nothing is deleted"), "{}", kept.err);
    }
    let unasked = tinker.run_with(&one, "").await.code(2);
    assert!(unasked.err.contains("--yes"), "{}", unasked.err);
    assert_eq!(
        tinker.asked("checkpoints/weights"),
        2,
        "nothing more is sent"
    );
    let gone = tinker.run(&format!("--json {one} --yes")).await.code(0);
    assert_eq!(gone.json(), json!({"deleted_count": 1, "failed": []}));
    let gone = tinker.run(&format!("--json {one} -y")).await.code(1);
    assert_eq!(gone.json()["failed"][0]["tinker_path"], b);
}

#[tokio::test(flavor = "multi_thread")]
async fn checkpoints_of_a_run_are_deleted_by_type_and_time() {
    let tinker = Tinker::start().await;
    let training = tinker.training().await;
    training.save_state("a").await.unwrap();
    training.save_weights_for_sampler("b").await.unwrap();
    let of_run = format!("tinker checkpoint delete --run-id {}", training.model_id());
    let line = format!("{of_run} --before 2020-01-01 -y");
    let none = tinker.run(&line).await.code(0);
    assert_eq!(none.out, "no checkpoints to delete\n");
    let line = format!("{of_run} --type sampler_weights --after 2020-01-01");
    let ran = tinker.run_with(&line, "yes\n").await.code(0);
    assert!(ran.err.contains("created just now") && ran.err.contains("in all"));
    assert_eq!(ran.out, "deleted 1 of 1 checkpoint\n");
    let left = tinker.run(&format!("{of_run} --yes")).await.code(0);
    assert_eq!(left.out, "deleted 1 of 1 checkpoint\n");

    for wrong in [
        "",
        "x --run-id r",
        "tinker://r/weights/1 --before 2020-01-01",
    ] {
        tinker
            .run(&format!("tinker checkpoint delete {wrong}"))
            .await
            .code(2);
    }
    let wrong = format!("{of_run} --before yesterday");
    let wrong = tinker.run(&wrong).await.code(2);
    assert!(wrong.err.contains("2026-01-31T08:00:00Z"), "{}", wrong.err);
}

/// Covers: tinker.service.get_server_capabilities
#[tokio::test(flavor = "multi_thread")]
async fn models_are_listed_by_a_part_of_their_name() {
    let tinker = Tinker::start().await;
    let all = tinker.run("tinker model list").await.code(0);
    assert!(
        all.out.contains(MODEL) && all.out.contains("Yes"),
        "{}",
        all.out
    );
    let some = tinker
        .run("--json tinker model list BYTES")
        .await
        .code(0)
        .json();
    assert_eq!(some["models"][0]["model_name"], MODEL);
    let none = tinker.run("tinker model list gpt-0").await.code(3);
    for word in [
        "tml:organization:emulator",
        "gpt-0",
        "gimmal tinker model list",
    ] {
        assert!(none.err.contains(word), "{}", none.err);
    }
}

/// Covers: tinker.admin.billing_usage, tinker.admin.current_checkpoint_storage
#[tokio::test(flavor = "multi_thread")]
async fn usage_and_storage_are_billed_in_tables_json_and_csv() {
    let tinker = Tinker::start().await;
    let usage = "tinker billing usage 2000-01-01T00:00:00Z 2200-01-01T00:00:00Z";
    let none = tinker.run(usage).await.code(0);
    assert_eq!(none.out, "nothing was used in this time\n");
    let training = tinker.training().await;
    training.save_state("a").await.unwrap();
    let shown = tinker.run(usage).await.code(0);
    assert!(
        shown.out.contains("checkpoint") && shown.out.contains(MODEL),
        "{}",
        shown.out
    );
    let known = tinker
        .run(&format!("{usage} --format json"))
        .await
        .code(0)
        .json();
    let session = known["data"][0]["session_id"].as_str().unwrap();
    assert_eq!(
        known["sessions"][session]["user_metadata"]["purpose"],
        "tests"
    );

    let files = format!("--json {usage} --csv usage.csv --sessions-csv sessions.csv");
    let ran = tinker.run(&files).await.code(0);
    assert!(
        ran.out.is_empty() && ran.err.contains("1 rows to usage.csv"),
        "{}",
        ran.err
    );
    let read = |name: &str| std::fs::read_to_string(tinker.bench.path(name)).unwrap();
    let usage_csv = read("usage.csv");
    assert!(
        usage_csv.starts_with("bucket_start,bucket_end,base_model,"),
        "{usage_csv}"
    );
    assert!(usage_csv.contains(",checkpoint,,,1,,"), "{usage_csv}");
    let note = r#""{""purpose"":""tests""}""#;
    assert_eq!(
        read("sessions.csv"),
        format!("session_id,user_metadata\n{session},{note}\n")
    );
    let nowhere = format!("{usage} --csv no/such/folder.csv");
    tinker.run(&nowhere).await.code(4);

    let shown = tinker
        .run("tinker billing checkpoint-storage")
        .await
        .code(0)
        .out;
    assert!(
        shown.contains("a gigabyte costs $") && shown.contains("KB"),
        "{shown}"
    );
    let csv = "tinker billing checkpoint-storage --csv -";
    let csv = tinker.run(csv).await.code(0).out;
    assert!(
        csv.starts_with("effective_rate_usd_per_gigabyte_month,project_id,"),
        "{csv}"
    );
    assert_eq!(csv.lines().count(), 2, "{csv}");
    let other = "--json tinker billing checkpoint-storage --project-id other";
    let other = tinker.run(other).await.code(0).json();
    assert_eq!(other["data"], json!([]));

    for wrong in ["2026-07-13 2026-07-14", "2026-07-13T00:00:00Z"] {
        tinker
            .run(&format!("tinker billing usage {wrong}"))
            .await
            .code(2);
    }
    let backwards = "tinker billing usage 2026-07-14T00:00:00Z 2026-07-13T00:00:00Z";
    let refused = tinker.run(backwards).await.code(2);
    assert!(refused.err.contains("ending_before"), "{}", refused.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_the_embedded_emulator_answers_and_says_so() {
    let bench = Bench::new();
    let ran = finish(bench.command(["tinker", "model", "list"]))
        .await
        .code(0);
    assert!(
        ran.err
            .contains("the embedded emulator answers on http://127.0.0.1:")
    );
    assert!(ran.out.contains(MODEL), "{}", ran.out);
    let far = [
        "--base-url",
        "https://example.invalid",
        "tinker",
        "run",
        "list",
    ];
    let ran = finish(bench.command(far)).await.code(2);
    assert!(ran.err.contains("TINKER_API_KEY"), "{}", ran.err);
    let both = ["--json", "tinker", "run", "list", "--format", "table"];
    let ran = finish(bench.command(both)).await.code(2);
    assert!(ran.err.contains("exclude each other"), "{}", ran.err);
}

#[test]
fn the_tinker_version_is_told() {
    let bench = Bench::new();
    let ran = bench.run(["tinker", "version"]).code(0);
    assert!(
        ran.out.starts_with("gimmal ") && ran.out.contains("tinker 0."),
        "{}",
        ran.out
    );
    let known = bench.run(["--json", "tinker", "version"]).code(0).json();
    assert_eq!(known["version"], env!("CARGO_PKG_VERSION"));
    assert!(known["tinker_sdk"].is_string());
}

#[test]
fn tinker_help_tells_what_there_is() {
    let bench = Bench::new();
    for line in [
        "tinker --help",
        "tinker auth --help",
        "tinker billing usage --help",
        "tinker checkpoint --help",
        "tinker checkpoint list --help",
        "tinker checkpoint delete --help",
        "tinker checkpoint download --help",
        "tinker checkpoint push-hf --help",
        "tinker checkpoint save --help",
        "tinker run list --help",
        "tinker session export-trace --help",
    ] {
        // A fixed width keeps the text independent of the terminal.
        let mut command = bench.command(line.split(' '));
        let ran = Ran::from(command.env("COLUMNS", "100").output().unwrap()).code(0);
        insta::assert_snapshot!(line.replace(" --", "_").replace([' ', '-'], "_"), ran.out);
    }
}
