//! The steps of an interaction: what was said, thought, called and found, in order.
//!
//! Whole steps only; how they arrive in a stream is told by the deltas.

use serde_json::{Map, Value};

use super::{
    AudioContent, CodeExecutionCallArguments, Content, DocumentContent, Function,
    GoogleMapsCallArguments, GoogleMapsResult, GoogleSearchCallArguments, GoogleSearchResult,
    ImageContent, RetrievalCallArguments, RetrievalType, SearchType, Status, TextContent,
    ToolSearchCallStepArguments, UrlContextCallArguments, UrlContextResult, VideoContent,
};

tagged! {
    /// One step of an interaction.
    #[derive(Debug)]
    pub enum Step {
        /// What the person says.
        UserInput(UserInputStep) = "user_input",
        /// What the model says.
        ModelOutput(ModelOutputStep) = "model_output",
        /// What the model thinks.
        Thought(ThoughtStep) = "thought",
        /// The model calls a function of yours.
        FunctionCall(FunctionCallStep) = "function_call",
        /// What a function of yours returned.
        FunctionResult(FunctionResultStep) = "function_result",
        /// The model runs code.
        CodeExecutionCall(CodeExecutionCallStep) = "code_execution_call",
        /// What the code printed.
        CodeExecutionResult(CodeExecutionResultStep) = "code_execution_result",
        /// The model fetches web pages.
        UrlContextCall(UrlContextCallStep) = "url_context_call",
        /// How the fetching went.
        UrlContextResult(UrlContextResultStep) = "url_context_result",
        /// The model searches the web.
        GoogleSearchCall(GoogleSearchCallStep) = "google_search_call",
        /// What the search brought.
        GoogleSearchResult(GoogleSearchResultStep) = "google_search_result",
        /// The model calls a tool of an MCP server.
        McpServerToolCall(McpServerToolCallStep) = "mcp_server_tool_call",
        /// What the tool returned.
        McpServerToolResult(McpServerToolResultStep) = "mcp_server_tool_result",
        /// The model searches your files.
        FileSearchCall(FileSearchCallStep) = "file_search_call",
        /// The search in your files is done.
        FileSearchResult(FileSearchResultStep) = "file_search_result",
        /// The model asks the map.
        GoogleMapsCall(GoogleMapsCallStep) = "google_maps_call",
        /// What the map knows.
        GoogleMapsResult(GoogleMapsResultStep) = "google_maps_result",
        /// The model searches a retrieval service; Vertex only.
        RetrievalCall(RetrievalCallStep) = "retrieval_call",
        /// The search in a retrieval service is done; Vertex only.
        RetrievalResult(RetrievalResultStep) = "retrieval_result",
        /// The model looks for functions it has not loaded.
        ToolSearchCall(ToolSearchCallStep) = "tool_search_call",
        /// The functions that were found.
        ToolSearchResult(ToolSearchResultStep) = "tool_search_result",
        /// The service looks at media once more.
        ProcessingCall(ProcessingCallStep) = "processing_call",
        /// The look at the media is done.
        ProcessingResult(ProcessingResultStep) = "processing_result",
    }
}

snake_wire! {
    /// What the person says.
    #[derive(Debug)]
    pub struct UserInputStep {
        /// Its pieces.
        pub content: Vec<Content>,
    }

    /// What the model says.
    #[derive(Debug)]
    pub struct ModelOutputStep {
        /// Its pieces.
        pub content: Vec<Content>,
        /// Why there is not more of it.
        pub error: Option<Box<Status>>,
    }

    /// What the model thinks.
    #[derive(Debug)]
    pub struct ThoughtStep {
        /// The thoughts in short, when summaries were asked for.
        pub summary: Vec<ThoughtSummaryContent>,
        /// Proof of the whole thought; send it back as it came.
        pub signature: Option<String>,
    }
}

tagged! {
    /// One piece of the summary of a thought.
    #[derive(Debug)]
    pub enum ThoughtSummaryContent {
        /// Words.
        Text(TextContent) = "text",
        /// A picture.
        Image(ImageContent) = "image",
    }
}

snake_wire! {
    /// The model calls a function of yours.
    #[derive(Debug)]
    pub struct FunctionCallStep {
        /// Names the call; its result answers to it.
        pub id: Option<String>,
        /// The function.
        pub name: Option<String>,
        /// What it is called with.
        pub arguments: Option<Map<String, Value>>,
    }

    /// What a function of yours returned.
    #[derive(Debug)]
    pub struct FunctionResultStep {
        /// The call it answers.
        pub call_id: Option<String>,
        /// The function.
        pub name: Option<String>,
        /// What it returned.
        pub result: Option<FunctionResult>,
        /// Whether the function failed.
        pub is_error: Option<bool>,
    }
}

by_shape! {
    /// What a function or a tool returned.
    #[derive(Debug)]
    pub enum FunctionResult {
        /// Words.
        Text(String) = "text",
        /// Several pieces, media among them.
        Content(Vec<FunctionResultSubcontent>) = "list",
        /// Any JSON object.
        Object(Map<String, Value>) = "object",
    }
}

tagged! {
    /// One piece of what a function or a tool returned.
    #[derive(Debug)]
    pub enum FunctionResultSubcontent {
        /// Words.
        Text(TextContent) = "text",
        /// A picture.
        Image(ImageContent) = "image",
        /// Sound.
        Audio(AudioContent) = "audio",
        /// A film.
        Video(VideoContent) = "video",
        /// A document.
        Document(DocumentContent) = "document",
        /// A function that the model may call from now on.
        Function(Function) = "function",
    }
}

snake_wire! {
    /// The model runs code.
    #[derive(Debug)]
    pub struct CodeExecutionCallStep {
        /// Names the call; its result answers to it.
        pub id: Option<String>,
        /// The code.
        pub arguments: Option<Box<CodeExecutionCallArguments>>,
        /// Proof of the step; send it back as it came.
        pub signature: Option<String>,
    }

    /// What code printed.
    #[derive(Debug)]
    pub struct CodeExecutionResultStep {
        /// The call it answers.
        pub call_id: Option<String>,
        /// What it printed.
        pub result: Option<CodeExecutionOutput>,
        /// Whether the code failed.
        pub is_error: Option<bool>,
        /// Proof of the step; send it back as it came.
        pub signature: Option<String>,
    }
}

by_shape! {
    /// What code printed.
    #[derive(Debug)]
    pub enum CodeExecutionOutput {
        /// Words.
        Text(String) = "text",
        /// Several pieces, pictures among them.
        Content(Vec<Content>) = "list",
    }
}

snake_wire! {
    /// The model fetches web pages.
    #[derive(Debug)]
    pub struct UrlContextCallStep {
        /// Names the call; its result answers to it.
        pub id: Option<String>,
        /// The pages.
        pub arguments: Option<Box<UrlContextCallArguments>>,
        /// Proof of the step; send it back as it came.
        pub signature: Option<String>,
    }

    /// How the fetching of web pages went.
    #[derive(Debug)]
    pub struct UrlContextResultStep {
        /// The call it answers.
        pub call_id: Option<String>,
        /// Each page.
        pub result: Vec<UrlContextResult>,
        /// Whether all of it failed.
        pub is_error: Option<bool>,
        /// Proof of the step; send it back as it came.
        pub signature: Option<String>,
    }

    /// The model searches the web.
    #[derive(Debug)]
    pub struct GoogleSearchCallStep {
        /// Names the call; its result answers to it.
        pub id: Option<String>,
        /// What it searches for.
        pub arguments: Option<Box<GoogleSearchCallArguments>>,
        /// Where it searches.
        pub search_type: Option<SearchType>,
        /// Proof of the step; send it back as it came.
        pub signature: Option<String>,
    }

    /// What a search in the web brought.
    #[derive(Debug)]
    pub struct GoogleSearchResultStep {
        /// The call it answers.
        pub call_id: Option<String>,
        /// What may be shown of it.
        pub result: Vec<GoogleSearchResult>,
        /// Whether the search failed.
        pub is_error: Option<bool>,
        /// Proof of the step; send it back as it came.
        pub signature: Option<String>,
    }

    /// The model calls a tool of an MCP server, and the service runs it.
    #[derive(Debug)]
    pub struct McpServerToolCallStep {
        /// Names the call; its result answers to it.
        pub id: Option<String>,
        /// The server.
        pub server_name: Option<String>,
        /// The tool.
        pub name: Option<String>,
        /// What it is called with.
        pub arguments: Option<Map<String, Value>>,
    }

    /// What a tool of an MCP server returned.
    #[derive(Debug)]
    pub struct McpServerToolResultStep {
        /// The call it answers.
        pub call_id: Option<String>,
        /// The server.
        pub server_name: Option<String>,
        /// The tool.
        pub name: Option<String>,
        /// What it returned.
        pub result: Option<FunctionResult>,
    }

    /// The model searches your files.
    #[derive(Debug)]
    pub struct FileSearchCallStep {
        /// Names the call; its result answers to it.
        pub id: Option<String>,
        /// Proof of the step; send it back as it came.
        pub signature: Option<String>,
    }

    /// The search in your files is done; what it found stands in citations.
    #[derive(Debug)]
    pub struct FileSearchResultStep {
        /// The call it answers.
        pub call_id: Option<String>,
        /// Proof of the step; send it back as it came.
        pub signature: Option<String>,
    }

    /// The model asks the map.
    #[derive(Debug)]
    pub struct GoogleMapsCallStep {
        /// Names the call; its result answers to it.
        pub id: Option<String>,
        /// What it asks.
        pub arguments: Option<Box<GoogleMapsCallArguments>>,
        /// Proof of the step; send it back as it came.
        pub signature: Option<String>,
    }

    /// What the map knows.
    #[derive(Debug)]
    pub struct GoogleMapsResultStep {
        /// The call it answers.
        pub call_id: Option<String>,
        /// Places, and a widget that shows them.
        pub result: Vec<GoogleMapsResult>,
        /// Proof of the step; send it back as it came.
        pub signature: Option<String>,
    }

    /// The model searches a retrieval service; Vertex only.
    #[derive(Debug)]
    pub struct RetrievalCallStep {
        /// Names the call; its result answers to it.
        pub id: Option<String>,
        /// What it searches for.
        pub arguments: Option<Box<RetrievalCallArguments>>,
        /// The service.
        pub retrieval_type: Option<RetrievalType>,
        /// Proof of the step; send it back as it came.
        pub signature: Option<String>,
    }

    /// The search in a retrieval service is done; Vertex only.
    #[derive(Debug)]
    pub struct RetrievalResultStep {
        /// The call it answers.
        pub call_id: Option<String>,
        /// Whether the search failed.
        pub is_error: Option<bool>,
        /// Proof of the step; send it back as it came.
        pub signature: Option<String>,
    }

    /// The model looks for functions it has not loaded.
    #[derive(Debug)]
    pub struct ToolSearchCallStep {
        /// Names the call; its result answers to it.
        pub id: Option<String>,
        /// The functions it wants.
        pub arguments: Option<Box<ToolSearchCallStepArguments>>,
        /// Proof of the step; send it back as it came.
        pub signature: Option<String>,
    }

    /// Functions that the model loads.
    #[derive(Debug)]
    pub struct ToolSearchResultStep {
        /// The call it answers.
        pub call_id: Option<String>,
        /// The functions.
        pub result: Vec<Function>,
        /// Proof of the step; send it back as it came.
        pub signature: Option<String>,
    }

    /// The service looks at media once more, on its own account.
    #[derive(Debug)]
    pub struct ProcessingCallStep {
        /// Names the call; its result answers to it.
        pub id: Option<String>,
        /// Proof of the step; send it back as it came.
        pub signature: Option<String>,
    }

    /// The look at the media is done.
    #[derive(Debug)]
    pub struct ProcessingResultStep {
        /// The call it answers.
        pub call_id: Option<String>,
        /// Proof of the step; send it back as it came.
        pub signature: Option<String>,
    }
}

from_text!(FunctionResult::Text, CodeExecutionOutput::Text);
