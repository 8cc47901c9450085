//! What the client says in a Live session.

use std::collections::BTreeMap;

use super::{
    AudioTranscriptionConfig, AvatarConfig, Blob, Content, ContextWindowCompressionConfig,
    FunctionResponse, GenerationConfig, HistoryConfig, ProactivityConfig, RealtimeInputConfig,
    SafetySetting, SessionResumptionConfig, Tool,
};

wire! {
    /// One message of the client's; exactly one field is set.
    #[derive(Debug)]
    pub struct LiveClientMessage {
        /// How the session behaves: the first message, sent once.
        pub setup: Option<Box<LiveClientSetup>>,
        /// Turns of the conversation.
        pub client_content: Option<Box<LiveClientContent>>,
        /// Sound, pictures or text as they come.
        pub realtime_input: Option<Box<LiveClientRealtimeInput>>,
        /// Answers to function calls.
        pub tool_response: Option<Box<LiveClientToolResponse>>,
        /// New instructions or tools.
        pub context_update: Option<Box<LiveClientContextUpdate>>,
    }

    /// How a session behaves, as it goes on the wire.
    pub struct LiveClientSetup {
        /// The full name of the model.
        pub model: Option<String>,
        /// How replies are generated.
        pub generation_config: Option<Box<GenerationConfig>>,
        /// Instructions that hold for the whole session.
        pub system_instruction: Option<Box<Content>>,
        /// What the model may use.
        pub tools: Vec<Tool>,
        /// Lets the session go on in another connection.
        pub session_resumption: Option<Box<SessionResumptionConfig>>,
        /// Forget the oldest turns instead of ending when the context is full.
        pub context_window_compression: Option<Box<ContextWindowCompressionConfig>>,
        /// Write down what the user says.
        pub input_audio_transcription: Option<Box<AudioTranscriptionConfig>>,
        /// Write down what the model says.
        pub output_audio_transcription: Option<Box<AudioTranscriptionConfig>>,
        /// How the user's speech is followed.
        pub realtime_input_config: Option<Box<RealtimeInputConfig>>,
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
        /// Labels for the bill.
        pub labels: BTreeMap<String, String>,
    }

    /// Turns of the conversation.
    pub struct LiveClientContent {
        /// The turns, added to those so far.
        pub turns: Vec<Content>,
        /// False when more content follows before the model should answer.
        pub turn_complete: Option<bool>,
    }

    /// Sound, pictures or text as they come; exactly one field is set.
    pub struct LiveClientRealtimeInput {
        /// Sound or pictures, for older models.
        pub media_chunks: Vec<Blob>,
        /// Sound.
        pub audio: Option<Box<Blob>>,
        /// The microphone is off; developer API only.
        pub audio_stream_end: Option<bool>,
        /// A picture of a film.
        pub video: Option<Box<Blob>>,
        /// Text.
        pub text: Option<String>,
        /// The user begins to speak, where the server does not notice by itself.
        pub activity_start: Option<ActivityStart>,
        /// The user has ended.
        pub activity_end: Option<ActivityEnd>,
    }

    /// What is said as it comes: as [`LiveClientRealtimeInput`], with one name for both media.
    pub struct LiveSendRealtimeInputParameters {
        /// Sound or a picture, whichever its media type says.
        pub media: Option<Box<Blob>>,
        /// Sound.
        pub audio: Option<Box<Blob>>,
        /// The microphone is off; developer API only.
        pub audio_stream_end: Option<bool>,
        /// A picture of a film.
        pub video: Option<Box<Blob>>,
        /// Text.
        pub text: Option<String>,
        /// The user begins to speak, where the server does not notice by itself.
        pub activity_start: Option<ActivityStart>,
        /// The user has ended.
        pub activity_end: Option<ActivityEnd>,
    }

    /// The user begins to speak.
    #[derive(Debug)]
    pub struct ActivityStart {}

    /// The user has ended.
    #[derive(Debug)]
    pub struct ActivityEnd {}

    /// Answers to function calls.
    pub struct LiveClientToolResponse {
        /// The answers; on the developer API each names the call by its identifier.
        pub function_responses: Vec<FunctionResponse>,
    }

    /// New instructions or tools.
    pub struct LiveClientContextUpdate {
        /// Instructions in the place of the old ones.
        pub system_instruction: Option<Box<Content>>,
        /// Tools in the place of the old ones.
        pub tools: Option<Box<LiveClientContextUpdateTools>>,
    }

    /// Tools in the place of the old ones.
    #[derive(Debug)]
    pub struct LiveClientContextUpdateTools {
        /// The tools.
        pub tools: Vec<Tool>,
    }
}
