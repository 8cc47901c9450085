//! The items that are left: read one by one, or some ahead so that those of a higher priority may
//! go first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::task::Poll;

use futures_util::future::{BoxFuture, poll_fn};
use futures_util::stream::BoxStream;
use futures_util::{FutureExt as _, StreamExt as _};

use super::WorkItem;

/// So many places in the line a step of priority is worth. An item that waits is overtaken by no
/// more than this per step, so none waits for ever.
const STEP: i64 = 1_000;

/// An item with its place in the input.
pub(crate) struct Taken<I, C> {
    pub(crate) index: u64,
    pub(crate) item: WorkItem<I, C>,
}

/// Reads items and hands them out.
pub(crate) struct Intake<I, C> {
    stream: Option<BoxStream<'static, WorkItem<I, C>>>,
    /// Ready once nothing more is to be read.
    draining: BoxFuture<'static, ()>,
    ahead: usize,
    next_index: u64,
    waiting: BinaryHeap<Ranked<I, C>>,
    pub(crate) most_waiting: usize,
}

/// The lowest rank goes first.
struct Ranked<I, C> {
    rank: Reverse<(i64, u64)>,
    taken: Taken<I, C>,
}

impl<I, C> PartialEq for Ranked<I, C> {
    fn eq(&self, other: &Self) -> bool {
        self.rank == other.rank
    }
}

impl<I, C> Eq for Ranked<I, C> {}

impl<I, C> PartialOrd for Ranked<I, C> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<I, C> Ord for Ranked<I, C> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank.cmp(&other.rank)
    }
}

impl<I, C> Intake<I, C> {
    /// Reads `ahead` items more than it hands out, and waits for none once `draining` is ready.
    pub(crate) fn new(
        stream: BoxStream<'static, WorkItem<I, C>>,
        draining: impl Future<Output = ()> + Send + 'static,
        ahead: usize,
    ) -> Self {
        Self {
            stream: Some(stream),
            draining: draining.boxed(),
            ahead,
            next_index: 0,
            waiting: BinaryHeap::new(),
            most_waiting: 0,
        }
    }

    /// The next item; `None` when there are no more.
    pub(crate) async fn next(&mut self) -> Option<Taken<I, C>> {
        if self.ahead == 0 {
            let item = self.read().await?;
            return Some(self.number(item));
        }
        self.read_what_is_there();
        if self.waiting.is_empty() {
            let item = self.read().await?;
            self.put(item);
            self.read_what_is_there();
        }
        let taken = self.waiting.pop().map(|ranked| ranked.taken);
        self.read_what_is_there();
        taken
    }

    /// Waits for an item of the input. Whoever asks sees to it that the run was not told to end
    /// before; here it is heard of during the wait.
    async fn read(&mut self) -> Option<WorkItem<I, C>> {
        let (stream, draining) = (self.stream.as_mut()?, &mut self.draining);
        let read = poll_fn(|context| match stream.poll_next_unpin(context) {
            Poll::Pending => draining.poll_unpin(context).map(|()| None),
            read => read,
        })
        .await;
        if read.is_none() {
            self.stream = None;
        }
        read
    }

    /// An item that was read and not handed out; nothing more is read.
    pub(crate) fn take_read(&mut self) -> Option<Taken<I, C>> {
        self.stream = None;
        self.waiting.pop().map(|ranked| ranked.taken)
    }

    fn read_what_is_there(&mut self) {
        while self.waiting.len() < self.ahead {
            let Some(stream) = &mut self.stream else {
                return;
            };
            match stream.next().now_or_never() {
                Some(Some(item)) => self.put(item),
                Some(None) => self.stream = None,
                None => return,
            }
        }
    }

    fn put(&mut self, item: WorkItem<I, C>) {
        let taken = self.number(item);
        let place = i64::try_from(taken.index).unwrap_or(i64::MAX);
        let ahead = i64::from(taken.item.priority).saturating_mul(STEP);
        let rank = Reverse((place.saturating_sub(ahead), taken.index));
        self.waiting.push(Ranked { rank, taken });
        self.most_waiting = self.most_waiting.max(self.waiting.len());
    }

    fn number(&mut self, item: WorkItem<I, C>) -> Taken<I, C> {
        let index = self.next_index;
        self.next_index += 1;
        Taken { index, item }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    #[tokio::test]
    async fn a_higher_priority_goes_first_and_nothing_waits_for_ever() {
        let items = (0..3_000_u64).map(|i| {
            let item = WorkItem::new(i.to_string(), ());
            item.with_priority(i32::from(i % 100 == 99))
        });
        let mut intake = Intake::new(stream::iter(items).boxed(), std::future::pending(), 200);
        let first = intake.next().await.unwrap();
        assert_eq!(first.index, 99);
        assert_eq!(intake.next().await.unwrap().index, 199);
        let mut order = Vec::new();
        while let Some(taken) = intake.next().await {
            order.push(taken.index);
        }
        assert_eq!(order.len(), 2_998);
        let overtaken = order.iter().position(|index| *index == 0).unwrap();
        assert!(overtaken <= 1_000 / 100, "{overtaken}");
        assert_eq!(intake.most_waiting, 200);
    }
}
