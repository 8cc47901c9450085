//! Debug output of Live messages and tokens: their shape, never what is said or the secret.

use std::fmt;

use super::redacted::{Shape, has};
use super::{
    AuthToken, LiveClientContent, LiveClientContextUpdate, LiveClientRealtimeInput,
    LiveClientSetup, LiveClientToolResponse, LiveConnectConfig, LiveMusicFilteredPrompt,
    LiveSendRealtimeInputParameters, WeightedPrompt,
};

/// Writes the fields that hold no prompt as they are, and whether the others are set.
macro_rules! shape {
    ($($name:ident { $($shown:ident)* ; $($hidden:ident)* ; $($counted:ident)* })+) => { $(
        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter
                    .debug_struct(stringify!($name))
                    $(.field(stringify!($shown), &self.$shown))*
                    $(.field(stringify!($hidden), &has(self.$hidden.is_some())))*
                    $(.field(stringify!($counted), &self.$counted.len()))*
                    .finish_non_exhaustive()
            }
        }
    )+ };
}

shape! {
    LiveConnectConfig {
        generation_config response_modalities temperature top_p top_k max_output_tokens
            media_resolution seed speech_config thinking_config enable_affective_dialog
            realtime_input_config context_window_compression proactivity explicit_vad_signal
            history_config avatar_config safety_settings translation_config labels;
        system_instruction session_resumption;
        tools
    }
    LiveClientSetup {
        model generation_config realtime_input_config context_window_compression proactivity
            explicit_vad_signal history_config avatar_config safety_settings labels;
        system_instruction session_resumption;
        tools
    }
    LiveClientRealtimeInput {
        audio audio_stream_end video activity_start activity_end; text; media_chunks
    }
    LiveSendRealtimeInputParameters {
        media audio audio_stream_end video activity_start activity_end; text;
    }
    LiveClientToolResponse { ; ; function_responses }
    LiveClientContextUpdate { tools; system_instruction; }
    WeightedPrompt { weight; text; }
    LiveMusicFilteredPrompt { filtered_reason; text; }
    AuthToken { expire_time new_session_expire_time uses; name; }
}

impl fmt::Debug for LiveClientContent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LiveClientContent")
            .field("turns", &Shape(&self.turns))
            .field("turn_complete", &self.turn_complete)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemini::{
        Blob, Content, CreateAuthTokenConfig, FunctionResponse, LiveClientMessage,
        LiveConnectConstraints, LiveMusicClientContent, LiveMusicClientMessage,
        SessionResumptionConfig,
    };

    #[test]
    fn what_is_said_does_not_show() {
        let content = || Content::user("SECRET");
        let config = LiveConnectConfig::new()
            .set_system_instruction(content())
            .set_session_resumption(SessionResumptionConfig::new().set_handle("SECRET"))
            .set_temperature(0.5);
        let message = LiveClientMessage::new()
            .set_setup(LiveClientSetup::new().set_system_instruction(content()))
            .set_client_content(LiveClientContent::new().set_turns([content()]))
            .set_realtime_input(
                LiveClientRealtimeInput::new()
                    .set_text("SECRET")
                    .set_media_chunks([Blob::new()]),
            )
            .set_tool_response(
                LiveClientToolResponse::new()
                    .set_function_responses([FunctionResponse::new().set_name("SECRET")]),
            )
            .set_context_update(LiveClientContextUpdate::new().set_system_instruction(content()));
        let prompts = LiveMusicClientContent::new()
            .set_weighted_prompts([WeightedPrompt::new().set_text("SECRET").set_weight(1.0)]);
        let token = CreateAuthTokenConfig::new()
            .set_live_connect_constraints(LiveConnectConstraints::new().set_config(config));
        for shown in [
            format!("{message:?}"),
            format!("{token:?}"),
            format!(
                "{:?}",
                LiveMusicClientMessage::new().set_client_content(prompts)
            ),
            format!("{:?}", LiveMusicFilteredPrompt::new().set_text("SECRET")),
            format!("{:?}", AuthToken::new().set_name("auth_tokens/SECRET")),
            format!(
                "{:?}",
                LiveSendRealtimeInputParameters::new().set_text("SECRET")
            ),
        ] {
            assert!(!shown.contains("SECRET"), "{shown}");
        }
        assert!(format!("{token:?}").contains("temperature: Some(0.5)"));
        assert!(format!("{message:?}").contains("1 turns, 1 parts, 6 bytes of text"));
    }
}
