//! `models.get`, `models.list`, `models.update` and `models.delete`.

use std::sync::Arc;

use gimmal_transport::{CallOptions, Error, Idempotency, Request, Response};
use gimmal_types::gemini::{Model, UpdateModelConfig};
use http::Method;

use super::names::model_path;
use super::requests::json;
use super::{Endpoint, Gemini, requests};
use crate::Pager;

/// What `models.list` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListModels {
    /// Tuned models instead of base models.
    pub tuned: bool,
    /// A condition, in the service's filter language.
    pub filter: Option<String>,
    /// Most models in a page; the service decides when absent.
    pub page_size: Option<i32>,
    /// Where to start, from an earlier page.
    pub page_token: Option<String>,
}

/// Builds a `models.patch` request for a tuned model.
///
/// # Errors
///
/// Fails on a bad name.
pub fn update_model(
    endpoint: &Endpoint,
    name: &str,
    changes: &UpdateModelConfig,
) -> Result<Request, Error> {
    let url = endpoint.url(&model_path(endpoint.backend(), name)?);
    Ok(Request::new(Method::PATCH, url)
        .with_json_body(json(changes)?)
        .with_idempotency(Idempotency::Idempotent))
}

/// Builds a `models.delete` request for a tuned model.
///
/// # Errors
///
/// Fails on a bad name.
pub fn delete_model(endpoint: &Endpoint, name: &str) -> Result<Request, Error> {
    let url = endpoint.url(&model_path(endpoint.backend(), name)?);
    Ok(Request::new(Method::DELETE, url))
}

impl Gemini {
    /// Describes a model.
    ///
    /// Route: GET {name}
    ///
    /// # Errors
    ///
    /// Fails before sending on a bad name; otherwise as the transport does.
    pub async fn get_model(
        &self,
        name: &str,
        options: &CallOptions,
    ) -> Result<Response<Model>, Error> {
        self.transport()
            .send_json(requests::get_model(self.endpoint(), name)?, options)
            .await
    }

    /// Lists models. Nothing is sent before the pager is read.
    ///
    /// Route: GET {models_url}
    pub fn list_models(&self, list: ListModels, options: CallOptions) -> Pager<Model> {
        let (transport, endpoint) = (self.transport().clone(), self.shared_endpoint());
        let options = Arc::new(options);
        let first = list.page_token.clone();
        let keys = &["models", "tunedModels", "publisherModels"];
        Pager::new(transport, options, keys, first, move |token| {
            let list = ListModels {
                page_token: token,
                ..list.clone()
            };
            requests::list_models(&endpoint, &list)
        })
    }

    /// Changes what a tuned model says of itself, or which of its checkpoints answers.
    ///
    /// Route: PATCH {name}
    /// Route: PATCH {model}
    ///
    /// # Errors
    ///
    /// Fails before sending on a bad name; otherwise as the transport does.
    pub async fn update_model(
        &self,
        name: &str,
        changes: &UpdateModelConfig,
        options: &CallOptions,
    ) -> Result<Response<Model>, Error> {
        let request = update_model(self.endpoint(), name, changes)?;
        self.transport().send_json(request, options).await
    }

    /// Deletes a tuned model for good.
    ///
    /// Route: DELETE {name}
    ///
    /// # Errors
    ///
    /// Fails before sending on a bad name; otherwise as the transport does.
    pub async fn delete_model(
        &self,
        name: &str,
        options: &CallOptions,
    ) -> Result<Response<()>, Error> {
        let request = delete_model(self.endpoint(), name)?;
        Ok(self.transport().send(request, options).await?.map(|_| ()))
    }
}
