//! Replies that a response store keeps, in the place of requests. What to keep is the store's affair.

use std::sync::Arc;

use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use gimmal_transport::{Error, Response};
use gimmal_types::gemini::GenerateContentResponse;

use super::automatic::Streaming;
use super::hops::{Call, Hops};
use super::stream::Chunks;
use crate::gemini::response_store::SentParts;
use crate::gemini::{ResponseStore, StoreQuery};

impl Call {
    /// The store, if replies to this call may come from it. It does not see an extra body.
    pub(super) fn usable_store(&self) -> Option<Arc<dyn ResponseStore>> {
        let inherited = self.api.transport().options().extra_body();
        let is_plain = self.options.extra_body().or(inherited).is_none();
        self.store.clone().filter(|_| is_plain)
    }

    /// One whole reply, kept or sent for.
    pub(super) async fn whole(&self) -> Result<Response<GenerateContentResponse>, Error> {
        let Some(store) = self.usable_store() else {
            return self.sent_whole().await;
        };
        let sent = SentParts::default();
        let (call, noted) = (self.clone(), sent.clone());
        let send = move || {
            async move {
                let (parts, reply) = call.sent_whole().await?.into_parts();
                noted.note(parts);
                Ok(reply)
            }
            .boxed()
        };
        let query = StoreQuery::new(&self.model, &self.request);
        let stored = store.get_or_send(query, Box::new(send)).await?;
        let parts = sent.of(stored.source);
        Ok(Response::from_parts(parts, stored.reply))
    }

    /// The chunks of a reply, kept or sent for.
    pub(super) async fn stored_stream(self, store: &dyn ResponseStore) -> Result<Chunks, Error> {
        let sent = SentParts::default();
        let (call, noted) = (self.clone(), sent.clone());
        let open = move || {
            let chunks = async move {
                let streaming = Streaming::plain(Hops::open(Box::new(call)).await?);
                noted.note(streaming.parts().clone());
                Ok::<_, Error>(Chunks::new(streaming))
            };
            stream::once(chunks).try_flatten().boxed()
        };
        let query = StoreQuery::new(&self.model, &self.request);
        let (source, mut chunks) = store.get_or_stream(query, Box::new(open)).await;
        // Whether a stream could be opened shows with its first chunk.
        let first = chunks.next().await.transpose()?;
        let chunks = stream::iter(first.map(Ok)).chain(chunks);
        Ok(Chunks::stored(sent.of(source), chunks.boxed()))
    }
}
