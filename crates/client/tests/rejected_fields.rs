//! Fields that a backend does not have: each is refused before anything is sent, and the error
//! names the field, by its way through the request, and the backend.

use std::collections::BTreeSet;
use std::sync::Arc;

use gimmal_client::Error;
use gimmal_client::api::gemini::{Backend, REJECTED_FIELDS};
use gimmal_client::gemini::GeminiClient;
use gimmal_client::transport::testing::ScriptedTransport;
use gimmal_client::types::gemini::{BatchJobSource, Content, TuningDataset};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const MODEL: &str = "gemini-2.5-flash";

/// A call, its arguments as a user would write them, and the field that the error is to name.
type Row = (&'static str, &'static str, &'static str);

/// Where the requests of a job come from is one of a few fields, which are all named.
const ONE_OF_THE_DEVELOPER_API: &str = "src: must set exactly one of inlinedRequests or fileName";
const ONE_OF_VERTEX: &str = "src: must set exactly one of gcsUri, bigqueryUri or vertexDatasetName";

const GEMINI_API: &[Row] = &[
    (
        "batch",
        r#"{"src": {"gcsUri": ["gs://b/in"]}}"#,
        ONE_OF_THE_DEVELOPER_API,
    ),
    (
        "batch",
        r#"{"src": {"bigqueryUri": "bq://p.d.t"}}"#,
        ONE_OF_THE_DEVELOPER_API,
    ),
    (
        "batch",
        r#"{"src": {"vertexDatasetName": "d"}}"#,
        ONE_OF_THE_DEVELOPER_API,
    ),
    (
        "batch",
        r#"{"src": {"format": "jsonl"}}"#,
        ONE_OF_THE_DEVELOPER_API,
    ),
    (
        "batch",
        r#"{"src": {"fileName": "files/x"}, "config": {"dest": {"gcsUri": "gs://b/out"}}}"#,
        "dest",
    ),
    (
        "cache",
        r#"{"encryptionSpec": {"kmsKeyName": "k"}}"#,
        "encryptionSpec",
    ),
    (
        "cache",
        r#"{"tools": [{"retrieval": {}}]}"#,
        "tools.retrieval",
    ),
    (
        "contents",
        r#"{"functionCall": {"partialArgs": [{}]}}"#,
        "contents.parts.functionCall.partialArgs",
    ),
    (
        "contents",
        r#"{"functionCall": {"willContinue": true}}"#,
        "contents.parts.functionCall.willContinue",
    ),
    ("count", r#"{"systemInstruction": {}}"#, "systemInstruction"),
    ("count", r#"{"tools": [{}]}"#, "tools"),
    ("count", r#"{"generationConfig": {}}"#, "generationConfig"),
    ("embed", r#"{"mimeType": "text/plain"}"#, "mimeType"),
    ("embed", r#"{"autoTruncate": true}"#, "autoTruncate"),
    ("embed", r#"{"documentOcr": true}"#, "documentOcr"),
    (
        "embed",
        r#"{"audioTrackExtraction": true}"#,
        "audioTrackExtraction",
    ),
    (
        "generate",
        r#"{"routingConfig": {}}"#,
        "generationConfig.routingConfig",
    ),
    (
        "generate",
        r#"{"modelSelectionConfig": {}}"#,
        "generationConfig.modelConfig",
    ),
    (
        "generate",
        r#"{"audioTimestamp": true}"#,
        "generationConfig.audioTimestamp",
    ),
    (
        "generate",
        r#"{"modelArmorConfig": {}}"#,
        "modelArmorConfig",
    ),
    (
        "generate",
        r#"{"generationOutputConfig": {}}"#,
        "outputConfig",
    ),
    (
        "generate",
        r#"{"imageConfig": {"personGeneration": "DONT_ALLOW"}}"#,
        "generationConfig.imageConfig.personGeneration",
    ),
    (
        "generate",
        r#"{"imageConfig": {"prominentPeople": "BLOCK_PROMINENT_PEOPLE"}}"#,
        "generationConfig.imageConfig.prominentPeople",
    ),
    (
        "generate",
        r#"{"imageConfig": {"imageOutputOptions": {}}}"#,
        "generationConfig.imageConfig.imageOutputOptions",
    ),
    (
        "generate",
        r#"{"responseSchema": {"additionalProperties": true}}"#,
        "generationConfig.responseSchema.additionalProperties",
    ),
    (
        "generate",
        r#"{"safetySettings": [{"method": "SEVERITY"}]}"#,
        "safetySettings.method",
    ),
    (
        "generate",
        r#"{"toolConfig": {"functionCallingConfig": {"streamFunctionCallArguments": true}}}"#,
        "toolConfig.functionCallingConfig.streamFunctionCallArguments",
    ),
    (
        "generate",
        r#"{"tools": [{"retrieval": {}}]}"#,
        "tools.retrieval",
    ),
    (
        "generate",
        r#"{"tools": [{"enterpriseWebSearch": {}}]}"#,
        "tools.enterpriseWebSearch",
    ),
    (
        "generate",
        r#"{"tools": [{"parallelAiSearch": {}}]}"#,
        "tools.parallelAiSearch",
    ),
    (
        "generate",
        r#"{"tools": [{"exaAiSearch": {}}]}"#,
        "tools.exaAiSearch",
    ),
    (
        "generate",
        r#"{"tools": [{"googleSearch": {"excludeDomains": ["a.b"]}}]}"#,
        "tools.googleSearch.excludeDomains",
    ),
    (
        "generate",
        r#"{"tools": [{"googleSearch": {"blockingConfidence": "BLOCK_LOW_AND_ABOVE"}}]}"#,
        "tools.googleSearch.blockingConfidence",
    ),
    (
        "generate",
        r#"{"tools": [{"googleMaps": {"groundingTypes": {}}}]}"#,
        "tools.googleMaps.groundingTypes",
    ),
    (
        "generate",
        r#"{"tools": [{"googleMaps": {"authConfig": {"apiKeyConfig": {}}}}]}"#,
        "tools.googleMaps.authConfig.apiKeyConfig",
    ),
    (
        "generate",
        r#"{"tools": [{"googleMaps": {"authConfig": {"authType": "OAUTH"}}}]}"#,
        "tools.googleMaps.authConfig.authType",
    ),
    (
        "generate",
        r#"{"tools": [{"googleMaps": {"authConfig": {"googleServiceAccountConfig": {}}}}]}"#,
        "tools.googleMaps.authConfig.googleServiceAccountConfig",
    ),
    (
        "generate",
        r#"{"tools": [{"googleMaps": {"authConfig": {"httpBasicAuthConfig": {}}}}]}"#,
        "tools.googleMaps.authConfig.httpBasicAuthConfig",
    ),
    (
        "generate",
        r#"{"tools": [{"googleMaps": {"authConfig": {"oauthConfig": {}}}}]}"#,
        "tools.googleMaps.authConfig.oauthConfig",
    ),
    (
        "generate",
        r#"{"tools": [{"googleMaps": {"authConfig": {"oidcConfig": {}}}}]}"#,
        "tools.googleMaps.authConfig.oidcConfig",
    ),
    (
        "live",
        r#"{"explicitVadSignal": true}"#,
        "explicitVadSignal",
    ),
    (
        "live",
        r#"{"sessionResumption": {"transparent": true}}"#,
        "sessionResumption.transparent",
    ),
    ("tune", r#"{"dataset": {"gcsUri": "gs://b/t"}}"#, "gcsUri"),
    (
        "tune",
        r#"{"dataset": {"vertexDatasetResource": "d"}}"#,
        "vertexDatasetResource",
    ),
    (
        "tune",
        r#"{"validationDataset": {"gcsUri": "gs://b/v"}}"#,
        "validationDataset",
    ),
    ("tune", r#"{"description": "d"}"#, "description"),
    (
        "tune",
        r#"{"exportLastCheckpointOnly": true}"#,
        "exportLastCheckpointOnly",
    ),
    (
        "tune",
        r#"{"preTunedModelCheckpointId": "1"}"#,
        "preTunedModelCheckpointId",
    ),
    (
        "tune",
        r#"{"adapterSize": "ADAPTER_SIZE_ONE"}"#,
        "adapterSize",
    ),
    (
        "tune",
        r#"{"tuningMode": "TUNING_MODE_FULL"}"#,
        "tuningMode",
    ),
    (
        "tune",
        r#"{"customBaseModel": "gs://b/m"}"#,
        "customBaseModel",
    ),
    ("tune", r#"{"evaluationConfig": {}}"#, "evaluationConfig"),
    ("tune", r#"{"labels": {"a": "b"}}"#, "labels"),
    (
        "tune",
        r#"{"method": "PREFERENCE_TUNING", "beta": 0.1}"#,
        "beta",
    ),
    (
        "tune",
        r#"{"method": "DISTILLATION", "baseTeacherModel": "m"}"#,
        "baseTeacherModel",
    ),
    (
        "tune",
        r#"{"method": "DISTILLATION", "tunedTeacherModelSource": "m"}"#,
        "tunedTeacherModelSource",
    ),
    (
        "tune",
        r#"{"sftLossWeightMultiplier": 0.5}"#,
        "sftLossWeightMultiplier",
    ),
    ("tune", r#"{"outputUri": "gs://b/o"}"#, "outputUri"),
    ("tune", r#"{"encryptionSpec": {}}"#, "encryptionSpec"),
    ("tune", r#"{"rewardConfig": {}}"#, "rewardConfig"),
    (
        "tune",
        r#"{"compositeRewardConfig": {}}"#,
        "compositeRewardConfig",
    ),
    ("tune", r#"{"samplesPerPrompt": 2}"#, "samplesPerPrompt"),
    ("tune", r#"{"evaluateInterval": 2}"#, "evaluateInterval"),
    ("tune", r#"{"checkpointInterval": 2}"#, "checkpointInterval"),
    ("tune", r#"{"maxOutputTokens": 2}"#, "maxOutputTokens"),
    ("tune", r#"{"thinkingLevel": "LOW"}"#, "thinkingLevel"),
    (
        "tune",
        r#"{"validationDatasetUri": "gs://b/v"}"#,
        "validationDatasetUri",
    ),
];

const VERTEX: &[Row] = &[
    (
        "batch",
        r#"{"src": {"fileName": "files/x"}}"#,
        ONE_OF_VERTEX,
    ),
    (
        "batch",
        r#"{"src": {"inlinedRequests": [{}]}}"#,
        ONE_OF_VERTEX,
    ),
    (
        "batch",
        r#"{"config": {"dest": {"fileName": "files/x"}}}"#,
        "dest.fileName",
    ),
    (
        "batch",
        r#"{"config": {"dest": {"inlinedResponses": [{}]}}}"#,
        "dest.inlinedResponses",
    ),
    (
        "batch",
        r#"{"config": {"dest": {"inlinedEmbedContentResponses": [{}]}}}"#,
        "dest.inlinedEmbedContentResponses",
    ),
    (
        "batch",
        r#"{"config": {"webhookConfig": {}}}"#,
        "webhookConfig",
    ),
    (
        "contents",
        r#"{"functionResponse": {"willContinue": true}}"#,
        "contents.parts.functionResponse.willContinue",
    ),
    (
        "contents",
        r#"{"functionResponse": {"parts": [{"mediaProcessing": "MEDIA_PROCESSING_UNSPECIFIED"}]}}"#,
        "contents.parts.functionResponse.parts.mediaProcessing",
    ),
    ("contents", r#"{"toolCall": {}}"#, "contents.parts.toolCall"),
    (
        "contents",
        r#"{"toolResponse": {}}"#,
        "contents.parts.toolResponse",
    ),
    (
        "contents",
        r#"{"partMetadata": {"a": 1}}"#,
        "contents.parts.partMetadata",
    ),
    (
        "generate",
        r#"{"enableEnhancedCivicAnswers": true}"#,
        "generationConfig.enableEnhancedCivicAnswers",
    ),
    ("generate", r#"{"store": true}"#, "store"),
    (
        "generate",
        r#"{"speechConfig": {"voiceConfig": {"replicatedVoiceConfig": {"consentAudio": "AA=="}}}}"#,
        "generationConfig.speechConfig.voiceConfig.replicatedVoiceConfig.consentAudio",
    ),
    (
        "generate",
        r#"{"speechConfig": {"voiceConfig": {"replicatedVoiceConfig": {"voiceConsentSignature": {}}}}}"#,
        "generationConfig.speechConfig.voiceConfig.replicatedVoiceConfig.voiceConsentSignature",
    ),
    (
        "generate",
        r#"{"toolConfig": {"includeServerSideToolInvocations": true}}"#,
        "toolConfig.includeServerSideToolInvocations",
    ),
    (
        "generate",
        r#"{"tools": [{"fileSearch": {}}]}"#,
        "tools.fileSearch",
    ),
    (
        "generate",
        r#"{"tools": [{"mcpServers": [{"name": "n"}]}]}"#,
        "tools.mcpServers.name",
    ),
    (
        "generate",
        r#"{"tools": [{"mcpServers": [{"streamableHttpTransport": {}}]}]}"#,
        "tools.mcpServers.streamableHttpTransport",
    ),
    ("tune", r#"{"dataset": {"examples": [{}]}}"#, "examples"),
    ("videos", r#"{"webhookConfig": {}}"#, "webhookConfig"),
];

/// Fields that no call takes there: sources of batches have errors of their own above, and the end
/// of sound is refused only within a message that a session never makes of it.
const ELSEWHERE: &[&str] = &[
    "audioStreamEnd",
    "bigqueryUri",
    "fileName",
    "format",
    "inlinedRequests",
    "vertexDatasetName",
];

fn read<T: DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap()
}

async fn refusal(client: &GeminiClient, (call, json, _): Row) -> Error {
    let given: Value = serde_json::from_str(json).unwrap();
    let models = client.models();
    let generate = models.generate_content(MODEL).set_contents(["x"]);
    match call {
        "batch" => {
            let src = given.get("src").cloned();
            let src = src.unwrap_or_else(|| json!({"gcsUri": ["gs://b/in"], "format": "jsonl"}));
            let config = given.get("config").cloned().unwrap_or_else(|| json!({}));
            let create = client.batches().create(MODEL, read::<BatchJobSource>(&src));
            create.set_config(read(&config)).send().await.unwrap_err()
        }
        "cache" => {
            let create = client.caches().create(MODEL).set_request(read(&given));
            create.send().await.unwrap_err()
        }
        "contents" => {
            let content: Content = read(&json!({"role": "user", "parts": [given]}));
            generate.set_contents([content]).send().await.unwrap_err()
        }
        "count" => {
            let count = models.count_tokens(MODEL).set_request(read(&given));
            count.set_contents(["x"]).send().await.unwrap_err()
        }
        "embed" => {
            let embed = models.embed_content("gemini-embedding-001");
            let embed = embed.set_contents(["x"]).set_config(read(&given));
            embed.send().await.unwrap_err()
        }
        "generate" => {
            let generate = generate.set_config(read(&given));
            generate.send().await.unwrap_err()
        }
        "live" => {
            let connect = client.live().connect(MODEL).set_config(read(&given));
            connect.send().await.unwrap_err()
        }
        "tune" => {
            let dataset = given.get("dataset").cloned();
            let dataset = dataset.unwrap_or_else(|| json!({}));
            let tune = client
                .tunings()
                .tune(MODEL, read::<TuningDataset>(&dataset));
            tune.set_config(read(&given)).send().await.unwrap_err()
        }
        "videos" => {
            let videos = models.generate_videos("veo").set_prompt("x");
            videos.set_config(read(&given)).send().await.unwrap_err()
        }
        _ => panic!("no call is called {call}"),
    }
}

async fn all_are_refused(vertex: bool, rows: &[Row], backend: &str) {
    let http = ScriptedTransport::new([]);
    let mut builder = GeminiClient::builder().with_http(Arc::new(http.clone()));
    builder = if vertex {
        builder.with_vertex("p", "l").with_bearer_token("token")
    } else {
        builder.with_api_key("key")
    };
    let client = builder.build().unwrap();
    let mut wrong = Vec::new();
    for row in rows {
        let expected = match row.2.split_once(": ") {
            Some((field, message)) => format!("invalid `{field}`: {message} on {backend}"),
            None => format!("invalid `{}`: is not available on {backend}", row.2),
        };
        let told = refusal(&client, *row).await.to_string();
        // A message may go on with what there is instead.
        if !told.starts_with(&expected) {
            wrong.push(format!("{}: {told}", row.1));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(http.request_count(), 0);
}

/// Covers: models.generate_content, batches.create, tunings.tune, caches.create,
/// models.count_tokens, models.embed_content
#[tokio::test]
async fn of_the_developer_api() {
    all_are_refused(false, GEMINI_API, "the Gemini developer API").await;
}

/// Covers: models.generate_content, batches.create, tunings.tune, models.generate_videos
#[tokio::test]
async fn of_vertex() {
    all_are_refused(true, VERTEX, "Vertex AI").await;
}

/// A field that is added to the list has to be tried here.
#[test]
fn the_rows_are_all_of_the_list() {
    for (backend, rows) in [(Backend::GeminiApi, GEMINI_API), (Backend::Vertex, VERTEX)] {
        let tried: BTreeSet<&str> = rows
            .iter()
            .filter_map(|row| row.2.rsplit('.').next())
            .collect();
        let listed = REJECTED_FIELDS.iter().filter(|one| one.backend == backend);
        for rejected in listed {
            // A configuration's name for what the request calls otherwise.
            let name = match rejected.field {
                "modelSelectionConfig" => "modelConfig",
                "generationOutputConfig" => "outputConfig",
                name => name,
            };
            assert!(
                tried.contains(name) || ELSEWHERE.contains(&name),
                "{}.{name} on {backend}",
                rejected.owner
            );
        }
    }
}
