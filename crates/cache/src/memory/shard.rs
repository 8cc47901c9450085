//! One shard: a table of slots, a list of them by last use and a heap by expiry. Every operation
//! but invalidation touches a bounded number of slots. It has no lock and no clock of its own.

use hashbrown::HashTable;

use super::expiry::{ABSENT, Expiry, Position};
use super::scopes::Scopes;
use crate::entry::Entry;
use crate::key::CacheKey;
use crate::selector::Selector;
use crate::stats::TierStats;
use crate::time::Timestamp;

/// Bytes that an entry costs besides its key and its frame.
const OVERHEAD_BYTES: u64 = 96;

/// Bytes of a frame around its payload.
const FRAME_BYTES: u64 = 52;

/// Expired entries removed on the way, at most, per operation.
const SWEEP: usize = 16;

/// No slot.
const NONE: u32 = u32::MAX;

/// Reads whose order of use is kept back, at most.
const UNSETTLED: usize = 64;

#[derive(Debug)]
struct Slot {
    digest: [u8; 32],
    /// None in a slot that is free.
    entry: Option<Entry>,
    scope: u32,
    expiry: Position,
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
    /// Slots that were read since the list was put in order, the last one at the end. A read does
    /// not wait for its neighbours to come from memory; a batch of them waits once.
    used: Vec<u32>,
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
            used: Vec::with_capacity(UNSETTLED),
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

    /// Reads a key and marks it as used; an expired entry is returned once and then gone. What time
    /// it is for an entry, `time` tells.
    pub(super) fn get(
        &mut self,
        key: &CacheKey,
        time: impl FnOnce(&Entry) -> Timestamp,
    ) -> Option<(Entry, Timestamp)> {
        let Some(at) = self.find(key) else {
            self.stats.misses += 1;
            return None;
        };
        let entry = self.entry(at)?.clone();
        let now = time(&entry);
        if entry.is_expired(now) {
            self.stats.misses += 1;
            self.stats.evictions.expired += 1;
            self.remove_slot(at);
        } else {
            self.hit(at);
        }
        Some((entry, now))
    }

    /// As [`Shard::get`], but what is not there or has expired is left alone and not counted.
    pub(super) fn get_alive(
        &mut self,
        key: &CacheKey,
        time: impl FnOnce(&Entry) -> Timestamp,
    ) -> Option<(Entry, Timestamp)> {
        let at = self.find(key)?;
        let entry = self.entry(at)?.clone();
        let now = time(&entry);
        if entry.is_expired(now) {
            return None;
        }
        self.hit(at);
        Some((entry, now))
    }

    fn hit(&mut self, at: u32) {
        self.stats.hits += 1;
        if self.used.len() == UNSETTLED {
            self.settle();
        }
        self.used.push(at);
    }

    /// Looks at a key without using it.
    pub(super) fn peek(&self, key: &CacheKey, now: Timestamp) -> Option<&Entry> {
        let entry = self.entry(self.find_slot(key)?);
        entry.filter(|entry| !entry.is_expired(now))
    }

    /// Stores an entry; false if it is too large for the shard, and then the key is empty.
    pub(super) fn set(&mut self, key: &CacheKey, entry: Entry, now: Timestamp) -> bool {
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
    pub(super) fn delete(&mut self, key: &CacheKey, now: Timestamp) -> bool {
        let Some(at) = self.find(key) else {
            return false;
        };
        let was_alive = self.entry(at).is_some_and(|entry| !entry.is_expired(now));
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
            let Some(entry) = &slot.entry else {
                continue;
            };
            let scope = slot.scope as usize;
            let is_selected = match scopes.get(scope) {
                Some(is_selected) => *is_selected,
                None => {
                    let tags = entry.tags();
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
    pub(super) fn sweep(&mut self, now: Timestamp, limit: usize) -> usize {
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
        self.used.clear();
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
            let payload = slot.entry.as_ref()?.value().as_bytes().len();
            Some(weight(payload, self.scopes.name_len(slot.scope)))
        })
    }

    #[cfg(test)]
    pub(super) fn scope_count(&self) -> usize {
        self.scopes.len()
    }

    fn evict(&mut self, now: Timestamp, cause: fn(&mut crate::stats::Evictions) -> &mut u64) {
        if self.sweep(now, 1) == 0 {
            *cause(&mut self.stats.evictions) += 1;
            self.settle();
            self.remove_slot(self.oldest);
        }
    }

    fn insert(&mut self, key: &CacheKey, entry: Entry) {
        let expires = entry.expires();
        let slot = Slot {
            digest: *key.digest(),
            entry: Some(entry),
            scope: self.scopes.acquire(key.scope()),
            expiry: ABSENT,
        };
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
        self.settle();
        self.link(at);
        if let Some(expires) = expires {
            let slots = &mut self.slots;
            self.expiry.insert(expires, at, |slot, place| {
                slots[slot as usize].expiry = place
            });
        }
    }

    fn entry(&self, at: u32) -> Option<&Entry> {
        self.slots[at as usize].entry.as_ref()
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
        self.settle();
        self.unlink(at);
        let slot = &mut self.slots[at as usize];
        let (digest, scope, position) = (slot.digest, slot.scope, slot.expiry);
        let entry = slot.entry.take();
        let payload = entry.map_or(0, |entry| entry.value().as_bytes().len());
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

    /// Brings what was read to the front of the list, in the order of the reads.
    fn settle(&mut self) {
        for index in 0..self.used.len() {
            let at = self.used[index];
            if at != self.newest {
                self.unlink(at);
                self.link(at);
            }
        }
        self.used.clear();
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
