//! Tuning jobs: tune, get, list, cancel, and trying out a reward.

use std::sync::Arc;

use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::{
    CreateTuningJobConfig, TunedModelReply, TuningDataset, TuningJob, TuningOperation,
    ValidateRewardParameters, ValidateRewardResponse,
};

use super::{Backend, Gemini, requests};
use crate::Pager;

/// What the list of tuning jobs takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListTunings {
    /// A condition, in the service's filter language.
    pub filter: Option<String>,
    /// Most jobs in a page; the service decides when absent.
    pub page_size: Option<i32>,
    /// Where to start, from an earlier page.
    pub page_token: Option<String>,
}

impl Gemini {
    /// Starts a tuning job on Vertex.
    ///
    /// Route: POST tuningJobs
    ///
    /// # Errors
    ///
    /// Fails before sending on the developer API, on fields Vertex does not have, and on a metric
    /// that is neither known nor has a prompt; otherwise as the transport does.
    pub async fn create_tuning_job(
        &self,
        base_model: &str,
        dataset: &TuningDataset,
        config: &CreateTuningJobConfig,
        options: &CallOptions,
    ) -> Result<Response<TuningJob>, Error> {
        let request = requests::create_tuning_job(self.endpoint(), base_model, dataset, config)?;
        self.transport().send_json(request, options).await
    }

    /// Starts to make a tuned model on the developer API.
    ///
    /// Route: POST tunedModels
    ///
    /// # Errors
    ///
    /// Fails before sending on Vertex and on fields the developer API does not have; otherwise as
    /// the transport does.
    pub async fn create_tuned_model(
        &self,
        base_model: &str,
        dataset: &TuningDataset,
        config: &CreateTuningJobConfig,
        options: &CallOptions,
    ) -> Result<Response<TuningOperation>, Error> {
        let request = requests::create_tuned_model(self.endpoint(), base_model, dataset, config)?;
        self.transport().send_json(request, options).await
    }

    /// Starts a tuning job on either service. The job that is returned tells the evaluation it was
    /// given, which the service does not repeat.
    ///
    /// # Errors
    ///
    /// As [`Gemini::create_tuning_job`] or [`Gemini::create_tuned_model`].
    pub async fn tune(
        &self,
        base_model: &str,
        dataset: &TuningDataset,
        config: &CreateTuningJobConfig,
        options: &CallOptions,
    ) -> Result<Response<TuningJob>, Error> {
        match self.endpoint().backend() {
            Backend::GeminiApi => {
                let operation = self.create_tuned_model(base_model, dataset, config, options);
                Ok(operation.await?.map(TuningJob::from))
            }
            Backend::Vertex => {
                let job = self.create_tuning_job(base_model, dataset, config, options);
                let evaluation = requests::evaluation(config).cloned().map(Box::new);
                Ok(job.await?.map(|mut job| {
                    // The service tells it within the method's specification only.
                    job.evaluation_config = job.evaluation_config.or(evaluation);
                    job
                }))
            }
        }
    }

    /// Describes a tuning job, or the job that makes a tuned model.
    ///
    /// Route: GET {name}
    ///
    /// # Errors
    ///
    /// Fails before sending on a bad name; otherwise as the transport does.
    pub async fn get_tuning(
        &self,
        name: &str,
        options: &CallOptions,
    ) -> Result<Response<TuningJob>, Error> {
        let request = requests::get_tuning(self.endpoint(), name)?;
        match self.endpoint().backend() {
            Backend::GeminiApi => {
                let reply: Response<TunedModelReply> =
                    self.transport().send_json(request, options).await?;
                Ok(reply.map(TuningJob::from))
            }
            Backend::Vertex => self.transport().send_json(request, options).await,
        }
    }

    /// Lists tuning jobs; Vertex only. Nothing is sent before the pager is read.
    ///
    /// Route: GET tuningJobs
    pub fn list_tunings(&self, list: ListTunings, options: CallOptions) -> Pager<TuningJob> {
        let (transport, endpoint) = (self.transport().clone(), self.shared_endpoint());
        let first = list.page_token.clone();
        let options = Arc::new(options);
        Pager::new(transport, options, &["tuningJobs"], first, move |token| {
            let list = ListTunings {
                page_token: token,
                ..list.clone()
            };
            requests::list_tunings(&endpoint, &list)
        })
    }

    /// Stops a tuning job.
    ///
    /// Route: POST {name}:cancel
    ///
    /// # Errors
    ///
    /// Fails before sending on a bad name; otherwise as the transport does.
    pub async fn cancel_tuning(
        &self,
        name: &str,
        options: &CallOptions,
    ) -> Result<Response<()>, Error> {
        let request = requests::cancel_tuning(self.endpoint(), name)?;
        Ok(self.transport().send(request, options).await?.map(|_| ()))
    }

    /// Tries out a reward on one reply, without tuning anything; Vertex only.
    ///
    /// Route: POST {parent}/tuningJobs:validateReinforcementTuningReward
    ///
    /// # Errors
    ///
    /// Fails before sending on the developer API, on a bad parent and on fields Vertex does not
    /// have; otherwise as the transport does.
    pub async fn validate_reward(
        &self,
        parameters: &ValidateRewardParameters,
        options: &CallOptions,
    ) -> Result<Response<ValidateRewardResponse>, Error> {
        let request = requests::validate_reward(self.endpoint(), parameters)?;
        self.transport().send_json(request, options).await
    }
}
