//! Streamed answers: recorded while they arrive, given to all who ask meanwhile, and replayed.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt};
use serde_json::Value as Json;

use super::answer::Provenance;
use super::cache::AiCache;
use super::fresh::Fresh;
use super::options::CallOptions;
use super::recording::{Recording, Timed};
use crate::cache::ResponseCache;
use crate::key::KeyRequest;
use crate::lock;
use crate::lookup::{Hit, Lookup};
use crate::time::Clock;
use crate::value::{Format, Value};

/// Recordings of more bytes are passed on but not stored.
const MAX_BYTES: usize = 8 << 20;

/// How fast a stored stream is replayed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Pacing {
    /// At once.
    #[default]
    Instant,
    /// As it came.
    Original,
    /// So many events a second.
    PerSecond(f64),
}

/// A streamed answer, and where it is from.
#[non_exhaustive]
pub struct CachedStream<E> {
    /// Where it is from.
    pub provenance: Provenance,
    /// Its events; after an error there are no more.
    pub events: BoxStream<'static, Result<Json, Arc<E>>>,
}

impl<E> std::fmt::Debug for CachedStream<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CachedStream")
            .field("provenance", &self.provenance)
            .finish_non_exhaustive()
    }
}

/// Streams that are arriving, by digest of the key.
#[derive(Debug, Default)]
pub(super) struct Streams(Mutex<HashMap<[u8; 32], Weak<dyn Any + Send + Sync>>>);

impl<C: ResponseCache> AiCache<C> {
    /// The cached stream, the one that is arriving for another call, or that of `open`.
    ///
    /// Who comes while a stream arrives gets it from its start. It is stored when it has ended
    /// regularly; a stream that fails, or that nobody listens to any more, is not. Recordings of
    /// more than 8 MiB are passed on but not stored. It must be called within a tokio runtime.
    ///
    /// ```
    /// use futures_util::{StreamExt, stream};
    /// use gimmal_cache::{AiCache, CallOptions, KeyRequest, MemoryCache, Pacing};
    /// use serde_json::json;
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let cache = AiCache::new(MemoryCache::new(1_000));
    /// let request = KeyRequest::new("chat").with_text("Tell me a story.");
    /// let open = || stream::iter([Ok::<_, std::io::Error>(json!("Once")), Ok(json!(" upon"))]);
    /// let told = cache
    ///     .get_or_stream(&request, CallOptions::new(), Pacing::Instant, open)
    ///     .await;
    /// assert_eq!(told.events.count().await, 2);
    /// # });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub async fn get_or_stream<E, F, S>(
        &self,
        request: &KeyRequest<'_>,
        options: CallOptions,
        pacing: Pacing,
        open: F,
    ) -> CachedStream<E>
    where
        E: Send + Sync + 'static,
        F: FnOnce() -> S,
        S: Stream<Item = Result<Json, E>> + Send + 'static,
    {
        if self.bypasses(request, &options) || options.no_read || options.no_write {
            let events = open().map(|event| event.map_err(Arc::new)).boxed();
            let provenance = Provenance::Bypassed;
            return CachedStream { provenance, events };
        }
        let key = self.key(request);
        if let Lookup::Hit(hit) = options.judge(self.store().get(&key).await)
            && let Some(events) = read(&hit)
        {
            return CachedStream {
                provenance: match hit.stale {
                    true => Provenance::Stale(hit.tier),
                    false => Provenance::Hit(hit.tier),
                },
                events: replay(events, pacing, self.clock()),
            };
        }
        let mut arriving = lock(&self.streams().0);
        arriving.retain(|_, recording| recording.strong_count() > 0);
        let known = arriving.get(key.digest()).and_then(Weak::upgrade);
        if let Some(recording) = known.and_then(|known| known.downcast::<Recording<E>>().ok()) {
            return CachedStream {
                provenance: Provenance::Joined,
                events: listen(&recording),
            };
        }
        let recording = Recording::<E>::new();
        let shared: Arc<dyn Any + Send + Sync> = recording.clone();
        arriving.insert(*key.digest(), Arc::downgrade(&shared));
        drop(arriving);
        let events = listen(&recording);
        let (cache, request_job) = (self.clone(), self.job(request, options));
        let source = open().boxed();
        tokio::spawn(async move {
            let begun = cache.begin();
            if let Some(value) = record(&recording, source, cache.clock()).await {
                // Stored before it is over for those who listen, so that the next call finds it.
                let fresh = Fresh::new(value);
                cache.keep(&request_job, &fresh, begun).await;
                recording.end(Ok(()));
            }
        });
        CachedStream {
            provenance: Provenance::Fresh,
            events,
        }
    }
}

fn listen<E: Send + Sync + 'static>(
    recording: &Arc<Recording<E>>,
) -> BoxStream<'static, Result<Json, Arc<E>>> {
    stream::unfold(recording.listen(), |mut listener| async move {
        let event = listener.next().await?;
        Some((event, listener))
    })
    .boxed()
}

/// Records until the end; what to store, if it is to be stored.
async fn record<E>(
    recording: &Recording<E>,
    mut source: BoxStream<'static, Result<Json, E>>,
    clock: Arc<dyn Clock>,
) -> Option<Value> {
    let start = clock.now();
    let mut bytes = 0_usize;
    loop {
        let event = tokio::select! {
            event = source.next() => event,
            () = recording.abandoned() => return None,
        };
        match event {
            Some(Ok(event)) => {
                bytes = bytes.saturating_add(event.to_string().len());
                recording.push((clock.now().saturating_duration_since(start), event));
            }
            Some(Err(error)) => {
                recording.end(Err(Arc::new(error)));
                return None;
            }
            None if bytes > MAX_BYTES => {
                recording.end(Ok(()));
                return None;
            }
            None => return Some(write(&recording.events())),
        }
    }
}

/// `[[milliseconds since the last event, event], …]`.
fn write(events: &[Timed]) -> Value {
    let mut before = Duration::ZERO;
    let events = events.iter().map(|(at, event)| {
        let wait = at.saturating_sub(before);
        before = *at;
        Json::from(vec![Json::from(wait.as_millis() as u64), event.clone()])
    });
    Value::new(Format::Events, Json::from_iter(events).to_string())
}

/// The events of a recording; nothing if it is none.
fn read(hit: &Hit) -> Option<Vec<(u64, Json)>> {
    (hit.value().format() == Format::Events).then(|| hit.value().parse().ok())?
}

fn replay<E: Send + Sync + 'static>(
    events: Vec<(u64, Json)>,
    pacing: Pacing,
    clock: Arc<dyn Clock>,
) -> BoxStream<'static, Result<Json, Arc<E>>> {
    stream::iter(events)
        .then(move |(wait, event)| {
            let wait = match pacing {
                Pacing::Instant => Duration::ZERO,
                Pacing::Original => Duration::from_millis(wait),
                Pacing::PerSecond(rate) => {
                    Duration::try_from_secs_f64(1.0 / rate).unwrap_or_default()
                }
            };
            let clock = clock.clone();
            async move {
                if !wait.is_zero() {
                    clock.sleep(wait).await;
                }
                Ok(event)
            }
        })
        .boxed()
}
