//! Calls on context caches.

use gimmal_api::Pager;
use gimmal_api::gemini::{Gemini, ListCaches};
use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::{
    CachedContent, Content, CreateCachedContentRequest, EncryptionSpec, Tool, ToolConfig,
    UpdateCachedContentRequest,
};

use super::support::known;
use super::{CacheSupport, CheckCacheSupport, CreateCaches, Creation, ExpireTimeArg, Made, TtlArg};

/// The group of calls on context caches.
#[derive(Clone, Debug)]
pub struct Caches {
    api: Gemini,
    made: Made,
}

impl Caches {
    pub(in crate::gemini) fn new(api: Gemini, made: Made) -> Self {
        Self { api, made }
    }

    /// Whether a model can read from context caches here, and if not, why not. It asks nobody:
    /// what is known is the backend and a table of models.
    ///
    /// ```
    /// use gimmal_client::gemini::{CacheSupport, GeminiClient};
    ///
    /// # fn main() -> Result<(), gimmal_client::Error> {
    /// let client = GeminiClient::builder().with_vertex_express().with_api_key("key").build()?;
    /// let support = client.caches().support("gemini-2.5-flash")?;
    /// assert!(!support.is_worth_trying());
    /// if let CacheSupport::Unavailable(why) = support {
    ///     assert!(why.to_string().starts_with("a cache belongs to a project"));
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails on a bad model name.
    pub fn support(&self, model: &str) -> Result<CacheSupport, Error> {
        known(&self.api, model)
    }

    /// Asks the service whether a model can read from context caches.
    pub fn check_support(&self, model: impl Into<String>) -> CheckCacheSupport {
        CheckCacheSupport::new(self.api.clone(), model.into())
    }

    /// Creates a cache for a model. It is billed until it expires or is deleted.
    pub fn create(&self, model: impl Into<String>) -> CreateCache {
        CreateCache {
            api: self.api.clone(),
            made: self.made.clone(),
            request: CreateCachedContentRequest::new().set_model(model),
            options: CallOptions::default(),
            mistakes: Mistakes::default(),
        }
    }

    /// Creates several caches, a few of them at once, and those of the same content once.
    ///
    /// ```no_run
    /// # async fn run(client: gimmal_client::gemini::GeminiClient) -> Result<(), gimmal_client::Error> {
    /// let caches = client.caches();
    /// let handbooks = ["a long handbook", "another one"];
    /// let calls = handbooks.map(|text| caches.create("gemini-2.5-flash").set_contents([text]));
    /// for outcome in caches.create_many(calls).send().await {
    ///     println!("{:?}", outcome?.body().name);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn create_many(&self, calls: impl IntoIterator<Item = CreateCache>) -> CreateCaches {
        CreateCaches::new(calls)
    }

    /// Takes note that a cache is gone, so that [`CreateCache::send_once`] makes another. Caches
    /// that are deleted, changed or expired are noticed without it.
    pub fn forget(&self, name: &str) {
        self.made.forget(self.api.endpoint(), name);
    }

    /// Describes a cache.
    pub fn get(&self, name: impl Into<String>) -> GetCache {
        GetCache::new(&self.api, name)
    }

    /// Lists the caches.
    pub fn list(&self) -> ListCachesCall {
        ListCachesCall {
            api: self.api.clone(),
            list: ListCaches::default(),
            options: CallOptions::default(),
        }
    }

    /// Changes when a cache expires.
    pub fn update(&self, name: impl Into<String>) -> UpdateCache {
        UpdateCache {
            caches: self.clone(),
            name: name.into(),
            request: UpdateCachedContentRequest::new(),
            options: CallOptions::default(),
            mistakes: Mistakes::default(),
        }
    }

    /// Deletes a cache.
    pub fn delete(&self, name: impl Into<String>) -> DeleteCache {
        DeleteCache {
            caches: self.clone(),
            name: name.into(),
            options: CallOptions::default(),
        }
    }
}

/// A `cachedContents.create` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct CreateCache {
    api: Gemini,
    made: Made,
    request: CreateCachedContentRequest,
    options: CallOptions,
    mistakes: Mistakes,
}

impl CreateCache {
    /// Replaces the whole request, except for a model that it does not name.
    pub fn set_request(mut self, request: CreateCachedContentRequest) -> Self {
        let model = self.request.model.take();
        self.request = request;
        self.request.model = self.request.model.or(model);
        self.mistakes = Mistakes::default();
        self
    }

    /// The content to keep.
    pub fn set_contents<C: Into<Content>>(mut self, contents: impl IntoIterator<Item = C>) -> Self {
        self.request = self.request.set_contents(contents);
        self
    }

    /// Instructions to keep.
    pub fn set_system_instruction(mut self, instruction: impl Into<Content>) -> Self {
        self.request = self.request.set_system_instruction(instruction.into());
        self
    }

    /// Tools to keep.
    pub fn set_tools(mut self, tools: impl IntoIterator<Item = Tool>) -> Self {
        self.request = self.request.set_tools(tools);
        self
    }

    /// Tool settings to keep.
    pub fn set_tool_config(mut self, config: ToolConfig) -> Self {
        self.request = self.request.set_tool_config(config);
        self
    }

    /// How long to keep it; one hour when neither this nor an expiry is set.
    pub fn set_ttl(mut self, ttl: impl Into<TtlArg>) -> Self {
        self.request.ttl = valid(ttl.into().into_inner(), &mut self.mistakes.ttl);
        self
    }

    /// Until when to keep it, instead of a time to live.
    pub fn set_expire_time(mut self, time: impl Into<ExpireTimeArg>) -> Self {
        self.request.expire_time = valid(time.into().into_inner(), &mut self.mistakes.expire_time);
        self
    }

    /// A name for people.
    pub fn set_display_name(mut self, name: impl Into<String>) -> Self {
        self.request = self.request.set_display_name(name);
        self
    }

    /// A key of the customer's to encrypt it with; Vertex only.
    pub fn set_kms_key_name(mut self, name: impl Into<String>) -> Self {
        self.request = self
            .request
            .set_encryption_spec(EncryptionSpec::new().set_kms_key_name(name));
        self
    }

    /// Options of this call.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Sends.
    ///
    /// # Errors
    ///
    /// As [`Gemini::create_cache`].
    pub async fn send(self) -> Result<Response<CachedContent>, Error> {
        self.mistakes.check()?;
        self.api.create_cache(&self.request, &self.options).await
    }

    /// Creates it unless this client has made a cache of the same content that is still alive:
    /// then the answer is that cache. Calls at the same time make one request together, whose
    /// options are those of the first; when it fails, it fails for all of them, and the next call
    /// tries again.
    ///
    /// The same is the same model, content, instructions, tools and key. How long the cache lives
    /// and what it is called is up to whoever comes first.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn send_once(self) -> Result<Response<CachedContent>, Error> {
        self.mistakes.check()?;
        self.made.once(&self.api, self.request, &self.options).await
    }

    /// Creates it where there are caches, and says why not where there are none: a program can
    /// then send the content with each request instead, and tell why.
    ///
    /// ```no_run
    /// # async fn run(client: gimmal_client::gemini::GeminiClient) -> Result<(), gimmal_client::Error> {
    /// use gimmal_client::gemini::Creation;
    ///
    /// let handbook = "a long handbook";
    /// let create = client.caches().create("gemini-2.5-flash").set_contents([handbook]);
    /// let call = client.models().generate_content("gemini-2.5-flash");
    /// let call = match create.send_if_supported().await? {
    ///     Creation::Unavailable(why) => {
    ///         println!("without a cache: {why}");
    ///         call.set_contents([handbook, "How long is a day?"])
    ///     }
    ///     cache => call
    ///         .set_cached_content(cache.name().unwrap_or_default())
    ///         .set_contents(["How long is a day?"]),
    /// };
    /// println!("{:?}", call.send().await?.body().text());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), for everything that another attempt might change.
    pub async fn send_if_supported(self) -> Result<Creation, Error> {
        let model = self.request.model.clone().unwrap_or_default();
        if let CacheSupport::Unavailable(why) = known(&self.api, &model)? {
            return Ok(Creation::Unavailable(why));
        }
        Creation::of(self.send().await, &model)
    }
}

/// What is wrong with what was set last.
#[derive(Clone, Debug, Default)]
struct Mistakes {
    ttl: Option<Error>,
    expire_time: Option<Error>,
}

impl Mistakes {
    fn check(self) -> Result<(), Error> {
        self.ttl.or(self.expire_time).map_or(Ok(()), Err)
    }
}

/// What was set, or a note of what is wrong with it. Either takes the place of an earlier one.
fn valid<T>(given: Result<T, Error>, mistake: &mut Option<Error>) -> Option<T> {
    *mistake = None;
    given.map_err(|error| *mistake = Some(error)).ok()
}

named_calls! {
    /// A `cachedContents.get` call in the making.
    pub struct GetCache(get_cache) -> CachedContent;
}

/// A `cachedContents.list` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before the items are read"]
pub struct ListCachesCall {
    api: Gemini,
    list: ListCaches,
    options: CallOptions,
}

paged!(ListCachesCall);

impl ListCachesCall {
    /// The caches, one by one; [`Pager::pages`] gives them by page.
    pub fn items(self) -> Pager<CachedContent> {
        self.api.list_caches(self.list, self.options)
    }
}

/// A `cachedContents.patch` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct UpdateCache {
    caches: Caches,
    name: String,
    request: UpdateCachedContentRequest,
    options: CallOptions,
    mistakes: Mistakes,
}

impl UpdateCache {
    /// Replaces the whole request.
    pub fn set_request(mut self, request: UpdateCachedContentRequest) -> Self {
        self.request = request;
        self.mistakes = Mistakes::default();
        self
    }

    /// How long to keep it, from now.
    pub fn set_ttl(mut self, ttl: impl Into<TtlArg>) -> Self {
        self.request.ttl = valid(ttl.into().into_inner(), &mut self.mistakes.ttl);
        self
    }

    /// Until when to keep it, instead of a time to live.
    pub fn set_expire_time(mut self, time: impl Into<ExpireTimeArg>) -> Self {
        self.request.expire_time = valid(time.into().into_inner(), &mut self.mistakes.expire_time);
        self
    }

    /// Options of this call.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Sends.
    ///
    /// # Errors
    ///
    /// As [`Gemini::update_cache`].
    pub async fn send(self) -> Result<Response<CachedContent>, Error> {
        self.mistakes.check()?;
        let changed = self
            .caches
            .api
            .update_cache(&self.name, &self.request, &self.options)
            .await?;
        // It may end sooner now than whoever asks for it once was told.
        self.caches.forget(&self.name);
        Ok(changed)
    }
}

/// A `cachedContents.delete` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct DeleteCache {
    caches: Caches,
    name: String,
    options: CallOptions,
}

impl DeleteCache {
    /// Options of this call.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Sends.
    ///
    /// # Errors
    ///
    /// As [`Gemini::delete_cache`].
    pub async fn send(self) -> Result<Response<()>, Error> {
        let deleted = self.caches.api.delete_cache(&self.name, &self.options);
        let deleted = deleted.await?;
        self.caches.forget(&self.name);
        Ok(deleted)
    }
}
