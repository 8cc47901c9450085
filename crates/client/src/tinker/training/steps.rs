//! Everything but passes that a training client asks for: steps of the optimiser, saving, loading.

use std::collections::BTreeMap;
use std::future::IntoFuture;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use gimmal_api::tinker::RequestType;
use gimmal_transport::Error;
use gimmal_transport::retry::RetryConfig;
use gimmal_types::tinker::{
    LoadWeightsRequest, LoadWeightsResponse, OptimParams, OptimStepRequest, OptimStepResponse,
    SamplingClientKind, SaveWeightsExternalRequest, SaveWeightsExternalResponse,
    SaveWeightsExternalResponseInternal, SaveWeightsForSamplerRequest,
    SaveWeightsForSamplerResponse, SaveWeightsForSamplerResponseInternal, SaveWeightsRequest,
    SaveWeightsResponse,
};

use super::client::TrainingClient;
use crate::tinker::SamplingClient;
use crate::tinker::calls::invalid;
use crate::tinker::promise::Submission;
use crate::tinker::sampling::SamplerOptions;

/// Declares a request that may be submitted or awaited.
macro_rules! step {
    ($name:ident -> $result:ty) => {
        impl IntoFuture for $name {
            type Output = Result<$result, Error>;
            type IntoFuture = BoxFuture<'static, Self::Output>;

            fn into_future(self) -> Self::IntoFuture {
                Box::pin(self.submit().result())
            }
        }
    };
}

impl TrainingClient {
    /// A step of the optimiser, with [`AdamParams`](gimmal_types::tinker::AdamParams) or others.
    pub fn optim_step(&self, optim_params: impl Into<OptimParams>) -> OptimStep {
        OptimStep {
            client: self.clone(),
            params: optim_params.into(),
        }
    }

    /// Saves weights and optimiser under a name, to train on from.
    pub fn save_state(&self, name: impl Into<String>) -> SaveState {
        SaveState {
            client: self.clone(),
            request: SaveWeightsRequest::new().set_path(name.into()),
        }
    }

    /// Saves weights under a name, to sample from.
    pub fn save_weights_for_sampler(&self, name: impl Into<String>) -> SaveWeightsForSampler {
        SaveWeightsForSampler {
            client: self.clone(),
            request: SaveWeightsForSamplerRequest::new().set_path(name.into()),
        }
    }

    /// Saves weights under a name, to be downloaded.
    pub fn save_weights_external(&self, name: impl Into<String>) -> SaveWeightsExternal {
        SaveWeightsExternal {
            client: self.clone(),
            request: SaveWeightsExternalRequest::new().set_path(name.into()),
        }
    }

    /// Saves weights without a name and samples from them.
    pub fn save_weights_and_get_sampling_client(&self) -> SaveWeightsAndGetSamplingClient {
        SaveWeightsAndGetSamplingClient {
            client: self.clone(),
            kind: SamplingClientKind::Snapshot,
            options: SamplerOptions::default(),
        }
    }

    /// Loads weights into this model; the optimiser starts afresh.
    pub fn load_state(&self, path: impl Into<String>) -> LoadState {
        self.load(path.into(), false)
    }

    /// Loads weights and optimiser into this model.
    pub fn load_state_with_optimizer(&self, path: impl Into<String>) -> LoadState {
        self.load(path.into(), true)
    }

    fn load(&self, path: String, optimizer: bool) -> LoadState {
        LoadState {
            client: self.clone(),
            request: LoadWeightsRequest::new()
                .set_path(path)
                .set_optimizer(optimizer),
        }
    }
}

/// A step of the optimiser that is not handed in yet.
#[derive(Debug)]
#[must_use = "a step does nothing until it is awaited or submitted"]
pub struct OptimStep {
    client: TrainingClient,
    params: OptimParams,
}

impl OptimStep {
    /// Takes the step's place in the order of requests and hands it in.
    pub fn submit(self) -> Submission<OptimStepResponse> {
        if let Err(error) = self.params.check() {
            return Submission::failed(invalid(&error));
        }
        let params = self.params;
        let method = "TrainingClient.optim_step";
        self.client.submit_one(
            RequestType::OptimStep,
            method,
            |model, seq_id| OptimStepRequest::new(model, params).with_seq_id(seq_id),
            |api, body, options| Box::pin(api.optim_step(body, options)),
        )
    }
}

step!(OptimStep -> OptimStepResponse);

/// Weights and optimiser that are not saved yet.
#[derive(Debug)]
#[must_use = "nothing is saved until it is awaited or submitted"]
pub struct SaveState {
    client: TrainingClient,
    request: SaveWeightsRequest,
}

impl SaveState {
    /// Sets after how many seconds the checkpoint is deleted; never by default.
    pub fn set_ttl_seconds(mut self, seconds: u64) -> Self {
        self.request.ttl_seconds = Some(seconds);
        self
    }

    /// Replaces a checkpoint of the same name, with all that is noted about it.
    pub fn set_overwrite(mut self, overwrite: bool) -> Self {
        self.request.overwrite = overwrite;
        self
    }

    /// Notes something about the checkpoint.
    pub fn set_user_metadata(mut self, metadata: BTreeMap<String, String>) -> Self {
        self.request.user_metadata = Some(metadata);
        self
    }

    /// Takes the place in the order of requests and hands it in.
    pub fn submit(self) -> Submission<SaveWeightsResponse> {
        if let Err(error) = check_ttl(self.request.ttl_seconds) {
            return Submission::failed(error);
        }
        let mut body = self.request;
        let method = "TrainingClient.save_state";
        self.client.submit_one(
            RequestType::SaveWeights,
            method,
            move |model, seq_id| {
                body.model_id = model.to_owned();
                body.seq_id = Some(seq_id);
                body
            },
            |api, body, options| Box::pin(api.save_weights(body, options)),
        )
    }
}

step!(SaveState -> SaveWeightsResponse);

/// Weights to sample from that are not saved yet.
#[derive(Debug)]
#[must_use = "nothing is saved until it is awaited or submitted"]
pub struct SaveWeightsForSampler {
    client: TrainingClient,
    request: SaveWeightsForSamplerRequest,
}

impl SaveWeightsForSampler {
    /// Sets after how many seconds the checkpoint is deleted; never by default.
    pub fn set_ttl_seconds(mut self, seconds: u64) -> Self {
        self.request.ttl_seconds = Some(seconds);
        self
    }

    /// Notes something about the checkpoint.
    pub fn set_user_metadata(mut self, metadata: BTreeMap<String, String>) -> Self {
        self.request.user_metadata = Some(metadata);
        self
    }

    /// Takes the place in the order of requests and hands it in.
    pub fn submit(self) -> Submission<SaveWeightsForSamplerResponse> {
        if let Err(error) = check_ttl(self.request.ttl_seconds) {
            return Submission::failed(error);
        }
        let method = "TrainingClient.save_weights_for_sampler";
        let saved = submit_save(&self.client, self.request, method);
        Submission::spawn(async move {
            Ok(saved.await?.map(|saved| {
                let path = saved.path.ok_or_else(|| missing("path"))?;
                Ok(SaveWeightsForSamplerResponse::new().set_path(path))
            }))
        })
    }
}

step!(SaveWeightsForSampler -> SaveWeightsForSamplerResponse);

fn submit_save(
    client: &TrainingClient,
    mut body: SaveWeightsForSamplerRequest,
    method: &'static str,
) -> Submission<SaveWeightsForSamplerResponseInternal> {
    let holder = Arc::clone(client.holder());
    client.submit_one(
        RequestType::SaveWeightsForSampler,
        method,
        move |model, seq_id| {
            body.model_id = model.to_owned();
            body.seq_id = Some(seq_id);
            if body.path.is_none() {
                body.sampling_session_seq_id = Some(holder.next_sampler());
            }
            body
        },
        |api, body, options| Box::pin(api.save_weights_for_sampler(body, options)),
    )
}

/// Weights to sample from at once.
#[derive(Debug)]
#[must_use = "nothing is saved until it is awaited"]
pub struct SaveWeightsAndGetSamplingClient {
    client: TrainingClient,
    kind: SamplingClientKind,
    options: SamplerOptions,
}

impl SaveWeightsAndGetSamplingClient {
    /// Sets whether later saves of the same kind replace the weights that are sampled from.
    pub fn set_kind(mut self, kind: impl Into<SamplingClientKind>) -> Self {
        self.kind = kind.into();
        self
    }

    /// Sets how the sampling client behaves.
    pub fn with_options(mut self, options: SamplerOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets when a sample that failed is handed in anew.
    pub fn with_retry_config(mut self, retry: RetryConfig) -> Self {
        self.options = self.options.with_retry(retry);
        self
    }

    /// Lets the server take notes about its stability.
    pub fn with_record_stability_info(mut self, record: bool) -> Self {
        self.options = self.options.with_stability_info(record);
        self
    }

    /// Takes the place in the order of requests and hands it in.
    pub fn submit(self) -> Submission<SamplingClient> {
        let method = "TrainingClient.save_weights_and_get_sampling_client";
        let mut request = SaveWeightsForSamplerRequest::new();
        request.sampling_kind = self.kind;
        let saved = submit_save(&self.client, request, method);
        let (client, options) = (self.client, self.options);
        Submission::spawn(async move {
            Ok(saved.await?.map(move |saved| {
                let session = saved.sampling_session_id;
                let session = session.ok_or_else(|| missing("sampling_session_id"))?;
                let base = client.get_info().model_data.model_name.clone();
                SamplingClient::open(Arc::clone(client.holder()), session, base, options)
            }))
        })
    }
}

step!(SaveWeightsAndGetSamplingClient -> SamplingClient);

/// Weights to be downloaded that are not saved yet.
#[derive(Debug)]
#[must_use = "nothing is saved until it is awaited or submitted"]
pub struct SaveWeightsExternal {
    client: TrainingClient,
    request: SaveWeightsExternalRequest,
}

impl SaveWeightsExternal {
    /// Sets after how many seconds the checkpoint is deleted; never by default.
    pub fn set_ttl_seconds(mut self, seconds: u64) -> Self {
        self.request.ttl_seconds = Some(seconds);
        self
    }

    /// Encrypts the files for these keys, at most ten, of age or of SSH.
    pub fn set_age_encryption_recipients(mut self, recipients: Vec<String>) -> Self {
        self.request.age_encryption_recipients = Some(recipients);
        self
    }

    /// Takes the place in the order of requests and hands it in.
    pub fn submit(self) -> Submission<SaveWeightsExternalResponse> {
        if let Err(error) = check_ttl(self.request.ttl_seconds) {
            return Submission::failed(error);
        }
        let mut body = self.request;
        let method = "TrainingClient.save_weights_external";
        let saved: Submission<SaveWeightsExternalResponseInternal> = self.client.submit_one(
            RequestType::SaveWeightsExternal,
            method,
            move |model, seq_id| {
                body.model_id = model.to_owned();
                body.seq_id = Some(seq_id);
                body
            },
            |api, body, options| Box::pin(api.save_weights_external(body, options)),
        );
        Submission::spawn(async move {
            Ok(saved.await?.map(|saved| {
                let path = saved.path.ok_or_else(|| missing("path"))?;
                Ok(SaveWeightsExternalResponse::new().set_path(path))
            }))
        })
    }
}

step!(SaveWeightsExternal -> SaveWeightsExternalResponse);

/// Weights that are not loaded yet.
#[derive(Debug)]
#[must_use = "nothing is loaded until it is awaited or submitted"]
pub struct LoadState {
    client: TrainingClient,
    request: LoadWeightsRequest,
}

impl LoadState {
    /// Sets the token that opens weights of somebody else.
    pub fn set_weights_access_token(mut self, token: impl Into<String>) -> Self {
        self.request.weights_access_token = Some(token.into());
        self
    }

    /// Takes the place in the order of requests and hands it in.
    pub fn submit(self) -> Submission<LoadWeightsResponse> {
        let mut body = self.request;
        let method = match body.optimizer {
            true => "TrainingClient.load_state_with_optimizer",
            false => "TrainingClient.load_state",
        };
        self.client.submit_one(
            RequestType::LoadWeights,
            method,
            move |model, seq_id| {
                body.model_id = Some(model.to_owned());
                body.seq_id = Some(seq_id);
                body
            },
            |api, body, options| Box::pin(api.load_weights(body, options)),
        )
    }
}

step!(LoadState -> LoadWeightsResponse);

fn check_ttl(seconds: Option<u64>) -> Result<(), Error> {
    match seconds {
        Some(0) => Err(Error::invalid(
            "ttl_seconds",
            "must be a positive number of seconds",
        )),
        _ => Ok(()),
    }
}

fn missing(field: &'static str) -> Error {
    let message = format!("the server saved the weights and did not say where: no `{field}`");
    Error::decode(message, bytes::Bytes::new()).with_field(field)
}
