//! Constructors of parts, and the view of a part by the one member that carries its data.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::{
    Blob, CodeExecutionResult, ExecutableCode, File, FileData, FunctionCall, FunctionResponse,
    Part, ToolCall, ToolResponse, Transcription,
};
use crate::InvalidInput;

/// The member of a [`Part`] that carries its data.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum PartKind<'a> {
    /// Text.
    Text(&'a str),
    /// Bytes in place.
    InlineData(&'a Blob),
    /// A file by URI.
    FileData(&'a FileData),
    /// A call of a function.
    FunctionCall(&'a FunctionCall),
    /// The result of a function.
    FunctionResponse(&'a FunctionResponse),
    /// Code of the model's.
    ExecutableCode(&'a ExecutableCode),
    /// What running the code gave.
    CodeExecutionResult(&'a CodeExecutionResult),
    /// A tool call on the service's side.
    ToolCall(&'a ToolCall),
    /// The result of such a call.
    ToolResponse(&'a ToolResponse),
    /// Text of spoken audio.
    AudioTranscription(&'a Transcription),
    /// None of the members this version knows.
    Other,
}

impl Part {
    /// A text part.
    ///
    /// ```
    /// use gimmal_types::gemini::{Part, PartKind};
    ///
    /// assert_eq!(Part::text("hello").kind(), PartKind::Text("hello"));
    /// ```
    pub fn text(text: impl Into<String>) -> Self {
        Self::new().set_text(text)
    }

    /// Bytes in place, with their media type.
    pub fn inline_data(data: impl Into<Bytes>, mime_type: impl Into<String>) -> Self {
        Self::new().set_inline_data(Blob::new().set_data(data.into()).set_mime_type(mime_type))
    }

    /// A file by URI, with its media type.
    pub fn file_data(file_uri: impl Into<String>, mime_type: impl Into<String>) -> Self {
        Self::new().set_file_data(
            FileData::new()
                .set_file_uri(file_uri)
                .set_mime_type(mime_type),
        )
    }

    /// A call of a function.
    pub fn function_call(name: impl Into<String>, args: Map<String, Value>) -> Self {
        Self::new().set_function_call(FunctionCall::new().set_name(name).set_args(args))
    }

    /// The result of a function.
    pub fn function_response(name: impl Into<String>, response: Map<String, Value>) -> Self {
        let response = FunctionResponse::new()
            .set_name(name)
            .set_response(response);
        Self::new().set_function_response(response)
    }

    /// The member that carries the data; the first in declaration order when several are set.
    pub fn kind(&self) -> PartKind<'_> {
        if let Some(text) = &self.text {
            PartKind::Text(text)
        } else if let Some(data) = &self.inline_data {
            PartKind::InlineData(data)
        } else if let Some(data) = &self.file_data {
            PartKind::FileData(data)
        } else if let Some(call) = &self.function_call {
            PartKind::FunctionCall(call)
        } else if let Some(response) = &self.function_response {
            PartKind::FunctionResponse(response)
        } else if let Some(code) = &self.executable_code {
            PartKind::ExecutableCode(code)
        } else if let Some(result) = &self.code_execution_result {
            PartKind::CodeExecutionResult(result)
        } else if let Some(call) = &self.tool_call {
            PartKind::ToolCall(call)
        } else if let Some(response) = &self.tool_response {
            PartKind::ToolResponse(response)
        } else if let Some(transcription) = &self.audio_transcription {
            PartKind::AudioTranscription(transcription)
        } else {
            PartKind::Other
        }
    }

    /// True for text that belongs to the answer and not to the reasoning, with no metadata.
    pub fn is_plain_text(&self) -> bool {
        self.text.is_some() && *self == Self::text(self.text.clone().unwrap_or_default())
    }

    /// True when the part is the model's reasoning.
    pub fn is_thought(&self) -> bool {
        self.thought == Some(true)
    }
}

impl From<&str> for Part {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Part {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

macro_rules! part_from {
    ($($ty:ty => $setter:ident),* $(,)?) => { $(
        impl From<$ty> for Part {
            fn from(value: $ty) -> Self {
                Self::new().$setter(value)
            }
        }
    )* };
}

part_from! {
    Blob => set_inline_data,
    FileData => set_file_data,
    FunctionCall => set_function_call,
    FunctionResponse => set_function_response,
    ExecutableCode => set_executable_code,
    CodeExecutionResult => set_code_execution_result,
}

impl TryFrom<&File> for Part {
    type Error = InvalidInput;

    /// A file that the service keeps, by its address and media type.
    ///
    /// # Errors
    ///
    /// Fails on a file without an address; a file that was uploaded has one.
    ///
    /// ```
    /// use gimmal_types::gemini::{Content, File, Part};
    ///
    /// let file = File::new().set_uri("https://host/v1beta/files/a").set_mime_type("video/mp4");
    /// let question = Content::from([Part::try_from(&file)?, Part::text("What is it about?")]);
    /// assert_eq!(question.parts[0], Part::file_data("https://host/v1beta/files/a", "video/mp4"));
    ///
    /// let refused = Part::try_from(&File::new()).unwrap_err();
    /// let message = "invalid `file.uri`: must be set; a file that was uploaded has one";
    /// assert_eq!(refused.to_string(), message);
    /// # Ok::<(), gimmal_types::InvalidInput>(())
    /// ```
    fn try_from(file: &File) -> Result<Self, InvalidInput> {
        let uri = file.uri.as_ref().filter(|uri| !uri.is_empty());
        let missing = || {
            let reason = "must be set; a file that was uploaded has one";
            InvalidInput::new("file.uri", reason)
        };
        let mut data = FileData::new().set_file_uri(uri.ok_or_else(missing)?);
        data.mime_type.clone_from(&file.mime_type);
        Ok(data.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_is_seen() {
        let kinds = [
            (json!({"text": ""}), "Text"),
            (
                json!({"inlineData": {"data": "", "mimeType": "image/png"}}),
                "InlineData",
            ),
            (json!({"fileData": {"fileUri": "gs://b/o"}}), "FileData"),
            (json!({"functionCall": {"name": "f"}}), "FunctionCall"),
            (
                json!({"functionResponse": {"name": "f"}}),
                "FunctionResponse",
            ),
            (json!({"executableCode": {"code": "1"}}), "ExecutableCode"),
            (
                json!({"codeExecutionResult": {"output": "1"}}),
                "CodeExecutionResult",
            ),
            (json!({"toolCall": {"id": "1"}}), "ToolCall"),
            (json!({"toolResponse": {"id": "1"}}), "ToolResponse"),
            (
                json!({"audioTranscription": {"text": "hi"}}),
                "AudioTranscription",
            ),
            (json!({"hologram": 1}), "Other"),
        ];
        for (json, name) in kinds {
            let part: Part = serde_json::from_value(json.clone()).unwrap();
            assert!(format!("{:?}", part.kind()).starts_with(name), "{json}");
            assert_eq!(serde_json::to_value(&part).unwrap(), json);
        }
    }

    #[test]
    fn plain_text_has_no_metadata() {
        assert!(Part::text("a").is_plain_text());
        assert!(!Part::text("a").set_thought(true).is_plain_text());
        assert!(!Part::new().is_plain_text());
    }
}
