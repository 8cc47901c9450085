//! The one reviewed file: what matches by no rule, and why.
//!
//! A `[[rule]]` stands for a whole family of rows, an `[[entry]]` for one row and what lies below
//! it. Every entry has a verdict and a reason, and must still apply: see [`Review::outdated`].

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::finding::Finding;
use crate::parity::inventory::Row;
use crate::parity::naming;

/// Path of the file from the root of the repository.
pub(crate) const FILE: &str = "xtask/reference/review.toml";

/// What was decided about a row.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    /// We have it under another name.
    Renamed,
    /// Rust does it differently; the row stands or falls with what is named.
    Idiom,
    /// It is not for us; the row is not counted.
    OutOfScope,
}

/// How two rows of a reference are the same thing twice.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Twin {
    /// `AsyncCaches` beside `Caches`.
    AsyncClass,
    /// `sample_async` beside `sample`.
    AsyncMethod,
    /// `BlobDict`, `BlobOrDict` beside `Blob`.
    Dict,
    /// A typed dictionary of its own.
    TypedDict,
}

/// A decision about a family of rows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    /// Patterns of keys, `*` for anything.
    #[serde(default)]
    pub(crate) rows: Vec<String>,
    /// Rows that have a twin.
    pub(crate) twin: Option<Twin>,
    /// What was decided.
    pub(crate) verdict: Verdict,
    /// The symbol that does it instead; for an idiom.
    #[serde(default)]
    pub(crate) to: String,
    /// Why.
    pub(crate) reason: String,
}

/// A decision about one row.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    /// Key of the row.
    pub(crate) row: String,
    /// What was decided.
    pub(crate) verdict: Verdict,
    /// The symbol of ours.
    #[serde(default)]
    pub(crate) to: String,
    /// Why.
    pub(crate) reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    rule: Vec<Rule>,
    #[serde(default)]
    entry: Vec<Entry>,
}

/// All decisions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Review {
    rules: Vec<Rule>,
    entries: Vec<Entry>,
}

/// A decision that applies to a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decision<'a> {
    /// What was decided.
    pub(crate) verdict: Verdict,
    /// The symbol of ours, or empty.
    pub(crate) to: &'a str,
    /// Why.
    pub(crate) reason: &'a str,
    /// Whether it was decided for the row itself and not for what holds it.
    pub(crate) is_own: bool,
}

impl Review {
    /// Reads the file below `root`.
    pub(crate) fn load(root: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(root.join(FILE))
            .with_context(|| format!("failed to read {FILE}"))?;
        Self::parse(&text).with_context(|| format!("{FILE} is not a review"))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let file: File = toml::from_str(text)?;
        for (what, verdict, to, reason) in file
            .rule
            .iter()
            .map(|rule| (rule.rows.join(", "), rule.verdict, &rule.to, &rule.reason))
            .chain(
                file.entry
                    .iter()
                    .map(|entry| (entry.row.clone(), entry.verdict, &entry.to, &entry.reason)),
            )
        {
            if reason.trim().is_empty() {
                bail!("`{what}` has no reason");
            }
            if (verdict == Verdict::OutOfScope) != to.is_empty() {
                bail!("`{what}`: `to` stands with renamed and idiom, and with nothing else");
            }
        }
        Ok(Self {
            rules: file.rule,
            entries: file.entry,
        })
    }

    /// The decision about a row: its own, that of what holds it, or that of a rule.
    pub(crate) fn decision(&self, row: &Row, keys: &Keys) -> Option<Decision<'_>> {
        let key = row.key();
        if let Some(entry) = self.entries.iter().find(|entry| entry.row == key) {
            return Some(Decision {
                verdict: entry.verdict,
                to: &entry.to,
                reason: &entry.reason,
                is_own: true,
            });
        }
        let holder = self.entries.iter().find(|entry| {
            // What lies below a renamed type is looked up in the type of the new name.
            entry.verdict != Verdict::Renamed && keys.holds(&entry.row, row)
        });
        if let Some(entry) = holder {
            return Some(Decision {
                verdict: entry.verdict,
                to: &entry.to,
                reason: &entry.reason,
                is_own: false,
            });
        }
        let rule = self
            .rules
            .iter()
            .find(|rule| applies(rule, row, &key, keys))?;
        Some(Decision {
            verdict: rule.verdict,
            to: &rule.to,
            reason: &rule.reason,
            is_own: false,
        })
    }

    /// Decisions that name no row any more.
    pub(crate) fn outdated(&self, rows: &[&Row], keys: &Keys) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut tell = |what: &str, why: &str| {
            findings.push(Finding::error(FILE, 1, format!("`{what}` {why}")));
        };
        for entry in &self.entries {
            if !keys.keys.contains(&entry.row) {
                tell(&entry.row, "names no row of the inventories");
            }
        }
        for rule in &self.rules {
            let fitting = |pattern: &str| {
                rows.iter().any(|row| {
                    let one = Rule {
                        rows: vec![pattern.to_owned()],
                        ..rule.clone()
                    };
                    applies(&one, row, &row.key(), keys)
                })
            };
            for pattern in rule.rows.iter().filter(|pattern| !fitting(pattern)) {
                tell(pattern, "is a rule for no row of the inventories");
            }
        }
        findings
    }

    /// All entries.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

fn applies(rule: &Rule, row: &Row, key: &str, keys: &Keys) -> bool {
    if !rule.rows.iter().any(|pattern| naming::fits(pattern, key)) {
        return false;
    }
    match rule.twin {
        None => true,
        Some(Twin::TypedDict) => keys.is_typed_dict(row),
        Some(twin) => twin_of(twin, &row.id).iter().any(|base| {
            keys.ids
                .contains(&(row.origin.name().to_owned(), base.clone()))
        }),
    }
}

/// Ids a row may be the twin of.
fn twin_of(twin: Twin, id: &str) -> Vec<String> {
    let parts: Vec<&str> = id.split('.').collect();
    let mut found = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let bases: Vec<&str> = match twin {
            Twin::AsyncClass => part.strip_prefix("Async").into_iter().collect(),
            Twin::AsyncMethod => part.strip_suffix("_async").into_iter().collect(),
            Twin::Dict => ["OrDict", "TypedDict", "Dict", "Param"]
                .iter()
                .filter_map(|end| part.strip_suffix(end))
                .collect(),
            Twin::TypedDict => Vec::new(),
        };
        for base in bases.into_iter().filter(|base| !base.is_empty()) {
            let mut other = parts.clone();
            other[index] = base;
            found.push(other.join("."));
        }
    }
    found
}

/// Everything the inventories name, for looking up twins and holders.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    keys: BTreeSet<String>,
    ids: BTreeSet<(String, String)>,
    typed_dicts: BTreeSet<String>,
}

impl Keys {
    /// The keys of all rows.
    pub(crate) fn of(rows: &[&Row]) -> Self {
        let mut all = Self::default();
        for row in rows {
            all.keys.insert(row.key());
            all.ids
                .insert((row.origin.name().to_owned(), row.id.clone()));
            if row.note == "typed dict" {
                all.typed_dicts.insert(row.id.clone());
            }
        }
        all
    }

    fn is_typed_dict(&self, row: &Row) -> bool {
        self.typed_dicts.contains(&row.id)
    }

    /// Whether `holder`, the key of a class, type or enum, holds the row.
    fn holds(&self, holder: &str, row: &Row) -> bool {
        let mut words = holder.splitn(3, ' ');
        let (Some(origin), Some(kind), Some(id)) = (words.next(), words.next(), words.next())
        else {
            return false;
        };
        matches!(kind, "class" | "type" | "enum")
            && origin == row.origin.name()
            && !row.kind.is_type()
            && row.parent() == id
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parity::inventory::{Origin, parse};

    const ROWS: &str = r#"{"reference": "r", "rows": [
        {"id": "caches.Caches", "kind": "class"},
        {"id": "caches.Caches.get", "kind": "method"},
        {"id": "caches.AsyncCaches", "kind": "class"},
        {"id": "live.AsyncLive", "kind": "class"},
        {"id": "types.Blob", "kind": "type"},
        {"id": "types.Blob.data", "kind": "field", "wire": "data"},
        {"id": "types.BlobOrDict", "kind": "alias"}
    ]}"#;

    fn verdicts(review: &str) -> (Vec<Option<bool>>, usize) {
        let inventory = parse(Origin::Gemini, ROWS).unwrap();
        let rows: Vec<&Row> = inventory.rows.iter().collect();
        let keys = Keys::of(&rows);
        let review = Review::parse(review).unwrap();
        let verdicts = rows
            .iter()
            .map(|row| review.decision(row, &keys).map(|decision| decision.is_own))
            .collect();
        (verdicts, review.outdated(&rows, &keys).len())
    }

    #[test]
    fn twins_need_the_other_one() {
        let (found, outdated) = verdicts(
            "[[rule]]\nrows = [\"*\"]\ntwin = \"async-class\"\nverdict = \"out-of-scope\"\nreason = \"a\"\n\
             [[rule]]\nrows = [\"*\"]\ntwin = \"dict\"\nverdict = \"out-of-scope\"\nreason = \"b\"\n",
        );
        let no = None;
        assert_eq!(found, [no, no, Some(false), no, no, no, Some(false)]);
        assert_eq!(outdated, 0);
    }

    #[test]
    fn an_entry_covers_what_the_type_holds() {
        let entry = "[[entry]]\nrow = \"google-genai type types.Blob\"\nverdict = \"out-of-scope\"\nreason = \"a\"\n";
        let (found, _) = verdicts(entry);
        assert_eq!(
            (found[4], found[5], found[6]),
            (Some(true), Some(false), None)
        );
    }

    #[test]
    fn entries_without_a_row_are_outdated() {
        let (_, outdated) = verdicts(
            "[[entry]]\nrow = \"google-genai type types.Gone\"\nverdict = \"out-of-scope\"\nreason = \"a\"\n\
             [[rule]]\nrows = [\"tinker *\"]\nverdict = \"idiom\"\nto = \"X\"\nreason = \"a\"\n",
        );
        assert_eq!(outdated, 2);
    }

    #[test]
    fn a_reason_is_asked_for() {
        let text = "[[entry]]\nrow = \"a\"\nverdict = \"out-of-scope\"\nreason = \" \"\n";
        assert!(Review::parse(text).is_err());
        let text = "[[entry]]\nrow = \"a\"\nverdict = \"renamed\"\nreason = \"x\"\n";
        assert!(Review::parse(text).is_err());
    }
}
