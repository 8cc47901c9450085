//! What the server says in a Live session.

use std::time::Duration;

use super::{
    Content, FunctionCall, GroundingMetadata, Transcription, UrlContextMetadata, UsageMetadata,
    VoiceConsentSignature,
};
use crate::WireDuration;

wire! {
    /// One message of the server's; one field is set, and the token counts may stand beside it.
    #[derive(Debug)]
    pub struct LiveServerMessage {
        /// The session can begin.
        pub setup_complete: Option<Box<LiveServerSetupComplete>>,
        /// What the model says.
        pub server_content: Option<Box<LiveServerContent>>,
        /// Functions that the model wants to be called.
        pub tool_call: Option<Box<LiveServerToolCall>>,
        /// Calls that it no longer wants, because it was interrupted.
        pub tool_call_cancellation: Option<Box<LiveServerToolCallCancellation>>,
        /// Tokens so far.
        pub usage_metadata: Option<Box<UsageMetadata>>,
        /// The server will end the connection.
        pub go_away: Option<Box<LiveServerGoAway>>,
        /// How the session can go on in another connection.
        pub session_resumption_update: Option<Box<LiveServerSessionResumptionUpdate>>,
        /// Speech began or ended, where the signal was asked for.
        pub voice_activity_detection_signal: Option<Box<VoiceActivityDetectionSignal>>,
        /// Speech began or ended, and when.
        pub voice_activity: Option<Box<VoiceActivity>>,
    }

    /// The session can begin.
    #[derive(Debug)]
    pub struct LiveServerSetupComplete {
        /// The session.
        pub session_id: Option<String>,
        /// Proof of a speaker's consent, for later sessions.
        pub voice_consent_signature: Option<Box<VoiceConsentSignature>>,
    }

    /// What the model says.
    #[derive(Debug)]
    pub struct LiveServerContent {
        /// A piece of its turn.
        pub model_turn: Option<Box<Content>>,
        /// The turn is over; the model waits.
        pub turn_complete: Option<bool>,
        /// The user has interrupted it: what was not played yet is void.
        pub interrupted: Option<bool>,
        /// Sources of what it said.
        pub grounding_metadata: Option<Box<GroundingMetadata>>,
        /// All of the turn is made; the rest of it is still on its way.
        pub generation_complete: Option<bool>,
        /// What the user said.
        pub input_transcription: Option<Box<Transcription>>,
        /// What the model said.
        pub output_transcription: Option<Box<Transcription>>,
        /// Web pages that were read.
        pub url_context_metadata: Option<Box<UrlContextMetadata>>,
        /// Why the turn is over.
        pub turn_complete_reason: Option<TurnCompleteReason>,
        /// The model needs more before it can answer.
        pub waiting_for_input: Option<bool>,
        /// What the user says, as understood so far.
        pub interim_input_transcription: Option<Box<Transcription>>,
        /// Whose turn it is.
        pub interaction_status: Option<InteractionStatus>,
    }

    /// Functions that the model wants to be called.
    #[derive(Debug)]
    pub struct LiveServerToolCall {
        /// The calls.
        pub function_calls: Vec<FunctionCall>,
    }

    /// Calls that the model no longer wants.
    #[derive(Debug)]
    pub struct LiveServerToolCallCancellation {
        /// Identifiers of the calls.
        pub ids: Vec<String>,
    }

    /// The server will end the connection.
    #[derive(Debug)]
    pub struct LiveServerGoAway {
        /// In which time, such as `10s`.
        pub time_left: Option<String>,
    }

    /// How a session can go on in another connection.
    #[derive(Debug)]
    pub struct LiveServerSessionResumptionUpdate {
        /// What to name the session by; empty while it cannot be left.
        pub new_handle: Option<String>,
        /// True when it can be left now without losing anything.
        pub resumable: Option<bool>,
        /// The last message of the client's that the handle covers; Vertex only.
        pub last_consumed_client_message_index: Option<i64>,
    }

    /// Speech began or ended.
    #[derive(Debug)]
    pub struct VoiceActivityDetectionSignal {
        /// Which of the two.
        pub vad_signal_type: Option<VadSignalType>,
    }

    /// Speech began or ended, and when.
    #[derive(Debug)]
    pub struct VoiceActivity {
        /// Which of the two.
        pub voice_activity_type: Option<VoiceActivityType> = "type",
        /// Where in the sound, such as `1.5s`.
        pub audio_offset: Option<String>,
    }
}

open_enum! {
    /// Speech began or ended.
    pub enum VadSignalType {
        /// Not said.
        Unspecified = "VAD_SIGNAL_TYPE_UNSPECIFIED",
        /// It began.
        StartOfSpeech = "VAD_SIGNAL_TYPE_SOS",
        /// It ended.
        EndOfSpeech = "VAD_SIGNAL_TYPE_EOS",
    }

    /// Speech began or ended.
    pub enum VoiceActivityType {
        /// Not said.
        Unspecified = "TYPE_UNSPECIFIED",
        /// It began.
        ActivityStart = "ACTIVITY_START",
        /// It ended.
        ActivityEnd = "ACTIVITY_END",
    }

    /// Whose turn it is.
    pub enum InteractionStatus {
        /// Not said.
        Unspecified = "INTERACTION_STATUS_UNSPECIFIED",
        /// The model's.
        InProgress = "IN_PROGRESS",
        /// The client's: a function call waits for its answer.
        RequiresAction = "REQUIRES_ACTION",
        /// The user's.
        Idle = "IDLE",
    }

    /// Why a turn of the model's is over.
    pub enum TurnCompleteReason {
        /// Not said: it has ended.
        Unspecified = "TURN_COMPLETE_REASON_UNSPECIFIED",
        /// It made a call that cannot be read.
        MalformedFunctionCall = "MALFORMED_FUNCTION_CALL",
        /// Its reply was withheld.
        ResponseRejected = "RESPONSE_REJECTED",
        /// It needs more from the user.
        NeedMoreInput = "NEED_MORE_INPUT",
        /// The input is not allowed.
        ProhibitedInputContent = "PROHIBITED_INPUT_CONTENT",
        /// A picture in the input is not allowed.
        ImageProhibitedInputContent = "IMAGE_PROHIBITED_INPUT_CONTENT",
        /// The input names a known person.
        InputTextContainProminentPersonProhibited = "INPUT_TEXT_CONTAIN_PROMINENT_PERSON_PROHIBITED",
        /// A picture in the input shows a known person.
        InputImageCelebrity = "INPUT_IMAGE_CELEBRITY",
        /// A picture in the input shows a child as in a photograph.
        InputImagePhotoRealisticChildProhibited = "INPUT_IMAGE_PHOTO_REALISTIC_CHILD_PROHIBITED",
        /// The input asks for intimate pictures without consent.
        InputTextNciiProhibited = "INPUT_TEXT_NCII_PROHIBITED",
        /// Another reason that lies in the input.
        InputOther = "INPUT_OTHER",
        /// The input infringes on somebody's rights.
        InputIpProhibited = "INPUT_IP_PROHIBITED",
        /// The input holds a forbidden word.
        Blocklist = "BLOCKLIST",
        /// The input is not safe to make a picture of.
        UnsafePromptForImageGeneration = "UNSAFE_PROMPT_FOR_IMAGE_GENERATION",
        /// A picture that was made is not safe.
        GeneratedImageSafety = "GENERATED_IMAGE_SAFETY",
        /// What was made is not safe.
        GeneratedContentSafety = "GENERATED_CONTENT_SAFETY",
        /// Sound that was made is not safe.
        GeneratedAudioSafety = "GENERATED_AUDIO_SAFETY",
        /// A film that was made is not safe.
        GeneratedVideoSafety = "GENERATED_VIDEO_SAFETY",
        /// What was made is not allowed.
        GeneratedContentProhibited = "GENERATED_CONTENT_PROHIBITED",
        /// What was made holds a forbidden word.
        GeneratedContentBlocklist = "GENERATED_CONTENT_BLOCKLIST",
        /// A picture that was made is not allowed.
        GeneratedImageProhibited = "GENERATED_IMAGE_PROHIBITED",
        /// A picture that was made shows a known person.
        GeneratedImageCelebrity = "GENERATED_IMAGE_CELEBRITY",
        /// The rewritten prompt for a picture names known persons.
        GeneratedImageProminentPeopleDetectedByRewriter = "GENERATED_IMAGE_PROMINENT_PEOPLE_DETECTED_BY_REWRITER",
        /// A picture that was made shows persons that can be told.
        GeneratedImageIdentifiablePeople = "GENERATED_IMAGE_IDENTIFIABLE_PEOPLE",
        /// A picture that was made shows minors.
        GeneratedImageMinors = "GENERATED_IMAGE_MINORS",
        /// A picture that was made infringes on somebody's rights.
        OutputImageIpProhibited = "OUTPUT_IMAGE_IP_PROHIBITED",
        /// Another reason that lies in what was made.
        GeneratedOther = "GENERATED_OTHER",
        /// It was made anew as often as is allowed.
        MaxRegenerationReached = "MAX_REGENERATION_REACHED",
    }
}

impl LiveServerGoAway {
    /// In which time the connection ends, where that is said in a form that can be read.
    pub fn remaining(&self) -> Option<Duration> {
        let left: WireDuration = self.time_left.as_ref()?.parse().ok()?;
        Some(left.get())
    }
}

impl LiveServerMessage {
    /// True when it is the user's turn after this message. Where the service says whose turn it
    /// is, that counts; else the end of the model's turn.
    pub fn ends_turn(&self) -> bool {
        let Some(content) = &self.server_content else {
            return false;
        };
        match &content.interaction_status {
            Some(status) => *status == InteractionStatus::Idle,
            None => content.turn_complete == Some(true),
        }
    }

    /// The text of this message, without the model's reasoning; `None` when it has none.
    pub fn text(&self) -> Option<String> {
        let turn = self.server_content.as_ref()?.model_turn.as_ref()?;
        let parts = turn.parts.iter();
        let spoken = parts.filter(|part| part.thought != Some(true));
        let texts: Vec<&str> = spoken.filter_map(|part| part.text.as_deref()).collect();
        (!texts.is_empty()).then(|| texts.concat())
    }

    /// The bytes of the media in this message, one after the other; `None` when it has none.
    pub fn data(&self) -> Option<Vec<u8>> {
        let turn = self.server_content.as_ref()?.model_turn.as_ref()?;
        let blobs = turn
            .parts
            .iter()
            .filter_map(|part| part.inline_data.as_ref());
        let bytes: Vec<&[u8]> = blobs
            .filter_map(|blob| blob.data.as_ref())
            .map(|data| data.as_bytes())
            .collect();
        (!bytes.is_empty()).then(|| bytes.concat())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Covers: LiveServerMessage.text
    #[test]
    fn a_message_gives_its_text_and_its_bytes() {
        let message: LiveServerMessage = serde_json::from_value(json!({"serverContent": {
            "modelTurn": {"parts": [
                {"text": "thinking", "thought": true}, {"text": "Hel"}, {"text": "lo"},
                {"inlineData": {"mimeType": "audio/pcm", "data": "AAE="}},
                {"inlineData": {"mimeType": "audio/pcm", "data": "Ag=="}},
            ]},
            "interactionStatus": "IDLE",
        }}))
        .unwrap();
        assert_eq!(message.text().as_deref(), Some("Hello"));
        assert_eq!(message.data(), Some(vec![0, 1, 2]));
        assert_eq!(LiveServerMessage::new().text(), None);
        assert_eq!(LiveServerMessage::new().data(), None);
    }

    #[test]
    fn a_turn_ends_when_the_model_waits() {
        let ends = |content: serde_json::Value| {
            let message = json!({"serverContent": content});
            let message: LiveServerMessage = serde_json::from_value(message).unwrap();
            message.ends_turn()
        };
        assert!(ends(json!({"turnComplete": true})));
        assert!(!ends(json!({"generationComplete": true})));
        assert!(ends(json!({"interactionStatus": "IDLE"})));
        let busy = json!({"turnComplete": true, "interactionStatus": "REQUIRES_ACTION"});
        assert!(!ends(busy));
        assert!(!LiveServerMessage::new().ends_turn());
    }

    #[test]
    fn the_time_that_is_left_is_read_where_it_can_be() {
        let left = |text: &str| LiveServerGoAway::new().set_time_left(text).remaining();
        assert_eq!(left("9.5s"), Some(Duration::from_millis(9_500)));
        assert_eq!(left("soon"), None);
        assert_eq!(LiveServerGoAway::new().remaining(), None);
    }

    #[test]
    fn voice_activity_has_its_type_under_a_short_name() {
        let text = r#"{"type":"ACTIVITY_END","audioOffset":"1.5s"}"#;
        let activity: VoiceActivity = serde_json::from_str(text).unwrap();
        assert_eq!(
            activity.voice_activity_type,
            Some(VoiceActivityType::ActivityEnd)
        );
        assert_eq!(serde_json::to_string(&activity).unwrap(), text);
    }
}
