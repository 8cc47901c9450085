//! How generated speech sounds.

use crate::Bytes64;

wire! {
    /// How generated speech sounds.
    #[derive(Debug)]
    pub struct SpeechConfig {
        /// The voice.
        pub voice_config: Option<Box<VoiceConfig>>,
        /// Several voices.
        pub multi_speaker_voice_config: Option<Box<MultiSpeakerVoiceConfig>>,
        /// The language, such as `en-US`.
        pub language_code: Option<String>,
    }

    /// One voice.
    #[derive(Debug)]
    pub struct VoiceConfig {
        /// A voice of the service's.
        pub prebuilt_voice_config: Option<Box<PrebuiltVoiceConfig>>,
        /// A copied voice.
        pub replicated_voice_config: Option<Box<ReplicatedVoiceConfig>>,
        /// A voice by name.
        pub voice: Option<String>,
    }

    /// A voice of the service's.
    #[derive(Debug)]
    pub struct PrebuiltVoiceConfig {
        /// Its name.
        pub voice_name: Option<String>,
    }

    /// A voice copied from a recording.
    #[derive(Debug)]
    pub struct ReplicatedVoiceConfig {
        /// Media type of the recording.
        pub mime_type: Option<String>,
        /// The recording.
        pub voice_sample_audio: Option<Bytes64>,
        /// The speaker's spoken consent; developer API only.
        pub consent_audio: Option<Bytes64>,
        /// Proof of an earlier consent; developer API only.
        pub voice_consent_signature: Option<Box<VoiceConsentSignature>>,
    }

    /// Proof of a speaker's consent.
    #[derive(Debug)]
    pub struct VoiceConsentSignature {
        /// The signature.
        pub signature: Option<String>,
    }

    /// Several voices.
    #[derive(Debug)]
    pub struct MultiSpeakerVoiceConfig {
        /// Which speaker has which voice.
        pub speaker_voice_configs: Vec<SpeakerVoiceConfig>,
    }

    /// The voice of one speaker.
    #[derive(Debug)]
    pub struct SpeakerVoiceConfig {
        /// Name of the speaker in the prompt.
        pub speaker: Option<String>,
        /// The voice.
        pub voice_config: Option<Box<VoiceConfig>>,
    }
}
