//! Regenerates the inventories of the packages in an environment of their own.
//!
//! The versions stand in `pins.rs`. The documents and checks are no packages and stay as they are.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

use crate::finding::Finding;
use crate::parity::inventory::{FOLDER, Inventory, Origin, parse};
use crate::pins;

const VENV: &str = "target/parity/venv";
const INVENTORIES: &[Origin] = &[Origin::Gemini, Origin::Tinker, Origin::Batch];

/// Installs the packages, writes the inventories and tells what changed.
pub(crate) fn run(root: &Path, python: &str) -> anyhow::Result<Vec<Finding>> {
    let read_all = || -> anyhow::Result<Vec<Inventory>> {
        INVENTORIES
            .iter()
            .map(|&origin| parse(origin, &std::fs::read_to_string(root.join(origin.file()))?))
            .collect()
    };
    let before = read_all()?;
    let venv = root.join(VENV);
    let venv_python = venv.join("bin/python");
    if !venv_python.is_file() {
        call(Command::new(python).args(["-m", "venv"]).arg(&venv))?;
    }
    call(
        Command::new(&venv_python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ])
            .args(packages()),
    )?;
    call(
        Command::new(&venv_python)
            .arg(root.join(FOLDER).join("introspect.py"))
            .arg(root.join(FOLDER)),
    )?;
    let after = read_all()?;
    Ok(INVENTORIES
        .iter()
        .zip(before.iter().zip(&after))
        .flat_map(|(origin, (before, after))| changes(&origin.file(), before, after))
        .collect())
}

/// What to install; the tokenizer that runs here comes with an extra.
fn packages() -> [String; 3] {
    let gemini = pins::GEMINI;
    [
        format!("{}[local-tokenizer]=={}", gemini.name, gemini.version),
        pins::TINKER.requirement(),
        pins::BATCH.requirement(),
    ]
}

fn call(command: &mut Command) -> anyhow::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command
        .status()
        .with_context(|| format!("failed to run {program}"))?;
    if !status.success() {
        bail!("{program} ended with {status}");
    }
    Ok(())
}

/// Rows that came, went or changed, as warnings.
fn changes(file: &str, before: &Inventory, after: &Inventory) -> Vec<Finding> {
    let by_key = |inventory: &Inventory| -> BTreeMap<String, String> {
        let rows = inventory.rows.iter();
        rows.map(|row| (row.key(), format!("{row:?}"))).collect()
    };
    let (old, new) = (by_key(before), by_key(after));
    let mut found = Vec::new();
    if before.reference != after.reference {
        let message = format!("{} instead of {}", after.reference, before.reference);
        found.push(Finding::warning(file, 1, message));
    }
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        found.push(Finding::warning(file, 1, format!("gone: {key}")));
    }
    for (key, row) in &new {
        match old.get(key) {
            None => found.push(Finding::warning(file, 1, format!("new: {key}"))),
            Some(other) if other != row => {
                found.push(Finding::warning(file, 1, format!("changed: {key}")));
            }
            Some(_) => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_gone_and_changed_rows_are_told() {
        let rows = |rows: &str| {
            parse(
                Origin::Gemini,
                &format!(r#"{{"reference": "r", "rows": [{rows}]}}"#),
            )
            .unwrap()
        };
        let before =
            rows(r#"{"id": "a", "kind": "type"}, {"id": "b", "kind": "field", "wire": "x"}"#);
        let after =
            rows(r#"{"id": "b", "kind": "field", "wire": "y"}, {"id": "c", "kind": "type"}"#);
        let found: Vec<_> = changes("f", &before, &after)
            .into_iter()
            .map(|finding| finding.message)
            .collect();
        assert_eq!(
            found,
            [
                "gone: google-genai type a",
                "changed: google-genai field b",
                "new: google-genai type c",
            ]
        );
    }
}
