//! A session of music: what it is about, how it sounds, and whether it plays. The music is a chord
//! that swells with the beat; no more is promised.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::request::Parts;
use serde_json::{Map, Value, json};

use crate::{
    app::{App, parse_query},
    clock::Sleep,
    gemini::{
        auth::Caller,
        errors::ApiError,
        fields::{self, integer, list, number, object, string},
    },
    live::{close::Close, speech, wire::Wire},
    route::{Backend, Target},
};

/// Samples a second, of each of two channels.
const RATE: u32 = 48_000;
/// How long one piece of music is.
const PIECE: Duration = Duration::from_millis(200);
/// Beats per minute unless set otherwise.
const TEMPO: f64 = 120.0;

/// Makes music until one side ends it.
pub(super) async fn run(app: &App, parts: &Parts, target: Target, wire: &mut Wire) -> Close {
    let query = parse_query(parts.uri.query().unwrap_or_default());
    let caller = Caller::read(&parts.headers, &query);
    let first = match wire.receive().await {
        Ok(first) => first,
        Err(close) => return close,
    };
    if let Err(close) = begin(app, &caller, &target, &first) {
        return close;
    }
    wire.send(&json!({ "setupComplete": {} })).await;
    let mut music = Music::default();
    let mut end = app.clock.sleep(app.gemini.live.limit());
    let mut due: Option<Sleep> = None;
    loop {
        if !music.plays {
            due = None;
        } else if due.is_none() {
            due = Some(Box::pin(std::future::ready(())));
        }
        tokio::select! {
            biased;
            () = app.stopping.cancelled() => return Close::stopping(),
            message = wire.receive() => {
                let heard = match message {
                    Ok(message) => music.hear(app, &message),
                    Err(close) => return close,
                };
                match heard {
                    Ok(filtered) => for message in filtered {
                        wire.send(&message).await;
                    },
                    Err(close) => return close,
                }
            }
            () = &mut end => return Close::over(),
            () = next(&mut due) => {
                wire.send(&music.piece()).await;
                due = Some(app.clock.sleep(PIECE));
            }
        }
    }
}

fn begin(
    app: &App,
    caller: &Caller,
    target: &Target,
    first: &Map<String, Value>,
) -> Result<(), Close> {
    app.gemini.auth.check(caller, target)?;
    let Some(setup) = object(first, "setup", "")? else {
        return Err(Close::invalid(
            "setup must be the first message and only the first",
        ));
    };
    if let Some(unknown) = setup.keys().find(|key| *key != "model") {
        return Err(ApiError::unknown_field(unknown, "setup").into());
    }
    let name = string(setup, "model", "setup")?.unwrap_or_default();
    let name = name.strip_prefix("models/").unwrap_or(name);
    app.gemini
        .catalogue
        .find(name, target, "bidiGenerateMusic")?;
    Ok(())
}

async fn next(due: &mut Option<Sleep>) {
    match due {
        Some(due) => due.await,
        None => std::future::pending().await,
    }
}

/// The music as it is.
#[derive(Debug, Default)]
struct Music {
    prompts: Vec<(String, f64)>,
    /// As they were sent, to be named beside the sound.
    weighted: Vec<Value>,
    config: Option<Value>,
    tempo: Option<f64>,
    plays: bool,
    /// Samples that were heard.
    position: u64,
}

impl Music {
    /// Takes a message; the descriptions it leaves out are answered at once.
    fn hear(&mut self, app: &App, message: &Map<String, Value>) -> Result<Vec<Value>, Close> {
        const KINDS: [&str; 3] = ["clientContent", "musicGenerationConfig", "playbackControl"];
        if message.contains_key("setup") {
            return Err(Close::invalid(
                "setup must be the first message and only the first",
            ));
        }
        if let Some(unknown) = message.keys().find(|key| !KINDS.contains(&key.as_str())) {
            return Err(ApiError::unknown_field(unknown, "").into());
        }
        let mut filtered = Vec::new();
        if let Some(content) = object(message, "clientContent", "")? {
            filtered = self.listen(app, content)?;
        }
        if let Some(config) = object(message, "musicGenerationConfig", "")? {
            self.configure(config)?;
        }
        match string(message, "playbackControl", "")? {
            None => {}
            Some("PLAY") => self.plays = true,
            Some("PAUSE") => self.plays = false,
            Some("STOP") => {
                self.plays = false;
                self.position = 0;
            }
            Some("RESET_CONTEXT") => self.position = 0,
            Some(other) => {
                let place = "playback_control";
                let kind = "type.googleapis.com/google.ai.generativelanguage.PlaybackControl";
                return Err(ApiError::invalid_value(place, kind, &other.into()).into());
            }
        }
        Ok(filtered)
    }

    fn listen(&mut self, app: &App, content: &Map<String, Value>) -> Result<Vec<Value>, Close> {
        const AT: &str = "client_content.weighted_prompts";
        if let Some(unknown) = content.keys().find(|key| *key != "weightedPrompts") {
            return Err(ApiError::unknown_field(unknown, "client_content").into());
        }
        let mut filtered = Vec::new();
        self.prompts.clear();
        self.weighted.clear();
        for prompt in list(content, "weightedPrompts") {
            let Some(fields) = prompt.as_object() else {
                return Err(ApiError::invalid_value(AT, "an object", prompt).into());
            };
            let text = string(fields, "text", AT)?.unwrap_or_default();
            let weight = number(fields, "weight", AT)?.unwrap_or(1.0);
            if weight == 0.0 {
                return Err(ApiError::bad_request(
                    &format!("{AT}.weight"),
                    "* BidiGenerateMusicClientContent.weighted_prompts.weight: must not be zero.\n",
                )
                .into());
            }
            if app.gemini.blocks(text) {
                let left_out = json!({ "text": text, "filteredReason": "SAFETY" });
                filtered.push(json!({ "filteredPrompt": left_out }));
                continue;
            }
            self.prompts.push((text.to_owned(), weight));
            self.weighted.push(prompt.clone());
        }
        Ok(filtered)
    }

    fn configure(&mut self, config: &Map<String, Value>) -> Result<(), Close> {
        const AT: &str = "music_generation_config";
        fields::MUSIC_CONFIG.check(config, AT, Backend::Developer)?;
        for (name, low, high) in [
            ("temperature", 0.0, 3.0),
            ("topK", 1.0, 1000.0),
            ("guidance", 0.0, 6.0),
            ("bpm", 60.0, 200.0),
            ("density", 0.0, 1.0),
            ("brightness", 0.0, 1.0),
        ] {
            if let Some(value) = number(config, name, AT)?
                && !(low..=high).contains(&value)
            {
                let field = fields::join(AT, name);
                return Err(ApiError::bad_request(
                    &field,
                    format!(
                        "* BidiGenerateMusicClientMessage.{field}: must be in the range \
                         [{low:.1}, {high:.1}].\n"
                    ),
                )
                .into());
            }
        }
        self.tempo = integer(config, "bpm", AT)?.map(|tempo| tempo as f64);
        self.config = Some(Value::Object(config.clone()));
        Ok(())
    }

    /// The next piece of music, and what it is made of.
    fn piece(&mut self) -> Value {
        let mut source = json!({ "clientContent": { "weightedPrompts": self.weighted } });
        if let Some(config) = &self.config {
            source["musicGenerationConfig"] = config.clone();
        }
        let chunk = json!({
            "mimeType": "audio/l16;rate=48000;channels=2",
            "data": STANDARD.encode(self.play()),
            "sourceMetadata": source,
        });
        json!({ "serverContent": { "audioChunks": [chunk] } })
    }

    /// Samples of both channels, 16 bits each, the low byte first.
    fn play(&mut self) -> Vec<u8> {
        let total: f64 = self.prompts.iter().map(|(_, weight)| weight.abs()).sum();
        let notes: Vec<(f64, f64)> = self
            .prompts
            .iter()
            .map(|(text, weight)| {
                let step = f64::from(speech::hash(text.as_bytes()) % 24);
                let pitch = 110.0 * (step / 12.0).exp2();
                (pitch, weight.abs() / total)
            })
            .collect();
        let beat = 60.0 / self.tempo.unwrap_or(TEMPO);
        let samples = (PIECE.as_secs_f64() * f64::from(RATE)) as u64;
        let mut out = Vec::with_capacity(samples as usize * 4);
        for n in self.position..self.position + samples {
            let time = n as f64 / f64::from(RATE);
            let swell = 1.0 - 0.7 * (time / beat).fract();
            let wave: f64 = notes
                .iter()
                .map(|(pitch, weight)| weight * (std::f64::consts::TAU * pitch * time).sin())
                .sum();
            let sample = ((wave * swell * 9_000.0) as i16).to_le_bytes();
            out.extend(sample);
            out.extend(sample);
        }
        self.position += samples;
        out
    }
}
