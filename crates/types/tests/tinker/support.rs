//! What the tests of these types have in common.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
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
