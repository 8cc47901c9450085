//! Calls that were made side by side with an official SDK, as `cargo xtask conformance sdk` leaves
//! them.
//!
//! The file is `conformance/sdk-results.json`:
//!
//! ```json
//! {"package": "google-genai==3.4.0",
//!  "cases": [{"case": "caches.create/ttl:a day", "backend": "mldev",
//!             "python": "passed", "ours": "passed"}]}
//! ```
//!
//! What stands before the slash is a module and a method. Each side is `passed`, `failed` or
//! `missing`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use serde::Deserialize;

use crate::parity::naming;

const FILE: &str = "conformance/sdk-results.json";

#[derive(Debug, Deserialize)]
struct File {
    cases: Vec<Case>,
}

#[derive(Debug, Deserialize)]
struct Case {
    case: String,
    python: Word,
    ours: Word,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Word {
    Passed,
    Failed,
    Missing,
}

/// Cases by how they ended on either side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SdkTally {
    /// Cases in all.
    pub(crate) cases: usize,
    /// Cases that passed with the SDK.
    pub(crate) python: usize,
    /// Cases that passed with our client.
    pub(crate) ours: usize,
    /// Cases that failed on either side.
    pub(crate) failed: usize,
}

impl SdkTally {
    /// Whether our client passed, and nothing failed on either side.
    pub(crate) fn is_clean(self) -> bool {
        self.ours > 0 && self.failed == 0
    }

    fn add(&mut self, case: &Case) {
        let sides = [case.python, case.ours];
        self.cases += 1;
        self.python += usize::from(case.python == Word::Passed);
        self.ours += usize::from(case.ours == Word::Passed);
        self.failed += usize::from(sides.contains(&Word::Failed));
    }
}

/// All cases.
#[derive(Clone, Debug, Default)]
pub(crate) struct SdkCases {
    /// By area, the first word of the name.
    pub(crate) areas: BTreeMap<String, SdkTally>,
    methods: BTreeMap<String, SdkTally>,
}

impl SdkCases {
    /// Reads the results below `root`; an absent file has none.
    pub(crate) fn load(root: &Path) -> anyhow::Result<Self> {
        let path = root.join(FILE);
        if !path.is_file() {
            return Ok(Self::default());
        }
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("failed to read {FILE}"))?;
        Self::parse(&text).with_context(|| format!("{FILE} does not hold results"))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let file: File = serde_json::from_str(text)?;
        let mut cases = Self::default();
        for case in &file.cases {
            let (method, _) = case.case.split_once('/').unwrap_or((&case.case, ""));
            let area = method.split('.').next().unwrap_or(method);
            cases.areas.entry(area.to_owned()).or_default().add(case);
            let method = naming::call(method);
            cases.methods.entry(method).or_default().add(case);
        }
        Ok(cases)
    }

    /// Cases of a method, by its module: `caches.create`.
    pub(crate) fn of_method(&self, name: &str) -> Option<SdkTally> {
        self.methods.get(name).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_add_up_by_method_and_area() {
        let line = |case: &str, python: &str, ours: &str| {
            format!(
                r#"{{"case": "{case}", "backend": "mldev", "python": "{python}", "ours": "{ours}"}}"#
            )
        };
        let lines = [
            line("caches.create/ttl:a day", "passed", "passed"),
            line("caches.create/contents", "passed", "missing"),
            line("caches.get/name", "passed", "failed"),
            line("auth_tokens.create/uses", "missing", "passed"),
        ];
        let text = format!(r#"{{"package": "p", "cases": [{}]}}"#, lines.join(","));
        let cases = SdkCases::parse(&text).unwrap();
        let create = cases.of_method("caches.create").unwrap();
        assert_eq!((create.cases, create.python, create.ours), (2, 2, 1));
        assert!(create.is_clean());
        assert!(!cases.of_method("caches.get").unwrap().is_clean());
        assert!(cases.of_method("tokens.create").unwrap().is_clean());
        assert_eq!(cases.areas["caches"].cases, 3);
        assert_eq!(cases.of_method("caches.list"), None);
    }
}
