//! What a model can do, read from its name, as the service's names tell it.

/// A family of models that answer the same calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text, from anything.
    Chat,
    /// Text and pictures, from anything.
    Painter,
    /// Speech from text.
    Speaker,
    /// Vectors from text, and from media when `media`.
    Embedder { media: bool },
    /// Vectors of texts, pictures and videos side by side; Vertex only.
    MediaEmbedder,
    /// Pictures by `predict`.
    Imagen(Imagen),
    /// Films, by an operation.
    Filmmaker,
    /// Talks over a socket.
    Live,
    /// Plays over a socket.
    Musician,
}

/// The kinds of pictures `predict` makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Imagen {
    /// From words.
    Generate,
    /// From words and reference pictures; larger ones from small ones too.
    Edit,
    /// Larger ones from small ones.
    Upscale,
    /// Products or clothes in a scene.
    Recontext,
    /// Masks.
    Segment,
}

impl Kind {
    pub(crate) fn of(name: &str) -> Self {
        let starts = |prefix: &str| name.starts_with(prefix);
        let has = |part: &str| name.contains(part);
        if starts("multimodalembedding") {
            Self::MediaEmbedder
        } else if has("embedding") || starts("textembedding") {
            // The second generation reads media too.
            let media = starts("gemini-embedding-2");
            Self::Embedder { media }
        } else if starts("imagen") {
            Self::Imagen(if has("upscale") {
                Imagen::Upscale
            } else if has("recontext") {
                Imagen::Recontext
            } else if has("capability") || has("edit") {
                Imagen::Edit
            } else {
                Imagen::Generate
            })
        } else if starts("virtual-try-on") {
            Self::Imagen(Imagen::Recontext)
        } else if starts("image-segmentation") {
            Self::Imagen(Imagen::Segment)
        } else if starts("veo-") {
            Self::Filmmaker
        } else if starts("lyria-realtime") {
            Self::Musician
        } else if name.split('-').any(|word| word == "live") || has("native-audio") {
            Self::Live
        } else if has("-tts") {
            Self::Speaker
        } else if starts("gemini") && has("-image") {
            Self::Painter
        } else {
            Self::Chat
        }
    }

    /// The names of the calls it answers, as the list of models gives them.
    pub(crate) fn methods(self) -> &'static [&'static str] {
        match self {
            Self::Chat => &["generateContent", "countTokens", "batchGenerateContent"],
            Self::Painter => &["generateContent", "countTokens", "batchGenerateContent"],
            Self::Speaker => &["generateContent", "countTokens"],
            Self::Embedder { .. } => &["embedContent", "countTokens", "asyncBatchEmbedContent"],
            Self::MediaEmbedder | Self::Imagen(_) => &["predict"],
            Self::Filmmaker => &["predictLongRunning"],
            Self::Live => &["bidiGenerateContent", "countTokens"],
            Self::Musician => &["bidiGenerateMusic"],
        }
    }

    /// Whether it answers the call of that name.
    pub(crate) fn answers(self, method: &str) -> bool {
        let named = match method {
            "computeTokens" => "countTokens",
            // A card tells by itself whether it takes cached contents.
            "getModel" | "createCachedContent" => return true,
            "predict" => match self {
                Self::Embedder { .. } => "embedContent",
                _ => "predict",
            },
            "batchEmbedContents" => "embedContent",
            other => other,
        };
        self.methods().contains(&named)
    }

    /// The most tokens of a prompt and of an answer.
    pub(crate) fn limits(self) -> (u64, u64) {
        match self {
            Self::Chat => (1_048_576, 65_536),
            Self::Painter => (32_768, 32_768),
            Self::Speaker => (8_192, 16_384),
            Self::Embedder { media: true } => (8_192, 1),
            Self::Embedder { media: false } => (2_048, 1),
            Self::MediaEmbedder => (32, 1),
            Self::Imagen(_) => (480, 8_192),
            Self::Filmmaker => (1_024, 1),
            Self::Live | Self::Musician => (131_072, 8_192),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_a_model_does() {
        let cases = [
            ("gemini-2.5-flash", Kind::Chat),
            ("mine", Kind::Chat),
            ("gemini-2.5-flash-image", Kind::Painter),
            ("veo-3.0-generate-001", Kind::Filmmaker),
            ("gemini-2.5-flash-preview-tts", Kind::Speaker),
            ("gemini-embedding-001", Kind::Embedder { media: false }),
            ("gemini-embedding-2", Kind::Embedder { media: true }),
            (
                "text-multilingual-embedding-002",
                Kind::Embedder { media: false },
            ),
            ("multimodalembedding@001", Kind::MediaEmbedder),
            ("imagen-4.0-generate-001", Kind::Imagen(Imagen::Generate)),
            ("imagen-3.0-capability-001", Kind::Imagen(Imagen::Edit)),
            ("imagen-4.0-upscale-preview", Kind::Imagen(Imagen::Upscale)),
            (
                "imagen-product-recontext-preview-06-30",
                Kind::Imagen(Imagen::Recontext),
            ),
            ("image-segmentation-001", Kind::Imagen(Imagen::Segment)),
        ];
        for (name, kind) in cases {
            assert_eq!(Kind::of(name), kind, "{name}");
        }
    }

    #[test]
    fn a_model_answers_its_calls_and_no_others() {
        let chat = Kind::of("gemini-2.5-flash");
        assert!(chat.answers("generateContent") && chat.answers("computeTokens"));
        assert!(!chat.answers("predict") && !chat.answers("embedContent"));
        let embedder = Kind::of("gemini-embedding-001");
        assert!(embedder.answers("predict") && embedder.answers("batchEmbedContents"));
        assert!(!embedder.answers("generateContent"));
    }
}
