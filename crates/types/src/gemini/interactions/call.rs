//! What tools of the service are called with and what they find.
//!
//! Steps and deltas share these records.

use super::ReviewSnippet;

snake_wire! {
    /// Code to run.
    #[derive(Debug)]
    pub struct CodeExecutionCallArguments {
        /// The code.
        pub code: Option<String>,
        /// Its language.
        pub language: Option<Language>,
    }
}

open_enum! {
    /// A language that code is run in.
    pub enum Language {
        /// Python.
        Python = "python",
        /// The shell.
        Bash = "bash",
    }
}

snake_wire! {
    /// Web pages to fetch.
    #[derive(Debug)]
    pub struct UrlContextCallArguments {
        /// Their addresses.
        pub urls: Vec<String>,
    }

    /// How the fetching of one web page went.
    #[derive(Debug)]
    pub struct UrlContextResult {
        /// Its address.
        pub url: Option<String>,
        /// How it went.
        pub status: Option<UrlContextResultStatus>,
    }
}

open_enum! {
    /// How the fetching of a web page went.
    pub enum UrlContextResultStatus {
        /// It was read.
        Success = "success",
        /// It could not be fetched.
        Error = "error",
        /// It has to be paid for.
        Paywall = "paywall",
        /// It was held to be dangerous.
        Unsafe = "unsafe",
    }
}

snake_wire! {
    /// What is searched for in the web.
    #[derive(Debug)]
    pub struct GoogleSearchCallArguments {
        /// The queries.
        pub queries: Vec<String>,
    }

    /// What must be shown of a search in the web.
    #[derive(Debug)]
    pub struct GoogleSearchResult {
        /// HTML to embed beside the answer.
        pub search_suggestions: Option<String>,
    }
}

open_enum! {
    /// Where Google Search looks.
    pub enum SearchType {
        /// In the web.
        WebSearch = "web_search",
        /// Among pictures.
        ImageSearch = "image_search",
        /// In the web as companies want it.
        EnterpriseWebSearch = "enterprise_web_search",
    }
}

snake_wire! {
    /// One hit in your files; the service tells nothing of it here yet.
    #[derive(Debug)]
    pub struct FileSearchResult {
    }

    /// What the map is asked.
    #[derive(Debug)]
    pub struct GoogleMapsCallArguments {
        /// The questions.
        pub queries: Vec<String>,
    }

    /// What the map knows.
    #[derive(Debug)]
    pub struct GoogleMapsResult {
        /// Places.
        pub places: Vec<GoogleMapsResultPlaces>,
        /// Shows the places in a widget, when one was asked for.
        pub widget_context_token: Option<String>,
    }

    /// A place on the map.
    #[derive(Debug)]
    pub struct GoogleMapsResultPlaces {
        /// Its name in the map service, such as `places/abc`.
        pub place_id: Option<String>,
        /// What it is called.
        pub name: Option<String>,
        /// Its page on the map.
        pub url: Option<String>,
        /// Reviews that were used.
        pub review_snippets: Vec<ReviewSnippet>,
    }

    /// What is searched for in a retrieval service.
    #[derive(Debug)]
    pub struct RetrievalCallArguments {
        /// The queries.
        pub queries: Vec<String>,
    }
}

open_enum! {
    /// A retrieval service.
    pub enum RetrievalType {
        /// Vertex AI Search.
        VertexAiSearch = "vertex_ai_search",
        /// A corpus of the RAG engine.
        RagStore = "rag_store",
        /// Exa.
        ExaAiSearch = "exa_ai_search",
        /// Parallel.
        ParallelAiSearch = "parallel_ai_search",
    }
}

snake_wire! {
    /// Functions that the model wants to load.
    #[derive(Debug)]
    pub struct ToolSearchCallStepArguments {
        /// Their names.
        pub function_names: Vec<String>,
    }
}
