//! Joins reference calls, our routes and our tests into one status per call.
//!
//! A route that fits no call, or more than one, counts for none: the report must not flatter.

use std::collections::BTreeSet;

use crate::finding::Finding;
use crate::parity::evidence::Evidence;
use crate::parity::reference::{Call, Inventory};
use crate::parity::routes::Route;

/// How far a reference call is covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// The route is there and at least one test names the call.
    Complete,
    /// The route is there, no test names the call.
    Partial,
    /// There is no route.
    Missing,
}

/// A reference call with what we have for it.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// The call.
    pub(crate) call: Call,
    /// Its status.
    pub(crate) status: Status,
    /// Where our routes are, as `file` names without repetition.
    pub(crate) routes: Vec<String>,
    /// Tests, as `file::test`.
    pub(crate) tests: Vec<String>,
}

/// All rows of one inventory.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    /// Name of the API.
    pub(crate) title: &'static str,
    /// Package and version of the reference.
    pub(crate) reference: String,
    /// Rows in the order of the reference.
    pub(crate) rows: Vec<Row>,
}

/// The whole comparison.
#[derive(Clone, Debug)]
pub(crate) struct Matrix {
    /// One section per inventory.
    pub(crate) sections: Vec<Section>,
    /// Routes that belong to no reference call.
    pub(crate) extra: Vec<Route>,
    /// Tags and routes somebody must correct.
    pub(crate) findings: Vec<Finding>,
}

/// Joins everything.
pub(crate) fn join(inventories: &[Inventory], routes: &[Route], tests: &[Evidence]) -> Matrix {
    let calls: Vec<&Call> = inventories.iter().flat_map(|i| &i.calls).collect();
    let mut findings = Vec::new();
    let mut extra = Vec::new();
    let mut placed: Vec<(&str, &Route)> = Vec::new();
    for route in routes {
        match place(&calls, route) {
            Placement::One(call) => placed.push((&call.id, route)),
            Placement::None => extra.push(route.clone()),
            Placement::Several(ids) => {
                let message = format!(
                    "route `{} {}` fits several calls ({}): name its file after the module, or \
                     the function after the method",
                    route.verb,
                    route.written,
                    ids.join(", ")
                );
                findings.push(Finding::error(&route.file, route.line, message));
            }
        }
    }
    for test in tests {
        if !calls.iter().any(|call| call.id == test.id) {
            let message = format!("`{}` is no call of the reference inventories", test.id);
            findings.push(Finding::error(&test.file, test.line, message));
        } else if !placed.iter().any(|(id, _)| *id == test.id) {
            let message = format!(
                "`{}` is covered by a test but has no `Route:` line",
                test.id
            );
            findings.push(Finding::warning(&test.file, test.line, message));
        }
    }

    let sections = inventories
        .iter()
        .map(|inventory| Section {
            title: inventory.title,
            reference: inventory.reference.clone(),
            rows: inventory
                .calls
                .iter()
                .map(|call| row(call, &placed, tests))
                .collect(),
        })
        .collect();
    Matrix {
        sections,
        extra,
        findings,
    }
}

enum Placement<'a> {
    One(&'a Call),
    None,
    Several(Vec<&'a str>),
}

fn place<'a>(calls: &[&'a Call], route: &Route) -> Placement<'a> {
    let mut fits: Vec<&'a Call> = calls
        .iter()
        .copied()
        .filter(|call| call.verb == route.verb && call.paths.contains(&route.path))
        .collect();
    let narrow = |fits: &mut Vec<&'a Call>, keep: &dyn Fn(&Call) -> bool| {
        if fits.len() > 1 && fits.iter().any(|call| keep(call)) {
            fits.retain(|call| keep(call));
        }
    };
    narrow(&mut fits, &|call| route.is_in_module(&call.module));
    narrow(&mut fits, &|call| call.method == route.item);
    match fits.as_slice() {
        [] => Placement::None,
        [call] => Placement::One(call),
        several => Placement::Several(several.iter().map(|call| call.id.as_str()).collect()),
    }
}

fn row(call: &Call, placed: &[(&str, &Route)], tests: &[Evidence]) -> Row {
    let routes: BTreeSet<String> = placed
        .iter()
        .filter(|(id, _)| *id == call.id)
        .map(|(_, route)| route.file.clone())
        .collect();
    let tests: BTreeSet<String> = tests
        .iter()
        .filter(|test| test.id == call.id)
        .map(|test| format!("{}::{}", test.file, test.test))
        .collect();
    let status = match (routes.is_empty(), tests.is_empty()) {
        (true, _) => Status::Missing,
        (false, true) => Status::Partial,
        (false, false) => Status::Complete,
    };
    Row {
        call: call.clone(),
        status,
        routes: routes.into_iter().collect(),
        tests: tests.into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parity::reference;

    const GEMINI: &str = r#"{"reference": "r", "calls": [
        {"module": "caches", "method": "get", "verb": "GET", "mldev": ["{name}"], "vertex": []},
        {"module": "models", "method": "get", "verb": "GET", "mldev": ["{name}"], "vertex": []},
        {"module": "models", "method": "_edit", "verb": "POST", "mldev": ["{model}:predict"], "vertex": []},
        {"module": "models", "method": "_make", "verb": "POST", "mldev": ["{model}:predict"], "vertex": []}
    ]}"#;

    fn route(file: &str, verb: &str, path: &str, item: &str) -> Route {
        Route {
            verb: verb.into(),
            path: reference::normal(path),
            written: path.into(),
            item: item.into(),
            file: format!("crates/api/src/{file}"),
            line: 1,
        }
    }

    fn test(id: &str) -> Evidence {
        Evidence {
            id: id.into(),
            file: "t.rs".into(),
            test: "works".into(),
            line: 9,
        }
    }

    fn statuses(routes: &[Route], tests: &[Evidence]) -> (Vec<Status>, Matrix) {
        let matrix = join(&[reference::gemini(GEMINI).unwrap()], routes, tests);
        (
            matrix.sections[0]
                .rows
                .iter()
                .map(|row| row.status)
                .collect(),
            matrix,
        )
    }

    #[test]
    fn complete_needs_route_and_test() {
        let routes = [
            route("caches.rs", "GET", "{name}", "get"),
            route("models.rs", "GET", "models/{id}", "get"),
        ];
        let (statuses, matrix) = statuses(&routes, &[test("caches.get")]);
        use Status::{Complete, Missing, Partial};
        assert_eq!(statuses, [Complete, Partial, Missing, Missing]);
        assert!(matrix.findings.is_empty() && matrix.extra.is_empty());
        assert_eq!(matrix.sections[0].rows[0].tests, ["t.rs::works"]);
    }

    #[test]
    fn the_function_name_decides_within_a_module() {
        let (statuses, _) = statuses(&[route("images.rs", "POST", "{m}:predict", "edit")], &[]);
        assert_eq!(statuses[2..], [Status::Partial, Status::Missing]);
    }

    #[test]
    fn an_unclear_route_counts_for_nothing() {
        let (statuses, matrix) = statuses(&[route("other.rs", "GET", "{name}", "get")], &[]);
        assert!(statuses.iter().all(|status| *status == Status::Missing));
        assert!(
            matrix.findings[0]
                .message
                .contains("caches.get, models.get")
        );
    }

    #[test]
    fn unknown_routes_and_ids_are_reported() {
        let routes = [route("new.rs", "GET", "newThings", "list")];
        let (_, matrix) = statuses(&routes, &[test("nothing.here"), test("models.get")]);
        assert_eq!(matrix.extra.len(), 1);
        assert_eq!(matrix.findings.len(), 2);
    }
}
