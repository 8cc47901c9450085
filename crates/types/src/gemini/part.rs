//! The parts of a turn: text, data, calls and their results.

use serde_json::{Map, Value};

use super::{
    AudioMetadata, Blob, DocumentMetadata, FileData, FunctionCall, FunctionResponse,
    SpeechMetadata, SpreadsheetMetadata, Transcription, VideoMetadata,
};
use crate::Bytes64;

wire! {
    /// One piece of a turn. The wire allows several members at once; [`Part::kind`] names the one that carries the data.
    #[derive(Debug)]
    pub struct Part {
        /// Text.
        pub text: Option<String>,
        /// Bytes sent in place.
        pub inline_data: Option<Box<Blob>>,
        /// A file known to the service by URI.
        pub file_data: Option<Box<FileData>>,
        /// The model asks for a function to be called.
        pub function_call: Option<Box<FunctionCall>>,
        /// The result of a function call.
        pub function_response: Option<Box<FunctionResponse>>,
        /// Code the model wrote to run it.
        pub executable_code: Option<Box<ExecutableCode>>,
        /// What running the code gave.
        pub code_execution_result: Option<Box<CodeExecutionResult>>,
        /// The model used a tool on the service's side; developer API only.
        pub tool_call: Option<Box<ToolCall>>,
        /// What that tool gave; developer API only.
        pub tool_response: Option<Box<ToolResponse>>,
        /// Text of spoken audio; in replies only.
        pub audio_transcription: Option<Box<Transcription>>,
        /// True when the text is the model's reasoning and not its answer.
        pub thought: Option<bool>,
        /// Opaque state of the reasoning, to be sent back unchanged in the next turn.
        pub thought_signature: Option<Bytes64>,
        /// Which section of a video is meant.
        pub video_metadata: Option<Box<VideoMetadata>>,
        /// How finely this medium is looked at.
        pub media_resolution: Option<Box<PartMediaResolution>>,
        /// How the medium is processed.
        pub media_processing: Option<MediaProcessing>,
        /// Free-form labels of the part; developer API only.
        pub part_metadata: Option<Map<String, Value>>,
        /// Who speaks and how, for speech generation.
        pub speech_metadata: Option<Box<SpeechMetadata>>,
        /// Which pages of a document are meant.
        pub document_metadata: Option<Box<DocumentMetadata>>,
        /// Which cells of a spreadsheet are meant.
        pub spreadsheet_metadata: Option<Box<SpreadsheetMetadata>>,
        /// Which section of an audio file is meant.
        pub audio_metadata: Option<Box<AudioMetadata>>,
    }

    /// How finely one medium is looked at.
    #[derive(Debug)]
    pub struct PartMediaResolution {
        /// A named level.
        pub level: Option<PartMediaResolutionLevel>,
        /// A number of tokens instead of a level.
        pub num_tokens: Option<i32>,
    }

    /// Code that the model wrote to run it.
    #[derive(Debug)]
    pub struct ExecutableCode {
        /// The source text.
        pub code: Option<String>,
        /// Its language.
        pub language: Option<Language>,
        /// Identifier that the result repeats.
        pub id: Option<String>,
    }

    /// What running the model's code gave.
    #[derive(Debug)]
    pub struct CodeExecutionResult {
        /// Whether it ran.
        pub outcome: Option<Outcome>,
        /// Standard output, or the error text.
        pub output: Option<String>,
        /// Identifier of the code that ran.
        pub id: Option<String>,
    }

    /// A use of a tool on the service's side.
    #[derive(Debug)]
    pub struct ToolCall {
        /// Identifier that the response repeats.
        pub id: Option<String>,
        /// Which tool.
        pub tool_type: Option<ToolType>,
        /// What the tool was asked.
        pub args: Option<Map<String, Value>>,
    }

    /// What a tool on the service's side gave.
    #[derive(Debug)]
    pub struct ToolResponse {
        /// Identifier of the call.
        pub id: Option<String>,
        /// Which tool.
        pub tool_type: Option<ToolType>,
        /// Its result.
        pub response: Option<Map<String, Value>>,
    }
}

open_enum! {
    /// Named levels of detail for one medium.
    pub enum PartMediaResolutionLevel {
        /// The model's default.
        Unspecified = "MEDIA_RESOLUTION_UNSPECIFIED",
        /// Fewest tokens.
        Low = "MEDIA_RESOLUTION_LOW",
        /// A middle number of tokens.
        Medium = "MEDIA_RESOLUTION_MEDIUM",
        /// Many tokens.
        High = "MEDIA_RESOLUTION_HIGH",
        /// Most tokens.
        UltraHigh = "MEDIA_RESOLUTION_ULTRA_HIGH",
    }

    /// How a medium is processed.
    pub enum MediaProcessing {
        /// The service decides.
        Unspecified = "MEDIA_PROCESSING_UNSPECIFIED",
        /// Once, before the model sees it.
        Static = "STATIC",
        /// By the model, step by step.
        Agentic = "AGENTIC",
    }

    /// Programming languages the service runs.
    pub enum Language {
        /// Not said.
        Unspecified = "LANGUAGE_UNSPECIFIED",
        /// Python 3 with numerical libraries.
        Python = "PYTHON",
    }

    /// How a run of code ended.
    pub enum Outcome {
        /// Not said.
        Unspecified = "OUTCOME_UNSPECIFIED",
        /// It ran to its end.
        Ok = "OUTCOME_OK",
        /// It failed.
        Failed = "OUTCOME_FAILED",
        /// It ran too long.
        DeadlineExceeded = "OUTCOME_DEADLINE_EXCEEDED",
    }

    /// Tools on the service's side.
    pub enum ToolType {
        /// Not said.
        Unspecified = "TOOL_TYPE_UNSPECIFIED",
        /// Web search.
        GoogleSearchWeb = "GOOGLE_SEARCH_WEB",
        /// Image search.
        GoogleSearchImage = "GOOGLE_SEARCH_IMAGE",
        /// Reading of web pages.
        UrlContext = "URL_CONTEXT",
        /// Places and routes.
        GoogleMaps = "GOOGLE_MAPS",
        /// Search in uploaded files.
        FileSearch = "FILE_SEARCH",
        /// Processing of media.
        MediaProcessing = "MEDIA_PROCESSING",
    }
}
