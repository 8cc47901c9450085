//! A sequence as it is drawn, token by token, from servers that stream.

record! {
    /// A piece of a sequence: a token, the end, or what went wrong.
    ///
    /// ```
    /// use gimmal_types::tinker::{SampleStreamChunk, SampleStreamEvent};
    ///
    /// let chunk: SampleStreamChunk = serde_json::from_str(r#"{"token": " world"}"#)?;
    /// assert_eq!(chunk.event(), SampleStreamEvent::Token);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Debug)]
    pub struct SampleStreamChunk {
        /// The text of the token.
        pub token: Option<String>,
        /// Its number.
        pub token_id: Option<i64>,
        /// The sequence that it belongs to, from 0.
        pub index: Option<u32>,
        /// Why the sequence ended.
        pub finish_reason: Option<String>,
        /// How many tokens the sequence has.
        pub total_tokens: Option<u64>,
        /// How likely the token was, as a logarithm.
        pub logprob: Option<f64>,
        /// What went wrong.
        pub error: Option<String>,
        /// What the server calls the piece.
        pub event_type: Option<String>,
    }
}

/// What a piece of a sequence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SampleStreamEvent {
    /// A token.
    Token,
    /// The end, perhaps with the last token.
    Done,
    /// The server gave up.
    Error,
}

impl SampleStreamChunk {
    /// What the piece is: what the server calls it, or what its members say.
    pub fn event(&self) -> SampleStreamEvent {
        match self.event_type.as_deref() {
            Some("token") => SampleStreamEvent::Token,
            Some("done") => SampleStreamEvent::Done,
            Some("error") => SampleStreamEvent::Error,
            _ if self.finish_reason.is_some() => SampleStreamEvent::Done,
            _ if self.error.is_some() => SampleStreamEvent::Error,
            _ => SampleStreamEvent::Token,
        }
    }
}
