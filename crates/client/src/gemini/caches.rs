//! Calls on context caches.

use gimmal_api::Pager;
use gimmal_api::gemini::{Gemini, ListCaches};
use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::{
    CachedContent, Content, CreateCachedContentRequest, EncryptionSpec, Tool, ToolConfig,
    UpdateCachedContentRequest,
};
use gimmal_types::{Timestamp, WireDuration};

/// The group of calls on context caches.
#[derive(Clone, Debug)]
pub struct Caches {
    api: Gemini,
}

impl Caches {
    pub(super) fn new(api: Gemini) -> Self {
        Self { api }
    }

    /// Creates a cache for a model. It is billed until it expires or is deleted.
    pub fn create(&self, model: impl Into<String>) -> CreateCache {
        CreateCache {
            api: self.api.clone(),
            request: CreateCachedContentRequest::new().set_model(model),
            options: CallOptions::default(),
        }
    }

    /// Describes a cache.
    pub fn get(&self, name: impl Into<String>) -> GetCache {
        GetCache {
            api: self.api.clone(),
            name: name.into(),
            options: CallOptions::default(),
        }
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
            api: self.api.clone(),
            name: name.into(),
            request: UpdateCachedContentRequest::new(),
            options: CallOptions::default(),
        }
    }

    /// Deletes a cache.
    pub fn delete(&self, name: impl Into<String>) -> DeleteCache {
        DeleteCache {
            api: self.api.clone(),
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
    request: CreateCachedContentRequest,
    options: CallOptions,
}

impl CreateCache {
    /// Replaces the whole request, except for a model that it does not name.
    pub fn set_request(mut self, request: CreateCachedContentRequest) -> Self {
        let model = self.request.model.take();
        self.request = request;
        self.request.model = self.request.model.or(model);
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
    pub fn set_ttl(mut self, ttl: impl Into<WireDuration>) -> Self {
        self.request = self.request.set_ttl(ttl.into());
        self
    }

    /// Until when to keep it, instead of a time to live.
    pub fn set_expire_time(mut self, time: Timestamp) -> Self {
        self.request = self.request.set_expire_time(time);
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
        self.api.create_cache(&self.request, &self.options).await
    }
}

/// A `cachedContents.get` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct GetCache {
    api: Gemini,
    name: String,
    options: CallOptions,
}

impl GetCache {
    /// Options of this call.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Sends.
    ///
    /// # Errors
    ///
    /// As [`Gemini::get_cache`].
    pub async fn send(self) -> Result<Response<CachedContent>, Error> {
        self.api.get_cache(&self.name, &self.options).await
    }
}

/// A `cachedContents.list` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before the items are read"]
pub struct ListCachesCall {
    api: Gemini,
    list: ListCaches,
    options: CallOptions,
}

impl ListCachesCall {
    /// Most caches in a page.
    pub fn set_page_size(mut self, size: i32) -> Self {
        self.list.page_size = Some(size);
        self
    }

    /// Where to start, from an earlier page.
    pub fn set_page_token(mut self, token: impl Into<String>) -> Self {
        self.list.page_token = Some(token.into());
        self
    }

    /// Options of each request.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// The caches, one by one; [`Pager::pages`] gives them by page.
    pub fn items(self) -> Pager<CachedContent> {
        self.api.list_caches(self.list, self.options)
    }
}

/// A `cachedContents.patch` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct UpdateCache {
    api: Gemini,
    name: String,
    request: UpdateCachedContentRequest,
    options: CallOptions,
}

impl UpdateCache {
    /// Replaces the whole request.
    pub fn set_request(mut self, request: UpdateCachedContentRequest) -> Self {
        self.request = request;
        self
    }

    /// How long to keep it, from now.
    pub fn set_ttl(mut self, ttl: impl Into<WireDuration>) -> Self {
        self.request = self.request.set_ttl(ttl.into());
        self
    }

    /// Until when to keep it, instead of a time to live.
    pub fn set_expire_time(mut self, time: Timestamp) -> Self {
        self.request = self.request.set_expire_time(time);
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
        self.api
            .update_cache(&self.name, &self.request, &self.options)
            .await
    }
}

/// A `cachedContents.delete` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct DeleteCache {
    api: Gemini,
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
        self.api.delete_cache(&self.name, &self.options).await
    }
}
