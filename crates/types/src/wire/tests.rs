//! What the `wire!` macro promises, on two structs of its own.
#![expect(unreachable_pub, reason = "the macro declares public structs")]

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{FieldVisitor, WireValue};

wire! {
    /// A leaf.
    #[derive(Debug)]
    pub struct Leaf {
        /// A count.
        pub total_count: Option<i64>,
        /// Renamed.
        pub kind: Option<String> = "type",
    }

    /// A tree.
    #[derive(Debug)]
    pub struct Tree {
        /// Leaves.
        pub leaf_list: Vec<Leaf>,
        /// Named leaves.
        pub named: BTreeMap<String, Leaf>,
        /// Free-form.
        pub any_value: Option<Value>,
        /// A ratio.
        pub ratio: Option<f64>,
    }
}

#[test]
fn both_key_styles_decode_and_camel_case_is_written() {
    let snake: Tree =
        serde_json::from_value(json!({"leaf_list": [{"total_count": 1, "type": "x"}]})).unwrap();
    let camel: Tree =
        serde_json::from_value(json!({"leafList": [{"totalCount": "1", "type": "x"}]})).unwrap();
    assert_eq!(snake, camel);
    assert_eq!(
        serde_json::to_value(&snake).unwrap(),
        json!({"leafList": [{"totalCount": 1, "type": "x"}]})
    );
}

#[test]
fn unknown_members_survive_a_round_trip() {
    let value = json!({"leafList": [{"novelty": {"a": [1, null]}}], "later": true});
    let tree: Tree = serde_json::from_value(value.clone()).unwrap();
    assert_eq!(tree.unknown_fields.get("later"), Some(&json!(true)));
    assert_eq!(serde_json::to_value(&tree).unwrap(), value);
}

#[test]
fn null_is_absent() {
    let tree: Tree = serde_json::from_value(
        json!({"leafList": null, "named": null, "anyValue": null, "ratio": null}),
    )
    .unwrap();
    assert_eq!(tree, Tree::default());
}

#[test]
fn numbers_keep_their_kind() {
    let tree = Tree::new()
        .set_ratio(40.0)
        .set_leaf_list([Leaf::new().set_total_count(7)]);
    assert_eq!(
        serde_json::to_string(&tree).unwrap(),
        r#"{"leafList":[{"totalCount":7}],"ratio":40.0}"#
    );
    let error = serde_json::from_value::<Leaf>(json!({"totalCount": 1.5})).unwrap_err();
    assert!(error.to_string().contains("64-bit integer"), "{error}");
}

#[test]
fn the_walk_names_every_set_field() {
    #[derive(Default)]
    struct Paths(Vec<String>, Vec<String>);
    impl FieldVisitor for Paths {
        fn enter(&mut self, owner: &'static str, field: &'static str) {
            self.0.push(format!("{owner}.{field}"));
            self.1.push(self.0.join("/"));
        }
        fn leave(&mut self) {
            self.0.pop();
        }
    }
    let tree = Tree::new().set_named([("a", Leaf::new().set_kind("k"))]);
    let mut paths = Paths::default();
    tree.walk(&mut paths);
    assert_eq!(paths.1, ["Tree.named", "Tree.named/Leaf.type"]);
    assert_eq!(Leaf::FIELDS, ["totalCount", "type"]);
    assert_eq!(Tree::FIELDS, ["leafList", "named", "anyValue", "ratio"]);
    assert_eq!(Tree::new().set_any_value(1).any_value, Some(json!(1)));
}
