//! What the tests of these types have in common.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gimmal_types::wire::{FieldVisitor, WireValue};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Recorded values of the official SDK.
pub(crate) fn fixture(name: &str) -> Value {
    let all = include_str!("../fixtures/tinker.json");
    serde_json::from_str::<Value>(all).unwrap()[name].take()
}

/// The bytes of a base64 text.
pub(crate) fn bytes(text: &Value) -> Vec<u8> {
    STANDARD.decode(text.as_str().unwrap()).unwrap()
}

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
