//! Every field of the content of interactions is read, kept and written under its name.

use gimmal_types::gemini::interactions::{
    AudioContent, AudioStaticMediaProcessing, DocumentContent, DocumentStaticMediaProcessing,
    FileCitation, GroundingToolCount, ImageContent, ModalityTokens, PageProcessingOptions,
    PlaceCitation, ReviewSnippet, SpeechAnnotation, SpreadsheetProcessingOptions,
    StaticMediaProcessing, TextContent, UrlCitation, Usage, VideoContent, WordInfo,
};
use serde_json::json;

use crate::support::round_trips;

#[test]
fn content() {
    round_trips::<TextContent>(json!({"text": "x", "annotations": [{"type": "url_citation"}]}));
    round_trips::<ImageContent>(
        json!({"data": "aGk=", "uri": "x", "mime_type": "image/png", "resolution": "low"}),
    );
    round_trips::<AudioContent>(
        json!({"data": "aGk=", "uri": "x", "mime_type": "audio/wav", "channels": 3, "sample_rate": 3, "processing": "static"}),
    );
    round_trips::<VideoContent>(
        json!({"data": "aGk=", "uri": "x", "mime_type": "video/mp4", "name": "x", "resolution": "low", "processing": "static"}),
    );
    round_trips::<DocumentContent>(
        json!({"data": "aGk=", "uri": "x", "mime_type": "application/pdf", "resolution": "low", "processing": "static"}),
    );
    round_trips::<AudioStaticMediaProcessing>(json!({"start_offset": "x", "end_offset": "x"}));
    round_trips::<StaticMediaProcessing>(
        json!({"content_layers": ["frames"], "fps": 0.5, "start_offset": "x", "end_offset": "x"}),
    );
    round_trips::<DocumentStaticMediaProcessing>(
        json!({"page_options": {}, "spreadsheet_options": {}}),
    );
    round_trips::<PageProcessingOptions>(
        json!({"content_layers": ["page_image"], "start_page": 3, "end_page": 3}),
    );
    round_trips::<SpreadsheetProcessingOptions>(
        json!({"content_layers": ["visual"], "sheet_index": 3, "visible_cells": "x"}),
    );
}

#[test]
fn annotations() {
    round_trips::<UrlCitation>(json!({"url": "x", "title": "x", "start_index": 3, "end_index": 3}));
    round_trips::<FileCitation>(
        json!({"file_name": "x", "document_uri": "x", "source": "x", "page_number": 3, "media_id": "x", "custom_metadata": {"a": 1}, "start_index": 3, "end_index": 3}),
    );
    round_trips::<PlaceCitation>(
        json!({"place_id": "x", "name": "x", "url": "x", "review_snippets": [{}], "start_index": 3, "end_index": 3}),
    );
    round_trips::<ReviewSnippet>(json!({"review_id": "x", "title": "x", "url": "x"}));
    round_trips::<SpeechAnnotation>(
        json!({"speaker": "x", "style": "x", "start_index": 3, "end_index": 3}),
    );
    round_trips::<WordInfo>(
        json!({"text": "x", "speaker": "x", "start_offset": "x", "end_offset": "x", "start_index": 3, "end_index": 3}),
    );
}

#[test]
fn usage() {
    round_trips::<Usage>(
        json!({"total_tokens": 3, "total_input_tokens": 3, "total_output_tokens": 3, "total_thought_tokens": 3, "total_cached_tokens": 3, "total_tool_use_tokens": 3, "initial_input_tokens": 3, "input_tokens_by_modality": [{}], "output_tokens_by_modality": [{}], "cached_tokens_by_modality": [{}], "tool_use_tokens_by_modality": [{}], "grounding_tool_count": [{}]}),
    );
    round_trips::<ModalityTokens>(json!({"modality": "text", "tokens": 3}));
    round_trips::<GroundingToolCount>(json!({"type": "google_search", "count": 3}));
}
