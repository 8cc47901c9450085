//! Answers to requests that mean the same. Everything about two requests but what they ask must be
//! equal, and what they ask must be close and pass the guards; then the answer of one may serve the
//! other. The index knows keys and vectors; whether an answer is still good the store decides.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::{BoxFuture, Either, select};

use crate::key::{CacheKey, KeyRequest};
use crate::lock;
use crate::time::Clock;
use crate::value::Value;

/// Turns texts into vectors, so that texts which mean the same lie close together.
pub trait Embedder: fmt::Debug + Send + Sync + 'static {
    /// The vector of a text; `None` if there is none now.
    fn embed<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Option<Vec<f32>>>;
}

/// Finds answers to requests that mean the same. Off unless it is given to
/// [`AiCacheBuilder::with_semantic`](super::AiCacheBuilder::with_semantic).
///
/// It serves the operations `qa` and `classify` if not told otherwise. What is asked must be as
/// similar as the threshold says and have the same numbers, the same negations, the same script and
/// a similar length.
#[derive(Clone, Debug)]
#[must_use]
pub struct SemanticTier {
    embedder: Arc<dyn Embedder>,
    threshold: f32,
    operations: BTreeSet<String>,
    max_chars: usize,
    budget: Duration,
    max_entries: usize,
    index: Arc<Mutex<Index>>,
    /// What would have been served; `None` where it is served.
    trial: Option<Arc<Mutex<VecDeque<Trial>>>>,
}

/// An answer that the tier would have given, beside the one that the request got: by looking at
/// some, you find the threshold at which the two say the same.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Trial {
    /// The request.
    pub key: CacheKey,
    /// The request that was taken to mean the same.
    pub nearest: CacheKey,
    /// The cosine similarity of the two.
    pub similarity: f32,
    /// What would have been answered.
    pub offered: Value,
    /// What was answered.
    pub answered: Value,
}

impl Trial {
    /// Whether both answers are equal to the byte; two that mean the same may not be.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.offered == self.answered
    }
}

/// Trials that are remembered; the oldest go first.
const TRIALS: usize = 1_000;

/// What was asked.
#[derive(Debug, Default)]
struct Index {
    /// By all that must be equal.
    known: HashMap<[u8; 32], VecDeque<Known>>,
    /// One for each vector that was put in, the oldest first: where it is, if it still is.
    order: VecDeque<[u8; 32]>,
}

#[derive(Debug)]
struct Known {
    vector: Vec<f32>,
    subject: String,
    key: CacheKey,
}

/// What a request asks, and all of it that must be equal in another.
#[derive(Clone, Debug)]
pub(super) struct Meaning {
    frame: [u8; 32],
    subject: String,
}

impl SemanticTier {
    /// A tier with a threshold of 0.95, at most 10,000 vectors, texts of at most 8,000 characters
    /// and 100 ms for an embedding.
    pub fn new(embedder: impl Embedder) -> Self {
        Self {
            embedder: Arc::new(embedder),
            threshold: 0.95,
            operations: ["classify", "qa"].map(str::to_owned).into(),
            max_chars: 8_000,
            budget: Duration::from_millis(100),
            max_entries: 10_000,
            index: Arc::default(),
            trial: None,
        }
    }

    /// Serves nothing, but remembers the last 1,000 answers that it would have served, beside those
    /// that the requests got instead. [`trials`](Self::trials) of a clone of this tier has them.
    ///
    /// ```
    /// use futures_util::future::{BoxFuture, FutureExt};
    /// use gimmal_cache::{AiCache, Embedder, MemoryCache, SemanticTier};
    ///
    /// #[derive(Debug)]
    /// struct Mine;
    /// impl Embedder for Mine {
    ///     fn embed<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Option<Vec<f32>>> {
    ///         // Ask an embedding model here.
    ///         async move { Some(vec![text.len() as f32, 1.0]) }.boxed()
    ///     }
    /// }
    ///
    /// let tier = SemanticTier::new(Mine).on_trial();
    /// let cache = AiCache::builder(MemoryCache::new(100)).with_semantic(tier.clone()).build();
    /// // After some time of use:
    /// let trials = tier.trials();
    /// let wrong = trials.iter().filter(|trial| !trial.is_equal()).count();
    /// assert_eq!((trials.len(), wrong), (0, 0));
    /// # drop(cache);
    /// ```
    pub fn on_trial(mut self) -> Self {
        self.trial = Some(Arc::default());
        self
    }

    /// What it would have served, the newest last; nothing unless it is [on trial](Self::on_trial).
    #[must_use]
    pub fn trials(&self) -> Vec<Trial> {
        let list = self.trial.as_ref().map(|trials| lock(trials));
        list.map_or_else(Vec::new, |list| list.iter().cloned().collect())
    }

    pub(super) fn is_on_trial(&self) -> bool {
        self.trial.is_some()
    }

    pub(super) fn note(&self, trial: Trial) {
        if let Some(trials) = &self.trial {
            let mut trials = lock(trials);
            if trials.len() == TRIALS {
                trials.pop_front();
            }
            trials.push_back(trial);
        }
    }

    /// The cosine similarity from which on two texts mean the same, from 0 to 1.
    pub fn with_threshold(mut self, similarity: f32) -> Self {
        self.threshold = similarity.clamp(0.0, 1.0);
        self
    }

    /// Also serves this operation.
    pub fn with_operation(mut self, operation: impl Into<String>) -> Self {
        self.operations.insert(operation.into());
        self
    }

    /// How long an embedding may take; after that the call goes on without.
    pub fn with_budget(mut self, budget: Duration) -> Self {
        self.budget = budget;
        self
    }

    /// How many vectors are kept; the oldest go first.
    pub fn with_max_entries(mut self, entries: usize) -> Self {
        self.max_entries = entries.max(1);
        self
    }

    /// What a request asks, if this tier may serve it.
    pub(super) fn meaning(&self, request: &KeyRequest<'_>) -> Option<Meaning> {
        let subject = request.subject();
        let is_served = self.operations.contains(request.operation())
            && !subject.is_empty()
            && subject.chars().count() <= self.max_chars;
        is_served.then(|| Meaning {
            frame: *request.frame().digest(),
            subject: subject.to_owned(),
        })
    }

    /// The vector of what is asked, of length one.
    pub(super) async fn embed(&self, meaning: &Meaning, clock: &dyn Clock) -> Option<Vec<f32>> {
        let embedding = self.embedder.embed(&meaning.subject);
        match select(embedding, clock.sleep(self.budget)).await {
            Either::Left((vector, _)) => normalised(vector?),
            Either::Right(_) => None,
        }
    }

    /// The key of the nearest request that was answered, and how similar it is.
    pub(super) fn nearest(&self, meaning: &Meaning, vector: &[f32]) -> Option<(CacheKey, f32)> {
        let index = lock(&self.index);
        let known = index.known.get(&meaning.frame)?.iter();
        known
            .filter(|known| known.vector.len() == vector.len())
            .map(|known| (known, cosine(&known.vector, vector)))
            .filter(|(known, similarity)| {
                *similarity >= self.threshold && is_alike(&known.subject, &meaning.subject)
            })
            .max_by(|(_, a), (_, b)| a.total_cmp(b))
            .map(|(known, similarity)| (known.key.clone(), similarity))
    }

    /// Remembers that this was asked and answered.
    pub(super) fn insert(&self, meaning: Meaning, vector: Vec<f32>, key: CacheKey) {
        let mut index = lock(&self.index);
        while index.order.len() >= self.max_entries {
            index.drop_oldest();
        }
        index.order.push_back(meaning.frame);
        let known = index.known.entry(meaning.frame).or_default();
        known.retain(|known| known.key != key);
        known.push_back(Known {
            vector,
            subject: meaning.subject,
            key,
        });
    }

    /// Forgets a request whose answer is gone.
    pub(super) fn remove(&self, meaning: &Meaning, key: &CacheKey) {
        let mut index = lock(&self.index);
        index.change(&meaning.frame, |known| {
            known.retain(|known| known.key != *key)
        });
    }
}

impl Index {
    fn drop_oldest(&mut self) {
        if let Some(frame) = self.order.pop_front() {
            self.change(&frame, |known| drop(known.pop_front()));
        }
    }

    fn change(&mut self, frame: &[u8; 32], change: impl FnOnce(&mut VecDeque<Known>)) {
        if let Some(known) = self.known.get_mut(frame) {
            change(known);
            if known.is_empty() {
                self.known.remove(frame);
            }
        }
    }
}

fn normalised(mut vector: Vec<f32>) -> Option<Vec<f32>> {
    let length = cosine(&vector, &vector).sqrt();
    if !(length.is_finite() && length > 0.0) {
        return None;
    }
    vector.iter_mut().for_each(|it| *it /= length);
    Some(vector)
}

/// The cosine of two vectors of length one.
fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// What embeddings are known to confuse.
fn is_alike(a: &str, b: &str) -> bool {
    let (long, short) = (a.len().max(b.len()), a.len().min(b.len()));
    long <= 2 * short
        && numbers(a) == numbers(b)
        && negations(a) == negations(b)
        && is_latin(a) == is_latin(b)
}

fn numbers(text: &str) -> Vec<&str> {
    text.split(|it: char| !it.is_numeric())
        .filter(|number| !number.is_empty())
        .collect()
}

fn negations(text: &str) -> usize {
    const WORDS: [&str; 9] = [
        "no", "not", "never", "none", "without", "cannot", "nor", "neither", "except",
    ];
    text.split(|it: char| !it.is_alphabetic() && it != '\'')
        .map(str::to_lowercase)
        .filter(|word| WORDS.contains(&word.as_str()) || word.ends_with("n't"))
        .count()
}

/// Whether most of the letters are of the Latin script.
fn is_latin(text: &str) -> bool {
    let letters = || text.chars().filter(|it| it.is_alphabetic());
    let latin = letters().filter(|it| *it < '\u{250}').count();
    2 * latin >= letters().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Nothing;

    impl Embedder for Nothing {
        fn embed<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Option<Vec<f32>>> {
            Box::pin(std::future::ready(None))
        }
    }

    #[test]
    fn the_oldest_vectors_go_first_whatever_they_belong_to() {
        let tier = SemanticTier::new(Nothing).with_max_entries(3);
        let ask = |text: u8| {
            let text = text.to_string();
            let request = KeyRequest::new("qa").with_text(&text).with_question("Why?");
            (tier.meaning(&request).unwrap(), request.key())
        };
        for text in 0..5 {
            let (meaning, key) = ask(text);
            tier.insert(meaning, vec![1.0], key);
        }
        let is_known = |text| tier.nearest(&ask(text).0, &[1.0]).is_some();
        assert_eq!(
            [0, 1, 2, 3, 4].map(is_known),
            [false, false, true, true, true]
        );
        let (meaning, key) = ask(4);
        tier.remove(&meaning, &key);
        assert!(!is_known(4));
        assert_eq!(lock(&tier.index).known.len(), 2);
    }

    #[test]
    fn guards_tell_apart_what_embeddings_confuse() {
        assert!(is_alike("What is a gimmal?", "What are gimmals?"));
        assert!(!is_alike("Sum of 2 and 3?", "Sum of 2 and 4?"));
        assert!(!is_alike("Is it safe?", "Is it not safe?"));
        assert!(!is_alike("Does it work?", "Doesn't it work?"));
        assert!(!is_alike("Was?", "A question that is far longer than that"));
        assert!(!is_alike("privet mir", "привет"));
    }
}
