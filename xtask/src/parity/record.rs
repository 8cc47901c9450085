//! Records how tests, lints and other tools ended, from their output.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::finding::Finding;
use crate::parity::args::Record;
use crate::parity::evidence::{
    FuzzRuns, Ledger, Quality, count_diagnostics, coverage_of, find_tests, parse_log,
};
use crate::parity::surface::parse_all;
use crate::sources::SourceFile;

/// Folder of logs and other forms of the report, from the root of the repository.
pub(crate) const FOLDER: &str = "target/parity";

/// Runs lints, tests and documentation, and records how they ended.
pub(crate) fn run_all(root: &Path, files: &[SourceFile]) -> anyhow::Result<Vec<Finding>> {
    let everything = ["--workspace", "--all-features"];
    let run = |name: &str, command: &[&str], end: &[&str]| -> anyhow::Result<PathBuf> {
        let args: Vec<&str> = command
            .iter()
            .chain(&everything)
            .chain(end)
            .copied()
            .collect();
        cargo(root, name, &args)
    };
    let record = Record {
        clippy: Some(run("clippy", &["clippy", "--all-targets"], &[])?),
        tests: Some(run("tests", &["test", "--no-fail-fast"], &[])?),
        docs: Some(run("docs", &["doc", "--no-deps"], &[])?),
        ..Record::default()
    };
    take(root, files, &record)
}

/// Runs cargo with its whole output in a file, and returns the file.
fn cargo(root: &Path, name: &str, args: &[&str]) -> anyhow::Result<PathBuf> {
    let folder = root.join(FOLDER);
    std::fs::create_dir_all(&folder).with_context(|| format!("failed to make {FOLDER}"))?;
    let path = folder.join(format!("{name}.log"));
    let log = std::fs::File::create(&path)?;
    // Both streams share one file, for the names of test binaries stand in the other one.
    let status = Command::new("cargo")
        .args(args)
        .env("CARGO_TERM_COLOR", "never")
        .current_dir(root)
        .stdout(Stdio::from(log.try_clone()?))
        .stderr(Stdio::from(log))
        .status()
        .context("failed to run cargo")?;
    // Tests that fail are recorded; a build that fails has nothing to record.
    let text = std::fs::read_to_string(&path)?;
    if !status.success() && text.contains("could not compile") {
        bail!("cargo {} does not compile, see {}", args[0], path.display());
    }
    Ok(path)
}

/// Records the given outputs.
pub(crate) fn take(
    root: &Path,
    files: &[SourceFile],
    record: &Record,
) -> anyhow::Result<Vec<Finding>> {
    let read = |path: &Path| {
        std::fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))
    };
    let mut quality = Quality::load(root)?;
    let mut findings = Vec::new();
    if let Some(path) = &record.tests {
        let log = parse_log(&read(path)?, &packages(files));
        if log.is_empty() {
            bail!("{} is no output of cargo test", path.display());
        }
        let cases = find_tests(&parse_all(files)?);
        let ledger = Ledger::load(root)?.after(&cases, &log);
        findings.extend(ledger.refused(&cases));
        ledger.save(root)?;
        quality.take_tests(&log);
    }
    if let Some(path) = &record.clippy {
        let found = count_diagnostics(&read(path)?);
        quality.clippy = Some(found.context("the lints have not come to an end")?);
    }
    if let Some(path) = &record.docs {
        let found = count_diagnostics(&read(path)?);
        quality.docs = Some(found.context("the documentation has not come to an end")?);
    }
    if let Some(path) = &record.fuzz {
        let mut runs = FuzzRuns::load(root)?;
        runs.take(&read(path)?)?;
        runs.save(root)?;
    }
    if let Some(path) = &record.coverage {
        let share = coverage_of(&read(path)?);
        quality.coverage_per_mille = Some(share.context("not a summary of cargo llvm-cov")?);
    }
    quality.save(root)?;
    Ok(findings)
}

/// Folders of the crates with the names their binaries may have.
pub(crate) fn packages(files: &[SourceFile]) -> Vec<(String, Vec<String>)> {
    files
        .iter()
        .filter_map(|file| {
            let folder = file.path.strip_suffix("/Cargo.toml")?;
            let value: toml::Table = toml::from_str(&file.text).ok()?;
            let name = |table: &toml::Value| Some(table.get("name")?.as_str()?.to_owned());
            let mut names: Vec<String> = value.get("package").and_then(name).into_iter().collect();
            if let Some(programs) = value.get("bin").and_then(toml::Value::as_array) {
                names.extend(programs.iter().filter_map(name));
            }
            Some((folder.to_owned(), names))
        })
        .collect()
}
