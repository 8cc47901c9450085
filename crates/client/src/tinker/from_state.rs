//! A model from a checkpoint: asked for in one request, or in two where a server loads checkpoints only
//! into models that it has.

use std::future::IntoFuture;

use futures_util::future::BoxFuture;
use gimmal_api::tinker::RequestType;
use gimmal_transport::Error;
use gimmal_types::tinker::{LoadWeightsRequest, LoadWeightsResponse, OptimizerConfig};
use http::StatusCode;
use serde_json::{Map, Value};

use super::calls::Calls;
use super::service::{training_client, wait};
use super::{ServiceClient, TrainingClient};

/// A model from a checkpoint that is not made yet.
#[derive(Debug)]
#[must_use = "nothing is made until it is awaited"]
pub struct FromState {
    pub(super) service: ServiceClient,
    pub(super) request: LoadWeightsRequest,
}

impl FromState {
    /// Sets the base model, where the checkpoint does not say.
    pub fn set_base_model(mut self, base_model: impl Into<String>) -> Self {
        self.request.base_model = Some(base_model.into());
        self
    }

    /// Notes something about the run.
    pub fn set_user_metadata(mut self, metadata: Map<String, Value>) -> Self {
        self.request.user_metadata = Some(metadata);
        self
    }

    /// Sets the token that opens weights of somebody else.
    pub fn set_weights_access_token(mut self, token: impl Into<String>) -> Self {
        self.request.weights_access_token = Some(token.into());
        self
    }

    /// Sets the optimiser of a model that is made from weights alone.
    pub fn set_optimizer(mut self, optimizer: impl Into<OptimizerConfig>) -> Self {
        self.request.optimizer_config = Some(optimizer.into());
        self
    }

    async fn send(self) -> Result<TrainingClient, Error> {
        let mut request = self.request;
        let method = match request.optimizer {
            true => "ServiceClient.create_training_client_from_state_with_optimizer",
            false => "ServiceClient.create_training_client_from_state",
        };
        let holder = self.service.holder().await?;
        let session = holder.session_id()?;
        let number = holder.next_model();
        request.session_id = Some(session.to_owned());
        request.model_seq_id = Some(number);
        let options = Calls::of(method);
        let clock = holder.clock();
        let started = clock.now();
        let call = || holder.calls.0.load_weights(&request, &options);
        let handed_in = holder.calls.paid(&holder.billing, call).await;
        let future = match handed_in {
            Err(error) if wants_model(&error) => {
                return in_two(self.service.clone(), request).await;
            }
            handed_in => handed_in?.into_body(),
        };
        let roundtrip = clock.now().saturating_duration_since(started);
        let kind = RequestType::LoadWeights;
        let model_id = format!("{session}:train:{number}");
        let _: LoadWeightsResponse =
            wait(holder, future, kind, method, roundtrip, &model_id).await?;
        training_client(holder, model_id, method).await
    }
}

/// Whether a server loads weights only into a model that it has, as those of earlier versions do.
fn wants_model(error: &Error) -> bool {
    error.status() == Some(StatusCode::UNPROCESSABLE_ENTITY)
        && error.to_string().contains("model_id")
}

/// Makes a model as that of the checkpoint was, and loads the checkpoint into it.
async fn in_two(
    service: ServiceClient,
    request: LoadWeightsRequest,
) -> Result<TrainingClient, Error> {
    let rest = service.create_rest_client();
    let info = rest.get_weights_info_by_tinker_path(&request.path).await?;
    let base_model = request.base_model.unwrap_or(info.base_model);
    let mut made = service.create_lora_training_client(base_model);
    made.user_metadata = request.user_metadata;
    made.optimizer = request.optimizer_config.unwrap_or(info.optimizer_config);
    let lora = &mut made.lora;
    lora.rank = info.lora_rank.unwrap_or(lora.rank);
    lora.train_mlp = info.train_mlp.unwrap_or(lora.train_mlp);
    lora.train_attn = info.train_attn.unwrap_or(lora.train_attn);
    lora.train_unembed = info.train_unembed.unwrap_or(lora.train_unembed);
    let client = made.await?;
    let mut load = match request.optimizer {
        true => client.load_state_with_optimizer(request.path),
        false => client.load_state(request.path),
    };
    if let Some(token) = request.weights_access_token {
        load = load.set_weights_access_token(token);
    }
    load.await?;
    Ok(client)
}

impl IntoFuture for FromState {
    type Output = Result<TrainingClient, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let service = self.service.clone();
        Box::pin(async move { service.told(self.send().await) })
    }
}
