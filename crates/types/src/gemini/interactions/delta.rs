//! What is added to a step while it streams.
//!
//! A delta belongs to the step that began last with its index; applying it is the business of
//! [`Interaction::apply`](super::Interaction::apply).

use serde_json::{Map, Value};

use super::{
    Annotation, AudioMimeType, CodeExecutionCallArguments, Content, DocumentMimeType,
    FileSearchResult, Function, FunctionResult, GoogleMapsCallArguments, GoogleMapsResult,
    GoogleSearchCallArguments, GoogleSearchResult, ImageMimeType, MediaResolution,
    RetrievalCallArguments, RetrievalType, ToolSearchCallStepArguments, UrlContextCallArguments,
    UrlContextResult, VideoMimeType,
};

tagged! {
    /// What is added to a step.
    #[derive(Debug)]
    pub enum StepDeltaData {
        /// More words.
        Text(TextDelta) = "text",
        /// More notes on the words.
        TextAnnotation(TextAnnotationDelta) = "text_annotation_delta",
        /// A picture, or more of one.
        Image(ImageDelta) = "image",
        /// Sound, or more of it.
        Audio(AudioDelta) = "audio",
        /// A film, or more of one.
        Video(VideoDelta) = "video",
        /// A document, or more of one.
        Document(DocumentDelta) = "document",
        /// A piece of the summary of a thought.
        ThoughtSummary(ThoughtSummaryDelta) = "thought_summary",
        /// The proof of a thought.
        ThoughtSignature(ThoughtSignatureDelta) = "thought_signature",
        /// More of the arguments of a function, as text of JSON.
        Arguments(ArgumentsDelta) = "arguments_delta",
        /// What a function returned.
        FunctionResult(FunctionResultDelta) = "function_result",
        /// Code that is run.
        CodeExecutionCall(CodeExecutionCallDelta) = "code_execution_call",
        /// What the code printed.
        CodeExecutionResult(CodeExecutionResultDelta) = "code_execution_result",
        /// Web pages that are fetched.
        UrlContextCall(UrlContextCallDelta) = "url_context_call",
        /// How the fetching went.
        UrlContextResult(UrlContextResultDelta) = "url_context_result",
        /// What is searched for in the web.
        GoogleSearchCall(GoogleSearchCallDelta) = "google_search_call",
        /// What the search brought.
        GoogleSearchResult(GoogleSearchResultDelta) = "google_search_result",
        /// The tool of an MCP server that is called.
        McpServerToolCall(McpServerToolCallDelta) = "mcp_server_tool_call",
        /// What the tool returned.
        McpServerToolResult(McpServerToolResultDelta) = "mcp_server_tool_result",
        /// Your files are searched.
        FileSearchCall(FileSearchCallDelta) = "file_search_call",
        /// What the search in your files found.
        FileSearchResult(FileSearchResultDelta) = "file_search_result",
        /// What the map is asked.
        GoogleMapsCall(GoogleMapsCallDelta) = "google_maps_call",
        /// What the map knows.
        GoogleMapsResult(GoogleMapsResultDelta) = "google_maps_result",
        /// What is searched for in a retrieval service.
        RetrievalCall(RetrievalCallDelta) = "retrieval_call",
        /// The search in a retrieval service is done.
        RetrievalResult(RetrievalResultDelta) = "retrieval_result",
        /// Functions that the model wants to load.
        ToolSearchCall(ToolSearchCallDelta) = "tool_search_call",
        /// Functions that the model loads.
        ToolSearchResult(ToolSearchResultDelta) = "tool_search_result",
        /// The service looks at media once more.
        ProcessingCall(ProcessingCallDelta) = "processing_call",
        /// The look at the media is done.
        ProcessingResult(ProcessingResultDelta) = "processing_result",
    }
}

snake_wire! {
    /// More words.
    #[derive(Debug)]
    pub struct TextDelta {
        /// The words to append.
        pub text: Option<String>,
    }

    /// More notes on the words.
    #[derive(Debug)]
    pub struct TextAnnotationDelta {
        /// The notes to add.
        pub annotations: Vec<Annotation>,
    }

    /// A picture, or more of one.
    #[derive(Debug)]
    pub struct ImageDelta {
        /// Base64 text to append; a piece need not be decodable by itself.
        pub data: Option<String>,
        /// Where the picture lies.
        pub uri: Option<String>,
        /// Its format.
        pub mime_type: Option<ImageMimeType>,
        /// How closely the model looks at it.
        pub resolution: Option<MediaResolution>,
    }

    /// Sound, or more of it.
    #[derive(Debug)]
    pub struct AudioDelta {
        /// Base64 text to append; a piece need not be decodable by itself.
        pub data: Option<String>,
        /// Where the recording lies.
        pub uri: Option<String>,
        /// Its format.
        pub mime_type: Option<AudioMimeType>,
        /// How many channels it has.
        pub channels: Option<i32>,
        /// Samples in a second, in hertz.
        pub sample_rate: Option<i32>,
        /// The old name of `sample_rate`; the service ignores it.
        pub rate: Option<i32>,
    }

    /// A film, or more of one.
    #[derive(Debug)]
    pub struct VideoDelta {
        /// Base64 text to append; a piece need not be decodable by itself.
        pub data: Option<String>,
        /// Where the film lies.
        pub uri: Option<String>,
        /// Its format.
        pub mime_type: Option<VideoMimeType>,
        /// How closely the model looks at it.
        pub resolution: Option<MediaResolution>,
    }

    /// A document, or more of one.
    #[derive(Debug)]
    pub struct DocumentDelta {
        /// Base64 text to append; a piece need not be decodable by itself.
        pub data: Option<String>,
        /// Where the document lies.
        pub uri: Option<String>,
        /// Its format.
        pub mime_type: Option<DocumentMimeType>,
    }

    /// A piece of the summary of a thought.
    #[derive(Debug)]
    pub struct ThoughtSummaryDelta {
        /// The piece to add.
        pub content: Option<Box<Content>>,
    }

    /// The proof of a thought.
    #[derive(Debug)]
    pub struct ThoughtSignatureDelta {
        /// The proof; send it back as it came.
        pub signature: Option<String>,
    }

    /// More of the arguments of a function.
    #[derive(Debug)]
    pub struct ArgumentsDelta {
        /// Text to append; all of it together is a JSON object.
        pub arguments: Option<String>,
    }

    /// What a function returned.
    #[derive(Debug)]
    pub struct FunctionResultDelta {
        /// The function.
        pub name: Option<String>,
        /// What it returned.
        pub result: Option<FunctionResult>,
        /// Whether the function failed.
        pub is_error: Option<bool>,
    }

    /// Code that is run.
    #[derive(Debug)]
    pub struct CodeExecutionCallDelta {
        /// The code.
        pub arguments: Option<Box<CodeExecutionCallArguments>>,
        /// Proof of the step; send it back as it came.
        pub signature: Option<String>,
    }

    /// What code printed.
    #[derive(Debug)]
    pub struct CodeExecutionResultDelta {
        /// The output.
        pub result: Option<String>,
        /// Whether the code failed.
        pub is_error: Option<bool>,
        /// Proof of the step; send it back as it came.
        pub signature: Option<String>,
    }

    /// Web pages that are fetched.
    #[derive(Debug)]
    pub struct UrlContextCallDelta {
        /// The pages.
        pub arguments: Option<Box<UrlContextCallArguments>>,
        /// Proof of the step; send it back as it came.
        pub signature: Option<String>,
    }

    /// How the fetching of web pages went.
    #[derive(Debug)]
    pub struct UrlContextResultDelta {
        /// Each page.
        pub result: Vec<UrlContextResult>,
        /// Whether all of it failed.
        pub is_error: Option<bool>,
        /// Proof of the step; send it back as it came.
        pub signature: Option<String>,
    }

    /// What is searched for in the web.
    #[derive(Debug)]
    pub struct GoogleSearchCallDelta {
        /// The queries.
        pub arguments: Option<Box<GoogleSearchCallArguments>>,
        /// Proof of the step; send it back as it came.
        pub signature: Option<String>,
    }

    /// What a search in the web brought.
    #[derive(Debug)]
    pub struct GoogleSearchResultDelta {
        /// What may be shown of it.
        pub result: Vec<GoogleSearchResult>,
        /// Whether the search failed.
        pub is_error: Option<bool>,
        /// Proof of the step; send it back as it came.
        pub signature: Option<String>,
    }

    /// The tool of an MCP server that is called.
    #[derive(Debug)]
    pub struct McpServerToolCallDelta {
        /// The server.
        pub server_name: Option<String>,
        /// The tool.
        pub name: Option<String>,
        /// What it is called with.
        pub arguments: Option<Map<String, Value>>,
    }

    /// What a tool of an MCP server returned.
    #[derive(Debug)]
    pub struct McpServerToolResultDelta {
        /// The server.
        pub server_name: Option<String>,
        /// The tool.
        pub name: Option<String>,
        /// What it returned.
        pub result: Option<FunctionResult>,
    }

    /// Your files are searched.
    #[derive(Debug)]
    pub struct FileSearchCallDelta {
        /// Proof of the step; send it back as it came.
        pub signature: Option<String>,
    }

    /// What the search in your files found.
    #[derive(Debug)]
    pub struct FileSearchResultDelta {
        /// The hits.
        pub result: Vec<FileSearchResult>,
        /// Proof of the step; send it back as it came.
        pub signature: Option<String>,
    }

    /// What the map is asked.
    #[derive(Debug)]
    pub struct GoogleMapsCallDelta {
        /// The questions.
        pub arguments: Option<Box<GoogleMapsCallArguments>>,
        /// Proof of the step; send it back as it came.
        pub signature: Option<String>,
    }

    /// What the map knows.
    #[derive(Debug)]
    pub struct GoogleMapsResultDelta {
        /// Places, and a widget that shows them.
        pub result: Vec<GoogleMapsResult>,
        /// Proof of the step; send it back as it came.
        pub signature: Option<String>,
    }

    /// What is searched for in a retrieval service; Vertex only.
    #[derive(Debug)]
    pub struct RetrievalCallDelta {
        /// The queries.
        pub arguments: Option<Box<RetrievalCallArguments>>,
        /// The service.
        pub retrieval_type: Option<RetrievalType>,
        /// Proof of the step; send it back as it came.
        pub signature: Option<String>,
    }

    /// The search in a retrieval service is done; Vertex only.
    #[derive(Debug)]
    pub struct RetrievalResultDelta {
        /// Whether the search failed.
        pub is_error: Option<bool>,
        /// Proof of the step; send it back as it came.
        pub signature: Option<String>,
    }

    /// Functions that the model wants to load.
    #[derive(Debug)]
    pub struct ToolSearchCallDelta {
        /// Their names.
        pub arguments: Option<Box<ToolSearchCallStepArguments>>,
        /// Proof of the step; send it back as it came.
        pub signature: Option<String>,
    }

    /// Functions that the model loads.
    #[derive(Debug)]
    pub struct ToolSearchResultDelta {
        /// The functions.
        pub result: Vec<Function>,
        /// Proof of the step; send it back as it came.
        pub signature: Option<String>,
    }

    /// The service looks at media once more.
    #[derive(Debug)]
    pub struct ProcessingCallDelta {
        /// Proof of the step; send it back as it came.
        pub signature: Option<String>,
    }

    /// The look at the media is done.
    #[derive(Debug)]
    pub struct ProcessingResultDelta {
        /// Proof of the step; send it back as it came.
        pub signature: Option<String>,
    }
}
