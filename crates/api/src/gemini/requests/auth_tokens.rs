//! Requests on ephemeral tokens.

use gimmal_transport::{Error, Idempotency, Request};
use gimmal_types::gemini::{
    CreateAuthTokenConfig, GenerationConfig, LiveConnectConfig, LiveConnectConstraints,
};
use http::Method;

#[cfg(test)]
use crate::gemini::live::{CONTENT, RESUMPTION, SAFETY};
use crate::gemini::live::{LIVE, with_one_generation_config};
use crate::gemini::mapping::Body;
#[cfg(test)]
use crate::gemini::mapping::Table;
use crate::gemini::names::model_path;
use crate::gemini::{Backend, Endpoint, fields};

table! {
    /// `CreateAuthTokenConfig` on the developer API; constraints and mask are made of the rest.
    TOKEN of "CreateAuthTokenConfig" {
        "expire_time" => "expireTime",
        "new_session_expire_time" => "newSessionExpireTime",
        "uses" => "uses",
    }
}
#[cfg(test)]
pub(super) const TABLES: &[&Table] = &[&TOKEN, &LIVE, &CONTENT, &SAFETY, &RESUMPTION];

/// Builds an `auth_tokens.create` request.
///
/// # Errors
///
/// Fails on Vertex, on a bad model name, and on fields that the developer API does not have.
pub fn create_auth_token(
    endpoint: &Endpoint,
    config: &CreateAuthTokenConfig,
) -> Result<Request, Error> {
    endpoint.require(Backend::GeminiApi, "auth_tokens.create")?;
    // What stands in a generation configuration as a whole goes out as it is, unseen.
    fields::check_except(endpoint.backend(), config, "generationConfig")?;
    let none = LiveConnectConstraints::default();
    let constraints = config.live_connect_constraints.as_deref().unwrap_or(&none);
    let live = constraints
        .config
        .as_deref()
        .map(with_one_generation_config);
    let mut setup = Body::default();
    if let Some(model) = &constraints.model {
        setup.set("model", model_path(endpoint.backend(), model)?);
    }
    if let Some(live) = &live {
        setup.route(&LIVE, &**live);
    }
    let mask = config
        .lock_additional_fields
        .as_deref()
        .map(|more| mask(&setup, live.as_deref(), more));

    let mut body = Body::of(&TOKEN, config);
    if !setup.is_empty() {
        body.put_object("bidiGenerateContentSetup", setup);
    }
    if let Some(mask) = mask.filter(|mask| !mask.is_empty()) {
        body.set("fieldMask", mask);
    }
    let request = Request::new(Method::POST, endpoint.url("auth_tokens"))
        .with_idempotency(Idempotency::NotIdempotent);
    if body.is_empty() {
        return Ok(request);
    }
    Ok(request.with_json_body(body.into_bytes()?))
}

/// What the user of the token cannot choose: what the setup sets, one level deep, and `more`.
///
/// A generation configuration that was given as a whole is fixed as a whole.
fn mask(setup: &Body<'_>, live: Option<&LiveConnectConfig>, more: &[String]) -> String {
    let mut paths = Vec::new();
    for name in setup.names() {
        let members: Vec<String> = match (name, live) {
            ("labels", Some(live)) => live.labels.keys().cloned().collect(),
            _ => setup.members(name).map(str::to_owned).collect(),
        };
        if members.is_empty() {
            paths.push(name.to_owned());
        }
        paths.extend(members.iter().map(|member| format!("{name}.{member}")));
    }
    for field in more {
        let field = camel(field);
        let of_generation = GenerationConfig::FIELDS.contains(&field.as_str());
        let prefix = if of_generation {
            "generationConfig."
        } else {
            ""
        };
        let path = format!("{prefix}{field}");
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    paths.join(",")
}

/// `snake_case` as `camelCase`, which is how masks are written in JSON.
fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let mut out = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        out.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        out.push_str(letters.as_str());
    }
    out
}

#[cfg(test)]
mod tests {
    use gimmal_types::gemini::{Content, Modality, SessionResumptionConfig};
    use serde_json::{Value, json};

    use super::*;

    fn body(config: &CreateAuthTokenConfig) -> Value {
        let endpoint = Endpoint::gemini_api().build().unwrap();
        let request = create_auth_token(&endpoint, config).unwrap();
        serde_json::from_slice(request.body()).unwrap_or_default()
    }

    fn constrained(config: LiveConnectConfig) -> CreateAuthTokenConfig {
        let constraints = LiveConnectConstraints::new()
            .set_model("live")
            .set_config(config);
        CreateAuthTokenConfig::new().set_live_connect_constraints(constraints)
    }

    #[test]
    fn without_a_list_everything_is_fixed() {
        let config = constrained(LiveConnectConfig::new().set_temperature(0.5));
        assert_eq!(
            body(&config.set_uses(3)),
            json!({"uses": 3, "bidiGenerateContentSetup": {
                "model": "models/live", "generationConfig": {"temperature": 0.5}}})
        );
        assert_eq!(body(&CreateAuthTokenConfig::new()), Value::Null);
    }

    #[test]
    fn a_list_fixes_what_is_set_and_what_it_names() {
        let live = LiveConnectConfig::new()
            .set_temperature(0.5)
            .set_response_modalities([Modality::Text])
            .set_system_instruction(Content::user("s"))
            .set_session_resumption(SessionResumptionConfig::new())
            .set_labels([("a_b", "c")]);
        let mask = |more: &[&str]| {
            let more: Vec<String> = more.iter().map(ToString::to_string).collect();
            body(&constrained(live.clone()).set_lock_additional_fields(more))["fieldMask"].clone()
        };
        let set = "model,generationConfig.responseModalities,generationConfig.temperature,\
                   systemInstruction.parts,systemInstruction.role,sessionResumption,labels.a_b";
        assert_eq!(mask(&[]), set);
        assert_eq!(
            mask(&["top_k", "temperature", "output_audio_transcription"]),
            format!("{set},generationConfig.topK,outputAudioTranscription")
        );
    }

    #[test]
    fn a_whole_generation_config_takes_the_flat_fields_in() {
        let generation = GenerationConfig::new().set_temperature(1.0).set_logprobs(2);
        let live = LiveConnectConfig::new()
            .set_generation_config(generation)
            .set_temperature(0.5);
        let body = body(&constrained(live).set_lock_additional_fields(Vec::new()));
        assert_eq!(
            body["bidiGenerateContentSetup"]["generationConfig"],
            json!({"temperature": 0.5, "logprobs": 2})
        );
        assert_eq!(body["fieldMask"], "model,generationConfig");
    }

    #[test]
    fn what_the_backend_lacks_is_refused() {
        let config = constrained(LiveConnectConfig::new().set_explicit_vad_signal(true));
        let developer = Endpoint::gemini_api().build().unwrap();
        let error = create_auth_token(&developer, &config).unwrap_err();
        assert_eq!(
            error.field(),
            Some("liveConnectConstraints.config.explicitVadSignal")
        );
        let vertex = Endpoint::vertex().build().unwrap();
        let error = create_auth_token(&vertex, &config).unwrap_err();
        assert_eq!(
            error.to_string(),
            "invalid `backend`: auth_tokens.create is not available on Vertex AI"
        );
    }
}
