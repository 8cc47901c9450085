//! Every field of the steps and events of interactions is read, kept and written under its name.

use gimmal_types::gemini::interactions::{
    ArgumentsDelta, AudioDelta, CodeExecutionCallArguments, CodeExecutionCallDelta,
    CodeExecutionCallStep, CodeExecutionResultDelta, CodeExecutionResultStep, DocumentDelta, Error,
    ErrorEvent, FileSearchCallDelta, FileSearchCallStep, FileSearchResultDelta,
    FileSearchResultStep, FunctionCallStep, FunctionResultDelta, FunctionResultStep,
    GoogleMapsCallArguments, GoogleMapsCallDelta, GoogleMapsCallStep, GoogleMapsResult,
    GoogleMapsResultDelta, GoogleMapsResultPlaces, GoogleMapsResultStep, GoogleSearchCallArguments,
    GoogleSearchCallDelta, GoogleSearchCallStep, GoogleSearchResult, GoogleSearchResultDelta,
    GoogleSearchResultStep, ImageDelta, InteractionCompletedEvent, InteractionCreatedEvent,
    InteractionSseEventInteraction, InteractionStatusUpdate, McpServerToolCallDelta,
    McpServerToolCallStep, McpServerToolResultDelta, McpServerToolResultStep, ModelOutputStep,
    ProcessingCallDelta, ProcessingCallStep, ProcessingResultDelta, ProcessingResultStep,
    RetrievalCallArguments, RetrievalCallDelta, RetrievalCallStep, RetrievalResultDelta,
    RetrievalResultStep, StepDelta, StepDeltaMetadata, StepStart, StepStop, TextAnnotationDelta,
    TextDelta, ThoughtSignatureDelta, ThoughtStep, ThoughtSummaryDelta, ToolSearchCallDelta,
    ToolSearchCallStep, ToolSearchCallStepArguments, ToolSearchResultDelta, ToolSearchResultStep,
    UrlContextCallArguments, UrlContextCallDelta, UrlContextCallStep, UrlContextResult,
    UrlContextResultDelta, UrlContextResultStep, UserInputStep, VideoDelta,
};
use serde_json::json;

use crate::support::round_trips;

#[test]
fn steps() {
    round_trips::<UserInputStep>(json!({"content": [{"type": "text"}]}));
    round_trips::<ModelOutputStep>(json!({"content": [{"type": "text"}], "error": {}}));
    round_trips::<ThoughtStep>(json!({"summary": [{"type": "text"}], "signature": "x"}));
    round_trips::<FunctionCallStep>(json!({"id": "x", "name": "x", "arguments": {"a": 1}}));
    round_trips::<FunctionResultStep>(
        json!({"call_id": "x", "name": "x", "result": "x", "is_error": true}),
    );
    round_trips::<CodeExecutionCallStep>(json!({"id": "x", "arguments": {}, "signature": "x"}));
    round_trips::<CodeExecutionResultStep>(
        json!({"call_id": "x", "result": "x", "is_error": true, "signature": "x"}),
    );
    round_trips::<UrlContextCallStep>(json!({"id": "x", "arguments": {}, "signature": "x"}));
    round_trips::<UrlContextResultStep>(
        json!({"call_id": "x", "result": [{}], "is_error": true, "signature": "x"}),
    );
    round_trips::<GoogleSearchCallStep>(
        json!({"id": "x", "arguments": {}, "search_type": "web_search", "signature": "x"}),
    );
    round_trips::<GoogleSearchResultStep>(
        json!({"call_id": "x", "result": [{}], "is_error": true, "signature": "x"}),
    );
    round_trips::<McpServerToolCallStep>(
        json!({"id": "x", "server_name": "x", "name": "x", "arguments": {"a": 1}}),
    );
    round_trips::<McpServerToolResultStep>(
        json!({"call_id": "x", "server_name": "x", "name": "x", "result": "x"}),
    );
    round_trips::<FileSearchCallStep>(json!({"id": "x", "signature": "x"}));
    round_trips::<FileSearchResultStep>(json!({"call_id": "x", "signature": "x"}));
    round_trips::<GoogleMapsCallStep>(json!({"id": "x", "arguments": {}, "signature": "x"}));
    round_trips::<GoogleMapsResultStep>(json!({"call_id": "x", "result": [{}], "signature": "x"}));
    round_trips::<RetrievalCallStep>(
        json!({"id": "x", "arguments": {}, "retrieval_type": "vertex_ai_search", "signature": "x"}),
    );
    round_trips::<RetrievalResultStep>(json!({"call_id": "x", "is_error": true, "signature": "x"}));
    round_trips::<ToolSearchCallStep>(json!({"id": "x", "arguments": {}, "signature": "x"}));
    round_trips::<ToolSearchResultStep>(json!({"call_id": "x", "result": [{}], "signature": "x"}));
    round_trips::<ProcessingCallStep>(json!({"id": "x", "signature": "x"}));
    round_trips::<ProcessingResultStep>(json!({"call_id": "x", "signature": "x"}));
}

#[test]
fn calls() {
    round_trips::<CodeExecutionCallArguments>(json!({"code": "x", "language": "python"}));
    round_trips::<UrlContextCallArguments>(json!({"urls": ["x"]}));
    round_trips::<UrlContextResult>(json!({"url": "x", "status": "success"}));
    round_trips::<GoogleSearchCallArguments>(json!({"queries": ["x"]}));
    round_trips::<GoogleSearchResult>(json!({"search_suggestions": "x"}));
    round_trips::<GoogleMapsCallArguments>(json!({"queries": ["x"]}));
    round_trips::<GoogleMapsResult>(json!({"places": [{}], "widget_context_token": "x"}));
    round_trips::<GoogleMapsResultPlaces>(
        json!({"place_id": "x", "name": "x", "url": "x", "review_snippets": [{}]}),
    );
    round_trips::<RetrievalCallArguments>(json!({"queries": ["x"]}));
    round_trips::<ToolSearchCallStepArguments>(json!({"function_names": ["x"]}));
}

#[test]
fn deltas() {
    round_trips::<TextDelta>(json!({"text": "x"}));
    round_trips::<TextAnnotationDelta>(json!({"annotations": [{"type": "url_citation"}]}));
    round_trips::<ImageDelta>(
        json!({"data": "x", "uri": "x", "mime_type": "image/png", "resolution": "low"}),
    );
    round_trips::<AudioDelta>(
        json!({"data": "x", "uri": "x", "mime_type": "audio/wav", "channels": 3, "sample_rate": 3, "rate": 3}),
    );
    round_trips::<VideoDelta>(
        json!({"data": "x", "uri": "x", "mime_type": "video/mp4", "resolution": "low"}),
    );
    round_trips::<DocumentDelta>(json!({"data": "x", "uri": "x", "mime_type": "application/pdf"}));
    round_trips::<ThoughtSummaryDelta>(json!({"content": {"type": "text"}}));
    round_trips::<ThoughtSignatureDelta>(json!({"signature": "x"}));
    round_trips::<ArgumentsDelta>(json!({"arguments": "x"}));
    round_trips::<FunctionResultDelta>(json!({"name": "x", "result": "x", "is_error": true}));
    round_trips::<CodeExecutionCallDelta>(json!({"arguments": {}, "signature": "x"}));
    round_trips::<CodeExecutionResultDelta>(
        json!({"result": "x", "is_error": true, "signature": "x"}),
    );
    round_trips::<UrlContextCallDelta>(json!({"arguments": {}, "signature": "x"}));
    round_trips::<UrlContextResultDelta>(
        json!({"result": [{}], "is_error": true, "signature": "x"}),
    );
    round_trips::<GoogleSearchCallDelta>(json!({"arguments": {}, "signature": "x"}));
    round_trips::<GoogleSearchResultDelta>(
        json!({"result": [{}], "is_error": true, "signature": "x"}),
    );
    round_trips::<McpServerToolCallDelta>(
        json!({"server_name": "x", "name": "x", "arguments": {"a": 1}}),
    );
    round_trips::<McpServerToolResultDelta>(
        json!({"server_name": "x", "name": "x", "result": "x"}),
    );
    round_trips::<FileSearchCallDelta>(json!({"signature": "x"}));
    round_trips::<FileSearchResultDelta>(json!({"result": [{}], "signature": "x"}));
    round_trips::<GoogleMapsCallDelta>(json!({"arguments": {}, "signature": "x"}));
    round_trips::<GoogleMapsResultDelta>(json!({"result": [{}], "signature": "x"}));
    round_trips::<RetrievalCallDelta>(
        json!({"arguments": {}, "retrieval_type": "vertex_ai_search", "signature": "x"}),
    );
    round_trips::<RetrievalResultDelta>(json!({"is_error": true, "signature": "x"}));
    round_trips::<ToolSearchCallDelta>(json!({"arguments": {}, "signature": "x"}));
    round_trips::<ToolSearchResultDelta>(json!({"result": [{}], "signature": "x"}));
    round_trips::<ProcessingCallDelta>(json!({"signature": "x"}));
    round_trips::<ProcessingResultDelta>(json!({"signature": "x"}));
}

#[test]
fn events() {
    round_trips::<InteractionCreatedEvent>(json!({"interaction": {}, "event_id": "x"}));
    round_trips::<InteractionStatusUpdate>(
        json!({"interaction_id": "x", "status": "queued", "continuation_token": "x", "usage": {}, "event_id": "x"}),
    );
    round_trips::<StepStart>(json!({"index": 3, "step": {"type": "user_input"}, "event_id": "x"}));
    round_trips::<StepDelta>(
        json!({"index": 3, "delta": {"type": "text"}, "metadata": {}, "event_id": "x"}),
    );
    round_trips::<StepDeltaMetadata>(json!({"total_usage": {}}));
    round_trips::<StepStop>(json!({"index": 3, "usage": {}, "step_usage": {}, "event_id": "x"}));
    round_trips::<InteractionCompletedEvent>(json!({"interaction": {}, "event_id": "x"}));
    round_trips::<InteractionSseEventInteraction>(
        json!({"id": "x", "status": "queued", "object": "x", "model": "x", "agent": "x", "created": "x", "updated": "x", "service_tier": "standard", "steps": [{"type": "user_input"}], "usage": {}, "continuation_token": "x"}),
    );
    round_trips::<ErrorEvent>(json!({"error": {}, "event_id": "x"}));
    round_trips::<Error>(json!({"code": "x", "message": "x"}));
}
