//! Sampling sessions, and sampling in them.

use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::tinker::{
    CreateSamplingSessionRequest, CreateSamplingSessionResponse, GetSamplerResponse,
    JoinSamplingSessionRequest, JoinSamplingSessionResponse, SampleRequest, UntypedAPIFuture,
};

use super::options::Manner;
use super::{SampleStream, Tinker, requests};

impl Tinker {
    /// Opens a sampling session.
    ///
    /// Route: POST /api/v1/create_sampling_session
    ///
    /// # Errors
    ///
    /// As the transport does.
    pub async fn create_sampling_session(
        &self,
        request: &CreateSamplingSessionRequest,
        options: &CallOptions,
    ) -> Result<Response<CreateSamplingSessionResponse>, Error> {
        let request = requests::create_sampling_session(self.endpoint(), request)?;
        self.read(request, Manner::Session, options).await
    }

    /// Lets a further client into a sampling session.
    ///
    /// Route: POST /api/v1/join_sampling_session
    ///
    /// # Errors
    ///
    /// As the transport does.
    pub async fn join_sampling_session(
        &self,
        request: &JoinSamplingSessionRequest,
        options: &CallOptions,
    ) -> Result<Response<JoinSamplingSessionResponse>, Error> {
        let request = requests::join_sampling_session(self.endpoint(), request)?;
        self.read(request, Manner::Session, options).await
    }

    /// Describes a sampling session.
    ///
    /// Route: GET /api/v1/samplers/{sampler_id}
    ///
    /// # Errors
    ///
    /// Fails before sending on an identifier that does not fit into a path; otherwise as the
    /// transport does.
    pub async fn get_sampler(
        &self,
        sampler_id: &str,
        options: &CallOptions,
    ) -> Result<Response<GetSamplerResponse>, Error> {
        let request = requests::get_sampler(self.endpoint(), sampler_id)?;
        self.read(request, Manner::Training, options).await
    }

    /// Asks for sequences. A 429 says that the server has no room for now.
    ///
    /// Route: POST /api/v1/asample
    ///
    /// # Errors
    ///
    /// Fails before sending on what cannot be asked; otherwise as the transport does.
    pub async fn sample(
        &self,
        request: &SampleRequest,
        options: &CallOptions,
    ) -> Result<Response<UntypedAPIFuture>, Error> {
        let request = requests::sample(self.endpoint(), request)?;
        self.read(request, Manner::Sampling, options).await
    }

    /// Asks for a sequence and reads it as it is drawn, from servers that stream.
    ///
    /// Route: POST /api/v1/stream_sample
    ///
    /// # Errors
    ///
    /// Fails before sending on what cannot be asked; otherwise as the transport does, up to the
    /// headers of the reply. What fails later is an item of the stream.
    pub async fn stream_sample(
        &self,
        request: &SampleRequest,
        options: &CallOptions,
    ) -> Result<SampleStream, Error> {
        let request = requests::stream_sample(self.endpoint(), request)?;
        let options = Manner::Stream.options(options);
        let reply = self.transport().open_events(request, &options).await?;
        Ok(SampleStream::new(reply.into_body()))
    }
}
