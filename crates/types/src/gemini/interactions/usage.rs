//! What an interaction costs, in tokens.
//!
//! Counts are of one interaction; nothing is added up here.

snake_wire! {
    /// Tokens of an interaction.
    #[derive(Debug)]
    pub struct Usage {
        /// All of them.
        pub total_tokens: Option<i32>,
        /// What went in, cached parts included.
        pub total_input_tokens: Option<i32>,
        /// What came out.
        pub total_output_tokens: Option<i32>,
        /// What the model thought.
        pub total_thought_tokens: Option<i32>,
        /// The part of the input that was read from a cache.
        pub total_cached_tokens: Option<i32>,
        /// What tools put before the model.
        pub total_tool_use_tokens: Option<i32>,
        /// What went in at the first of the requests that the interaction took.
        pub initial_input_tokens: Option<i32>,
        /// The input by kind.
        pub input_tokens_by_modality: Vec<ModalityTokens>,
        /// The output by kind.
        pub output_tokens_by_modality: Vec<ModalityTokens>,
        /// What was cached by kind.
        pub cached_tokens_by_modality: Vec<ModalityTokens>,
        /// What tools brought by kind.
        pub tool_use_tokens_by_modality: Vec<ModalityTokens>,
        /// How often tools looked something up, which is billed apart.
        pub grounding_tool_count: Vec<GroundingToolCount>,
    }

    /// Tokens of one kind of content.
    #[derive(Debug)]
    pub struct ModalityTokens {
        /// The kind.
        pub modality: Option<ResponseModality>,
        /// How many.
        pub tokens: Option<i32>,
    }

    /// How often one tool looked something up.
    #[derive(Debug)]
    pub struct GroundingToolCount {
        /// The tool.
        pub tool_type: Option<GroundingToolCountType> = "type",
        /// How often.
        pub count: Option<i32>,
    }
}

open_enum! {
    /// A kind of content.
    pub enum ResponseModality {
        /// Words.
        Text = "text",
        /// Pictures.
        Image = "image",
        /// Sound.
        Audio = "audio",
        /// Films.
        Video = "video",
        /// Documents.
        Document = "document",
    }

    /// A tool that looks things up.
    pub enum GroundingToolCountType {
        /// Search in the web.
        GoogleSearch = "google_search",
        /// The map.
        GoogleMaps = "google_maps",
        /// Your own documents.
        Retrieval = "retrieval",
    }
}
