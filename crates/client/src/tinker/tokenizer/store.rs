//! Tokenizers by their reference, each loaded once, however many ask for it at the same time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use gimmal_transport::Error;
use tokio::sync::OnceCell;

use super::{Hub, KimiTokenizer, Tokenizer, TokenizerRef};

type Load = dyn Fn(TokenizerRef) -> BoxFuture<'static, Result<Tokenizer, Error>> + Send + Sync;

/// Loads tokenizers and keeps them. Clones share what they keep.
///
/// ```no_run
/// # async fn run() -> Result<(), gimmal_client::Error> {
/// use gimmal_client::tinker::tokenizer::{Hub, TokenizerRef, Tokenizers};
///
/// let tokenizers = Tokenizers::of_hub(Hub::builder().from_env().build()?);
/// let tokenizer = tokenizers.get(&TokenizerRef::new("Qwen/Qwen3-8B")).await?;
/// println!("{:?}", tokenizer.encode("Hello").await?);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Tokenizers {
    load: Arc<Load>,
    loaded: Arc<Mutex<HashMap<TokenizerRef, Arc<OnceCell<Tokenizer>>>>>,
}

impl Tokenizers {
    /// Loads them from a hub.
    pub fn of_hub(hub: Hub) -> Self {
        Self::new(move |which| {
            let hub = hub.clone();
            Box::pin(async move { load(&hub, &which).await })
        })
    }

    /// Loads them by a function of the caller's.
    pub fn new(
        load: impl Fn(TokenizerRef) -> BoxFuture<'static, Result<Tokenizer, Error>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self {
            load: Arc::new(load),
            loaded: Arc::default(),
        }
    }

    /// The tokenizer, which is loaded when it is first asked for. A failure is not kept.
    ///
    /// # Errors
    ///
    /// Fails when it cannot be loaded.
    pub async fn get(&self, which: &TokenizerRef) -> Result<Tokenizer, Error> {
        let cell = {
            let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(loaded.entry(which.clone()).or_default())
        };
        let made = cell.get_or_try_init(|| (self.load)(which.clone())).await;
        let failed = |error: Error| error.with_context("tokenizer", which.repository.clone());
        made.cloned().map_err(failed)
    }
}

impl std::fmt::Debug for Tokenizers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("Tokenizers")
            .field("loaded", &loaded.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

async fn load(hub: &Hub, which: &TokenizerRef) -> Result<Tokenizer, Error> {
    let file = |name: &'static str| hub.file(&which.repository, &which.revision, name);
    if which.is_kimi {
        let model = file("tiktoken.model").await?;
        let config = file("tokenizer_config.json").await?;
        return blocking(move || KimiTokenizer::from_files(&model, &config).map(Tokenizer::from))
            .await;
    }
    let path = file("tokenizer.json").await?;
    blocking(move || Tokenizer::from_file(path)).await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(Error::cancelled("the loading of a tokenizer ended early")))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn small() -> Tokenizer {
        KimiTokenizer::new("YQ== 0\n", "{}").unwrap().into()
    }

    /// Covers: CHK-TOK-3
    #[tokio::test(flavor = "multi_thread")]
    async fn chk_tok_3_a_tokenizer_is_loaded_once() {
        let loads = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&loads);
        let tokenizers = Tokenizers::new(move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
            Box::pin(async {
                tokio::task::yield_now().await;
                Ok(small())
            })
        });
        let tasks = (0..20).map(|_| {
            let tokenizers = tokenizers.clone();
            tokio::spawn(async move {
                let which = TokenizerRef::new("org/tok");
                let tokenizer = tokenizers.get(&which).await.unwrap();
                tokenizer.encode("a").await.unwrap()
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            assert_eq!(task.await.unwrap(), [0]);
        }
        assert_eq!(loads.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_failure_is_told_with_its_tokenizer_and_not_kept() {
        let loads = AtomicU32::new(0);
        let tokenizers = Tokenizers::new(move |_| {
            let first = loads.fetch_add(1, Ordering::Relaxed) == 0;
            Box::pin(async move {
                match first {
                    true => Err(Error::config("not now")),
                    false => Ok(small()),
                }
            })
        });
        let which = TokenizerRef::new("org/tok");
        let error = tokenizers.get(&which).await.unwrap_err();
        assert!(format!("{error:?}").contains("org/tok"));
        tokenizers.get(&which).await.unwrap();
    }
}
