//! Calls on triggers: interactions that the service starts at set times.

use gimmal_api::Pager;
use gimmal_api::gemini::{Gemini, ListQuery};
use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::interactions::CreateAgentInteraction;
use gimmal_types::gemini::triggers::{
    Trigger, TriggerCreateParams, TriggerExecution, TriggerStatus, TriggerUpdate,
};

/// The group of calls on triggers.
#[derive(Clone, Debug)]
pub struct Triggers {
    api: Gemini,
}

impl Triggers {
    pub(super) fn new(api: Gemini) -> Self {
        Self { api }
    }

    /// Has an interaction with an agent started at set times.
    ///
    /// ```no_run
    /// # async fn run(client: gimmal_client::gemini::GeminiClient) -> Result<(), gimmal_client::Error> {
    /// use gimmal_types::gemini::interactions::CreateAgentInteraction;
    ///
    /// let work = CreateAgentInteraction::new().set_agent("release-notes").set_input("Write them.");
    /// let call = client.triggers().create("0 9 * * 1", "Europe/Berlin", work);
    /// let trigger = call.set_display_name("Mondays").send().await?.into_body();
    /// # let _ = trigger;
    /// # Ok(()) }
    /// ```
    pub fn create(
        &self,
        schedule: impl Into<String>,
        time_zone: impl Into<String>,
        interaction: CreateAgentInteraction,
    ) -> CreateTrigger {
        CreateTrigger {
            api: self.api.clone(),
            params: TriggerCreateParams::new()
                .set_schedule(schedule)
                .set_time_zone(time_zone)
                .set_interaction(interaction),
            options: CallOptions::default(),
        }
    }

    /// Describes a trigger.
    pub fn get(&self, id: impl Into<String>) -> GetTrigger {
        GetTrigger::new(&self.api, id)
    }

    /// Lists triggers.
    pub fn list(&self) -> ListTriggersCall {
        ListTriggersCall::new(&self.api)
    }

    /// Renames, pauses or resumes a trigger.
    pub fn update(&self, id: impl Into<String>) -> UpdateTrigger {
        UpdateTrigger {
            api: self.api.clone(),
            id: id.into(),
            update: TriggerUpdate::new(),
            options: CallOptions::default(),
        }
    }

    /// Deletes a trigger.
    pub fn delete(&self, id: impl Into<String>) -> DeleteTrigger {
        DeleteTrigger::new(&self.api, id)
    }

    /// Runs a trigger now.
    pub fn run(&self, id: impl Into<String>) -> RunTrigger {
        RunTrigger::new(&self.api, id)
    }

    /// Lists the runs of a trigger.
    pub fn list_executions(&self, id: impl Into<String>) -> ListTriggerExecutionsCall {
        ListTriggerExecutionsCall {
            api: self.api.clone(),
            id: id.into(),
            list: ListQuery::default(),
            options: CallOptions::default(),
        }
    }
}

/// A `triggers.create` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct CreateTrigger {
    api: Gemini,
    params: TriggerCreateParams,
    options: CallOptions,
}

impl CreateTrigger {
    /// A name for people.
    pub fn set_display_name(mut self, name: impl Into<String>) -> Self {
        self.params = self.params.set_display_name(name);
        self
    }

    /// The environment that it runs in.
    pub fn set_environment_id(mut self, id: impl Into<String>) -> Self {
        self.params = self.params.set_environment_id(id);
        self
    }

    /// How long a run may take.
    pub fn set_execution_timeout_seconds(mut self, seconds: i32) -> Self {
        self.params = self.params.set_execution_timeout_seconds(seconds);
        self
    }

    /// So many failures in a row stop it.
    pub fn set_max_consecutive_failures(mut self, failures: i32) -> Self {
        self.params = self.params.set_max_consecutive_failures(failures);
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
    /// As [`Gemini::create_trigger`].
    pub async fn send(self) -> Result<Response<Trigger>, Error> {
        self.api.create_trigger(&self.params, &self.options).await
    }
}

/// A `triggers.update` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct UpdateTrigger {
    api: Gemini,
    id: String,
    update: TriggerUpdate,
    options: CallOptions,
}

impl UpdateTrigger {
    /// A name for people.
    pub fn set_display_name(mut self, name: impl Into<String>) -> Self {
        self.update = self.update.set_display_name(name);
        self
    }

    /// Pauses or resumes it.
    pub fn set_status(mut self, status: impl Into<TriggerStatus>) -> Self {
        self.update = self.update.set_status(status.into());
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
    /// As [`Gemini::update_trigger`].
    pub async fn send(self) -> Result<Response<Trigger>, Error> {
        self.api
            .update_trigger(&self.id, &self.update, &self.options)
            .await
    }
}

/// A `triggers.list_executions` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before the items are read"]
pub struct ListTriggerExecutionsCall {
    api: Gemini,
    id: String,
    list: ListQuery,
    options: CallOptions,
}

paged!(ListTriggerExecutionsCall);

impl ListTriggerExecutionsCall {
    /// The runs, one by one; [`Pager::pages`] gives them by page.
    pub fn items(self) -> Pager<TriggerExecution> {
        self.api
            .list_trigger_executions(self.id, self.list, self.options)
    }
}

named_calls! {
    /// A `triggers.get` call in the making.
    pub struct GetTrigger(get_trigger) -> Trigger;

    /// A `triggers.delete` call in the making.
    pub struct DeleteTrigger(delete_trigger) -> ();

    /// A `triggers.run` call in the making.
    pub struct RunTrigger(run_trigger) -> TriggerExecution;
}

list_calls! {
    /// A `triggers.list` call in the making.
    pub struct ListTriggersCall(list_triggers) -> Trigger;
}

impl ListTriggersCall {
    /// Which triggers, as an expression of the service's.
    pub fn set_filter(mut self, filter: impl Into<String>) -> Self {
        self.list.set_parameter("filter", filter);
        self
    }
}
