//! Reading records: JSON or JSON lines, plain or gzip, in files or folders of files.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use flate2::read::GzDecoder;
use serde_json::Value;

/// Files that may hold records, in a stable order.
pub(crate) fn list(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let entries = std::fs::read_dir(path)
                .with_context(|| format!("{} cannot be listed", path.display()))?;
            for entry in entries {
                let path = entry?.path();
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                if [".json", ".json.gz", ".jsonl"]
                    .iter()
                    .any(|end| name.ends_with(end))
                {
                    files.push(path);
                }
            }
        } else {
            files.push(path.clone());
        }
    }
    files.sort();
    Ok(files)
}

/// The records of one file.
pub(crate) fn records(path: &Path) -> anyhow::Result<Vec<Value>> {
    let name = path.display();
    let mut file = File::open(path).with_context(|| format!("{name} cannot be opened"))?;
    let mut text = String::new();
    if path.extension().is_some_and(|end| end == "gz") {
        GzDecoder::new(file).read_to_string(&mut text)
    } else {
        file.read_to_string(&mut text)
    }
    .with_context(|| format!("{name} cannot be read"))?;

    match serde_json::from_str::<Value>(&text) {
        Ok(Value::Array(records)) => Ok(records),
        Ok(Value::Object(mut whole)) => match whole.get_mut("vectors").map(Value::take) {
            Some(Value::Array(records)) => Ok(records),
            Some(_) => bail!("{name}: `vectors` must be a list"),
            None => Ok(vec![Value::Object(whole)]),
        },
        Ok(_) => bail!("{name}: must hold an object, a list or lines of objects"),
        Err(_) => lines(&text).with_context(|| format!("{name} is neither JSON nor JSON lines")),
    }
}

fn lines(text: &str) -> serde_json::Result<Vec<Value>> {
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(serde_json::from_str)
        .collect()
}
