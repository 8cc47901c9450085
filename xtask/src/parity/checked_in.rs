//! Reading of the JSON files that are checked in.

use std::path::Path;

use anyhow::Context;
use serde::de::DeserializeOwned;

/// What the file at `path` below `root` holds; an absent file holds nothing.
pub(crate) fn checked_in<T: DeserializeOwned + Default>(
    root: &Path,
    path: &str,
) -> anyhow::Result<T> {
    let file = root.join(path);
    if !file.is_file() {
        return Ok(T::default());
    }
    let text = std::fs::read_to_string(file).with_context(|| format!("failed to read {path}"))?;
    serde_json::from_str(&text).with_context(|| format!("{path} does not hold what it should"))
}
