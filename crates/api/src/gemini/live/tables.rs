//! Where the settings of a session go in its first message, for each service, and where what is
//! said as it comes goes.

table! {
    /// `LiveConnectConfig` on the developer API, within the setup.
    LIVE of "LiveConnectConfig" {
        "generation_config" => "generationConfig",
        "response_modalities" => "generationConfig.responseModalities",
        "temperature" => "generationConfig.temperature",
        "top_p" => "generationConfig.topP",
        "top_k" => "generationConfig.topK",
        "max_output_tokens" => "generationConfig.maxOutputTokens",
        "media_resolution" => "generationConfig.mediaResolution",
        "seed" => "generationConfig.seed",
        "speech_config" => "generationConfig.speechConfig",
        "thinking_config" => "generationConfig.thinkingConfig",
        "enable_affective_dialog" => "generationConfig.enableAffectiveDialog",
        "system_instruction" => "systemInstruction" by (CONTENT),
        "tools" => "tools",
        "session_resumption" => "sessionResumption" by (RESUMPTION),
        "input_audio_transcription" => "inputAudioTranscription",
        "output_audio_transcription" => "outputAudioTranscription",
        "realtime_input_config" => "realtimeInputConfig",
        "context_window_compression" => "contextWindowCompression",
        "proactivity" => "proactivity",
        "history_config" => "historyConfig",
        "avatar_config" => "avatarConfig",
        "safety_settings" => "safetySettings" each by (SAFETY),
        "translation_config" => "generationConfig.translationConfig",
        "labels" => "labels",
    }
}
table! { CONTENT of "Content" { "parts" => "parts", "role" => "role" } }
table! {
    SAFETY of "SafetySetting" { "category" => "category", "threshold" => "threshold" }
}
table! { RESUMPTION of "SessionResumptionConfig" { "handle" => "handle" } }

table! {
    /// `LiveConnectConfig` on Vertex, within the setup.
    LIVE_VERTEX of "LiveConnectConfig" {
        "generation_config" => "generationConfig",
        "response_modalities" => "generationConfig.responseModalities",
        "temperature" => "generationConfig.temperature",
        "top_p" => "generationConfig.topP",
        "top_k" => "generationConfig.topK",
        "max_output_tokens" => "generationConfig.maxOutputTokens",
        "media_resolution" => "generationConfig.mediaResolution",
        "seed" => "generationConfig.seed",
        "speech_config" => "generationConfig.speechConfig",
        "thinking_config" => "generationConfig.thinkingConfig",
        "enable_affective_dialog" => "generationConfig.enableAffectiveDialog",
        "system_instruction" => "systemInstruction",
        "tools" => "tools",
        "session_resumption" => "sessionResumption",
        "input_audio_transcription" => "inputAudioTranscription",
        "output_audio_transcription" => "outputAudioTranscription",
        "realtime_input_config" => "realtimeInputConfig",
        "context_window_compression" => "contextWindowCompression",
        "proactivity" => "proactivity",
        "explicit_vad_signal" => "explicitVadSignal",
        "history_config" => "historyConfig",
        "avatar_config" => "avatarConfig",
        "safety_settings" => "safetySettings",
        "translation_config" => "generationConfig.translationConfig",
        "labels" => "labels",
    }
}

table! {
    /// `LiveSendRealtimeInputParameters`, the same on both services.
    REALTIME of "LiveSendRealtimeInputParameters" {
        "media" => "mediaChunks[0]",
        "audio" => "audio",
        "audio_stream_end" => "audioStreamEnd",
        "video" => "video",
        "text" => "text",
        "activity_start" => "activityStart",
        "activity_end" => "activityEnd",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{LIVE_VERTEX, REALTIME};
    use crate::gemini::mapping::Table;

    /// The routing of google-genai 3.4.0; that of the developer API is compared with the tokens.
    const RECORDED: &str = include_str!("../../../tests/fixtures/live_converters.json");

    #[test]
    fn fields_go_where_the_reference_sends_them() {
        let recorded: BTreeMap<String, BTreeMap<String, String>> =
            serde_json::from_str(RECORDED).unwrap();
        let tables: [&Table; 2] = [&LIVE_VERTEX, &REALTIME];
        assert_eq!(tables.len(), recorded.len());
        for table in tables {
            let rules = table.rules.iter();
            let ours: BTreeMap<String, String> = rules
                // The list is made here; there it comes as one.
                .map(|rule| (rule.from.to_owned(), rule.to.replace("[0]", "")))
                .collect();
            assert_eq!(ours, recorded[table.owner], "{}", table.owner);
        }
    }
}
