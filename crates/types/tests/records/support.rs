//! One check for all records.

use std::collections::BTreeSet;

use gimmal_types::wire::{FieldVisitor, WireValue};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The sample fills every field of a record; none may be unknown, lost or renamed.
pub(crate) fn fills<T: WireValue + Serialize + DeserializeOwned>(sample: Value) {
    let record: T = serde_json::from_value(sample.clone()).unwrap();
    let mut seen = Seen::default();
    record.walk(&mut seen);
    assert_eq!(seen.unknown, Vec::<String>::new());
    let members = sample.as_object().unwrap();
    let given: BTreeSet<&str> = members.keys().map(String::as_str).collect();
    assert_eq!(seen.fields, given);
    assert_eq!(serde_json::to_value(&record).unwrap(), sample);
}

#[derive(Default)]
struct Seen {
    depth: usize,
    fields: BTreeSet<&'static str>,
    unknown: Vec<String>,
}

impl FieldVisitor for Seen {
    fn enter(&mut self, _owner: &'static str, field: &'static str) {
        if self.depth == 0 {
            self.fields.insert(field);
        }
        self.depth += 1;
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }

    fn unknown(&mut self, owner: &'static str, key: &str) {
        self.unknown.push(format!("{owner}.{key}"));
    }
}
