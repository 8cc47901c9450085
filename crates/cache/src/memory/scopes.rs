//! The names that entries of a shard have, each stored once. A name goes when its last entry goes.

use std::collections::HashMap;
use std::sync::Arc;

/// Names by number.
#[derive(Debug, Default)]
pub(super) struct Scopes {
    names: Vec<(Arc<str>, u32)>,
    numbers: HashMap<Arc<str>, u32>,
    free: Vec<u32>,
}

impl Scopes {
    /// The number of a name, for one more entry.
    pub(super) fn acquire(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            self.names[*number as usize].1 += 1;
            return *number;
        }
        let name: Arc<str> = name.into();
        let number = self.free.pop().unwrap_or(self.names.len() as u32);
        let named = (name.clone(), 1);
        match self.names.get_mut(number as usize) {
            Some(place) => *place = named,
            None => self.names.push(named),
        }
        self.numbers.insert(name, number);
        number
    }

    /// One entry less.
    pub(super) fn release(&mut self, number: u32) {
        let (name, count) = &mut self.names[number as usize];
        *count -= 1;
        if *count == 0 {
            self.numbers.remove(name);
            self.free.push(number);
        }
    }

    /// The length of a name in bytes.
    pub(super) fn name_len(&self, number: u32) -> usize {
        self.names[number as usize].0.len()
    }

    /// All names in the order of their numbers; names without entries may be among them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|(name, _)| &**name)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }
}
