//! `models.get` and `models.list`.

use std::sync::Arc;

use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::Model;

use super::{Gemini, requests};
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
}
