//! A turn of the model's as messages: text or speech piece by piece, or a function call, and the
//! tokens it took.

use std::collections::VecDeque;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use crate::{
    engine::{calls::Call as FunctionCall, tokenizer},
    gemini::{
        generate::{Generation, Output, thought},
        stream,
        usage::Usage,
    },
    live::{
        setup::{Form, Setup},
        speech,
    },
    route::Backend,
};

/// Tokens of a second of speech.
const SPEECH_TOKENS: f64 = 25.0;

/// One message, and the words it says.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) message: Value,
    pub(super) words: Option<String>,
}

/// All there is to say in a turn.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) messages: VecDeque<Said>,
    /// The function that is called instead.
    pub(super) call: Option<FunctionCall>,
    /// What the turn is an answer to, and took to think.
    pub(super) usage: Usage,
}

impl Turn {
    /// The answer, in the form of the session.
    pub(super) fn new(generation: Generation, setup: &Setup) -> Self {
        let mut turn = Self {
            messages: VecDeque::new(),
            call: None,
            usage: generation.usage,
        };
        if let Some(text) = &generation.thoughts {
            turn.say(model_turn(thought(text)), None);
        }
        let Some(candidate) = generation.candidates.first() else {
            // The prompt was blocked.
            let content = json!({ "turnCompleteReason": "PROHIBITED_INPUT_CONTENT" });
            turn.say(content, None);
            return turn;
        };
        for piece in stream::split(candidate) {
            match piece {
                Output::Call(call) => turn.call = Some(call),
                // Models that talk make no files.
                Output::Media(_) => {}
                Output::Text(text) if text.is_empty() => {}
                Output::Text(text) => turn.piece(text, setup),
            }
        }
        if turn.call.is_none() {
            turn.say(json!({ "generationComplete": true }), None);
        }
        turn
    }

    fn piece(&mut self, text: String, setup: &Setup) {
        let part = match setup.form {
            Form::Text => json!({ "text": text }),
            Form::Speech => json!({ "inlineData": {
                "mimeType": speech::SPEECH,
                "data": STANDARD.encode(speech::speak(&text)),
            } }),
        };
        let words = Some(text.clone());
        self.say(model_turn(part), words);
        if setup.form == Form::Speech && setup.writes_output {
            self.say(json!({ "outputTranscription": { "text": text } }), None);
        }
    }

    fn say(&mut self, content: Value, words: Option<String>) {
        let message = json!({ "serverContent": content });
        self.messages.push_back(Said { message, words });
    }
}

fn model_turn(part: Value) -> Value {
    json!({ "modelTurn": { "role": "model", "parts": [part] } })
}

/// The message that ends a turn in which these words were said.
pub(super) fn complete(words: &str, usage: Usage, form: Form, backend: Backend) -> Value {
    json!({
        "serverContent": { "turnComplete": true },
        "usageMetadata": counted(words, usage, form, backend),
    })
}

/// The tokens of a turn, under the names of each service.
fn counted(words: &str, usage: Usage, form: Form, backend: Backend) -> Map<String, Value> {
    let (modality, response) = match form {
        Form::Text => ("TEXT", tokenizer::count(words) as u64),
        Form::Speech => {
            let seconds = speech::listen(speech::SPEECH, &speech::speak(words)).lasts;
            let tokens = (seconds.as_secs_f64() * SPEECH_TOKENS).ceil();
            ("AUDIO", tokens as u64)
        }
    };
    let mut out = Usage {
        candidates: Some(response),
        ..usage
    }
    .to_json();
    let details = json!([{ "modality": modality, "tokenCount": response }]);
    match backend {
        Backend::Developer => {
            let count = out.remove("candidatesTokenCount").unwrap_or_default();
            out.insert("responseTokenCount".into(), count);
            out.insert("responseTokensDetails".into(), details);
        }
        Backend::Vertex => {
            out.insert("candidatesTokensDetails".into(), details);
            out.insert("trafficType".into(), "ON_DEMAND".into());
        }
    }
    out
}
