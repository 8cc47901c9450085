//! The settings of a generation as one flat record, the way the official SDKs take them.
//!
//! The service wants some of them beside the contents and the others in `generationConfig`;
//! turning the record into a request puts each in its place.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    AudioTranscriptionConfig, AutomaticFunctionCallingConfig, Content, GenerateContentRequest,
    GenerationConfig, GenerationConfigRoutingConfig, GenerationOutputConfig, ImageConfig,
    MediaResolution, Modality, ModelArmorConfig, ModelSelectionConfig, SafetySetting, Schema,
    ServiceTier, SpeechConfig, ThinkingConfig, Tool, ToolConfig,
};
use crate::Bytes64;

wire! {
    /// Everything that can be said about a generation besides its contents.
    ///
    /// ```
    /// use gimmal_types::gemini::{GenerateContentConfig, GenerateContentRequest};
    ///
    /// let config = GenerateContentConfig::new().set_temperature(0.2).set_store(true);
    /// let request = GenerateContentRequest::from(config);
    /// assert_eq!(request.store, Some(true));
    /// assert_eq!(request.generation_config.unwrap().temperature, Some(0.2));
    /// ```
    pub struct GenerateContentConfig {
        /// Instructions that hold for the whole conversation.
        pub system_instruction: Option<Box<Content>>,
        /// Randomness, 0 to 2.
        pub temperature: Option<f64>,
        /// Sample among the most likely tokens that together have this probability.
        pub top_p: Option<f64>,
        /// Sample among this many most likely tokens.
        pub top_k: Option<f64>,
        /// How many replies to generate.
        pub candidate_count: Option<i32>,
        /// Most tokens of a reply.
        pub max_output_tokens: Option<i32>,
        /// Texts that end the reply; at most five.
        pub stop_sequences: Vec<String>,
        /// Return log probabilities.
        pub response_logprobs: Option<bool>,
        /// How many alternatives to return for each token.
        pub logprobs: Option<i32>,
        /// Lowers the chance of tokens that occurred.
        pub presence_penalty: Option<f64>,
        /// Lowers it more for each occurrence.
        pub frequency_penalty: Option<f64>,
        /// Makes sampling repeatable where the model can.
        pub seed: Option<i32>,
        /// `text/plain`, `application/json` or `text/x.enum`.
        pub response_mime_type: Option<String>,
        /// Shape of a JSON reply, in the service's schema subset.
        pub response_schema: Option<Box<Schema>>,
        /// Shape of a JSON reply, as JSON Schema.
        pub response_json_schema: Option<Value>,
        /// Which model answers; Vertex only.
        pub routing_config: Option<Box<GenerationConfigRoutingConfig>>,
        /// What the choice of model prefers; Vertex only.
        pub model_selection_config: Option<Box<ModelSelectionConfig>>,
        /// From which risk on content is blocked.
        pub safety_settings: Vec<SafetySetting>,
        /// What the model may use.
        pub tools: Vec<Tool>,
        /// How it uses them.
        pub tool_config: Option<Box<ToolConfig>>,
        /// Labels for billing reports.
        pub labels: BTreeMap<String, String>,
        /// A context cache that stands before the contents, by name.
        pub cached_content: Option<String>,
        /// Kinds of output, in the order wanted.
        pub response_modalities: Vec<Modality>,
        /// How finely media are looked at.
        pub media_resolution: Option<MediaResolution>,
        /// How speech is spoken.
        pub speech_config: Option<Box<SpeechConfig>>,
        /// Mark times in audio; Vertex only.
        pub audio_timestamp: Option<bool>,
        /// Whether functions of the caller's are called automatically; for the client, not sent.
        pub automatic_function_calling: Option<Box<AutomaticFunctionCallingConfig>>,
        /// How much the model reasons first.
        pub thinking_config: Option<Box<ThinkingConfig>>,
        /// How pictures are made.
        pub image_config: Option<Box<ImageConfig>>,
        /// Fuller answers on civic matters; developer API only.
        pub enable_enhanced_civic_answers: Option<bool>,
        /// Screening by Model Armor; Vertex only.
        pub model_armor_config: Option<Box<ModelArmorConfig>>,
        /// How urgent the request is.
        pub service_tier: Option<ServiceTier>,
        /// How audio is transcribed.
        pub audio_transcription_config: Option<Box<AudioTranscriptionConfig>>,
        /// Resumes a reply that was cut.
        pub continuation_token: Option<Bytes64>,
        /// Whether a reply that was cut is resumed; for the client, not sent.
        pub automatic_continuation: Option<bool>,
        /// Where large output goes; Vertex only.
        pub generation_output_config: Option<Box<GenerationOutputConfig>>,
        /// Keep the request for logging; developer API only.
        pub store: Option<bool>,
    }
}

impl From<GenerateContentConfig> for GenerateContentRequest {
    /// A request without contents. Members this version does not know go into `generationConfig`;
    /// what concerns only the client is left out.
    fn from(config: GenerateContentConfig) -> Self {
        let generation = GenerationConfig {
            temperature: config.temperature,
            top_p: config.top_p,
            top_k: config.top_k,
            candidate_count: config.candidate_count,
            max_output_tokens: config.max_output_tokens,
            stop_sequences: config.stop_sequences,
            response_logprobs: config.response_logprobs,
            logprobs: config.logprobs,
            presence_penalty: config.presence_penalty,
            frequency_penalty: config.frequency_penalty,
            seed: config.seed,
            response_mime_type: config.response_mime_type,
            response_schema: config.response_schema,
            response_json_schema: config.response_json_schema,
            routing_config: config.routing_config,
            model_selection_config: config.model_selection_config,
            response_modalities: config.response_modalities,
            media_resolution: config.media_resolution,
            speech_config: config.speech_config,
            audio_timestamp: config.audio_timestamp,
            thinking_config: config.thinking_config,
            image_config: config.image_config,
            enable_enhanced_civic_answers: config.enable_enhanced_civic_answers,
            audio_transcription_config: config.audio_transcription_config,
            unknown_fields: config.unknown_fields,
            ..GenerationConfig::default()
        };
        let is_set = generation != GenerationConfig::default();
        Self {
            system_instruction: config.system_instruction,
            generation_config: is_set.then(|| Box::new(generation)),
            safety_settings: config.safety_settings,
            tools: config.tools,
            tool_config: config.tool_config,
            cached_content: config.cached_content,
            labels: config.labels,
            service_tier: config.service_tier,
            continuation_token: config.continuation_token,
            store: config.store,
            model_armor_config: config.model_armor_config,
            output_config: config.generation_output_config,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Every field is set in turn; none may vanish on the way into the request.
    #[test]
    fn no_setting_is_lost() {
        let samples = json!({
            "systemInstruction": {"parts": [{"text": "s"}]}, "temperature": 1.0, "topP": 1.0,
            "topK": 1.0, "candidateCount": 1, "maxOutputTokens": 1, "stopSequences": ["x"],
            "responseLogprobs": true, "logprobs": 1, "presencePenalty": 1.0,
            "frequencyPenalty": 1.0, "seed": 1, "responseMimeType": "x", "responseSchema": {"type": "STRING"},
            "responseJsonSchema": {"type": "string"}, "routingConfig": {"autoMode": {}},
            "modelSelectionConfig": {"featureSelectionPreference": "BALANCED"},
            "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT"}],
            "tools": [{"googleSearch": {}}], "toolConfig": {"functionCallingConfig": {"mode": "ANY"}},
            "labels": {"a": "b"}, "cachedContent": "c", "responseModalities": ["TEXT"],
            "mediaResolution": "MEDIA_RESOLUTION_LOW", "speechConfig": {"languageCode": "de"},
            "audioTimestamp": true, "thinkingConfig": {"thinkingBudget": 1},
            "imageConfig": {"aspectRatio": "1:1"}, "enableEnhancedCivicAnswers": true,
            "modelArmorConfig": {"promptTemplateName": "p"}, "serviceTier": "flex",
            "audioTranscriptionConfig": {"languageCodes": ["de"]}, "continuationToken": "AA==",
            "generationOutputConfig": {"outputUriPrefix": "gs://b/"}, "store": true,
        });
        let client_only = ["automaticFunctionCalling", "automaticContinuation"];
        let fields = GenerateContentConfig::FIELDS.iter();
        for field in fields.filter(|field| !client_only.contains(field)) {
            let config: GenerateContentConfig =
                serde_json::from_value(json!({*field: samples[field].clone()})).unwrap();
            let request = GenerateContentRequest::from(config);
            assert_ne!(request, GenerateContentRequest::default(), "{field}");
        }
    }
}
