//! Wire types of the Gemini API, developer API and Vertex alike.

pub mod agents;
mod auth_config;
mod auth_token;
mod batch;
mod batch_places;
mod batch_reply;
mod blob;
mod cached_content;
mod candidate;
mod content;
pub mod credentials;
pub mod decisions;
mod documents;
mod embedding;
pub mod environments;
mod evaluation;
mod evaluation_result;
mod file_search_stores;
mod files;
mod function;
mod generate;
mod generate_config;
mod generation_config;
mod grounding;
mod http_options;
mod image;
pub mod interactions;
mod job;
mod job_debug;
mod live_client;
mod live_config;
mod live_music;
mod live_redacted;
mod live_server;
mod media;
mod metric;
mod model;
mod operation;
mod output;
mod part;
mod part_kind;
mod predict;
mod redacted;
mod redacted_media;
mod reference_image;
mod reply;
mod retrieval;
mod reward;
mod safety;
mod schema;
mod speech;
mod storage;
mod tokens;
mod tool;
mod tool_config;
pub mod triggers;
mod tuned_model_reply;
mod tuning;
mod tuning_config;
mod tuning_stats;
mod usage;
mod video;
pub mod voices;
pub mod webhooks;

pub use auth_config::{
    ApiKeyConfig, AuthConfig, AuthConfigGoogleServiceAccountConfig, AuthConfigHttpBasicAuthConfig,
    AuthConfigOauthConfig, AuthConfigOidcConfig, AuthType, HttpElementLocation,
};
pub use auth_token::{AuthToken, CreateAuthTokenConfig, LiveConnectConstraints};
pub use batch::{
    BatchJob, BatchJobDestination, BatchJobOutputInfo, BatchJobSource, CompletionStats,
    CreateBatchJobConfig, CreateEmbeddingsBatchJobConfig, EmbedContentBatch,
    EmbeddingsBatchJobSource, InlinedEmbedContentResponse, InlinedRequest, InlinedResponse,
    SingleEmbedContentResponse, VertexMultimodalDatasetDestination,
};
pub use batch_places::InvalidBatchPlace;
pub use batch_reply::{
    BatchDatasetDestination, BatchInput, BatchJobReply, BatchMetadata, BatchOutput, BatchStats,
    BigQueryDestination, InlinedEmbedContentResponses, InlinedResponses, ListBatchJobsReply,
    ListBatchJobsResponse, VertexMultimodalDatasetSource,
};
pub use blob::{Blob, FileData};
pub use cached_content::{
    CachedContent, CachedContentUsageMetadata, CreateCachedContentRequest, EncryptionSpec,
    ListCachedContentsResponse, UpdateCachedContentRequest,
};
pub use candidate::{
    Candidate, Citation, CitationMetadata, FinishReason, GoogleTypeDate, LogprobsResult,
    LogprobsResultCandidate, LogprobsResultTopCandidates, UrlContextMetadata, UrlMetadata,
    UrlRetrievalStatus,
};
pub use content::{Content, Role};
pub use documents::{
    DeleteDocumentConfig, Document, DocumentState, ListDocumentsConfig, ListDocumentsResponse,
};
pub use embedding::{
    ContentEmbedding, ContentEmbeddingStatistics, EmbedContentConfig, EmbedContentMetadata,
    EmbedContentReply, EmbedContentResponse, EmbeddingApiType, EmbeddingPrediction,
};
pub use evaluation::{
    AutoraterConfig, BleuSpec, ComputationBasedMetricSpec, ComputationBasedMetricType,
    CustomCodeExecutionSpec, CustomOutputFormatConfig, EvaluationConfig, EvaluationParserConfig,
    EvaluationParserConfigCustomCodeParserConfig, LLMBasedMetricSpec, OutputConfig,
    PairwiseMetricSpec, PointwiseMetricSpec, PredefinedMetricSpec, RougeSpec, RubricContentType,
    RubricGenerationSpec, UnifiedMetric,
};
pub use evaluation_result::{
    AggregationMetric, AggregationOutput, AggregationResult, BleuMetricValue,
    CustomCodeExecutionResult, CustomOutput, EvaluateDatasetResponse, EvaluateDatasetRun,
    EvaluationDataset, ExactMatchMetricValue, PairwiseChoice, PairwiseMetricResult,
    PointwiseMetricResult, RawOutput, RougeMetricValue,
};
pub use file_search_stores::{
    ChunkingConfig, CreateFileSearchStoreConfig, CustomMetadata, DeleteFileSearchStoreConfig,
    FileSearchStore, ImportFileConfig, ListFileSearchStoresConfig, ListFileSearchStoresResponse,
    StringList, UploadToFileSearchStoreConfig, UploadToFileSearchStoreResumableResponse,
    WhiteSpaceConfig,
};
pub use files::{
    ClaudeFile, CreateFileResponse, DeleteFileResponse, File, FileSource, FileState, FileStatus,
    ListFilesConfig, ListFilesResponse, RegisterFilesRequest, RegisterFilesResponse,
    UploadFileConfig, UploadFileResponse,
};
pub use function::{
    Behavior, FunctionCall, FunctionDeclaration, FunctionResponse, FunctionResponseBlob,
    FunctionResponseFileData, FunctionResponsePart, FunctionResponseScheduling, PartialArg,
};
pub use generate::{
    AutomaticFunctionCallingConfig, GenerateContentRequest, GenerateContentResponse,
    GenerationOutputConfig, ModelArmorConfig, ModelStage, ModelStatus, PromptFeedback, ServiceTier,
};
pub use generate_config::GenerateContentConfig;
pub use generation_config::{
    FeatureSelectionPreference, GenerationConfig, GenerationConfigRoutingConfig,
    GenerationConfigRoutingConfigAutoRoutingMode, GenerationConfigRoutingConfigManualRoutingMode,
    MediaResolution, Modality, ModelSelectionConfig, ThinkingConfig, ThinkingLevel,
    TranslationConfig,
};
pub use grounding::{
    GroundingChunk, GroundingChunkCustomMetadata, GroundingChunkImage, GroundingChunkMaps,
    GroundingChunkMapsPlaceAnswerSources, GroundingChunkMapsPlaceAnswerSourcesAuthorAttribution,
    GroundingChunkMapsPlaceAnswerSourcesReviewSnippet, GroundingChunkMapsRoute,
    GroundingChunkRetrievedContext, GroundingChunkStringList, GroundingChunkWeb, GroundingMetadata,
    GroundingMetadataSourceFlaggingUri, GroundingSupport, RagChunk, RagChunkPageSpan,
    RetrievalMetadata, SearchEntryPoint, Segment,
};
pub use http_options::{HttpOptions, HttpRetryOptions, ResourceScope};
pub use image::{
    EditImageConfig, EditImageResponse, EditMode, EntityLabel, GenerateImagesConfig,
    GenerateImagesResponse, GeneratedImage, GeneratedImageMask, Image, ImagePromptLanguage,
    PersonGeneration, ProductImage, RecontextImageConfig, RecontextImageResponse,
    RecontextImageSource, SafetyAttributes, SafetyFilterLevel, ScribbleImage, SegmentImageConfig,
    SegmentImageResponse, SegmentImageSource, SegmentMode, UpscaleImageConfig,
    UpscaleImageResponse, Video,
};
pub use job::{DeleteResourceJob, GoogleRpcStatus, JobError, JobState};
pub use live_client::{
    ActivityEnd, ActivityStart, LiveClientContent, LiveClientContextUpdate,
    LiveClientContextUpdateTools, LiveClientMessage, LiveClientRealtimeInput, LiveClientSetup,
    LiveClientToolResponse, LiveSendRealtimeInputParameters,
};
pub use live_config::{
    ActivityHandling, AutomaticActivityDetection, AvatarConfig, ContextWindowCompressionConfig,
    CustomizedAvatar, EndSensitivity, HistoryConfig, LiveConnectConfig, LiveConnectParameters,
    ProactivityConfig, RealtimeInputConfig, SessionResumptionConfig, SlidingWindow,
    StartSensitivity, TurnCoverage,
};
pub use live_music::{
    AudioChunk, LiveMusicClientContent, LiveMusicClientMessage, LiveMusicClientSetup,
    LiveMusicConnectParameters, LiveMusicFilteredPrompt, LiveMusicGenerationConfig,
    LiveMusicPlaybackControl, LiveMusicServerContent, LiveMusicServerMessage,
    LiveMusicServerSetupComplete, LiveMusicSetConfigParameters,
    LiveMusicSetWeightedPromptsParameters, LiveMusicSourceMetadata, MusicGenerationMode, Scale,
    WeightedPrompt,
};
pub use live_server::{
    InteractionStatus, LiveServerContent, LiveServerGoAway, LiveServerMessage,
    LiveServerSessionResumptionUpdate, LiveServerSetupComplete, LiveServerToolCall,
    LiveServerToolCallCancellation, TurnCompleteReason, VadSignalType, VoiceActivity,
    VoiceActivityDetectionSignal, VoiceActivityType,
};
pub use media::{
    AudioMetadata, AudioTranscriptionConfig, AudioTranscriptionConfigMode, DocumentMetadata,
    DocumentMetadataContentLayer, LanguageAuto, LanguageHints, SpeechMetadata, SpreadsheetMetadata,
    SpreadsheetMetadataContentLayer, Transcription, VideoMetadata, VideoMetadataContentLayer,
    WordInfo,
};
pub use metric::{EvaluationMetric, InvalidMetric, Metric};
pub use model::{
    Checkpoint, Endpoint, ListModelsResponse, Model, TunedModelInfo, UpdateModelConfig,
};
pub use operation::{
    GenerateVideosOperation, ImportFileOperation, ImportFileResponse, ProjectOperation,
    TuningOperation, UploadToFileSearchStoreOperation, UploadToFileSearchStoreResponse,
};
pub use output::{
    AspectRatio, AudioResponseFormat, Delivery, ImageConfig, ImageConfigImageOutputOptions,
    ImageResponseFormat, ImageSize, ProminentPeople, ResponseFormat, TextResponseFormat,
    VideoResponseFormat,
};
pub use part::{
    CodeExecutionResult, ExecutableCode, Language, MediaProcessing, Outcome, Part,
    PartMediaResolution, PartMediaResolutionLevel, ToolCall, ToolResponse, ToolType,
};
pub use part_kind::PartKind;
pub use predict::{
    ImagePrediction, ImagePredictions, VideoReply, VideoSample, VideosOperationReply, VideosReply,
};
pub use reference_image::{
    ControlReferenceConfig, ControlReferenceType, MaskReferenceConfig, MaskReferenceMode,
    ReferenceImage, ReferenceImageType, StyleReferenceConfig, SubjectReferenceConfig,
    SubjectReferenceType,
};
pub use retrieval::{
    ApiAuth, ApiAuthApiKeyConfig, ApiSpec, ExternalApi, ExternalApiElasticSearchParams,
    ExternalApiSimpleSearchParams, RagRetrievalConfig, RagRetrievalConfigFilter,
    RagRetrievalConfigHybridSearch, RagRetrievalConfigRanking, RagRetrievalConfigRankingLlmRanker,
    RagRetrievalConfigRankingRankService, Retrieval, VertexAISearch, VertexAISearchDataStoreSpec,
    VertexRagStore, VertexRagStoreRagResource,
};
pub use reward::{
    CompositeReinforcementTuningRewardConfig,
    CompositeReinforcementTuningRewardConfigWeightedRewardConfig, MatchOperation,
    ReinforcementTuningAutoraterScorer, ReinforcementTuningAutoraterScorerExactMatchScorer,
    ReinforcementTuningAutoraterScorerParsedResponseConversionScorer,
    ReinforcementTuningCloudRunRewardScorer, ReinforcementTuningCodeExecutionRewardScorer,
    ReinforcementTuningExample, ReinforcementTuningParseResponseConfig,
    ReinforcementTuningRewardInfo, ReinforcementTuningStringMatchRewardScorer,
    ReinforcementTuningStringMatchRewardScorerJsonMatchExpression,
    ReinforcementTuningStringMatchRewardScorerStringMatchExpression,
    ReinforcementTuningUserDatasetExamples, ResponseParseType,
    SingleReinforcementTuningRewardConfig, ValidateRewardParameters, ValidateRewardResponse,
};
pub use safety::{
    BlockedReason, HarmBlockMethod, HarmBlockThreshold, HarmCategory, HarmProbability,
    HarmSeverity, SafetyRating, SafetySetting,
};
#[cfg(feature = "schemars")]
pub use schema::json_schema_of;
pub use schema::{Schema, SchemaError, Type};
pub use speech::{
    MultiSpeakerVoiceConfig, PrebuiltVoiceConfig, ReplicatedVoiceConfig, SpeakerVoiceConfig,
    SpeechConfig, VoiceConfig, VoiceConsentSignature,
};
pub use storage::{BigQuerySource, GcsDestination, GcsSource, OutputInfo};
pub use tokens::{
    ComputeTokensRequest, ComputeTokensResponse, CountTokensRequest, CountTokensResponse,
    TokensInfo,
};
pub use tool::{
    ComputerUse, DynamicRetrievalConfig, DynamicRetrievalConfigMode, EnterpriseWebSearch,
    Environment, FileSearch, GoogleMaps, GoogleMapsGroundingTypes, GoogleMapsPlaces,
    GoogleMapsRouting, GoogleSearch, GoogleSearchRetrieval, ImageSearch, Interval, McpServer,
    PhishBlockThreshold, SafetyPolicy, SearchTypes, StreamableHttpTransport, Tool,
    ToolCodeExecution, ToolExaAiSearch, ToolParallelAiSearch, UrlContext, WebSearch,
};
pub use tool_config::{
    FunctionCallingConfig, FunctionCallingConfigMode, LatLng, RetrievalConfig, ToolConfig,
};
pub use tuned_model_reply::{TunedModelReply, TunedModelTask};
pub use tuning::{
    AdapterSize, DistillationHyperParameters, DistillationSamplingSpec, DistillationSpec,
    FullFineTuningSpec, ListTuningJobsResponse, PartnerModelTuningSpec, PreTunedModel,
    PreferenceOptimizationHyperParameters, PreferenceOptimizationSpec,
    ReinforcementTuningHyperParameters, ReinforcementTuningSpec, ReinforcementTuningThinkingLevel,
    SupervisedHyperParameters, SupervisedTuningSpec, TunedModel, TunedModelCheckpoint, TuningJob,
    TuningJobMetadata, TuningJobState, TuningMode, TuningSpeed, TuningTask, VeoHyperParameters,
    VeoLoraTuningSpec, VeoTuningSpec, VideoOrientation,
};
pub use tuning_config::{
    CreateTuningJobConfig, TuningDataset, TuningExample, TuningMethod, TuningValidationDataset,
};
pub use tuning_stats::{
    DatasetDistribution, DatasetDistributionDistributionBucket, DatasetStats,
    DistillationDataStats, GeminiPreferenceExample, GeminiPreferenceExampleCompletion,
    PreferenceOptimizationDataStats, SupervisedTuningDataStats,
    SupervisedTuningDatasetDistribution, SupervisedTuningDatasetDistributionDatasetBucket,
    TuningDataStats,
};
pub use usage::{MediaModality, ModalityTokenCount, TrafficType, UsageMetadata};
pub use video::{
    GenerateVideosConfig, GenerateVideosResponse, GenerateVideosSource, GeneratedVideo,
    ImageResizeMode, VideoCompressionQuality, VideoGenerationMask, VideoGenerationMaskMode,
    VideoGenerationReferenceImage, VideoGenerationReferenceType, WebhookConfig,
};
