//! Reads the plain output of `cargo test`.
//!
//! The sections name test binaries; which crate a section belongs to follows from the library or
//! program whose unit tests ran last, for cargo runs crate after crate.

use std::collections::BTreeMap;

use super::suite::TestCase;

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It passed.
    Ok,
    /// It failed.
    Failed,
    /// It was not run.
    Ignored,
}

/// What a run of all tests printed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    outcomes: BTreeMap<(String, String), BTreeMap<String, Outcome>>,
    /// Passed, failed and ignored tests, those of the documentation included.
    pub(crate) counts: (usize, usize, usize),
}

impl Log {
    /// How a test ended; of the cases of a table the worst counts.
    pub(crate) fn outcome(&self, test: &TestCase) -> Option<Outcome> {
        let targets = match test.target.as_str() {
            // Modules of a crate that has no library run with its program.
            "src/lib.rs" => vec!["src/lib.rs", "src/main.rs"],
            target => vec![target],
        };
        let table = format!("{}::", test.path);
        let mut worst = None;
        for target in targets {
            let key = (test.package.clone(), target.to_owned());
            for (name, outcome) in self.outcomes.get(&key).into_iter().flatten() {
                if *name == test.path || name.starts_with(&table) {
                    worst = match (worst, *outcome) {
                        (Some(Outcome::Failed), _) | (_, Outcome::Failed) => Some(Outcome::Failed),
                        (Some(Outcome::Ok), _) | (_, Outcome::Ok) => Some(Outcome::Ok),
                        _ => Some(Outcome::Ignored),
                    };
                }
            }
        }
        worst
    }

    /// Whether anything ran.
    pub(crate) fn is_empty(&self) -> bool {
        self.outcomes.is_empty()
    }
}

/// Reads the text; `packages` are the folders of the crates with the names of their binaries.
pub(crate) fn parse(text: &str, packages: &[(String, Vec<String>)]) -> Log {
    let mut log = Log::default();
    let mut package: Option<&str> = None;
    let mut section: Option<(String, String)> = None;
    for line in text.lines() {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("Running ") {
            let (target, binary) = rest.split_once(" (").unwrap_or((rest, ""));
            let file = binary
                .trim_end_matches(')')
                .rsplit('/')
                .next()
                .unwrap_or_default();
            let binary = file.rsplit_once('-').map_or(file, |(name, _)| name);
            if let Some(target) = target.strip_prefix("unittests ") {
                package = packages
                    .iter()
                    .find(|(_, names)| names.iter().any(|name| name.replace('-', "_") == binary))
                    .map(|(folder, _)| folder.as_str());
                section = package.map(|package| (package.to_owned(), target.to_owned()));
            } else {
                section = package.map(|package| (package.to_owned(), target.to_owned()));
            }
        } else if line.starts_with("Doc-tests ") {
            section = None;
        } else if let Some(rest) = line.strip_prefix("test ")
            && let Some((name, outcome)) = rest.rsplit_once(" ... ")
        {
            let outcome = match outcome.split([',', ' ']).next() {
                Some("ok") => Outcome::Ok,
                Some("ignored") => Outcome::Ignored,
                _ => Outcome::Failed,
            };
            match outcome {
                Outcome::Ok => log.counts.0 += 1,
                Outcome::Failed => log.counts.1 += 1,
                Outcome::Ignored => log.counts.2 += 1,
            }
            if let Some(section) = &section {
                let name = name.trim_end_matches(" - should panic").to_owned();
                let tests = log.outcomes.entry(section.clone()).or_default();
                tests.insert(name, outcome);
            }
        }
    }
    log
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parity::evidence::find_tests;
    use crate::parity::surface::parse_all;
    use crate::sources::SourceFile;

    const LOG: &str = "   Compiling x\n     \
        Running unittests src/lib.rs (target/debug/deps/gimmal_api-0a1b)\n\n\
        running 1 test\ntest pager::tests::one ... ok\n\n     \
        Running tests/a.rs (target/debug/deps/a-0a1b)\n\
        test works ... ok\ntest table::first ... ok\ntest table::second ... FAILED\n\
        test slow ... ignored, too slow\n   \
        Doc-tests gimmal_api\ntest crates/api/src/lib.rs - x (line 3) ... ok\n";

    #[test]
    fn sections_belong_to_the_crate_that_ran_last() {
        let packages = [("crates/api".to_owned(), vec!["gimmal-api".to_owned()])];
        let log = parse(LOG, &packages);
        assert_eq!(log.counts, (4, 1, 1));
        let files = [
            SourceFile::new(
                "crates/api/src/pager.rs",
                "#[cfg(test)] mod tests { #[test] fn one() {} }",
            ),
            SourceFile::new(
                "crates/api/tests/a.rs",
                "#[test] fn slow() {} #[test_case(1)] fn table(x: u8) {} #[test] fn unseen() {} \
                 #[test] fn works() {}",
            ),
        ];
        let outcomes: Vec<_> = find_tests(&parse_all(&files).unwrap())
            .iter()
            .map(|test| log.outcome(test))
            .collect();
        assert_eq!(
            outcomes,
            [
                Some(Outcome::Ok),
                Some(Outcome::Ignored),
                Some(Outcome::Failed),
                None,
                Some(Outcome::Ok),
            ]
        );
    }
}
