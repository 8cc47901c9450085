//! The files of an environment: a tree kept as paths, in which directories are what paths share.

use std::{collections::BTreeMap, time::SystemTime};

use bytes::Bytes;
use serde_json::{Value, json};

use crate::gemini::{caches::format_time, errors::ApiError, resources::read};

#[derive(Clone, Debug, Default)]
pub(super) struct Files(BTreeMap<String, File>);

#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) content: Bytes,
    pub(super) mime: String,
    created: SystemTime,
    modified: SystemTime,
}

impl Files {
    pub(super) fn put(&mut self, path: &str, mime: &str, content: Bytes, now: SystemTime) {
        let created = self.0.get(path).map_or(now, |file| file.created);
        let file = File {
            content,
            mime: mime.to_owned(),
            created,
            modified: now,
        };
        self.0.insert(path.to_owned(), file);
    }

    pub(super) fn get(&self, path: &str) -> Option<&File> {
        self.0.get(path.trim_matches('/'))
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.0.values().map(|file| file.content.len()).sum()
    }

    /// What a directory holds, or the one file of that path; the root is always there.
    pub(super) fn list(&self, path: &str, recursive: bool) -> Option<Vec<Value>> {
        let path = path.trim_matches('/');
        if let Some(file) = self.0.get(path) {
            return Some(vec![file.to_json(path)]);
        }
        let prefix = match path {
            "" => String::new(),
            path => format!("{path}/"),
        };
        let mut entries: BTreeMap<String, Value> = BTreeMap::new();
        for (whole, file) in &self.0 {
            let Some(below) = whole.strip_prefix(&prefix) else {
                continue;
            };
            match below.split_once('/') {
                Some((directory, _)) if !recursive => {
                    let path = format!("{prefix}{directory}");
                    entries.entry(path.clone()).or_insert_with(
                        || json!({"name": directory, "path": path, "type": "directory"}),
                    );
                }
                _ => {
                    entries.insert(whole.clone(), file.to_json(whole));
                }
            }
        }
        (path.is_empty() || !entries.is_empty()).then(|| entries.into_values().collect())
    }
}

impl File {
    fn to_json(&self, path: &str) -> Value {
        json!({
            "name": path.rsplit('/').next().unwrap_or(path),
            "path": path,
            "type": "file",
            "mime_type": self.mime,
            "size_bytes": self.content.len().to_string(),
            "created": format_time(self.created),
            "modified": format_time(self.modified),
        })
    }
}

/// A path as it is kept: no slash before it, no empty parts, nothing that leads out of the root.
pub(super) fn plain(path: &str) -> Result<String, ApiError> {
    let parts: Vec<&str> = path
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    if parts.is_empty() || parts.contains(&"..") {
        return Err(read::invalid(
            "path",
            "it must be a path within the environment",
        ));
    }
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_what_paths_share() {
        let mut files = Files::default();
        let now = SystemTime::UNIX_EPOCH;
        for path in ["a/b/one.txt", "a/two.txt", "three.txt"] {
            files.put(path, "text/plain", Bytes::from_static(b"x"), now);
        }
        let names = |path: &str, recursive: bool| -> Option<Vec<String>> {
            let entries = files.list(path, recursive)?.into_iter();
            Some(
                entries
                    .map(|it| format!("{} {}", it["path"], it["type"]).replace('"', ""))
                    .collect(),
            )
        };
        let found = |entries: &[&str]| Some(entries.iter().map(ToString::to_string).collect());
        assert_eq!(names("", false), found(&["a directory", "three.txt file"]));
        assert_eq!(
            names("/a/", false),
            found(&["a/b directory", "a/two.txt file"])
        );
        assert_eq!(
            names("a", true),
            found(&["a/b/one.txt file", "a/two.txt file"])
        );
        assert_eq!(names("three.txt", false), found(&["three.txt file"]));
        assert_eq!(names("b", false), None);
        assert_eq!((files.count(), files.bytes()), (3, 3));
    }

    #[test]
    fn paths_stay_within() {
        assert_eq!(plain("/a//./b.txt"), Ok("a/b.txt".to_owned()));
        for bad in ["", "/", "../a", "a/../../b"] {
            assert!(plain(bad).is_err(), "{bad}");
        }
    }
}
