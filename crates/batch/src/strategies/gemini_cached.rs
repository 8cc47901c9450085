//! Prompts for a Gemini model over one explicit context cache that many runs and machines find by
//! what is in it: found or made once, kept alive while it is read, and left for the next run.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex as StdMutex};
use std::time::{Duration, SystemTime};

use futures_util::TryStreamExt as _;
use futures_util::future::BoxFuture;
use gimmal_client::gemini::GeminiClient;
use gimmal_client::transport::{Clock, NeverRetry, TokioClock};
use gimmal_client::types::gemini::{
    CachedContent, Content, GenerateContentRequest, Tool, ToolConfig,
};
use gimmal_client::{CallOptions, Error};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;

use super::Answer;
use super::gemini::outcome_of;
use crate::shared::lock;
use crate::{
    Attempt, CallStrategy, Category, CharacterTokenEstimator, Classifier, Failure,
    GeminiErrorClassifier, Outcome, TokenEstimate,
};

/// How every name of a cache of this kind begins; JSON follows.
const PREFIX: &str = "abl-tags:";
/// The tag that tells caches by their content; callers cannot set it.
const CONTENT_TAG: &str = "abl-content";
/// The longest name that the service takes, in characters.
const LONGEST_NAME: usize = 128;

/// Sends each prompt after the shared context, which the service keeps in a context cache.
///
/// A cache with the same content, model and tags is adopted, whoever made it; otherwise one is
/// made, once for all workers. Before it expires it is renewed, in place if the service allows.
/// When the service has lost it, it is made anew and the prompt sent again. Cleaning up leaves it
/// on the service; [`delete_cache`](Self::delete_cache) deletes it.
#[derive(Clone)]
pub struct GeminiCachedStrategy {
    shared: Arc<Shared>,
}

struct Shared {
    settings: GeminiCachedStrategyBuilder,
    display_name: String,
    tags: BTreeMap<String, String>,
    /// One worker at a time finds, makes, renews or replaces the cache.
    upkeep: Mutex<()>,
    held: StdMutex<Option<Held>>,
}

/// The cache in use.
#[derive(Clone, Debug, PartialEq)]
struct Held {
    name: String,
    expires: SystemTime,
}

/// Collects the settings of a [`GeminiCachedStrategy`].
#[derive(Clone)]
#[must_use]
pub struct GeminiCachedStrategyBuilder {
    client: GeminiClient,
    model: String,
    contents: Vec<Content>,
    system_instruction: Option<Content>,
    tools: Vec<Tool>,
    tool_config: Option<ToolConfig>,
    ttl: Duration,
    renewal_buffer: Duration,
    auto_renew: bool,
    tags: BTreeMap<String, String>,
    request: GenerateContentRequest,
    options: CallOptions,
    clock: Arc<dyn Clock>,
}

impl GeminiCachedStrategyBuilder {
    /// Instructions that are kept in the cache.
    pub fn with_system_instruction(mut self, instruction: impl Into<Content>) -> Self {
        self.system_instruction = Some(instruction.into());
        self
    }

    /// Tools that are kept in the cache, and how they are used.
    pub fn with_tools(
        mut self,
        tools: impl IntoIterator<Item = Tool>,
        config: Option<ToolConfig>,
    ) -> Self {
        self.tools = tools.into_iter().collect();
        self.tool_config = config;
        self
    }

    /// How long the cache lives after it was made or renewed: an hour unless set.
    pub fn with_ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// How long before it expires the cache is renewed: five minutes unless set.
    pub fn with_renewal_buffer(mut self, buffer: Duration) -> Self {
        self.renewal_buffer = buffer;
        self
    }

    /// Neither renews the cache nor replaces a lost one.
    pub fn without_renewal(mut self) -> Self {
        self.auto_renew = false;
        self
    }

    /// A tag that a cache must have to be adopted; it becomes part of the cache's name.
    pub fn with_tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.insert(key.into(), value.into());
        self
    }

    /// Generation and safety settings of every request; its contents, instructions and tools are
    /// ignored, since those are the cache's.
    pub fn with_settings(mut self, settings: GenerateContentRequest) -> Self {
        self.request = settings;
        self
    }

    /// Options of every call. The client does not retry a prompt unless they say so: the run does.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// The clock that tells when the cache expires.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Makes the strategy. No I/O.
    ///
    /// # Errors
    ///
    /// Fails when the renewal would come before the cache is made, on a reserved tag, and when the
    /// tags make too long a name.
    pub fn build(mut self) -> Result<GeminiCachedStrategy, Error> {
        if self.renewal_buffer >= self.ttl {
            let (buffer, ttl) = (self.renewal_buffer, self.ttl);
            return Err(Error::invalid(
                "renewal_buffer",
                format!("{buffer:?} is not less than the life of the cache, {ttl:?}"),
            ));
        }
        if self.tags.contains_key(CONTENT_TAG) {
            return Err(Error::invalid(
                "tags",
                format!("`{CONTENT_TAG}` is reserved for the content; name the tag otherwise"),
            ));
        }
        let mut tags = self.tags.clone();
        tags.insert(CONTENT_TAG.to_owned(), content_tag(&self)?);
        let json = serde_json::to_string(&tags)
            .map_err(|error| Error::invalid("tags", error.to_string()))?;
        let display_name = format!("{PREFIX}{json}");
        let length = display_name.chars().count();
        if length > LONGEST_NAME {
            return Err(Error::invalid(
                "tags",
                format!("they make a name of {length} characters, {LONGEST_NAME} are allowed"),
            ));
        }
        let request = &mut self.request;
        (request.contents, request.tools) = (Vec::new(), Vec::new());
        (request.system_instruction, request.tool_config) = (None, None);
        Ok(GeminiCachedStrategy {
            shared: Arc::new(Shared {
                settings: self,
                display_name,
                tags,
                upkeep: Mutex::default(),
                held: StdMutex::default(),
            }),
        })
    }
}

/// The name of a model without what stands before it.
fn short_model(model: &str) -> &str {
    model.rsplit('/').next().unwrap_or(model)
}

/// The first 32 hexadecimal digits of a SHA-256 over what the cache holds, as JSON with its keys in
/// order. With contents alone the JSON has just these and the model.
fn content_tag(settings: &GeminiCachedStrategyBuilder) -> Result<String, Error> {
    let invalid = |error: serde_json::Error| Error::invalid("contents", error.to_string());
    let mut parts = Map::new();
    let mut put = |key: &str, value: Value| drop(parts.insert(key.to_owned(), sorted(value)));
    put(
        "contents",
        serde_json::to_value(&settings.contents).map_err(invalid)?,
    );
    put("model", short_model(&settings.model).into());
    if let Some(instruction) = &settings.system_instruction {
        let value = serde_json::to_value(instruction).map_err(invalid)?;
        put("systemInstruction", value);
    }
    if !settings.tools.is_empty() {
        put(
            "tools",
            serde_json::to_value(&settings.tools).map_err(invalid)?,
        );
    }
    if let Some(config) = &settings.tool_config {
        put("toolConfig", serde_json::to_value(config).map_err(invalid)?);
    }
    let json = serde_json::to_vec(&sorted(Value::Object(parts))).map_err(invalid)?;
    let hash = Sha256::digest(json);
    Ok(hash
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

/// The same value with the keys of its objects in order, and without nulls.
fn sorted(value: Value) -> Value {
    match value {
        Value::Array(values) => values.into_iter().map(sorted).collect(),
        Value::Object(members) => {
            let members = members.into_iter().filter(|(_, value)| !value.is_null());
            let members: BTreeMap<_, _> =
                members.map(|(key, value)| (key, sorted(value))).collect();
            Value::Object(members.into_iter().collect())
        }
        other => other,
    }
}

impl GeminiCachedStrategy {
    /// Prompts for a model over these contents.
    pub fn builder<C: Into<Content>>(
        client: &GeminiClient,
        model: impl Into<String>,
        contents: impl IntoIterator<Item = C>,
    ) -> GeminiCachedStrategyBuilder {
        GeminiCachedStrategyBuilder {
            client: client.clone(),
            model: model.into(),
            contents: contents.into_iter().map(Into::into).collect(),
            system_instruction: None,
            tools: Vec::new(),
            tool_config: None,
            ttl: Duration::from_secs(3_600),
            renewal_buffer: Duration::from_secs(300),
            auto_renew: true,
            tags: BTreeMap::new(),
            request: GenerateContentRequest::new(),
            options: CallOptions::default().with_retry_policy(NeverRetry),
            clock: Arc::new(TokioClock),
        }
    }

    /// The name by which other runs find the cache.
    pub fn display_name(&self) -> &str {
        &self.shared.display_name
    }

    /// The cache in use, such as `cachedContents/abc`.
    pub fn cache_name(&self) -> Option<String> {
        lock(&self.shared.held)
            .as_ref()
            .map(|held| held.name.clone())
    }

    /// The caches on the service that the strategy would adopt, whoever made them.
    ///
    /// # Errors
    ///
    /// Fails when the service does.
    pub async fn find_caches(&self) -> Result<Vec<CachedContent>, Error> {
        let caches = self.shared.settings.client.caches();
        let all: Vec<CachedContent> = caches.list().items().try_collect().await?;
        let fits = |cache: &CachedContent| self.shared.fits(cache);
        Ok(all.into_iter().filter(fits).collect())
    }

    /// Deletes the cache on the service, if there is one. Calls that come later fail until the
    /// strategy is prepared again.
    ///
    /// # Errors
    ///
    /// Fails when the service does; the cache is given up all the same, and expires by itself.
    pub async fn delete_cache(&self) -> Result<(), Error> {
        let _upkeep = self.shared.upkeep.lock().await;
        let Some(held) = lock(&self.shared.held).take() else {
            return Ok(());
        };
        let caches = self.shared.settings.client.caches();
        caches.delete(held.name).send().await.map(drop)
    }
}

/// There is no cache, or it was deleted.
fn unprepared() -> Failure {
    let message = "the strategy is not prepared: it has no cache to read from";
    Failure::new(Category::LogicError, message)
}

impl Shared {
    fn held(&self) -> Option<Held> {
        lock(&self.held).clone()
    }

    fn now(&self) -> SystemTime {
        self.settings.clock.system_now()
    }

    /// True once a cache should be renewed before it is read again.
    fn is_due(&self, held: &Held) -> bool {
        let left = held.expires.duration_since(self.now()).unwrap_or_default();
        left <= self.settings.renewal_buffer
    }

    /// The cache to read from, renewed if that is due.
    async fn ensure(&self) -> Result<String, Failure> {
        let held = self.held().ok_or_else(unprepared)?;
        if !self.settings.auto_renew || !self.is_due(&held) {
            return Ok(held.name);
        }
        let _upkeep = self.upkeep.lock().await;
        // Somebody else may have seen to it meanwhile.
        let held = self.held().ok_or_else(unprepared)?;
        if !self.is_due(&held) {
            return Ok(held.name);
        }
        let caches = self.settings.client.caches();
        let update = caches.update(&held.name).set_ttl(self.settings.ttl);
        match update.send().await {
            Ok(reply) => Ok(self.hold(&reply.into_body(), Some(held.name), true)?.name),
            Err(error) => {
                tracing::info!(%error, "a context cache could not be renewed; another one is sought");
                // The others read from the old one until there is another.
                Ok(self.find_or_create(None, true).await?.name)
            }
        }
    }

    /// Replaces a cache that the service has lost, unless somebody else has.
    async fn replace(&self, lost: &str) -> Result<String, Failure> {
        let _upkeep = self.upkeep.lock().await;
        let held = self.held().ok_or_else(unprepared)?;
        if held.name != lost {
            return Ok(held.name);
        }
        Ok(self.find_or_create(Some(lost), true).await?.name)
    }

    /// Adopts a cache that fits, or makes one. The caller holds the lock.
    async fn find_or_create(&self, lost: Option<&str>, is_renewal: bool) -> Result<Held, Failure> {
        let caches = self.settings.client.caches();
        match caches.list().items().try_collect::<Vec<_>>().await {
            Ok(found) => {
                for cache in found {
                    if !self.fits(&cache) || cache.name.as_deref() == lost {
                        continue;
                    }
                    let held = self.as_held(&cache, None, false)?;
                    if is_renewal && self.is_due(&held) {
                        continue;
                    }
                    tracing::info!(name = held.name, "a context cache is adopted");
                    return Ok(self.keep(held));
                }
            }
            Err(error) => tracing::warn!(%error, "context caches could not be listed"),
        }
        let settings = &self.settings;
        let mut create = caches
            .create(&settings.model)
            .set_contents(settings.contents.clone())
            .set_ttl(settings.ttl)
            .set_display_name(&self.display_name);
        if let Some(instruction) = &settings.system_instruction {
            create = create.set_system_instruction(instruction.clone());
        }
        if !settings.tools.is_empty() {
            create = create.set_tools(settings.tools.clone());
        }
        if let Some(config) = &settings.tool_config {
            create = create.set_tool_config(config.clone());
        }
        let made = create.send().await?.into_body();
        self.hold(&made, None, true)
    }

    /// True for a cache with the same content, model and tags.
    fn fits(&self, cache: &CachedContent) -> bool {
        let model = cache.model.as_deref().map(short_model);
        if model != Some(short_model(&self.settings.model)) {
            return false;
        }
        let name = cache.display_name.as_deref().unwrap_or_default();
        let tags = name.strip_prefix(PREFIX);
        let tags: Option<Map<String, Value>> =
            tags.and_then(|tags| serde_json::from_str(tags).ok());
        tags.is_some_and(|tags| {
            let has = |(key, value): (&String, &String)| {
                tags.get(key).and_then(Value::as_str) == Some(value)
            };
            self.tags.iter().all(has)
        })
    }

    fn hold(
        &self,
        cache: &CachedContent,
        name: Option<String>,
        is_fresh: bool,
    ) -> Result<Held, Failure> {
        Ok(self.keep(self.as_held(cache, name, is_fresh)?))
    }

    fn keep(&self, held: Held) -> Held {
        *lock(&self.held) = Some(held.clone());
        held
    }

    /// When a cache expires: as the service says, or so long after it was made. One of unknown age
    /// is as good as expired, unless it was made or renewed just now.
    fn as_held(
        &self,
        cache: &CachedContent,
        name: Option<String>,
        is_fresh: bool,
    ) -> Result<Held, Failure> {
        let now = self.now();
        let ttl = self.settings.ttl;
        let told = cache.expire_time.map(|time| time.to_system_time());
        let made = cache.create_time.map(|time| time.to_system_time() + ttl);
        let fresh = is_fresh.then_some(now + ttl);
        let nameless = || Failure::new(Category::ApiError, "the service named no cache");
        Ok(Held {
            name: name.or_else(|| cache.name.clone()).ok_or_else(nameless)?,
            expires: told.or(made).or(fresh).unwrap_or(now),
        })
    }

    async fn send(&self, cache: &str, prompt: &str) -> Result<Outcome<Answer>, Failure> {
        let settings = &self.settings;
        let mut request = settings.request.clone();
        request.contents = vec![Content::user(prompt)];
        request.cached_content = Some(cache.to_owned());
        let models = settings.client.models();
        let reply = models
            .generate_content(&settings.model)
            .set_request(request)
            .with_options(settings.options.clone())
            .send()
            .await?;
        outcome_of(reply.into_body(), 1)
    }

    async fn ask(&self, prompt: &str) -> Result<Outcome<Answer>, Failure> {
        let cache = self.ensure().await?;
        let failure = match self.send(&cache, prompt).await {
            Ok(outcome) => return Ok(outcome),
            Err(failure) => failure,
        };
        let is_lost = GeminiErrorClassifier.classify(&failure) == Category::CacheExpired;
        if !is_lost || !self.settings.auto_renew {
            return Err(failure);
        }
        tracing::info!(cache, "the service has lost a context cache");
        let replacement = self.replace(&cache).await?;
        let mut outcome = self.send(&replacement, prompt).await?;
        outcome.attempts += failure.attempts;
        Ok(outcome)
    }
}

impl fmt::Debug for GeminiCachedStrategy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("GeminiCachedStrategy")
            .field("model", &self.shared.settings.model)
            .field("cache", &self.cache_name())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for GeminiCachedStrategyBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("GeminiCachedStrategyBuilder")
            .field("model", &self.model)
            .field("ttl", &self.ttl)
            .field("renewal_buffer", &self.renewal_buffer)
            .finish_non_exhaustive()
    }
}

impl CallStrategy for GeminiCachedStrategy {
    type Input = String;
    type Output = Answer;

    fn prepare(&self) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async {
            let _upkeep = self.shared.upkeep.lock().await;
            match self.shared.held() {
                Some(held) if !self.shared.is_due(&held) => Ok(()),
                _ => self.shared.find_or_create(None, false).await.map(drop),
            }
        })
    }

    fn execute<'a>(
        &'a self,
        input: &'a String,
        _attempt: &'a mut Attempt,
    ) -> BoxFuture<'a, Result<Outcome<Answer>, Failure>> {
        Box::pin(self.shared.ask(input))
    }

    fn cleanup(&self) -> BoxFuture<'_, Result<(), Failure>> {
        if let Some(name) = self.cache_name() {
            tracing::info!(name, "the context cache stays for the next run");
        }
        Box::pin(async { Ok(()) })
    }

    fn classifier(&self) -> Arc<dyn Classifier> {
        Arc::new(GeminiErrorClassifier)
    }

    fn estimate(&self, input: &String) -> Option<TokenEstimate> {
        Some(CharacterTokenEstimator::default().estimate(input))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn builder(model: &str) -> GeminiCachedStrategyBuilder {
        let client = GeminiClient::builder().with_api_key("k").build().unwrap();
        GeminiCachedStrategy::builder(&client, model, [Content::user("hello")])
    }

    /// Covers: AC-GC-8
    #[test]
    fn a_cache_is_named_after_its_content_and_tags() {
        for model in ["gemini-2.5-flash", "models/gemini-2.5-flash"] {
            let strategy = builder(model).build().unwrap();
            let name = r#"abl-tags:{"abl-content":"631f401023439f12825905dbdad3d07c"}"#;
            assert_eq!(strategy.display_name(), name);
            assert_eq!(name.len(), 59);
        }
        let instructed = builder("gemini-2.5-flash").with_system_instruction("Be brief.");
        let other = builder("gemini-2.5-pro");
        for changed in [instructed, other] {
            let name = changed.build().unwrap().display_name().to_owned();
            assert!(!name.contains("631f401023439f12825905dbdad3d07c"), "{name}");
        }
        let field = |builder: GeminiCachedStrategyBuilder| {
            builder.build().unwrap_err().field().map(str::to_owned)
        };
        let reserved = builder("m").with_tag("abl-content", "x");
        assert_eq!(field(reserved).as_deref(), Some("tags"));
        // 59 characters and `"k":"",` leave room for 62.
        assert!(builder("m").with_tag("k", "x".repeat(62)).build().is_ok());
        let long = builder("m").with_tag("k", "x".repeat(63));
        assert_eq!(field(long).as_deref(), Some("tags"));
        let short = builder("m").with_ttl(Duration::from_secs(300));
        assert_eq!(field(short).as_deref(), Some("renewal_buffer"));
    }

    fn cache(model: &str, name: Option<&str>) -> CachedContent {
        let mut cache = CachedContent::new();
        cache.name = Some("cachedContents/a".to_owned());
        cache.model = Some(model.to_owned());
        cache.display_name = name.map(str::to_owned);
        cache
    }

    /// Covers: AC-GC-2
    #[test]
    fn only_a_cache_with_the_same_model_and_tags_fits() {
        let strategy = builder("gemini-2.5-flash")
            .with_tag("team", "a")
            .build()
            .unwrap();
        let fits = |model, name: Option<&str>| strategy.shared.fits(&cache(model, name));
        let name = strategy.display_name();
        assert!(fits("models/gemini-2.5-flash", Some(name)));
        assert!(!fits("models/x-gemini-2.5-flash", Some(name)));
        assert!(!fits("models/gemini-2.5-pro", Some(name)));
        let own = "models/gemini-2.5-flash";
        assert!(!fits(own, None));
        assert!(!fits(own, Some("my cache")));
        assert!(!fits(own, Some("abl-tags:[1]")));
        assert!(!fits(own, Some("abl-tags:{broken")));
        assert!(!fits(own, Some(&name.replace("\"a\"", "\"A\""))));
        assert!(!fits(
            own,
            Some(&name.replace("\"team\":\"a\"", "\"team\":1"))
        ));
        let more = name.replace("{", "{\"more\":\"x\",");
        assert!(fits(own, Some(&more)), "further tags do no harm");
    }

    /// Covers: AC-GC-3
    #[test]
    fn the_services_own_expiry_counts_first() {
        let strategy = builder("m").build().unwrap();
        let shared = &strategy.shared;
        let time = |text: &str| text.parse().unwrap();
        let mut given = cache("m", None);
        let now = shared.now();
        let expires = |cache: &CachedContent, is_fresh| {
            shared.as_held(cache, None, is_fresh).unwrap().expires
        };
        assert!(expires(&given, false) <= shared.now(), "of unknown age");
        assert!(expires(&given, true) >= now + Duration::from_secs(3_600));
        given.create_time = Some(time("2026-01-01T00:00:00Z"));
        let made = given.create_time.unwrap().to_system_time();
        assert_eq!(expires(&given, true), made + Duration::from_secs(3_600));
        given.expire_time = Some(time("2026-01-01T00:10:00Z"));
        assert_eq!(expires(&given, true), made + Duration::from_secs(600));
    }
}
