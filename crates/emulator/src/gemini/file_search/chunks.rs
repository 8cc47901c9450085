//! Cutting a text into chunks at white space: as many words as fit into a number of tokens, with
//! some of the last words of each chunk again at the beginning of the next.

use std::ops::Range;

use serde_json::{Map, Value};

use crate::{
    engine::tokenizer,
    gemini::{
        errors::ApiError,
        fields::{self, integer, object},
    },
    route::Backend,
};

const DEFAULT_TOKENS: usize = 256;
const DEFAULT_OVERLAP: usize = 32;
/// The most tokens a chunk may be set to have.
const MOST_TOKENS: i64 = 512;

/// How a text is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunking {
    /// The most tokens of a chunk.
    tokens: usize,
    /// The most tokens a chunk shares with the one before.
    overlap: usize,
}

impl Chunking {
    /// Reads `chunkingConfig` of a request.
    pub(super) fn decode(request: &Map<String, Value>) -> Result<Self, ApiError> {
        const AT: &str = "chunking_config";
        const INNER: &str = "chunking_config.white_space_config";
        let empty = Map::new();
        let config = object(request, "chunkingConfig", "")?.unwrap_or(&empty);
        fields::CHUNKING_CONFIG.check(config, AT, Backend::Developer)?;
        let config = object(config, "whiteSpaceConfig", AT)?.unwrap_or(&empty);
        fields::WHITE_SPACE_CONFIG.check(config, INNER, Backend::Developer)?;
        let refused = |field: &str, problem: String| {
            Err(ApiError::bad_request(
                &format!("{INNER}.{field}"),
                format!("{field} {problem}"),
            ))
        };
        let tokens = match integer(config, "maxTokensPerChunk", INNER)? {
            None | Some(0) => DEFAULT_TOKENS,
            Some(tokens) if (1..=MOST_TOKENS).contains(&tokens) => tokens.unsigned_abs() as usize,
            Some(tokens) => {
                let problem = format!("is {tokens}; it must be between 1 and {MOST_TOKENS}.");
                return refused("max_tokens_per_chunk", problem);
            }
        };
        let overlap = match integer(config, "maxOverlapTokens", INNER)? {
            None => DEFAULT_OVERLAP.min(tokens / 2),
            Some(overlap) if overlap >= 0 && overlap.unsigned_abs() < tokens as u64 => {
                overlap.unsigned_abs() as usize
            }
            Some(overlap) => {
                let problem = format!("is {overlap}; it must be between 0 and {}.", tokens - 1);
                return refused("max_overlap_tokens", problem);
            }
        };
        Ok(Self { tokens, overlap })
    }

    /// The chunks of a text, in order.
    pub(super) fn split(self, text: &str) -> Vec<Range<usize>> {
        let words = words(text, self.tokens);
        let mut chunks = Vec::new();
        let mut first = 0;
        while first < words.len() {
            let mut tokens = 0;
            let mut end = first;
            while end < words.len() && tokens + words[end].tokens <= self.tokens {
                tokens += words[end].tokens;
                end += 1;
            }
            chunks.push(words[first].range.start..words[end - 1].range.end);
            if end == words.len() {
                break;
            }
            // Go back over the words that come again, but never so far that nothing is new.
            let mut again = 0;
            let mut next = end;
            while next > first + 1
                && again + words[next - 1].tokens <= self.overlap
                && again + words[next - 1].tokens + words[end].tokens <= self.tokens
            {
                next -= 1;
                again += words[next].tokens;
            }
            first = next;
        }
        chunks
    }
}

/// A word and what it counts.
#[derive(Debug)]
struct Word {
    range: Range<usize>,
    tokens: usize,
}

/// The words of a text. One of more than `most` tokens is cut like a text without white space.
fn words(text: &str, most: usize) -> Vec<Word> {
    let mut out = Vec::new();
    for word in text.split_whitespace() {
        let mut start = word.as_ptr().addr() - text.as_ptr().addr();
        let mut rest = word;
        while !rest.is_empty() {
            let (piece, _) = tokenizer::truncate(rest, most);
            out.push(Word {
                range: start..start + piece.len(),
                tokens: tokenizer::count(piece),
            });
            start += piece.len();
            rest = &rest[piece.len()..];
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn decode(config: Value) -> Result<Chunking, String> {
        let request = json!({ "chunkingConfig": { "whiteSpaceConfig": config } });
        let request = request.as_object().cloned().expect("an object");
        Chunking::decode(&request).map_err(|error| error.message().to_owned())
    }

    fn split(text: &str, tokens: usize, overlap: usize) -> Vec<&str> {
        let chunks = Chunking { tokens, overlap }.split(text);
        chunks.into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn words_come_again() {
        let text = "a b c  d\ne f g";
        assert_eq!(split(text, 3, 1), ["a b c", "c  d\ne", "e f g"]);
        assert_eq!(split(text, 3, 0), ["a b c", "d\ne f", "g"]);
        assert_eq!(split(text, 9, 3), [text]);
        assert!(split(" \n ", 3, 1).is_empty());
    }

    #[test]
    fn settings_are_checked() {
        let usual = Chunking {
            tokens: DEFAULT_TOKENS,
            overlap: DEFAULT_OVERLAP,
        };
        assert_eq!(decode(json!({})), Ok(usual));
        assert_eq!(
            decode(json!({"maxTokensPerChunk": 20, "maxOverlapTokens": "4"})),
            Ok(Chunking {
                tokens: 20,
                overlap: 4
            })
        );
        for (config, part) in [
            (json!({"maxTokensPerChunk": -1}), "between 1 and 512"),
            (json!({"maxTokensPerChunk": 513}), "between 1 and 512"),
            (
                json!({"maxTokensPerChunk": 5, "maxOverlapTokens": 5}),
                "between 0 and 4",
            ),
            (json!({"maxTokens": 5}), "\"maxTokens\""),
        ] {
            let message = decode(config).expect_err(part);
            assert!(message.contains(part), "{message}");
        }
    }

    proptest! {
        #[test]
        fn every_word_is_in_a_chunk_and_no_chunk_is_too_large(
            text in "([a-z]{1,12}|[ \\n]{1,3}|日本|[0-9.]{1,9}){0,60}",
            tokens in 1_usize..12,
            overlap in 0_usize..12,
        ) {
            let overlap = overlap.min(tokens - 1);
            let chunks = Chunking { tokens, overlap }.split(&text);
            let mut end = 0;
            let mut start = 0;
            for (at, chunk) in chunks.iter().enumerate() {
                prop_assert!(chunk.end > end && (at == 0 || chunk.start > start));
                // Nothing but white space lies between chunks.
                let between = text.get(end..chunk.start).unwrap_or_default();
                prop_assert!(between.trim().is_empty());
                let words = text[chunk.clone()].split_whitespace();
                prop_assert!(words.map(tokenizer::count).sum::<usize>() <= tokens + 1);
                let again = text.get(chunk.start..end).unwrap_or_default();
                let again = again.split_whitespace().map(tokenizer::count).sum::<usize>();
                prop_assert!(again <= overlap);
                (start, end) = (chunk.start, chunk.end);
            }
            prop_assert!(text[end..].trim().is_empty());
        }
    }
}
