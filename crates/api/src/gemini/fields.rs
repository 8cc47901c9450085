//! Which fields a backend does not have, as a table, and the check of a request against it.
//!
//! The table follows the rejections of google-genai 3.4.0. A set field that stands in it is
//! refused before anything is sent, because the service would answer with a worse error or,
//! worse still, ignore the field.

use std::sync::LazyLock;

use gimmal_transport::Error;
use gimmal_types::wire::{FieldVisitor, WireValue};

use super::Backend;

/// A field that one backend does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RejectedField {
    /// The type the field belongs to.
    pub owner: &'static str,
    /// The JSON name of the field.
    pub field: &'static str,
    /// The backend that does not have it.
    pub backend: Backend,
    /// When set, the field is refused only below a field of this JSON name.
    pub below: Option<&'static str>,
}

macro_rules! rejected {
    ($($backend:ident { $($owner:ident: $($field:literal $(below $below:literal)?)+;)+ })+) => {
        &[$($($(
            RejectedField {
                owner: stringify!($owner),
                field: $field,
                backend: Backend::$backend,
                below: rejected!(@below $($below)?),
            },
        )+)+)+]
    };
    (@below) => { None };
    (@below $below:literal) => { Some($below) };
}

/// Every field that a backend refuses, by type.
pub const REJECTED_FIELDS: &[RejectedField] = rejected! {
    GeminiApi {
        AuthConfig: "apiKeyConfig" "authType" "googleServiceAccountConfig" "httpBasicAuthConfig"
            "oauthConfig" "oidcConfig";
        BatchJobSource: "format" "gcsUri" "bigqueryUri" "vertexDatasetName";
        CountTokensRequest: "systemInstruction" "tools" "generationConfig";
        CreateBatchJobConfig: "dest";
        CreateCachedContentRequest: "encryptionSpec";
        CreateTuningJobConfig: "validationDataset" "description" "exportLastCheckpointOnly"
            "preTunedModelCheckpointId" "adapterSize" "tuningMode" "customBaseModel"
            "evaluationConfig" "labels" "beta" "baseTeacherModel" "tunedTeacherModelSource"
            "sftLossWeightMultiplier" "outputUri" "encryptionSpec" "rewardConfig"
            "compositeRewardConfig" "samplesPerPrompt" "evaluateInterval" "checkpointInterval"
            "maxOutputTokens" "thinkingLevel" "validationDatasetUri";
        EmbedContentConfig: "mimeType" "autoTruncate" "documentOcr" "audioTrackExtraction";
        FunctionCall: "partialArgs" "willContinue";
        FunctionCallingConfig: "streamFunctionCallArguments";
        GenerateContentConfig: "routingConfig" "modelSelectionConfig" "audioTimestamp"
            "modelArmorConfig" "generationOutputConfig";
        GenerateContentRequest: "modelArmorConfig" "outputConfig";
        GenerationConfig: "routingConfig" "modelConfig" "audioTimestamp";
        GoogleMaps: "groundingTypes";
        GoogleSearch: "blockingConfidence" "excludeDomains";
        ImageConfig: "personGeneration" "prominentPeople" "imageOutputOptions";
        LiveClientSetup: "explicitVadSignal";
        LiveConnectConfig: "explicitVadSignal";
        SafetySetting: "method";
        Schema: "additionalProperties" below "responseSchema";
        SessionResumptionConfig: "transparent";
        Tool: "retrieval" "enterpriseWebSearch" "parallelAiSearch" "exaAiSearch";
        TuningDataset: "gcsUri" "vertexDatasetResource";
    }
    Vertex {
        BatchJobDestination: "fileName" "inlinedResponses" "inlinedEmbedContentResponses";
        BatchJobSource: "fileName" "inlinedRequests";
        CreateBatchJobConfig: "webhookConfig";
        FunctionResponse: "willContinue";
        FunctionResponsePart: "mediaProcessing";
        GenerateContentRequest: "store";
        GenerateVideosConfig: "webhookConfig";
        GenerationConfig: "enableEnhancedCivicAnswers";
        LiveClientRealtimeInput: "audioStreamEnd";
        McpServer: "name" "streamableHttpTransport";
        Part: "toolCall" "toolResponse" "partMetadata";
        ReplicatedVoiceConfig: "consentAudio" "voiceConsentSignature";
        Tool: "fileSearch";
        ToolConfig: "includeServerSideToolInvocations";
        TuningDataset: "examples";
    }
};

/// The table in the order of its fields, to look one up: each call asks for each field that it sets.
static BY_FIELD: LazyLock<Vec<RejectedField>> = LazyLock::new(|| {
    let mut table = REJECTED_FIELDS.to_vec();
    table.sort_unstable_by_key(|rejected| rejected.field);
    table
});

/// Refuses a request that sets a field its backend does not have.
pub(crate) fn check<T: WireValue>(backend: Backend, request: &T) -> Result<(), Error> {
    check_except(backend, request, "")
}

/// As [`check`], without a look at what stands below fields of the name `unseen`.
pub(crate) fn check_except<T: WireValue>(
    backend: Backend,
    request: &T,
    unseen: &'static str,
) -> Result<(), Error> {
    let mut finder = Finder {
        backend,
        unseen,
        path: Vec::new(),
        found: None,
    };
    request.walk(&mut finder);
    match finder.found {
        Some(path) => Err(Error::invalid(
            path,
            format!("is not available on {backend}"),
        )),
        None => Ok(()),
    }
}

struct Finder {
    backend: Backend,
    unseen: &'static str,
    path: Vec<&'static str>,
    found: Option<String>,
}

impl Finder {
    fn rejects(&self, owner: &str, field: &str) -> bool {
        if self.path.contains(&self.unseen) {
            return false;
        }
        let from = BY_FIELD.partition_point(|rejected| rejected.field < field);
        let named = BY_FIELD[from..].iter();
        let mut named = named.take_while(|rejected| rejected.field == field);
        named.any(|rejected| {
            rejected.backend == self.backend
                && rejected.owner == owner
                && rejected
                    .below
                    .is_none_or(|below| self.path.contains(&below))
        })
    }
}

impl FieldVisitor for Finder {
    fn enter(&mut self, owner: &'static str, field: &'static str) {
        let rejects = self.found.is_none() && self.rejects(owner, field);
        self.path.push(field);
        if rejects {
            self.found = Some(self.path.join("."));
        }
    }

    fn leave(&mut self) {
        self.path.pop();
    }
}

#[cfg(test)]
mod tests {
    use gimmal_types::gemini::{
        Content, GenerateContentRequest, GenerationConfig, Part, Schema, Tool,
    };
    use serde_json::json;

    use super::*;

    #[test]
    fn the_error_names_the_path_and_the_backend() {
        let request = GenerateContentRequest::new()
            .set_generation_config(GenerationConfig::new().set_audio_timestamp(true));
        let error = check(Backend::GeminiApi, &request).unwrap_err();
        assert_eq!(error.field(), Some("generationConfig.audioTimestamp"));
        assert!(
            error.to_string().contains("the Gemini developer API"),
            "{error}"
        );
        assert!(check(Backend::Vertex, &request).is_ok());
    }

    #[test]
    fn nested_fields_are_found() {
        let part = Part::text("x").set_part_metadata(serde_json::Map::new());
        let request =
            GenerateContentRequest::new().set_contents([Content::new().set_parts([part])]);
        let error = check(Backend::Vertex, &request).unwrap_err();
        assert_eq!(error.field(), Some("contents.parts.partMetadata"));
    }

    #[test]
    fn additional_properties_are_refused_only_in_reply_schemas() {
        let schema = || Schema::new().set_additional_properties(json!(true));
        let in_reply = GenerateContentRequest::new()
            .set_generation_config(GenerationConfig::new().set_response_schema(schema()));
        assert!(check(Backend::GeminiApi, &in_reply).is_err());
        let declaration = gimmal_types::gemini::FunctionDeclaration::new()
            .set_name("f")
            .set_parameters(schema());
        let in_tool = GenerateContentRequest::new()
            .set_tools([Tool::new().set_function_declarations([declaration])]);
        assert!(check(Backend::GeminiApi, &in_tool).is_ok());
    }
}
