//! Wire types of interactions: turns with a model or an agent that the service remembers.
//!
//! JSON names are those of the fields, in snake case. Unions keep what they do not know.

mod agent;
mod annotation;
mod assembly;
mod call;
mod config;
mod content;
mod delta;
mod environment;
mod event;
mod event_place;
mod format;
mod input;
mod interaction;
mod mime;
mod model;
mod output;
mod request;
mod retrieval;
mod step;
mod tool;
mod usage;

pub use agent::{
    AgentConfig, AgentOption, AntigravityAgentConfig, CodeMenderAgentConfig,
    DeepResearchAgentConfig, DynamicAgentConfig, FileContent, FindRequest, FixRequest, Mode,
    SessionConfig, Visualization,
};
pub use annotation::{
    Annotation, FileCitation, PlaceCitation, ReviewSnippet, SpeechAnnotation, UrlCitation, WordInfo,
};
pub use assembly::InteractionAssembly;
pub use call::{
    CodeExecutionCallArguments, FileSearchResult, GoogleMapsCallArguments, GoogleMapsResult,
    GoogleMapsResultPlaces, GoogleSearchCallArguments, GoogleSearchResult, Language,
    RetrievalCallArguments, RetrievalType, SearchType, ToolSearchCallStepArguments,
    UrlContextCallArguments, UrlContextResult, UrlContextResultStatus,
};
pub use config::{
    GenerationConfig, HarmCategory, ImageConfig, Method, SafetySetting, SmartTranscriptionMode,
    SpeakerConfig, SpeechConfig, SpeechConfigUnion, Task, ThinkingLevel, ThinkingSummaries,
    Threshold, TranscriptionConfig, TranscriptionConfigMode, TranscriptionConfigModeEnum,
    TranscriptionMode, VerbatimTranscriptionMode, VideoConfig,
};
pub use content::{
    AudioContent, AudioMediaProcessing, AudioProcessing, AudioProcessingEnum,
    AudioStaticMediaProcessing, Content, DocumentContent, DocumentMediaProcessing,
    DocumentProcessing, DocumentProcessingEnum, DocumentStaticMediaProcessing, ImageContent,
    MediaProcessing, MediaResolution, PageProcessingOptions, PageProcessingOptionsContentLayer,
    ProcessingEnum, SpreadsheetProcessingOptions, SpreadsheetProcessingOptionsContentLayer,
    StaticMediaProcessing, StaticMediaProcessingContentLayer, TextContent, VideoContent,
    VideoProcessing,
};
pub use delta::{
    ArgumentsDelta, AudioDelta, CodeExecutionCallDelta, CodeExecutionResultDelta, DocumentDelta,
    FileSearchCallDelta, FileSearchResultDelta, FunctionResultDelta, GoogleMapsCallDelta,
    GoogleMapsResultDelta, GoogleSearchCallDelta, GoogleSearchResultDelta, ImageDelta,
    McpServerToolCallDelta, McpServerToolResultDelta, ProcessingCallDelta, ProcessingResultDelta,
    RetrievalCallDelta, RetrievalResultDelta, StepDeltaData, TextAnnotationDelta, TextDelta,
    ThoughtSignatureDelta, ThoughtSummaryDelta, ToolSearchCallDelta, ToolSearchResultDelta,
    UrlContextCallDelta, UrlContextResultDelta, VideoDelta,
};
pub use environment::{
    Allowlist, AllowlistEntry, Disabled, Env, EnvVar, Environment,
    EnvironmentNetworkEgressAllowlist, InteractionEnvironment, Network, NetworkEnum,
    RemoteEnvironment, Source, SourceType, Transform,
};
pub use event::{
    Error, ErrorEvent, InteractionCompletedEvent, InteractionCreatedEvent, InteractionSseEvent,
    InteractionSseEventInteraction, InteractionStatusUpdate, StepDelta, StepDeltaMetadata,
    StepStart, StepStop,
};
pub use format::{
    AspectRatio, AudioResponseFormat, AudioResponseFormatMimeType, Delivery, ImageResponseFormat,
    ImageResponseFormatMimeType, ImageSize, Resolution, ResponseFormat, ResponseFormats,
    TextResponseFormat, TextResponseFormatMimeType, VideoResponseFormat,
};
pub use input::InteractionsInput;
pub use interaction::{
    CreateAgentInteraction, CreateModelInteraction, Interaction, InteractionStatus, ServiceTier,
    Status, WebhookConfig,
};
pub use mime::{AudioMimeType, DocumentMimeType, ImageMimeType, VideoMimeType};
pub use model::Model;
pub use request::InteractionRequest;
pub use retrieval::{
    ExaAISearchConfig, Filter, HybridSearch, ParallelAISearchConfig, RagResource,
    RagRetrievalConfig, RagStoreConfig, RankService, Ranking, Retrieval, VertexAISearchConfig,
};
pub use step::{
    CodeExecutionCallStep, CodeExecutionOutput, CodeExecutionResultStep, FileSearchCallStep,
    FileSearchResultStep, FunctionCallStep, FunctionResult, FunctionResultStep,
    FunctionResultSubcontent, GoogleMapsCallStep, GoogleMapsResultStep, GoogleSearchCallStep,
    GoogleSearchResultStep, McpServerToolCallStep, McpServerToolResultStep, ModelOutputStep,
    ProcessingCallStep, ProcessingResultStep, RetrievalCallStep, RetrievalResultStep, Step,
    ThoughtStep, ThoughtSummaryContent, ToolSearchCallStep, ToolSearchResultStep,
    UrlContextCallStep, UrlContextResultStep, UserInputStep,
};
pub use tool::{
    AllowedTools, CodeExecution, ComputerUse, DisabledSafetyPolicy, EnvironmentEnum, Execution,
    FileSearch, Function, GoogleMaps, GoogleSearch, McpServer, Tool, ToolChoice, ToolChoiceConfig,
    ToolChoiceType, ToolSearch, UrlContext,
};
pub use usage::{
    GroundingToolCount, GroundingToolCountType, ModalityTokens, ResponseModality, Usage,
};
