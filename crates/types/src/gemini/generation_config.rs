//! How a reply is generated.

use serde_json::Value;

use super::{AudioTranscriptionConfig, ImageConfig, ResponseFormat, Schema, SpeechConfig};

wire! {
    /// How a reply is generated. Absent fields mean the model's defaults.
    #[derive(Debug)]
    pub struct GenerationConfig {
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
        /// `text/plain`, `application/json` or `text/x.enum`.
        pub response_mime_type: Option<String>,
        /// Shape of a JSON reply, in the service's schema subset.
        pub response_schema: Option<Box<Schema>>,
        /// Shape of a JSON reply, as JSON Schema.
        pub response_json_schema: Option<Value>,
        /// Kinds of output, in the order wanted.
        pub response_modalities: Vec<Modality>,
        /// Details of each kind of output.
        pub response_format: Vec<ResponseFormat>,
        /// Lowers the chance of tokens that occurred.
        pub presence_penalty: Option<f64>,
        /// Lowers it more for each occurrence.
        pub frequency_penalty: Option<f64>,
        /// Makes sampling repeatable where the model can.
        pub seed: Option<i32>,
        /// Return log probabilities.
        pub response_logprobs: Option<bool>,
        /// How many alternatives to return for each token.
        pub logprobs: Option<i32>,
        /// How finely media are looked at.
        pub media_resolution: Option<MediaResolution>,
        /// How speech is spoken.
        pub speech_config: Option<Box<SpeechConfig>>,
        /// Mark times in audio; Vertex only.
        pub audio_timestamp: Option<bool>,
        /// How much the model reasons first.
        pub thinking_config: Option<Box<ThinkingConfig>>,
        /// How pictures are made.
        pub image_config: Option<Box<ImageConfig>>,
        /// How audio is transcribed.
        pub audio_transcription_config: Option<Box<AudioTranscriptionConfig>>,
        /// How speech is translated.
        pub translation_config: Option<Box<TranslationConfig>>,
        /// Answer in the user's mood; Live only.
        pub enable_affective_dialog: Option<bool>,
        /// Fuller answers on civic matters; developer API only.
        pub enable_enhanced_civic_answers: Option<bool>,
        /// Which model answers; Vertex only.
        pub routing_config: Option<Box<GenerationConfigRoutingConfig>>,
        /// What the choice of model prefers; Vertex only.
        pub model_selection_config: Option<Box<ModelSelectionConfig>> = "modelConfig",
    }

    /// How much the model reasons before it answers.
    #[derive(Debug)]
    pub struct ThinkingConfig {
        /// Return a summary of the reasoning.
        pub include_thoughts: Option<bool>,
        /// Most tokens of reasoning; 0 is none, -1 lets the model decide.
        pub thinking_budget: Option<i32>,
        /// A named amount, for models that take no budget.
        pub thinking_level: Option<ThinkingLevel>,
    }

    /// How speech is translated.
    #[derive(Debug)]
    pub struct TranslationConfig {
        /// Into which language.
        pub target_language_code: Option<String>,
        /// Repeat speech that already is in that language.
        pub echo_target_language: Option<bool>,
    }

    /// Which model answers.
    #[derive(Debug)]
    pub struct GenerationConfigRoutingConfig {
        /// The service chooses.
        pub auto_mode: Option<Box<GenerationConfigRoutingConfigAutoRoutingMode>>,
        /// The caller chooses.
        pub manual_mode: Option<Box<GenerationConfigRoutingConfigManualRoutingMode>>,
    }

    /// The service chooses the model.
    #[derive(Debug)]
    pub struct GenerationConfigRoutingConfigAutoRoutingMode {
        /// `PRIORITIZE_QUALITY`, `BALANCED` or `PRIORITIZE_COST`.
        pub model_routing_preference: Option<String>,
    }

    /// The caller chooses the model.
    #[derive(Debug)]
    pub struct GenerationConfigRoutingConfigManualRoutingMode {
        /// Which one.
        pub model_name: Option<String>,
    }

    /// What the choice of model prefers.
    #[derive(Debug)]
    pub struct ModelSelectionConfig {
        /// Quality, cost or both.
        pub feature_selection_preference: Option<FeatureSelectionPreference>,
    }
}

open_enum! {
    /// How finely media are looked at.
    pub enum MediaResolution {
        /// The model's default.
        Unspecified = "MEDIA_RESOLUTION_UNSPECIFIED",
        /// 64 tokens for a picture.
        Low = "MEDIA_RESOLUTION_LOW",
        /// 256 tokens for a picture.
        Medium = "MEDIA_RESOLUTION_MEDIUM",
        /// 256 tokens for a picture, with zoomed sections.
        High = "MEDIA_RESOLUTION_HIGH",
    }

    /// Kinds of output.
    pub enum Modality {
        /// Not said.
        Unspecified = "MODALITY_UNSPECIFIED",
        /// Text.
        Text = "TEXT",
        /// Pictures.
        Image = "IMAGE",
        /// Sound.
        Audio = "AUDIO",
        /// Film.
        Video = "VIDEO",
    }

    /// Named amounts of reasoning.
    pub enum ThinkingLevel {
        /// The model's default.
        Unspecified = "THINKING_LEVEL_UNSPECIFIED",
        /// Hardly any.
        Minimal = "MINIMAL",
        /// Little.
        Low = "LOW",
        /// Some.
        Medium = "MEDIUM",
        /// Much.
        High = "HIGH",
        /// Most.
        XHigh = "XHIGH",
    }

    /// What the choice of model prefers.
    pub enum FeatureSelectionPreference {
        /// Not said.
        Unspecified = "FEATURE_SELECTION_PREFERENCE_UNSPECIFIED",
        /// Quality.
        PrioritizeQuality = "PRIORITIZE_QUALITY",
        /// Both.
        Balanced = "BALANCED",
        /// Cost.
        PrioritizeCost = "PRIORITIZE_COST",
    }
}
