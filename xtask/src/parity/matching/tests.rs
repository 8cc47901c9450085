//! What is found for a row, on a handful of rows and sources.

use std::collections::BTreeMap;

use super::*;
use crate::parity::inventory::{Inventory, parse};
use crate::parity::surface::{parse_all, read};
use crate::sources::SourceFile;

const ROWS: &str = r#"{"reference": "r", "rows": [
    {"id": "caches.Caches", "kind": "class"},
    {"id": "caches.Caches.create", "kind": "method",
     "params": ["model: str", "config?: CreateCacheConfig"]},
    {"id": "caches.Caches.list", "kind": "method", "params": ["config?: ListConfig", "order: str"]},
    {"id": "types.CreateCacheConfig", "kind": "type"},
    {"id": "types.CreateCacheConfig.ttl", "kind": "field", "wire": "ttl", "shape": "str"},
    {"id": "types.CreateCacheConfig.kms_key", "kind": "field", "wire": "kmsKey", "shape": "str"},
    {"id": "types.Cache.use_count", "kind": "field", "wire": "useCount", "shape": "list[int]"},
    {"id": "types.Light.RED", "kind": "value", "wire": "RED"},
    {"id": "types.Light.BLUE", "kind": "value", "wire": "BLUE"},
    {"id": "types.Spec.type", "kind": "field", "wire": "type", "shape": "str"},
    {"id": "types.Cache.type", "kind": "field", "wire": "type", "shape": "str"},
    {"id": "caches.create", "kind": "call", "verb": "POST", "mldev": ["cachedContents"]},
    {"id": "caches.get", "kind": "call", "verb": "GET", "mldev": ["{name}"]},
    {"id": "models.get", "kind": "call", "verb": "GET", "mldev": ["{name}"]}
]}"#;

const TYPES: &str = "wire! { pub struct Cache { pub use_count: Option<i32>, }\n\
    pub struct CreateRequest { pub ttl: Option<String>, pub spec: Option<Spec>, }\n\
    pub struct Spec { pub kms_key: Option<String>, } }\n\
    open_enum! { pub enum Light { Red = \"RED\" } }\n\
    tagged! { pub enum Step { Special(Spec) = \"special\" } }";
const API: &str = "/// Route: POST cachedContents\n\
    pub async fn create_cache(request: &CreateRequest) -> Result<Response<Cache>, Error> { x }\n\
    /// Route: GET {name}\n\
    pub async fn look(name: &str) {}";
const CLIENT: &str = "pub struct Caches;\n\
    impl Caches { pub fn create(&self, model: &str) -> Create { x } pub fn list(&self) -> Page { x } }\n\
    pub struct Create; impl Create { pub fn set_ttl(self, ttl: &str) -> Self { x } }\n\
    pub struct Page;";

fn files(types: &str, api_file: &str) -> Vec<SourceFile> {
    vec![
        SourceFile::new("crates/types/src/gemini/a.rs", types),
        SourceFile::new(format!("crates/api/src/gemini/{api_file}"), API),
        SourceFile::new("crates/client/src/gemini/b.rs", CLIENT),
    ]
}

fn with_matcher<T>(files: &[SourceFile], look: impl FnOnce(&Matcher<'_>, &Inventory) -> T) -> T {
    let surface = read(files, &parse_all(files).unwrap());
    let inventory = parse(Origin::Gemini, ROWS).unwrap();
    let rows: Vec<&Row> = inventory.rows.iter().collect();
    look(&Matcher::new(&surface, &rows, BTreeMap::new()), &inventory)
}

fn found(files: &[SourceFile], id: &str) -> Match {
    with_matcher(files, |matcher, inventory| {
        matcher.find(inventory.rows.iter().find(|row| row.id == id).unwrap())
    })
}

fn member(owner: &str, name: &str) -> Vec<Symbol> {
    vec![Symbol::Member(owner.to_owned(), name.to_owned())]
}

#[test]
fn a_config_is_what_builder_and_request_take() {
    let files = files(TYPES, "caches.rs");
    let config = found(&files, "types.CreateCacheConfig").symbols;
    assert!(config.contains(&Symbol::Type("Create".to_owned())));
    let ttl = found(&files, "types.CreateCacheConfig.ttl");
    assert_eq!(ttl.symbols[..1], member("Create", "set_ttl"));
    assert_eq!(ttl.symbols[1..2], member("CreateRequest", "ttl"));
    let key = found(&files, "types.CreateCacheConfig.kms_key");
    assert_eq!(key.symbols[..1], member("Spec", "kms_key"));
}

#[test]
fn parameters_shapes_and_values_are_compared() {
    let files = files(TYPES, "caches.rs");
    assert!(found(&files, "caches.Caches.create").lacks.is_empty());
    assert_eq!(
        found(&files, "caches.Caches.list").lacks,
        ["parameter `order`"]
    );
    let count = found(&files, "types.Cache.use_count");
    assert_eq!(count.lacks, ["a list there, a number here"]);
    assert_eq!(
        found(&files, "types.Light.RED").symbols,
        member("Light", "Red")
    );
    assert!(found(&files, "types.Light.BLUE").symbols.is_empty());
}

#[test]
fn another_json_name_is_another_field() {
    let renamed = TYPES.replace(
        "pub use_count: Option<i32>",
        "pub use_count: Option<i32> = \"uses\"",
    );
    assert!(
        found(&files(&renamed, "caches.rs"), "types.Cache.use_count")
            .symbols
            .is_empty()
    );
}

#[test]
fn an_unclear_route_counts_for_nothing() {
    let clear = with_matcher(&files(TYPES, "caches.rs"), |m, _| m.findings.clone());
    assert!(clear.is_empty());
    let unclear = with_matcher(&files(TYPES, "other.rs"), |m, _| m.findings.clone());
    assert!(unclear[0].message.contains("caches.get, models.get"));
    assert!(
        found(&files(TYPES, "other.rs"), "caches.get")
            .symbols
            .is_empty()
    );
    assert_eq!(
        found(&files(TYPES, "caches.rs"), "caches.get")
            .symbols
            .len(),
        1
    );
}

#[test]
fn the_tag_of_a_union_is_the_kind_itself() {
    let files = files(TYPES, "caches.rs");
    let tag = found(&files, "types.Spec.type");
    assert_eq!(tag.symbols, member("Step", "Special"));
    assert_eq!(tag.macro_name.as_deref(), Some("tagged"));
    assert!(found(&files, "types.Cache.type").symbols.is_empty());
}
