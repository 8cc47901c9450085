//! Caches that a client made, by what they hold: a second call for the same content gets the first
//! one's cache, also while it is being created. What this knows ends with the client.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use gimmal_api::gemini::{Endpoint, Gemini, cached_content_model, cached_content_name};
use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::{CachedContent, CreateCachedContentRequest};
use sha2::{Digest as _, Sha256};

/// A cache that ends sooner than this is taken for ended: reading from it would come too late.
const MARGIN: Duration = Duration::from_secs(5);

type Outcome = Result<Response<CachedContent>, Error>;
type Flight = BoxFuture<'static, Outcome>;
type Digest = [u8; 32];

/// The caches of a client. Clones share them.
#[derive(Clone, Debug, Default)]
pub(in crate::gemini) struct Made(Arc<Mutex<HashMap<Digest, Entry>>>);

#[derive(Debug)]
enum Entry {
    /// Being created; gone when nobody waits for it any more.
    Flying(WeakShared<Flight>),
    /// Created, and known to live this long.
    Landed(Box<Response<CachedContent>>, Option<SystemTime>),
}

impl Made {
    /// The cache of this content: the one that was made, the one that is being made, or a new one.
    pub(super) async fn once(
        &self,
        api: &Gemini,
        request: CreateCachedContentRequest,
        options: &CallOptions,
    ) -> Outcome {
        let digest = digest(api.endpoint(), &request)?;
        let flight = {
            let now = api.transport().clock().system_now();
            let mut made = self.lock();
            made.retain(|_, entry| entry.is_of_use(now));
            let flying = match made.get(&digest) {
                Some(Entry::Landed(reply, _)) => return Ok((**reply).clone()),
                Some(Entry::Flying(flight)) => flight.upgrade(),
                None => None,
            };
            flying.unwrap_or_else(|| {
                let creation = self.clone().create(api, digest, request, options);
                if let Some(weak) = creation.downgrade() {
                    made.insert(digest, Entry::Flying(weak));
                }
                creation
            })
        };
        flight.await
    }

    fn create(
        self,
        api: &Gemini,
        digest: Digest,
        request: CreateCachedContentRequest,
        options: &CallOptions,
    ) -> Shared<Flight> {
        let (api, options) = (api.clone(), options.clone());
        let creating = async move {
            let outcome = api.create_cache(&request, &options).await;
            let mut made = self.lock();
            match &outcome {
                Ok(reply) => {
                    let expires = reply.body().expire_time.map(|time| time.to_system_time());
                    made.insert(digest, Entry::Landed(Box::new(reply.clone()), expires));
                }
                // The next call may try again.
                Err(_) => drop(made.remove(&digest)),
            }
            outcome
        };
        creating.boxed().shared()
    }

    /// Takes note that a cache is no longer what it was.
    pub(super) fn forget(&self, endpoint: &Endpoint, name: &str) {
        let full = |name: &str| cached_content_name(endpoint, name).ok();
        let gone = full(name);
        self.lock().retain(|_, entry| match entry {
            Entry::Flying(_) => true,
            Entry::Landed(reply, _) => {
                let name = reply.body().name.as_deref();
                name.and_then(full) != gone
            }
        });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Digest, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn is_of_use(&self, now: SystemTime) -> bool {
        match self {
            Self::Flying(flight) => flight.upgrade().is_some(),
            Self::Landed(_, None) => true,
            Self::Landed(_, Some(expires)) => *expires > now + MARGIN,
        }
    }
}

/// What a cache holds and who can read it; how long it lives and what people call it is not part
/// of that.
fn digest(endpoint: &Endpoint, request: &CreateCachedContentRequest) -> Result<Digest, Error> {
    let model = cached_content_model(endpoint, request.model.as_deref().unwrap_or_default())?;
    let mut content = request.clone().set_model(model);
    content.ttl = None;
    content.expire_time = None;
    content.display_name = None;
    let mut hash = Hashing(Sha256::new());
    serde_json::to_writer(&mut hash, &content)
        .map_err(|error| Error::invalid("body", format!("cannot be written as JSON: {error}")))?;
    Ok(hash.0.finalize().into())
}

/// Writes into a digest, so that a large content is not copied for it.
struct Hashing(Sha256);

impl io::Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
