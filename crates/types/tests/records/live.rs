//! Sessions over sockets: what is sent, what comes back, and music.

use gimmal_types::gemini::{
    AudioChunk, AuthToken, CreateAuthTokenConfig, LiveClientContent, LiveClientContextUpdate,
    LiveClientContextUpdateTools, LiveClientRealtimeInput, LiveClientSetup, LiveConnectConfig,
    LiveConnectParameters, LiveMusicClientMessage, LiveMusicClientSetup,
    LiveMusicConnectParameters, LiveMusicFilteredPrompt, LiveMusicGenerationConfig,
    LiveMusicServerMessage, LiveMusicSetConfigParameters, LiveMusicSetWeightedPromptsParameters,
    LiveMusicSourceMetadata, LiveSendRealtimeInputParameters, LiveServerContent, LiveServerGoAway,
    LiveServerMessage, LiveServerSessionResumptionUpdate, LiveServerSetupComplete,
    LiveServerToolCall, LiveServerToolCallCancellation, VoiceActivityDetectionSignal,
};
use serde_json::json;

use crate::support::fills;

#[test]
fn setting_up() {
    fills::<LiveConnectConfig>(
        json!({"generationConfig": {}, "responseModalities": ["TEXT"], "temperature": 0.5, "topP": 0.5, "topK": 0.5, "maxOutputTokens": 7, "mediaResolution": "MEDIA_RESOLUTION_LOW", "seed": 7, "speechConfig": {}, "thinkingConfig": {}, "enableAffectiveDialog": true, "systemInstruction": {}, "tools": [{}], "sessionResumption": {}, "inputAudioTranscription": {}, "outputAudioTranscription": {}, "realtimeInputConfig": {}, "contextWindowCompression": {}, "proactivity": {}, "explicitVadSignal": true, "historyConfig": {}, "avatarConfig": {}, "safetySettings": [{}], "translationConfig": {}, "labels": {"k": "x"}}),
    );
    fills::<LiveConnectParameters>(json!({"model": "x", "config": {}}));
    fills::<AuthToken>(
        json!({"name": "x", "expireTime": "x", "newSessionExpireTime": "x", "uses": 7}),
    );
    fills::<CreateAuthTokenConfig>(
        json!({"expireTime": "2026-01-02T03:04:05Z", "newSessionExpireTime": "2026-01-02T03:04:05Z", "uses": 7, "liveConnectConstraints": {}, "lockAdditionalFields": ["x"]}),
    );
}

#[test]
fn what_is_sent() {
    fills::<LiveClientContent>(json!({"turns": [{}], "turnComplete": true}));
    fills::<LiveClientContextUpdate>(json!({"systemInstruction": {}, "tools": {}}));
    fills::<LiveClientContextUpdateTools>(json!({"tools": [{}]}));
    fills::<LiveClientRealtimeInput>(
        json!({"mediaChunks": [{}], "audio": {}, "audioStreamEnd": true, "video": {}, "text": "x", "activityStart": {}, "activityEnd": {}}),
    );
    fills::<LiveClientSetup>(
        json!({"model": "x", "generationConfig": {}, "systemInstruction": {}, "tools": [{}], "sessionResumption": {}, "contextWindowCompression": {}, "inputAudioTranscription": {}, "outputAudioTranscription": {}, "realtimeInputConfig": {}, "proactivity": {}, "explicitVadSignal": true, "historyConfig": {}, "avatarConfig": {}, "safetySettings": [{}], "labels": {"k": "x"}}),
    );
    fills::<LiveSendRealtimeInputParameters>(
        json!({"media": {}, "audio": {}, "audioStreamEnd": true, "video": {}, "text": "x", "activityStart": {}, "activityEnd": {}}),
    );
}

#[test]
fn what_comes_back() {
    fills::<LiveServerContent>(
        json!({"modelTurn": {}, "turnComplete": true, "interrupted": true, "groundingMetadata": {}, "generationComplete": true, "inputTranscription": {}, "outputTranscription": {}, "urlContextMetadata": {}, "turnCompleteReason": "MALFORMED_FUNCTION_CALL", "waitingForInput": true, "interimInputTranscription": {}, "interactionStatus": "IN_PROGRESS"}),
    );
    fills::<LiveServerGoAway>(json!({"timeLeft": "x"}));
    fills::<LiveServerMessage>(
        json!({"setupComplete": {}, "serverContent": {}, "toolCall": {}, "toolCallCancellation": {}, "usageMetadata": {}, "goAway": {}, "sessionResumptionUpdate": {}, "voiceActivityDetectionSignal": {}, "voiceActivity": {}}),
    );
    fills::<LiveServerSessionResumptionUpdate>(
        json!({"newHandle": "x", "resumable": true, "lastConsumedClientMessageIndex": 7}),
    );
    fills::<LiveServerSetupComplete>(json!({"sessionId": "x", "voiceConsentSignature": {}}));
    fills::<LiveServerToolCall>(json!({"functionCalls": [{}]}));
    fills::<LiveServerToolCallCancellation>(json!({"ids": ["x"]}));
    fills::<VoiceActivityDetectionSignal>(json!({"vadSignalType": "VAD_SIGNAL_TYPE_SOS"}));
}

#[test]
fn music() {
    fills::<AudioChunk>(json!({"data": "AQID", "mimeType": "x", "sourceMetadata": {}}));
    fills::<LiveMusicClientMessage>(
        json!({"setup": {}, "clientContent": {}, "musicGenerationConfig": {}, "playbackControl": "PLAY"}),
    );
    fills::<LiveMusicClientSetup>(json!({"model": "x"}));
    fills::<LiveMusicConnectParameters>(json!({"model": "x"}));
    fills::<LiveMusicFilteredPrompt>(json!({"text": "x", "filteredReason": "x"}));
    fills::<LiveMusicGenerationConfig>(
        json!({"temperature": 0.5, "topK": 7, "seed": 7, "guidance": 0.5, "bpm": 7, "density": 0.5, "brightness": 0.5, "scale": "C_MAJOR_A_MINOR", "muteBass": true, "muteDrums": true, "onlyBassAndDrums": true, "musicGenerationMode": "QUALITY"}),
    );
    fills::<LiveMusicServerMessage>(
        json!({"setupComplete": {}, "serverContent": {}, "filteredPrompt": {}}),
    );
    fills::<LiveMusicSetConfigParameters>(json!({"musicGenerationConfig": {}}));
    fills::<LiveMusicSetWeightedPromptsParameters>(json!({"weightedPrompts": [{}]}));
    fills::<LiveMusicSourceMetadata>(json!({"clientContent": {}, "musicGenerationConfig": {}}));
}
