//! How the model uses the tools it is offered.

wire! {
    /// How the model uses the tools it is offered.
    #[derive(Debug)]
    pub struct ToolConfig {
        /// When it calls functions.
        pub function_calling_config: Option<Box<FunctionCallingConfig>>,
        /// Where and in which language it searches.
        pub retrieval_config: Option<Box<RetrievalConfig>>,
        /// Show the service's own tool calls in the reply; developer API only.
        pub include_server_side_tool_invocations: Option<bool>,
    }

    /// When the model calls functions.
    #[derive(Debug)]
    pub struct FunctionCallingConfig {
        /// Whether it may, must or must not.
        pub mode: Option<FunctionCallingConfigMode>,
        /// The only functions it may call.
        pub allowed_function_names: Vec<String>,
        /// Stream arguments piece by piece; Vertex only.
        pub stream_function_call_arguments: Option<bool>,
    }

    /// Where and in which language to search.
    #[derive(Debug)]
    pub struct RetrievalConfig {
        /// The place of the user.
        pub lat_lng: Option<Box<LatLng>>,
        /// The language of the user.
        pub language_code: Option<String>,
    }

    /// A place on Earth.
    #[derive(Debug)]
    pub struct LatLng {
        /// Degrees north.
        pub latitude: Option<f64>,
        /// Degrees east.
        pub longitude: Option<f64>,
    }
}

open_enum! {
    /// Whether the model calls functions.
    pub enum FunctionCallingConfigMode {
        /// As `AUTO`.
        Unspecified = "MODE_UNSPECIFIED",
        /// It decides.
        Auto = "AUTO",
        /// It must call one.
        Any = "ANY",
        /// It must not.
        None = "NONE",
        /// It decides, and calls keep to the schema.
        Validated = "VALIDATED",
    }
}
