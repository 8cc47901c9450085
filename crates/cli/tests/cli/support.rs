//! Running the command and reading what it leaves.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use gimmal_emulator::Emulator;
use serde_json::Value;
use tempfile::TempDir;

/// A folder of the test's own, and the command to run in it.
pub(crate) struct Bench {
    folder: TempDir,
}

/// What a finished command said.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The command, in this folder, with nothing of the caller's environment that it reads.
    pub(crate) fn command<S: AsRef<std::ffi::OsStr>>(
        &self,
        args: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gimmal"));
        command.args(args).current_dir(self.folder.path());
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            let read = [
                "GOOGLE_", "GEMINI_", "TINKER_", "GIMMAL_", "HF_", "HUGGING_",
            ];
            if read.iter().any(|start| text.starts_with(start)) || text.contains("PROXY") {
                command.env_remove(&name);
            }
        }
        command.env("HOME", self.folder.path());
        command
    }

    /// The command, asking an emulator of the test's own.
    pub(crate) fn command_for<S: AsRef<std::ffi::OsStr>>(
        &self,
        emulator: &Emulator,
        args: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut command = self.command(["--base-url", emulator.base_url()]);
        command.args(args);
        command
    }

    pub(crate) fn run<S: AsRef<std::ffi::OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Ran {
        Ran::from(self.command(args).output().unwrap())
    }
}

/// Runs a command off the runtime that serves an emulator.
pub(crate) async fn finish(mut command: Command) -> Ran {
    Ran::from(
        tokio::task::spawn_blocking(move || command.output().unwrap())
            .await
            .unwrap(),
    )
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    /// The command must have ended with this code.
    #[track_caller]
    pub(crate) fn code(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "stdout:\n{}\nstderr:\n{}",
            self.out, self.err
        );
        self
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}:\n{}", self.out))
    }
}

/// A file of the examples.
pub(crate) fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples")
        .join(name)
}

/// The records of a results file.
pub(crate) fn records(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Prompts `q0`, `q1`, … one per line.
pub(crate) fn prompts(count: usize) -> String {
    (0..count)
        .map(|i| format!("{{\"id\": \"q{i}\", \"prompt\": \"What is gimmal {i}?\"}}\n"))
        .collect()
}
