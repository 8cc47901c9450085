//! `triggers`: create, get, list, update, delete, run, list_executions.

use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::triggers::{
    Trigger, TriggerCreateParams, TriggerExecution, TriggerUpdate,
};

use super::{Collection, Gemini, ListQuery, requests};
use crate::Pager;

impl Gemini {
    /// Has an interaction with an agent started at set times.
    ///
    /// Route: POST triggers
    ///
    /// # Errors
    ///
    /// Fails before sending unless schedule, time zone and an interaction with an agent are set;
    /// otherwise as the transport does.
    pub async fn create_trigger(
        &self,
        params: &TriggerCreateParams,
        options: &CallOptions,
    ) -> Result<Response<Trigger>, Error> {
        let request = requests::create_trigger(self.endpoint(), params)?;
        self.transport().send_json(request, options).await
    }

    /// Describes a trigger.
    ///
    /// Route: GET triggers/{id}
    ///
    /// # Errors
    ///
    /// Fails before sending on a bad name; otherwise as the transport does.
    pub async fn get_trigger(
        &self,
        id: &str,
        options: &CallOptions,
    ) -> Result<Response<Trigger>, Error> {
        let request = requests::get_resource(self.endpoint(), Collection::Triggers, id)?;
        self.transport().send_json(request, options).await
    }

    /// Lists triggers. Nothing is sent before the pager is read.
    ///
    /// Route: GET triggers
    pub fn list_triggers(&self, list: ListQuery, options: CallOptions) -> Pager<Trigger> {
        let endpoint = self.shared_endpoint();
        self.pages_of(&["triggers"], list, options, move |list| {
            requests::list_resources(&endpoint, Collection::Triggers, list)
        })
    }

    /// Renames, pauses or resumes a trigger.
    ///
    /// Route: PATCH triggers/{id}
    ///
    /// # Errors
    ///
    /// Fails before sending on a bad name; otherwise as the transport does.
    pub async fn update_trigger(
        &self,
        id: &str,
        update: &TriggerUpdate,
        options: &CallOptions,
    ) -> Result<Response<Trigger>, Error> {
        let request =
            requests::update_resource(self.endpoint(), Collection::Triggers, id, update, None)?;
        self.transport().send_json(request, options).await
    }

    /// Deletes a trigger.
    ///
    /// Route: DELETE triggers/{id}
    ///
    /// # Errors
    ///
    /// Fails before sending on a bad name; otherwise as the transport does.
    pub async fn delete_trigger(
        &self,
        id: &str,
        options: &CallOptions,
    ) -> Result<Response<()>, Error> {
        let request = requests::delete_resource(self.endpoint(), Collection::Triggers, id)?;
        Ok(self.transport().send(request, options).await?.map(|_| ()))
    }

    /// Runs a trigger now.
    ///
    /// Route: POST triggers/{id}/executions
    ///
    /// # Errors
    ///
    /// Fails before sending on a bad name; otherwise as the transport does.
    pub async fn run_trigger(
        &self,
        id: &str,
        options: &CallOptions,
    ) -> Result<Response<TriggerExecution>, Error> {
        let request = requests::run_trigger(self.endpoint(), id)?;
        self.transport().send_json(request, options).await
    }

    /// Lists the runs of a trigger. Nothing is sent before the pager is read.
    ///
    /// Route: GET triggers/{id}/executions
    pub fn list_trigger_executions(
        &self,
        id: impl Into<String>,
        list: ListQuery,
        options: CallOptions,
    ) -> Pager<TriggerExecution> {
        let (endpoint, id) = (self.shared_endpoint(), id.into());
        let keys = &["trigger_executions", "triggerExecutions"];
        self.pages_of(keys, list, options, move |list| {
            requests::list_trigger_executions(&endpoint, &id, list)
        })
    }
}
