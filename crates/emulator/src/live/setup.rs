//! The first message of a session: which model, in which form it replies, and what is sent beside
//! its replies.

use serde_json::{Map, Value};

use crate::{
    gemini::{
        errors::ApiError,
        fields::{self, list, object, string},
        tools,
    },
    live::{close::Close, hearing::Detection},
    route::{Backend, Target},
};

/// In which form the model replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Speech,
}

/// What a session is set up with.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    pub(super) form: Form,
    pub(super) detection: Detection,
    /// What the user says is written down.
    pub(super) writes_input: bool,
    /// What the model says is written down.
    pub(super) writes_output: bool,
    /// The client wants handles to go on with.
    pub(super) resumes: bool,
    /// The handle to go on with.
    pub(super) handle: Option<String>,
    /// Which messages were read is told along with handles; Vertex only.
    pub(super) transparent: bool,
    /// Signals are sent when speech begins and ends; Vertex only.
    pub(super) signals: bool,
    /// The first content is what was said before, and is not answered.
    pub(super) history_first: bool,
    pub(super) system: Option<Value>,
    pub(super) tools: Option<Value>,
    /// What of the generation configuration an answer depends on.
    pub(super) generation: Value,
}

/// What of a generation configuration goes into the making of a turn.
const GENERATION: [&str; 6] = [
    "maxOutputTokens",
    "seed",
    "temperature",
    "thinkingConfig",
    "topK",
    "topP",
];

impl Setup {
    /// Reads the setup, whose model is then the resource of `target`.
    pub(super) fn read(setup: &Map<String, Value>, target: &mut Target) -> Result<Self, Close> {
        let backend = target.backend;
        fields::LIVE_SETUP.check(setup, "setup", backend)?;
        let model = string(setup, "model", "setup")?.unwrap_or_default();
        target.resource = model_of(model, target)?;
        let empty = Map::new();
        let generation = object(setup, "generationConfig", "setup")?.unwrap_or(&empty);
        let at = "setup.generation_config";
        fields::GENERATION_CONFIG.check(generation, at, backend)?;
        let resumption = object(setup, "sessionResumption", "setup")?;
        let handle = match resumption {
            Some(resumption) => string(resumption, "handle", "setup.session_resumption")?,
            None => None,
        };
        let flag = |object: Option<&Map<String, Value>>, name: &str| {
            object
                .and_then(|object| object.get(name))
                .and_then(Value::as_bool)
                == Some(true)
        };
        let present = |name: &str| setup.get(name).filter(|value| !value.is_null());
        let tools = present("tools");
        tools::functions(tools, "BidiGenerateContentSetup")?;
        let kept = generation
            .iter()
            .filter(|(name, _)| GENERATION.contains(&name.as_str()));
        Ok(Self {
            form: form(generation, &target.resource)?,
            detection: Detection::read(setup)?,
            writes_input: present("inputAudioTranscription").is_some(),
            writes_output: present("outputAudioTranscription").is_some(),
            resumes: resumption.is_some(),
            handle: handle
                .filter(|handle| !handle.is_empty())
                .map(str::to_owned),
            transparent: backend == Backend::Vertex && flag(resumption, "transparent"),
            signals: flag(Some(setup), "explicitVadSignal"),
            history_first: flag(
                object(setup, "historyConfig", "setup")?,
                "initialHistoryInClientContent",
            ),
            system: present("systemInstruction").cloned(),
            tools: tools.cloned(),
            generation: kept
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect::<Map<_, _>>()
                .into(),
        })
    }
}

/// The model's own name, out of the full one that each service wants.
fn model_of(name: &str, target: &mut Target) -> Result<String, ApiError> {
    let malformed = || {
        ApiError::invalid_argument(format!(
            "* BidiGenerateContentSetup.model: unexpected model name format: {name}\n"
        ))
    };
    let mut rest = name;
    if target.backend == Backend::Vertex {
        if let ["projects", project, "locations", location, tail] =
            rest.splitn(5, '/').collect::<Vec<_>>().as_slice()
        {
            target.parent = Some(format!("projects/{project}/locations/{location}"));
            rest = tail;
        }
        rest = rest
            .strip_prefix("publishers/google/")
            .ok_or_else(malformed)?;
    }
    let model = rest.strip_prefix("models/").ok_or_else(malformed)?;
    Ok(model.to_owned())
}

/// The one form that replies have: speech unless text is asked for.
fn form(generation: &Map<String, Value>, model: &str) -> Result<Form, Close> {
    let forms: Vec<&str> = list(generation, "responseModalities")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    match forms.as_slice() {
        [] | ["AUDIO"] => Ok(Form::Speech),
        ["TEXT"] if model.contains("native-audio") => Err(Close::invalid(
            "Cannot extract voices from a non-audio request.",
        )),
        ["TEXT"] => Ok(Form::Text),
        [_] => Err(Close::invalid("Request contains an invalid argument.")),
        _ => Err(Close::invalid(
            "At most one response modality can be specified in the setup request. To enable \
             simultaneous transcription and audio output, enable audio output transcription \
             instead.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Method;
    use serde_json::json;

    const DEVELOPER: &str =
        "/ws/google.ai.generativelanguage.v1.GenerativeService.BidiGenerateContent";
    const VERTEX: &str = "/ws/google.cloud.aiplatform.v1.LlmBidiService/BidiGenerateContent";

    fn read(path: &str, setup: Value) -> Result<(Setup, Target), Close> {
        let mut target = Target::parse(&Method::GET, path);
        let setup = Setup::read(setup.as_object().expect("an object"), &mut target)?;
        Ok((setup, target))
    }

    #[test]
    fn the_model_is_named_as_each_service_names_it() {
        let (setup, target) = read(DEVELOPER, json!({"model": "models/m"})).expect("read");
        assert_eq!((target.resource.as_str(), setup.form), ("m", Form::Speech));
        let full = "projects/p/locations/l/publishers/google/models/m";
        let (_, target) = read(VERTEX, json!({ "model": full })).expect("read");
        assert_eq!(target.resource, "m");
        assert_eq!(target.parent.as_deref(), Some("projects/p/locations/l"));
        let express = json!({"model": "publishers/google/models/m"});
        assert!(read(VERTEX, express.clone()).is_ok());
        for (path, setup) in [
            (DEVELOPER, json!({})),
            (DEVELOPER, json!({"model": "m"})),
            (DEVELOPER, express),
            (VERTEX, json!({"model": "models/m"})),
        ] {
            let close = read(path, setup).expect_err("refused");
            assert_eq!(close.code, 1007);
            assert!(close.reason.contains("unexpected model name format"));
        }
    }

    #[test]
    fn what_cannot_be_is_refused_in_the_services_words() {
        let cases = [
            (json!({"speed": 1}), "Unknown name \"speed\" at 'setup'"),
            (
                json!({"explicitVadSignal": true}),
                "Unknown name \"explicitVadSignal\"",
            ),
            (
                json!({"generationConfig": {"responseModalities": ["TEXT", "AUDIO"]}}),
                "At most one response modality",
            ),
            (
                json!({"generationConfig": {"responseModalities": ["IMAGE"]}}),
                "Request contains an invalid argument.",
            ),
            (
                json!({"tools": [{"functionDeclarations": [{"name": "1"}]}]}),
                "* BidiGenerateContentSetup.tools[0].function_declarations[0].name",
            ),
        ];
        for (mut setup, expected) in cases {
            setup["model"] = "models/m".into();
            let close = read(DEVELOPER, setup).expect_err("refused");
            assert!(close.reason.contains(expected), "{}", close.reason);
            assert_eq!(close.code, 1007);
        }
        let native = json!({"model": "models/gemini-2.5-flash-native-audio-x",
            "generationConfig": {"responseModalities": ["TEXT"]}});
        let close = read(DEVELOPER, native).expect_err("refused");
        assert_eq!(
            close.reason,
            "Cannot extract voices from a non-audio request."
        );
    }
}
