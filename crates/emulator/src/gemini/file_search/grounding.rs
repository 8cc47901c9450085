//! What an answer rests on: the chunks that were found for it, and which part of its text comes
//! from which of them.

use serde_json::{Value, json};

use crate::gemini::file_search::index::Found;

/// The chunks found for an answer, best first.
#[derive(Debug)]
pub(crate) struct Grounding {
    /// Each with the full name of its store.
    pub(super) chunks: Vec<(String, Found)>,
}

impl Grounding {
    /// The texts of the chunks.
    pub(crate) fn texts(&self) -> Vec<&str> {
        self.chunks.iter().map(|(_, found)| found.text()).collect()
    }

    /// `groundingMetadata` of an answer that quotes these passages.
    pub(crate) fn to_json(&self, answer: &str, quoted: &[String]) -> Value {
        let chunks = self.chunks.iter();
        let mut body = json!({
            "groundingChunks": chunks.map(|(store, found)| chunk(store, found)).collect::<Value>(),
        });
        let mut supports = Vec::new();
        let mut from = 0;
        for passage in quoted {
            let Some(at) = answer[from..].find(passage.as_str()) else {
                continue;
            };
            let (start, end) = (from + at, from + at + passage.len());
            let sources = self.sources(passage);
            if !sources.is_empty() {
                let mut segment = json!({ "endIndex": end, "text": passage });
                // Zero is what is not there.
                if start > 0 {
                    segment["startIndex"] = start.into();
                }
                supports.push(json!({ "segment": segment, "groundingChunkIndices": sources }));
            }
            from = end;
        }
        if !supports.is_empty() {
            body["groundingSupports"] = supports.into();
        }
        body
    }

    /// Which chunks have the passage in them.
    fn sources(&self, passage: &str) -> Vec<usize> {
        let chunks = self.chunks.iter().enumerate();
        chunks
            .filter(|(_, (_, found))| found.text().contains(passage))
            .map(|(at, _)| at)
            .collect()
    }
}

fn chunk(store: &str, found: &Found) -> Value {
    let document = &found.document;
    let mut context = json!({
        "title": document.display_name,
        "text": found.text(),
        "fileSearchStore": store,
    });
    if !document.metadata.is_empty() {
        context["customMetadata"] = document.metadata.to_json();
    }
    if let Some(media) = &document.media {
        context["mediaId"] = media.name.as_str().into();
    }
    json!({ "retrievedContext": context })
}
