//! The reviewed list of what differs on purpose.

use std::path::Path;

use anyhow::{Context, ensure};
use serde::Deserialize;

use crate::conformance::compare::{Difference, Subject};

/// One reason for a class of differences; an absent pattern fits everything.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    /// What it is called in the report.
    pub(crate) name: String,
    /// Why ours is right, or as good.
    pub(crate) reason: String,
    /// Calls it holds for; `*` stands for any text.
    #[serde(default)]
    method: Vec<String>,
    /// Backends it holds for.
    #[serde(default)]
    backend: Vec<String>,
    /// Where the difference is; `*` stands for any text.
    place: Vec<String>,
    /// What the reference has there; `*` stands for any text.
    #[serde(default)]
    reference: Option<String>,
    /// What we have there; `*` stands for any text.
    #[serde(default)]
    ours: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    #[serde(default, rename = "difference")]
    differences: Vec<Rule>,
}

/// Reads the list.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<Rule>> {
    let name = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("{name} cannot be read"))?;
    let rules: Rules = toml::from_str(&text).with_context(|| format!("{name} is not valid"))?;
    for rule in &rules.differences {
        ensure!(
            !rule.reason.trim().is_empty(),
            "{name}: the difference `{}` has no reason",
            rule.name
        );
    }
    Ok(rules.differences)
}

impl Rule {
    /// True when this rule explains the difference.
    pub(crate) fn explains(&self, subject: &Subject<'_>, difference: &Difference) -> bool {
        let any = |patterns: &[String], text: &str| {
            patterns.is_empty() || patterns.iter().any(|pattern| fits(pattern, text))
        };
        let value = |pattern: &Option<String>, value: &str| {
            pattern.as_ref().is_none_or(|pattern| fits(pattern, value))
        };
        any(&self.method, subject.method)
            && any(&self.backend, subject.backend)
            && any(&self.place, &difference.place)
            && value(&self.reference, &difference.reference)
            && value(&self.ours, &difference.ours)
    }
}

/// True when the text fits the pattern, in which `*` stands for any text.
fn fits(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(pieces.next().unwrap_or_default()) else {
        return false;
    };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else {
        return rest.is_empty();
    };
    for piece in pieces {
        let Some(at) = rest.find(piece) else {
            return false;
        };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_text() {
        assert!(fits("a*c", "abc") && fits("*", "") && fits("a", "a") && fits("*b*", "abc"));
        assert!(!fits("a*c", "abd") && !fits("a", "ab") && !fits("ab*b", "ab"));
    }
}
