//! Search in the caller's own data, on Vertex.

use super::AuthConfig;

wire! {
    /// Search in the caller's own data.
    #[derive(Debug)]
    pub struct Retrieval {
        /// A search application.
        pub vertex_ai_search: Option<Box<VertexAISearch>> = "vertexAiSearch",
        /// A retrieval corpus.
        pub vertex_rag_store: Option<Box<VertexRagStore>>,
        /// A search service elsewhere.
        pub external_api: Option<Box<ExternalApi>>,
        /// Deprecated: leave out the sources.
        pub disable_attribution: Option<bool>,
    }

    /// A search application.
    #[derive(Debug)]
    pub struct VertexAISearch {
        /// Data store by full name.
        pub datastore: Option<String>,
        /// Engine by full name.
        pub engine: Option<String>,
        /// Data stores within the engine.
        pub data_store_specs: Vec<VertexAISearchDataStoreSpec>,
        /// Condition on the documents.
        pub filter: Option<String>,
        /// How many documents to find.
        pub max_results: Option<i32>,
    }

    /// A data store within an engine.
    #[derive(Debug)]
    pub struct VertexAISearchDataStoreSpec {
        /// Full name.
        pub data_store: Option<String>,
        /// Condition on its documents.
        pub filter: Option<String>,
    }

    /// A retrieval corpus.
    #[derive(Debug)]
    pub struct VertexRagStore {
        /// Corpora and files to search.
        pub rag_resources: Vec<VertexRagStoreRagResource>,
        /// Deprecated: corpora by name.
        pub rag_corpora: Vec<String>,
        /// How to search.
        pub rag_retrieval_config: Option<Box<RagRetrievalConfig>>,
        /// How many passages to find.
        pub similarity_top_k: Option<i32>,
        /// Largest distance of a passage.
        pub vector_distance_threshold: Option<f64>,
        /// Keep the context of live sessions.
        pub store_context: Option<bool>,
    }

    /// A corpus, or files of it.
    #[derive(Debug)]
    pub struct VertexRagStoreRagResource {
        /// Corpus by full name.
        pub rag_corpus: Option<String>,
        /// Files of the corpus.
        pub rag_file_ids: Vec<String>,
    }

    /// How a corpus is searched.
    #[derive(Debug)]
    pub struct RagRetrievalConfig {
        /// How many passages to find.
        pub top_k: Option<i32>,
        /// Which passages count.
        pub filter: Option<Box<RagRetrievalConfigFilter>>,
        /// Weight of words against vectors.
        pub hybrid_search: Option<Box<RagRetrievalConfigHybridSearch>>,
        /// How passages are ranked again.
        pub ranking: Option<Box<RagRetrievalConfigRanking>>,
    }

    /// Which passages count.
    #[derive(Debug)]
    pub struct RagRetrievalConfigFilter {
        /// Condition on metadata.
        pub metadata_filter: Option<String>,
        /// Largest distance.
        pub vector_distance_threshold: Option<f64>,
        /// Smallest similarity.
        pub vector_similarity_threshold: Option<f64>,
    }

    /// Weight of words against vectors.
    #[derive(Debug)]
    pub struct RagRetrievalConfigHybridSearch {
        /// 0 is words alone, 1 is vectors alone.
        pub alpha: Option<f64>,
    }

    /// How passages are ranked again.
    #[derive(Debug)]
    pub struct RagRetrievalConfigRanking {
        /// By a model.
        pub llm_ranker: Option<Box<RagRetrievalConfigRankingLlmRanker>>,
        /// By a ranking service.
        pub rank_service: Option<Box<RagRetrievalConfigRankingRankService>>,
    }

    /// Ranking by a model.
    #[derive(Debug)]
    pub struct RagRetrievalConfigRankingLlmRanker {
        /// Which model.
        pub model_name: Option<String>,
    }

    /// Ranking by a service.
    #[derive(Debug)]
    pub struct RagRetrievalConfigRankingRankService {
        /// Which model of the service.
        pub model_name: Option<String>,
    }

    /// A search service elsewhere.
    #[derive(Debug)]
    pub struct ExternalApi {
        /// Its protocol.
        pub api_spec: Option<ApiSpec>,
        /// Its address.
        pub endpoint: Option<String>,
        /// Deprecated: its key.
        pub api_auth: Option<Box<ApiAuth>>,
        /// How to sign in.
        pub auth_config: Option<Box<AuthConfig>>,
        /// Settings of the Elasticsearch protocol.
        pub elastic_search_params: Option<Box<ExternalApiElasticSearchParams>>,
        /// Settings of the simple protocol.
        pub simple_search_params: Option<ExternalApiSimpleSearchParams>,
    }

    /// Settings of the Elasticsearch protocol.
    #[derive(Debug)]
    pub struct ExternalApiElasticSearchParams {
        /// Which index.
        pub index: Option<String>,
        /// How many hits.
        pub num_hits: Option<i32>,
        /// Which template.
        pub search_template: Option<String>,
    }

    /// The simple protocol has no settings.
    #[derive(Debug)]
    pub struct ExternalApiSimpleSearchParams {
    }

    /// A key for an outside service.
    #[derive(Debug)]
    pub struct ApiAuth {
        /// The key.
        pub api_key_config: Option<Box<ApiAuthApiKeyConfig>>,
    }

    /// A key for an outside service.
    #[derive(Debug)]
    pub struct ApiAuthApiKeyConfig {
        /// Where the secret manager keeps it.
        pub api_key_secret_version: Option<String>,
        /// The key itself.
        pub api_key_string: Option<String>,
    }
}

open_enum! {
    /// Protocols of outside search services.
    pub enum ApiSpec {
        /// Not said.
        Unspecified = "API_SPEC_UNSPECIFIED",
        /// The simple protocol.
        SimpleSearch = "SIMPLE_SEARCH",
        /// Elasticsearch.
        ElasticSearch = "ELASTIC_SEARCH",
    }
}
