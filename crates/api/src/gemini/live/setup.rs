//! The opening of a Live session: its address, and its first message.

use std::borrow::Cow;

use bytes::Bytes;
use gimmal_transport::{Error, Request};
use gimmal_types::gemini::{LiveConnectConfig, Modality, Tool};
use http::Method;

use super::tables::{LIVE, LIVE_VERTEX};
use crate::gemini::mapping::Body;
use crate::gemini::names::{cached_content_model, model_path};
use crate::gemini::{Backend, Endpoint, fields};

/// The request that opens a Live session, before anything is said on it.
pub fn live(endpoint: &Endpoint) -> Request {
    let method = if endpoint.has_ephemeral_token() {
        "BidiGenerateContentConstrained"
    } else {
        "BidiGenerateContent"
    };
    Request::new(Method::GET, endpoint.socket(method))
}

/// The first message of a Live session: model and settings.
///
/// On Vertex the model stands in its project, where there is one, and replies are spoken unless
/// the settings say otherwise.
///
/// # Errors
///
/// Fails on a bad model name, on fields that the backend does not have, and on several speakers,
/// which Live does not know.
pub fn live_setup(
    endpoint: &Endpoint,
    model: &str,
    config: &LiveConnectConfig,
) -> Result<Bytes, Error> {
    let backend = endpoint.backend();
    // What stands in a generation configuration as a whole goes to the developer API as it is.
    match backend {
        Backend::GeminiApi => fields::check_except(backend, config, "generationConfig")?,
        Backend::Vertex => fields::check(backend, config)?,
    }
    let speech = config.speech_config.as_ref();
    if speech.is_some_and(|speech| speech.multi_speaker_voice_config.is_some()) {
        return Err(Error::invalid(
            "speechConfig.multiSpeakerVoiceConfig",
            "is not available in Live; set one voice",
        ));
    }

    let config = prepared(config);
    let mut setup = Body::default();
    let (table, model) = match backend {
        Backend::GeminiApi => (&LIVE, model_path(backend, model)?),
        Backend::Vertex => (&LIVE_VERTEX, cached_content_model(endpoint, model)?),
    };
    setup.set("model", model);
    setup.route(table, &*config);
    if endpoint.parent().is_some() && modalities(&config).is_empty() {
        setup.set(
            "generationConfig.responseModalities",
            serde_json::json!(["AUDIO"]),
        );
    }
    let mut message = Body::default();
    message.put_object("setup", setup);
    message.into_bytes()
}

fn modalities(config: &LiveConnectConfig) -> &[Modality] {
    let generation = config.generation_config.as_ref();
    match generation {
        Some(generation) if config.response_modalities.is_empty() => {
            &generation.response_modalities
        }
        _ => &config.response_modalities,
    }
}

/// The settings as they are routed: one generation configuration, functions in one tool. Copied
/// only when something changes.
fn prepared(config: &LiveConnectConfig) -> Cow<'_, LiveConnectConfig> {
    let mut config = with_one_generation_config(config);
    if !Tool::are_merged(&config.tools) {
        let tools = std::mem::take(&mut config.to_mut().tools);
        config.to_mut().tools = Tool::merge_function_declarations(tools);
    }
    config
}

/// The configuration with its flat fields inside of its `generation_config`, when it has both.
pub(in crate::gemini) fn with_one_generation_config(
    config: &LiveConnectConfig,
) -> Cow<'_, LiveConnectConfig> {
    if config.generation_config.is_none() {
        return Cow::Borrowed(config);
    }
    let mut config = config.clone();
    let Some(generation) = config.generation_config.as_deref_mut() else {
        return Cow::Owned(config);
    };
    macro_rules! move_into {
        ($($optional:ident),* ; $($list:ident),*) => {
            $(if let Some(value) = config.$optional.take() {
                generation.$optional = Some(value);
            })*
            $(if !config.$list.is_empty() {
                generation.$list = std::mem::take(&mut config.$list);
            })*
        };
    }
    move_into!(
        temperature, top_p, top_k, max_output_tokens, media_resolution, seed, speech_config,
        thinking_config, enable_affective_dialog, translation_config;
        response_modalities
    );
    Cow::Owned(config)
}

#[cfg(test)]
mod tests {
    use gimmal_types::gemini::{
        Content, FunctionDeclaration, GenerationConfig, MultiSpeakerVoiceConfig,
        SessionResumptionConfig, SpeechConfig, ToolCodeExecution,
    };
    use serde_json::{Value, json};

    use super::*;

    fn developer() -> Endpoint {
        Endpoint::gemini_api().build().unwrap()
    }

    fn vertex() -> Endpoint {
        let endpoint = Endpoint::vertex().with_project("p").with_location("l");
        endpoint.build().unwrap()
    }

    fn setup(endpoint: &Endpoint, config: &LiveConnectConfig) -> Value {
        let message = live_setup(endpoint, "live-1", config).unwrap();
        serde_json::from_slice::<Value>(&message).unwrap()["setup"].clone()
    }

    #[test]
    fn the_method_follows_the_credential() {
        let path = |endpoint: &Endpoint| live(endpoint).url().path().to_owned();
        assert_eq!(
            path(&developer()),
            "/ws/google.ai.generativelanguage.v1.GenerativeService.BidiGenerateContent"
        );
        let token = Endpoint::gemini_api().with_ephemeral_token().build();
        assert_eq!(
            path(&token.unwrap()),
            "/ws/google.ai.generativelanguage.v1alpha.GenerativeService.BidiGenerateContentConstrained"
        );
        assert_eq!(
            path(&vertex()),
            "/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent"
        );
    }

    #[test]
    fn nothing_but_the_model_is_a_setup() {
        let config = LiveConnectConfig::new();
        assert_eq!(
            setup(&developer(), &config),
            json!({"model": "models/live-1"})
        );
        assert_eq!(
            setup(&vertex(), &config),
            json!({"model": "projects/p/locations/l/publishers/google/models/live-1",
                "generationConfig": {"responseModalities": ["AUDIO"]}})
        );
        let express = Endpoint::vertex().build().unwrap();
        assert_eq!(
            setup(&express, &config),
            json!({"model": "publishers/google/models/live-1"})
        );
    }

    #[test]
    fn settings_go_to_their_places() {
        let function = |name: &str| FunctionDeclaration::new().set_name(name);
        let config = LiveConnectConfig::new()
            .set_response_modalities([Modality::Text])
            .set_temperature(0.5)
            .set_system_instruction(Content::user("be brief"))
            .set_session_resumption(SessionResumptionConfig::new().set_handle("h"))
            .set_tools([
                Tool::new().set_function_declarations([function("a")]),
                Tool::new().set_code_execution(ToolCodeExecution::new()),
                Tool::new().set_function_declarations([function("b")]),
            ])
            .set_labels([("k", "v")]);
        let expected = |model: &str| {
            json!({"model": model,
                "generationConfig": {"responseModalities": ["TEXT"], "temperature": 0.5},
                "systemInstruction": {"parts": [{"text": "be brief"}], "role": "user"},
                "tools": [{"codeExecution": {}},
                    {"functionDeclarations": [{"name": "a"}, {"name": "b"}]}],
                "sessionResumption": {"handle": "h"},
                "labels": {"k": "v"}})
        };
        assert_eq!(setup(&developer(), &config), expected("models/live-1"));
        assert_eq!(
            setup(&vertex(), &config),
            expected("projects/p/locations/l/publishers/google/models/live-1")
        );
    }

    #[test]
    fn a_generation_config_and_flat_fields_are_one() {
        let generation = GenerationConfig::new()
            .set_temperature(1.0)
            .set_response_modalities([Modality::Text]);
        let config = LiveConnectConfig::new()
            .set_generation_config(generation)
            .set_temperature(0.25);
        assert_eq!(
            setup(&vertex(), &config)["generationConfig"],
            json!({"temperature": 0.25, "responseModalities": ["TEXT"]})
        );
    }

    #[test]
    fn what_live_does_not_know_is_refused() {
        let refused = |endpoint: &Endpoint, config: &LiveConnectConfig| {
            let error = live_setup(endpoint, "m", config).unwrap_err();
            error.field().map(str::to_owned)
        };
        let signal = LiveConnectConfig::new().set_explicit_vad_signal(true);
        assert_eq!(
            refused(&developer(), &signal).as_deref(),
            Some("explicitVadSignal")
        );
        assert_eq!(setup(&vertex(), &signal)["explicitVadSignal"], true);
        let resumption = SessionResumptionConfig::new().set_transparent(true);
        let transparent = LiveConnectConfig::new().set_session_resumption(resumption);
        assert_eq!(
            refused(&developer(), &transparent).as_deref(),
            Some("sessionResumption.transparent")
        );
        assert_eq!(
            setup(&vertex(), &transparent)["sessionResumption"],
            json!({"transparent": true})
        );
        let speakers =
            SpeechConfig::new().set_multi_speaker_voice_config(MultiSpeakerVoiceConfig::new());
        let speakers = LiveConnectConfig::new().set_speech_config(speakers);
        for endpoint in [developer(), vertex()] {
            assert_eq!(
                refused(&endpoint, &speakers).as_deref(),
                Some("speechConfig.multiSpeakerVoiceConfig")
            );
        }
        assert!(live_setup(&developer(), "", &LiveConnectConfig::new()).is_err());
    }
}
