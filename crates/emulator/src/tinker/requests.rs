//! The JSON messages that requests bring, read as strictly as the service reads them: a field that is
//! not known is an error. They are the emulator's own, so that it does not share a client's mistakes.

use std::collections::BTreeMap;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::refusal::Refusal;

/// Reads a message; an empty body is an empty message.
pub(crate) fn read<T: DeserializeOwned>(body: Option<&Value>) -> Result<T, Refusal> {
    let empty = Value::Object(Map::new());
    T::deserialize(body.unwrap_or(&empty)).map_err(|error| {
        let message = error.to_string();
        let field = message.split('`').nth(1).unwrap_or_default();
        Refusal::invalid(field, message.clone())
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfigRequest {
    #[serde(rename = "sdk_version")]
    pub(crate) _sdk_version: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateSession {
    #[serde(default)]
    pub(crate) tags: Vec<String>,
    #[serde(default)]
    pub(crate) user_metadata: Option<Map<String, Value>>,
    #[serde(rename = "sdk_version")]
    pub(crate) _sdk_version: String,
    pub(crate) project_id: Option<String>,
    pub(crate) display_name: Option<String>,
    #[serde(rename = "type")]
    pub(crate) _kind: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfSession {
    pub(crate) session_id: String,
    #[serde(rename = "type")]
    pub(crate) _kind: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FinishSession {
    pub(crate) reason: FinishReason,
    pub(crate) detail: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FinishReason {
    #[serde(rename = "type")]
    pub(crate) kind: Finish,
}

/// How the client ended a session.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Finish {
    Success,
    Errored,
    Interrupted,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AssignProject {
    pub(crate) project_id: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoraConfig {
    pub(crate) rank: usize,
    pub(crate) seed: Option<u64>,
    #[serde(default = "yes")]
    pub(crate) train_unembed: bool,
    #[serde(default = "yes")]
    pub(crate) train_mlp: bool,
    #[serde(default = "yes")]
    pub(crate) train_attn: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateModel {
    pub(crate) session_id: String,
    pub(crate) model_seq_id: u64,
    pub(crate) base_model: String,
    pub(crate) user_metadata: Option<Map<String, Value>>,
    pub(crate) lora_config: Option<LoraConfig>,
    pub(crate) optimizer_config: Option<Value>,
    #[serde(rename = "type")]
    pub(crate) _kind: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfModel {
    pub(crate) model_id: String,
    #[serde(rename = "type")]
    pub(crate) _kind: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OptimStep {
    pub(crate) model_id: String,
    pub(crate) seq_id: Option<u64>,
    #[serde(alias = "adam_params", alias = "optimizer_params")]
    pub(crate) optim_params: Map<String, Value>,
    #[serde(rename = "type")]
    pub(crate) _kind: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dimuon {
    #[serde(rename = "type")]
    pub(crate) _kind: String,
    pub(crate) learning_rate: f64,
    #[serde(default)]
    pub(crate) grad_clip_norm: f64,
    #[serde(default = "nine_tenths")]
    pub(crate) beta1: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SaveWeights {
    pub(crate) model_id: String,
    pub(crate) path: Option<String>,
    pub(crate) seq_id: Option<u64>,
    pub(crate) ttl_seconds: Option<u64>,
    #[serde(default)]
    pub(crate) overwrite: bool,
    pub(crate) user_metadata: Option<BTreeMap<String, String>>,
    #[serde(rename = "type")]
    pub(crate) _kind: Option<String>,
}

/// Whether a sampler keeps the weights of its making or follows those of the model.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SamplerKind {
    #[default]
    Snapshot,
    Inflight,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SaveForSampler {
    pub(crate) model_id: String,
    pub(crate) path: Option<String>,
    pub(crate) sampling_session_seq_id: Option<u64>,
    #[serde(default)]
    pub(crate) kind: SamplerKind,
    pub(crate) seq_id: Option<u64>,
    pub(crate) ttl_seconds: Option<u64>,
    pub(crate) user_metadata: Option<BTreeMap<String, String>>,
    #[serde(rename = "type")]
    pub(crate) _kind: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SaveExternal {
    pub(crate) model_id: String,
    pub(crate) path: String,
    pub(crate) seq_id: Option<u64>,
    pub(crate) ttl_seconds: Option<u64>,
    #[serde(default)]
    pub(crate) age_encryption_recipients: Option<Vec<String>>,
    #[serde(rename = "type")]
    pub(crate) _kind: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoadWeights {
    pub(crate) model_id: Option<String>,
    pub(crate) seq_id: Option<u64>,
    pub(crate) session_id: Option<String>,
    pub(crate) model_seq_id: Option<u64>,
    pub(crate) base_model: Option<String>,
    pub(crate) user_metadata: Option<Map<String, Value>>,
    pub(crate) path: String,
    pub(crate) optimizer: bool,
    pub(crate) optimizer_config: Option<Value>,
    pub(crate) weights_access_token: Option<String>,
    #[serde(rename = "type")]
    pub(crate) _kind: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CopyWeights {
    pub(crate) session_id: Option<String>,
    pub(crate) model_seq_id: Option<u64>,
    pub(crate) destination_project_id: Option<String>,
    pub(crate) source_path: String,
    pub(crate) ttl_seconds: Option<u64>,
    pub(crate) weights_access_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfPath {
    pub(crate) tinker_path: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetTtl {
    pub(crate) ttl_seconds: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateSamplingSession {
    pub(crate) session_id: String,
    pub(crate) sampling_session_seq_id: u64,
    pub(crate) base_model: Option<String>,
    pub(crate) model_path: Option<String>,
    #[serde(rename = "type")]
    pub(crate) _kind: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct JoinSamplingSession {
    pub(crate) sampling_session_id: String,
    #[serde(rename = "type")]
    pub(crate) _kind: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Chunk {
    EncodedText {
        tokens: Vec<i32>,
    },
    Image {
        data: String,
        #[serde(rename = "format")]
        _format: ImageFormat,
        expected_tokens: Option<usize>,
    },
    ImageAssetPointer {
        location: String,
        #[serde(rename = "format")]
        _format: ImageFormat,
        expected_tokens: Option<usize>,
    },
    Dmel {
        dmel: String,
    },
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ImageFormat {
    Png,
    Jpeg,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelInput {
    pub(crate) chunks: Vec<Chunk>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SamplingParams {
    pub(crate) max_tokens: Option<usize>,
    pub(crate) seed: Option<i64>,
    pub(crate) stop: Option<Value>,
    #[serde(default = "one")]
    pub(crate) temperature: f64,
    #[serde(default = "minus_one")]
    pub(crate) top_k: i64,
    #[serde(default = "one")]
    pub(crate) top_p: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct JsonTensor {
    pub(crate) data: Vec<f64>,
    pub(crate) dtype: String,
    pub(crate) shape: Option<Vec<usize>>,
    pub(crate) sparse_crow_indices: Option<Vec<i64>>,
    pub(crate) sparse_col_indices: Option<Vec<i64>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sample {
    #[serde(default = "once")]
    pub(crate) num_samples: usize,
    pub(crate) prompt: ModelInput,
    pub(crate) sampling_params: SamplingParams,
    pub(crate) base_model: Option<String>,
    pub(crate) model_path: Option<String>,
    pub(crate) sampling_session_id: Option<String>,
    pub(crate) seq_id: Option<u64>,
    pub(crate) prompt_logprobs: Option<bool>,
    #[serde(default)]
    pub(crate) topk_prompt_logprobs: usize,
    #[serde(default)]
    pub(crate) topk_sample_logprobs: usize,
    pub(crate) target_prompt_logprobs: Option<JsonTensor>,
    #[serde(default)]
    pub(crate) prompt_alt_tokens_k: usize,
    pub(crate) prompt_logprobs_last_n: Option<usize>,
    #[serde(rename = "record_stability_info")]
    pub(crate) _record_stability_info: Option<bool>,
    #[serde(rename = "type")]
    pub(crate) _kind: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetrieveFuture {
    pub(crate) request_id: String,
    #[serde(default)]
    pub(crate) allow_metadata_only: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CancelFuture {
    pub(crate) request_id: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetrieveFutures {
    pub(crate) target: FuturesTarget,
    #[serde(default)]
    pub(crate) prev_cursor: u64,
    pub(crate) timeout: Option<f64>,
    #[serde(default)]
    pub(crate) retrieved_request_ids: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FuturesTarget {
    #[serde(rename = "type")]
    pub(crate) _kind: String,
    pub(crate) sampling_session_id: String,
    #[serde(default)]
    pub(crate) cloned_sampler_id: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateCustomLoss {
    pub(crate) session_id: String,
    pub(crate) custom_loss_seq_id: u64,
    pub(crate) name: String,
    pub(crate) inputs: Vec<CustomLossInput>,
    pub(crate) graph: CustomLossGraph,
    #[serde(rename = "type")]
    pub(crate) _kind: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CustomLossInput {
    pub(crate) name: String,
    pub(crate) rank: u8,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CustomLossGraph {
    #[serde(default = "format_one")]
    pub(crate) format: u8,
    pub(crate) nodes: Vec<CustomLossNode>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CustomLossNode {
    pub(crate) op: String,
    pub(crate) name: String,
    #[serde(rename = "target")]
    pub(crate) _target: String,
    #[serde(default, rename = "args")]
    pub(crate) _args: Vec<Value>,
    #[serde(default, rename = "kwargs")]
    pub(crate) _kwargs: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchSessions {
    pub(crate) session_id: Option<String>,
    pub(crate) project_ids: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) user_metadata: BTreeMap<String, String>,
    pub(crate) display_name: Option<String>,
    #[serde(default)]
    pub(crate) owner: SearchOwner,
    pub(crate) statuses: Option<Vec<StatusQuery>>,
    #[serde(default = "fifty")]
    pub(crate) limit: usize,
    pub(crate) cursor: Option<SearchCursor>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum SearchOwner {
    #[default]
    Own,
    Accessible,
    User {
        owner_urns: Vec<String>,
    },
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum StatusQuery {
    Active,
    Cancelled,
    Failed,
    ClientFinished { reasons: Option<Vec<Finish>> },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SearchCursor {
    pub(crate) last_created_at: jiff::Timestamp,
    pub(crate) last_session_id: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TelemetryBatch {
    pub(crate) events: Vec<Value>,
    #[serde(rename = "platform")]
    pub(crate) _platform: String,
    #[serde(rename = "sdk_version")]
    pub(crate) _sdk_version: String,
    #[serde(rename = "session_id")]
    pub(crate) _session_id: String,
    #[serde(rename = "process_uuid")]
    pub(crate) _process_uuid: Option<String>,
}

fn yes() -> bool {
    true
}

fn one() -> f64 {
    1.0
}

fn nine_tenths() -> f64 {
    0.9
}

fn minus_one() -> i64 {
    -1
}

fn once() -> usize {
    1
}

fn fifty() -> usize {
    50
}

fn format_one() -> u8 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn unknown_missing_and_wrong_fields_are_named() {
        let refused = |body: Value| {
            let refusal = read::<SaveWeights>(Some(&body)).expect_err("refused");
            let reply = refusal.to_reply();
            assert_eq!(reply.status, 422);
            String::from_utf8(reply.body.concat()).expect("text")
        };
        assert!(refused(json!({"model_id": "m", "colour": 1})).contains(r#""colour""#));
        assert!(refused(json!({})).contains(r#""model_id""#));
        assert!(refused(json!({"model_id": 7})).contains("invalid type"));
        let step = json!({"model_id": "m", "adam_params": {}, "type": "optim_step"});
        assert!(read::<OptimStep>(Some(&step)).is_ok());
    }
}
