//! Requests about models.

use gimmal_transport::{Error, Request};

use super::urls::{get, page_query};
use crate::gemini::names::model_path;
use crate::gemini::{Backend, Endpoint, ListModels};

/// Builds a `models.get` request.
///
/// # Errors
///
/// Fails on a bad name.
pub fn get_model(endpoint: &Endpoint, name: &str) -> Result<Request, Error> {
    let path = model_path(endpoint.backend(), name)?;
    // Models of a publisher belong to no project.
    let url = if path.starts_with("publishers/") {
        endpoint.versioned(&path)
    } else {
        endpoint.url(&path)
    };
    Ok(get(url))
}

/// Builds a `models.list` request.
///
/// # Errors
///
/// Fails when the page size is not positive.
pub fn list_models(endpoint: &Endpoint, list: &ListModels) -> Result<Request, Error> {
    let mut url = match (endpoint.backend(), list.tuned) {
        (Backend::GeminiApi, false) => endpoint.url("models"),
        (Backend::GeminiApi, true) => endpoint.url("tunedModels"),
        (Backend::Vertex, false) => endpoint.versioned("publishers/google/models"),
        (Backend::Vertex, true) => endpoint.url("models"),
    };
    {
        let mut query = url.query_pairs_mut();
        if let Some(filter) = &list.filter {
            query.append_pair("filter", filter);
        }
        if endpoint.backend() == Backend::Vertex && list.tuned {
            query.append_pair("filter", "labels.tune-type:*");
        }
    }
    page_query(&mut url, list.page_size, list.page_token.as_deref())?;
    Ok(get(url))
}
