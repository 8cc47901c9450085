//! The pieces that the input of a model is made of: text, images, sound.

use super::{Base64Bytes, ImageFormat, InvalidInput, tensor_container};

record! {
    /// Text, as tokens.
    pub struct EncodedTextChunk {
        /// The tokens.
        pub tokens: Vec<u32>,
    }

    /// An image.
    pub struct ImageChunk {
        /// The encoded image.
        pub data: Base64Bytes,
        /// How it is encoded.
        pub format: ImageFormat,
        /// How many tokens the image is thought to be. The server counts for itself and may
        /// refuse another count at once.
        pub expected_tokens: Option<u32>,
    }

    /// An image that lies elsewhere.
    pub struct ImageAssetPointerChunk {
        /// How it is encoded.
        pub format: ImageFormat,
        /// Where it lies.
        pub location: String,
        /// How many tokens the image is thought to be.
        pub expected_tokens: Option<u32>,
    }

    /// Sound, as discrete mel values in a tensor container.
    pub struct DmelChunk {
        /// The container; its first dimension counts the tokens.
        pub dmel: Base64Bytes,
    }
}

tagged! {
    /// A piece of the input of a model.
    #[derive(Debug)]
    pub enum ModelInputChunk {
        /// Text.
        EncodedText(EncodedTextChunk) = "encoded_text",
        /// An image.
        Image(ImageChunk) = "image",
        /// An image that lies elsewhere; sampling takes it, training does not.
        ImageAssetPointer(ImageAssetPointerChunk) = "image_asset_pointer",
        /// Sound.
        Dmel(DmelChunk) = "dmel",
    }
}

names_only_debug!(
    EncodedTextChunk,
    ImageChunk,
    ImageAssetPointerChunk,
    DmelChunk
);

impl EncodedTextChunk {
    /// How many tokens it is.
    pub fn length(&self) -> usize {
        self.tokens.len()
    }
}

impl ImageChunk {
    /// How many tokens it is thought to be.
    ///
    /// # Errors
    ///
    /// Fails when nobody said so.
    pub fn length(&self) -> Result<usize, InvalidInput> {
        expected(self.expected_tokens)
    }
}

impl ImageAssetPointerChunk {
    /// How many tokens it is thought to be.
    ///
    /// # Errors
    ///
    /// Fails when nobody said so.
    pub fn length(&self) -> Result<usize, InvalidInput> {
        expected(self.expected_tokens)
    }
}

impl DmelChunk {
    /// How many tokens it is.
    ///
    /// # Errors
    ///
    /// Fails when the bytes are no tensor container with at least one dimension.
    pub fn length(&self) -> Result<usize, InvalidInput> {
        let shape = tensor_container::shape(self.dmel.as_bytes())?;
        let first = shape.first().and_then(|&first| usize::try_from(first).ok());
        first.ok_or_else(|| InvalidInput::new("dmel", "has no dimension that counts its tokens"))
    }
}

impl ModelInputChunk {
    /// How many tokens it is.
    ///
    /// # Errors
    ///
    /// Fails when it does not say so: an image without `expected_tokens`, or an unknown kind.
    pub fn length(&self) -> Result<usize, InvalidInput> {
        match self {
            Self::EncodedText(chunk) => Ok(chunk.length()),
            Self::Image(chunk) => chunk.length(),
            Self::ImageAssetPointer(chunk) => chunk.length(),
            Self::Dmel(chunk) => chunk.length(),
            Self::Unknown(_) => Err(InvalidInput::new("type", "is no kind of chunk known here")),
        }
    }
}

impl From<Vec<u32>> for EncodedTextChunk {
    fn from(tokens: Vec<u32>) -> Self {
        Self::new().set_tokens(tokens)
    }
}

fn expected(tokens: Option<u32>) -> Result<usize, InvalidInput> {
    let tokens = tokens.and_then(|tokens| usize::try_from(tokens).ok());
    tokens.ok_or_else(|| {
        InvalidInput::new(
            "expected_tokens",
            "must be set to know the length of an image",
        )
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Covers: EncodedTextChunk.length, ImageChunk.length, ImageAssetPointerChunk.length,
    /// DmelChunk.length
    #[test]
    fn chunks_are_told_apart_by_their_type() {
        for (json, length) in [
            (json!({"type": "encoded_text", "tokens": [1, 2]}), Some(2)),
            (
                json!({"type": "image", "data": "+/8=", "format": "png", "expected_tokens": 9}),
                Some(9),
            ),
            (json!({"type": "image", "data": "", "format": "jpeg"}), None),
            (
                json!({"type": "image_asset_pointer", "format": "png", "location": "s3://b/k"}),
                None,
            ),
            (json!({"type": "dmel", "dmel": "AAIFUA=="}), Some(5)),
            (json!({"type": "dmel", "dmel": "BwA="}), None),
            (json!({"type": "smell"}), None),
        ] {
            let chunk: ModelInputChunk = serde_json::from_value(json.clone()).unwrap();
            assert_eq!(chunk.length().ok(), length, "{json}");
            assert_eq!(serde_json::to_value(&chunk).unwrap(), json);
        }
    }

    #[test]
    fn debug_output_holds_no_prompt() {
        let chunk = ModelInputChunk::from(EncodedTextChunk::from(vec![4711]));
        let shown = format!("{chunk:?}");
        assert!(
            !shown.contains("4711") && shown.contains("tokens: set"),
            "{shown}"
        );
        assert_eq!(EncodedTextChunk::FIELDS, ["tokens"]);
    }
}
