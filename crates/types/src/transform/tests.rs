//! What becomes of values by the rules.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Given, Transform};

#[derive(Serialize)]
struct Inner {
    a: Given<u32>,
    b: Option<u32>,
    zero: u32,
    no: bool,
}

#[derive(Serialize)]
struct Outer {
    name: &'static str,
    created_at: &'static str,
    nested: Inner,
    list: Vec<BTreeMap<&'static str, Given<u32>>>,
}

fn outer() -> Outer {
    let list = [
        ("kept", 1.into()),
        ("null", Given::Value(None)),
        ("left_out", Given::Omit),
    ];
    Outer {
        name: "n",
        created_at: "2026-11-21",
        nested: Inner {
            a: Given::NotGiven,
            b: None,
            zero: 0,
            no: false,
        },
        list: vec![BTreeMap::from(list)],
    }
}

/// Covers: CHK-NG-1
#[test]
fn chk_ng_1_what_is_not_given_is_not_in_the_json() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Form {
        #[serde(default, skip_serializing_if = "Given::is_absent")]
        member: Given<bool>,
    }
    let json = |member| serde_json::to_value(Form { member }).unwrap();
    assert_eq!(json(Given::NotGiven), json!({}));
    assert_eq!(json(Given::Omit), json!({}));
    assert_eq!(json(Given::Value(None)), json!({"member": null}));
    assert_eq!(json(false.into()), json!({"member": false}));
    let read = |json: Value| serde_json::from_value::<Form>(json).unwrap().member;
    assert!(read(json!({})).is_not_given());
    assert_eq!(read(json!({"member": null})), Given::Value(None));
    assert_eq!(read(json!({"member": true})), true.into());
}

/// Covers: CHK-NG-1
#[test]
fn chk_ng_1_a_default_takes_the_place_of_nothing_only() {
    assert_eq!(Given::NotGiven.coalesce(Some(7)), Some(7));
    assert_eq!(Given::Omit.coalesce(Some(7)), Some(7));
    assert_eq!(Given::Value(None).coalesce(Some(7)), None);
    assert_eq!(Given::from(0).coalesce(Some(7)), Some(0));
    assert!(Given::<u8>::Omit.is_omit() && !Given::<u8>::Omit.is_not_given());
}

/// Covers: CHK-TF-1
#[test]
fn chk_tf_1_nulls_are_dropped_and_zeros_kept() {
    let transform = Transform::new()
        .with_alias("created_at", "createdAt")
        .with_drop_nulls(true);
    let expected = json!({
        "name": "n",
        "createdAt": "2026-11-21",
        "nested": {"zero": 0, "no": false},
        "list": [{"kept": 1}],
    });
    assert_eq!(transform.apply(&outer()).unwrap(), expected);
}

/// Covers: CHK-TF-1
#[test]
fn chk_tf_1_nulls_stay_unless_dropped() {
    let json = Transform::new().apply(&outer()).unwrap();
    assert_eq!(json["nested"], json!({"b": null, "zero": 0, "no": false}));
    assert_eq!(json["list"], json!([{"kept": 1, "null": null}]));
    assert_eq!(Transform::new().apply(&None::<u8>).unwrap(), Value::Null);
    assert_eq!(Transform::new().apply(&[1, 2]).unwrap(), json!([1, 2]));
}

#[test]
fn a_form_of_ones_own_is_written_instead() {
    let transform = Transform::new()
        .with_alias("nested", "within")
        .with_alias("zero", "none")
        .with_format("nested", |value| json!(value.to_string().len()))
        .with_format("created_at", |value| json!([value]));
    let json = transform.apply(&outer()).unwrap();
    assert_eq!(json["created_at"], json!(["2026-11-21"]));
    let inner = r#"{"a":null,"b":null,"zero":0,"no":false}"#;
    assert_eq!(json["within"], inner.len());
}

#[test]
fn everything_else_is_as_serde_json_writes_it() {
    #[derive(Serialize)]
    enum Kind {
        Unit,
        One(u8),
        Two(u8, char),
        Named { x: f32 },
    }
    #[derive(Serialize)]
    struct Wrapper(Option<&'static str>);
    let kinds = [
        Kind::Unit,
        Kind::One(1),
        Kind::Two(1, 'c'),
        Kind::Named { x: 0.5 },
    ];
    let value = (
        kinds,
        (),
        Wrapper(Some("w")),
        BTreeMap::from([(1, i64::MIN)]),
        u64::MAX,
        -1_i8,
    );
    let plain = serde_json::to_value(&value).unwrap();
    assert_eq!(Transform::new().apply(&value).unwrap(), plain);
    let keys = BTreeMap::from([([1], 2)]);
    let error = Transform::new().apply(&keys).unwrap_err();
    assert!(error.to_string().contains("key"), "{error}");
}
