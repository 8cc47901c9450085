//! Status of rows that stand for others: types, rows of documents, modules.

use std::collections::{BTreeMap, HashMap};

use super::{Assessed, Context, Status};
use crate::parity::inventory::{Kind, Origin};
use crate::parity::naming;

/// How many names a note lists before it only counts.
const LISTED: usize = 8;

/// A type is as complete as what it holds.
pub(super) fn types(context: &Context<'_>, rows: &mut [Assessed]) {
    let mut held: HashMap<(Origin, String), Vec<usize>> = HashMap::new();
    for (index, row) in rows.iter().enumerate() {
        if matches!(row.row.kind, Kind::Field | Kind::Value | Kind::Method) {
            let key = (row.row.origin, row.row.parent().to_owned());
            held.entry(key).or_default().push(index);
        }
    }
    for index in 0..rows.len() {
        let row = &rows[index];
        let is_open = matches!(row.status, Status::Complete | Status::Partial);
        if !row.row.kind.is_type() || !is_open {
            continue;
        }
        let key = (row.row.origin, row.row.id.clone());
        let Some(parts) = held.get(&key) else {
            continue;
        };
        let counted: Vec<&Assessed> = parts
            .iter()
            .map(|&part| &rows[part])
            .filter(|part| part.status != Status::NotCounted)
            .collect();
        let decided = context.decision(&row.row).is_some_and(|d| d.is_own);
        if counted.is_empty() || (decided && row.status == Status::Complete && counted.is_empty()) {
            continue;
        }
        let missing = names(&counted, Status::Missing);
        let partial = names(&counted, Status::Partial);
        let (status, note) = if missing.is_empty() && partial.is_empty() {
            (Status::Complete, String::new())
        } else {
            let mut notes = Vec::new();
            if !missing.is_empty() {
                notes.push(format!("lacks {}", list(&missing)));
            }
            if !partial.is_empty() {
                notes.push(format!("partial: {}", list(&partial)));
            }
            (Status::Partial, notes.join("; "))
        };
        rows[index].status = status;
        rows[index].note = note;
    }
}

fn names<'r>(rows: &[&'r Assessed], status: Status) -> Vec<&'r str> {
    rows.iter()
        .filter(|row| row.status == status)
        .map(|row| row.row.name())
        .collect()
}

fn list(names: &[&str]) -> String {
    let mut text = names
        .iter()
        .take(LISTED)
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > LISTED {
        text.push_str(&format!(" and {} more", names.len() - LISTED));
    }
    text
}

/// A row of a document is as complete as what it asks for.
pub(super) fn features(context: &Context<'_>, rows: &mut [Assessed]) {
    let by_key: HashMap<String, usize> = rows
        .iter()
        .enumerate()
        .map(|(index, row)| (row.key.clone(), index))
        .collect();
    for index in 0..rows.len() {
        let row = &rows[index];
        if row.row.kind != Kind::Feature || row.status == Status::NotCounted {
            continue;
        }
        let (mut reached, mut open, mut tests) = (0, Vec::new(), Vec::new());
        for need in &row.row.needs {
            let found = outcomes(context, rows, &by_key, need);
            if found.is_empty() {
                open.push(format!("`{need}`"));
            }
            for (status, name, of) in found {
                match status {
                    Status::Complete => {
                        reached += 1;
                        tests.extend(of);
                    }
                    Status::Partial => {
                        reached += 1;
                        open.push(format!("`{name}` (partial)"));
                    }
                    Status::Missing => open.push(format!("`{name}`")),
                    Status::NotCounted => {}
                }
            }
        }
        tests.sort();
        tests.dedup();
        let row = &mut rows[index];
        row.tests = tests;
        row.status = match (open.is_empty(), reached) {
            (_, 0) => Status::Missing,
            (true, _) => Status::Complete,
            (false, _) => Status::Partial,
        };
        if !open.is_empty() {
            let more = open.len().saturating_sub(LISTED);
            open.truncate(LISTED);
            let rest = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            row.note = format!("lacks {}{rest}", open.join(", "));
        }
    }
}

type Outcome = (Status, String, Vec<String>);

/// Status of everything a need names.
fn outcomes(
    context: &Context<'_>,
    rows: &[Assessed],
    by_key: &HashMap<String, usize>,
    need: &str,
) -> Vec<Outcome> {
    if let Some(symbol) = need
        .strip_prefix("ours ")
        .or_else(|| need.starts_with("file ").then_some(need))
    {
        let Some(found) = context.matcher.named(symbol, &context.files) else {
            return Vec::new();
        };
        let tests = context.tests_of(&found.symbols);
        let is_file = need.starts_with("file ");
        let status = if tests.is_empty() && !is_file {
            Status::Partial
        } else {
            Status::Complete
        };
        return vec![(status, symbol.to_owned(), tests)];
    }
    if let Some(what) = need.strip_prefix("quality ") {
        let passed = match what {
            "tests" => context.quality.tests.map(|t| t.failed == 0 && t.passed > 0),
            "coverage" => context.quality.coverage_per_mille.map(|share| share >= 900),
            _ => None,
        };
        return match passed {
            None => Vec::new(),
            Some(true) => vec![(Status::Complete, what.to_owned(), Vec::new())],
            Some(false) => vec![(Status::Partial, what.to_owned(), Vec::new())],
        };
    }
    let outcome = |row: &Assessed| (row.status, row.row.id.clone(), row.tests.clone());
    if !need.contains('*') {
        return by_key
            .get(need)
            .map(|&index| outcome(&rows[index]))
            .into_iter()
            .collect();
    }
    rows.iter()
        .filter(|row| naming::fits(need, &row.key))
        .map(outcome)
        .collect()
}

impl Context<'_> {
    fn tests_of(&self, symbols: &[crate::parity::matching::Symbol]) -> Vec<String> {
        use crate::parity::matching::Symbol;
        symbols
            .iter()
            .flat_map(|symbol| match symbol {
                Symbol::Type(name) => self.proofs.of_type(name),
                Symbol::Member(owner, name) => self.proofs.of_member(owner, name),
                _ => Vec::new(),
            })
            .map(str::to_owned)
            .collect()
    }
}

/// A module is as complete as everything in it.
pub(super) fn modules(rows: &mut [Assessed]) {
    let mut tallies: BTreeMap<(Origin, String), (usize, usize, usize)> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.row.kind != Kind::Module) {
        if row.status == Status::NotCounted {
            continue;
        }
        let key = (row.row.origin, row.row.module().to_owned());
        let tally = tallies.entry(key).or_default();
        match row.status {
            Status::Complete => tally.0 += 1,
            Status::Partial => tally.1 += 1,
            _ => tally.2 += 1,
        }
    }
    for row in rows.iter_mut().filter(|row| row.row.kind == Kind::Module) {
        if row.status == Status::NotCounted {
            continue;
        }
        let key = (row.row.origin, row.row.id.clone());
        let (complete, partial, missing) = tallies.get(&key).copied().unwrap_or_default();
        row.status = match (complete, partial, missing) {
            (0, 0, 0) => {
                "nothing of it is for us".clone_into(&mut row.note);
                Status::NotCounted
            }
            (_, 0, 0) => Status::Complete,
            (0, 0, _) => Status::Missing,
            _ => Status::Partial,
        };
        if row.status == Status::Partial {
            row.note = format!("{complete} complete, {partial} partial, {missing} missing");
        }
    }
}
