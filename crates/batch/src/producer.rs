//! Items that a program adds one by one while a run works on them, with room for so many and no
//! more. Where all items are known, a stream of them is simpler.

use std::fmt;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::future::{BoxFuture, Either, select};
use futures_util::{FutureExt as _, Stream};
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio_util::sync::CancellationToken;

use super::WorkItem;

/// Adds items to a run. Clones add to the same run.
///
/// ```
/// # use gimmal_batch::testing::ScriptedStrategy;
/// use std::num::NonZeroUsize;
/// use std::sync::Arc;
/// use gimmal_batch::{Processor, Producer, WorkItem};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let strategy = ScriptedStrategy::echo();
/// let (producer, items) = Producer::with_room_for(NonZeroUsize::MIN);
/// let run = Processor::new().start(Arc::new(strategy), items).await?;
/// let adding = tokio::spawn(async move {
///     for name in ["a", "b", "c"] {
///         // Waits while there is no room.
///         producer.add(WorkItem::new(name, name.to_owned())).await?;
///     }
///     producer.finish();
///     Ok::<_, gimmal_batch::AddError<String>>(())
/// });
/// // Results are read meanwhile: a run takes no more items while its results wait.
/// assert_eq!(run.finish().await?.stats.succeeded, 3);
/// adding.await??;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Producer<I, C = ()> {
    items: mpsc::Sender<WorkItem<I, C>>,
    finished: CancellationToken,
}

/// The items that a [`Producer`] adds, as a stream for a run.
///
/// It ends when the producer is finished or the last of its clones is gone, after what was added.
#[must_use = "the items wait for a run to take them"]
pub struct Produced<I, C = ()> {
    items: mpsc::Receiver<WorkItem<I, C>>,
    finished: BoxFuture<'static, ()>,
}

/// An item that was not added, which it gives back.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AddError<I, C = ()> {
    /// There is no room at the moment.
    #[error("there is no room for item `{}`; `add` waits for it", .0.id)]
    Full(WorkItem<I, C>),
    /// The producer is finished, or the run has ended.
    #[error("item `{}` comes too late: the run takes no more items", .0.id)]
    Closed(WorkItem<I, C>),
}

impl<I, C> Producer<I, C> {
    /// A producer, and the stream of what it adds. So many items may wait for the run to take them.
    pub fn with_room_for(items: NonZeroUsize) -> (Self, Produced<I, C>) {
        let (sender, receiver) = mpsc::channel(items.get());
        let finished = CancellationToken::new();
        let producer = Self {
            items: sender,
            finished: finished.clone(),
        };
        let produced = Produced {
            items: receiver,
            finished: finished.cancelled_owned().boxed(),
        };
        (producer, produced)
    }

    /// Adds an item if there is room for it just now.
    ///
    /// # Errors
    ///
    /// Gives the item back when there is none, and when the run takes no more items.
    pub fn try_add(&self, item: WorkItem<I, C>) -> Result<(), AddError<I, C>> {
        if self.finished.is_cancelled() {
            return Err(AddError::Closed(item));
        }
        self.items.try_send(item).map_err(|error| match error {
            TrySendError::Full(item) => AddError::Full(item),
            TrySendError::Closed(item) => AddError::Closed(item),
        })
    }

    /// Adds an item, once there is room for it. A future that is dropped before has added nothing.
    ///
    /// The results of the run must be read meanwhile: it takes no more items while its results wait.
    ///
    /// # Errors
    ///
    /// Gives the item back when the run takes no more items, also while this waits.
    pub async fn add(&self, item: WorkItem<I, C>) -> Result<(), AddError<I, C>> {
        let finished = Box::pin(self.finished.cancelled());
        match select(finished, Box::pin(self.items.reserve())).await {
            Either::Right((Ok(room), _)) => {
                room.send(item);
                Ok(())
            }
            _ => Err(AddError::Closed(item)),
        }
    }

    /// Takes no more items, from any clone; those that were added are worked on. To call it again
    /// changes nothing.
    pub fn finish(&self) {
        self.finished.cancel();
    }

    /// True once no more items are taken.
    pub fn is_finished(&self) -> bool {
        self.finished.is_cancelled() || self.items.is_closed()
    }
}

impl<I, C> Clone for Producer<I, C> {
    fn clone(&self) -> Self {
        Self {
            items: self.items.clone(),
            finished: self.finished.clone(),
        }
    }
}

impl<I, C> Stream for Produced<I, C> {
    type Item = WorkItem<I, C>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if !self.items.is_closed() && self.finished.poll_unpin(context).is_ready() {
            self.items.close();
        }
        self.items.poll_recv(context)
    }
}

impl<I, C> fmt::Debug for Produced<I, C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Produced")
            .field("waiting", &self.items.len())
            .finish_non_exhaustive()
    }
}
