//! Token counts by kind of input, and the usage block of an answer. One way of counting serves
//! both `countTokens` and `generateContent`, so that they always agree.

use serde_json::{Map, Value, json};

use crate::{
    engine::index::Memory,
    gemini::content::{Content, Part},
};

/// What an image costs, whatever its size.
const IMAGE_TOKENS: u64 = 258;
/// Bytes of audio, video or document to the token.
const MEDIA_BYTES_PER_TOKEN: usize = 64;

/// Tokens by modality.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    text: u64,
    image: u64,
    audio: u64,
    video: u64,
    document: u64,
}

impl Tally {
    pub(crate) fn of_contents(contents: &[Content<'_>], memory: &Memory) -> Self {
        let parts = contents.iter().flat_map(|content| &content.parts);
        parts
            .map(|part| Self::of_part(part, memory))
            .fold(Self::default(), Self::plus)
    }

    /// Tools count as the text of their declaration.
    pub(crate) fn of_json(value: Option<&Value>, memory: &Memory) -> Self {
        match value {
            None | Some(Value::Null) => Self::default(),
            Some(value) => Self::of_text(&value.to_string(), memory),
        }
    }

    pub(crate) fn of_text(text: &str, memory: &Memory) -> Self {
        Self {
            text: memory.count(text) as u64,
            ..Self::default()
        }
    }

    pub(crate) fn of_part(part: &Part<'_>, memory: &Memory) -> Self {
        match part {
            Part::Text(text) => Self::of_text(text, memory),
            Part::Media { mime, bytes } => {
                let by_size = bytes.div_ceil(MEDIA_BYTES_PER_TOKEN).max(1) as u64;
                Self::of_media(mime, by_size)
            }
            Part::File { mime, .. } => Self::of_media(mime, IMAGE_TOKENS),
            Part::FunctionCall { name, args } => {
                Self::of_text(name, memory).plus(Self::of_json(*args, memory))
            }
            Part::FunctionResponse { name, response } => {
                Self::of_text(name, memory).plus(Self::of_json(Some(response), memory))
            }
            Part::Other(value) => Self::of_json(Some(value), memory),
        }
    }

    fn of_media(mime: &str, by_size: u64) -> Self {
        let mut tally = Self::default();
        match mime.split('/').next().unwrap_or_default() {
            "image" => tally.image = IMAGE_TOKENS,
            "audio" => tally.audio = by_size,
            "video" => tally.video = by_size,
            "text" => tally.text = by_size,
            _ => tally.document = by_size,
        }
        tally
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            text: self.text + other.text,
            image: self.image + other.image,
            audio: self.audio + other.audio,
            video: self.video + other.video,
            document: self.document + other.document,
        }
    }

    pub(crate) fn total(self) -> u64 {
        self.text + self.image + self.audio + self.video + self.document
    }

    /// `[{modality, tokenCount}]`, without the kinds that do not occur.
    pub(crate) fn details(self) -> Value {
        let kinds = [
            ("TEXT", self.text),
            ("IMAGE", self.image),
            ("VIDEO", self.video),
            ("AUDIO", self.audio),
            ("DOCUMENT", self.document),
        ];
        let present = kinds.into_iter().filter(|(_, count)| *count > 0);
        present
            .map(|(modality, count)| json!({"modality": modality, "tokenCount": count}))
            .collect()
    }
}

/// The counts of one answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Everything read, cached or not.
    pub(crate) prompt: Tally,
    pub(crate) cached: Option<Tally>,
    pub(crate) candidates: Option<u64>,
    /// The modality of the files among the candidates and their share of the tokens.
    pub(crate) media: Option<(&'static str, u64)>,
    pub(crate) thoughts: Option<u64>,
    /// What tools of the service have brought in.
    pub(crate) tool_use: Option<u64>,
}

impl Usage {
    pub(crate) fn to_json(self) -> Map<String, Value> {
        let mut out = Map::new();
        let prompt = self.prompt.total();
        out.insert("promptTokenCount".into(), prompt.into());
        out.insert("promptTokensDetails".into(), self.prompt.details());
        if let Some(cached) = self.cached {
            out.insert("cachedContentTokenCount".into(), cached.total().into());
            out.insert("cacheTokensDetails".into(), cached.details());
        }
        if let Some(candidates) = self.candidates {
            out.insert("candidatesTokenCount".into(), candidates.into());
        }
        if let (Some(candidates), Some((modality, count))) = (self.candidates, self.media) {
            let shares = [
                (modality, count),
                ("TEXT", candidates.saturating_sub(count)),
            ];
            let shares = shares.into_iter().filter(|(_, count)| *count > 0);
            let details = shares
                .map(|(modality, count)| json!({ "modality": modality, "tokenCount": count }));
            out.insert("candidatesTokensDetails".into(), details.collect());
        }
        if let Some(thoughts) = self.thoughts {
            out.insert("thoughtsTokenCount".into(), thoughts.into());
        }
        if let Some(tokens) = self.tool_use {
            out.insert("toolUsePromptTokenCount".into(), tokens.into());
            let details = json!([{ "modality": "TEXT", "tokenCount": tokens }]);
            out.insert("toolUsePromptTokensDetails".into(), details);
        }
        let others = [self.candidates, self.thoughts, self.tool_use];
        let total = prompt + others.into_iter().flatten().sum::<u64>();
        out.insert("totalTokenCount".into(), total.into());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemini::content::Role;

    #[test]
    fn the_total_is_the_sum_of_the_details() {
        let parts = vec![
            Part::Text("three small words".into()),
            Part::Media {
                mime: "image/png".into(),
                bytes: 10,
            },
            Part::Media {
                mime: "audio/mp3".into(),
                bytes: 640,
            },
            Part::File {
                mime: "application/pdf",
                uri: "gs://b/o",
            },
        ];
        let contents = [Content {
            role: Role::User,
            parts,
        }];
        let tally = Tally::of_contents(&contents, &Memory::default());
        let details = tally.details();
        let details = details.as_array().expect("a list");
        let sum: u64 = details
            .iter()
            .filter_map(|d| d["tokenCount"].as_u64())
            .sum();
        assert_eq!(details.len(), 4);
        assert_eq!(sum, tally.total());
        assert_eq!(tally.total(), 3 + 258 + 10 + 258);
    }

    #[test]
    fn usage_adds_up() {
        let tally = Tally {
            text: 10,
            ..Tally::default()
        };
        let usage = Usage {
            prompt: tally,
            cached: Some(Tally { text: 4, ..tally }),
            candidates: Some(3),
            media: None,
            thoughts: Some(2),
            tool_use: Some(3),
        };
        let json = Value::from(usage.to_json());
        assert_eq!(json["totalTokenCount"], 18);
        assert_eq!(json["cachedContentTokenCount"], 4);
    }
}
