//! Addresses of calls, and what is asked of them without a body.

use gimmal_transport::{Error, Request};
use http::Method;
use url::Url;

use crate::gemini::Endpoint;
use crate::gemini::names::model_path;

pub(in crate::gemini) fn get(url: Url) -> Request {
    Request::new(Method::GET, url)
}

/// `{model}:{call}`, where the call may end in a query.
pub(in crate::gemini) fn call_url(
    endpoint: &Endpoint,
    model: &str,
    call: &str,
) -> Result<Url, Error> {
    let path = model_path(endpoint.backend(), model)?;
    let (verb, query) = call.split_once('?').unwrap_or((call, ""));
    let mut url = endpoint.url(&format!("{path}:{verb}"));
    url.set_query((!query.is_empty()).then_some(query));
    Ok(url)
}

pub(super) fn page_query(
    url: &mut Url,
    size: Option<i32>,
    token: Option<&str>,
) -> Result<(), Error> {
    if size.is_some_and(|size| size < 1) {
        return Err(Error::invalid("page_size", "must be at least 1"));
    }
    {
        let mut query = url.query_pairs_mut();
        if let Some(size) = size {
            query.append_pair("pageSize", &size.to_string());
        }
        if let Some(token) = token {
            query.append_pair("pageToken", token);
        }
    }
    // The serializer leaves a lone `?` behind when it had nothing to add.
    if url.query() == Some("") {
        url.set_query(None);
    }
    Ok(())
}
