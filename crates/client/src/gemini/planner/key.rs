//! The identity of a prefix: what two requests must share to share a cache.
//!
//! `gimmal-prefix-v1`: a chain of SHA-256 over the backend, the reader's scope, the model, the
//! instructions, the tools and then one turn after another, each length-framed and in canonical
//! JSON (RFC 8785), so that neither key order nor file paths nor the process matter.

use std::fmt;

use gimmal_api::gemini::Backend;
use gimmal_types::gemini::Content;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::Prefix;

/// Who may read a cache: a digest of the API key, or of the project and location. The key itself
/// is neither kept nor shown.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CacheScope {
    backend: Backend,
    digest: String,
}

/// The identity of a prefix: 64 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct PrefixKey(String);

impl CacheScope {
    /// The scope of an API key (its bytes), or on Vertex of `projects/<p>/locations/<l>`.
    pub fn new(backend: Backend, credential: &[u8], salt: Option<&str>) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"gimmal-scope-v1\0");
        hash.update(credential);
        if let Some(salt) = salt {
            hash.update(b"\0");
            hash.update(salt.as_bytes());
        }
        let digest = hex(&hash.finalize());
        Self {
            backend,
            digest: digest[..32].to_owned(),
        }
    }

    /// Another scope of the same credential, kept apart by a salt.
    #[must_use]
    pub(crate) fn salted(&self, salt: &str) -> Self {
        Self::new(self.backend, self.digest.as_bytes(), Some(salt))
    }
}

impl<'de> Deserialize<'de> for PrefixKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 64 || !text.bytes().all(is_digit) {
            return Err(serde::de::Error::custom(
                "a prefix key is 64 lower-case hexadecimal digits",
            ));
        }
        Ok(Self(text))
    }
}

impl PrefixKey {
    /// The keys of the prefix after 0, 1, 2, … turns: one more than it has turns.
    ///
    /// `model` is the full name, `models/x` or `projects/…/models/x`.
    pub fn chain(scope: &CacheScope, model: &str, prefix: &Prefix) -> Vec<Self> {
        let mut digests = vec![head(scope, model, prefix)];
        for content in &prefix.contents {
            let mut hash = Sha256::new();
            hash.update(digests[digests.len() - 1]);
            framed(&mut hash, &canonical(&identity_of_turn(content)));
            digests.push(hash.finalize().into());
        }
        digests.iter().map(|digest| Self(hex(digest))).collect()
    }

    /// The key of a prefix that the caller names instead of its contents, for this reader and model.
    pub(super) fn named(scope: &CacheScope, model: &str, name: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"gimmal-prefix-named-v1\0");
        hash.update(head(scope, model, &Prefix::default()));
        framed(&mut hash, name.as_bytes());
        Self(hex(&hash.finalize()))
    }

    /// The name under which another process finds the cache.
    pub fn display_name(&self) -> String {
        format!("gimmal-v1-{}", &self.0[..40])
    }

    /// The hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PrefixKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn head(scope: &CacheScope, model: &str, prefix: &Prefix) -> [u8; 32] {
    let backend = match scope.backend {
        Backend::Vertex => "vertex",
        _ => "gemini",
    };
    let mut hash = Sha256::new();
    hash.update(b"gimmal-prefix-v1\0");
    framed(&mut hash, backend.as_bytes());
    framed(&mut hash, scope.digest.as_bytes());
    framed(&mut hash, model.as_bytes());
    optional(&mut hash, prefix.system_instruction.as_ref());
    optional(
        &mut hash,
        (!prefix.tools.is_empty()).then_some(&prefix.tools.iter().map(json).collect::<Vec<_>>()),
    );
    optional(&mut hash, prefix.tool_config.as_ref());
    hash.finalize().into()
}

/// 0 for absent, 1 and the framed canonical JSON for present.
fn optional<T: Serialize>(hash: &mut Sha256, value: Option<&T>) {
    match value {
        None => hash.update([0]),
        Some(value) => {
            hash.update([1]);
            framed(hash, &canonical(&json(value)));
        }
    }
}

/// Length first, so that no two sequences of parts run together.
fn framed(hash: &mut Sha256, bytes: &[u8]) {
    hash.update((bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}

fn json<T: Serialize>(value: &T) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Null)
}

/// A turn with the bytes of its media replaced by their digest, and its role spelled out.
fn identity_of_turn(content: &Content) -> Value {
    let mut turn = json(content);
    if let Value::Object(members) = &mut turn {
        members.entry("role").or_insert_with(|| "user".into());
        let parts = members.get_mut("parts").and_then(Value::as_array_mut);
        for (part, typed) in parts.into_iter().flatten().zip(&content.parts) {
            let blob = typed
                .inline_data
                .as_ref()
                .and_then(|blob| blob.data.as_ref());
            if let (Some(data), Some(Value::Object(shown))) = (blob, part.get_mut("inlineData")) {
                shown.remove("data");
                shown.insert(
                    "sha256".to_owned(),
                    hex(&Sha256::digest(data.as_bytes())).into(),
                );
            }
        }
    }
    turn
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Canonical JSON after RFC 8785.
fn canonical(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write_canonical(value, &mut out);
    out
}

fn write_canonical(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Object(members) => write_members(members, out),
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_canonical(item, out);
            }
            out.push(b']');
        }
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => out.extend_from_slice(ecmascript(float).as_bytes()),
            _ => out.extend_from_slice(number.to_string().as_bytes()),
        },
        Value::String(text) => write_text(text, out),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Null => out.extend_from_slice(b"null"),
    }
}

/// serde_json escapes strings exactly as RFC 8785 asks.
fn write_text(text: &str, out: &mut Vec<u8>) {
    // Writing a string into memory cannot fail.
    let _ = serde_json::to_writer(out, text);
}

fn write_members(members: &Map<String, Value>, out: &mut Vec<u8>) {
    let mut sorted: Vec<_> = members
        .iter()
        .filter(|(_, value)| !value.is_null())
        .collect();
    sorted.sort_by(|(left, _), (right, _)| left.encode_utf16().cmp(right.encode_utf16()));
    out.push(b'{');
    for (index, (key, value)) in sorted.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_text(key, out);
        out.push(b':');
        write_canonical(value, out);
    }
    out.push(b'}');
}

/// A finite float as ECMAScript writes it: shortest digits, plain from 1e-6 up to 1e21.
fn ecmascript(float: f64) -> String {
    if float == 0.0 {
        return "0".to_owned();
    }
    if (1e-6..1e21).contains(&float.abs()) {
        return format!("{float}");
    }
    let text = format!("{float:e}");
    match text.split_once('e') {
        Some((digits, exponent)) if !exponent.starts_with('-') => format!("{digits}e+{exponent}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use gimmal_types::gemini::{Part, Tool};
    use serde_json::json;

    use super::*;

    const MODEL: &str = "models/gemini-2.5-flash";

    fn scope() -> CacheScope {
        CacheScope::new(Backend::GeminiApi, b"test-key", None)
    }

    fn last_key(prefix: &Prefix) -> String {
        PrefixKey::chain(&scope(), MODEL, prefix).pop().unwrap().0
    }

    fn with_system(contents: Vec<Content>) -> Prefix {
        Prefix {
            system_instruction: Some(Content::text("Be terse.")),
            contents,
            ..Prefix::default()
        }
    }

    /// B9: the key vectors.
    #[test]
    fn b9_key_vectors() {
        assert_eq!(scope().digest, "90b264f4b616a86ac67eb5fb9a37748d");
        assert_eq!(
            last_key(&Prefix::default()),
            "229a87e153940e1e4e8d991f2104c05d79276dffff6f75ee51a470a9e1af6b95"
        );
        assert_eq!(
            last_key(&with_system(vec![])),
            "1c9c6d1f848ec1dfd05ac983b307a878fafd37c841214870956c2a6244507b75"
        );
        let tools: Vec<Tool> = serde_json::from_value(json!([{"functionDeclarations":
            [{"name": "lookup", "description": "d", "parameters": {"type": "OBJECT"}}]}]))
        .unwrap();
        assert_eq!(
            last_key(&Prefix {
                tools,
                ..with_system(vec![])
            }),
            "c5ef9958c7b943c34cfbbf3d95aefcfedabf9b27e1e32aa9f1dfad31559088f0"
        );
        let shared = last_key(&with_system(vec![Content::user("SHARED CONTEXT")]));
        assert_eq!(
            shared,
            "f25dfa95366d0f8535b72784437cd1bbef9b67915f2ec6d71787c87c887bcec1"
        );
        assert_eq!(
            PrefixKey(shared).display_name(),
            "gimmal-v1-f25dfa95366d0f8535b72784437cd1bbef9b6791"
        );
        let split = Content::user("SHARED").set_parts([Part::text("SHARED"), " CONTEXT".into()]);
        assert_eq!(
            last_key(&with_system(vec![split])),
            "07ab7294fe292fbb03e759da82ad65d0a46ee10b04100a898f8384dbbbb7c91f"
        );
        let png = Content::new()
            .set_parts([Part::inline_data(vec![0x89, 0x50, 0x4e, 0x47], "image/png")]);
        assert_eq!(
            last_key(&with_system(vec![png])),
            "43a42a117908d326da86f33ac287378d632cdd2c4bd7004467d72e14364fbdfb"
        );
    }

    #[test]
    fn whatever_the_model_sees_changes_the_key() {
        let prefix = with_system(vec![Content::user("a")]);
        let base = last_key(&prefix);
        let other_key = CacheScope::new(Backend::GeminiApi, b"other", None);
        let other_backend = CacheScope::new(Backend::Vertex, b"test-key", None);
        for scope in [other_key, other_backend, scope().salted("tenant")] {
            assert_ne!(
                PrefixKey::chain(&scope, MODEL, &prefix).pop().unwrap().0,
                base
            );
        }
        assert_ne!(
            PrefixKey::chain(&scope(), "models/other", &prefix)
                .pop()
                .unwrap()
                .0,
            base
        );
        assert_ne!(last_key(&with_system(vec![Content::user("b")])), base);
        assert_eq!(
            last_key(&with_system(vec![Content::text("a")])),
            base,
            "no role is the user"
        );
    }

    #[test]
    fn b9_a_file_is_its_bytes_and_a_film_its_settings() {
        let key = |part: Value| {
            let turn = json!({"role": "user", "parts": [part]});
            last_key(&with_system(vec![serde_json::from_value(turn).unwrap()]))
        };
        let image =
            |data: &str| key(json!({"inlineData": {"mimeType": "image/png", "data": data}}));
        assert_eq!(image("iVBORw=="), image("iVBORw=="), "wherever it lies");
        assert_ne!(image("iVBORw=="), image("iVBORg=="));
        let film = |fps: f64| {
            key(
                json!({"fileData": {"mimeType": "video/mp4", "fileUri": "gs://b/o"},
                "videoMetadata": {"fps": fps}}),
            )
        };
        assert_ne!(film(1.0), film(2.0));
    }

    #[test]
    fn the_order_of_members_does_not_change_the_key() {
        let key = |tools: &str| {
            let tools: Vec<Tool> = serde_json::from_str(tools).unwrap();
            last_key(&Prefix {
                tools,
                ..Prefix::default()
            })
        };
        let one = r#"[{"functionDeclarations": [{"name": "f",
            "parameters": {"properties": {"a": {"type": "STRING"}, "b": {}}},
            "responseJsonSchema": {"x": 1, "y": {"p": 2, "q": 3}}}]}]"#;
        let other = r#"[{"functionDeclarations": [{
            "responseJsonSchema": {"y": {"q": 3, "p": 2}, "x": 1},
            "parameters": {"properties": {"b": {}, "a": {"type": "STRING"}}}, "name": "f"}]}]"#;
        assert_eq!(key(one), key(other));
    }

    #[test]
    fn numbers_are_written_as_ecmascript_does() {
        for (float, text) in [
            (40.0, "40"),
            (0.1, "0.1"),
            (1e21, "1e+21"),
            (1e-7, "1e-7"),
            (-0.0, "0"),
            (1e20, "100000000000000000000"),
        ] {
            assert_eq!(ecmascript(float), text);
        }
    }
}
