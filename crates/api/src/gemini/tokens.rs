//! `countTokens` and `computeTokens`.

use gimmal_transport::{CallOptions, Error, Idempotency, Request, Response};
use gimmal_types::gemini::{
    ComputeTokensRequest, ComputeTokensResponse, CountTokensRequest, CountTokensResponse,
};
use http::Method;

use super::requests::{call_url, json};
use super::{Backend, Endpoint, Gemini, attributes, fields, requests};

/// Builds a `computeTokens` request.
///
/// # Errors
///
/// Fails on the developer API, on a bad model name and on fields that Vertex does not have.
pub fn compute_tokens(
    endpoint: &Endpoint,
    model: &str,
    request: &ComputeTokensRequest,
) -> Result<Request, Error> {
    endpoint.require(Backend::Vertex, "compute_tokens")?;
    fields::check(endpoint.backend(), request)?;
    let url = call_url(endpoint, model, "computeTokens")?;
    Ok(Request::new(Method::POST, url)
        .with_json_body(json(request)?)
        .with_idempotency(Idempotency::Idempotent)
        .with_attributes(attributes::call(endpoint, "compute_tokens", model)))
}

impl Gemini {
    /// Counts the tokens of content. Free of charge.
    ///
    /// Route: POST {model}:countTokens
    ///
    /// # Errors
    ///
    /// Fails before sending on a bad model name or a field the backend does not have; otherwise as
    /// the transport does.
    pub async fn count_tokens(
        &self,
        model: &str,
        request: &CountTokensRequest,
        options: &CallOptions,
    ) -> Result<Response<CountTokensResponse>, Error> {
        let request = requests::count_tokens(self.endpoint(), model, request)?;
        self.transport().send_json(request, options).await
    }

    /// Takes content apart into tokens. Vertex only, and free of charge.
    ///
    /// Route: POST {model}:computeTokens
    ///
    /// # Errors
    ///
    /// Fails before sending on the developer API, on a bad model name or a field that Vertex does
    /// not have; otherwise as the transport does.
    pub async fn compute_tokens(
        &self,
        model: &str,
        request: &ComputeTokensRequest,
        options: &CallOptions,
    ) -> Result<Response<ComputeTokensResponse>, Error> {
        let request = compute_tokens(self.endpoint(), model, request)?;
        self.transport().send_json(request, options).await
    }
}
