//! What an answer is made of: text, a picture or speech. Decodes what is asked for, refuses what a
//! model has not, and makes the file.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use crate::{
    engine::{picture, sound, tokenizer},
    gemini::{
        abilities::Kind,
        errors::ApiError,
        fields::{integer, list, object, string},
        images::{self, Size},
        models::ModelCard,
    },
};

const AT: &str = "generation_config";
/// What a picture costs in an answer.
const PICTURE_TOKENS: u64 = 1290;
/// Tokens of a second of speech.
const SPEECH_TOKENS: u64 = 25;

/// The voices there are.
pub(crate) const VOICES: [&str; 30] = [
    "Zephyr",
    "Puck",
    "Charon",
    "Kore",
    "Fenrir",
    "Leda",
    "Orus",
    "Aoede",
    "Callirrhoe",
    "Autonoe",
    "Enceladus",
    "Iapetus",
    "Umbriel",
    "Algieba",
    "Despina",
    "Erinome",
    "Algenib",
    "Rasalgethi",
    "Laomedeia",
    "Achernar",
    "Alnilam",
    "Schedar",
    "Gacrux",
    "Pulcherrima",
    "Achird",
    "Zubenelgenubi",
    "Vindemiatrix",
    "Sadachbia",
    "Sadaltager",
    "Sulafat",
];

/// What an answer is to be made of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Medium {
    Text,
    Picture {
        size: Size,
        mime: &'static str,
        quality: u8,
        /// Whether words come with it.
        captioned: bool,
    },
    Speech {
        voice: String,
    },
}

/// A file in an answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Media {
    /// Words before the file, if any.
    pub(crate) caption: String,
    mime: &'static str,
    /// In base64.
    data: String,
    modality: &'static str,
    tokens: u64,
}

impl Medium {
    /// What the configuration in `body` asks of the model.
    pub(crate) fn decode(body: &Map<String, Value>, card: &ModelCard) -> Result<Self, ApiError> {
        let none = Map::new();
        let config = object(body, "generationConfig", "")?.unwrap_or(&none);
        let mut asked: Vec<String> = list(config, "responseModalities")
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_ascii_uppercase)
            .filter(|modality| modality != "MODALITY_UNSPECIFIED")
            .collect();
        asked.sort_unstable();
        asked.dedup();
        let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
        match (card.kind(), asked.as_slice()) {
            (Kind::Speaker, ["AUDIO"]) => Ok(Self::Speech {
                voice: voice(config)?,
            }),
            (Kind::Painter, [] | ["IMAGE", "TEXT"]) => picture(config, true),
            (Kind::Painter, ["IMAGE"]) => picture(config, false),
            (Kind::Speaker, _) => Err(unsupported(&asked, card, &["AUDIO"])),
            // What is said over a socket becomes speech there.
            (Kind::Live, _) | (_, [] | ["TEXT"]) => Ok(Self::Text),
            (Kind::Painter, _) => Err(unsupported(&asked, card, &["TEXT, IMAGE", "IMAGE"])),
            _ => Err(unsupported(&asked, card, &["TEXT"])),
        }
    }

    /// The file for what was asked, unless words alone are wanted. `n` is the candidate.
    pub(crate) fn make(&self, asked: &str, n: usize) -> Option<Media> {
        match self {
            Self::Text => None,
            Self::Picture {
                size,
                mime,
                quality,
                captioned,
            } => {
                let pixels = picture::paint(asked, n as u64, size.width, size.height);
                let caption = match captioned {
                    true => format!("Here is a picture of what you asked for: {}", asked.trim()),
                    false => String::new(),
                };
                Some(Media {
                    caption,
                    mime,
                    data: STANDARD.encode(images::encode(&pixels, mime, *quality)),
                    modality: "IMAGE",
                    tokens: PICTURE_TOKENS,
                })
            }
            Self::Speech { voice } => {
                let samples = sound::speak(asked, voice);
                let seconds = (samples.len() as u64).div_ceil(2 * u64::from(sound::SAMPLE_RATE));
                Some(Media {
                    caption: String::new(),
                    mime: "audio/L16;codec=pcm;rate=24000",
                    data: STANDARD.encode(samples),
                    modality: "AUDIO",
                    tokens: seconds * SPEECH_TOKENS,
                })
            }
        }
    }
}

impl Media {
    /// All tokens, those of the caption too.
    pub(crate) fn tokens(&self) -> u64 {
        self.tokens + tokenizer::count(&self.caption) as u64
    }

    /// The modality of the file and its tokens.
    pub(crate) fn cost(&self) -> (&'static str, u64) {
        (self.modality, self.tokens)
    }

    /// The caption and the file apart.
    pub(crate) fn split(mut self) -> (String, Self) {
        (std::mem::take(&mut self.caption), self)
    }

    pub(crate) fn to_parts(&self) -> Vec<Value> {
        let caption = Some(&self.caption).filter(|caption| !caption.is_empty());
        let caption = caption.map(|caption| json!({ "text": caption }));
        let file = json!({ "inlineData": { "mimeType": self.mime, "data": self.data } });
        caption.into_iter().chain([file]).collect()
    }
}

fn picture(config: &Map<String, Value>, captioned: bool) -> Result<Medium, ApiError> {
    const AT_IMAGE: &str = "generation_config.image_config";
    const AT_OUTPUT: &str = "generation_config.image_config.image_output_options";
    let none = Map::new();
    let image = object(config, "imageConfig", AT)?.unwrap_or(&none);
    let ratio = string(image, "aspectRatio", AT_IMAGE)?.unwrap_or_default();
    let named = string(image, "imageSize", AT_IMAGE)?.unwrap_or_default();
    let size = Size::named(ratio, named, Size::GEMINI).ok_or_else(|| {
        ApiError::invalid_argument(format!(
            "Invalid image config: aspect_ratio '{ratio}' must be one of {}, and image_size \
             '{named}' one of 512, 1K, 2K, 4K.",
            Size::GEMINI.join(", ")
        ))
    })?;
    let output = object(image, "imageOutputOptions", AT_IMAGE)?.unwrap_or(&none);
    let mime = match string(output, "mimeType", AT_OUTPUT)?.unwrap_or_default() {
        "" | "image/png" => "image/png",
        "image/jpeg" => "image/jpeg",
        other => {
            return Err(ApiError::invalid_argument(format!(
                "Unsupported output MIME type: {other}."
            )));
        }
    };
    let quality = integer(output, "compressionQuality", AT_OUTPUT)?.unwrap_or(75);
    Ok(Medium::Picture {
        size,
        mime,
        quality: quality.clamp(0, 100) as u8,
        captioned,
    })
}

/// The voice of one speaker, or those of two by the names of the speakers.
fn voice(config: &Map<String, Value>) -> Result<String, ApiError> {
    const AT_SPEECH: &str = "generation_config.speech_config";
    let none = Map::new();
    let speech = object(config, "speechConfig", AT)?.unwrap_or(&none);
    let name = |of: &Map<String, Value>| -> Result<String, ApiError> {
        let voice = object(of, "voiceConfig", AT_SPEECH)?.unwrap_or(&none);
        let prebuilt = object(voice, "prebuiltVoiceConfig", AT_SPEECH)?.unwrap_or(&none);
        let name = string(prebuilt, "voiceName", AT_SPEECH)?.unwrap_or("Kore");
        let known = VOICES.iter().find(|other| other.eq_ignore_ascii_case(name));
        known.map(|name| (*name).to_owned()).ok_or_else(|| {
            ApiError::invalid_argument(format!(
                "Voice name {name} is not supported. Allowed voice names are: {}",
                VOICES.join(", ").to_lowercase()
            ))
        })
    };
    let Some(several) = object(speech, "multiSpeakerVoiceConfig", AT_SPEECH)? else {
        return name(speech);
    };
    let speakers = list(several, "speakerVoiceConfigs");
    if speakers.len() != 2 {
        return Err(ApiError::invalid_argument(format!(
            "* GenerateContentRequest.{AT_SPEECH}.multi_speaker_voice_config.speaker_voice_configs: \
             exactly 2 speakers must be given, not {}.\n",
            speakers.len()
        )));
    }
    let voices = speakers
        .iter()
        .map(|speaker| name(speaker.as_object().unwrap_or(&none)));
    Ok(voices.collect::<Result<Vec<_>, _>>()?.join("+"))
}

fn unsupported(asked: &[&str], card: &ModelCard, accepted: &[&str]) -> ApiError {
    let accepted: String = accepted.iter().map(|it| format!("* {it}\n")).collect();
    ApiError::invalid_argument(format!(
        "The requested combination of response modalities ({}) is not supported by the model. \
         models/{} accepts the following combination of response modalities:\n{accepted}",
        asked.join(", "),
        card.name()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(model: &str, config: Value) -> Result<Medium, String> {
        let body = json!({ "generationConfig": config });
        let body = body.as_object().expect("an object");
        Medium::decode(body, &ModelCard::new(model)).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn a_model_gives_what_it_can() {
        let text = decode("gemini-2.5-flash", json!({}));
        assert_eq!(text, Ok(Medium::Text));
        let refused = decode("gemini-2.5-flash", json!({"responseModalities": ["IMAGE"]}));
        let refused = refused.expect_err("no pictures");
        assert!(
            refused.contains("(IMAGE)") && refused.ends_with("* TEXT\n"),
            "{refused}"
        );
        let silent = decode("gemini-2.5-flash-preview-tts", json!({})).expect_err("no words");
        assert!(silent.ends_with("* AUDIO\n"), "{silent}");
        let painter = decode(
            "gemini-2.5-flash-image",
            json!({"responseModalities": ["image", "text"]}),
        );
        assert!(matches!(
            painter,
            Ok(Medium::Picture {
                captioned: true,
                ..
            })
        ));
    }

    #[test]
    fn pictures_have_the_size_and_type_that_was_asked_for() {
        let config = json!({
            "responseModalities": ["IMAGE"],
            "imageConfig": {
                "aspectRatio": "16:9",
                "imageSize": "2K",
                "imageOutputOptions": { "mimeType": "image/jpeg" },
            },
        });
        let medium = decode("gemini-2.5-flash-image", config).expect("a picture");
        let media = medium.make("a green hill", 0).expect("a file");
        let bytes = STANDARD.decode(&media.data).expect("base64");
        assert_eq!(bytes[..2], [0xFF, 0xD8]);
        let picture = picture::decode(&bytes).expect("a picture");
        assert_eq!((picture.width(), picture.height()), (256, 144));
        assert_eq!(media.cost(), ("IMAGE", 1290));
        let wrong = json!({"imageConfig": {"aspectRatio": "5:7"}});
        assert!(decode("gemini-2.5-flash-image", wrong).is_err());
    }

    #[test]
    fn a_voice_must_be_known() {
        let speech = |speech: Value| {
            let config = json!({"responseModalities": ["AUDIO"], "speechConfig": speech});
            decode("gemini-2.5-flash-preview-tts", config)
        };
        let named =
            |name: &str| json!({"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": name}}});
        let puck = speech(named("puck")).expect("a voice");
        assert_eq!(
            puck,
            Medium::Speech {
                voice: "Puck".into()
            }
        );
        assert!(puck.make("hello", 0).expect("a file").tokens() > 0);
        assert!(
            speech(named("Nobody"))
                .expect_err("unknown")
                .contains("zephyr")
        );
        let two = json!({"multiSpeakerVoiceConfig": {"speakerVoiceConfigs": [named("Puck"), named("Kore")]}});
        assert_eq!(
            speech(two),
            Ok(Medium::Speech {
                voice: "Puck+Kore".into()
            })
        );
        let one = json!({"multiSpeakerVoiceConfig": {"speakerVoiceConfigs": [named("Puck")]}});
        assert!(speech(one).expect_err("one").contains("exactly 2"));
    }
}
