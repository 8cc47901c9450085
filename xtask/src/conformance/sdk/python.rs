//! A Python that has the package: one that was named, or that of an environment made once.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};

use crate::pins::Pin;

/// Names of interpreters, the wanted one first.
const CANDIDATES: [&str; 2] = ["python3.11", "python3"];
/// The oldest Python that the packages take.
const OLDEST: (u32, u32) = (3, 10);
/// What an interpreter prints of itself.
const VERSION: &str = "import sys; print(sys.version_info[0], sys.version_info[1])";

/// The interpreter to run cases with.
pub(super) fn interpreter(root: &Path, pin: Pin, given: Option<&Path>) -> anyhow::Result<PathBuf> {
    if let Some(python) = given {
        let found = installed(python, pin)?;
        ensure!(
            found.as_deref() == Some(pin.version),
            "{} has {} of {}, and {} is needed",
            python.display(),
            found.as_deref().unwrap_or("no version"),
            pin.name,
            pin.version
        );
        return Ok(python.to_owned());
    }
    let folder = format!("target/conformance/venv-{}-{}", pin.name, pin.version);
    let folder = root.join(folder);
    let python = folder.join("bin/python");
    if python.is_file() && installed(&python, pin)?.as_deref() == Some(pin.version) {
        return Ok(python);
    }
    make(&folder)?;
    install(&python, pin)?;
    Ok(python)
}

/// The version of the package that an interpreter has.
fn installed(python: &Path, pin: Pin) -> anyhow::Result<Option<String>> {
    let ask = format!(
        "from importlib.metadata import version; print(version({:?}))",
        pin.name
    );
    let output = Command::new(python)
        .args(["-c", &ask])
        .stderr(Stdio::null())
        .output()
        .with_context(|| format!("{} cannot be run", python.display()))?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok((output.status.success() && !version.is_empty()).then_some(version))
}

/// Makes an environment, in place of what is left of an earlier attempt.
fn make(folder: &Path) -> anyhow::Result<()> {
    let mut found = Vec::new();
    for name in CANDIDATES {
        let Some(version) = version_of(name) else {
            continue;
        };
        found.push(format!("{name} {}.{}", version.0, version.1));
        if version < OLDEST {
            continue;
        }
        let output = Command::new(name)
            .args(["-m", "venv", "--clear"])
            .arg(folder)
            .output()
            .with_context(|| format!("{name} cannot be run"))?;
        if output.status.success() {
            return Ok(());
        }
        bail!(
            "{name} cannot make an environment; on Debian and Ubuntu, install {name}-venv:\n{}",
            said(&output)
        );
    }
    bail!(
        "Python {}.{} or newer is needed (found: {}): install python3 and python3-venv, or name an \
         interpreter that has the package with --python",
        OLDEST.0,
        OLDEST.1,
        if found.is_empty() {
            "none".to_owned()
        } else {
            found.join(", ")
        }
    )
}

/// The version of an interpreter, when there is one of that name that runs.
fn version_of(name: &str) -> Option<(u32, u32)> {
    let output = Command::new(name).args(["-c", VERSION]).output().ok()?;
    parse_version(&String::from_utf8_lossy(&output.stdout))
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.trim().split_once(' ')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn install(python: &Path, pin: Pin) -> anyhow::Result<()> {
    let output = Command::new(python)
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ])
        .arg(pin.requirement())
        .output()
        .context("pip cannot be run")?;
    ensure!(
        output.status.success(),
        "pip did not install {}; it needs a package index (pip's configuration, or PIP_INDEX_URL), \
         or name an interpreter that has the package with --python:\n{}",
        pin.requirement(),
        said(&output)
    );
    Ok(())
}

fn said(output: &std::process::Output) -> String {
    let both = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&both).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(parse_version("3 11\n"), Some((3, 11)));
        assert!(parse_version("3 9").unwrap() < OLDEST);
        assert_eq!(parse_version("pyenv: no such command"), None);
        assert_eq!(version_of("a-python-that-does-not-exist"), None);
    }

    #[test]
    fn an_interpreter_that_cannot_run_is_named() {
        let path = Path::new("/nowhere/python");
        let error = interpreter(Path::new("."), crate::pins::GEMINI, Some(path)).unwrap_err();
        assert_eq!(error.to_string(), "/nowhere/python cannot be run");
    }
}
