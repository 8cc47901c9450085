//! Agents: named definitions of who works for you, with what and where.
//!
//! A definition extends an agent of the service; an interaction then names the definition.

use crate::gemini::interactions::{
    AgentConfig, CodeExecution, Function, GoogleSearch, InteractionEnvironment, McpServer,
    UrlContext,
};

snake_wire! {
    /// A definition of an agent.
    pub struct Agent {
        /// Its identifier, which you choose.
        pub id: Option<String>,
        /// The agent that it extends.
        pub base_agent: Option<String>,
        /// What it is for, for people.
        pub description: Option<String>,
        /// What it should always bear in mind.
        pub system_instruction: Option<String>,
        /// What it may use.
        pub tools: Vec<AgentTool>,
        /// Settings of the agent that it extends.
        pub agent_config: Option<AgentConfig>,
        /// Where it works.
        pub base_environment: Option<InteractionEnvironment>,
    }
}

tagged! {
    /// A tool that an agent may use.
    #[derive(Debug)]
    pub enum AgentTool {
        /// The service runs code.
        CodeExecution(CodeExecution) = "code_execution",
        /// A function of yours, which you run.
        Function(Function) = "function",
        /// Google Search.
        GoogleSearch(GoogleSearch) = "google_search",
        /// Tools of an MCP server, which the service calls.
        McpServer(McpServer) = "mcp_server",
        /// The service fetches web pages.
        UrlContext(UrlContext) = "url_context",
    }
}

snake_wire! {
    /// A page of agents.
    #[derive(Debug)]
    pub struct AgentListResponse {
        /// The agents.
        pub agents: Vec<Agent>,
        /// Asks for the next page; absent or empty on the last.
        pub next_page_token: Option<String>,
    }
}

names_only_debug!(Agent);
