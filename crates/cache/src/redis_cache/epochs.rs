//! Until when answers of a namespace, an operation or a tag are no longer served, as far as this
//! process knows. It does not talk to the store: it says what to ask and remembers what was told.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::entry::Entry;
use crate::key::CacheKey;
use crate::lock;
use crate::selector::{Selector, encoded};
use crate::time::Timestamp;

/// How long what was told is believed.
const TRUST: Duration = Duration::from_secs(1);

/// Answers begun this long after an invalidation are not served either: clocks differ.
const MARGIN: Duration = Duration::from_secs(1);

/// Names remembered.
const KEPT: usize = 10_000;

/// What the name of an epoch opens with, before names that answers share.
const PREFIX: &str = "gimmal:r2e";

/// The same for tags.
const TAG_PREFIX: &str = "gimmal:r2t";

#[derive(Debug, Default)]
pub(super) struct Epochs(Mutex<HashMap<String, (Option<Timestamp>, Instant)>>);

impl Epochs {
    /// Those of the names that have to be asked for.
    pub(super) fn unknown(&self, names: &[String], now: Instant) -> Vec<String> {
        let known = lock(&self.0);
        let is_known = |name: &String| {
            let told = known.get(name);
            told.is_some_and(|(_, at)| now.saturating_duration_since(*at) < TRUST)
        };
        names
            .iter()
            .filter(|name| !is_known(name))
            .cloned()
            .collect()
    }

    /// Remembers what was told; an epoch never goes back.
    pub(super) fn learn(&self, name: String, epoch: Option<Timestamp>, now: Instant) {
        let mut known = lock(&self.0);
        if known.len() >= KEPT && !known.contains_key(&name) {
            known.clear();
        }
        let told = known.entry(name).or_insert((None, now));
        *told = (told.0.max(epoch), now);
    }

    /// Asks for them again.
    pub(super) fn forget(&self, names: &[String]) {
        let mut known = lock(&self.0);
        for name in names {
            known.remove(name);
        }
    }

    /// Asks for all again.
    pub(super) fn forget_all(&self) {
        lock(&self.0).clear();
    }

    /// Whether an answer begun then was invalidated by one of these names.
    pub(super) fn covers(&self, names: &[String], created: Timestamp) -> bool {
        let known = lock(&self.0);
        names.iter().any(|name| {
            let epoch = known.get(name).and_then(|(epoch, _)| *epoch);
            epoch.is_some_and(|epoch| created <= epoch.plus(MARGIN))
        })
    }
}

/// The epochs that every answer under a key has.
pub(super) fn of_key(key: &CacheKey) -> Vec<String> {
    let scope = key.scope();
    let namespace = scope.split(':').next().unwrap_or_default();
    vec![
        PREFIX.to_owned(),
        format!("{PREFIX}:{namespace}"),
        format!("{PREFIX}:{scope}"),
    ]
}

/// The epochs that its tags add.
pub(super) fn of_tags(key: &CacheKey, entry: &Entry) -> Vec<String> {
    let namespace = key.scope().split(':').next().unwrap_or_default();
    let name = |tag: &str| format!("{TAG_PREFIX}:{namespace}:{}", encoded(tag));
    entry.tags().iter().map(|tag| name(tag)).collect()
}

/// The epoch that says what a selector says, if one can.
pub(super) fn of_selector(selector: &Selector) -> Option<String> {
    match selector {
        Selector::All => Some(PREFIX.to_owned()),
        Selector::Namespace(namespace) => Some(format!("{PREFIX}:{}", encoded(namespace))),
        Selector::Operation {
            namespace,
            operation,
        } => {
            let (namespace, operation) = (encoded(namespace), encoded(operation));
            Some(format!("{PREFIX}:{namespace}:{operation}"))
        }
        Selector::Tag { namespace, tag } => {
            let (namespace, tag) = (encoded(namespace), encoded(tag));
            Some(format!("{TAG_PREFIX}:{namespace}:{tag}"))
        }
        Selector::Glob(_) | Selector::Key(_) => None,
    }
}
