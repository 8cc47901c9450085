//! Plays the records of files and counts what is equal.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::conformance::compare::{Difference, Subject, compare};
use crate::conformance::differences::{self, Rule};
use crate::conformance::fields::Reference;
use crate::conformance::{files, table};
use crate::wire::Player;

/// What came of the records of one suite, call and backend.
#[derive(Clone, Debug, Default)]
pub(crate) struct Count {
    pub(crate) equal: usize,
    /// Different on purpose.
    pub(crate) explained: usize,
    pub(crate) different: usize,
    /// Asks for what is not built.
    pub(crate) unimplemented: usize,
    /// Holds values that only Python can make.
    pub(crate) not_portable: usize,
}

/// What came of the records that fill a field.
#[derive(Clone, Copy, Debug, Default)]
struct FieldCount {
    total: usize,
    /// Different on purpose included.
    equal: usize,
}

/// Suite, method, backend.
pub(crate) type Key = (String, String, String);

enum Outcome {
    Equal,
    Explained(Vec<usize>),
    Different(Vec<Difference>),
    Unimplemented,
    NotPortable,
}

impl Outcome {
    /// Whether the record is equal; nothing when it could not be played.
    fn is_equal(&self) -> Option<bool> {
        match self {
            Self::Equal | Self::Explained(_) => Some(true),
            Self::Different(_) => Some(false),
            Self::Unimplemented | Self::NotPortable => None,
        }
    }
}

/// Where the repository keeps its copies of records.
const OWN: &str = "conformance/vectors";
/// Where the counts of the repository's own records are kept.
const RESULTS: &str = "conformance/results.json";

/// Plays every record below `paths`, or the repository's own; the number of records with an
/// unexplained difference. The counts of its own are written down for `cargo xtask parity`.
pub(crate) fn run(root: &Path, paths: &[PathBuf], shown: usize) -> anyhow::Result<usize> {
    let own = [root.join(OWN)];
    let paths = if paths.is_empty() { &own } else { paths };
    let rules = differences::read(&root.join("conformance/differences.toml"))?;
    let player = Player::new()?;
    let reference = Reference::load(root)?;
    let mut counts: BTreeMap<Key, Count> = BTreeMap::new();
    let mut fields: BTreeMap<String, FieldCount> = BTreeMap::new();
    let mut used = vec![0_usize; rules.len()];
    let mut diffs = table::Diffs::new(shown);
    for file in files::list(paths)? {
        for record in in_order(files::records(&file)?) {
            let suite = text(&record, "suite");
            let method = method(&record);
            let backend = text(&record, "backend");
            let subject = Subject {
                method: &method,
                backend: &backend,
            };
            let outcome = play(&player, &record, &rules, &subject);
            if let Some(equal) = outcome.is_equal() {
                for id in reference.filled_by(&record) {
                    let field = fields.entry(id).or_default();
                    field.total += 1;
                    field.equal += usize::from(equal);
                }
            }
            let count = counts
                .entry((suite.clone(), method.clone(), backend.clone()))
                .or_default();
            match outcome {
                Outcome::Equal => count.equal += 1,
                Outcome::Unimplemented => count.unimplemented += 1,
                Outcome::NotPortable => count.not_portable += 1,
                Outcome::Explained(by) => {
                    count.explained += 1;
                    by.into_iter().for_each(|rule| used[rule] += 1);
                }
                Outcome::Different(found) => {
                    count.different += 1;
                    diffs.add(&text(&record, "id"), &found);
                }
            }
        }
    }
    let out = std::io::stdout().lock();
    table::print(out, &counts, &rules, &used, &diffs)?;
    if *paths == own {
        write_results(root, &counts, &fields)?;
    }
    Ok(counts.values().map(|count| count.different).sum())
}

/// Records with those of a session in the order of its calls.
fn in_order(mut records: Vec<Value>) -> Vec<Value> {
    records.sort_by_cached_key(|record| (text(record, "flow"), record["n"].as_u64()));
    records
}

/// Plays a record in every form it has; the worst outcome counts.
fn play(player: &Player, record: &Value, rules: &[Rule], subject: &Subject<'_>) -> Outcome {
    let mut found = Vec::new();
    let mut played = false;
    for form in forms(record) {
        played = true;
        let answer = player.answer(form).into_json();
        if answer["error"]["kind"] == "unimplemented" {
            return Outcome::Unimplemented;
        }
        found.extend(compare(record, &answer));
    }
    if !played {
        return Outcome::NotPortable;
    }
    if found.is_empty() {
        return Outcome::Equal;
    }
    let mut by = Vec::new();
    found.retain(|difference| {
        let rule = rules
            .iter()
            .position(|rule| rule.explains(subject, difference));
        by.extend(rule);
        rule.is_none()
    });
    if found.is_empty() {
        by.sort_unstable();
        by.dedup();
        Outcome::Explained(by)
    } else {
        Outcome::Different(found)
    }
}

/// The record with its public arguments, and with the resolved ones.
fn forms(record: &Value) -> Vec<Value> {
    let says = |key: &str| record.get(key).and_then(Value::as_bool);
    // A chat has one form: its resolved one only declares the functions.
    if record.get("receiver").is_some() {
        let of_python = record["parameters"]["message"].to_string().contains("$py");
        return if of_python {
            Vec::new()
        } else {
            vec![record.clone()]
        };
    }
    let mut forms = Vec::new();
    let has_canonical = record
        .get("canonical")
        .and_then(Value::as_array)
        .is_some_and(|list| !list.is_empty());
    if says("portable").unwrap_or(true) {
        let mut public = record.clone();
        if let Some(object) = public.as_object_mut() {
            object.remove("canonical");
        }
        forms.push(public);
    }
    if says("typed_portable").unwrap_or(has_canonical) && has_canonical {
        forms.push(record.clone());
    }
    forms
}

fn method(record: &Value) -> String {
    match record.get("function") {
        Some(function) => format!("transform.{}", function.as_str().unwrap_or_default()),
        None if record.get("steps").is_some() => "session".to_owned(),
        None => text(record, "method"),
    }
}

fn text(record: &Value, key: &str) -> String {
    let text = record.get(key).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

/// Leaves the counts where `cargo xtask parity` reads them, one line each.
fn write_results(
    root: &Path,
    counts: &BTreeMap<Key, Count>,
    fields: &BTreeMap<String, FieldCount>,
) -> anyhow::Result<()> {
    let line = |((suite, method, backend), count): (&Key, &Count)| {
        let suite = json!({
            "name": suite, "method": method, "backend": backend, "total": count.total(),
            "equal": count.equal + count.explained, "different": count.different,
            "unimplemented": count.unimplemented,
        });
        format!("    {suite}")
    };
    let played = counts.iter().filter(|(_, count)| count.total() > 0);
    let lines: Vec<String> = played.map(line).collect();
    let fields: Vec<String> = fields
        .iter()
        .map(|(id, count)| {
            let field = json!({"field": id, "total": count.total, "equal": count.equal});
            format!("    {field}")
        })
        .collect();
    let text = format!(
        "{{\n  \"suites\": [\n{}\n  ],\n  \"fields\": [\n{}\n  ]\n}}\n",
        lines.join(",\n"),
        fields.join(",\n")
    );
    let path = root.join(RESULTS);
    std::fs::write(&path, text).with_context(|| format!("{RESULTS} cannot be written"))
}

impl Count {
    /// Records that could be played or should have been.
    pub(crate) fn total(&self) -> usize {
        self.equal + self.explained + self.different + self.unimplemented
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.equal += other.equal;
        self.explained += other.explained;
        self.different += other.different;
        self.unimplemented += other.unimplemented;
        self.not_portable += other.not_portable;
    }
}
