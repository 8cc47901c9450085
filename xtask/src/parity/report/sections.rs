//! The sections of the checked-in report, one function each.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::summary::Counts;
use super::table::{cell, code, head, heading, line, tests};
use crate::parity::assess::{Assessed, Assessment, Status};
use crate::parity::inventory::{Kind, Origin};

/// Titles of the documents by the first part of a row's id.
const DOCUMENTS: &[(&str, &str)] = &[
    ("000", "Context caching and long-running operations"),
    ("001", "The cache manager as a planner"),
    ("002", "Tinker port"),
    ("003", "AI response cache"),
    ("004", "Batches over a shared context"),
];

const PACKAGES: [Origin; 3] = [Origin::Gemini, Origin::Tinker, Origin::Batch];

fn counted<'a>(
    assessment: &'a Assessment,
    origin: Origin,
    kinds: &'a [Kind],
) -> impl Iterator<Item = &'a Assessed> {
    assessment.rows.iter().filter(move |row| {
        row.row.origin == origin
            && kinds.contains(&row.row.kind)
            && row.status != Status::NotCounted
    })
}

/// The source documents, every row of them.
pub(super) fn documents(out: &mut String, assessment: &Assessment) {
    heading(out, 2, "Source documents");
    for (number, title) in DOCUMENTS {
        let rows: Vec<&Assessed> = assessment
            .rows
            .iter()
            .filter(|row| row.row.kind == Kind::Feature && row.row.module_of_document() == *number)
            .collect();
        let counts = Counts::of(rows.iter().copied());
        heading(out, 3, &format!("{number}: {title}"));
        let _ = writeln!(
            out,
            "{} of {} rows complete, {} partial, {} missing, {} not counted.",
            counts.complete,
            counts.total(),
            counts.partial,
            counts.missing,
            counts.not_counted
        );
        out.push('\n');
        head(out, &["Section", "Row", "Status", "What lacks", "Tests"]);
        for row in rows {
            let mut parts = row.row.id.splitn(3, '/').skip(1);
            let (section, text) = (
                parts.next().unwrap_or_default(),
                parts.next().unwrap_or_default(),
            );
            let cells = [
                section,
                &cell(text),
                row.status.word(),
                &cell(&row.note),
                &tests(row),
            ];
            line(out, &cells);
        }
    }
}

/// One line per module of a package.
pub(super) fn modules(out: &mut String, assessment: &Assessment) {
    heading(out, 2, "Module status");
    head(
        out,
        &[
            "Package",
            "Module",
            "Status",
            "#Complete",
            "#Partial",
            "#Missing",
            "#Not counted",
        ],
    );
    for origin in PACKAGES {
        let modules = assessment
            .rows
            .iter()
            .filter(|row| row.row.origin == origin && row.row.kind == Kind::Module);
        for module in modules {
            let counts = Counts::of(assessment.rows.iter().filter(|row| {
                row.row.origin == origin
                    && row.row.kind != Kind::Module
                    && row.row.module() == module.row.id
            }));
            line(
                out,
                &[
                    origin.name(),
                    &code(&module.row.id),
                    module.status.word(),
                    &counts.complete.to_string(),
                    &counts.partial.to_string(),
                    &counts.missing.to_string(),
                    &counts.not_counted.to_string(),
                ],
            );
        }
    }
}

/// What is missing or partial, the most useful first.
pub(super) fn queue(out: &mut String, assessment: &Assessment) {
    heading(out, 2, "Priority queue");
    out.push_str(
        "What is not complete, in the order in which it is worth doing: a call nobody can make comes\n\
         before a method, a behaviour before a type, a package before the next one.\n",
    );
    let steps: [(&str, &[Kind]); 5] = [
        ("P0: calls", &[Kind::Call]),
        ("P1: methods", &[Kind::Method, Kind::Function]),
        ("P2: behavioural checks", &[Kind::Check]),
        (
            "P3: types",
            &[Kind::Class, Kind::Type, Kind::Enum, Kind::Alias],
        ),
        ("P4: commands", &[Kind::Command]),
    ];
    for (title, kinds) in steps {
        let mut open: BTreeMap<(Origin, String), Vec<String>> = BTreeMap::new();
        for row in &assessment.rows {
            let is_open = matches!(row.status, Status::Missing | Status::Partial);
            if !is_open || !kinds.contains(&row.row.kind) {
                continue;
            }
            let group = match row.row.kind {
                Kind::Check => row.row.area.clone(),
                _ => row.row.module().to_owned(),
            };
            let name = match row.row.kind {
                Kind::Check | Kind::Command | Kind::Call => row.row.id.clone(),
                _ => row.row.id[row.row.module().len() + 1..].to_owned(),
            };
            let mark = if row.status == Status::Partial {
                "*"
            } else {
                ""
            };
            let names = open.entry((row.row.origin, group)).or_default();
            names.push(format!("{name}{mark}"));
        }
        let total: usize = open.values().map(Vec::len).sum();
        heading(out, 3, &format!("{title} ({total})"));
        if total == 0 {
            out.push_str("Nothing.\n");
            continue;
        }
        head(
            out,
            &[
                "Reference",
                "Group",
                "#Open",
                "Rows; partial ones with a star",
            ],
        );
        for ((origin, group), names) in open {
            line(
                out,
                &[
                    origin.name(),
                    &group,
                    &names.len().to_string(),
                    &names.join(", "),
                ],
            );
        }
    }
}

/// What we have and no reference has.
pub(super) fn beyond(out: &mut String, assessment: &Assessment) {
    heading(out, 2, "Where we go beyond");
    out.push_str(
        "Public types, commands and routes of ours that no row of an inventory stands for.\n\n",
    );
    head(
        out,
        &[
            "Crate",
            "#Types",
            "#Reached by passing tests",
            "Types that are",
        ],
    );
    for (package, types) in &assessment.extra_types {
        let reached: Vec<&str> = types
            .iter()
            .filter(|(_, reached)| *reached)
            .map(|(name, _)| name.as_str())
            .collect();
        line(
            out,
            &[
                package,
                &types.len().to_string(),
                &reached.len().to_string(),
                &reached.join(", "),
            ],
        );
    }
    if !assessment.extra_commands.is_empty() {
        let _ = write!(
            out,
            "\nCommands: {}.\n",
            assessment
                .extra_commands
                .iter()
                .map(|command| code(command))
                .collect::<Vec<_>>()
                .join(", ")
        );
    }
    if !assessment.extra_routes.is_empty() {
        heading(out, 3, "Routes");
        head(out, &["Route", "File"]);
        for (route, file) in &assessment.extra_routes {
            line(out, &[&code(route), &code(file)]);
        }
    }
}

/// Every call with the route we have for it.
pub(super) fn calls(out: &mut String, assessment: &Assessment) {
    for origin in PACKAGES {
        let rows: Vec<&Assessed> = counted(assessment, origin, &[Kind::Call]).collect();
        if rows.is_empty() {
            continue;
        }
        heading(out, 2, &format!("Calls of {}", origin.name()));
        head(
            out,
            &[
                "Call",
                "Verb",
                "Path",
                "Status",
                "Route in",
                "Tests",
                "What lacks",
            ],
        );
        for row in rows {
            let path = match (row.row.mldev.first(), row.row.vertex.first()) {
                (Some(path), _) => code(path),
                (None, Some(path)) => format!("{} (Vertex only)", code(path)),
                (None, None) => String::new(),
            };
            let routes: Vec<String> = row.ours.iter().map(|file| code(file)).collect();
            line(
                out,
                &[
                    &code(&row.row.id),
                    &row.row.verb,
                    &path,
                    row.status.word(),
                    &routes.join(", "),
                    &tests(row),
                    &cell(&row.note),
                ],
            );
        }
    }
}

/// Every method and function.
pub(super) fn methods(out: &mut String, assessment: &Assessment) {
    for origin in PACKAGES {
        heading(out, 2, &format!("Methods of {}", origin.name()));
        head(out, &["Method", "Status", "Ours", "Tests", "What lacks"]);
        for row in counted(assessment, origin, &[Kind::Method, Kind::Function]) {
            line(
                out,
                &[
                    &code(&row.row.id),
                    row.status.word(),
                    &code(&row.ours.join(", ")),
                    &tests(row),
                    &cell(&row.note),
                ],
            );
        }
    }
}

/// Every type with the share of what it holds.
pub(super) fn types(out: &mut String, assessment: &Assessment) {
    let mut held: BTreeMap<(Origin, &str), Counts> = BTreeMap::new();
    for row in &assessment.rows {
        if matches!(row.row.kind, Kind::Field | Kind::Value) {
            let counts = held.entry((row.row.origin, row.row.parent())).or_default();
            let one = Counts::of(std::iter::once(row));
            counts.complete += one.complete;
            counts.partial += one.partial;
            counts.missing += one.missing;
        }
    }
    for origin in PACKAGES {
        heading(out, 2, &format!("Types of {}", origin.name()));
        head(
            out,
            &[
                "Type",
                "Kind",
                "Status",
                "Ours",
                "#Fields or values",
                "What lacks",
            ],
        );
        let kinds = [Kind::Class, Kind::Type, Kind::Alias, Kind::Enum];
        for row in counted(assessment, origin, &kinds) {
            let counts = held.get(&(origin, row.row.id.as_str()));
            let parts = counts.map_or_else(String::new, |counts| {
                format!("{} of {}", counts.complete, counts.total())
            });
            line(
                out,
                &[
                    &code(&row.row.id),
                    row.row.kind.word(),
                    row.status.word(),
                    &code(&row.ours.join(", ")),
                    &parts,
                    &cell(&row.note),
                ],
            );
        }
    }
}

/// Every command of a reference's command line.
pub(super) fn commands(out: &mut String, assessment: &Assessment) {
    heading(out, 2, "Commands");
    head(out, &["Command", "Status", "Ours", "Tests", "What lacks"]);
    for origin in PACKAGES {
        for row in counted(assessment, origin, &[Kind::Command]) {
            let ours = row.ours.join(", ");
            line(
                out,
                &[
                    &code(&row.row.id),
                    row.status.word(),
                    &code(ours.trim_start_matches("command ")),
                    &tests(row),
                    &cell(&row.note),
                ],
            );
        }
    }
}

/// Every behaviour our tests must show.
pub(super) fn checks(out: &mut String, assessment: &Assessment) {
    heading(out, 2, "Behavioural checks");
    head(
        out,
        &["Check", "Status", "What it demands", "Tests", "What lacks"],
    );
    for row in counted(assessment, Origin::Checks, &[Kind::Check]) {
        line(
            out,
            &[
                &code(&row.row.id),
                row.status.word(),
                &cell(&row.row.text),
                &tests(row),
                &cell(&row.note),
            ],
        );
    }
}

/// Reasons for what is not counted, with the number of rows each covers.
pub(super) fn not_counted(out: &mut String, assessment: &Assessment) {
    heading(out, 2, "Not counted");
    let mut reasons: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    for row in &assessment.rows {
        if row.status == Status::NotCounted {
            let entry = reasons.entry(&row.note).or_insert((0, &row.key));
            entry.0 += 1;
        }
    }
    head(out, &["Reason", "#Rows", "For example"]);
    for (reason, (count, example)) in reasons {
        line(out, &[&cell(reason), &count.to_string(), &code(example)]);
    }
}
