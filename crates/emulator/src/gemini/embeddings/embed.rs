//! From a decoded request to its vector: counts, cuts what is too long, and normalises the way the
//! service does.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::{
    engine::{
        embedding::{self, Features},
        tokenizer,
    },
    gemini::{
        abilities::Kind,
        content::{self, Part},
        embeddings::request::{Request, Settings, native_dimensions},
        errors::ApiError,
        fields::list,
        models::ModelCard,
        service::Call,
        usage::Tally,
    },
};

/// What a title counts for, compared with the text.
const TITLE: f32 = 0.5;
/// What a file counts for, compared with the text beside it.
const MEDIA: f32 = 1.0;

/// A vector with its statistics.
#[derive(Clone, Debug, Default)]
pub(crate) struct Embedded {
    pub(crate) values: Vec<f32>,
    pub(crate) tokens: Tally,
    /// Characters without spaces, which Vertex bills by.
    pub(crate) characters: usize,
    pub(crate) truncated: bool,
}

/// Embeds a whole content.
pub(crate) fn embed(
    request: &Request<'_>,
    card: &ModelCard,
    call: &Call<'_>,
) -> Result<Embedded, ApiError> {
    let mut text = String::new();
    let mut media = Features::default();
    let mut tokens = Tally::default();
    for part in &request.content.parts {
        match part {
            Part::Text(words) => {
                if !text.is_empty() {
                    text.push('\n');
                }
                text.push_str(words);
            }
            other if card.kind() == (Kind::Embedder { media: true }) => {
                tokens = tokens.plus(Tally::of_part(other, call.memory));
            }
            _ => {
                return Err(ApiError::invalid_argument(format!(
                    "The model {} only embeds text.",
                    card.name()
                )));
            }
        }
    }
    for part in list(request.fields, "parts") {
        media.add_all(&features_of(part, call), MEDIA);
    }
    let mut out = embed_text(&text, media, request.settings, card, call)?;
    out.tokens = out.tokens.plus(tokens);
    Ok(out)
}

/// Embeds a text, with features of files beside it.
pub(crate) fn embed_text(
    text: &str,
    media: Features,
    settings: Settings<'_>,
    card: &ModelCard,
    call: &Call<'_>,
) -> Result<Embedded, ApiError> {
    let most = usize::try_from(card.input_token_limit()).unwrap_or(usize::MAX);
    let (kept, truncated) = tokenizer::truncate(text, most);
    if truncated && settings.refuse_long {
        return Err(ApiError::invalid_argument(format!(
            "The input token count is {} but the model supports up to {most}.",
            call.memory.count(text)
        )));
    }
    let mut features = embedding::text_features(kept).unit();
    if !settings.title.is_empty() {
        features.add_all(&embedding::text_features(settings.title).unit(), TITLE);
    }
    features.add_all(&media, 1.0);
    let kept: Cow<'_, str> = kept.into();
    Ok(Embedded {
        values: values(&features, settings, card),
        tokens: Tally::of_text(&kept, call.memory),
        characters: kept.chars().filter(|c| !c.is_whitespace()).count(),
        truncated,
    })
}

/// The vector has length one over all its numbers. A part of it does not, except with the models
/// that see to that themselves.
fn values(features: &Features, settings: Settings<'_>, card: &ModelCard) -> Vec<f32> {
    let full = native_dimensions(card).min(embedding::DIMENSIONS);
    let mut values = embedding::vector(features, card.name(), settings.task, full);
    if let Some(count) = settings.dimensions.filter(|count| *count < full) {
        values.truncate(count);
        if card.name().starts_with("gemini-embedding-2") {
            embedding::normalise(&mut values);
        }
    }
    values
}

/// The features of the file of a part, if it has one.
fn features_of(part: &Value, call: &Call<'_>) -> Features {
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let (inline, file) = (&part["inlineData"], &part["fileData"]);
    let (mime, bytes) = if inline.is_object() {
        let bytes = content::decode_base64(&text(inline, "data"));
        (text(inline, "mimeType"), bytes.map(Bytes::from))
    } else if file.is_object() {
        let uri = text(file, "fileUri");
        // Of a file elsewhere nothing is known but its address.
        let bytes = call.content_of(&uri).unwrap_or_else(|| uri.into());
        (text(file, "mimeType"), Some(bytes))
    } else {
        return Features::default();
    };
    // What is text stands among the texts already.
    match bytes {
        Some(bytes) if !mime.starts_with("text/") => embedding::media_features(&mime, &bytes),
        _ => Features::default(),
    }
}

impl Embedded {
    /// `{values}`.
    pub(crate) fn to_json(&self) -> Value {
        json!({ "values": self.values })
    }

    /// `{values, statistics}`; the service spells the names of the statistics with underscores.
    pub(crate) fn to_json_with_statistics(&self) -> Value {
        json!({
            "values": self.values,
            "statistics": {
                "token_count": self.tokens.total(),
                "truncated": self.truncated,
            },
        })
    }
}
