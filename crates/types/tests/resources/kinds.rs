//! Every kind of every union is known by its tag and written back under it.

use gimmal_types::gemini::agents::AgentTool;
use gimmal_types::gemini::credentials::{CredentialCreateParams, CredentialUpdate};
use gimmal_types::gemini::decisions::{Answer, Question};
use gimmal_types::gemini::interactions::{
    AgentConfig, Annotation, AudioMediaProcessing, Content, DocumentMediaProcessing,
    FunctionResultSubcontent, InteractionSseEvent, MediaProcessing, RemoteEnvironment,
    ResponseFormat, Step, StepDeltaData, ThoughtSummaryContent, Tool, TranscriptionMode,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

/// Reads an object of each kind, which holds nothing but its tag.
fn known<T: Serialize + DeserializeOwned>(tag: &str, kinds: &[&str], is_known: fn(&T) -> bool) {
    for kind in kinds {
        let json = json!({tag: kind});
        let value: T = serde_json::from_value(json.clone()).unwrap();
        assert!(is_known(&value), "{kind}");
        assert_eq!(serde_json::to_value(value).unwrap(), json);
    }
}

macro_rules! all_known {
    ($($union:ident),* $(,)?) => { $(
        known::<$union>($union::TAG, $union::KINDS, |it| !matches!(it, $union::Unknown(_)));
    )* };
}

#[test]
fn every_kind_is_known() {
    all_known!(
        AgentConfig,
        Annotation,
        AudioMediaProcessing,
        Content,
        DocumentMediaProcessing,
        FunctionResultSubcontent,
        InteractionSseEvent,
        MediaProcessing,
        RemoteEnvironment,
        ResponseFormat,
        Step,
        StepDeltaData,
        ThoughtSummaryContent,
        Tool,
        TranscriptionMode,
        AgentTool,
        CredentialCreateParams,
        CredentialUpdate,
        Answer,
        Question,
    );
}
