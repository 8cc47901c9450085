//! Finding chunks: a ranking over all chunks of a store, made when it is first asked and kept until
//! a document comes or goes.

use std::{fmt, sync::Arc};

use crate::{
    engine::{bm25::Bm25, words},
    gemini::file_search::{document::Document, filter::Filter},
};

/// The chunks of a store, ready to be searched.
pub(super) struct StoreIndex {
    /// The document and the place in it of each chunk.
    chunks: Vec<(Arc<Document>, usize)>,
    ranking: Bm25,
}

/// A chunk that was found.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) document: Arc<Document>,
    pub(super) chunk: usize,
    pub(super) score: f32,
}

impl StoreIndex {
    pub(super) fn build<'a>(documents: impl IntoIterator<Item = &'a Arc<Document>>) -> Self {
        let mut chunks = Vec::new();
        let mut terms = Vec::new();
        for document in documents {
            let title = words::terms(&document.display_name);
            for (at, chunk) in document.chunks.iter().enumerate() {
                chunks.push((Arc::clone(document), at));
                terms.push((words::terms(chunk), title.clone()));
            }
        }
        Self {
            chunks,
            ranking: Bm25::build(terms),
        }
    }

    /// The chunks that share a term with the question and are of documents that pass the filter,
    /// best first.
    pub(super) fn search(&self, question_terms: &[String], filter: &Filter) -> Vec<Found> {
        let hits = self.ranking.search(question_terms, usize::MAX).into_iter();
        let found = hits.map(|hit| {
            let (document, chunk) = &self.chunks[hit.passage];
            Found {
                document: Arc::clone(document),
                chunk: *chunk,
                score: hit.score,
            }
        });
        found
            .filter(|found| filter.passes(&found.document.metadata))
            .collect()
    }
}

impl fmt::Debug for StoreIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreIndex")
            .field("chunks", &self.chunks.len())
            .finish_non_exhaustive()
    }
}

impl Found {
    pub(super) fn text(&self) -> &str {
        &self.document.chunks[self.chunk]
    }
}
