//! A context prepared for questions: its texts, their passages and the ranking over them. Built
//! once for a cached content, and remembered by content for contexts that come with a request.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, PoisonError},
};

use crate::engine::{
    bm25::{Bm25, Hit},
    passages, tokenizer, words,
};

/// Contexts remembered at the same time, and the bytes of text they may hold together.
const CONTEXTS: usize = 64;
const CONTEXT_BYTES: usize = 64 << 20;
/// Token counts remembered, and the length from which remembering is cheaper than counting.
const COUNTS: usize = 1024;
const COUNT_FROM_BYTES: usize = 256;

/// Texts that can be searched.
pub(crate) struct ContextIndex {
    texts: Vec<Box<str>>,
    /// The text and the range in it of each passage.
    passages: Vec<(usize, std::ops::Range<usize>)>,
    ranking: Bm25,
}

impl ContextIndex {
    pub(crate) fn build(texts: &[&str]) -> Self {
        let mut passages = Vec::new();
        let mut terms = Vec::new();
        let mut seen = HashSet::new();
        for (at, text) in texts.iter().enumerate() {
            for passage in passages::split(text) {
                let own = &text[passage.range.clone()];
                // A text given twice, as histories tend to, is searched once.
                if !seen.insert(own) {
                    continue;
                }
                let context = passage.context.iter();
                let context = context.flat_map(|range| words::terms(&text[range.clone()]));
                terms.push((words::terms(own), context.collect()));
                passages.push((at, passage.range));
            }
        }
        Self {
            texts: texts.iter().map(|text| Box::from(*text)).collect(),
            passages,
            ranking: Bm25::build(terms),
        }
    }

    /// The `limit` passages that fit the question best, best first.
    pub(crate) fn search(&self, question_terms: &[String], limit: usize) -> Vec<Hit> {
        self.ranking.search(question_terms, limit)
    }

    /// The words of a passage, as they stand in the text.
    pub(crate) fn passage(&self, at: usize) -> &str {
        let (text, range) = &self.passages[at];
        &self.texts[*text][range.clone()]
    }

    pub(crate) fn len(&self) -> usize {
        self.passages.len()
    }

    fn bytes(&self) -> usize {
        self.texts.iter().map(|text| text.len()).sum()
    }
}

impl fmt::Debug for ContextIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContextIndex")
            .field("passages", &self.len())
            .finish_non_exhaustive()
    }
}

/// What the emulator remembers of texts it has seen, so that a context sent with every request is
/// read once.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    contexts: Mutex<Lru<Arc<ContextIndex>>>,
    counts: Mutex<Lru<usize>>,
}

impl Memory {
    /// The index of `texts`.
    pub(crate) fn index(&self, texts: &[&str]) -> Arc<ContextIndex> {
        let key = digest(texts);
        let mut contexts = self.contexts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = contexts.get(key) {
            return index;
        }
        drop(contexts);
        let index = Arc::new(ContextIndex::build(texts));
        contexts = self.contexts.lock().unwrap_or_else(PoisonError::into_inner);
        contexts.insert(
            key,
            Arc::clone(&index),
            index.bytes(),
            CONTEXTS,
            CONTEXT_BYTES,
        );
        index
    }

    /// The tokens in `text`.
    pub(crate) fn count(&self, text: &str) -> usize {
        if text.len() < COUNT_FROM_BYTES {
            return tokenizer::count(text);
        }
        let key = digest(&[text]);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get(key) {
            return count;
        }
        drop(counts);
        let count = tokenizer::count(text);
        counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.insert(key, count, 0, COUNTS, usize::MAX);
        count
    }
}

/// Texts by content: a 64-bit hash and the length, which do not collide by accident.
fn digest(texts: &[&str]) -> (u64, usize) {
    let mut hasher = DefaultHasher::new();
    texts.hash(&mut hasher);
    (hasher.finish(), texts.iter().map(|text| text.len()).sum())
}

/// Keeps what was used last, within a number of entries and of bytes.
#[derive(Debug)]
struct Lru<V> {
    entries: HashMap<(u64, usize), Entry<V>>,
    tick: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    used: u64,
    bytes: usize,
}

impl<V> Default for Lru<V> {
    fn default() -> Self {
        Self {
            entries: HashMap::new(),
            tick: 0,
            bytes: 0,
        }
    }
}

impl<V: Clone> Lru<V> {
    fn get(&mut self, key: (u64, usize)) -> Option<V> {
        self.tick += 1;
        let entry = self.entries.get_mut(&key)?;
        entry.used = self.tick;
        Some(entry.value.clone())
    }

    fn insert(
        &mut self,
        key: (u64, usize),
        value: V,
        bytes: usize,
        most: usize,
        most_bytes: usize,
    ) {
        self.tick += 1;
        self.bytes += bytes;
        if let Some(old) = self.entries.insert(
            key,
            Entry {
                value,
                used: self.tick,
                bytes,
            },
        ) {
            self.bytes -= old.bytes;
        }
        while self.entries.len() > most || (self.bytes > most_bytes && self.entries.len() > 1) {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.used);
            let Some(oldest) = oldest.map(|(key, _)| *key) else {
                break;
            };
            if let Some(gone) = self.entries.remove(&oldest) {
                self.bytes -= gone.bytes;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_leads_to_the_sentence_beneath_it() {
        let text = "# Guide\n## Refunds\nAsk within 30 days.\n## Shipping\nWe ship on Mondays.";
        let index = ContextIndex::build(&[text]);
        let hits = index.search(&words::terms("What is the refund rule?"), 1);
        assert_eq!(index.passage(hits[0].passage), "Ask within 30 days.");
    }

    #[test]
    fn repeated_passages_count_once() {
        let index = ContextIndex::build(&["The sky is blue.", "The sky is blue. Grass is green."]);
        assert_eq!(index.len(), 2);
    }

    #[test]
    fn memory_gives_the_same_index_back() {
        let memory = Memory::default();
        let first = memory.index(&["A b c."]);
        assert!(Arc::ptr_eq(&first, &memory.index(&["A b c."])));
        assert!(!Arc::ptr_eq(&first, &memory.index(&["A b", "c."])));
        let long = "word ".repeat(1000);
        assert_eq!(memory.count(&long), tokenizer::count(&long));
        assert_eq!(memory.count(&long), tokenizer::count(&long));
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let mut lru = Lru::default();
        for n in 0..3_usize {
            lru.insert((n as u64, 0), n, 10, 2, 1000);
            assert!(lru.get((0, 0)).is_some(), "0 is kept by being used");
        }
        assert!(lru.get((1, 0)).is_none());
        lru.insert((9, 0), 9, 2000, 10, 1000);
        assert_eq!(
            lru.entries.len(),
            1,
            "one entry above the bytes is kept alone"
        );
    }
}
