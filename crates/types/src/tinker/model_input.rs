//! The input of a model: chunks in order.

use super::{EncodedTextChunk, InvalidInput, ModelInputChunk};

record! {
    /// What a model reads: text, images and sound, in order.
    ///
    /// ```
    /// use gimmal_types::tinker::ModelInput;
    ///
    /// let prompt = ModelInput::from_ints([1, 2, 3]);
    /// assert_eq!(prompt.length()?, 3);
    /// assert_eq!(prompt.append_int(4).to_ints()?, [1, 2, 3, 4]);
    /// # Ok::<(), gimmal_types::tinker::InvalidInput>(())
    /// ```
    #[derive(Debug)]
    pub struct ModelInput {
        /// The chunks.
        pub chunks: Vec<ModelInputChunk>,
    }
}

impl ModelInput {
    /// Tokens of a text.
    pub fn from_ints(tokens: impl IntoIterator<Item = u32>) -> Self {
        let tokens: Vec<u32> = tokens.into_iter().collect();
        Self::new().append(EncodedTextChunk::from(tokens))
    }

    /// An input without any chunk.
    pub fn empty() -> Self {
        Self::new()
    }

    /// The input with a further chunk.
    #[must_use]
    pub fn append(mut self, chunk: impl Into<ModelInputChunk>) -> Self {
        self.chunks.push(chunk.into());
        self
    }

    /// The input with a further token, in a chunk of its own.
    #[must_use]
    pub fn append_int(self, token: u32) -> Self {
        self.append(EncodedTextChunk::from(vec![token]))
    }

    /// All tokens.
    ///
    /// # Errors
    ///
    /// Fails when there is anything but text.
    pub fn to_ints(&self) -> Result<Vec<u32>, InvalidInput> {
        let mut tokens = Vec::new();
        for (index, chunk) in self.chunks.iter().enumerate() {
            let ModelInputChunk::EncodedText(text) = chunk else {
                let field = format!("chunks[{index}]");
                return Err(InvalidInput::new(field, "is no text, so it has no tokens"));
            };
            tokens.extend_from_slice(&text.tokens);
        }
        Ok(tokens)
    }

    /// How many tokens it is.
    ///
    /// # Errors
    ///
    /// Fails when a chunk does not say how long it is.
    pub fn length(&self) -> Result<usize, InvalidInput> {
        let mut total = 0;
        for (index, chunk) in self.chunks.iter().enumerate() {
            total += chunk
                .length()
                .map_err(|error| error.within(&format!("chunks[{index}]")))?;
        }
        Ok(total)
    }
}

impl FromIterator<u32> for ModelInput {
    fn from_iter<I: IntoIterator<Item = u32>>(tokens: I) -> Self {
        Self::from_ints(tokens)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tinker::ImageChunk;

    #[test]
    fn inputs_grow_by_chunks_and_tokens() {
        let input = ModelInput::from_ints([1, 2]).append_int(3);
        assert_eq!((input.chunks.len(), input.length().unwrap()), (2, 3));
        assert_eq!(input.to_ints().unwrap(), [1, 2, 3]);
        assert_eq!(
            serde_json::to_string(&input).unwrap(),
            r#"{"chunks":[{"type":"encoded_text","tokens":[1,2]},{"type":"encoded_text","tokens":[3]}]}"#
        );
        assert_eq!(ModelInput::empty().length().unwrap(), 0);
        assert_eq!(
            [5, 6].into_iter().collect::<ModelInput>().length().unwrap(),
            2
        );
    }

    #[test]
    fn images_have_no_tokens() {
        let input = ModelInput::empty().append_int(1).append(ImageChunk::new());
        assert_eq!(input.to_ints().unwrap_err().field(), "chunks[1]");
        assert_eq!(
            input.length().unwrap_err().field(),
            "chunks[1].expected_tokens"
        );
    }
}
