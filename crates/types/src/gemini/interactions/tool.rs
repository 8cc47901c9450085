//! Tools that a model may use in an interaction.
//!
//! Declarations only; how a tool is called and what it finds stands in the steps.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Retrieval, SearchType};

tagged! {
    /// A tool that the model may use.
    #[derive(Debug)]
    pub enum Tool {
        /// A function of yours, which you run.
        Function(Function) = "function",
        /// The service runs code.
        CodeExecution(CodeExecution) = "code_execution",
        /// The service fetches web pages.
        UrlContext(UrlContext) = "url_context",
        /// The model operates a screen that you show it.
        ComputerUse(ComputerUse) = "computer_use",
        /// Tools of an MCP server, which the service calls.
        McpServer(McpServer) = "mcp_server",
        /// Google Search.
        GoogleSearch(GoogleSearch) = "google_search",
        /// Your file search stores.
        FileSearch(FileSearch) = "file_search",
        /// Google Maps.
        GoogleMaps(GoogleMaps) = "google_maps",
        /// Retrieval services; Vertex only.
        Retrieval(Retrieval) = "retrieval",
        /// Functions are looked up when they are needed.
        ToolSearch(ToolSearch) = "tool_search",
    }
}

snake_wire! {
    /// A function of yours that the model may call.
    #[derive(Debug)]
    pub struct Function {
        /// Its name.
        pub name: Option<String>,
        /// What it does, for the model.
        pub description: Option<String>,
        /// JSON Schema of its arguments.
        pub parameters: Option<Value>,
        /// Whether it is loaded only when the model looks for it.
        pub defer_loading: Option<bool>,
        /// What the model sees of it before it is loaded.
        pub short_description: Option<String>,
    }

    /// The service runs code that the model writes.
    #[derive(Debug)]
    pub struct CodeExecution {
    }

    /// The service fetches web pages that the prompt names.
    #[derive(Debug)]
    pub struct UrlContext {
    }

    /// The model operates a screen that you show it.
    #[derive(Debug)]
    pub struct ComputerUse {
        /// What kind of screen it is.
        pub environment: Option<EnvironmentEnum>,
        /// Predefined functions that it must not call.
        pub excluded_predefined_functions: Vec<String>,
        /// Whether screens are searched for planted instructions.
        pub enable_prompt_injection_detection: Option<bool>,
        /// Safeguards that you take upon yourself.
        pub disabled_safety_policies: Vec<DisabledSafetyPolicy>,
    }
}

open_enum! {
    /// What kind of screen a model operates.
    pub enum EnvironmentEnum {
        /// A web browser.
        Browser = "browser",
        /// A phone.
        Mobile = "mobile",
        /// A desktop.
        Desktop = "desktop",
    }

    /// A safeguard of computer use that can be switched off.
    pub enum DisabledSafetyPolicy {
        /// Asks before money moves.
        FinancialTransactions = "financial_transactions",
        /// Asks before sensitive data changes.
        SensitiveDataModification = "sensitive_data_modification",
        /// Asks before messages go out.
        CommunicationTool = "communication_tool",
        /// Asks before accounts are made.
        AccountCreation = "account_creation",
        /// Asks before any data changes.
        DataModification = "data_modification",
        /// Asks before consents are given.
        UserConsentManagement = "user_consent_management",
        /// Asks before terms are agreed to.
        LegalTermsAndAgreements = "legal_terms_and_agreements",
    }
}

snake_wire! {
    /// An MCP server whose tools the service calls for the model.
    pub struct McpServer {
        /// Its name.
        pub name: Option<String>,
        /// Where it is, such as `https://api.example.com/mcp`.
        pub url: Option<String>,
        /// Headers of the service's requests to it, such as authorization.
        pub headers: BTreeMap<String, String>,
        /// Which of its tools may be called; all when empty.
        pub allowed_tools: Vec<AllowedTools>,
    }

    /// Which tools may be called, and whether one has to be.
    #[derive(Debug)]
    pub struct AllowedTools {
        /// Whether one has to be.
        pub mode: Option<ToolChoiceType>,
        /// Their names.
        pub tools: Vec<String>,
    }
}

open_enum! {
    /// Whether a model has to call a tool.
    pub enum ToolChoiceType {
        /// It may.
        Auto = "auto",
        /// It must.
        Any = "any",
        /// It must not.
        None = "none",
        /// It may, and its calls are held against the schemas.
        Validated = "validated",
    }
}

snake_wire! {
    /// A choice among the tools.
    #[derive(Debug)]
    pub struct ToolChoiceConfig {
        /// The tools that may be called.
        pub allowed_tools: Option<Box<AllowedTools>>,
    }
}

by_shape! {
    /// Whether tools are called, or which.
    #[derive(Debug)]
    pub enum ToolChoice {
        /// Whether.
        Mode(ToolChoiceType) = "text",
        /// Which.
        Config(ToolChoiceConfig) = "object",
    }
}

snake_wire! {
    /// Google Search.
    #[derive(Debug)]
    pub struct GoogleSearch {
        /// Where it looks; in the web when empty.
        pub search_types: Vec<SearchType>,
    }

    /// A search in your file search stores.
    #[derive(Debug)]
    pub struct FileSearch {
        /// The stores.
        pub file_search_store_names: Vec<String>,
        /// Most passages to find.
        pub top_k: Option<i32>,
        /// Which documents are searched, by their metadata.
        pub metadata_filter: Option<String>,
    }

    /// Google Maps.
    #[derive(Debug)]
    pub struct GoogleMaps {
        /// Where the person is, in degrees.
        pub latitude: Option<f64>,
        /// Where the person is, in degrees.
        pub longitude: Option<f64>,
        /// Whether a token for a widget comes along.
        pub enable_widget: Option<bool>,
    }

    /// Functions are looked up when they are needed, which saves tokens.
    #[derive(Debug)]
    pub struct ToolSearch {
        /// Who looks them up.
        pub execution: Option<Execution>,
        /// The name of your function that looks them up; `client` only.
        pub name: Option<String>,
        /// What that function does; `client` only.
        pub description: Option<String>,
        /// JSON Schema of its arguments; `client` only.
        pub parameters: Option<Value>,
    }
}

open_enum! {
    /// Who looks functions up.
    pub enum Execution {
        /// The service.
        Server = "server",
        /// A function of yours.
        Client = "client",
    }
}

names_only_debug!(McpServer);
