//! One poll for a result: what is asked, and what the server is told about the waiting.

use std::time::Duration;

use gimmal_types::tinker::FutureRetrieveRequest;

/// Which kind of request a result is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RequestType {
    /// A model was made.
    CreateModel,
    /// Weights were loaded.
    LoadWeights,
    /// A forward pass.
    Forward,
    /// A forward and backward pass.
    ForwardBackward,
    /// A step of the optimiser.
    OptimStep,
    /// Weights were saved, to train on from.
    SaveWeights,
    /// Weights were saved, to sample from.
    SaveWeightsForSampler,
    /// Weights were saved, to be downloaded.
    SaveWeightsExternal,
    /// Sequences were sampled.
    Sample,
    /// A custom loss was registered.
    CreateCustomLoss,
}

impl RequestType {
    /// The name that the server knows it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::CreateModel => "CreateModel",
            Self::LoadWeights => "LoadWeights",
            Self::Forward => "Forward",
            Self::ForwardBackward => "ForwardBackward",
            Self::OptimStep => "OptimStep",
            Self::SaveWeights => "SaveWeights",
            Self::SaveWeightsForSampler => "SaveWeightsForSampler",
            Self::SaveWeightsExternal => "SaveWeightsExternal",
            Self::Sample => "Sample",
            Self::CreateCustomLoss => "CreateCustomLoss",
        }
    }

    /// Whether its result comes as a protocol buffer.
    pub fn is_protobuf(self) -> bool {
        matches!(self, Self::Forward | Self::ForwardBackward | Self::Sample)
    }
}

/// One poll for a result.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct RetrieveFuture<'a> {
    pub(super) request: &'a FutureRetrieveRequest,
    pub(super) request_type: RequestType,
    pub(super) iteration: u64,
    pub(super) roundtrip: Option<Duration>,
}

impl<'a> RetrieveFuture<'a> {
    /// The first poll for the result of a request.
    pub fn new(request: &'a FutureRetrieveRequest, request_type: RequestType) -> Self {
        Self {
            request,
            request_type,
            iteration: 0,
            roundtrip: None,
        }
    }

    /// Which poll it is, from 0.
    pub fn with_iteration(mut self, iteration: u64) -> Self {
        self.iteration = iteration;
        self
    }

    /// How long it took until the server had taken the request; told with the first poll.
    pub fn with_roundtrip(mut self, roundtrip: Duration) -> Self {
        self.roundtrip = Some(roundtrip);
        self
    }
}
