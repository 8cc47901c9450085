//! Bad input: a clear error that names the path and the line, and nothing sent.

use crate::support::{Bench, prompts, records};

const RUN: [&str; 4] = ["batch", "prompts.jsonl", "--output", "answers.jsonl"];

#[test]
fn bad_lines_are_named_before_anything_is_sent() {
    let bench = Bench::new();
    bench.write(
        "prompts.jsonl",
        b"{\"id\": \"a\", \"prompt\": \"What?\"}\nnot json\n{\"id\": \"b\"}\n\
          {\"id\": \"a\", \"prompt\": \"again\"}\n\xff\n",
    );
    let ran = bench.run(RUN).code(2);
    for named in [
        "prompts.jsonl:2: is not JSON",
        "prompts.jsonl:3: has no `prompt`",
        "prompts.jsonl:4: repeats the id `a` of line 1",
        "prompts.jsonl:5: is not UTF-8",
        "--skip-invalid",
    ] {
        assert!(
            ran.err.contains(named),
            "{named} is missing in\n{}",
            ran.err
        );
    }
    assert!(
        !ran.err.contains("emulator"),
        "something was started:\n{}",
        ran.err
    );
    assert!(!bench.path("answers.jsonl").exists());

    let ran = bench.run(RUN.into_iter().chain(["--skip-invalid"])).code(1);
    assert!(ran.out.contains("invalid lines passed over"), "{}", ran.out);
    assert_eq!(records(&bench.path("answers.jsonl")).len(), 1);
}

#[test]
fn missing_and_empty_files_are_named() {
    let bench = Bench::new();
    let ran = bench.run(RUN).code(2);
    assert!(
        ran.err.contains("cannot read the input prompts.jsonl"),
        "{}",
        ran.err
    );

    bench.write("prompts.jsonl", "\n\n");
    let ran = bench.run(RUN).code(2);
    assert!(
        ran.err.contains("the input prompts.jsonl holds no prompts"),
        "{}",
        ran.err
    );

    bench.write("prompts.jsonl", prompts(1));
    let with_context = |name: &'static str| bench.run(RUN.into_iter().chain(["--context", name]));
    let ran = with_context("missing.md").code(2);
    assert!(
        ran.err.contains("cannot read the context missing.md"),
        "{}",
        ran.err
    );
    bench.write("empty.md", " \n");
    let ran = with_context("empty.md").code(2);
    assert!(
        ran.err.contains("the context empty.md is empty"),
        "{}",
        ran.err
    );
    assert!(!bench.path("answers.jsonl").exists());
}

#[test]
fn outputs_that_cannot_be_written_are_named() {
    let bench = Bench::new();
    bench.write("prompts.jsonl", prompts(1));
    let to = |path: &'static str| bench.run(["batch", "prompts.jsonl", "--output", path]);
    let ran = to("no/such/folder/answers.jsonl").code(2);
    assert!(
        ran.err
            .contains("cannot write the output no/such/folder/answers.jsonl"),
        "{}",
        ran.err
    );
    std::fs::create_dir(bench.path("folder")).unwrap();
    let ran = to("folder").code(2);
    assert!(
        ran.err.contains("the output folder is a folder"),
        "{}",
        ran.err
    );
}

#[test]
fn an_existing_output_is_never_lost() {
    let bench = Bench::new();
    bench.write("prompts.jsonl", prompts(1));
    bench.write("answers.jsonl", "precious");
    let ran = bench.run(RUN).code(2);
    assert!(
        ran.err.contains("--resume") && ran.err.contains("--overwrite"),
        "{}",
        ran.err
    );
    let ran = bench.run(RUN.into_iter().chain(["--resume"])).code(2);
    assert!(
        ran.err.contains("cannot resume answers.jsonl: line 1"),
        "{}",
        ran.err
    );
    assert_eq!(
        std::fs::read_to_string(bench.path("answers.jsonl")).unwrap(),
        "precious"
    );
    assert!(!bench.path("answers.jsonl.part").exists());
    bench.run(RUN.into_iter().chain(["--overwrite"])).code(0);
    assert_eq!(records(&bench.path("answers.jsonl")).len(), 1);
}

#[test]
fn what_is_read_is_never_written() {
    let bench = Bench::new();
    bench.write("prompts.jsonl", prompts(1));
    bench.write("context.md", "precious");
    bench.write("answers.jsonl.part", "precious");
    for more in [
        &["--output", "./prompts.jsonl", "--overwrite"][..],
        &["--output", "prompts.jsonl", "--resume"],
        &[
            "--output",
            "context.md",
            "--context",
            "context.md",
            "--overwrite",
        ],
        &[
            "--output",
            "answers.jsonl",
            "--context",
            "answers.jsonl.part",
        ],
    ] {
        let ran = bench
            .run(["batch", "prompts.jsonl"].iter().chain(more))
            .code(2);
        assert!(
            ran.err.contains("is read by the same command"),
            "{}",
            ran.err
        );
    }
    let kept = |name| std::fs::read_to_string(bench.path(name)).unwrap();
    assert_eq!(kept("prompts.jsonl"), prompts(1));
    assert_eq!(kept("context.md"), "precious");
    assert_eq!(kept("answers.jsonl.part"), "precious");
}

#[cfg(unix)]
#[test]
fn a_resumed_output_stays_where_it_is() {
    let bench = Bench::new();
    bench.write("prompts.jsonl", prompts(1));
    bench.write("real.jsonl", "");
    std::os::unix::fs::symlink(bench.path("real.jsonl"), bench.path("answers.jsonl")).unwrap();
    bench.run(RUN.into_iter().chain(["--resume"])).code(0);
    assert_eq!(records(&bench.path("real.jsonl")).len(), 1);

    let device = [
        "batch",
        "prompts.jsonl",
        "--output",
        "/dev/null",
        "--resume",
    ];
    let ran = bench.run(device).code(2);
    assert!(ran.err.contains("is not a file"), "{}", ran.err);
}

#[test]
fn bad_arguments_are_usage_errors() {
    let bench = Bench::new();
    bench.write("prompts.jsonl", prompts(1));
    for more in [
        &["--concurrency", "0"][..],
        &["--ttl", "soon"],
        &["--model", "a b"],
        &["--resume", "--overwrite"],
        &["--base-url", "nonsense"],
    ] {
        let ran = bench.run(RUN.iter().chain(more)).code(2);
        assert!(ran.err.contains("error:"), "{}", ran.err);
    }
    assert!(!bench.path("answers.jsonl").exists());
    let remote = ["--base-url", "https://example.invalid/"];
    let ran = bench.run(RUN.into_iter().chain(remote)).code(2);
    assert!(ran.err.contains("GEMINI_API_KEY"), "{}", ran.err);
}

#[test]
fn a_strict_budget_is_refused_where_it_would_limit_nothing() {
    let bench = Bench::new();
    bench.write("prompts.jsonl", prompts(2));
    for other in ["--engine=gemini-batch", "--queue=redis://127.0.0.1:1"] {
        let args = ["batch", "prompts.jsonl", "--output", "answers.jsonl", other];
        let strict = ["--budget-tokens", "50", "--budget-strict"];
        let ran = bench.run(args.iter().chain(&strict)).code(2);
        assert!(ran.err.contains("not paid for in advance"), "{}", ran.err);
        assert!(!bench.path("answers.jsonl").exists());
    }
}
