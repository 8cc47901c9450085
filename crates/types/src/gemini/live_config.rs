//! How a Live session behaves: what the caller asks for before it begins.

use std::collections::BTreeMap;

use super::{
    AudioTranscriptionConfig, Content, GenerationConfig, MediaResolution, Modality, SafetySetting,
    SpeechConfig, ThinkingConfig, Tool, TranslationConfig,
};
use crate::Bytes64;

wire! {
    /// How a Live session behaves. What stands here and in `generation_config` too, counts here.
    pub struct LiveConnectConfig {
        /// How replies are generated, for what has no field of its own here.
        pub generation_config: Option<Box<GenerationConfig>>,
        /// Kinds of output; sound unless set otherwise.
        pub response_modalities: Vec<Modality>,
        /// Randomness, 0 to 2.
        pub temperature: Option<f64>,
        /// Sample among the most likely tokens that together have this probability.
        pub top_p: Option<f64>,
        /// Sample among this many most likely tokens.
        pub top_k: Option<f64>,
        /// Most tokens of a reply.
        pub max_output_tokens: Option<i32>,
        /// How finely media are looked at.
        pub media_resolution: Option<MediaResolution>,
        /// Makes sampling repeatable where the model can.
        pub seed: Option<i32>,
        /// How speech is spoken.
        pub speech_config: Option<Box<SpeechConfig>>,
        /// How much the model reasons first.
        pub thinking_config: Option<Box<ThinkingConfig>>,
        /// Answer in the user's mood.
        pub enable_affective_dialog: Option<bool>,
        /// Instructions that hold for the whole session.
        pub system_instruction: Option<Box<Content>>,
        /// What the model may use.
        pub tools: Vec<Tool>,
        /// Lets the session go on in another connection.
        pub session_resumption: Option<Box<SessionResumptionConfig>>,
        /// Write down what the user says.
        pub input_audio_transcription: Option<Box<AudioTranscriptionConfig>>,
        /// Write down what the model says.
        pub output_audio_transcription: Option<Box<AudioTranscriptionConfig>>,
        /// How the user's speech is followed.
        pub realtime_input_config: Option<Box<RealtimeInputConfig>>,
        /// Forget the oldest turns instead of ending when the context is full.
        pub context_window_compression: Option<Box<ContextWindowCompressionConfig>>,
        /// When the model speaks without being asked, or not when asked.
        pub proactivity: Option<Box<ProactivityConfig>>,
        /// Send a signal when speech begins and ends; Vertex only.
        pub explicit_vad_signal: Option<bool>,
        /// Where the history of the session comes from.
        pub history_config: Option<Box<HistoryConfig>>,
        /// The face that speaks.
        pub avatar_config: Option<Box<AvatarConfig>>,
        /// From which risk on content is blocked.
        pub safety_settings: Vec<SafetySetting>,
        /// How speech is translated.
        pub translation_config: Option<Box<TranslationConfig>>,
        /// Labels for the bill.
        pub labels: BTreeMap<String, String>,
    }

    /// A model and how a session with it behaves.
    #[derive(Debug)]
    pub struct LiveConnectParameters {
        /// The model.
        pub model: Option<String>,
        /// How the session behaves.
        pub config: Option<Box<LiveConnectConfig>>,
    }

    /// How a session goes on in another connection.
    #[derive(Debug)]
    pub struct SessionResumptionConfig {
        /// The session to go on with, as the server named it; absent for a new one.
        pub handle: Option<String>,
        /// Tell which messages of the client the server has read; Vertex only.
        pub transparent: Option<bool>,
    }

    /// How the user's speech is followed.
    #[derive(Debug)]
    pub struct RealtimeInputConfig {
        /// How speech is noticed.
        pub automatic_activity_detection: Option<Box<AutomaticActivityDetection>>,
        /// Whether speech interrupts the model.
        pub activity_handling: Option<ActivityHandling>,
        /// What belongs to a turn of the user's.
        pub turn_coverage: Option<TurnCoverage>,
        /// Send the times of words with what is understood so far.
        pub interim_transcript_timestamp_enabled: Option<bool>,
    }

    /// How speech is noticed.
    #[derive(Debug)]
    pub struct AutomaticActivityDetection {
        /// Not at all: the client says when the user begins and ends.
        pub disabled: Option<bool>,
        /// How easily a sound counts as the beginning of speech.
        pub start_of_speech_sensitivity: Option<StartSensitivity>,
        /// How easily silence counts as the end of speech.
        pub end_of_speech_sensitivity: Option<EndSensitivity>,
        /// Milliseconds of speech before it counts as begun.
        pub prefix_padding_ms: Option<i32>,
        /// Milliseconds of silence before speech counts as ended.
        pub silence_duration_ms: Option<i32>,
    }

    /// How a full context is made smaller.
    #[derive(Debug)]
    pub struct ContextWindowCompressionConfig {
        /// From how many tokens on.
        pub trigger_tokens: Option<i64>,
        /// By forgetting the oldest turns.
        pub sliding_window: Option<Box<SlidingWindow>>,
    }

    /// How much of the newest turns stays.
    #[derive(Debug)]
    pub struct SlidingWindow {
        /// Tokens that stay.
        pub target_tokens: Option<i64>,
    }

    /// When the model speaks.
    #[derive(Debug)]
    pub struct ProactivityConfig {
        /// It may ignore sounds that are not meant for it.
        pub proactive_audio: Option<bool>,
        /// It may speak about what it sees.
        pub proactive_video: Option<bool>,
    }

    /// Where the history of a session comes from.
    #[derive(Debug)]
    pub struct HistoryConfig {
        /// The first message with content is the history so far.
        pub initial_history_in_client_content: Option<bool>,
    }

    /// The face that speaks.
    #[derive(Debug)]
    pub struct AvatarConfig {
        /// One of the service's.
        pub avatar_name: Option<String>,
        /// One of the caller's.
        pub customized_avatar: Option<Box<CustomizedAvatar>>,
        /// Bits of sound per second.
        pub audio_bitrate_bps: Option<i32>,
        /// Bits of film per second.
        pub video_bitrate_bps: Option<i32>,
    }

    /// A face of the caller's.
    #[derive(Debug)]
    pub struct CustomizedAvatar {
        /// Media type of the picture.
        pub image_mime_type: Option<String>,
        /// The picture.
        pub image_data: Option<Bytes64>,
    }
}

open_enum! {
    /// Whether speech interrupts the model.
    pub enum ActivityHandling {
        /// The service's default: it does.
        Unspecified = "ACTIVITY_HANDLING_UNSPECIFIED",
        /// The beginning of speech interrupts it.
        StartOfActivityInterrupts = "START_OF_ACTIVITY_INTERRUPTS",
        /// Nothing interrupts it.
        NoInterruption = "NO_INTERRUPTION",
    }

    /// What belongs to a turn of the user's.
    pub enum TurnCoverage {
        /// The service's default.
        Unspecified = "TURN_COVERAGE_UNSPECIFIED",
        /// Only what comes while the user speaks.
        TurnIncludesOnlyActivity = "TURN_INCLUDES_ONLY_ACTIVITY",
        /// Everything since the last turn.
        TurnIncludesAllInput = "TURN_INCLUDES_ALL_INPUT",
        /// Speech, and all film since the last turn.
        TurnIncludesAudioActivityAndAllVideo = "TURN_INCLUDES_AUDIO_ACTIVITY_AND_ALL_VIDEO",
    }

    /// How easily a sound counts as the beginning of speech.
    pub enum StartSensitivity {
        /// The service's default.
        Unspecified = "START_SENSITIVITY_UNSPECIFIED",
        /// Easily.
        High = "START_SENSITIVITY_HIGH",
        /// Not easily.
        Low = "START_SENSITIVITY_LOW",
    }

    /// How easily silence counts as the end of speech.
    pub enum EndSensitivity {
        /// The service's default.
        Unspecified = "END_SENSITIVITY_UNSPECIFIED",
        /// Easily.
        High = "END_SENSITIVITY_HIGH",
        /// Not easily.
        Low = "END_SENSITIVITY_LOW",
    }
}
