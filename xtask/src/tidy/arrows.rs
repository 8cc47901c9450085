//! Which crate may depend on which, in one table.
//!
//! The arrows keep wire types free of I/O, transport free of services, and the emulator free of
//! the code it tests. A new crate needs a row here before it may depend on anything of ours.

use crate::finding::Finding;
use crate::sources::SourceFile;
use crate::tidy::manifest;
use crate::workspace::{Dependency, Kind, Member};

/// Our crates and what each may depend on in `[dependencies]`.
const ARROWS: &[(&str, &[&str])] = &[
    ("gimmal-types", &[]),
    ("gimmal-transport", &["gimmal-types"]),
    ("gimmal-api", &["gimmal-types", "gimmal-transport"]),
    (
        "gimmal-client",
        &["gimmal-types", "gimmal-transport", "gimmal-api"],
    ),
    ("gimmal-cache", &["gimmal-types"]),
    ("gimmal-training", &["gimmal-types", "gimmal-client"]),
    (
        "gimmal-batch",
        &["gimmal-types", "gimmal-client", "gimmal-cache"],
    ),
    ("gimmal-emulator", &["gimmal-types"]),
    (
        "gimmal-cli",
        &[
            "gimmal-types",
            "gimmal-transport",
            "gimmal-api",
            "gimmal-client",
            "gimmal-cache",
            "gimmal-training",
            "gimmal-batch",
            "gimmal-emulator",
        ],
    ),
    // What it plays recorded calls through, and what it drives the official SDKs against.
    (
        "xtask",
        &[
            "gimmal-api",
            "gimmal-client",
            "gimmal-emulator",
            "gimmal-types",
        ],
    ),
];

/// The crate every other one except [`NO_EMULATOR`] may use in its tests.
const TEST_SERVER: &str = "gimmal-emulator";

/// Crates whose tests must do without the emulator.
const NO_EMULATOR: &[&str] = &["gimmal-types"];

/// Foreign crates a crate of ours must not depend on outside its tests.
const KEPT_OUT: &[(&str, &[&str])] = &[
    (
        "gimmal-types",
        &["tokio", "http", "hyper", "reqwest", "axum"],
    ),
    ("gimmal-api", &["tokio", "hyper", "reqwest", "axum"]),
    ("gimmal-client", &["hyper", "reqwest", "axum"]),
    ("gimmal-batch", &["hyper", "reqwest", "axum"]),
    ("gimmal-cli", &["hyper", "reqwest", "axum"]),
    ("gimmal-emulator", &["reqwest"]),
];

/// Checks the declared dependencies of all members.
pub(crate) fn check(members: &[Member], files: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in members {
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == member.name) else {
            let message = format!("crate `{}` has no row in the table of arrows", member.name);
            findings.push(Finding::error(&member.manifest, 1, message));
            continue;
        };
        for dependency in &member.dependencies {
            if let Some(reason) = objection(&member.name, allowed, dependency) {
                let line = line_of(files, member, &dependency.name);
                findings.push(Finding::error(&member.manifest, line, reason));
            }
        }
    }
    findings
}

fn objection(member: &str, allowed: &[&str], dependency: &Dependency) -> Option<String> {
    let name = dependency.name.as_str();
    if ARROWS.iter().any(|(ours, _)| *ours == name) {
        let in_table = allowed.contains(&name);
        let in_tests =
            dependency.kind == Kind::Dev && name == TEST_SERVER && !NO_EMULATOR.contains(&member);
        if in_table || in_tests {
            return None;
        }
        let scope = match dependency.kind {
            Kind::Normal => "",
            Kind::Dev => " in its tests",
            Kind::Build => " in its build script",
        };
        return Some(format!("`{member}` must not depend on `{name}`{scope}"));
    }
    let kept_out = KEPT_OUT
        .iter()
        .any(|(ours, foreign)| *ours == member && foreign.contains(&name));
    (kept_out && dependency.kind != Kind::Dev)
        .then(|| format!("`{member}` must not depend on the foreign crate `{name}`"))
}

fn line_of(files: &[SourceFile], member: &Member, dependency: &str) -> usize {
    files
        .iter()
        .find(|file| file.path == member.manifest)
        .and_then(|file| {
            manifest::dependencies(&file.text, manifest::is_dependency_table)
                .into_iter()
                .find(|declared| declared.name == dependency)
        })
        .map_or(1, |declared| declared.line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, dependencies: &[(&str, Kind)]) -> Member {
        Member {
            name: name.into(),
            manifest: format!("crates/{name}/Cargo.toml"),
            dependencies: dependencies
                .iter()
                .map(|(name, kind)| Dependency {
                    name: (*name).into(),
                    kind: *kind,
                })
                .collect(),
        }
    }

    fn messages(members: &[Member]) -> Vec<String> {
        check(members, &[])
            .into_iter()
            .map(|finding| finding.message)
            .collect()
    }

    #[test]
    fn arrows_of_the_table_pass() {
        let members = [
            member(
                "gimmal-api",
                &[("gimmal-types", Kind::Normal), ("serde", Kind::Normal)],
            ),
            member("gimmal-cli", &[("gimmal-emulator", Kind::Normal)]),
        ];
        assert!(messages(&members).is_empty());
    }

    #[test]
    fn an_arrow_against_the_table_is_found() {
        let members = [member("gimmal-transport", &[("gimmal-api", Kind::Normal)])];
        assert_eq!(
            messages(&members),
            ["`gimmal-transport` must not depend on `gimmal-api`"]
        );
    }

    #[test]
    fn tests_may_use_the_emulator_except_those_of_types() {
        let good = [member("gimmal-client", &[("gimmal-emulator", Kind::Dev)])];
        assert!(messages(&good).is_empty());
        let bad = [
            member("gimmal-types", &[("gimmal-emulator", Kind::Dev)]),
            member("gimmal-client", &[("gimmal-emulator", Kind::Normal)]),
        ];
        assert_eq!(messages(&bad).len(), 2);
    }

    #[test]
    fn nothing_depends_on_the_command_or_on_chores() {
        let bad = [
            member("gimmal-batch", &[("gimmal-cli", Kind::Dev)]),
            member("gimmal-cli", &[("xtask", Kind::Build)]),
        ];
        assert_eq!(messages(&bad).len(), 2);
    }

    #[test]
    fn an_http_client_stays_in_the_transport() {
        let members = [
            member("gimmal-types", &[("tokio", Kind::Normal)]),
            member(
                "gimmal-client",
                &[("reqwest", Kind::Normal), ("tokio", Kind::Normal)],
            ),
            member("gimmal-emulator", &[("reqwest", Kind::Dev)]),
        ];
        assert_eq!(
            messages(&members),
            [
                "`gimmal-types` must not depend on the foreign crate `tokio`",
                "`gimmal-client` must not depend on the foreign crate `reqwest`",
            ]
        );
    }

    #[test]
    fn an_unknown_crate_needs_a_row() {
        assert_eq!(
            messages(&[member("gimmal-new", &[])]),
            ["crate `gimmal-new` has no row in the table of arrows"]
        );
    }

    #[test]
    fn the_finding_names_the_line() {
        let members = [member("gimmal-types", &[("gimmal-cache", Kind::Normal)])];
        let files = [SourceFile::new(
            "crates/gimmal-types/Cargo.toml",
            "[dependencies]\nserde.workspace = true\ngimmal-cache.workspace = true\n",
        )];
        assert_eq!(check(&members, &files)[0].line, 3);
    }
}
