//! One page that needs nothing but itself: the summary, and all rows with filters.

use std::fmt::Write;

use super::json;
use super::summary::lines;
use super::table::share;
use crate::parity::assess::Assessment;

const TEMPLATE: &str = include_str!("page.html");

/// How many tests of a row the page names.
const TESTS: usize = 5;

/// The whole page.
pub(crate) fn html(assessment: &Assessment) -> anyhow::Result<String> {
    let mut summary = String::new();
    for line in lines(assessment) {
        let counts = line.counts;
        writeln!(
            summary,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            line.key(),
            counts.total(),
            counts.complete,
            counts.partial,
            counts.missing,
            share(line.per_mille()),
        )?;
    }
    // A script must not be ended by a name inside of it.
    let rows = serde_json::to_string(&json::rows(assessment, TESTS))?.replace("</", "<\\/");
    Ok(TEMPLATE
        .replace("{{summary}}", summary.trim_end())
        .replace("{{rows}}", &rows))
}
