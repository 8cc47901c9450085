//! Tools a request offers to the model.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{AuthConfig, FunctionDeclaration, Retrieval};
use crate::Timestamp;

wire! {
    /// One tool, or a set of functions.
    #[derive(Debug)]
    pub struct Tool {
        /// Functions of the caller's.
        pub function_declarations: Vec<FunctionDeclaration>,
        /// Web search.
        pub google_search: Option<Box<GoogleSearch>>,
        /// Web search of older models.
        pub google_search_retrieval: Option<Box<GoogleSearchRetrieval>>,
        /// Places and routes.
        pub google_maps: Option<Box<GoogleMaps>>,
        /// Running of code the model writes.
        pub code_execution: Option<ToolCodeExecution>,
        /// Reading of web pages named in the prompt.
        pub url_context: Option<UrlContext>,
        /// Search in uploaded files; developer API only.
        pub file_search: Option<Box<FileSearch>>,
        /// Control of a computer.
        pub computer_use: Option<Box<ComputerUse>>,
        /// Search in the caller's data; Vertex only.
        pub retrieval: Option<Box<Retrieval>>,
        /// Web search for enterprises; Vertex only.
        pub enterprise_web_search: Option<Box<EnterpriseWebSearch>>,
        /// Search by Parallel; Vertex only.
        pub parallel_ai_search: Option<Box<ToolParallelAiSearch>>,
        /// Search by Exa; Vertex only.
        pub exa_ai_search: Option<Box<ToolExaAiSearch>>,
        /// Servers of the Model Context Protocol; developer API only.
        pub mcp_servers: Vec<McpServer>,
    }

    /// Web search and its limits.
    #[derive(Debug)]
    pub struct GoogleSearch {
        /// What is searched.
        pub search_types: Option<Box<SearchTypes>>,
        /// When the pages were published.
        pub time_range_filter: Option<Box<Interval>>,
        /// Domains left out; Vertex only.
        pub exclude_domains: Vec<String>,
        /// From which risk on pages are left out; Vertex only.
        pub blocking_confidence: Option<PhishBlockThreshold>,
    }

    /// What a search looks for.
    #[derive(Debug)]
    pub struct SearchTypes {
        /// Pages.
        pub web_search: Option<WebSearch>,
        /// Pictures.
        pub image_search: Option<ImageSearch>,
    }

    /// Asks for pages; has no settings.
    #[derive(Debug)]
    pub struct WebSearch {
    }

    /// Asks for pictures; has no settings.
    #[derive(Debug)]
    pub struct ImageSearch {
    }

    /// A span of time.
    #[derive(Debug)]
    pub struct Interval {
        /// First moment within.
        pub start_time: Option<Timestamp>,
        /// First moment after.
        pub end_time: Option<Timestamp>,
    }

    /// Web search of older models.
    #[derive(Debug)]
    pub struct GoogleSearchRetrieval {
        /// When to search.
        pub dynamic_retrieval_config: Option<Box<DynamicRetrievalConfig>>,
    }

    /// When older models search.
    #[derive(Debug)]
    pub struct DynamicRetrievalConfig {
        /// Always, or when it helps.
        pub mode: Option<DynamicRetrievalConfigMode>,
        /// From which predicted benefit on, 0 to 1.
        pub dynamic_threshold: Option<f64>,
    }

    /// Places and routes.
    #[derive(Debug)]
    pub struct GoogleMaps {
        /// The key of the Maps account.
        pub auth_config: Option<Box<AuthConfig>>,
        /// Return a token for the Maps widget.
        pub enable_widget: Option<bool>,
        /// What is looked up; Vertex only.
        pub grounding_types: Option<Box<GoogleMapsGroundingTypes>>,
    }

    /// What is looked up in Maps.
    #[derive(Debug)]
    pub struct GoogleMapsGroundingTypes {
        /// Places.
        pub places: Option<GoogleMapsPlaces>,
        /// Routes.
        pub routing: Option<GoogleMapsRouting>,
    }

    /// Asks for places; has no settings.
    #[derive(Debug)]
    pub struct GoogleMapsPlaces {
    }

    /// Asks for routes; has no settings.
    #[derive(Debug)]
    pub struct GoogleMapsRouting {
    }

    /// Lets the model run code; has no settings.
    #[derive(Debug)]
    pub struct ToolCodeExecution {
    }

    /// Lets the model read web pages; has no settings.
    #[derive(Debug)]
    pub struct UrlContext {
    }

    /// Search in uploaded files.
    #[derive(Debug)]
    pub struct FileSearch {
        /// Stores to search, such as `fileSearchStores/abc`.
        pub file_search_store_names: Vec<String>,
        /// How many passages to find.
        pub top_k: Option<i32>,
        /// Condition on the documents' metadata.
        pub metadata_filter: Option<String>,
    }

    /// Control of a computer.
    #[derive(Debug)]
    pub struct ComputerUse {
        /// What kind of computer.
        pub environment: Option<Environment>,
        /// Actions the model may not take.
        pub excluded_predefined_functions: Vec<String>,
        /// Watch for instructions hidden in pages.
        pub enable_prompt_injection_detection: Option<bool>,
        /// Policies switched off.
        pub disabled_safety_policies: Vec<SafetyPolicy>,
    }

    /// Web search for enterprises.
    #[derive(Debug)]
    pub struct EnterpriseWebSearch {
        /// Domains left out.
        pub exclude_domains: Vec<String>,
        /// From which risk on pages are left out.
        pub blocking_confidence: Option<PhishBlockThreshold>,
    }

    /// Search by Parallel.
    #[derive(Debug)]
    pub struct ToolParallelAiSearch {
        /// Key of the Parallel account.
        pub api_key: Option<String>,
        /// Settings passed on as they are.
        pub custom_configs: Option<Map<String, Value>>,
        /// Let the provider keep the query.
        pub enable_data_retention: Option<bool>,
        /// Forbid the provider to keep the query.
        pub enable_zero_data_retention: Option<bool>,
    }

    /// Search by Exa.
    #[derive(Debug)]
    pub struct ToolExaAiSearch {
        /// Key of the Exa account.
        pub api_key: Option<String>,
        /// Settings passed on as they are.
        pub custom_configs: Option<Map<String, Value>>,
    }

    /// A server of the Model Context Protocol.
    #[derive(Debug)]
    pub struct McpServer {
        /// A name for it.
        pub name: Option<String>,
        /// How to reach it.
        pub streamable_http_transport: Option<Box<StreamableHttpTransport>>,
    }

    /// An MCP server over HTTP.
    #[derive(Debug)]
    pub struct StreamableHttpTransport {
        /// Where it is.
        pub url: Option<String>,
        /// Headers sent to it.
        pub headers: BTreeMap<String, String>,
        /// Limit for a request, such as `"30s"`.
        pub timeout: Option<String>,
        /// Limit between two events.
        pub sse_read_timeout: Option<String>,
        /// End the session on close.
        pub terminate_on_close: Option<bool>,
    }
}

impl Tool {
    /// The same tools with all function declarations in one of them, the last: the service takes
    /// functions from a single tool only.
    pub fn merge_function_declarations(tools: Vec<Self>) -> Vec<Self> {
        if Self::are_merged(&tools) {
            return tools;
        }
        let mut declarations = Vec::new();
        let mut others = Vec::new();
        for mut tool in tools {
            declarations.append(&mut tool.function_declarations);
            if tool != Self::default() {
                others.push(tool);
            }
        }
        others.push(Self::new().set_function_declarations(declarations));
        others
    }

    /// True when [`merge_function_declarations`](Self::merge_function_declarations) has nothing
    /// to change.
    pub fn are_merged(tools: &[Self]) -> bool {
        let declares = |tool: &Self| !tool.function_declarations.is_empty();
        match tools.iter().position(declares) {
            None => true,
            Some(first) => {
                let alone = Self {
                    function_declarations: Vec::new(),
                    ..tools[first].clone()
                };
                first + 1 == tools.len() && alone == Self::default()
            }
        }
    }
}

open_enum! {
    /// From which risk of fraud on a page is left out.
    pub enum PhishBlockThreshold {
        /// The service decides.
        Unspecified = "PHISH_BLOCK_THRESHOLD_UNSPECIFIED",
        /// From low risk on.
        BlockLowAndAbove = "BLOCK_LOW_AND_ABOVE",
        /// From medium risk on.
        BlockMediumAndAbove = "BLOCK_MEDIUM_AND_ABOVE",
        /// From high risk on.
        BlockHighAndAbove = "BLOCK_HIGH_AND_ABOVE",
        /// From higher risk on.
        BlockHigherAndAbove = "BLOCK_HIGHER_AND_ABOVE",
        /// From very high risk on.
        BlockVeryHighAndAbove = "BLOCK_VERY_HIGH_AND_ABOVE",
        /// Only at extreme risk.
        BlockOnlyExtremelyHigh = "BLOCK_ONLY_EXTREMELY_HIGH",
    }

    /// When older models search.
    pub enum DynamicRetrievalConfigMode {
        /// Always.
        Unspecified = "MODE_UNSPECIFIED",
        /// When the model predicts a benefit.
        Dynamic = "MODE_DYNAMIC",
    }

    /// What kind of computer is controlled.
    pub enum Environment {
        /// Not said.
        Unspecified = "ENVIRONMENT_UNSPECIFIED",
        /// A browser.
        Browser = "ENVIRONMENT_BROWSER",
        /// A telephone.
        Mobile = "ENVIRONMENT_MOBILE",
        /// A desktop.
        Desktop = "ENVIRONMENT_DESKTOP",
    }

    /// Policies for the control of a computer.
    pub enum SafetyPolicy {
        /// Not said.
        Unspecified = "SAFETY_POLICY_UNSPECIFIED",
        /// Payments.
        FinancialTransactions = "FINANCIAL_TRANSACTIONS",
        /// Changes to sensitive data.
        SensitiveDataModification = "SENSITIVE_DATA_MODIFICATION",
        /// Messages to others.
        CommunicationTool = "COMMUNICATION_TOOL",
        /// New accounts.
        AccountCreation = "ACCOUNT_CREATION",
        /// Changes to data.
        DataModification = "DATA_MODIFICATION",
        /// Consent in the user's name.
        UserConsentManagement = "USER_CONSENT_MANAGEMENT",
        /// Agreements.
        LegalTermsAndAgreements = "LEGAL_TERMS_AND_AGREEMENTS",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn merged(tools: Value) -> Value {
        let tools: Vec<Tool> = serde_json::from_value(tools).unwrap();
        let merged = Tool::merge_function_declarations(tools);
        assert!(Tool::are_merged(&merged));
        serde_json::to_value(merged).unwrap()
    }

    #[test]
    fn functions_come_together_in_the_last_tool() {
        let function = |name: &str| json!({"name": name});
        assert_eq!(
            merged(json!([
                {"functionDeclarations": [function("a")]},
                {"googleSearch": {}, "functionDeclarations": [function("b")]},
                {"codeExecution": {}},
            ])),
            json!([{"googleSearch": {}}, {"codeExecution": {}},
                   {"functionDeclarations": [function("a"), function("b")]}])
        );
        for kept in [json!([]), json!([{"googleSearch": {}}, {}])] {
            assert_eq!(merged(kept.clone()), kept);
        }
    }

    #[test]
    fn a_tool_of_an_mcp_server_is_a_function() {
        let shape = json!({"$schema": "x", "type": "object", "additionalProperties": false,
                           "properties": {"b": {"type": "string"}, "a": {"type": "integer"}}});
        let function = FunctionDeclaration::from_mcp_tool("f", "d", &shape).unwrap();
        assert_eq!(
            serde_json::to_value(function).unwrap(),
            json!({"name": "f", "description": "d", "parameters": {"type": "OBJECT",
                   "properties": {"b": {"type": "STRING"}, "a": {"type": "INTEGER"}}}})
        );
    }
}
