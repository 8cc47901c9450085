//! One shard: a table of slots, a list of them by last use and a heap by expiry. Every operation
//! but invalidation touches a bounded number of slots. It has no lock and no clock of its own.

use bytes::Bytes;
use hashbrown::HashTable;

use super::expiry::{ABSENT, Expiry, Position};
use super::scopes::Scopes;
use crate::entry::{Entry, Tags};
use crate::key::CacheKey;
use crate::selector::Selector;
use crate::stats::TierStats;
use crate::time::Timestamp;
use crate::value::{Format, Value};

/// Bytes that an entry costs besides its key and its frame.
const OVERHEAD_BYTES: u64 = 96;

/// Bytes of a frame around its payload.
const FRAME_BYTES: u64 = 52;

/// Expired entries removed on the way, at most, per operation.
const SWEEP: usize = 16;

/// No slot.
const NONE: u32 = u32::MAX;

/// No time.
const NEVER: u64 = u64::MAX;

#[derive(Debug)]
struct Slot {
    digest: [u8; 32],
    bytes: Bytes,
    tags: Tags,
    created: u64,
    fresh_until: u64,
    expires: u64,
    compute_ms: u32,
    scope: u32,
    expiry: Position,
    negative: Option<u16>,
    format: Format,
}

/// The neighbours of a slot in the order of last use.
#[derive(Clone, Copy, Debug)]
struct Link {
    newer: u32,
    older: u32,
}

/// Entries of one shard.
#[derive(Debug)]
pub(super) struct Shard {
    table: HashTable<u32>,
    slots: Vec<Slot>,
    /// One for each slot, and apart from them: a read changes those of three slots, and here they
    /// take eight bytes each.
    links: Vec<Link>,
    free: Vec<u32>,
    scopes: Scopes,
    expiry: Expiry,
    newest: u32,
    oldest: u32,
    bytes: u64,
    max_entries: usize,
    max_bytes: u64,
    pub(super) stats: TierStats,
    /// Slots looked at, so that a test can see that there is no scan.
    #[cfg(test)]
    pub(super) visits: u64,
}

impl Shard {
    pub(super) fn new(max_entries: usize, max_bytes: u64) -> Self {
        Self {
            table: HashTable::new(),
            slots: Vec::new(),
            links: Vec::new(),
            free: Vec::new(),
            scopes: Scopes::default(),
            expiry: Expiry::default(),
            newest: NONE,
            oldest: NONE,
            bytes: 0,
            max_entries,
            max_bytes,
            stats: TierStats::default(),
            #[cfg(test)]
            visits: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Reads a key and marks it as used; an expired entry is returned once and then gone.
    pub(super) fn get(&mut self, key: &CacheKey, now: u64) -> Option<Entry> {
        let found = self.find(key);
        match found {
            Some(at) if self.slots[at as usize].expires > now => Some(self.hit(at)),
            Some(at) => {
                self.stats.misses += 1;
                self.stats.evictions.expired += 1;
                let entry = self.entry(at);
                self.remove_slot(at);
                Some(entry)
            }
            None => {
                self.stats.misses += 1;
                None
            }
        }
    }

    /// As [`Shard::get`], but what is not there or has expired is left alone and not counted.
    pub(super) fn get_alive(&mut self, key: &CacheKey, now: u64) -> Option<Entry> {
        let at = self.find(key)?;
        (self.slots[at as usize].expires > now).then(|| self.hit(at))
    }

    fn hit(&mut self, at: u32) -> Entry {
        self.stats.hits += 1;
        if self.newest != at {
            self.unlink(at);
            self.link(at);
        }
        self.entry(at)
    }

    /// Looks at a key without using it.
    pub(super) fn peek(&self, key: &CacheKey, now: u64) -> Option<Timestamp> {
        let at = self.find_slot(key)?;
        let expires = self.slots[at as usize].expires;
        (expires > now).then_some(Timestamp::from_millis(expires))
    }

    /// Stores an entry; false if it is too large for the shard, and then the key is empty.
    pub(super) fn set(&mut self, key: &CacheKey, entry: &Entry, now: u64) -> bool {
        self.sweep(now, SWEEP);
        if let Some(at) = self.find(key) {
            self.remove_slot(at);
            self.stats.evictions.replaced += 1;
        }
        let weight = weight(entry.value().as_bytes().len(), key.scope().len());
        if weight > self.max_bytes || self.max_entries == 0 {
            return false;
        }
        while self.table.len() >= self.max_entries {
            self.evict(now, |evictions| &mut evictions.capacity);
        }
        while self.bytes + weight > self.max_bytes {
            self.evict(now, |evictions| &mut evictions.weight);
        }
        self.insert(key, entry);
        self.bytes += weight;
        self.stats.stored += 1;
        true
    }

    /// Removes a key; whether something that had not expired was there.
    pub(super) fn delete(&mut self, key: &CacheKey, now: u64) -> bool {
        let Some(at) = self.find(key) else {
            return false;
        };
        let was_alive = self.slots[at as usize].expires > now;
        let evictions = &mut self.stats.evictions;
        if was_alive {
            evictions.invalidated += 1;
        } else {
            evictions.expired += 1;
        }
        self.remove_slot(at);
        was_alive
    }

    /// Removes the selected ones among `count` slots from `from` on. Gives how many it removed, and
    /// whether there are more slots to look at.
    pub(super) fn invalidate(
        &mut self,
        selector: &Selector,
        from: usize,
        count: usize,
    ) -> (u64, bool) {
        let scopes: Vec<bool> = match selector {
            // Of tags the names alone do not decide.
            Selector::Tag { .. } => Vec::new(),
            _ => self
                .scopes
                .iter()
                .map(|name| selector.matches_scope(name, &[]))
                .collect(),
        };
        let names: Vec<String> = match selector {
            Selector::Tag { .. } => self.scopes.iter().map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        let end = self.slots.len().min(from + count);
        let mut removed = 0;
        for at in from..end {
            let slot = &self.slots[at];
            if slot.scope == NONE {
                continue;
            }
            let scope = slot.scope as usize;
            let is_selected = match scopes.get(scope) {
                Some(is_selected) => *is_selected,
                None => {
                    let tags = slot.tags.as_deref().unwrap_or_default();
                    !tags.is_empty() && selector.matches_scope(&names[scope], tags)
                }
            };
            if is_selected {
                self.remove_slot(at as u32);
                removed += 1;
            }
        }
        self.stats.evictions.invalidated += removed;
        (removed, end < self.slots.len())
    }

    /// Removes up to `limit` expired entries; how many it removed.
    pub(super) fn sweep(&mut self, now: u64, limit: usize) -> usize {
        let mut count = 0;
        while count < limit
            && let Some(at) = self.expiry.due(now)
        {
            self.remove_slot(at);
            self.stats.evictions.expired += 1;
            count += 1;
        }
        count
    }

    /// Empties the shard; how many entries there were.
    pub(super) fn clear(&mut self) -> u64 {
        let count = self.table.len() as u64;
        self.table.clear();
        self.slots.clear();
        self.links.clear();
        self.free.clear();
        self.scopes = Scopes::default();
        self.expiry.clear();
        (self.newest, self.oldest, self.bytes) = (NONE, NONE, 0);
        self.stats.evictions.invalidated += count;
        count
    }

    /// What each entry counts for, in the order of last use.
    #[cfg(test)]
    pub(super) fn weights(&self) -> impl Iterator<Item = u64> {
        let mut at = self.newest;
        std::iter::from_fn(move || {
            let slot = self.slots.get(at as usize)?;
            at = self.links[at as usize].older;
            Some(weight(slot.bytes.len(), self.scopes.name_len(slot.scope)))
        })
    }

    #[cfg(test)]
    pub(super) fn scope_count(&self) -> usize {
        self.scopes.len()
    }

    fn evict(&mut self, now: u64, cause: fn(&mut crate::stats::Evictions) -> &mut u64) {
        if self.sweep(now, 1) == 0 {
            *cause(&mut self.stats.evictions) += 1;
            self.remove_slot(self.oldest);
        }
    }

    fn insert(&mut self, key: &CacheKey, entry: &Entry) {
        let millis = |time: Option<Timestamp>| time.map_or(NEVER, Timestamp::as_millis);
        let bytes = entry.value().as_bytes();
        let slot = Slot {
            digest: *key.digest(),
            bytes: bytes.clone(),
            tags: entry.shared_tags(),
            created: entry.created().as_millis(),
            fresh_until: millis(entry.fresh_until()),
            expires: millis(entry.expires()),
            compute_ms: u32::try_from(entry.compute().as_millis()).unwrap_or(u32::MAX),
            scope: self.scopes.acquire(key.scope()),
            expiry: ABSENT,
            negative: entry.negative(),
            format: entry.value().format(),
        };
        let expires = slot.expires;
        let at = match self.free.pop() {
            Some(at) => {
                self.slots[at as usize] = slot;
                at
            }
            None => {
                self.slots.push(slot);
                self.links.push(Link {
                    newer: NONE,
                    older: NONE,
                });
                (self.slots.len() - 1) as u32
            }
        };
        let slots = &self.slots;
        self.table.insert_unique(hash(key.digest()), at, |at| {
            hash(&slots[*at as usize].digest)
        });
        self.link(at);
        if expires != NEVER {
            let slots = &mut self.slots;
            self.expiry.insert(expires, at, |slot, place| {
                slots[slot as usize].expiry = place
            });
        }
    }

    fn entry(&self, at: u32) -> Entry {
        let slot = &self.slots[at as usize];
        let time = |millis| (millis != NEVER).then(|| Timestamp::from_millis(millis));
        Entry::from_parts(
            Value::new(slot.format, slot.bytes.clone()),
            Timestamp::from_millis(slot.created),
            slot.negative,
            slot.tags.clone(),
        )
        .with_compute(std::time::Duration::from_millis(slot.compute_ms.into()))
        .with_expiry(time(slot.fresh_until), time(slot.expires))
    }

    fn find(&mut self, key: &CacheKey) -> Option<u32> {
        #[cfg(test)]
        {
            self.visits += 1;
        }
        self.find_slot(key)
    }

    fn find_slot(&self, key: &CacheKey) -> Option<u32> {
        let digest = key.digest();
        self.table
            .find(hash(digest), |at| {
                self.slots[*at as usize].digest == *digest
            })
            .copied()
    }

    fn remove_slot(&mut self, at: u32) {
        #[cfg(test)]
        {
            self.visits += 1;
        }
        self.unlink(at);
        let slot = &mut self.slots[at as usize];
        let scope = std::mem::replace(&mut slot.scope, NONE);
        let (digest, position) = (slot.digest, slot.expiry);
        let payload = std::mem::take(&mut slot.bytes).len();
        slot.tags = None;
        self.bytes -= weight(payload, self.scopes.name_len(scope));
        self.scopes.release(scope);
        if position != ABSENT {
            let slots = &mut self.slots;
            self.expiry
                .remove(position, |slot, place| slots[slot as usize].expiry = place);
        }
        if let Ok(place) = self.table.find_entry(hash(&digest), |it| *it == at) {
            place.remove();
        }
        self.free.push(at);
    }

    /// Puts a slot before all others in the order of last use.
    fn link(&mut self, at: u32) {
        let second = std::mem::replace(&mut self.newest, at);
        self.links[at as usize] = Link {
            newer: NONE,
            older: second,
        };
        match self.links.get_mut(second as usize) {
            Some(second) => second.newer = at,
            None => self.oldest = at,
        }
    }

    fn unlink(&mut self, at: u32) {
        let Link { newer, older } = self.links[at as usize];
        match self.links.get_mut(newer as usize) {
            Some(newer) => newer.older = older,
            None => self.newest = older,
        }
        match self.links.get_mut(older as usize) {
            Some(older) => older.newer = newer,
            None => self.oldest = newer,
        }
    }
}

/// Bytes that an entry counts for.
fn weight(payload: usize, scope: usize) -> u64 {
    // A key is its names and `gimmal:r2:`, one more colon and 64 digits.
    let key = scope as u64 + 75;
    payload as u64 + FRAME_BYTES + key + OVERHEAD_BYTES
}

/// A digest is random, so a part of it is a hash. The shard is chosen by another part.
fn hash(digest: &[u8; 32]) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *digest;
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}
