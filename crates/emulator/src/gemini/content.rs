//! Contents and parts as they arrive: decoded from the body, checked the way the service checks
//! them, and borrowed from it. Counting and answering happen elsewhere.

use std::borrow::Cow;

use base64::{
    Engine,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde_json::{Map, Value};

use crate::{
    gemini::{
        errors::ApiError,
        fields::{self, as_object, list, object, string},
        files::file_id,
        service::Call,
    },
    route::Backend,
};

/// One turn.
#[derive(Debug)]
pub(crate) struct Content<'a> {
    pub(crate) role: Role,
    pub(crate) parts: Vec<Part<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    User,
    Model,
    Function,
}

/// One part, as far as the emulator understands it.
#[derive(Debug)]
pub(crate) enum Part<'a> {
    Text(Cow<'a, str>),
    /// Bytes sent along, of this many bytes.
    Media {
        mime: Cow<'a, str>,
        bytes: usize,
    },
    /// A reference to bytes that lie elsewhere.
    File {
        mime: &'a str,
        uri: &'a str,
    },
    FunctionCall {
        name: &'a str,
        args: Option<&'a Value>,
    },
    FunctionResponse {
        name: &'a str,
        response: &'a Value,
    },
    /// Code, its result, server-side tool calls: counted, not understood.
    Other(&'a Value),
}

/// The fields one of which every part has.
const DATA: &[&str] = &[
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
];

/// Decodes the contents of `message`, which must have some.
pub(crate) fn required<'a>(
    parent: &'a Map<String, Value>,
    message: &str,
    backend: Backend,
) -> Result<Vec<Content<'a>>, ApiError> {
    let contents = decode(parent, message, backend)?;
    if contents.is_empty() {
        return Err(match backend {
            Backend::Developer => ApiError::invalid_argument(format!(
                "* {message}.contents: contents is not specified\n"
            )),
            Backend::Vertex => {
                ApiError::invalid_argument("at least one contents field is required")
            }
        });
    }
    Ok(contents)
}

/// Decodes the contents of `message`, which may have none.
pub(crate) fn decode<'a>(
    parent: &'a Map<String, Value>,
    message: &str,
    backend: Backend,
) -> Result<Vec<Content<'a>>, ApiError> {
    let items = list(parent, "contents").iter().enumerate();
    items
        .map(|(at, item)| content(item, message, &format!("contents[{at}]"), backend))
        .collect()
}

/// Puts the files of the service in the place of references to them. What lies elsewhere, in Cloud
/// Storage or on a public page, stays a reference: the emulator does not fetch it.
pub(crate) fn resolve<'c, 'a: 'c>(
    contents: impl IntoIterator<Item = &'c mut Content<'a>>,
    call: &Call<'_>,
) -> Result<(), ApiError> {
    for part in contents.into_iter().flat_map(|content| &mut content.parts) {
        let Part::File { mime, uri } = *part else {
            continue;
        };
        if call.target.backend == Backend::Vertex || file_id(uri).is_none() {
            continue;
        }
        let file = call.files.usable(&call.owner(), uri, call.now)?;
        let mime = if mime.is_empty() { &file.mime } else { mime };
        let unreadable = |_| ApiError::internal("The content of the file could not be read.");
        *part = match file.text(mime).map_err(unreadable)? {
            Some(text) => Part::Text(text.into()),
            None => Part::Media {
                bytes: usize::try_from(file.content.len()).unwrap_or(usize::MAX),
                mime: mime.to_owned().into(),
            },
        };
    }
    Ok(())
}

/// Decodes `systemInstruction`.
pub(crate) fn system_instruction<'a>(
    parent: &'a Map<String, Value>,
    message: &str,
    backend: Backend,
) -> Result<Option<Content<'a>>, ApiError> {
    let Some(value) = parent
        .get("systemInstruction")
        .filter(|value| !value.is_null())
    else {
        return Ok(None);
    };
    // Its role says nothing, so any is accepted.
    let fields = as_object(value, "system_instruction")?;
    Ok(Some(Content {
        role: Role::User,
        parts: parts(fields, message, "system_instruction", backend)?,
    }))
}

fn content<'a>(
    value: &'a Value,
    message: &str,
    at: &str,
    backend: Backend,
) -> Result<Content<'a>, ApiError> {
    single(as_object(value, at)?, message, at, backend)
}

/// Decodes the content that `fields` are.
pub(crate) fn single<'a>(
    fields: &'a Map<String, Value>,
    message: &str,
    at: &str,
    backend: Backend,
) -> Result<Content<'a>, ApiError> {
    fields::CONTENT.check(fields, at, backend)?;
    let role = match string(fields, "role", at)?.unwrap_or_default() {
        "" | "user" => Role::User,
        "model" => Role::Model,
        "function" => Role::Function,
        _ => {
            return Err(ApiError::invalid_argument(
                "Please use a valid role: user, model.",
            ));
        }
    };
    Ok(Content {
        role,
        parts: parts(fields, message, at, backend)?,
    })
}

fn parts<'a>(
    fields: &'a Map<String, Value>,
    message: &str,
    at: &str,
    backend: Backend,
) -> Result<Vec<Part<'a>>, ApiError> {
    let items = list(fields, "parts");
    if items.is_empty() {
        return Err(ApiError::invalid_argument(match backend {
            Backend::Developer => {
                format!("* {message}.{at}.parts: contents.parts must not be empty.\n")
            }
            Backend::Vertex => "Unable to submit request because it must include at least one \
                parts field, which describes the prompt input. Learn more: \
                https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/gemini"
                .to_owned(),
        }));
    }
    let parts = items.iter().enumerate();
    parts
        .map(|(n, item)| part(item, message, &format!("{at}.parts[{n}]"), backend))
        .collect()
}

fn part<'a>(
    value: &'a Value,
    message: &str,
    at: &str,
    backend: Backend,
) -> Result<Part<'a>, ApiError> {
    let fields = as_object(value, at)?;
    fields::PART.check(fields, at, backend)?;
    let mut present = DATA
        .iter()
        .filter(|key| fields.get(**key).is_some_and(|v| !v.is_null()));
    let Some(kind) = present.next() else {
        return Err(ApiError::invalid_argument(format!(
            "* {message}.{at}.data: required oneof field 'data' must have one initialized field\n"
        )));
    };
    if let Some(second) = present.next() {
        return Err(ApiError::bad_request(
            at,
            format!(
                "Invalid value at '{at}' (oneof), oneof field 'data' is already set. Cannot set '{second}'"
            ),
        ));
    }
    if let Some(text) = string(fields, "text", at)? {
        return Ok(Part::Text(text.into()));
    }
    let inner = object(fields, kind, at)?;
    let inner_at = fields::join(at, kind);
    let (Some(inner), Some(value)) = (inner, fields.get(*kind)) else {
        return Err(ApiError::invalid_value(
            &inner_at,
            "an object",
            &fields[*kind],
        ));
    };
    let name = |key| Ok(string(inner, key, &inner_at)?.unwrap_or_default());
    match *kind {
        "inlineData" => inline_data(name("mimeType")?, name("data")?, &inner_at),
        "fileData" => match name("fileUri")? {
            "" => Err(ApiError::invalid_argument(format!(
                "* {message}.{inner_at}.file_uri: file_uri is not specified\n"
            ))),
            uri if uri.starts_with("gs://") && backend == Backend::Developer => Err(
                ApiError::invalid_argument(format!("Unsupported file uri: {uri}")),
            ),
            uri => Ok(Part::File {
                mime: name("mimeType")?,
                uri,
            }),
        },
        "functionCall" => Ok(Part::FunctionCall {
            name: name("name")?,
            args: inner.get("args"),
        }),
        "functionResponse" => {
            let response = inner.get("response").unwrap_or(&Value::Null);
            match name("name")? {
                "" => Err(ApiError::invalid_argument(format!(
                    "* {message}.{at}.function_response.name: Name cannot be empty.\n"
                ))),
                name => Ok(Part::FunctionResponse { name, response }),
            }
        }
        _ => Ok(Part::Other(value)),
    }
}

fn inline_data<'a>(mime: &'a str, data: &'a str, at: &str) -> Result<Part<'a>, ApiError> {
    let bytes = decode_base64(data).ok_or_else(|| {
        let shown: String = data.chars().take(40).collect();
        let at = format!("{at}.data");
        let problem =
            format!("Invalid value at '{at}' (TYPE_BYTES), Base64 decoding failed for \"{shown}\"");
        ApiError::bad_request(&at, problem)
    })?;
    // Text sent as bytes is read like any other text.
    match String::from_utf8(bytes) {
        Ok(text) if mime.starts_with("text/") => Ok(Part::Text(text.into())),
        Ok(text) => Ok(Part::Media {
            mime: mime.into(),
            bytes: text.len(),
        }),
        Err(error) => Ok(Part::Media {
            mime: mime.into(),
            bytes: error.as_bytes().len(),
        }),
    }
}

/// Either alphabet, with or without padding.
pub(crate) fn decode_base64(data: &str) -> Option<Vec<u8>> {
    const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    const PLAIN: GeneralPurpose = GeneralPurpose::new(&STANDARD, CONFIG);
    const URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, CONFIG);
    if data.contains(['-', '_']) {
        URL.decode(data).ok()
    } else {
        PLAIN.decode(data).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refusal(body: Value) -> String {
        let body = body.as_object().cloned().expect("an object");
        let error = required(&body, "GenerateContentRequest", Backend::Developer);
        error.expect_err("refused").message().to_owned()
    }

    #[test]
    fn both_base64_alphabets_with_and_without_padding() {
        for data in ["+/8=", "-_8=", "+/8", "-_8"] {
            assert_eq!(
                decode_base64(data).as_deref(),
                Some([0xFB, 0xFF].as_slice()),
                "{data}"
            );
        }
        assert_eq!(decode_base64("!!"), None);
    }

    #[test]
    fn text_sent_as_bytes_is_text() {
        let body = json!({"contents": {"parts": {"inlineData": {"mimeType": "text/plain", "data": "aGk="}}}});
        let body = body.as_object().cloned().expect("an object");
        let contents = required(&body, "M", Backend::Developer).expect("valid");
        assert!(matches!(&contents[0].parts[0], Part::Text(text) if text == "hi"));
    }

    #[test]
    fn refusals_name_the_place() {
        let cases = [
            (json!({}), "contents is not specified"),
            (
                json!({"contents": [{"role": "system", "parts": [{"text": "x"}]}]}),
                "valid role",
            ),
            (json!({"contents": [{"role": "user"}]}), "contents[0].parts"),
            (
                json!({"contents": [{"parts": [{}]}]}),
                "contents[0].parts[0].data",
            ),
            (
                json!({"contents": [{"parts": [{"text": 1}]}]}),
                "'contents[0].parts[0].text' (TYPE_STRING), 1",
            ),
            (
                json!({"contents": [{"parts": [{"txt": "x"}]}]}),
                "\"txt\" at 'contents[0].parts[0]'",
            ),
            (json!({"contents": ["x"]}), "Invalid value at 'contents[0]'"),
            (
                json!({"contents": [{"parts": [{"inlineData": {"data": "?"}}]}]}),
                "Base64 decoding failed",
            ),
            (
                json!({"contents": [{"parts": [{"functionResponse": {}}]}]}),
                "Name cannot be empty",
            ),
        ];
        for (body, expected) in cases {
            let message = refusal(body);
            assert!(message.contains(expected), "{message}");
        }
    }
}
