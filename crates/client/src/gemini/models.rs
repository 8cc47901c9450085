//! Calls on models: generate, count, describe, list.

use std::sync::Arc;

use gimmal_api::Pager;
use gimmal_api::gemini::{Gemini, ListModels};
use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::{Content, CountTokensRequest, CountTokensResponse, Model, Tool};

use super::{GenerateContent, ResponseStore};

/// The group of calls on models.
#[derive(Clone, Debug)]
pub struct Models {
    pub(super) api: Gemini,
    store: Option<Arc<dyn ResponseStore>>,
}

impl Models {
    pub(super) fn new(api: Gemini, store: Option<Arc<dyn ResponseStore>>) -> Self {
        Self { api, store }
    }

    /// Generates a reply: end with `send` for a whole one or `stream` for chunks.
    pub fn generate_content(&self, model: impl Into<String>) -> GenerateContent {
        GenerateContent::new(self.api.clone(), self.store.clone(), model.into())
    }

    /// Counts tokens, free of charge.
    pub fn count_tokens(&self, model: impl Into<String>) -> CountTokens {
        CountTokens {
            api: self.api.clone(),
            model: model.into(),
            request: CountTokensRequest::new(),
            options: CallOptions::default(),
        }
    }

    /// Describes a model.
    pub fn get(&self, name: impl Into<String>) -> GetModel {
        GetModel::new(&self.api, name)
    }

    /// Lists models.
    pub fn list(&self) -> ListModelsCall {
        ListModelsCall {
            api: self.api.clone(),
            list: ListModels::default(),
            options: CallOptions::default(),
        }
    }
}

/// A `countTokens` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct CountTokens {
    api: Gemini,
    model: String,
    request: CountTokensRequest,
    options: CallOptions,
}

impl CountTokens {
    /// Replaces the whole request.
    pub fn set_request(mut self, request: CountTokensRequest) -> Self {
        self.request = request;
        self
    }

    /// The content to count; texts become turns of the user's.
    pub fn set_contents<C: Into<Content>>(mut self, contents: impl IntoIterator<Item = C>) -> Self {
        self.request = self.request.set_contents(contents);
        self
    }

    /// Instructions to count; Vertex only.
    pub fn set_system_instruction(mut self, instruction: impl Into<Content>) -> Self {
        self.request = self.request.set_system_instruction(instruction.into());
        self
    }

    /// Tools to count; Vertex only.
    pub fn set_tools(mut self, tools: impl IntoIterator<Item = Tool>) -> Self {
        self.request = self.request.set_tools(tools);
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
    /// As [`Gemini::count_tokens`].
    pub async fn send(self) -> Result<Response<CountTokensResponse>, Error> {
        self.api
            .count_tokens(&self.model, &self.request, &self.options)
            .await
    }
}

named_calls! {
    /// A `models.get` call in the making.
    pub struct GetModel(get_model) -> Model;
}

/// A `models.list` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before the items are read"]
pub struct ListModelsCall {
    api: Gemini,
    list: ListModels,
    options: CallOptions,
}

paged!(ListModelsCall);

impl ListModelsCall {
    /// A condition, in the service's filter language.
    pub fn set_filter(mut self, filter: impl Into<String>) -> Self {
        self.list.filter = Some(filter.into());
        self
    }

    /// Tuned models instead of base models.
    pub fn with_tuned(mut self) -> Self {
        self.list.tuned = true;
        self
    }

    /// The models, one by one; [`Pager::pages`] gives them by page.
    pub fn items(self) -> Pager<Model> {
        self.api.list_models(self.list, self.options)
    }
}
