//! The client: a cheap handle to everything the Gemini API offers.

use std::sync::Arc;

use gimmal_api::gemini::{Endpoint, Gemini};
use gimmal_transport::Error;
use gimmal_types::gemini::HttpOptions;

use super::caches::Made;
use super::http_options::call_options;
use super::planner::{CacheScope, Executor};
use super::{
    Agents, AuthTokens, Batches, Caches, Chats, Credentials, Decisions, Environments,
    FileSearchStores, Files, GeminiClientBuilder, Interactions, Models, Operations, ResponseStore,
    Triggers, Tunings, Voices, Webhooks,
};

/// A client of the Gemini API. Clones are cheap and share connections, credentials and limits.
///
/// Every call has the same shape: a group, a method with what is required, `set_*` for what goes
/// on the wire, `with_*` for options of the call, and a verb that sends.
///
/// ```no_run
/// # async fn run() -> Result<(), gimmal_client::Error> {
/// use gimmal_client::gemini::GeminiClient;
///
/// let client = GeminiClient::from_env()?;
/// let reply = client
///     .models()
///     .generate_content("gemini-2.5-flash")
///     .set_contents(["What is a gimmal?"])
///     .send()
///     .await?;
/// println!("{}", reply.body().text().unwrap_or_default());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct GeminiClient {
    api: Gemini,
    scope: CacheScope,
    made: Made,
    store: Option<Arc<dyn ResponseStore>>,
}

impl GeminiClient {
    /// Starts a client from explicit settings.
    pub fn builder() -> GeminiClientBuilder {
        GeminiClientBuilder::new()
    }

    /// A client from the environment: `GOOGLE_API_KEY` or `GEMINI_API_KEY`, and the variables for
    /// Vertex, version and base URL that the official SDKs read.
    ///
    /// # Errors
    ///
    /// Fails when there is no key, naming the variables.
    pub fn from_env() -> Result<Self, Error> {
        Self::builder().from_env().build()
    }

    pub(super) fn new(api: Gemini, scope: CacheScope) -> Self {
        Self {
            api,
            scope,
            made: Made::default(),
            store: None,
        }
    }

    pub(super) fn with_store(mut self, store: Option<Arc<dyn ResponseStore>>) -> Self {
        self.store = store;
        self
    }

    /// The same client with another address, version, headers, limits or retries for the calls made
    /// through it. What the options leave open stays as it is; connections, credentials and limits
    /// are shared. A response store stays behind when the address or the version changes: another
    /// service may answer otherwise.
    ///
    /// ```no_run
    /// # async fn run(client: gimmal_client::gemini::GeminiClient) -> Result<(), gimmal_client::Error> {
    /// use gimmal_client::types::gemini::HttpOptions;
    ///
    /// let alpha = client.with_http_options(&HttpOptions::new().set_api_version("v1alpha"))?;
    /// let call = alpha.models().generate_content("gemini-2.5-flash");
    /// let reply = call.set_contents(["What is a gimmal?"]).send().await?;
    /// # let _ = reply;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails on a bad base URL, on a resource scope without one, and on headers, limits and
    /// retries that cannot be.
    pub fn with_http_options(&self, options: &HttpOptions) -> Result<Self, Error> {
        let endpoint = self.endpoint().with_http_options(options)?;
        let options = call_options(options)?;
        let store = self.store.clone().filter(|_| endpoint == *self.endpoint());
        let api = self.api.with(endpoint, &options);
        Ok(Self::new(api, self.scope.clone()).with_store(store))
    }

    /// Generation, token counts and what is known of models.
    pub fn models(&self) -> Models {
        Models::new(self.api.clone(), self.store.clone())
    }

    /// Batch jobs.
    pub fn batches(&self) -> Batches {
        Batches::new(self.api.clone())
    }

    /// Context caches.
    pub fn caches(&self) -> Caches {
        Caches::new(self.api.clone(), self.made.clone())
    }

    /// Files.
    pub fn files(&self) -> Files {
        Files::new(self.api.clone())
    }

    /// File search stores and their documents.
    pub fn file_search_stores(&self) -> FileSearchStores {
        FileSearchStores::new(self.api.clone())
    }

    /// Ephemeral tokens.
    pub fn auth_tokens(&self) -> AuthTokens {
        AuthTokens::new(self.api.clone())
    }

    /// Live sessions.
    #[cfg(feature = "websocket")]
    pub fn live(&self) -> super::Live {
        super::Live::new(self.api.clone())
    }

    /// Live music: sessions that make music while it is heard.
    #[cfg(feature = "websocket")]
    pub fn live_music(&self) -> super::LiveMusic {
        super::LiveMusic::new(self.api.clone())
    }

    /// Work that outlives a call.
    pub fn operations(&self) -> Operations {
        Operations::new(self.api.clone())
    }

    /// Tuning jobs.
    pub fn tunings(&self) -> Tunings {
        Tunings::new(self.api.clone())
    }

    /// Turns with a model or an agent that the service remembers.
    pub fn interactions(&self) -> Interactions {
        Interactions::new(self.api.clone())
    }

    /// Definitions of agents.
    pub fn agents(&self) -> Agents {
        Agents::new(self.api.clone())
    }

    /// Interactions that the service starts at set times.
    pub fn triggers(&self) -> Triggers {
        Triggers::new(self.api.clone())
    }

    /// Sandboxes with files that agents and tools work in.
    pub fn environments(&self) -> Environments {
        Environments::new(self.api.clone())
    }

    /// Secrets that the service keeps for agents.
    pub fn credentials(&self) -> Credentials {
        Credentials::new(self.api.clone())
    }

    /// Voices of the catalogue and of your own.
    pub fn voices(&self) -> Voices {
        Voices::new(self.api.clone())
    }

    /// Yes or no, one of several, or a score.
    pub fn decisions(&self) -> Decisions {
        Decisions::new(self.api.clone())
    }

    /// Addresses of yours that the service tells when work is done.
    pub fn webhooks(&self) -> Webhooks {
        Webhooks::new(self.api.clone())
    }

    /// Conversations that remember their turns.
    pub fn chats(&self) -> Chats {
        Chats::new(self.api.clone(), self.store.clone())
    }

    /// What sends the plans of a [`planner`](super::planner).
    pub fn executor(&self) -> Executor {
        Executor::new(self.api.clone())
    }

    /// What keeps whole replies, if anything does.
    pub fn response_store(&self) -> Option<&Arc<dyn ResponseStore>> {
        self.store.as_ref()
    }

    /// Where requests go.
    pub fn endpoint(&self) -> &Endpoint {
        self.api.endpoint()
    }

    /// The layer below: one function per endpoint.
    pub fn api(&self) -> &Gemini {
        &self.api
    }

    pub(super) fn cache_scope(&self) -> &CacheScope {
        &self.scope
    }
}
