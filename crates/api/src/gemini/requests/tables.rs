//! The tables of this folder against the routing of google-genai 3.4.0, as recorded in a fixture.

use std::collections::BTreeMap;

use super::{auth_tokens, file_search_stores};
use crate::gemini::mapping::Table;

const RECORDED: &str = include_str!("../../../tests/fixtures/file_converters.json");

/// What is no matter of routing: made of several arguments, or a name in full.
const MADE: [&str; 3] = [
    "embedding_model",
    "live_connect_constraints",
    "lock_additional_fields",
];

#[test]
fn fields_go_where_the_reference_sends_them() {
    let recorded: BTreeMap<String, BTreeMap<String, Option<String>>> =
        serde_json::from_str(RECORDED).unwrap();
    let tables: Vec<&Table> = [file_search_stores::TABLES, auth_tokens::TABLES].concat();
    assert_eq!(tables.len(), recorded.len());
    for table in tables {
        let ours: BTreeMap<&str, &str> = table
            .rules
            .iter()
            .map(|rule| (rule.from, rule.to))
            .collect();
        let theirs: BTreeMap<&str, &str> = recorded[table.owner]
            .iter()
            .filter(|(from, _)| !MADE.contains(&from.as_str()))
            .filter_map(|(from, to)| Some((from.as_str(), to.as_deref()?)))
            .collect();
        assert_eq!(ours, theirs, "{}", table.owner);
    }
}
