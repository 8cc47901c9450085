//! The key of a whole `generateContent` request, made of its body as the caller wrote it.
//!
//! It must come before anything that rewrites the request, such as a planner that puts part of it
//! into a context cache: the same question must have the same key either way.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gimmal_types::gemini::GenerateContentRequest;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{KeyRequest, canonical, hex};

/// The operation of these keys.
const OPERATION: &str = "generateContent";

impl<'a> KeyRequest<'a> {
    /// A `generateContent` request: its operation is `generateContent`, and its text the canonical
    /// JSON of the body.
    ///
    /// Inline data goes in by the digest of its bytes. `None` if the request names a file: what is
    /// behind an address may change, so the answer must not be taken from a cache.
    ///
    /// ```
    /// use gimmal_cache::KeyRequest;
    /// use gimmal_types::gemini::{Content, GenerateContentRequest};
    ///
    /// let request = GenerateContentRequest::new().set_contents([Content::user("Why?")]);
    /// let short = KeyRequest::for_generate_content("gemini-2.5-flash", &request);
    /// let full = KeyRequest::for_generate_content("models/gemini-2.5-flash", &request);
    /// assert_eq!(short.map(|it| it.key()), full.map(|it| it.key()));
    /// ```
    pub fn for_generate_content(model: &'a str, request: &GenerateContentRequest) -> Option<Self> {
        let Ok(Value::Object(mut body)) = serde_json::to_value(request) else {
            return None;
        };
        if !body.values_mut().all(settle) {
            return None;
        }
        let config = request.generation_config.as_ref();
        let mut key =
            Self::new(OPERATION).with_model(model.strip_prefix("models/").unwrap_or(model));
        key.temperature = config.and_then(|config| config.temperature);
        key.text = canonical::object(&body).into();
        Some(key)
    }
}

/// Puts digests in the place of inline data; false if what a part holds is not in the request.
fn settle(value: &mut Value) -> bool {
    match value {
        Value::Array(items) => items.iter_mut().all(settle),
        Value::Object(members) => members
            .iter_mut()
            .all(|(name, member)| match name.as_str() {
                "fileData" => false,
                "inlineData" => {
                    if let Some(data) = member.get_mut("data")
                        && let Some(bytes) =
                            data.as_str().and_then(|text| STANDARD.decode(text).ok())
                    {
                        *data = json!({"sha256": hex(&Sha256::digest(bytes))});
                    }
                    true
                }
                _ => settle(member),
            }),
        _ => true,
    }
}
