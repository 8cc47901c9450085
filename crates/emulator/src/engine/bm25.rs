//! Okapi BM25 over passages, with the words around a passage (its headings) counted at a lower
//! weight. Ranks; it neither cuts text nor writes answers.

use std::collections::HashMap;

/// How fast repeats of a term stop counting.
const K1: f32 = 1.2;
/// How much a long passage is marked down.
const B: f32 = 0.75;
/// What a term of a heading counts, compared with one of the passage itself.
const CONTEXT_WEIGHT: f32 = 0.4;

/// An inverted index from terms to passages.
#[derive(Debug, Default)]
pub(crate) struct Bm25 {
    postings: HashMap<String, Vec<(u32, f32)>>,
    /// The part of the score's denominator that depends on the passage alone.
    norms: Vec<f32>,
}

/// A passage and how well it fits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Hit {
    pub(crate) passage: usize,
    pub(crate) score: f32,
}

impl Bm25 {
    /// Indexes passages given as their own terms and the terms of their context.
    pub(crate) fn build(passages: impl IntoIterator<Item = (Vec<String>, Vec<String>)>) -> Self {
        let mut postings: HashMap<String, Vec<(u32, f32)>> = HashMap::new();
        let mut lengths = Vec::new();
        for (at, (own, context)) in (0_u32..).zip(passages) {
            lengths.push(own.len() as f32 + CONTEXT_WEIGHT * context.len() as f32);
            let own = own.into_iter().map(|term| (term, 1.0));
            let context = context.into_iter().map(|term| (term, CONTEXT_WEIGHT));
            for (term, weight) in own.chain(context) {
                let list = postings.entry(term).or_default();
                match list.last_mut() {
                    Some((passage, frequency)) if *passage == at => *frequency += weight,
                    _ => list.push((at, weight)),
                }
            }
        }
        let mean = (lengths.iter().sum::<f32>() / lengths.len().max(1) as f32).max(1.0);
        let norms = lengths
            .iter()
            .map(|length| K1 * (1.0 - B + B * length / mean))
            .collect();
        Self { postings, norms }
    }

    /// The `limit` best passages for the query terms, best first, ties in text order. Passages
    /// that share no term with the query are never returned.
    pub(crate) fn search(&self, query: &[String], limit: usize) -> Vec<Hit> {
        let count = self.norms.len() as f32;
        let mut scores: HashMap<u32, f32> = HashMap::new();
        for (at, term) in query.iter().enumerate() {
            // A question that repeats a word does not mean it more.
            let Some(list) = self
                .postings
                .get(term)
                .filter(|_| !query[..at].contains(term))
            else {
                continue;
            };
            let found = list.len() as f32;
            let rarity = (1.0 + (count - found + 0.5) / (found + 0.5)).ln();
            for (passage, frequency) in list {
                let norm = self.norms[*passage as usize];
                *scores.entry(*passage).or_default() +=
                    rarity * frequency * (K1 + 1.0) / (frequency + norm);
            }
        }
        let mut hits: Vec<Hit> = scores
            .into_iter()
            .map(|(passage, score)| Hit {
                passage: passage as usize,
                score,
            })
            .collect();
        hits.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.passage.cmp(&b.passage)));
        hits.truncate(limit);
        hits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn index(passages: &[(&str, &str)]) -> Bm25 {
        let words = |text: &str| {
            text.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        Bm25::build(
            passages
                .iter()
                .map(|(own, context)| (words(own), words(context))),
        )
    }

    fn found(bm25: &Bm25, query: &str) -> Vec<usize> {
        let query: Vec<String> = query.split_whitespace().map(str::to_owned).collect();
        bm25.search(&query, 10)
            .iter()
            .map(|hit| hit.passage)
            .collect()
    }

    #[test]
    fn rare_terms_count_more_than_common_ones() {
        let bm25 = index(&[
            ("cat dog", ""),
            ("cat bird", ""),
            ("cat fish", ""),
            ("cat cat", ""),
        ]);
        assert_eq!(found(&bm25, "cat bird")[0], 1);
    }

    #[test]
    fn short_passages_win_over_long_ones_with_the_same_term() {
        let bm25 = index(&[("refund a b c d e f g h i", ""), ("refund a", "")]);
        assert_eq!(found(&bm25, "refund"), [1, 0]);
    }

    #[test]
    fn a_term_of_the_passage_outweighs_one_of_its_heading() {
        let bm25 = index(&[("x y", "refund"), ("refund y", "x"), ("z", "z")]);
        assert_eq!(found(&bm25, "refund"), [1, 0]);
    }

    #[test]
    fn the_score_is_the_formula() {
        let bm25 = index(&[("a b", ""), ("b c", "")]);
        let hits = bm25.search(&["a".to_owned()], 1);
        // One of two passages has the term, both are of mean length, the term occurs once.
        let rarity = (1.0_f32 + 1.5 / 1.5).ln();
        assert!(
            (hits[0].score - rarity * 2.2 / 2.2).abs() < 1e-6,
            "{hits:?}"
        );
    }

    #[test]
    fn no_shared_term_no_hit_and_ties_keep_text_order() {
        let bm25 = index(&[("a", ""), ("b", ""), ("a", "")]);
        assert!(found(&bm25, "zzz").is_empty());
        assert_eq!(found(&bm25, "a"), [0, 2]);
        assert!(found(&Bm25::default(), "a").is_empty());
    }

    proptest! {
        #[test]
        fn the_same_search_gives_the_same_hits(
            passages in proptest::collection::vec("[a-e]( [a-e]){0,5}", 0..20),
            query in "[a-e]( [a-e]){0,3}",
        ) {
            let pairs: Vec<(&str, &str)> = passages.iter().map(|text| (text.as_str(), "")).collect();
            let query: Vec<String> = query.split(' ').map(str::to_owned).collect();
            prop_assert_eq!(index(&pairs).search(&query, 5), index(&pairs).search(&query, 5));
        }
    }
}
