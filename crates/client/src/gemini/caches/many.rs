//! Many caches at a time, a few of them at once.

use std::num::NonZeroUsize;

use futures_util::{Stream, StreamExt as _, stream};
use gimmal_transport::{Error, Response};
use gimmal_types::gemini::CachedContent;

use super::CreateCache;

/// Creations at once unless the caller says otherwise: each of them uploads its content.
const AT_ONCE: NonZeroUsize = NonZeroUsize::new(4).unwrap();

/// Calls that create caches, in the making. The same content is created once.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send` or `items`"]
pub struct CreateCaches {
    calls: Vec<CreateCache>,
    at_once: NonZeroUsize,
}

impl CreateCaches {
    pub(super) fn new(calls: impl IntoIterator<Item = CreateCache>) -> Self {
        Self {
            calls: calls.into_iter().collect(),
            at_once: AT_ONCE,
        }
    }

    /// How many are created at once; 4 unless this says otherwise.
    pub fn with_concurrency(mut self, at_once: NonZeroUsize) -> Self {
        self.at_once = at_once;
        self
    }

    /// The caches as they are created, each with the index of its call. One that fails does not
    /// keep the others; dropping the stream stops those that are not created yet.
    pub fn items(
        self,
    ) -> impl Stream<Item = (usize, Result<Response<CachedContent>, Error>)> + Send {
        let calls = self.calls.into_iter().enumerate();
        stream::iter(calls)
            .map(|(index, call)| async move { (index, call.send_once().await) })
            .buffer_unordered(self.at_once.get())
    }

    /// Creates all of them; the outcomes are in the order of the calls.
    pub async fn send(self) -> Vec<Result<Response<CachedContent>, Error>> {
        // In the order of the calls a slow one would hold the place of those that are done.
        let mut outcomes: Vec<_> = self.items().collect().await;
        outcomes.sort_unstable_by_key(|(index, _)| *index);
        outcomes.into_iter().map(|(_, outcome)| outcome).collect()
    }
}
