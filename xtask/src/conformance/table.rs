//! The report: counts by suite, module and backend, the rules that were used, some differences.

use std::collections::BTreeMap;
use std::io::Write;

use comfy_table::{CellAlignment, Table, presets};

use crate::conformance::compare::Difference;
use crate::conformance::differences::Rule;
use crate::conformance::vectors::{Count, Key};

/// Differences to show, up to a number of records.
pub(crate) struct Diffs {
    limit: usize,
    records: Vec<(String, Vec<Difference>)>,
}

impl Diffs {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            records: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, id: &str, found: &[Difference]) {
        if self.records.len() < self.limit {
            self.records.push((id.to_owned(), found.to_vec()));
        }
    }
}

/// Prints the report.
pub(crate) fn print(
    mut out: impl Write,
    counts: &BTreeMap<Key, Count>,
    rules: &[Rule],
    used: &[usize],
    diffs: &Diffs,
) -> std::io::Result<()> {
    for (id, found) in &diffs.records {
        writeln!(out, "{id}")?;
        for difference in found {
            writeln!(out, "  at {}", difference.place)?;
            writeln!(out, "  - {}", short(&difference.reference))?;
            writeln!(out, "  + {}", short(&difference.ours))?;
        }
    }

    let mut rows: BTreeMap<(String, String, String), Count> = BTreeMap::new();
    let mut all = Count::default();
    for ((suite, method, backend), count) in counts {
        let module = method
            .rsplit_once('.')
            .map_or(method.as_str(), |(module, _)| module);
        let key = (suite.clone(), module.to_owned(), backend.clone());
        rows.entry(key).or_default().add(count);
        all.add(count);
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header([
        "suite",
        "module",
        "backend",
        "equal",
        "on purpose",
        "different",
        "not built",
        "Python only",
    ]);
    for ((suite, module, backend), count) in &rows {
        table.add_row(cells([suite, module, backend], count));
    }
    table.add_row(cells(["all", "", ""], &all));
    for column in table.column_iter_mut().skip(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    writeln!(out, "{table}")?;
    for (rule, times) in rules.iter().zip(used) {
        if *times > 0 {
            writeln!(out, "{times} on purpose: {}: {}", rule.name, rule.reason)?;
        }
    }
    Ok(())
}

fn cells(names: [&str; 3], count: &Count) -> Vec<String> {
    let numbers = [
        count.equal,
        count.explained,
        count.different,
        count.unimplemented,
        count.not_portable,
    ];
    let names = names.iter().map(|name| (*name).to_owned());
    names.chain(numbers.iter().map(usize::to_string)).collect()
}

/// A value cut to a line.
fn short(text: &str) -> String {
    const LINE: usize = 160;
    if text.chars().count() <= LINE {
        return text.to_owned();
    }
    text.chars().take(LINE).chain(['…']).collect()
}
