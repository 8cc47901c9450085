//! Training, its curves and sampling from what was trained, with no account.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::{Bench, Ran, example, records};

const EXAMPLES: &str = "{\"prompt\": \"Through Ulm:\", \"completion\": \"Danube.\"}\n\
                        {\"prompt\": \"Through Bonn:\", \"completion\": \"Rhine.\"}\n\
                        {\"prompt\": \"Through Cork:\", \"completion\": \"Lee.\"}\n";

fn train(bench: &Bench, more: &[&str]) -> Ran {
    let given = [
        "train",
        "sft",
        "--data",
        "rivers.jsonl",
        "--output",
        "run",
        "--batch-size",
        "3",
    ];
    bench.run(given.iter().chain(more))
}

fn taught() -> Bench {
    let bench = Bench::new();
    bench.write("rivers.jsonl", EXAMPLES);
    bench
}

#[test]
fn what_was_taught_is_drawn_and_given_back() {
    let bench = taught();
    let more = ["--evaluation", "rivers.jsonl", "--evaluate-every", "30"];
    let ran = train(&bench, &more).code(0);
    assert!(
        ran.out.contains("60 of 60") && ran.out.contains("tinker://"),
        "{}",
        ran.out
    );
    assert!(ran.err.contains("step 60 of 60: loss"), "{}", ran.err);
    let steps = records(&bench.path("run/metrics.jsonl"));
    let loss = |step: usize| steps[step]["loss:mean"].as_f64().unwrap();
    assert_eq!(steps.len(), 60);
    assert!(loss(59) < 0.2 * loss(0), "{} {}", loss(0), loss(59));
    assert!(steps[29]["eval/loss:mean"].is_number() && steps[0]["eval/loss:mean"].is_null());

    let sampled = bench
        .run(["sample", "--run", "run", "Through Ulm:"])
        .code(0);
    assert_eq!(sampled.out, "Danube.\n");
    let args = [
        "--json",
        "sample",
        "--run",
        "run",
        "Through Bonn:",
        "--max-tokens",
        "3",
    ];
    let sampled = bench.run(args).code(0).json();
    assert_eq!(
        (&sampled["text"], &sampled["stop_reason"]),
        (&"Rhi".into(), &"length".into())
    );

    for (prompt, stop, left) in [("Through Ulm:", "ub", "Dan"), ("Through Bonn:", "hin", "R")] {
        let stopped = ["sample", "--run", "run", prompt, "--stop", stop];
        assert_eq!(bench.run(stopped).code(0).out, format!("{left}\n"));
        let stopped = bench.run(["--json"].iter().chain(&stopped)).code(0).json();
        assert_eq!(stopped["text"], left);
        assert_eq!(stopped["stop_reason"], "stop");
    }

    let drawn = bench.run(["train", "plot", "run/metrics.jsonl"]).code(0);
    assert!(
        drawn.out.contains("loss:mean") && drawn.out.lines().count() <= 20,
        "{}",
        drawn.out
    );
    let plot = ["train", "plot", "run/metrics.jsonl", "-m", "loss:mean"];
    let points = bench.run(["--json"].iter().chain(&plot)).code(0).json();
    let curve = &points["curves"][0];
    assert_eq!(curve["name"], "loss:mean");
    assert_eq!(curve["points"][59][0], 59.0);
    assert_eq!(curve["points"][59][1], steps[59]["loss:mean"]);
    for (file, begins) in [("curve.svg", &b"<svg"[..]), ("curve.png", b"\x89PNG")] {
        let metrics = [
            "--metric",
            "loss:mean",
            "--metric",
            "eval/loss:mean",
            "--output",
            file,
        ];
        bench
            .run(
                ["train", "plot", "run/metrics.jsonl"]
                    .iter()
                    .chain(&metrics),
            )
            .code(0);
        assert!(
            std::fs::read(bench.path(file)).unwrap().starts_with(begins),
            "{file}"
        );
    }
}

#[test]
fn a_run_is_taken_up_or_begun_anew_when_that_is_said() {
    let bench = taught();
    let short = ["--steps", "6", "--checkpoint-every", "2"];
    let ran = bench.run(
        [
            "--json",
            "train",
            "sft",
            "--data",
            "rivers.jsonl",
            "--output",
            "run",
        ]
        .iter()
        .chain(&short),
    );
    assert_eq!(ran.code(0).json()["steps"], 6);
    let refused = train(&bench, &short).code(2);
    assert!(
        refused.err.contains("--resume") && refused.err.contains("--overwrite"),
        "{}",
        refused.err
    );
    let other = train(&bench, &["--resume", "--steps", "6"]).code(2);
    assert!(
        other.err.contains("batch_size is 3 and was 8"),
        "{}",
        other.err
    );
    train(&bench, &["--overwrite", "--steps", "4"]).code(0);
    assert_eq!(records(&bench.path("run/metrics.jsonl")).len(), 4);
    let again = train(&bench, &["--resume", "--steps", "4"]).code(0);
    assert!(again.out.contains("4 of 4"), "{}", again.out);
    let constant = ["--resume", "--steps", "4", "--decay", "constant"];
    let refused = train(&bench, &constant).code(2).err;
    let differs = "decay is \"constant\" and was \"linear\"";
    assert!(refused.contains(differs), "{refused}");
    bench.write("rivers.jsonl", EXAMPLES.replace("Lee.", "Bee."));
    let refused = train(&bench, &["--resume", "--steps", "4"]).code(2).err;
    assert!(refused.contains("the examples were changed"), "{refused}");
}

#[test]
fn a_run_that_is_not_done_answers_from_its_last_checkpoint() {
    let bench = taught();
    train(&bench, &["--steps", "40"]).code(0);
    let path = bench.path("run/run.json");
    let mut run: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    // As a kill after the last checkpoint leaves it, before the weights to sample from.
    run.as_object_mut().unwrap().remove("sampler");
    bench.write("run/run.json", run.to_string());
    let sample = [
        "sample",
        "--run",
        "run",
        "Through Bonn:",
        "--max-tokens",
        "1",
    ];
    let ran = bench.run(sample).code(0);
    assert_eq!(ran.out, "R\n");
    let says = "the run in run is not done: its checkpoint after step 40 answers";
    assert!(ran.err.contains(says), "{}", ran.err);
    run["checkpoints"] = serde_json::json!([]);
    bench.write("run/run.json", run.to_string());
    let refused = bench.run(sample).code(2).err;
    assert!(refused.contains("has no checkpoint yet"), "{refused}");
}

/// A file where a folder belongs, and the other way about, are refused by the disk to anyone.
#[test]
fn a_disk_that_takes_nothing_is_told_at_once() {
    let bench = taught();
    for (folder, name) in [("no-checkpoint", "aside"), ("no-session", "sessions")] {
        let emulator = bench.path(folder).join("emulator");
        std::fs::create_dir_all(&emulator).unwrap();
        match name {
            "aside" => std::fs::write(emulator.join(name), "").unwrap(),
            _ => std::fs::create_dir(emulator.join(name)).unwrap(),
        }
        let args = ["train", "sft", "--data", "rivers.jsonl", "--steps", "1"];
        let ran = bench.run(args.iter().chain(&["--output", folder])).code(4);
        assert!(ran.err.contains("cannot be used"), "{}", ran.err);
        assert!(!ran.err.contains("attempts"), "{}", ran.err);
    }
}

/// Steps after which a run is killed; drawn once by dice.
const KILLS: [usize; 10] = [1, 2, 4, 5, 6, 7, 8, 9, 10, 11];

/// The emulator dies with its program, so that nothing is left but the folder of the run.
#[tokio::test]
async fn a_run_that_is_killed_anywhere_ends_with_the_same_losses() {
    let bench = taught();
    let run = |folder: &str, more: &[&str]| {
        let args = ["train", "sft", "--data", "rivers.jsonl", "--output", folder];
        let short = [
            "--steps",
            "12",
            "--batch-size",
            "2",
            "--checkpoint-every",
            "3",
        ];
        bench.command(args.iter().chain(&short).chain(more))
    };
    let losses = |folder: &str| -> Vec<f64> {
        let steps = records(&bench.path(folder).join("metrics.jsonl"));
        steps
            .iter()
            .map(|step| step["loss:mean"].as_f64().unwrap())
            .collect()
    };
    Ran::from(run("undisturbed", &[]).output().unwrap()).code(0);
    let expected = losses("undisturbed");
    assert_eq!(expected.len(), 12);
    for steps in KILLS {
        let folder = format!("killed-{steps}");
        let mut killed = run(&folder, &[]);
        let mut killed = killed
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let metrics = bench.path(&folder).join("metrics.jsonl");
        let taken = || std::fs::read_to_string(&metrics).map_or(0, |text| text.lines().count());
        let began = Instant::now();
        while taken() < steps {
            assert!(
                began.elapsed() < Duration::from_secs(120),
                "it does not train"
            );
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        killed.kill().unwrap();
        killed.wait().unwrap();
        Ran::from(run(&folder, &["--resume"]).output().unwrap()).code(0);
        let resumed = losses(&folder);
        assert_eq!(resumed.len(), 12, "killed after {steps}");
        for (resumed, expected) in resumed.iter().zip(&expected) {
            assert!(
                (resumed - expected).abs() <= 1e-6,
                "killed after {steps}: {resumed} {expected}"
            );
        }
    }
}

#[test]
fn what_cannot_be_is_a_usage_error() {
    let bench = taught();
    bench.write(
        "bad.jsonl",
        "{\"prompt\": \"a\", \"completion\": \"b\"}\n{\"prompt\": \"a\"}\n",
    );
    bench.write("metrics.jsonl", "{\"step\": 0, \"reward:mean\": 0.5}\n");
    let cases: [(&[&str], &str); 7] = [
        (
            &["train", "sft", "--data", "none.jsonl"],
            "cannot read none.jsonl",
        ),
        (
            &["train", "sft", "--data", "bad.jsonl"],
            "bad.jsonl:2 is no example",
        ),
        (
            &[
                "train",
                "sft",
                "--data",
                "rivers.jsonl",
                "--learning-rate",
                "0",
            ],
            "--learning-rate: peak is 0",
        ),
        (
            &["train", "plot", "metrics.jsonl"],
            "no step has the metric loss:mean; there are: reward:mean",
        ),
        (
            &[
                "train",
                "plot",
                "metrics.jsonl",
                "-m",
                "reward:mean",
                "-o",
                "curve.gif",
            ],
            "ends neither in .svg nor in .png",
        ),
        (
            &["sample", "--run", "nowhere", "Hello"],
            "nowhere holds no run",
        ),
        (
            &["sample", "Hello"],
            "<--run <FOLDER>|--path <PATH>|--model <MODEL>>",
        ),
    ];
    for (args, says) in cases {
        let ran = bench.run(args).code(2);
        assert!(ran.err.contains(says), "{args:?}: {}", ran.err);
    }
    let elsewhere = [
        "--base-url",
        "https://tinker.example.com",
        "sample",
        "-m",
        "gimmal/tiny",
        "Hello",
    ];
    assert!(
        bench
            .run(elsewhere)
            .code(2)
            .err
            .contains("set TINKER_API_KEY")
    );
}

#[test]
fn the_examples_of_the_repository_are_examples() {
    let bench = Bench::new();
    let data = example("elements.jsonl");
    let args = [
        "--json",
        "train",
        "sft",
        "--steps",
        "1",
        "--data",
        data.to_str().unwrap(),
    ];
    assert_eq!(
        bench.run(args).code(0).json()["metrics"],
        "runs/sft/metrics.jsonl"
    );
}
