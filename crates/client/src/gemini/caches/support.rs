//! Whether there are context caches for a model on a service, and if not, why not.

use std::fmt;

use gimmal_api::gemini::{Backend, Gemini, model_path};
use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::{CachedContent, Model};

use crate::gemini::planner::{CreateFailure, ModelTable};

/// What the service calls creating a cache, among the methods of a model.
const METHOD: &str = "createCachedContent";

/// Whether a model can read from context caches, as far as is known.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CacheSupport {
    /// It can, from so many tokens on where that is known.
    Available {
        /// Fewest tokens of a cache.
        min_tokens: Option<u32>,
    },
    /// It cannot.
    Unavailable(NoCache),
    /// Nobody knows before trying.
    Unknown,
}

impl CacheSupport {
    /// True unless it is known that there are no caches.
    pub fn is_worth_trying(&self) -> bool {
        !matches!(self, Self::Unavailable(_))
    }
}

/// Why there is no cache.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoCache {
    /// Vertex AI in express mode: a cache belongs to a project, and there is none.
    NoProject,
    /// The model reads from no caches.
    Model(String),
    /// The service, or the gateway in front of it, has no caches at all.
    Service,
    /// The content is smaller than the service's minimum.
    TooSmall {
        /// Tokens of the content, as the service counts them.
        total_tokens: u32,
        /// Fewest tokens of a cache.
        min_tokens: u32,
    },
    /// The account has no room for caches of this model, as on the free tier.
    NoStorage,
}

impl fmt::Display for NoCache {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProject => formatter.write_str(
                "a cache belongs to a project, and in express mode there is none; \
                 set project and location",
            ),
            Self::Model(model) => write!(formatter, "{model} reads from no context caches"),
            Self::Service => formatter.write_str("the service has no context caches"),
            Self::TooSmall {
                total_tokens,
                min_tokens,
            } => write!(
                formatter,
                "the content has {total_tokens} tokens, and a cache has at least {min_tokens}"
            ),
            Self::NoStorage => formatter
                .write_str("the account has no room for caches of this model; see its plan"),
        }
    }
}

/// A cache, or why there is none.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Creation {
    /// It was created.
    Created(Box<Response<CachedContent>>),
    /// There can be none; send the content with each request instead.
    Unavailable(NoCache),
}

impl Creation {
    /// The name to read it by, if it was created.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Created(reply) => reply.body().name.as_deref(),
            Self::Unavailable(_) => None,
        }
    }

    /// Tells a refusal that no other attempt changes from any other error.
    pub(super) fn of(
        outcome: Result<Response<CachedContent>, Error>,
        model: &str,
    ) -> Result<Self, Error> {
        let error = match outcome {
            Ok(reply) => return Ok(Self::Created(Box::new(reply))),
            Err(error) => error,
        };
        Ok(Self::Unavailable(match CreateFailure::of(&error) {
            CreateFailure::TooSmall { total, min } => NoCache::TooSmall {
                total_tokens: total,
                min_tokens: min,
            },
            CreateFailure::NoStorage => NoCache::NoStorage,
            CreateFailure::BackendUnsupported => NoCache::Service,
            _ if refuses_model(&error) => NoCache::Model(model.to_owned()),
            _ => return Err(error),
        }))
    }
}

/// True when the service says that the model has no caches, and not that there is no such model.
fn refuses_model(error: &Error) -> bool {
    let message = error.rpc_status().and_then(|rpc| rpc.message.as_deref());
    let message = message.unwrap_or_default().to_ascii_lowercase();
    let of_caches = message.contains("createcachedcontent") || message.contains("caching");
    matches!(
        error.status().map(|status| status.as_u16()),
        Some(400 | 404)
    ) && of_caches
        && message.contains("not support")
}

/// What is known without asking.
pub(super) fn known(api: &Gemini, model: &str) -> Result<CacheSupport, Error> {
    let endpoint = api.endpoint();
    let path = model_path(endpoint.backend(), model)?;
    if endpoint.backend() == Backend::Vertex && endpoint.project().is_none() {
        return Ok(CacheSupport::Unavailable(NoCache::NoProject));
    }
    Ok(match ModelTable::default().find(&path) {
        None => CacheSupport::Unknown,
        Some(facts) => match facts.explicit_min {
            None => CacheSupport::Unavailable(NoCache::Model(path)),
            min_tokens => CacheSupport::Available { min_tokens },
        },
    })
}

/// A call that asks whether a model has caches, in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct CheckCacheSupport {
    api: Gemini,
    model: String,
    options: CallOptions,
}

impl CheckCacheSupport {
    pub(super) fn new(api: Gemini, model: String) -> Self {
        Self {
            api,
            model,
            options: CallOptions::default(),
        }
    }

    /// Options of this call.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Sends, unless the answer is known for certain: without a project there are no caches.
    ///
    /// The developer API tells what its models can do. Vertex does not; there the answer is what
    /// [`Caches::support`](super::Caches::support) says.
    ///
    /// # Errors
    ///
    /// As [`Gemini::get_model`].
    pub async fn send(self) -> Result<CacheSupport, Error> {
        let known = known(&self.api, &self.model)?;
        let certain = known == CacheSupport::Unavailable(NoCache::NoProject);
        if certain || self.api.endpoint().backend() == Backend::Vertex {
            return Ok(known);
        }
        let model = self.api.get_model(&self.model, &self.options).await?;
        Ok(told(model.body(), known))
    }
}

/// What the model says of itself wins over what is known of it.
fn told(model: &Model, known: CacheSupport) -> CacheSupport {
    let methods = &model.supported_generation_methods;
    if methods.is_empty() {
        return known;
    }
    if !methods.iter().any(|method| method == METHOD) {
        let name = model.name.clone().unwrap_or_default();
        return CacheSupport::Unavailable(NoCache::Model(name));
    }
    match known {
        available @ CacheSupport::Available { .. } => available,
        _ => CacheSupport::Available { min_tokens: None },
    }
}
