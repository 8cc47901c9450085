//! Samplers: weights that can be drawn from, with the streams of their finished futures and the
//! numbers of their clones. Does no drawing.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    engine::{BaseModel, Weights},
    futures::Stream,
    service::lock,
};

/// Sequence numbers of one clone; the next clone's begin after them.
pub(crate) const CLONE_STRIDE: u64 = 1_000_000_000;
/// How many prompts a sampler remembers as a cache would.
const PROMPTS_KEPT: usize = 8;

/// Where a sampler's weights come from.
pub(crate) enum Source {
    Fixed(Arc<dyn Weights>),
    /// Those of a model as it goes on.
    Following(Arc<RwLock<Option<Arc<dyn Weights>>>>),
}

/// A sampling session.
pub(crate) struct Sampler {
    pub(crate) id: String,
    pub(crate) session: String,
    pub(crate) base: BaseModel,
    pub(crate) path: Option<String>,
    source: Source,
    clones: AtomicU64,
    streams: Mutex<BTreeMap<u64, Stream>>,
    /// The digest and the future of every sequence number, with its sequences' names.
    seen: Mutex<HashMap<u64, (u64, String)>>,
    prompts: Mutex<VecDeque<Vec<i32>>>,
}

#[derive(Default)]
pub(crate) struct Samplers {
    table: Mutex<BTreeMap<String, Arc<Sampler>>>,
}

impl Sampler {
    pub(crate) fn new(
        id: &str,
        session: &str,
        base: &BaseModel,
        path: Option<String>,
        source: Source,
    ) -> Self {
        Self {
            id: id.to_owned(),
            session: session.to_owned(),
            base: base.clone(),
            path,
            source,
            clones: AtomicU64::new(0),
            streams: Mutex::default(),
            seen: Mutex::default(),
            prompts: Mutex::default(),
        }
    }

    /// The weights of this moment.
    pub(crate) fn weights(&self) -> Option<Arc<dyn Weights>> {
        match &self.source {
            Source::Fixed(weights) => Some(Arc::clone(weights)),
            Source::Following(shared) => shared
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        }
    }

    /// A number for another clone, from 1 on.
    pub(crate) fn next_clone(&self) -> u64 {
        self.clones.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// What has ended in one clone.
    pub(crate) fn stream(&self, clone: u64) -> Stream {
        lock(&self.streams).entry(clone).or_default().clone()
    }

    /// Notes a sequence number; if it came before, its digest and future.
    pub(crate) fn arrive(&self, number: u64, digest: u64, id: &str) -> Option<(u64, String)> {
        let mut seen = lock(&self.seen);
        if let Some(before) = seen.get(&number) {
            return Some(before.clone());
        }
        seen.insert(number, (digest, id.to_owned()));
        None
    }

    /// How many tokens at the beginning of a prompt were in an earlier one; remembers the prompt.
    pub(crate) fn cached(&self, prompt: &[i32]) -> usize {
        let mut prompts = lock(&self.prompts);
        let shared =
            |other: &Vec<i32>| prompt.iter().zip(other).take_while(|(a, b)| a == b).count();
        let most = prompts.iter().map(shared).max().unwrap_or(0);
        prompts.push_back(prompt.to_vec());
        if prompts.len() > PROMPTS_KEPT {
            prompts.pop_front();
        }
        most
    }
}

impl Samplers {
    pub(crate) fn add(&self, sampler: Sampler) {
        lock(&self.table).insert(sampler.id.clone(), Arc::new(sampler));
    }

    pub(crate) fn get(&self, id: &str) -> Option<Arc<Sampler>> {
        lock(&self.table).get(id).cloned()
    }

    /// Drops the samplers of a session.
    pub(crate) fn close(&self, session: &str) {
        lock(&self.table).retain(|_, sampler| sampler.session != session);
    }
}
