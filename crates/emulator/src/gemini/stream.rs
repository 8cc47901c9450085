//! An answer in pieces, as `streamGenerateContent` sends it: the thoughts, then the text a few
//! words at a time, with the usage so far on every chunk and the finish reason on the last.

use serde_json::Value;

use crate::{
    engine::tokenizer,
    gemini::generate::{Candidate, Generation, Output, candidate_json, thought},
};

/// Chunks of text an answer is sent in, when it is long enough.
const CHUNKS: usize = 5;
/// The fewest tokens of a chunk that is not the last.
const LEAST_TOKENS: usize = 4;

/// The bodies of the chunks, in order.
pub(crate) fn chunks(generation: &Generation) -> Vec<Value> {
    if generation.candidates.is_empty() {
        return vec![generation.envelope(Vec::new(), generation.usage)];
    }
    let mut usage = generation.usage;
    usage.candidates = None;
    usage.media = None;
    let mut out = Vec::new();
    if let Some(text) = &generation.thoughts {
        let indices = 0..generation.candidates.len();
        let thoughts = indices.map(|index| candidate_json(index, vec![thought(text)], None));
        out.push(generation.envelope(thoughts.collect(), usage));
    }
    let pieces: Vec<Vec<Output>> = generation.candidates.iter().map(split).collect();
    let rounds = pieces.iter().map(Vec::len).max().unwrap_or(0);
    let mut sent = 0;
    for round in 0..rounds {
        let mut candidates = Vec::new();
        for (index, pieces) in pieces.iter().enumerate() {
            let Some(piece) = pieces.get(round) else {
                continue;
            };
            sent += piece.tokens();
            let parts = piece.to_parts();
            let last = round + 1 == pieces.len();
            candidates.push(if last {
                generation.candidates[index].finished_json(index, parts)
            } else {
                candidate_json(index, parts, None)
            });
        }
        // The pieces are cut between tokens, so the counts add up to that of the whole.
        usage.candidates = Some(sent);
        let all = Some(sent) == generation.usage.candidates;
        usage.media = generation.usage.media.filter(|_| all);
        out.push(generation.envelope(candidates, usage));
    }
    out
}

/// The pieces of a candidate; there is always at least one.
pub(crate) fn split(candidate: &Candidate) -> Vec<Output> {
    let text = match &candidate.output {
        Output::Text(text) => text,
        Output::Call(call) => return vec![Output::Call(call.clone())],
        Output::Media(media) => {
            let (caption, file) = media.clone().split();
            let caption = Some(Output::Text(caption)).filter(|text| text.tokens() > 0);
            return caption.into_iter().chain([Output::Media(file)]).collect();
        }
    };
    let size = tokenizer::count(text).div_ceil(CHUNKS).max(LEAST_TOKENS);
    let mut out = Vec::new();
    let mut rest = text.as_str();
    loop {
        let (piece, more) = tokenizer::truncate(rest, size);
        out.push(Output::Text(piece.to_owned()));
        if !more {
            return out;
        }
        rest = &rest[piece.len()..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{engine::calls::Call, gemini::usage::Usage, route::Backend};
    use proptest::prelude::*;
    use serde_json::json;
    use std::time::SystemTime;

    fn generation(outputs: Vec<Output>, thoughts: Option<&str>) -> Generation {
        let candidates: Vec<Candidate> = outputs
            .into_iter()
            .map(|output| Candidate {
                output,
                finish: "STOP",
                grounding: None,
            })
            .collect();
        let tokens = candidates
            .iter()
            .map(|candidate| candidate.output.tokens())
            .sum();
        Generation {
            backend: Backend::Developer,
            model: "m".to_owned(),
            response_id: "r".to_owned(),
            created: SystemTime::UNIX_EPOCH,
            usage: Usage {
                candidates: Some(tokens),
                ..Usage::default()
            },
            thoughts: thoughts.map(str::to_owned),
            candidates,
        }
    }

    #[test]
    fn a_call_is_one_chunk_and_thoughts_come_first() {
        let call = Output::Call(Call {
            name: "f".into(),
            args: json!({}),
        });
        let chunks = chunks(&generation(vec![call], Some("hm")));
        assert_eq!(chunks.len(), 2);
        assert_eq!(
            chunks[0]["candidates"][0]["content"]["parts"][0]["thought"],
            true
        );
        assert!(chunks[0]["candidates"][0].get("finishReason").is_none());
        assert_eq!(
            chunks[1]["candidates"][0]["content"]["parts"][0]["functionCall"]["name"],
            "f"
        );
        assert_eq!(chunks[1]["candidates"][0]["finishReason"], "STOP");
    }

    #[test]
    fn a_blocked_prompt_is_one_chunk() {
        let chunks = chunks(&generation(Vec::new(), None));
        assert_eq!(chunks.len(), 1);
        assert_eq!(chunks[0]["promptFeedback"]["blockReason"], "SAFETY");
    }

    proptest! {
        #[test]
        fn the_chunks_join_to_the_answer(text in "[ a-zA-Z.\\n日]{0,300}", other in "[a-z ]{0,60}") {
            let whole = generation(vec![Output::Text(text.clone()), Output::Text(other.clone())], None);
            let chunks = chunks(&whole);
            let mut joined = [String::new(), String::new()];
            let mut finished = [0, 0];
            for chunk in &chunks {
                for candidate in chunk["candidates"].as_array().expect("candidates") {
                    let index = candidate["index"].as_u64().expect("index") as usize;
                    prop_assert_eq!(finished[index], 0);
                    joined[index] += candidate["content"]["parts"][0]["text"].as_str().unwrap_or("");
                    finished[index] += usize::from(candidate["finishReason"] == "STOP");
                }
            }
            prop_assert_eq!(joined, [text, other]);
            prop_assert_eq!(finished, [1, 1]);
            let last = chunks.last().expect("a chunk");
            let total = whole.usage.candidates.expect("a count");
            prop_assert_eq!(last["usageMetadata"]["candidatesTokenCount"].as_u64(), Some(total));
        }
    }
}
