//! How a model answers: sampling, thinking, speech, transcription, pictures, films and safety.
//!
//! What the answer looks like is told by the response formats.

use super::{AspectRatio, ImageSize, ToolChoice};

snake_wire! {
    /// How a model answers.
    #[derive(Debug)]
    pub struct GenerationConfig {
        /// Most tokens of an answer.
        pub max_output_tokens: Option<i32>,
        /// Texts that end the answer.
        pub stop_sequences: Vec<String>,
        /// Makes answers more alike from call to call.
        pub seed: Option<i32>,
        /// How adventurous the answer is; the service means to drop it.
        pub temperature: Option<f64>,
        /// Which share of the likely words counts; the service means to drop it.
        pub top_p: Option<f64>,
        /// How much the model thinks.
        pub thinking_level: Option<ThinkingLevel>,
        /// Whether thoughts are told in short.
        pub thinking_summaries: Option<ThinkingSummaries>,
        /// Whether tools are called, or which.
        pub tool_choice: Option<ToolChoice>,
        /// Who speaks, when sound is asked for.
        pub speech_config: Option<SpeechConfigUnion>,
        /// How recordings are written down.
        pub transcription_config: Option<Box<TranscriptionConfig>>,
        /// How pictures look; the service wants an image response format instead.
        pub image_config: Option<Box<ImageConfig>>,
        /// How films are made.
        pub video_config: Option<Box<VideoConfig>>,
    }
}

open_enum! {
    /// How much a model thinks.
    pub enum ThinkingLevel {
        /// As little as it can.
        Minimal = "minimal",
        /// A little.
        Low = "low",
        /// The middle.
        Medium = "medium",
        /// Much.
        High = "high",
        /// The most.
        XHigh = "xhigh",
    }

    /// Whether thoughts are told in short.
    pub enum ThinkingSummaries {
        /// When there are any.
        Auto = "auto",
        /// Never.
        None = "none",
    }
}

snake_wire! {
    /// One voice.
    #[derive(Debug)]
    pub struct SpeechConfig {
        /// The voice: a name such as `Puck`, the id of a stored voice, or a voice key.
        pub voice: Option<String>,
        /// The speaker in the prompt who has it.
        pub speaker: Option<String>,
        /// Its language as BCP 47, such as `de-DE`.
        pub language: Option<String>,
    }

    /// Several voices.
    #[derive(Debug)]
    pub struct SpeakerConfig {
        /// One for each speaker.
        pub speakers: Vec<SpeechConfig>,
    }
}

by_shape! {
    /// Who speaks.
    #[derive(Debug)]
    pub enum SpeechConfigUnion {
        /// Voices as a list.
        Speakers(Vec<SpeechConfig>) = "list",
        /// Voices with room for more settings.
        Config(SpeakerConfig) = "object",
    }
}

snake_wire! {
    /// How recordings are written down.
    #[derive(Debug)]
    pub struct TranscriptionConfig {
        /// Word by word, or tidied.
        pub mode: Option<TranscriptionConfigMode>,
        /// Languages to expect as BCP 47; found out when empty.
        pub language_codes: Vec<String>,
        /// Words that are likely to occur.
        pub custom_vocabulary: Vec<String>,
        /// The old name of `language_codes`.
        pub language_hints: Vec<String>,
        /// The old name of `custom_vocabulary`.
        pub adaptation_phrases: Vec<String>,
        /// `speaker` tells speakers apart; the service wants it in the mode.
        pub diarization_mode: Option<String>,
        /// `word` gives times; the service wants it in the mode.
        pub timestamp_granularities: Vec<String>,
    }
}

by_shape! {
    /// A mode of transcription by its name, or with settings.
    #[derive(Debug)]
    pub enum TranscriptionConfigMode {
        /// A mode with its own settings.
        Name(TranscriptionConfigModeEnum) = "text",
        /// A mode with settings of yours.
        Settings(TranscriptionMode) = "object",
    }
}

open_enum! {
    /// A mode of transcription by its name.
    pub enum TranscriptionConfigModeEnum {
        /// Word by word.
        Verbatim = "verbatim",
        /// Tidied, without slips of the tongue.
        Smart = "smart",
    }
}

tagged! {
    /// A mode of transcription with settings.
    #[derive(Debug)]
    pub enum TranscriptionMode {
        /// Word by word.
        Verbatim(VerbatimTranscriptionMode) = "verbatim",
        /// Tidied, without slips of the tongue.
        Smart(SmartTranscriptionMode) = "smart",
    }
}

snake_wire! {
    /// A transcription word by word.
    #[derive(Debug)]
    pub struct VerbatimTranscriptionMode {
        /// `speaker` tells speakers apart.
        pub diarization_mode: Option<String>,
        /// `word` gives the times of words; no times when empty.
        pub timestamp_granularities: Vec<String>,
    }

    /// A transcription that is tidied.
    #[derive(Debug)]
    pub struct SmartTranscriptionMode {
        /// A text to change as the recording says, instead of writing it down.
        pub source_text: Option<String>,
    }

    /// How pictures look.
    #[derive(Debug)]
    pub struct ImageConfig {
        /// Their shape.
        pub aspect_ratio: Option<AspectRatio>,
        /// Their size.
        pub image_size: Option<ImageSize>,
    }

    /// How films are made.
    #[derive(Debug)]
    pub struct VideoConfig {
        /// From what; the model decides when absent.
        pub task: Option<Task>,
    }
}

open_enum! {
    /// What a film is made from.
    pub enum Task {
        /// From words.
        TextToVideo = "text_to_video",
        /// From a picture that is its first frame.
        ImageToVideo = "image_to_video",
        /// With pictures of who or what appears in it.
        ReferenceToVideo = "reference_to_video",
        /// From a film that is changed.
        Edit = "edit",
        /// From a film that goes on.
        Extend = "extend",
        /// From a film that gets a higher resolution.
        Upscale = "upscale",
    }
}

snake_wire! {
    /// What is blocked of one kind of harm.
    #[derive(Debug)]
    pub struct SafetySetting {
        /// The kind.
        pub category: Option<HarmCategory> = "type",
        /// From which likelihood on.
        pub threshold: Option<Threshold>,
        /// By what it is judged; by likelihood when absent.
        pub method: Option<Method>,
    }
}

open_enum! {
    /// A kind of harm.
    pub enum HarmCategory {
        /// Hate against groups.
        HateSpeech = "hate_speech",
        /// Help for dangerous deeds.
        DangerousContent = "dangerous_content",
        /// Bullying.
        Harassment = "harassment",
        /// Sexual content.
        SexuallyExplicit = "sexually_explicit",
        /// Harm to elections.
        CivicIntegrity = "civic_integrity",
        /// Hate in pictures.
        ImageHate = "image_hate",
        /// Danger in pictures.
        ImageDangerousContent = "image_dangerous_content",
        /// Bullying in pictures.
        ImageHarassment = "image_harassment",
        /// Sexual content in pictures.
        ImageSexuallyExplicit = "image_sexually_explicit",
        /// Prompts that try to undo the safeguards.
        Jailbreak = "jailbreak",
    }

    /// From which likelihood of harm on content is blocked.
    pub enum Threshold {
        /// From low on.
        BlockLowAndAbove = "block_low_and_above",
        /// From medium on.
        BlockMediumAndAbove = "block_medium_and_above",
        /// From high on.
        BlockOnlyHigh = "block_only_high",
        /// Never, but it is judged.
        BlockNone = "block_none",
        /// Never, and it is not judged.
        Off = "off",
    }

    /// By what harm is judged.
    pub enum Method {
        /// By how bad it would be.
        Severity = "severity",
        /// By how likely it is.
        Probability = "probability",
    }
}

from_text!(ToolChoice::Mode, TranscriptionConfigMode::Name);
