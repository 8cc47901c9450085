//! Voices: those of the catalogue and those made from words or recordings.

use crate::gemini::interactions::Usage;
use crate::{Bytes64, Timestamp};

snake_wire! {
    /// A voice.
    pub struct Voice {
        /// Its identifier, or its name when it is of the catalogue.
        pub id: Option<String>,
        /// The voice itself as a key that you keep; only from a creation that stores nothing.
        pub key: Option<String>,
        /// How it was made.
        pub voice_type: Option<VoiceType> = "type",
        /// A name for people.
        pub display_name: Option<String>,
        /// How it sounds.
        pub description: Option<String>,
        /// Where it seems to come from.
        pub accent: Option<String>,
        /// What it is good for.
        pub context: Option<String>,
        /// As which gender it is heard.
        pub gender: Option<String>,
        /// As which character it is heard.
        pub persona: Option<String>,
        /// How high it is.
        pub pitch: Option<Pitch>,
        /// Its language as BCP 47.
        pub language_code: Option<String>,
        /// Its region, as ISO 3166 or UN M.49.
        pub region_code: Option<String>,
        /// The model that made it.
        pub model: Option<String>,
        /// The words that it was made from.
        pub prompted: Option<Box<PromptedVoice>>,
        /// How it sounds.
        pub sample_audio: Option<Box<AudioData>>,
        /// When the service deletes it, unless it is used before.
        pub expire_time: Option<Timestamp>,
        /// What its making cost.
        pub usage: Option<Box<Usage>>,
    }

    /// A voice to make.
    #[derive(Debug)]
    pub struct VoiceInput {
        /// How it is made.
        pub voice_type: Option<VoiceType> = "type",
        /// A name for people.
        pub display_name: Option<String>,
        /// How it sounds.
        pub description: Option<String>,
        /// Where it seems to come from.
        pub accent: Option<String>,
        /// What it is good for.
        pub context: Option<String>,
        /// As which gender it is heard.
        pub gender: Option<String>,
        /// As which character it is heard.
        pub persona: Option<String>,
        /// How high it is.
        pub pitch: Option<Pitch>,
        /// Its language as BCP 47.
        pub language_code: Option<String>,
        /// Its region, as ISO 3166 or UN M.49.
        pub region_code: Option<String>,
        /// The model that makes it; the newest when absent.
        pub model: Option<String>,
        /// The words that it is made from.
        pub prompted: Option<Box<PromptedVoice>>,
        /// The recordings that it is made from.
        pub replicated: Option<Box<ReplicatedVoice>>,
        /// How it sounds.
        pub sample_audio: Option<Box<AudioData>>,
    }
}

open_enum! {
    /// How a voice was made.
    pub enum VoiceType {
        /// It is of the catalogue.
        Prebuilt = "prebuilt",
        /// From words.
        Prompted = "prompted",
        /// From recordings of a person who consents.
        Replicated = "replicated",
    }

    /// How high a voice is.
    pub enum Pitch {
        /// Low.
        Low = "low",
        /// The middle.
        Medium = "medium",
        /// High.
        High = "high",
    }
}

snake_wire! {
    /// The words that a voice is made from.
    #[derive(Debug)]
    pub struct PromptedVoice {
        /// How it should sound; with a base voice, how it should differ.
        pub input: Option<String>,
        /// The voice that is changed, by its name or identifier.
        pub base_voice: Option<String>,
    }

    /// The recordings that a voice is made from.
    #[derive(Debug)]
    pub struct ReplicatedVoice {
        /// The person speaks.
        pub source_audio: Option<Box<AudioData>>,
        /// The person consents, in the words the service asks for.
        pub consent_audio: Option<Box<AudioData>>,
    }

    /// A recording.
    #[derive(Debug)]
    pub struct AudioData {
        /// Its bytes.
        pub data: Option<Bytes64>,
        /// Its format, such as `audio/wav`.
        pub mime_type: Option<String>,
    }

    /// What makes a voice.
    #[derive(Debug)]
    pub struct CreateVoiceRequest {
        /// The voice.
        pub voice: Option<Box<VoiceInput>>,
        /// Whether the service keeps it; otherwise you get a key.
        pub store: Option<bool>,
    }

    /// A page of voices.
    #[derive(Debug)]
    pub struct ListVoicesResponse {
        /// The voices.
        pub voices: Vec<Voice>,
        /// Asks for the next page; absent or empty on the last.
        pub next_page_token: Option<String>,
    }
}

names_only_debug!(Voice);
