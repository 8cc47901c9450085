//! Calls on tuning jobs.

use gimmal_api::gemini::{Gemini, ListTunings};
use gimmal_api::{Pager, Poller};
use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::{
    CompositeReinforcementTuningRewardConfig, Content, CreateTuningJobConfig,
    ReinforcementTuningExample, SingleReinforcementTuningRewardConfig, TuningDataset, TuningJob,
    TuningMethod, ValidateRewardParameters, ValidateRewardResponse,
};

/// The group of calls on tuning jobs: models that learn from examples.
#[derive(Clone, Debug)]
pub struct Tunings {
    api: Gemini,
}

impl Tunings {
    pub(super) fn new(api: Gemini) -> Self {
        Self { api }
    }

    /// Tunes a model, or a tuned model further when its name starts with `projects/`.
    ///
    /// ```no_run
    /// # async fn run(client: gimmal_client::gemini::GeminiClient) -> Result<(), gimmal_client::Error> {
    /// use gimmal_client::types::gemini::{CreateTuningJobConfig, TuningDataset};
    ///
    /// let examples = TuningDataset::new().set_gcs_uri("gs://bucket/examples.jsonl");
    /// let config = CreateTuningJobConfig::new().set_epoch_count(3);
    /// let tunings = client.tunings();
    /// let job = tunings.tune("gemini-2.5-flash", examples).set_config(config).send().await?;
    /// let name = job.into_body().name.unwrap_or_default();
    ///
    /// let job = tunings.get(name).send().await?.into_body();
    /// println!("{:?}, ready: {}", job.state, job.has_succeeded());
    /// # Ok(()) }
    /// ```
    pub fn tune(&self, base_model: impl Into<String>, dataset: impl Into<TuningDataset>) -> Tune {
        Tune {
            api: self.api.clone(),
            base_model: base_model.into(),
            dataset: dataset.into(),
            config: CreateTuningJobConfig::new(),
            options: CallOptions::default(),
        }
    }

    /// Describes a tuning job by its full name; on the developer API, by that of the tuned model.
    pub fn get(&self, name: impl Into<String>) -> GetTuning {
        GetTuning::new(&self.api, name)
    }

    /// Waits for a tuning job, which may have been started by another process.
    pub fn poller(&self, name: impl Into<String>) -> Poller<TuningJob> {
        self.api.poller(name)
    }

    /// Lists the tuning jobs; Vertex only.
    pub fn list(&self) -> ListTuningsCall {
        ListTuningsCall {
            api: self.api.clone(),
            list: ListTunings::default(),
            options: CallOptions::default(),
        }
    }

    /// Stops a tuning job.
    pub fn cancel(&self, name: impl Into<String>) -> CancelTuning {
        CancelTuning::new(&self.api, name)
    }

    /// Tries out a reward on one reply to an example, without tuning anything; Vertex only.
    pub fn validate_reward(
        &self,
        sample_response: impl Into<Content>,
        example: ReinforcementTuningExample,
    ) -> ValidateReward {
        ValidateReward {
            api: self.api.clone(),
            parameters: ValidateRewardParameters::new()
                .set_sample_response(sample_response.into())
                .set_example(example),
            options: CallOptions::default(),
        }
    }
}

/// A call that tunes a model, in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send` or `poller`"]
pub struct Tune {
    api: Gemini,
    base_model: String,
    dataset: TuningDataset,
    config: CreateTuningJobConfig,
    options: CallOptions,
}

impl Tune {
    /// Replaces all settings.
    pub fn set_config(mut self, config: CreateTuningJobConfig) -> Self {
        self.config = config;
        self
    }

    /// How the model learns; supervised otherwise. Vertex only.
    pub fn set_method(mut self, method: TuningMethod) -> Self {
        self.config.method = Some(method);
        self
    }

    /// A name for people for the model that comes of it.
    pub fn set_tuned_model_display_name(mut self, name: impl Into<String>) -> Self {
        self.config = self.config.set_tuned_model_display_name(name);
        self
    }

    /// Options of this call.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Sends.
    ///
    /// # Errors
    ///
    /// As [`Gemini::tune`].
    pub async fn send(self) -> Result<Response<TuningJob>, Error> {
        self.api
            .tune(&self.base_model, &self.dataset, &self.config, &self.options)
            .await
    }

    /// Starts the job and returns what waits for its result.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn poller(self) -> Result<Poller<TuningJob>, Error> {
        let api = self.api.clone();
        Ok(Poller::new(api, self.send().await?.into_body()))
    }
}

named_calls! {
    /// A call that describes a tuning job, in the making.
    pub struct GetTuning(get_tuning) -> TuningJob;

    /// A call that stops a tuning job, in the making.
    pub struct CancelTuning(cancel_tuning) -> ();
}

/// A call for a list of tuning jobs in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before the items are read"]
pub struct ListTuningsCall {
    api: Gemini,
    list: ListTunings,
    options: CallOptions,
}

paged!(ListTuningsCall);

impl ListTuningsCall {
    /// A condition, in the service's filter language.
    pub fn set_filter(mut self, filter: impl Into<String>) -> Self {
        self.list.filter = Some(filter.into());
        self
    }

    /// The jobs, one by one; [`Pager::pages`] gives them by page.
    pub fn items(self) -> Pager<TuningJob> {
        self.api.list_tunings(self.list, self.options)
    }
}

/// A call that tries out a reward, in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct ValidateReward {
    api: Gemini,
    parameters: ValidateRewardParameters,
    options: CallOptions,
}

impl ValidateReward {
    /// Where the reward is computed, `projects/…/locations/…`; the client's own place otherwise.
    pub fn set_parent(mut self, parent: impl Into<String>) -> Self {
        self.parameters = self.parameters.set_parent(parent);
        self
    }

    /// One reward.
    pub fn set_reward_config(mut self, config: SingleReinforcementTuningRewardConfig) -> Self {
        self.parameters = self.parameters.set_single_reward_config(config);
        self
    }

    /// Several rewards.
    pub fn set_composite_reward_config(
        mut self,
        config: CompositeReinforcementTuningRewardConfig,
    ) -> Self {
        self.parameters = self.parameters.set_composite_reward_config(config);
        self
    }

    /// Options of this call.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Sends.
    ///
    /// # Errors
    ///
    /// As [`Gemini::validate_reward`].
    pub async fn send(self) -> Result<Response<ValidateRewardResponse>, Error> {
        self.api
            .validate_reward(&self.parameters, &self.options)
            .await
    }
}
