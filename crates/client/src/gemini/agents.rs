//! Calls on agents.

use gimmal_api::gemini::Gemini;
use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::agents::{Agent, AgentTool};
use gimmal_types::gemini::interactions::{AntigravityAgentConfig, InteractionEnvironment};

/// The group of calls on agents.
#[derive(Clone, Debug)]
pub struct Agents {
    api: Gemini,
}

impl Agents {
    pub(super) fn new(api: Gemini) -> Self {
        Self { api }
    }

    /// Defines an agent, which interactions then name.
    ///
    /// ```no_run
    /// # async fn run(client: gimmal_client::gemini::GeminiClient) -> Result<(), gimmal_client::Error> {
    /// let call = client.agents().create("release-notes").set_base_agent("antigravity-preview-09-2026");
    /// let agent = call.set_system_instruction("You write release notes.").send().await?;
    /// # let _ = agent;
    /// # Ok(()) }
    /// ```
    pub fn create(&self, id: impl Into<String>) -> CreateAgent {
        CreateAgent {
            api: self.api.clone(),
            agent: Agent::new().set_id(id),
            options: CallOptions::default(),
        }
    }

    /// Describes an agent.
    pub fn get(&self, id: impl Into<String>) -> GetAgent {
        GetAgent::new(&self.api, id)
    }

    /// Lists agents.
    pub fn list(&self) -> ListAgentsCall {
        ListAgentsCall::new(&self.api)
    }

    /// Deletes an agent.
    pub fn delete(&self, id: impl Into<String>) -> DeleteAgent {
        DeleteAgent::new(&self.api, id)
    }
}

/// An `agents.create` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct CreateAgent {
    api: Gemini,
    agent: Agent,
    options: CallOptions,
}

impl CreateAgent {
    /// Replaces the whole definition, except for an identifier that it does not set.
    pub fn set_agent(mut self, agent: Agent) -> Self {
        let id = self.agent.id.take();
        self.agent = agent;
        self.agent.id = self.agent.id.or(id);
        self
    }

    /// The agent that it extends.
    pub fn set_base_agent(mut self, base: impl Into<String>) -> Self {
        self.agent = self.agent.set_base_agent(base);
        self
    }

    /// What it is for, for people.
    pub fn set_description(mut self, description: impl Into<String>) -> Self {
        self.agent = self.agent.set_description(description);
        self
    }

    /// What it should always bear in mind.
    pub fn set_system_instruction(mut self, instruction: impl Into<String>) -> Self {
        self.agent = self.agent.set_system_instruction(instruction);
        self
    }

    /// What it may use.
    pub fn set_tools<T: Into<AgentTool>>(mut self, tools: impl IntoIterator<Item = T>) -> Self {
        self.agent = self.agent.set_tools(tools);
        self
    }

    /// Settings of the agent that it extends.
    pub fn set_agent_config(mut self, config: AntigravityAgentConfig) -> Self {
        self.agent = self.agent.set_agent_config(config);
        self
    }

    /// Where it works: an environment that exists, or what to make one of.
    pub fn set_base_environment(mut self, environment: impl Into<InteractionEnvironment>) -> Self {
        self.agent = self.agent.set_base_environment(environment.into());
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
    /// As [`Gemini::create_agent`].
    pub async fn send(self) -> Result<Response<Agent>, Error> {
        self.api.create_agent(&self.agent, &self.options).await
    }
}

named_calls! {
    /// An `agents.get` call in the making.
    pub struct GetAgent(get_agent) -> Agent;

    /// An `agents.delete` call in the making.
    pub struct DeleteAgent(delete_agent) -> ();
}

list_calls! {
    /// An `agents.list` call in the making.
    pub struct ListAgentsCall(list_agents) -> Agent;
}

impl ListAgentsCall {
    /// Whose agents, such as `projects/p/locations/l`.
    pub fn set_parent(mut self, parent: impl Into<String>) -> Self {
        self.list
            .parameters
            .push(("parent".to_owned(), parent.into()));
        self
    }
}
