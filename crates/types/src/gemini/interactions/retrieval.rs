//! The retrieval tool: search services that stand beside the model; Vertex only.
//!
//! Which service is asked is a list; each has its own settings.

use serde_json::{Map, Value};

use super::RetrievalType;

snake_wire! {
    /// Search services that the model may ask; Vertex only.
    #[derive(Debug)]
    pub struct Retrieval {
        /// The services.
        pub retrieval_types: Vec<RetrievalType>,
        /// Settings of Vertex AI Search.
        pub vertex_ai_search_config: Option<Box<VertexAISearchConfig>>,
        /// Settings of the RAG engine.
        pub rag_store_config: Option<Box<RagStoreConfig>>,
        /// Settings of Exa.
        pub exa_ai_search_config: Option<Box<ExaAISearchConfig>>,
        /// Settings of Parallel.
        pub parallel_ai_search_config: Option<Box<ParallelAISearchConfig>>,
    }

    /// Settings of Vertex AI Search.
    #[derive(Debug)]
    pub struct VertexAISearchConfig {
        /// The engine to ask.
        pub engine: Option<String>,
        /// The data stores to search.
        pub datastores: Vec<String>,
    }

    /// Settings of Exa.
    pub struct ExaAISearchConfig {
        /// Your key at Exa.
        pub api_key: Option<String>,
        /// Any parameter of its search.
        pub custom_config: Option<Map<String, Value>>,
    }

    /// Settings of Parallel.
    pub struct ParallelAISearchConfig {
        /// Your key at Parallel.
        pub api_key: Option<String>,
        /// Any parameter of its search.
        pub custom_config: Option<Map<String, Value>>,
    }

    /// Settings of the RAG engine.
    #[derive(Debug)]
    pub struct RagStoreConfig {
        /// The corpora to search.
        pub rag_resources: Vec<RagResource>,
        /// How they are searched.
        pub rag_retrieval_config: Option<Box<RagRetrievalConfig>>,
        /// Most passages; the service wants `rag_retrieval_config.top_k` instead.
        pub similarity_top_k: Option<i32>,
        /// Largest distance of a passage; the service wants `rag_retrieval_config.filter` instead.
        pub vector_distance_threshold: Option<f64>,
    }

    /// A corpus, or files of it.
    #[derive(Debug)]
    pub struct RagResource {
        /// The corpus by its resource name.
        pub rag_corpus: Option<String>,
        /// Files of this corpus; all when empty.
        pub rag_file_ids: Vec<String>,
    }

    /// How corpora are searched.
    #[derive(Debug)]
    pub struct RagRetrievalConfig {
        /// Most passages to find.
        pub top_k: Option<i32>,
        /// Which passages count.
        pub filter: Option<Box<Filter>>,
        /// How words and meaning are weighed.
        pub hybrid_search: Option<Box<HybridSearch>>,
        /// How passages are ordered.
        pub ranking: Option<Box<Ranking>>,
    }

    /// Which passages of a corpus count.
    #[derive(Debug)]
    pub struct Filter {
        /// By their metadata.
        pub metadata_filter: Option<String>,
        /// Only those nearer than this.
        pub vector_distance_threshold: Option<f64>,
        /// Only those more similar than this.
        pub vector_similarity_threshold: Option<f64>,
    }

    /// How a search by words and one by meaning are weighed.
    #[derive(Debug)]
    pub struct HybridSearch {
        /// The weight of meaning, from 0 to 1.
        pub alpha: Option<f64>,
    }

    /// How passages are ordered.
    #[derive(Debug)]
    pub struct Ranking {
        /// How the ranking is done; `rank_service` is the only way yet.
        pub ranking_config: Option<String>,
        /// The model of the ranking service.
        pub model_name: Option<String>,
        /// Settings of the ranking service.
        pub rank_service: Option<Box<RankService>>,
    }

    /// The ranking service.
    #[derive(Debug)]
    pub struct RankService {
        /// Its model.
        pub model_name: Option<String>,
    }
}

names_only_debug!(ExaAISearchConfig, ParallelAISearchConfig);
