//! Models: making, describing, training.

use gimmal_transport::{CallOptions, Error, Request, Response};
use gimmal_types::tinker::proto::ForwardBackwardBody;
use gimmal_types::tinker::{
    CreateCustomLossRequest, CreateModelRequest, GetInfoRequest, GetInfoResponse, OptimStepRequest,
    UntypedAPIFuture,
};

use super::options::Manner;
use super::{Tinker, requests};

impl Tinker {
    /// Makes a model to train.
    ///
    /// Route: POST /api/v1/create_model
    ///
    /// # Errors
    ///
    /// As the transport does.
    pub async fn create_model(
        &self,
        request: &CreateModelRequest,
        options: &CallOptions,
    ) -> Result<Response<UntypedAPIFuture>, Error> {
        let request = requests::create_model(self.endpoint(), request)?;
        self.read(request, Manner::Training, options).await
    }

    /// Describes a model.
    ///
    /// Route: POST /api/v1/get_info
    ///
    /// # Errors
    ///
    /// As the transport does.
    pub async fn get_info(
        &self,
        request: &GetInfoRequest,
        options: &CallOptions,
    ) -> Result<Response<GetInfoResponse>, Error> {
        let request = requests::get_info(self.endpoint(), request)?;
        self.read(request, Manner::Training, options).await
    }

    /// Has the optimiser of a model take a step.
    ///
    /// Route: POST /api/v1/optim_step
    ///
    /// # Errors
    ///
    /// Fails before sending with the field at fault when the service could not take it; otherwise
    /// as the transport does.
    pub async fn optim_step(
        &self,
        request: &OptimStepRequest,
        options: &CallOptions,
    ) -> Result<Response<UntypedAPIFuture>, Error> {
        let request = requests::optim_step(self.endpoint(), request)?;
        self.read(request, Manner::Training, options).await
    }

    /// Registers a custom loss with a session.
    ///
    /// Route: POST /api/v1/create_custom_loss
    ///
    /// # Errors
    ///
    /// As the transport does.
    pub async fn create_custom_loss(
        &self,
        request: &CreateCustomLossRequest,
        options: &CallOptions,
    ) -> Result<Response<UntypedAPIFuture>, Error> {
        let request = requests::create_custom_loss(self.endpoint(), request)?;
        self.read(request, Manner::Training, options).await
    }

    /// Has data passed through a model, forward and backward or forward only.
    ///
    /// Route: POST /api/v1/forward_backward
    ///
    /// # Errors
    ///
    /// Fails before sending on data that the service could not take; otherwise as the transport
    /// does.
    pub async fn forward_backward(
        &self,
        body: ForwardBackwardBody<'_>,
        options: &CallOptions,
    ) -> Result<Response<UntypedAPIFuture>, Error> {
        let request = requests::forward_backward(self.endpoint(), body)?;
        self.send_forward_backward(request, options).await
    }

    /// The same for a request that was built elsewhere, by
    /// [`requests::forward_backward`].
    ///
    /// # Errors
    ///
    /// As the transport does.
    pub async fn send_forward_backward(
        &self,
        request: Request,
        options: &CallOptions,
    ) -> Result<Response<UntypedAPIFuture>, Error> {
        self.read(request, Manner::Training, options).await
    }
}
