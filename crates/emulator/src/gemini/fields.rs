//! The field names each message has, and the refusal of any other. Tables only; what the fields
//! mean is decoded elsewhere.

use serde_json::{Map, Value};

use crate::{
    gemini::{errors::ApiError, keys::to_snake},
    route::Backend,
};

/// The fields of one message: those both services have, and those only one of them has.
#[derive(Debug)]
pub(crate) struct Message {
    both: &'static [&'static str],
    developer: &'static [&'static str],
    vertex: &'static [&'static str],
}

pub(crate) const GENERATE_CONTENT_REQUEST: Message = Message {
    both: &[
        "cachedContent",
        "contents",
        "continuationToken",
        "generationConfig",
        "labels",
        "model",
        "safetySettings",
        "serviceTier",
        "systemInstruction",
        "toolConfig",
        "tools",
    ],
    developer: &["store"],
    vertex: &["modelArmorConfig", "outputConfig"],
};

pub(crate) const GENERATION_CONFIG: Message = Message {
    both: &[
        "_responseJsonSchema",
        "audioTranscriptionConfig",
        "candidateCount",
        "enableAffectiveDialog",
        "frequencyPenalty",
        "imageConfig",
        "logprobs",
        "maxOutputTokens",
        "mediaResolution",
        "presencePenalty",
        "responseFormat",
        "responseJsonSchema",
        "responseLogprobs",
        "responseMimeType",
        "responseModalities",
        "responseSchema",
        "seed",
        "speechConfig",
        "stopSequences",
        "temperature",
        "thinkingConfig",
        "topK",
        "topP",
        "translationConfig",
    ],
    developer: &["enableEnhancedCivicAnswers"],
    vertex: &["audioTimestamp", "modelConfig", "routingConfig"],
};

pub(crate) const CONTENT: Message = Message {
    both: &["parts", "role"],
    developer: &[],
    vertex: &[],
};

pub(crate) const PART: Message = Message {
    both: &[
        "audioMetadata",
        "audioTranscription",
        "codeExecutionResult",
        "documentMetadata",
        "executableCode",
        "fileData",
        "functionCall",
        "functionResponse",
        "inlineData",
        "mediaProcessing",
        "mediaResolution",
        "speechMetadata",
        "spreadsheetMetadata",
        "text",
        "thought",
        "thoughtSignature",
        "videoMetadata",
    ],
    developer: &["partMetadata", "toolCall", "toolResponse"],
    vertex: &[],
};

pub(crate) const COUNT_TOKENS_REQUEST: Message = Message {
    both: &["contents", "model"],
    developer: &["generateContentRequest"],
    vertex: &[
        "generationConfig",
        "instances",
        "systemInstruction",
        "tools",
    ],
};

pub(crate) const CACHED_CONTENT: Message = Message {
    both: &[
        "contents",
        "createTime",
        "displayName",
        "expireTime",
        "model",
        "name",
        "systemInstruction",
        "toolConfig",
        "tools",
        "ttl",
        "updateTime",
        "usageMetadata",
    ],
    developer: &[],
    vertex: &["encryptionSpec"],
};

pub(crate) const UPLOAD_REQUEST: Message = Message {
    both: &["file"],
    developer: &[],
    vertex: &[],
};

pub(crate) const FILE: Message = Message {
    both: &[
        "createTime",
        "displayName",
        "downloadUri",
        "error",
        "expirationTime",
        "mimeType",
        "name",
        "sha256Hash",
        "sizeBytes",
        "source",
        "state",
        "updateTime",
        "uri",
        "videoMetadata",
    ],
    developer: &[],
    vertex: &[],
};

pub(crate) const FETCH_PREDICT_OPERATION_REQUEST: Message = Message {
    both: &["operationName"],
    developer: &[],
    vertex: &[],
};

pub(crate) const FILE_SEARCH_STORE: Message = Message {
    both: &[
        "activeDocumentsCount",
        "createTime",
        "displayName",
        "embeddingModel",
        "failedDocumentsCount",
        "name",
        "pendingDocumentsCount",
        "sizeBytes",
        "updateTime",
    ],
    developer: &[],
    vertex: &[],
};

pub(crate) const UPLOAD_TO_FILE_SEARCH_STORE_REQUEST: Message = Message {
    both: &[
        "chunkingConfig",
        "customMetadata",
        "displayName",
        "mimeType",
    ],
    developer: &[],
    vertex: &[],
};

pub(crate) const IMPORT_FILE_REQUEST: Message = Message {
    both: &["chunkingConfig", "customMetadata", "fileName"],
    developer: &[],
    vertex: &[],
};

pub(crate) const CHUNKING_CONFIG: Message = Message {
    both: &["whiteSpaceConfig"],
    developer: &[],
    vertex: &[],
};

pub(crate) const WHITE_SPACE_CONFIG: Message = Message {
    both: &["maxOverlapTokens", "maxTokensPerChunk"],
    developer: &[],
    vertex: &[],
};

pub(crate) const CUSTOM_METADATA: Message = Message {
    both: &["key", "numericValue", "stringListValue", "stringValue"],
    developer: &[],
    vertex: &[],
};

pub(crate) const FILE_SEARCH: Message = Message {
    both: &["fileSearchStoreNames", "metadataFilter", "topK"],
    developer: &[],
    vertex: &[],
};

pub(crate) const PREDICT_REQUEST: Message = Message {
    both: &["instances", "labels", "parameters"],
    developer: &["webhookConfig"],
    vertex: &[],
};

pub(crate) const WAIT_OPERATION_REQUEST: Message = Message {
    both: &["timeout"],
    developer: &[],
    vertex: &[],
};

pub(crate) const REGISTER_FILES_REQUEST: Message = Message {
    both: &["uris"],
    developer: &[],
    vertex: &[],
};

pub(crate) const AUTH_TOKEN: Message = Message {
    both: &[
        "bidiGenerateContentSetup",
        "expireTime",
        "fieldMask",
        "name",
        "newSessionExpireTime",
        "uses",
    ],
    developer: &[],
    vertex: &[],
};

/// The first message of a Live session.
pub(crate) const LIVE_SETUP: Message = Message {
    both: &[
        "avatarConfig",
        "contextWindowCompression",
        "generationConfig",
        "historyConfig",
        "inputAudioTranscription",
        "labels",
        "model",
        "outputAudioTranscription",
        "proactivity",
        "realtimeInputConfig",
        "safetySettings",
        "sessionResumption",
        "systemInstruction",
        "tools",
    ],
    developer: &[],
    vertex: &["explicitVadSignal"],
};

pub(crate) const LIVE_REALTIME_INPUT: Message = Message {
    both: &[
        "activityEnd",
        "activityStart",
        "audio",
        "audioStreamEnd",
        "mediaChunks",
        "text",
        "video",
    ],
    developer: &[],
    vertex: &[],
};

pub(crate) const MUSIC_CONFIG: Message = Message {
    both: &[
        "bpm",
        "brightness",
        "density",
        "guidance",
        "musicGenerationMode",
        "muteBass",
        "muteDrums",
        "onlyBassAndDrums",
        "scale",
        "seed",
        "temperature",
        "topK",
    ],
    developer: &[],
    vertex: &[],
};

impl Message {
    /// A message with the same fields on both services.
    pub(crate) const fn same(both: &'static [&'static str]) -> Self {
        Self {
            both,
            developer: &[],
            vertex: &[],
        }
    }

    /// Whether the message has the field on any backend.
    pub(crate) fn has(&self, field: &str) -> bool {
        [self.both, self.developer, self.vertex]
            .iter()
            .any(|fields| fields.contains(&field))
    }

    /// Refuses the first field of `object` that the message does not have. `at` is the path of the
    /// object, in the service's spelling.
    pub(crate) fn check(
        &self,
        object: &Map<String, Value>,
        at: &str,
        backend: Backend,
    ) -> Result<(), ApiError> {
        let own = match backend {
            Backend::Developer => self.developer,
            Backend::Vertex => self.vertex,
        };
        match object
            .keys()
            .find(|k| !self.both.contains(&k.as_str()) && !own.contains(&k.as_str()))
        {
            Some(name) => Err(ApiError::unknown_field(name, at)),
            None => Ok(()),
        }
    }
}

/// `a` and `b` as the path `a.b`, the second in the service's spelling.
pub(crate) fn join(at: &str, field: &str) -> String {
    let field = to_snake(field);
    if at.is_empty() {
        field
    } else {
        format!("{at}.{field}")
    }
}

/// The object at `field`, if there is one.
pub(crate) fn object<'a>(
    parent: &'a Map<String, Value>,
    field: &str,
    at: &str,
) -> Result<Option<&'a Map<String, Value>>, ApiError> {
    match parent.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(other) => Err(ApiError::invalid_value(
            &join(at, field),
            "an object",
            other,
        )),
    }
}

/// The string at `field`, if there is one.
pub(crate) fn string<'a>(
    parent: &'a Map<String, Value>,
    field: &str,
    at: &str,
) -> Result<Option<&'a str>, ApiError> {
    match parent.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(ApiError::invalid_value(
            &join(at, field),
            "TYPE_STRING",
            other,
        )),
    }
}

/// The number at `field`, if there is one; the wire allows it to be written as a string.
pub(crate) fn number(
    parent: &Map<String, Value>,
    field: &str,
    at: &str,
) -> Result<Option<f64>, ApiError> {
    match parent.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value
            .as_f64()
            .or_else(|| value.as_str()?.parse().ok())
            .filter(|number| number.is_finite())
            .map(Some)
            .ok_or_else(|| ApiError::invalid_value(&join(at, field), "TYPE_DOUBLE", value)),
    }
}

/// The 32-bit whole number at `field`, if there is one.
pub(crate) fn integer(
    parent: &Map<String, Value>,
    field: &str,
    at: &str,
) -> Result<Option<i64>, ApiError> {
    let wrong = |value| ApiError::invalid_value(&join(at, field), "TYPE_INT32", value);
    match (parent.get(field), number(parent, field, at)) {
        (Some(value), Err(_)) => Err(wrong(value)),
        (Some(value), Ok(Some(number))) => {
            let whole = number.fract() == 0.0 && number.abs() <= f64::from(i32::MAX);
            if whole {
                Ok(Some(number as i64))
            } else {
                Err(wrong(value))
            }
        }
        _ => Ok(None),
    }
}

/// The yes or no at `field`, if there is one.
pub(crate) fn boolean(
    parent: &Map<String, Value>,
    field: &str,
    at: &str,
) -> Result<Option<bool>, ApiError> {
    match parent.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(value)) => Ok(Some(*value)),
        Some(other) => Err(ApiError::invalid_value(
            &join(at, field),
            "TYPE_BOOL",
            other,
        )),
    }
}

/// `value` as an object.
pub(crate) fn as_object<'a>(
    value: &'a Value,
    at: &str,
) -> Result<&'a Map<String, Value>, ApiError> {
    value
        .as_object()
        .ok_or_else(|| ApiError::invalid_value(at, "an object", value))
}

/// The items of a repeated field; a single value stands for a list of one, as the service has it.
pub(crate) fn list<'a>(parent: &'a Map<String, Value>, field: &str) -> &'a [Value] {
    match parent.get(field) {
        None | Some(Value::Null) => &[],
        Some(Value::Array(items)) => items,
        Some(single) => std::slice::from_ref(single),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().expect("an object")
    }

    #[test]
    fn each_service_has_its_own_fields() {
        let request = map(json!({"contents": [], "store": true}));
        let check = |backend| {
            GENERATE_CONTENT_REQUEST
                .check(&request, "", backend)
                .is_ok()
        };
        assert!(check(Backend::Developer));
        assert!(!check(Backend::Vertex));
    }

    #[test]
    fn numbers_may_be_strings_and_integers_are_whole() {
        let config = map(json!({"a": "3", "b": 2.0, "c": 2.5, "d": "x", "e": null}));
        assert_eq!(integer(&config, "a", ""), Ok(Some(3)));
        assert_eq!(integer(&config, "b", ""), Ok(Some(2)));
        assert_eq!(number(&config, "c", ""), Ok(Some(2.5)));
        assert_eq!(integer(&config, "e", ""), Ok(None));
        for bad in ["c", "d"] {
            let error = integer(&config, bad, "generation_config").expect_err("not an integer");
            assert!(
                error
                    .message()
                    .starts_with("Invalid value at 'generation_config."),
                "{error:?}"
            );
        }
    }

    #[test]
    fn a_single_value_is_a_list_of_one() {
        let parent = map(json!({"one": {"text": "x"}, "many": [1, 2]}));
        assert_eq!(list(&parent, "one").len(), 1);
        assert_eq!(list(&parent, "many").len(), 2);
        assert!(list(&parent, "none").is_empty());
    }
}
