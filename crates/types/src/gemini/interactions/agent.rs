//! Settings of the agents of the service.
//!
//! Which agent answers is told by its name; each kind has settings of its own.

use super::ThinkingSummaries;

tagged! {
    /// Settings of an agent.
    #[derive(Debug)]
    pub enum AgentConfig {
        /// Of an agent that is made as it runs.
        Dynamic(DynamicAgentConfig) = "dynamic",
        /// Of the research agent.
        DeepResearch(DeepResearchAgentConfig) = "deep-research",
        /// Of the coding agent.
        Antigravity(AntigravityAgentConfig) = "antigravity",
        /// Of the agent that finds and mends holes in code.
        CodeMender(CodeMenderAgentConfig) = "code-mender",
    }
}

snake_wire! {
    /// Settings of an agent that is made as it runs; they are kept among the unknown fields.
    #[derive(Debug)]
    pub struct DynamicAgentConfig {
    }

    /// Settings of the research agent.
    #[derive(Debug)]
    pub struct DeepResearchAgentConfig {
        /// Whether thoughts are told in short.
        pub thinking_summaries: Option<ThinkingSummaries>,
        /// Whether it draws.
        pub visualization: Option<Visualization>,
        /// Whether it shows its plan first and waits for your consent.
        pub collaborative_planning: Option<bool>,
        /// Whether it may ask BigQuery.
        pub enable_bigquery_tool: Option<bool>,
    }
}

open_enum! {
    /// Whether an agent draws.
    pub enum Visualization {
        /// Never.
        Off = "off",
        /// Where it helps.
        Auto = "auto",
    }
}

snake_wire! {
    /// Settings of the coding agent.
    #[derive(Debug)]
    pub struct AntigravityAgentConfig {
        /// The model it thinks with.
        pub model: Option<String>,
        /// Most tokens of a run.
        pub max_total_tokens: Option<i64>,
    }

    /// Settings of the agent that finds and mends holes in code.
    #[derive(Debug)]
    pub struct CodeMenderAgentConfig {
        /// The model it thinks with; one for a whole session.
        pub model: Option<String>,
        /// Binds interactions to one session.
        pub session_id: Option<String>,
        /// Settings of the session.
        pub session_config: Option<Box<SessionConfig>>,
        /// Look for holes.
        pub find_request: Option<Box<FindRequest>>,
        /// Mend a hole.
        pub fix_request: Option<Box<FixRequest>>,
    }

    /// Settings of a session.
    #[derive(Debug)]
    pub struct SessionConfig {
        /// Most rounds before it gives up.
        pub max_rounds: Option<i32>,
    }

    /// A search for holes in code.
    #[derive(Debug)]
    pub struct FindRequest {
        /// What is done.
        pub mode: Option<Mode>,
        /// The hole to prove, when one is to be proved.
        pub finding_id: Option<String>,
        /// What the agent should know.
        pub description: Option<String>,
        /// Files to begin with.
        pub source_files: Vec<FileContent>,
    }
}

open_enum! {
    /// What a search for holes does.
    pub enum Mode {
        /// Looks for them.
        Scan = "scan",
        /// Proves one by running code.
        Verify = "verify",
    }
}

snake_wire! {
    /// The mending of a hole in code.
    #[derive(Debug)]
    pub struct FixRequest {
        /// The hole.
        pub finding_id: Option<String>,
        /// What the agent should know.
        pub description: Option<String>,
        /// Files to begin with.
        pub source_files: Vec<FileContent>,
    }

    /// A file of the code.
    #[derive(Debug)]
    pub struct FileContent {
        /// Its path from the root of the project.
        pub path: Option<String>,
        /// Its text.
        pub content: Option<String>,
    }
}

open_enum! {
    /// An agent of the service.
    pub enum AgentOption {
        /// The research agent of December 2025.
        DeepResearchProPreview122025 = "deep-research-pro-preview-12-2025",
        /// The research agent of April 2026.
        DeepResearchPreview042026 = "deep-research-preview-04-2026",
        /// The thorough research agent of April 2026.
        DeepResearchMaxPreview042026 = "deep-research-max-preview-04-2026",
        /// The coding agent of May 2026.
        AntigravityPreview052026 = "antigravity-preview-05-2026",
        /// The coding agent of September 2026.
        AntigravityPreview092026 = "antigravity-preview-09-2026",
    }
}
