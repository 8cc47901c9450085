//! Voices: the catalogue, and those that are made from words or from recordings.

use std::time::{Duration, SystemTime};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::{
    engine::sound,
    gemini::{
        caches::format_time,
        errors::ApiError,
        modalities::VOICES,
        resources::{
            read,
            shelf::{self, Shelf},
        },
        service::Call,
    },
    reply::Reply,
    rng::{digest, identifier},
};

const FIELDS: &[&str] = &[
    "accent",
    "context",
    "description",
    "display_name",
    "gender",
    "language_code",
    "model",
    "persona",
    "pitch",
    "prompted",
    "region_code",
    "replicated",
    "sample_audio",
    "type",
];
/// Filters of a list, which have the names of the fields.
const FILTERS: &[&str] = &[
    "accent",
    "context",
    "gender",
    "language_code",
    "persona",
    "pitch",
    "region_code",
    "type",
];
const FAMILY: u64 = 49;
const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
/// How long a voice is kept that nobody uses.
const KEPT: Duration = Duration::from_secs(365 * 24 * 3600);
/// The model that makes voices unless another is named.
const MODEL: &str = "gemini-3.8-flash-tts";
const GENDERS: [&str; 3] = ["female", "male", "neutral"];
const PITCHES: [&str; 3] = ["low", "medium", "high"];

/// The voices of an emulator.
#[derive(Debug)]
pub(crate) struct Voices(Shelf<Value>);

impl Default for Voices {
    fn default() -> Self {
        Self(Shelf::new("voice"))
    }
}

impl Voices {
    pub(super) fn create(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let fields = call.body()?;
        read::only(fields, &["store", "voice"], "")?;
        let Some(voice) = read::object(fields, "voice")? else {
            return Err(read::missing("voice"));
        };
        read::only(voice, FIELDS, "voice")?;
        let store = read::flag(fields, "store")?.unwrap_or(false);
        let kind = read::required(voice, "type")?;
        let basis = match kind {
            "prompted" => {
                let none = Map::new();
                let prompted = read::object(voice, "prompted")?.unwrap_or(&none);
                if let Some(base) = read::text(prompted, "base_voice")? {
                    self.check_known(call, base)?;
                }
                read::required(prompted, "input")?.to_owned()
            }
            "replicated" => {
                let none = Map::new();
                let replicated = read::object(voice, "replicated")?.unwrap_or(&none);
                for name in ["source_audio", "consent_audio"] {
                    let audio =
                        read::object(replicated, name)?.ok_or_else(|| read::missing(name))?;
                    read::required(audio, "mime_type")?;
                    STANDARD
                        .decode(read::required(audio, "data")?)
                        .map_err(|_| read::invalid(name, "its data is no base64"))?;
                }
                replicated["source_audio"].to_string()
            }
            "prebuilt" => {
                return Err(read::invalid(
                    "voice.type",
                    "a prebuilt voice is there already",
                ));
            }
            _ => {
                return Err(read::invalid(
                    "voice.type",
                    "it must be prompted or replicated",
                ));
            }
        };
        let number = self.0.number();
        let mut made = voice.clone();
        made.remove("replicated");
        made.entry("model").or_insert(MODEL.into());
        let sample = sound::speak("This is how I sound.", &basis);
        let sample = json!({"mime_type": "audio/l16;rate=24000", "data": STANDARD.encode(sample)});
        made.insert("sample_audio".to_owned(), sample);
        made.insert("usage".to_owned(), json!({"total_tokens": 25}));
        let name = identifier(call.seed(), FAMILY, number, ALPHABET, 12);
        let expires: SystemTime = call.now + KEPT;
        made.insert("expire_time".to_owned(), format_time(expires).into());
        if store {
            let id = format!("voice_{name}");
            made.insert("id".to_owned(), id.as_str().into());
            let mut kept = made.clone();
            kept.remove("usage");
            self.0.insert(&call.owner(), &id, kept.into())?;
        } else if kind == "replicated" {
            made.insert("key".to_owned(), format!("voicekey_{name}").into());
        }
        Ok(Reply::json(StatusCode::OK, &made.into()))
    }

    pub(super) fn get(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let id = &call.target.resource;
        let voice = match prebuilt(id) {
            Some(voice) => voice,
            None => self.0.get(&call.owner(), id)?,
        };
        Ok(Reply::json(StatusCode::OK, &voice))
    }

    pub(super) fn list(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        // The catalogue comes first; its places are below those of any voice that was made.
        let catalogue = VOICES.iter().filter_map(|name| prebuilt(name)).zip(1_u64..);
        let catalogue = catalogue.map(|(voice, number)| (number, voice));
        let own = self.0.all(&call.owner()).into_iter();
        let own = own.map(|(number, voice)| (number + VOICES.len() as u64, voice));
        let fitting = catalogue
            .chain(own)
            .filter(|(_, voice)| fits(voice, call.query));
        shelf::page(call, "voices", fitting.collect())
    }

    pub(super) fn delete(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let id = &call.target.resource;
        if prebuilt(id).is_some() {
            return Err(read::invalid(
                "id",
                "a voice of the catalogue cannot be deleted",
            ));
        }
        self.0.remove(&call.owner(), id)?;
        Ok(Reply::json(StatusCode::OK, &json!({})))
    }

    fn check_known(&self, call: &Call<'_>, voice: &str) -> Result<(), ApiError> {
        if prebuilt(voice).is_some() || self.0.get(&call.owner(), voice).is_ok() {
            return Ok(());
        }
        Err(read::invalid(
            "voice.prompted.base_voice",
            "there is no such voice",
        ))
    }
}

/// A voice of the catalogue.
fn prebuilt(name: &str) -> Option<Value> {
    let name = VOICES
        .iter()
        .find(|known| known.eq_ignore_ascii_case(name))?;
    let draw = digest(name);
    let pick = |from: [&'static str; 3], shift: u32| from[(draw >> shift) as usize % 3];
    Some(json!({
        "id": name,
        "display_name": name,
        "type": "prebuilt",
        "language_code": "en-US",
        "region_code": "US",
        "accent": "American",
        "context": "Conversational",
        "gender": pick(GENDERS, 8),
        "pitch": pick(PITCHES, 16),
        "persona": "Narrator",
        "description": format!("The voice {name} of the catalogue."),
    }))
}

/// Whether a voice has, for each filter, one of its values.
fn fits(voice: &Value, query: &[(String, String)]) -> bool {
    let text = |name: &str| voice[name].as_str().unwrap_or_default().to_lowercase();
    let of = |name: &str| -> Vec<String> {
        let values = query.iter().filter(|(key, _)| key == name);
        values.map(|(_, value)| value.to_lowercase()).collect()
    };
    let filtered = FILTERS.iter().all(|name| {
        let wanted = of(name);
        wanted.is_empty() || wanted.contains(&text(name))
    });
    let found = of("search")
        .iter()
        .all(|part| text("display_name").contains(part) || text("description").contains(part));
    filtered && found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_narrow_the_catalogue() {
        let query = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect()
        };
        let voice = prebuilt("puck").expect("a voice");
        assert_eq!(voice["id"], "Puck");
        assert!(fits(
            &voice,
            &query(&[("type", "PREBUILT"), ("type", "prompted")])
        ));
        assert!(fits(
            &voice,
            &query(&[("search", "puck"), ("language_code", "en-us")])
        ));
        assert!(!fits(&voice, &query(&[("type", "prompted")])));
        assert!(!fits(&voice, &query(&[("search", "kore")])));
        assert_eq!(prebuilt("Nobody"), None);
    }
}
