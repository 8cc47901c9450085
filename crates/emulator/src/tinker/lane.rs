//! The order of a model's requests: one after the other by contiguous sequence number, whatever the
//! order they arrive in, and each once, however often it arrives. Does not know what they ask for.

use std::collections::{BTreeMap, HashMap};

/// The requests of one model.
#[derive(Debug)]
pub(crate) struct Lane<W> {
    /// The number of the request that is next.
    next: u64,
    early: BTreeMap<u64, (String, W)>,
    /// Of every number that has arrived: a digest of the request, and the id of its future.
    seen: HashMap<u64, (u64, String)>,
    busy: bool,
}

/// What becomes of an arrival.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// It is new; `start` says that somebody has to begin with the work.
    New { start: bool },
    /// It came before and has this future.
    Again(String),
    /// Another request had its number.
    Other,
}

impl<W> Lane<W> {
    /// A lane that begins with the request of this number.
    pub(crate) fn starting_at(next: u64) -> Self {
        Self {
            next,
            early: BTreeMap::new(),
            seen: HashMap::new(),
            busy: false,
        }
    }

    /// The number of a request that brought none: one after the highest so far.
    pub(crate) fn free_number(&self) -> u64 {
        self.seen.keys().max().map_or(self.next, |most| most + 1)
    }

    /// Takes a request in. `id` is its future's if it is new.
    pub(crate) fn arrive(&mut self, number: u64, digest: u64, id: &str, work: W) -> Arrival {
        if let Some((seen, id)) = self.seen.get(&number) {
            return if *seen == digest {
                Arrival::Again(id.clone())
            } else {
                Arrival::Other
            };
        }
        if number < self.next {
            return Arrival::Other;
        }
        self.seen.insert(number, (digest, id.to_owned()));
        self.early.insert(number, (id.to_owned(), work));
        let start = !self.busy && self.early.contains_key(&self.next);
        self.busy |= start;
        Arrival::New { start }
    }

    /// The work whose turn it is; `None` ends the turn of whoever asks.
    pub(crate) fn take(&mut self) -> Option<(u64, String, W)> {
        match self.early.remove(&self.next) {
            Some((id, work)) => {
                self.next += 1;
                Some((self.next - 1, id, work))
            }
            None => {
                self.busy = false;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_order_with_any_repeats_is_done_once_and_in_order(
            order in Just((0_u64..20).collect::<Vec<_>>()).prop_shuffle(),
            repeats in proptest::collection::vec(0_usize..20, 0..20),
        ) {
            let mut lane = Lane::starting_at(0);
            let mut done = Vec::new();
            let again = repeats.iter().map(|at| order[*at]);
            let arrivals: Vec<u64> = order.iter().copied().chain(again).collect();
            for number in arrivals {
                let id = format!("r{number}");
                match lane.arrive(number, number, &id, ()) {
                    Arrival::New { start: true } => {
                        while let Some((number, _, ())) = lane.take() {
                            done.push(number);
                        }
                    }
                    Arrival::New { start: false } => {}
                    Arrival::Again(first) => prop_assert_eq!(first, id),
                    Arrival::Other => prop_assert!(false, "not the same"),
                }
            }
            prop_assert_eq!(done, (0..20).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_number_is_not_given_twice() {
        let mut lane = Lane::starting_at(1);
        assert_eq!(lane.arrive(2, 5, "b", ()), Arrival::New { start: false });
        assert_eq!(lane.arrive(2, 6, "c", ()), Arrival::Other);
        assert_eq!(lane.arrive(0, 6, "c", ()), Arrival::Other);
        assert_eq!(lane.free_number(), 3);
        assert_eq!(lane.take(), None);
        assert_eq!(lane.arrive(1, 4, "a", ()), Arrival::New { start: true });
        assert_eq!(lane.arrive(3, 4, "d", ()), Arrival::New { start: false });
        assert_eq!(lane.take().map(|(number, ..)| number), Some(1));
    }
}
