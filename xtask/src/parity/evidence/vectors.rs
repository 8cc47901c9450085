//! Results of the wire vectors, as `cargo xtask conformance` leaves them.
//!
//! The file is `conformance/results.json`:
//!
//! ```json
//! {"suites": [{"name": "genai_sweep", "method": "caches.create", "backend": "mldev",
//!              "total": 40, "equal": 40, "different": 0, "unimplemented": 0}],
//!  "fields": [{"field": "types.CreateCachedContentConfig.ttl", "total": 2, "equal": 2}]}
//! ```
//!
//! `method` is the name of a call (`caches.create`) or of a client method
//! (`TrainingClient.forward_backward`). `fields` is optional: the rows of fields that vectors fill,
//! and how many of those are equal.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::parity::checked_in::checked_in;
use crate::parity::naming;

const FILE: &str = "conformance/results.json";

#[derive(Debug, Default, Deserialize)]
struct File {
    suites: Vec<Suite>,
    #[serde(default)]
    fields: Vec<FieldResult>,
}

#[derive(Debug, Deserialize)]
struct Suite {
    name: String,
    method: String,
    backend: String,
    total: usize,
    equal: usize,
    different: usize,
    unimplemented: usize,
}

#[derive(Debug, Deserialize)]
struct FieldResult {
    field: String,
    total: usize,
    equal: usize,
}

/// Vectors of one method, over all suites and back ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Vectors in all.
    pub(crate) total: usize,
    /// Vectors that are equal, deliberate differences included.
    pub(crate) equal: usize,
    /// Vectors that differ.
    pub(crate) different: usize,
    /// Vectors of calls that do not exist yet.
    pub(crate) unimplemented: usize,
}

impl Tally {
    /// Whether there are vectors and all of them are equal.
    pub(crate) fn is_clean(self) -> bool {
        self.total > 0 && self.equal == self.total
    }

    fn add(&mut self, suite: &Suite) {
        self.total += suite.total;
        self.equal += suite.equal;
        self.different += suite.different;
        self.unimplemented += suite.unimplemented;
    }
}

/// All results.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vectors {
    /// By suite and back end.
    pub(crate) suites: BTreeMap<(String, String), Tally>,
    methods: BTreeMap<String, Tally>,
    fields: BTreeMap<String, bool>,
}

impl Vectors {
    /// Reads the results below `root`; an absent file has none.
    pub(crate) fn load(root: &Path) -> anyhow::Result<Self> {
        let file: File = checked_in(root, FILE)?;
        Ok(Self::of(file))
    }

    fn of(file: File) -> Self {
        let mut vectors = Self::default();
        for suite in &file.suites {
            let key = (suite.name.clone(), suite.backend.clone());
            vectors.suites.entry(key).or_default().add(suite);
            let method = vectors
                .methods
                .entry(naming::call(&suite.method))
                .or_default();
            method.add(suite);
        }
        for field in file.fields {
            let clean = field.total > 0 && field.equal == field.total;
            vectors.fields.insert(field.field, clean);
        }
        vectors
    }

    /// Vectors of a method; `caches.create` and `TrainingClient.sample` alike.
    pub(crate) fn of_method(&self, name: &str) -> Option<Tally> {
        self.methods.get(name).copied()
    }

    /// Whether all vectors that fill a field, by the id of its row, are equal; nothing when none
    /// fills it.
    pub(crate) fn of_field(&self, name: &str) -> Option<bool> {
        self.fields.get(name).copied()
    }

    /// All vectors.
    pub(crate) fn total(&self) -> Tally {
        let mut total = Tally::default();
        for tally in self.suites.values() {
            total.total += tally.total;
            total.equal += tally.equal;
            total.different += tally.different;
            total.unimplemented += tally.unimplemented;
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_add_up_by_method() {
        let file = serde_json::from_str(
            r#"{"suites": [
                {"name": "s", "method": "a.b", "backend": "mldev",
                 "total": 3, "equal": 3, "different": 0, "unimplemented": 0},
                {"name": "s", "method": "a.b", "backend": "vertex",
                 "total": 2, "equal": 1, "different": 1, "unimplemented": 0}],
                "fields": [{"field": "types.A.b", "total": 2, "equal": 2}]}"#,
        )
        .unwrap();
        let vectors = Vectors::of(file);
        let tally = vectors.of_method("a.b").unwrap();
        assert_eq!((tally.total, tally.equal), (5, 4));
        assert!(!tally.is_clean());
        assert_eq!(vectors.of_field("types.A.b"), Some(true));
        assert_eq!(vectors.total().different, 1);
        assert_eq!(vectors.of_method("a.c"), None);
    }
}
