//! The response cache of a run: where it is, whose replies it holds, and how it does.

use std::sync::Arc;

use gimmal_batch::ReplyCache;
use gimmal_cache::{
    AiCache, CacheConfig, Health, Monitor, Monitored, ResponseCache as _, SharedCache,
};
use gimmal_client::gemini::{GeminiClient, ResponseStore};

use crate::connect::Connected;
use crate::exit::Failure;

/// Replies kept in memory; more than most runs have prompts.
const ENTRIES: usize = 100_000;

/// Kept replies, and the monitor that sees them used.
#[derive(Clone, Debug)]
pub(crate) struct Replies {
    store: Arc<ReplyCache<Monitored<SharedCache>>>,
}

impl Replies {
    /// The cache at a place that [`refuse_unknown`] lets pass.
    pub(crate) fn open(place: &str, connected: &Connected) -> anyhow::Result<Self> {
        let config = config(place)?;
        let refused = |error| Failure::usage(format!("--response-cache: {error}"));
        let shared = config.build().map_err(refused)?;
        let monitored = Monitored::new(shared, Monitor::new());
        let cache = AiCache::builder(monitored).with_ttls(config.ttls()).build();
        let mut replies = ReplyCache::new(cache);
        if let Some(namespace) = namespace(connected) {
            replies = replies.with_namespace(namespace);
        }
        Ok(Self {
            store: Arc::new(replies),
        })
    }

    /// What a client asks before it sends.
    pub(crate) fn store(&self) -> Arc<dyn ResponseStore> {
        self.store.clone()
    }

    /// What is wrong with the store, if something is.
    pub(crate) async fn trouble(&self) -> Option<String> {
        match self.store.cache().store().health().await {
            Health::Degraded { reason } | Health::Unhealthy { reason } => Some(reason),
            _ => None,
        }
    }

    /// Hit ratio and the time of a look-up, in a few words.
    pub(crate) fn in_short(&self) -> String {
        let report = self.store.cache().store().monitor().report();
        let gets = report.operations.values().next();
        let gets = gets.and_then(|operation| operation.times.get("get"));
        let p95 = gets.map_or(0.0, |times| times.p95_seconds);
        format!(
            "response cache {:.0} % hits, p95 {:.1} ms",
            100.0 * report.hit_ratio(),
            1_000.0 * p95
        )
    }
}

/// `memory`, or the address of a Redis.
pub(crate) fn config(place: &str) -> anyhow::Result<CacheConfig> {
    let mut config = CacheConfig::default();
    config.l1_entries = ENTRIES;
    match place {
        "memory" => {}
        place if place.contains("://") => config.redis_url = Some(place.to_owned().into()),
        place => {
            return Err(Failure::usage(format!(
                "--response-cache: {place:?} is neither `memory` nor an address such as \
                 redis://localhost"
            )));
        }
    }
    Ok(config)
}

/// Whose replies these are. Those of the service itself are in the common namespace; what an
/// emulator, a proxy or a gateway says must never be taken for them.
fn namespace(connected: &Connected) -> Option<String> {
    if connected.is_emulated() {
        return Some("emulator".to_owned());
    }
    namespace_of(&connected.client)
}

fn namespace_of(client: &GeminiClient) -> Option<String> {
    let base = client.endpoint().base_url();
    let host = base.host_str().unwrap_or_default();
    let is_service = host == "googleapis.com" || host.ends_with(".googleapis.com");
    (!is_service).then(|| match base.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(base: Option<&str>) -> GeminiClient {
        let builder = GeminiClient::builder().with_api_key("k");
        let builder = match base {
            Some(base) => builder.with_base_url(base),
            None => builder,
        };
        builder.build().unwrap()
    }

    #[test]
    fn replies_of_a_stand_in_are_kept_apart() {
        assert_eq!(namespace_of(&client(None)), None);
        let local = namespace_of(&client(Some("http://127.0.0.1:8787")));
        assert_eq!(local.as_deref(), Some("127.0.0.1:8787"));
        let proxy = namespace_of(&client(Some("https://googleapis.com.example")));
        assert_eq!(proxy.as_deref(), Some("googleapis.com.example"));
    }

    #[test]
    fn a_place_is_memory_or_an_address() {
        assert!(config("memory").unwrap().redis_url.is_none());
        assert!(config("redis://localhost").unwrap().redis_url.is_some());
        assert!(config("localhost").is_err());
    }
}
