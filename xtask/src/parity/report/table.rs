//! Pieces of Markdown: tables, code, shares.

use std::fmt::Write;

use crate::parity::assess::Assessed;

/// Starts a table; columns that begin with `#` are numbers.
pub(super) fn head(out: &mut String, columns: &[&str]) {
    let names: Vec<&str> = columns.iter().map(|c| c.trim_start_matches('#')).collect();
    line(out, &names);
    let marks: Vec<&str> = columns
        .iter()
        .map(|c| if c.starts_with('#') { "---:" } else { "---" })
        .collect();
    let _ = writeln!(out, "|{}|", marks.join("|"));
}

/// One line of a table.
pub(super) fn line(out: &mut String, cells: &[&str]) {
    let _ = writeln!(out, "| {} |", cells.join(" | "));
}

/// A heading with blank lines around it.
pub(super) fn heading(out: &mut String, level: usize, text: &str) {
    let _ = write!(out, "\n{} {text}\n\n", "#".repeat(level));
}

/// Text as code; nothing stays nothing.
pub(super) fn code(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!("`{text}`")
    }
}

/// Text that may not break a table.
pub(super) fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// Tenths of a percent as text.
pub(super) fn share(per_mille: usize) -> String {
    format!("{}.{} %", per_mille / 10, per_mille % 10)
}

/// The first test and how many more there are.
pub(super) fn tests(row: &Assessed) -> String {
    match row.tests.as_slice() {
        [] => String::new(),
        [one] => code(one),
        [first, rest @ ..] => format!("{} and {} more", code(first), rest.len()),
    }
}
