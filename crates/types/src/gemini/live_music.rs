//! Music that is made as it is heard: what both sides say; developer API only.

use crate::Bytes64;

wire! {
    /// One message of the client's; exactly one field is set.
    #[derive(Debug)]
    pub struct LiveMusicClientMessage {
        /// The model: the first message, sent once.
        pub setup: Option<Box<LiveMusicClientSetup>>,
        /// What the music is about.
        pub client_content: Option<Box<LiveMusicClientContent>>,
        /// How it sounds.
        pub music_generation_config: Option<Box<LiveMusicGenerationConfig>>,
        /// Whether it plays.
        pub playback_control: Option<LiveMusicPlaybackControl>,
    }

    /// Which model makes the music.
    #[derive(Debug)]
    pub struct LiveMusicClientSetup {
        /// The full name of the model.
        pub model: Option<String>,
    }

    /// What a session of music begins with.
    #[derive(Debug)]
    pub struct LiveMusicConnectParameters {
        /// The model.
        pub model: Option<String>,
    }

    /// What changes how the music sounds.
    #[derive(Debug)]
    pub struct LiveMusicSetConfigParameters {
        /// How it sounds from now on.
        pub music_generation_config: Option<Box<LiveMusicGenerationConfig>>,
    }

    /// What changes what the music is about.
    #[derive(Debug)]
    pub struct LiveMusicSetWeightedPromptsParameters {
        /// What it is about from now on.
        pub weighted_prompts: Vec<WeightedPrompt>,
    }

    /// What the music is about.
    #[derive(Debug)]
    pub struct LiveMusicClientContent {
        /// Descriptions, which are mixed.
        pub weighted_prompts: Vec<WeightedPrompt>,
    }

    /// A description and how much it counts.
    pub struct WeightedPrompt {
        /// The description.
        pub text: Option<String>,
        /// How much it counts beside the others; not zero, and 1 is usual.
        pub weight: Option<f64>,
    }

    /// How music sounds.
    #[derive(Debug)]
    pub struct LiveMusicGenerationConfig {
        /// Randomness, 0 to 3.
        pub temperature: Option<f64>,
        /// Sample among this many most likely tokens, 1 to 1000.
        pub top_k: Option<i32>,
        /// Makes sampling repeatable where the model can.
        pub seed: Option<i32>,
        /// How closely the music follows the descriptions, 0 to 6.
        pub guidance: Option<f64>,
        /// Beats per minute, 60 to 200.
        pub bpm: Option<i32>,
        /// How many notes, 0 to 1.
        pub density: Option<f64>,
        /// How bright the sound, 0 to 1.
        pub brightness: Option<f64>,
        /// The key.
        pub scale: Option<Scale>,
        /// Leave out the bass.
        pub mute_bass: Option<bool>,
        /// Leave out the drums.
        pub mute_drums: Option<bool>,
        /// Leave out all but these two.
        pub only_bass_and_drums: Option<bool>,
        /// What counts more: quality or variety.
        pub music_generation_mode: Option<MusicGenerationMode>,
    }

    /// One message of the server's; exactly one field is set.
    #[derive(Debug)]
    pub struct LiveMusicServerMessage {
        /// The session can begin.
        pub setup_complete: Option<LiveMusicServerSetupComplete>,
        /// Music.
        pub server_content: Option<Box<LiveMusicServerContent>>,
        /// A description that was left out.
        pub filtered_prompt: Option<Box<LiveMusicFilteredPrompt>>,
    }

    /// The session can begin.
    #[derive(Debug)]
    pub struct LiveMusicServerSetupComplete {}

    /// Music.
    #[derive(Debug)]
    pub struct LiveMusicServerContent {
        /// The music, in order.
        pub audio_chunks: Vec<AudioChunk>,
    }

    /// A piece of music.
    #[derive(Debug)]
    pub struct AudioChunk {
        /// The sound.
        pub data: Option<Bytes64>,
        /// Its media type.
        pub mime_type: Option<String>,
        /// What it was made of.
        pub source_metadata: Option<Box<LiveMusicSourceMetadata>>,
    }

    /// What a piece of music was made of.
    #[derive(Debug)]
    pub struct LiveMusicSourceMetadata {
        /// What it is about.
        pub client_content: Option<Box<LiveMusicClientContent>>,
        /// How it sounds.
        pub music_generation_config: Option<Box<LiveMusicGenerationConfig>>,
    }

    /// A description that was left out.
    pub struct LiveMusicFilteredPrompt {
        /// The description.
        pub text: Option<String>,
        /// Why it was left out.
        pub filtered_reason: Option<String>,
    }
}

open_enum! {
    /// Whether music plays.
    pub enum LiveMusicPlaybackControl {
        /// Not said.
        Unspecified = "PLAYBACK_CONTROL_UNSPECIFIED",
        /// Begin or go on.
        Play = "PLAY",
        /// Halt, to go on from here.
        Pause = "PAUSE",
        /// Halt, to begin anew.
        Stop = "STOP",
        /// Forget what was heard so far, and go on.
        ResetContext = "RESET_CONTEXT",
    }

    /// What counts more when music is made.
    pub enum MusicGenerationMode {
        /// The service's default: quality.
        Unspecified = "MUSIC_GENERATION_MODE_UNSPECIFIED",
        /// Quality.
        Quality = "QUALITY",
        /// Variety.
        Diversity = "DIVERSITY",
        /// Voices.
        Vocalization = "VOCALIZATION",
    }

    /// A major key and the minor key with the same notes.
    pub enum Scale {
        /// The model's choice.
        Unspecified = "SCALE_UNSPECIFIED",
        /// C major or A minor.
        CMajorAMinor = "C_MAJOR_A_MINOR",
        /// D flat major or B flat minor.
        DFlatMajorBFlatMinor = "D_FLAT_MAJOR_B_FLAT_MINOR",
        /// D major or B minor.
        DMajorBMinor = "D_MAJOR_B_MINOR",
        /// E flat major or C minor.
        EFlatMajorCMinor = "E_FLAT_MAJOR_C_MINOR",
        /// E major or D flat minor.
        EMajorDFlatMinor = "E_MAJOR_D_FLAT_MINOR",
        /// F major or D minor.
        FMajorDMinor = "F_MAJOR_D_MINOR",
        /// G flat major or E flat minor.
        GFlatMajorEFlatMinor = "G_FLAT_MAJOR_E_FLAT_MINOR",
        /// G major or E minor.
        GMajorEMinor = "G_MAJOR_E_MINOR",
        /// A flat major or F minor.
        AFlatMajorFMinor = "A_FLAT_MAJOR_F_MINOR",
        /// A major or G flat minor.
        AMajorGFlatMinor = "A_MAJOR_G_FLAT_MINOR",
        /// B flat major or G minor.
        BFlatMajorGMinor = "B_FLAT_MAJOR_G_MINOR",
        /// B major or A flat minor.
        BMajorAFlatMinor = "B_MAJOR_A_FLAT_MINOR",
    }
}
