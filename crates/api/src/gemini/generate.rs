//! `generateContent` and `streamGenerateContent`.

use bytes::Bytes;
use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::{GenerateContentRequest, GenerateContentResponse};

use super::{Gemini, GenerateStream, attributes, requests};

impl Gemini {
    /// Generates a reply.
    ///
    /// Route: POST {model}:generateContent
    ///
    /// # Errors
    ///
    /// Fails before sending on a bad model name or a field the backend does not have; otherwise as
    /// the transport does.
    pub async fn generate_content(
        &self,
        model: &str,
        request: &GenerateContentRequest,
        options: &CallOptions,
    ) -> Result<Response<GenerateContentResponse>, Error> {
        let request = requests::generate_content(self.endpoint(), model, request)?;
        let reply = self.transport().send_json(request, options).await?;
        if reply.recorder().is_enabled() {
            reply.recorder().record(attributes::reply(reply.body()));
        }
        Ok(reply)
    }

    /// Generates a reply and leaves it as it came.
    ///
    /// # Errors
    ///
    /// As [`Gemini::generate_content`].
    pub async fn generate_content_raw(
        &self,
        model: &str,
        request: &GenerateContentRequest,
        options: &CallOptions,
    ) -> Result<Response<Bytes>, Error> {
        let request = requests::generate_content(self.endpoint(), model, request)?;
        self.transport().send(request, options).await
    }

    /// Generates a reply in chunks, as the model writes it.
    ///
    /// Route: POST {model}:streamGenerateContent?alt=sse
    ///
    /// # Errors
    ///
    /// As [`Gemini::generate_content`], up to the response headers; what fails later is an item of
    /// the stream. Dropping the stream ends the connection.
    pub async fn stream_generate_content(
        &self,
        model: &str,
        request: &GenerateContentRequest,
        options: &CallOptions,
    ) -> Result<GenerateStream, Error> {
        let request = requests::stream_generate_content(self.endpoint(), model, request)?;
        let response = self.transport().open_events(request, options).await?;
        Ok(GenerateStream::new(response))
    }
}
