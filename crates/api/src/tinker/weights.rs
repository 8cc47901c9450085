//! Weights: saving, loading, copying.

use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::tinker::{
    CopyWeightsRequest, CopyWeightsResponse, LoadWeightsRequest, SaveWeightsExternalRequest,
    SaveWeightsForSamplerRequest, SaveWeightsRequest, UntypedAPIFuture, WeightsInfoRequest,
    WeightsInfoResponse,
};

use super::options::Manner;
use super::{Tinker, requests};

impl Tinker {
    /// Loads weights into a model, or into a new one.
    ///
    /// Route: POST /api/v1/load_weights
    ///
    /// # Errors
    ///
    /// As the transport does.
    pub async fn load_weights(
        &self,
        request: &LoadWeightsRequest,
        options: &CallOptions,
    ) -> Result<Response<UntypedAPIFuture>, Error> {
        let request = requests::load_weights(self.endpoint(), request)?;
        self.read(request, Manner::Training, options).await
    }

    /// Saves weights and the state of the optimiser, to train on from.
    ///
    /// Route: POST /api/v1/save_weights
    ///
    /// # Errors
    ///
    /// As the transport does.
    pub async fn save_weights(
        &self,
        request: &SaveWeightsRequest,
        options: &CallOptions,
    ) -> Result<Response<UntypedAPIFuture>, Error> {
        let request = requests::save_weights(self.endpoint(), request)?;
        self.read(request, Manner::TrainingOnce, options).await
    }

    /// Saves weights to sample from.
    ///
    /// Route: POST /api/v1/save_weights_for_sampler
    ///
    /// # Errors
    ///
    /// As the transport does.
    pub async fn save_weights_for_sampler(
        &self,
        request: &SaveWeightsForSamplerRequest,
        options: &CallOptions,
    ) -> Result<Response<UntypedAPIFuture>, Error> {
        let request = requests::save_weights_for_sampler(self.endpoint(), request)?;
        self.read(request, Manner::TrainingOnce, options).await
    }

    /// Saves weights to be downloaded.
    ///
    /// Route: POST /api/v1/save_weights_external
    ///
    /// # Errors
    ///
    /// As the transport does.
    pub async fn save_weights_external(
        &self,
        request: &SaveWeightsExternalRequest,
        options: &CallOptions,
    ) -> Result<Response<UntypedAPIFuture>, Error> {
        let request = requests::save_weights_external(self.endpoint(), request)?;
        self.read(request, Manner::TrainingOnce, options).await
    }

    /// Asks what a checkpoint was trained from.
    ///
    /// Route: POST /api/v1/weights_info
    ///
    /// # Errors
    ///
    /// As the transport does.
    pub async fn weights_info(
        &self,
        request: &WeightsInfoRequest,
        options: &CallOptions,
    ) -> Result<Response<WeightsInfoResponse>, Error> {
        let request = requests::weights_info(self.endpoint(), request)?;
        self.read(request, Manner::Training, options).await
    }

    /// Copies a checkpoint into a project.
    ///
    /// Route: POST /api/v1/copy_weights
    ///
    /// # Errors
    ///
    /// Fails before sending on a token that fits into no header; otherwise as the transport does.
    pub async fn copy_weights(
        &self,
        request: &CopyWeightsRequest,
        options: &CallOptions,
    ) -> Result<Response<CopyWeightsResponse>, Error> {
        let request = requests::copy_weights(self.endpoint(), request)?;
        self.read(request, Manner::Training, options).await
    }
}
