//! `cachedContents`: create, get, list, update, delete.

use std::sync::Arc;

use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::{CachedContent, CreateCachedContentRequest, UpdateCachedContentRequest};

use super::{Gemini, requests};
use crate::Pager;

/// What `cachedContents.list` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListCaches {
    /// Most caches in a page; the service decides when absent.
    pub page_size: Option<i32>,
    /// Where to start, from an earlier page.
    pub page_token: Option<String>,
}

impl Gemini {
    /// Creates a context cache. It is billed from now until it expires or is deleted.
    ///
    /// Route: POST cachedContents
    ///
    /// # Errors
    ///
    /// Fails before sending on a bad model name, a field the backend does not have, or two
    /// expiries; otherwise as the transport does.
    pub async fn create_cache(
        &self,
        request: &CreateCachedContentRequest,
        options: &CallOptions,
    ) -> Result<Response<CachedContent>, Error> {
        self.transport()
            .send_json(requests::create_cache(self.endpoint(), request)?, options)
            .await
    }

    /// Describes a context cache; its content is never returned.
    ///
    /// Route: GET {name}
    ///
    /// # Errors
    ///
    /// Fails before sending on a bad name; otherwise as the transport does.
    pub async fn get_cache(
        &self,
        name: &str,
        options: &CallOptions,
    ) -> Result<Response<CachedContent>, Error> {
        self.transport()
            .send_json(requests::get_cache(self.endpoint(), name)?, options)
            .await
    }

    /// Lists context caches. Nothing is sent before the pager is read.
    ///
    /// Route: GET cachedContents
    pub fn list_caches(&self, list: ListCaches, options: CallOptions) -> Pager<CachedContent> {
        let (transport, endpoint) = (self.transport().clone(), self.shared_endpoint());
        let options = Arc::new(options);
        let first = list.page_token.clone();
        Pager::new(
            transport,
            options,
            &["cachedContents"],
            first,
            move |token| {
                let list = ListCaches {
                    page_token: token,
                    ..list.clone()
                };
                requests::list_caches(&endpoint, &list)
            },
        )
    }

    /// Changes when a context cache expires.
    ///
    /// Route: PATCH {name}
    ///
    /// # Errors
    ///
    /// Fails before sending on a bad name and unless exactly one expiry is set; otherwise as the
    /// transport does.
    pub async fn update_cache(
        &self,
        name: &str,
        request: &UpdateCachedContentRequest,
        options: &CallOptions,
    ) -> Result<Response<CachedContent>, Error> {
        let request = requests::update_cache(self.endpoint(), name, request)?;
        self.transport().send_json(request, options).await
    }

    /// Deletes a context cache, which ends its billing.
    ///
    /// Route: DELETE {name}
    ///
    /// # Errors
    ///
    /// Fails before sending on a bad name; otherwise as the transport does.
    pub async fn delete_cache(
        &self,
        name: &str,
        options: &CallOptions,
    ) -> Result<Response<()>, Error> {
        let request = requests::delete_cache(self.endpoint(), name)?;
        Ok(self.transport().send(request, options).await?.map(|_| ()))
    }
}
