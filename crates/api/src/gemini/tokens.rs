//! `countTokens`.

use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::{CountTokensRequest, CountTokensResponse};

use super::{Gemini, requests};

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
}
