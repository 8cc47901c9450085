//! Functions the model may call, the calls and their results.

use serde_json::{Map, Value};

use super::{
    AudioMetadata, DocumentMetadata, MediaProcessing, PartMediaResolution, Schema, SchemaError,
    SpreadsheetMetadata, VideoMetadata,
};
use crate::Bytes64;

wire! {
    /// A function the model may ask to be called.
    #[derive(Debug)]
    pub struct FunctionDeclaration {
        /// Its name: at most 128 letters, digits, `_`, `.`, `:` or `-`.
        pub name: Option<String>,
        /// What it does and when to call it.
        pub description: Option<String>,
        /// Its arguments, in the service's schema subset.
        pub parameters: Option<Box<Schema>>,
        /// Its arguments as JSON Schema, instead of `parameters`.
        pub parameters_json_schema: Option<Value>,
        /// Its result, in the service's schema subset.
        pub response: Option<Box<Schema>>,
        /// Its result as JSON Schema, instead of `response`.
        pub response_json_schema: Option<Value>,
        /// Whether the model waits for the result.
        pub behavior: Option<Behavior>,
    }

    /// The model asks for a function to be called.
    #[derive(Debug)]
    pub struct FunctionCall {
        /// Identifier that the response repeats.
        pub id: Option<String>,
        /// Which function.
        pub name: Option<String>,
        /// The arguments.
        pub args: Option<Map<String, Value>>,
        /// Pieces of arguments while they stream; Vertex only.
        pub partial_args: Vec<PartialArg>,
        /// True when more pieces follow; Vertex only.
        pub will_continue: Option<bool>,
    }

    /// A piece of one argument while it streams.
    #[derive(Debug)]
    pub struct PartialArg {
        /// Which argument, as a JSONPath.
        pub json_path: Option<String>,
        /// Text to append.
        pub string_value: Option<String>,
        /// A number.
        pub number_value: Option<f64>,
        /// A truth value.
        pub bool_value: Option<bool>,
        /// `NULL_VALUE` for null.
        pub null_value: Option<String>,
        /// True when this argument goes on.
        pub will_continue: Option<bool>,
    }

    /// The result of a function call.
    #[derive(Debug)]
    pub struct FunctionResponse {
        /// Identifier of the call.
        pub id: Option<String>,
        /// Which function.
        pub name: Option<String>,
        /// Its result, usually under `output` or `error`.
        pub response: Option<Map<String, Value>>,
        /// Media in the result.
        pub parts: Vec<FunctionResponsePart>,
        /// True when more results follow; developer API only.
        pub will_continue: Option<bool>,
        /// When the model takes a late result.
        pub scheduling: Option<FunctionResponseScheduling>,
    }

    /// A medium in the result of a function.
    #[derive(Debug)]
    pub struct FunctionResponsePart {
        /// Bytes in place.
        pub inline_data: Option<Box<FunctionResponseBlob>>,
        /// A file by URI.
        pub file_data: Option<Box<FunctionResponseFileData>>,
        /// How it is processed; developer API only.
        pub media_processing: Option<MediaProcessing>,
        /// How finely it is looked at.
        pub media_resolution: Option<Box<PartMediaResolution>>,
        /// Which section of a video is meant.
        pub video_metadata: Option<Box<VideoMetadata>>,
        /// Which pages are meant.
        pub document_metadata: Option<Box<DocumentMetadata>>,
        /// Which cells are meant.
        pub spreadsheet_metadata: Option<Box<SpreadsheetMetadata>>,
        /// Which section of an audio file is meant.
        pub audio_metadata: Option<Box<AudioMetadata>>,
    }

    /// Bytes in the result of a function.
    #[derive(Debug)]
    pub struct FunctionResponseBlob {
        /// The bytes.
        pub data: Option<Bytes64>,
        /// Their media type.
        pub mime_type: Option<String>,
        /// A name to refer to them.
        pub display_name: Option<String>,
    }

    /// A file in the result of a function.
    #[derive(Debug)]
    pub struct FunctionResponseFileData {
        /// Its URI.
        pub file_uri: Option<String>,
        /// Its media type.
        pub mime_type: Option<String>,
        /// A name to refer to it.
        pub display_name: Option<String>,
    }
}

impl FunctionDeclaration {
    /// The declaration of a tool that a server of the Model Context Protocol offers.
    ///
    /// # Errors
    ///
    /// Fails when the schema of its arguments has no form in the service's subset; set
    /// `parameters_json_schema` instead then.
    pub fn from_mcp_tool(
        name: impl Into<String>,
        description: impl Into<String>,
        input_schema: &Value,
    ) -> Result<Self, SchemaError> {
        let mut parameters = Schema::from_json_schema(input_schema)?;
        // Arguments have no order.
        parameters.forget_order();
        Ok(Self::new()
            .set_name(name)
            .set_description(description)
            .set_parameters(parameters))
    }
}

impl FunctionResponse {
    /// What a server of the Model Context Protocol answered to the call of a tool: its content
    /// under `result`, or under `error` when the answer says that the tool failed.
    ///
    /// ```
    /// use gimmal_types::gemini::FunctionResponse;
    /// use serde_json::json;
    ///
    /// let answer = json!({"content": [{"type": "text", "text": "noon"}], "isError": false});
    /// let response = FunctionResponse::from_mcp_response("departures", &answer);
    /// assert_eq!(response.response.unwrap()["result"][0]["text"], "noon");
    /// ```
    pub fn from_mcp_response(name: impl Into<String>, response: &Value) -> Self {
        let key = match response["isError"] {
            Value::Bool(true) => "error",
            _ => "result",
        };
        let content = response["content"].clone();
        let answer = Map::from_iter([(key.to_owned(), content)]);
        Self::new().set_name(name).set_response(answer)
    }
}

open_enum! {
    /// Whether the model waits for a function's result.
    pub enum Behavior {
        /// The service decides.
        Unspecified = "UNSPECIFIED",
        /// It waits.
        Blocking = "BLOCKING",
        /// It goes on and takes the result when it comes.
        NonBlocking = "NON_BLOCKING",
    }

    /// When the model takes a result that comes late.
    pub enum FunctionResponseScheduling {
        /// The service decides.
        Unspecified = "SCHEDULING_UNSPECIFIED",
        /// It is noted without a reply.
        Silent = "SILENT",
        /// After the current reply.
        WhenIdle = "WHEN_IDLE",
        /// At once.
        Interrupt = "INTERRUPT",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Covers: FunctionResponse.from_mcp_response
    #[test]
    fn answers_of_mcp_servers() {
        let content = json!([{"type": "text", "text": "no such quay"}]);
        for (answer, expected) in [
            (json!({"content": content}), json!({"result": content})),
            (
                json!({"content": content, "isError": true}),
                json!({"error": content}),
            ),
            (json!({}), json!({"result": null})),
        ] {
            let response = FunctionResponse::from_mcp_response("departures", &answer);
            assert_eq!(response.name.as_deref(), Some("departures"));
            assert_eq!(Value::Object(response.response.unwrap()), expected);
        }
    }
}
