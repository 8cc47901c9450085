//! The command: what the official one is asked is asked of `gimmal tinker`.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, ensure};
use gimmal_client::types::Timestamp;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::bench::{BASE, KEY, among, examples, given, same, step};
use crate::conformance::sdk::ours::{Backend, Bench, Cases};

/// How it ends when something is missing that the user could give.
const USAGE: i32 = 2;
/// How it ends when the service says no.
const REFUSED: i32 = 3;

pub(super) fn add(cases: &mut Cases) {
    let on = Backend::TRAINING;
    cases.group(on, "cli.version").add("printed", version);
    cases.group(on, "cli.auth").add("login_status_logout", key);
    cases.group(on, "cli.model").add("list", models);
    cases.group(on, "cli.run").add("list_and_info", runs);
    let mut group = cases.group(on, "cli.checkpoint");
    group.add("list_info_publish_ttl_delete", checkpoints);
    group.add("download", download);
    cases
        .group(on, "cli.billing")
        .add("usage_and_storage", bills);
    cases.group(on, "cli.session").add("export_trace", trace);
}

/// Builds the command beside this program.
pub(in crate::conformance::sdk) fn build(root: &Path) -> anyhow::Result<()> {
    let mut cargo = std::process::Command::new("cargo");
    cargo
        .args(["build", "--quiet", "--package", "gimmal-cli"])
        .current_dir(root);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let built = cargo.status().context("cargo cannot be run")?;
    ensure!(built.success(), "the command cannot be built");
    Ok(())
}

/// The command, in a folder of its own that is its home, too.
struct Shell {
    program: PathBuf,
    home: TempDir,
    url: String,
}

/// How a command ended, and what it wrote.
struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Shell {
    fn of(bench: &Bench) -> anyhow::Result<Self> {
        let name = format!("gimmal{}", std::env::consts::EXE_SUFFIX);
        Ok(Self {
            program: std::env::current_exe()?.with_file_name(name),
            home: tempfile::tempdir()?,
            url: bench.running.emulator.base_url().to_owned(),
        })
    }

    /// Runs it with a key in the environment.
    async fn run(&self, line: &str) -> anyhow::Result<Ended> {
        self.run_with(line, Some(KEY), "").await
    }

    /// Runs it with this key in the environment and this text to read.
    async fn run_with(&self, line: &str, key: Option<&str>, input: &str) -> anyhow::Result<Ended> {
        let mut command = Command::new(&self.program);
        command
            .arg("tinker")
            .args(line.split_whitespace())
            .current_dir(self.home.path())
            .env("HOME", self.home.path())
            .env("TINKER_BASE_URL", &self.url)
            .env_remove("TINKER_API_KEY")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if let Some(key) = key {
            command.env("TINKER_API_KEY", key);
        }
        let mut child = command.spawn().context("the command cannot be run")?;
        let mut stdin = given(child.stdin.take())?;
        // One that reads nothing may have ended before this.
        let _: std::io::Result<()> = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        let output = child.wait_with_output().await?;
        Ok(Ended {
            code: output.status.code(),
            out: String::from_utf8(output.stdout)?,
            err: String::from_utf8(output.stderr)?,
        })
    }

    /// What it writes for programs.
    async fn json(&self, line: &str) -> anyhow::Result<Value> {
        let ended = self.run(&format!("-f json {line}")).await?;
        Ok(serde_json::from_str(&ended.well()?.out)?)
    }

    /// The path that a reply names, from the folder that the command runs in.
    fn place(&self, done: &Value) -> anyhow::Result<PathBuf> {
        let destination = given(done["destination"].as_str())?;
        Ok(self.home.path().join(destination))
    }
}

impl Ended {
    fn well(self) -> anyhow::Result<Self> {
        ensure!(self.code == Some(0), "exit {:?}: {}", self.code, self.err);
        Ok(self)
    }
}

async fn version(bench: Bench) -> anyhow::Result<()> {
    let told = Shell::of(&bench)?.run("version").await?.well()?;
    among("0.38.0", told.out)
}

async fn key(bench: Bench) -> anyhow::Result<()> {
    let shell = Shell::of(&bench)?;
    let typed = format!("{KEY}\n");
    let stored = shell.run_with("auth login", None, &typed).await?;
    among("@example.com", stored.well()?.out)?;
    let status = async || shell.run_with("auth status", None, "").await;
    among("yes", status().await?.well()?.out)?;
    shell.run_with("auth logout", None, "").await?.well()?;
    same(status().await?.code, Some(USAGE))
}

async fn models(bench: Bench) -> anyhow::Result<()> {
    let listed = Shell::of(&bench)?.json("model list llama").await?;
    let models = given(listed["models"].as_array())?;
    ensure!(
        models.iter().any(|model| model["model_name"] == BASE),
        "{BASE} is not in {models:?}"
    );
    Ok(())
}

async fn runs(bench: Bench) -> anyhow::Result<()> {
    let (shell, run) = (Shell::of(&bench)?, bench.train().await?);
    let run = run.model_id();
    let listed = shell.json("run list").await?;
    same(given(listed["runs"].as_array())?.len(), 1)?;
    same(&listed["runs"][0]["training_run_id"], run)?;
    let known = shell.json(&format!("run info {run}")).await?;
    same(&known["base_model"], BASE)?;
    same(shell.run("run info nobody").await?.code, Some(REFUSED))
}

async fn checkpoints(bench: Bench) -> anyhow::Result<()> {
    let (shell, client) = (Shell::of(&bench)?, bench.train().await?);
    let (run, path) = (client.model_id(), client.save_state("a").await?.path);
    let listed = shell.json("checkpoint list").await?;
    same(given(listed["checkpoints"].as_array())?.len(), 1)?;
    let of_run = format!("checkpoint list --run-id {run}");
    same(&shell.json(&of_run).await?["run_id"], run)?;
    let known = shell.json(&format!("checkpoint info {path}")).await?;
    same(&known["lora_rank"], 8)?;
    for (command, options) in [
        ("publish", ""),
        ("unpublish", ""),
        ("set-ttl", "--ttl 3600"),
    ] {
        let line = format!("checkpoint {command} {path} {options}");
        same(shell.run(&line).await?.well()?.err, "")?;
    }
    let deleted = shell.json(&format!("checkpoint delete {path} -y")).await?;
    same(&deleted["deleted_count"], 1)
}

async fn download(bench: Bench) -> anyhow::Result<()> {
    let (shell, client) = (Shell::of(&bench)?, bench.train().await?);
    let state = client.save_state("a").await?.path;
    let external = client.save_weights_external("b").await?.path;
    for path in [state, external] {
        let done = shell.json(&format!("checkpoint download {path}")).await?;
        let weights = shell.place(&done)?.join("adapter_model.safetensors");
        ensure!(weights.is_file(), "{} is missing", weights.display());
    }
    Ok(())
}

async fn bills(bench: Bench) -> anyhow::Result<()> {
    let (shell, client) = (Shell::of(&bench)?, bench.train().await?);
    step(&client, examples(6)).await?;
    client.save_state("a").await?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let hour = Duration::from_secs(now.as_secs() / 3_600 * 3_600);
    let at = |hours: u64| {
        let since = hour + Duration::from_secs(3_600 * hours);
        Timestamp::try_from(SystemTime::UNIX_EPOCH + since)
    };
    let usage = format!("billing usage {} {}", at(0)?, at(2)?);
    among("training", shell.json(&usage).await?["data"].to_string())?;
    let storage = shell.json("billing checkpoint-storage").await?;
    same(given(storage["data"].as_array())?.len(), 1)
}

async fn trace(bench: Bench) -> anyhow::Result<()> {
    let (shell, client) = (Shell::of(&bench)?, bench.train().await?);
    let session = given(client.model_id().split(':').next())?;
    let done = shell
        .json(&format!("session export-trace {session}"))
        .await?;
    let file = shell.place(&done)?;
    ensure!(file.is_file(), "{} is missing", file.display());
    Ok(())
}
