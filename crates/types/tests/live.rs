//! Every field of what both sides say in Live and in music: set by its name in Rust, written under
//! its name in JSON, and read back.

use std::fmt::Debug;

use gimmal_types::gemini::{
    ActivityEnd, ActivityHandling, ActivityStart, AudioChunk, AudioTranscriptionConfig,
    AutomaticActivityDetection, AvatarConfig, Blob, Content, ContextWindowCompressionConfig,
    CustomizedAvatar, EndSensitivity, FunctionCall, FunctionResponse, GenerationConfig,
    GroundingMetadata, HistoryConfig, InteractionStatus, LiveClientContent,
    LiveClientContextUpdate, LiveClientContextUpdateTools, LiveClientMessage,
    LiveClientRealtimeInput, LiveClientSetup, LiveClientToolResponse, LiveConnectConfig,
    LiveConnectParameters, LiveMusicClientContent, LiveMusicClientMessage, LiveMusicClientSetup,
    LiveMusicConnectParameters, LiveMusicFilteredPrompt, LiveMusicGenerationConfig,
    LiveMusicPlaybackControl, LiveMusicServerContent, LiveMusicServerMessage,
    LiveMusicServerSetupComplete, LiveMusicSetConfigParameters,
    LiveMusicSetWeightedPromptsParameters, LiveMusicSourceMetadata,
    LiveSendRealtimeInputParameters, LiveServerContent, LiveServerGoAway, LiveServerMessage,
    LiveServerSessionResumptionUpdate, LiveServerSetupComplete, LiveServerToolCall,
    LiveServerToolCallCancellation, MediaResolution, Modality, MusicGenerationMode,
    ProactivityConfig, RealtimeInputConfig, SafetySetting, Scale, SessionResumptionConfig,
    SlidingWindow, SpeechConfig, StartSensitivity, ThinkingConfig, Tool, Transcription,
    TranslationConfig, TurnCompleteReason, TurnCoverage, UrlContextMetadata, UsageMetadata,
    VadSignalType, VoiceActivity, VoiceActivityDetectionSignal, VoiceActivityType,
    VoiceConsentSignature, WeightedPrompt,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn is<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, expected: Value) {
    assert_eq!(serde_json::to_value(value).unwrap(), expected);
    let read: T = serde_json::from_value(snake(expected)).unwrap();
    assert_eq!(&read, value, "in the other spelling");
}

/// The same with every key in the spelling of Python.
fn snake(value: Value) -> Value {
    let spell = |key: String| {
        let letters = key.chars();
        letters.fold(String::new(), |mut out, letter| {
            if letter.is_ascii_uppercase() {
                out.push('_');
            }
            out.push(letter.to_ascii_lowercase());
            out
        })
    };
    match value {
        Value::Object(members) => members
            .into_iter()
            .map(|(key, value)| (spell(key), snake(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(snake).collect(),
        other => other,
    }
}

fn said() -> Content {
    Content::user("hi")
}

fn said_json() -> Value {
    json!({"parts": [{"text": "hi"}], "role": "user"})
}

fn blob() -> Blob {
    Blob::new().set_data(vec![1]).set_mime_type("audio/pcm")
}

fn blob_json() -> Value {
    json!({"data": "AQ==", "mimeType": "audio/pcm"})
}

#[test]
fn how_a_session_behaves() {
    let resumption = SessionResumptionConfig::new()
        .set_handle("h")
        .set_transparent(true);
    let detection = AutomaticActivityDetection::new()
        .set_disabled(false)
        .set_start_of_speech_sensitivity(StartSensitivity::High)
        .set_end_of_speech_sensitivity(EndSensitivity::Low)
        .set_prefix_padding_ms(20)
        .set_silence_duration_ms(500);
    let realtime = RealtimeInputConfig::new()
        .set_automatic_activity_detection(detection)
        .set_activity_handling(ActivityHandling::NoInterruption)
        .set_turn_coverage(TurnCoverage::TurnIncludesAllInput)
        .set_interim_transcript_timestamp_enabled(true);
    let compression = ContextWindowCompressionConfig::new()
        .set_trigger_tokens(9)
        .set_sliding_window(SlidingWindow::new().set_target_tokens(4));
    let proactivity = ProactivityConfig::new()
        .set_proactive_audio(true)
        .set_proactive_video(false);
    let history = HistoryConfig::new().set_initial_history_in_client_content(true);
    let face = CustomizedAvatar::new()
        .set_image_mime_type("image/png")
        .set_image_data(vec![1]);
    let avatar = AvatarConfig::new()
        .set_avatar_name("Ada")
        .set_customized_avatar(face)
        .set_audio_bitrate_bps(1)
        .set_video_bitrate_bps(2);
    let transcription = || AudioTranscriptionConfig::new().set_diarization(true);
    let common = json!({
        "systemInstruction": said_json(),
        "tools": [{}],
        "sessionResumption": {"handle": "h", "transparent": true},
        "contextWindowCompression": {"triggerTokens": 9, "slidingWindow": {"targetTokens": 4}},
        "inputAudioTranscription": {"diarization": true},
        "outputAudioTranscription": {"diarization": true},
        "realtimeInputConfig": {
            "automaticActivityDetection": {"disabled": false, "prefixPaddingMs": 20,
                "startOfSpeechSensitivity": "START_SENSITIVITY_HIGH",
                "endOfSpeechSensitivity": "END_SENSITIVITY_LOW", "silenceDurationMs": 500},
            "activityHandling": "NO_INTERRUPTION",
            "turnCoverage": "TURN_INCLUDES_ALL_INPUT",
            "interimTranscriptTimestampEnabled": true},
        "proactivity": {"proactiveAudio": true, "proactiveVideo": false},
        "explicitVadSignal": true,
        "historyConfig": {"initialHistoryInClientContent": true},
        "avatarConfig": {"avatarName": "Ada", "audioBitrateBps": 1, "videoBitrateBps": 2,
            "customizedAvatar": {"imageMimeType": "image/png", "imageData": "AQ=="}},
        "safetySettings": [{}],
        "labels": {"k": "v"},
    });
    let with = |more: Value| {
        let mut all = common.clone();
        all.as_object_mut()
            .unwrap()
            .append(&mut more.as_object().unwrap().clone());
        all
    };
    let generation = || GenerationConfig::new().set_seed(3);
    let setup = LiveClientSetup::new()
        .set_model("models/m")
        .set_generation_config(generation())
        .set_system_instruction(said())
        .set_tools([Tool::new()])
        .set_session_resumption(resumption.clone())
        .set_context_window_compression(compression.clone())
        .set_input_audio_transcription(transcription())
        .set_output_audio_transcription(transcription())
        .set_realtime_input_config(realtime.clone())
        .set_proactivity(proactivity.clone())
        .set_explicit_vad_signal(true)
        .set_history_config(history.clone())
        .set_avatar_config(avatar.clone())
        .set_safety_settings([SafetySetting::new()])
        .set_labels([("k", "v")]);
    is(
        &setup,
        with(json!({"model": "models/m", "generationConfig": {"seed": 3}})),
    );
    let config = LiveConnectConfig::new()
        .set_generation_config(generation())
        .set_response_modalities([Modality::Audio])
        .set_temperature(0.5)
        .set_top_p(0.25)
        .set_top_k(8.0)
        .set_max_output_tokens(100)
        .set_media_resolution(MediaResolution::Low)
        .set_seed(4)
        .set_speech_config(SpeechConfig::new().set_language_code("en-US"))
        .set_thinking_config(ThinkingConfig::new().set_thinking_budget(7))
        .set_enable_affective_dialog(true)
        .set_system_instruction(said())
        .set_tools([Tool::new()])
        .set_session_resumption(resumption)
        .set_input_audio_transcription(transcription())
        .set_output_audio_transcription(transcription())
        .set_realtime_input_config(realtime)
        .set_context_window_compression(compression)
        .set_proactivity(proactivity)
        .set_explicit_vad_signal(true)
        .set_history_config(history)
        .set_avatar_config(avatar)
        .set_safety_settings([SafetySetting::new()])
        .set_translation_config(TranslationConfig::new().set_echo_target_language(true))
        .set_labels([("k", "v")]);
    let expected = with(json!({
        "generationConfig": {"seed": 3}, "responseModalities": ["AUDIO"], "temperature": 0.5,
        "topP": 0.25, "topK": 8.0, "maxOutputTokens": 100, "seed": 4,
        "mediaResolution": "MEDIA_RESOLUTION_LOW", "speechConfig": {"languageCode": "en-US"},
        "thinkingConfig": {"thinkingBudget": 7}, "enableAffectiveDialog": true,
        "translationConfig": {"echoTargetLanguage": true},
    }));
    is(&config, expected.clone());
    let parameters = LiveConnectParameters::new()
        .set_model("m")
        .set_config(config);
    is(&parameters, json!({"model": "m", "config": expected}));
}

#[test]
fn what_the_client_says() {
    let content = LiveClientContent::new()
        .set_turns([said()])
        .set_turn_complete(true);
    let content_json = json!({"turns": [said_json()], "turnComplete": true});
    is(&content, content_json.clone());
    let input = LiveClientRealtimeInput::new()
        .set_media_chunks([blob()])
        .set_audio(blob())
        .set_audio_stream_end(true)
        .set_video(blob())
        .set_text("t")
        .set_activity_start(ActivityStart::new())
        .set_activity_end(ActivityEnd::new());
    let input_json = json!({"mediaChunks": [blob_json()], "audio": blob_json(), "text": "t",
        "audioStreamEnd": true, "video": blob_json(), "activityStart": {}, "activityEnd": {}});
    is(&input, input_json.clone());
    let sent = LiveSendRealtimeInputParameters::new()
        .set_media(blob())
        .set_audio(blob())
        .set_audio_stream_end(true)
        .set_video(blob())
        .set_text("t")
        .set_activity_start(ActivityStart::new())
        .set_activity_end(ActivityEnd::new());
    let sent_json = json!({"media": blob_json(), "audio": blob_json(), "audioStreamEnd": true,
        "video": blob_json(), "text": "t", "activityStart": {}, "activityEnd": {}});
    is(&sent, sent_json);
    let response = FunctionResponse::new().set_id("1");
    let response = LiveClientToolResponse::new().set_function_responses([response]);
    let response_json = json!({"functionResponses": [{"id": "1"}]});
    is(&response, response_json.clone());
    let tools = LiveClientContextUpdateTools::new().set_tools([Tool::new()]);
    is(&tools, json!({"tools": [{}]}));
    let update = LiveClientContextUpdate::new()
        .set_system_instruction(said())
        .set_tools(tools);
    let update_json = json!({"systemInstruction": said_json(), "tools": {"tools": [{}]}});
    is(&update, update_json.clone());
    let message = LiveClientMessage::new()
        .set_setup(LiveClientSetup::new())
        .set_client_content(content)
        .set_realtime_input(input)
        .set_tool_response(response)
        .set_context_update(update);
    let message_json = json!({"setup": {}, "clientContent": content_json,
        "realtimeInput": input_json, "toolResponse": response_json, "contextUpdate": update_json});
    is(&message, message_json);
}

#[test]
fn what_the_server_says() {
    let signature = VoiceConsentSignature::new().set_signature("s");
    let begun = LiveServerSetupComplete::new()
        .set_session_id("i")
        .set_voice_consent_signature(signature);
    let content = LiveServerContent::new()
        .set_model_turn(said())
        .set_turn_complete(true)
        .set_interrupted(false)
        .set_grounding_metadata(GroundingMetadata::new())
        .set_generation_complete(true)
        .set_input_transcription(Transcription::new().set_text("a"))
        .set_output_transcription(Transcription::new().set_finished(true))
        .set_url_context_metadata(UrlContextMetadata::new())
        .set_turn_complete_reason(TurnCompleteReason::NeedMoreInput)
        .set_waiting_for_input(true)
        .set_interim_input_transcription(Transcription::new())
        .set_interaction_status(InteractionStatus::Idle);
    let call = FunctionCall::new().set_id("1").set_name("f");
    let update = LiveServerSessionResumptionUpdate::new()
        .set_new_handle("h")
        .set_resumable(true)
        .set_last_consumed_client_message_index(12);
    let signal =
        VoiceActivityDetectionSignal::new().set_vad_signal_type(VadSignalType::EndOfSpeech);
    let activity = VoiceActivity::new()
        .set_voice_activity_type(VoiceActivityType::ActivityStart)
        .set_audio_offset("1.5s");
    let message = LiveServerMessage::new()
        .set_setup_complete(begun)
        .set_server_content(content)
        .set_tool_call(LiveServerToolCall::new().set_function_calls([call]))
        .set_tool_call_cancellation(LiveServerToolCallCancellation::new().set_ids(["1"]))
        .set_usage_metadata(UsageMetadata::new().set_total_token_count(3))
        .set_go_away(LiveServerGoAway::new().set_time_left("9s"))
        .set_session_resumption_update(update)
        .set_voice_activity_detection_signal(signal)
        .set_voice_activity(activity);
    let written = serde_json::to_value(&message).unwrap();
    let index = &written["sessionResumptionUpdate"]["lastConsumedClientMessageIndex"];
    is(
        &message,
        json!({
            "setupComplete": {"sessionId": "i", "voiceConsentSignature": {"signature": "s"}},
            "serverContent": {"modelTurn": said_json(), "turnComplete": true,
                "interrupted": false, "groundingMetadata": {}, "generationComplete": true,
                "inputTranscription": {"text": "a"}, "outputTranscription": {"finished": true},
                "urlContextMetadata": {}, "turnCompleteReason": "NEED_MORE_INPUT",
                "waitingForInput": true, "interimInputTranscription": {},
                "interactionStatus": "IDLE"},
            "toolCall": {"functionCalls": [{"id": "1", "name": "f"}]},
            "toolCallCancellation": {"ids": ["1"]},
            "usageMetadata": {"totalTokenCount": 3},
            "goAway": {"timeLeft": "9s"},
            "sessionResumptionUpdate": {"newHandle": "h", "resumable": true,
                "lastConsumedClientMessageIndex": index},
            "voiceActivityDetectionSignal": {"vadSignalType": "VAD_SIGNAL_TYPE_EOS"},
            "voiceActivity": {"type": "ACTIVITY_START", "audioOffset": "1.5s"},
        }),
    );
    let text = r#"{"sessionResumptionUpdate": {"lastConsumedClientMessageIndex": "12"}}"#;
    let read: LiveServerMessage = serde_json::from_str(text).unwrap();
    let update = read.session_resumption_update.unwrap();
    assert_eq!(update.last_consumed_client_message_index, Some(12));
}

#[test]
fn music() {
    let prompt = || WeightedPrompt::new().set_text("harp").set_weight(0.5);
    let prompts = || LiveMusicClientContent::new().set_weighted_prompts([prompt()]);
    let prompts_json = || json!({"weightedPrompts": [{"text": "harp", "weight": 0.5}]});
    let config = || {
        LiveMusicGenerationConfig::new()
            .set_temperature(1.5)
            .set_top_k(40)
            .set_seed(3)
            .set_guidance(4.5)
            .set_bpm(90)
            .set_density(0.25)
            .set_brightness(0.75)
            .set_scale(Scale::CMajorAMinor)
            .set_mute_bass(true)
            .set_mute_drums(false)
            .set_only_bass_and_drums(true)
            .set_music_generation_mode(MusicGenerationMode::Diversity)
    };
    let config_json = || {
        json!({"temperature": 1.5, "topK": 40, "seed": 3, "guidance": 4.5, "bpm": 90,
            "density": 0.25, "brightness": 0.75, "scale": "C_MAJOR_A_MINOR", "muteBass": true,
            "muteDrums": false, "onlyBassAndDrums": true, "musicGenerationMode": "DIVERSITY"})
    };
    let message = LiveMusicClientMessage::new()
        .set_setup(LiveMusicClientSetup::new().set_model("m"))
        .set_client_content(prompts())
        .set_music_generation_config(config())
        .set_playback_control(LiveMusicPlaybackControl::Pause);
    is(
        &message,
        json!({"setup": {"model": "m"}, "clientContent": prompts_json(),
            "musicGenerationConfig": config_json(), "playbackControl": "PAUSE"}),
    );
    is(
        &LiveMusicConnectParameters::new().set_model("m"),
        json!({"model": "m"}),
    );
    let set = LiveMusicSetConfigParameters::new().set_music_generation_config(config());
    is(&set, json!({"musicGenerationConfig": config_json()}));
    let set = LiveMusicSetWeightedPromptsParameters::new().set_weighted_prompts([prompt()]);
    is(&set, prompts_json());

    let source = LiveMusicSourceMetadata::new()
        .set_client_content(prompts())
        .set_music_generation_config(config());
    let chunk = AudioChunk::new()
        .set_data(vec![1])
        .set_mime_type("audio/l16")
        .set_source_metadata(source);
    let filtered = LiveMusicFilteredPrompt::new()
        .set_text("x")
        .set_filtered_reason("y");
    let message = LiveMusicServerMessage::new()
        .set_setup_complete(LiveMusicServerSetupComplete::new())
        .set_server_content(LiveMusicServerContent::new().set_audio_chunks([chunk]))
        .set_filtered_prompt(filtered);
    let source = json!({"clientContent": prompts_json(), "musicGenerationConfig": config_json()});
    let chunk = json!({"data": "AQ==", "mimeType": "audio/l16", "sourceMetadata": source});
    is(
        &message,
        json!({"setupComplete": {}, "serverContent": {"audioChunks": [chunk]},
            "filteredPrompt": {"text": "x", "filteredReason": "y"}}),
    );
}
