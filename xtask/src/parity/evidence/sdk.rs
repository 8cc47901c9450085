//! Calls that were made side by side with an official SDK, as `cargo xtask conformance sdk` leaves
//! them.

use std::collections::BTreeMap;
use std::path::Path;

use crate::conformance::sdk::{File, Line, Word, files};
use crate::parity::checked_in::checked_in;
use crate::parity::naming;

/// Areas of the cases of the Tinker SDK that call methods of a class.
const AREAS: &[(&str, &[&str])] = &[
    ("AdminClient", &["rest"]),
    ("RestClient", &["rest", "checkpoints"]),
    ("SamplingClient", &["sampling"]),
    ("ServiceClient", &["service"]),
    ("TrainingClient", &["training", "checkpoints"]),
];

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

    fn add(&mut self, case: &Line) {
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
        let mut cases = Self::default();
        for (_, file) in files() {
            cases.add(&checked_in(root, file)?);
        }
        Ok(cases)
    }

    fn add(&mut self, file: &File) {
        for case in &file.cases {
            let (method, _) = case.case.split_once('/').unwrap_or((&case.case, ""));
            let area = method.split('.').next().unwrap_or(method);
            self.areas.entry(area.to_owned()).or_default().add(case);
            let method = naming::call(method);
            self.methods.entry(method).or_default().add(case);
        }
    }

    /// Cases of a method, by its module: `caches.create`.
    pub(crate) fn of_method(&self, name: &str) -> Option<SdkTally> {
        self.methods.get(name).copied()
    }

    /// Cases of a method of a class of the Tinker SDK.
    pub(crate) fn of_class(&self, class: &str, method: &str) -> Option<SdkTally> {
        let (_, areas) = AREAS.iter().find(|(name, _)| *name == class)?;
        let mut names = areas.iter().map(|area| format!("{area}.{method}"));
        names.find_map(|name| self.of_method(&name))
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
            line("checkpoints.save_state/twice", "passed", "passed"),
        ];
        let text = format!(r#"{{"package": "p", "cases": [{}]}}"#, lines.join(","));
        let mut cases = SdkCases::default();
        cases.add(&serde_json::from_str(&text).unwrap());
        let create = cases.of_method("caches.create").unwrap();
        assert_eq!((create.cases, create.python, create.ours), (2, 2, 1));
        assert!(create.is_clean());
        assert!(!cases.of_method("caches.get").unwrap().is_clean());
        assert!(cases.of_method("tokens.create").unwrap().is_clean());
        assert_eq!(cases.areas["caches"].cases, 3);
        assert_eq!(cases.of_method("caches.list"), None);
        assert!(
            cases
                .of_class("TrainingClient", "save_state")
                .unwrap()
                .is_clean()
        );
        assert_eq!(cases.of_class("SamplingClient", "save_state"), None);
    }
}
