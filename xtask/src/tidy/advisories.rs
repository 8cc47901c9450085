//! Crates we keep out of the graph because of a published advisory.
//!
//! This is the part that needs no network; `deny.toml` asks the whole advisory database.

use cargo_metadata::semver::Version;

use crate::finding::Finding;
use crate::workspace::Foreign;

const LOCK: &str = "Cargo.lock";

/// Versions of a crate an advisory is about.
enum Affected {
    /// Every version.
    All,
    /// From the first version (included) to the second (excluded), for each pair.
    Within(&'static [(Release, Release)]),
}

/// Major, minor and patch number.
type Release = (u64, u64, u64);

struct Advisory {
    name: &'static str,
    affected: Affected,
    ids: &'static str,
    instead: &'static str,
}

const fn all(name: &'static str, ids: &'static str, instead: &'static str) -> Advisory {
    Advisory {
        name,
        affected: Affected::All,
        ids,
        instead,
    }
}

const WATCH_LIST: &[Advisory] = &[
    all(
        "backoff",
        "RUSTSEC-2025-0012",
        "the retry executor of gimmal-transport",
    ),
    all("instant", "RUSTSEC-2024-0384", "web-time"),
    all("async-std", "RUSTSEC-2025-0052", "tokio"),
    all("fxhash", "RUSTSEC-2025-0057", "rustc-hash"),
    all("number_prefix", "RUSTSEC-2025-0119", "unit-prefix"),
    all("rustls-pemfile", "RUSTSEC-2025-0134", "rustls-pki-types"),
    all("bincode", "RUSTSEC-2025-0141", "postcard or serde_json"),
    all("rsa", "RUSTSEC-2023-0071", "aws-lc-rs"),
    all(
        "proc-macro-error2",
        "RUSTSEC-2026-0173",
        "the errors of syn",
    ),
    Advisory {
        name: "rand",
        affected: Affected::Within(&[
            ((0, 0, 0), (0, 8, 6)),
            ((0, 9, 0), (0, 9, 3)),
            ((0, 10, 0), (0, 10, 1)),
        ]),
        ids: "RUSTSEC-2026-0097",
        instead: "0.10.1 or newer",
    },
    Advisory {
        name: "anyhow",
        affected: Affected::Within(&[((0, 0, 0), (1, 0, 103))]),
        ids: "RUSTSEC-2026-0190",
        instead: "1.0.103 or newer",
    },
    Advisory {
        name: "rustls-webpki",
        affected: Affected::Within(&[((0, 0, 0), (0, 103, 12))]),
        ids: "RUSTSEC-2026-0098, RUSTSEC-2026-0099, RUSTSEC-2026-0104",
        instead: "0.103.12 or newer",
    },
];

/// Checks the resolved graph against the list.
pub(crate) fn check(foreign: &[Foreign]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in foreign {
        for advisory in WATCH_LIST {
            if advisory.name == package.name && covers(&advisory.affected, &package.version) {
                let message = format!(
                    "{} {} is affected by {}: use {}",
                    package.name, package.version, advisory.ids, advisory.instead
                );
                findings.push(Finding::error(LOCK, 1, message));
            }
        }
    }
    findings
}

fn covers(affected: &Affected, version: &Version) -> bool {
    match affected {
        Affected::All => true,
        Affected::Within(ranges) => ranges.iter().any(|(from, to)| {
            let release = |(major, minor, patch): Release| Version::new(major, minor, patch);
            release(*from) <= *version && *version < release(*to)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(name: &str, version: &str) -> Vec<Finding> {
        check(&[Foreign {
            name: name.into(),
            version: Version::parse(version).unwrap(),
            license: None,
        }])
    }

    #[test]
    fn a_crate_of_the_list_is_found_in_any_version() {
        let found = findings("backoff", "9.9.9");
        assert_eq!(found.len(), 1);
        assert!(found[0].message.contains("RUSTSEC-2025-0012"));
    }

    #[test]
    fn ranges_end_where_the_fix_begins() {
        for (name, version, expected) in [
            ("rand", "0.8.5", 1),
            ("rand", "0.8.6", 0),
            ("rand", "0.9.2", 1),
            ("rand", "0.9.3", 0),
            ("rand", "0.10.0", 1),
            ("rand", "0.10.3", 0),
            ("anyhow", "1.0.102", 1),
            ("anyhow", "1.0.103", 0),
            ("rustls-webpki", "0.103.11", 1),
            ("rustls-webpki", "0.103.12", 0),
        ] {
            assert_eq!(findings(name, version).len(), expected, "{name} {version}");
        }
    }

    #[test]
    fn other_crates_pass() {
        assert!(findings("serde", "1.0.0").is_empty());
    }
}
