//! `agents`: create, get, list, delete.

use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::agents::Agent;

use super::{Collection, Gemini, ListQuery, requests};
use crate::Pager;

impl Gemini {
    /// Defines an agent.
    ///
    /// Route: POST agents
    ///
    /// # Errors
    ///
    /// Fails before sending when its id is empty; otherwise as the transport does.
    pub async fn create_agent(
        &self,
        agent: &Agent,
        options: &CallOptions,
    ) -> Result<Response<Agent>, Error> {
        if agent.id.is_some() {
            requests::require("id", agent.id.as_deref())?;
        }
        let request = requests::create_resource(self.endpoint(), Collection::Agents, agent)?;
        self.transport().send_json(request, options).await
    }

    /// Describes an agent.
    ///
    /// Route: GET agents/{id}
    ///
    /// # Errors
    ///
    /// Fails before sending on a bad name; otherwise as the transport does.
    pub async fn get_agent(
        &self,
        id: &str,
        options: &CallOptions,
    ) -> Result<Response<Agent>, Error> {
        let request = requests::get_resource(self.endpoint(), Collection::Agents, id)?;
        self.transport().send_json(request, options).await
    }

    /// Lists agents. Nothing is sent before the pager is read.
    ///
    /// Route: GET agents
    pub fn list_agents(&self, list: ListQuery, options: CallOptions) -> Pager<Agent> {
        let endpoint = self.shared_endpoint();
        self.pages_of(&["agents"], list, options, move |list| {
            requests::list_resources(&endpoint, Collection::Agents, list)
        })
    }

    /// Deletes an agent.
    ///
    /// Route: DELETE agents/{id}
    ///
    /// # Errors
    ///
    /// Fails before sending on a bad name; otherwise as the transport does.
    pub async fn delete_agent(
        &self,
        id: &str,
        options: &CallOptions,
    ) -> Result<Response<()>, Error> {
        let request = requests::delete_resource(self.endpoint(), Collection::Agents, id)?;
        Ok(self.transport().send(request, options).await?.map(|_| ()))
    }
}
