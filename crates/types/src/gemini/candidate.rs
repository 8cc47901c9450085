//! One of the replies to a prompt.

use super::{Content, GroundingMetadata, SafetyRating};
use crate::Bytes64;

wire! {
    /// One of the replies to a prompt. Every field may be missing.
    #[derive(Debug)]
    pub struct Candidate {
        /// What the model said.
        pub content: Option<Box<Content>>,
        /// Why it stopped; absent while it streams.
        pub finish_reason: Option<FinishReason>,
        /// The reason in words.
        pub finish_message: Option<String>,
        /// Its place among the candidates.
        pub index: Option<i32>,
        /// Its tokens.
        pub token_count: Option<i32>,
        /// Mean log probability of its tokens.
        pub avg_logprobs: Option<f64>,
        /// Log probabilities of its tokens.
        pub logprobs_result: Option<Box<LogprobsResult>>,
        /// Ratings of the reply.
        pub safety_ratings: Vec<SafetyRating>,
        /// Sources it repeats.
        pub citation_metadata: Option<Box<CitationMetadata>>,
        /// Sources it rests on.
        pub grounding_metadata: Option<Box<GroundingMetadata>>,
        /// Web pages it read.
        pub url_context_metadata: Option<Box<UrlContextMetadata>>,
        /// Resumes this reply when it was cut.
        pub continuation_token: Option<Bytes64>,
    }

    /// Log probabilities of a reply.
    #[derive(Debug)]
    pub struct LogprobsResult {
        /// The token chosen at each step.
        pub chosen_candidates: Vec<LogprobsResultCandidate>,
        /// The likeliest tokens at each step.
        pub top_candidates: Vec<LogprobsResultTopCandidates>,
        /// Sum over the chosen tokens; developer API only.
        pub log_probability_sum: Option<f64>,
    }

    /// A token and its log probability.
    #[derive(Debug)]
    pub struct LogprobsResultCandidate {
        /// The text of the token.
        pub token: Option<String>,
        /// Its number.
        pub token_id: Option<i32>,
        /// Its log probability.
        pub log_probability: Option<f64>,
    }

    /// The likeliest tokens at one step.
    #[derive(Debug)]
    pub struct LogprobsResultTopCandidates {
        /// Likeliest first.
        pub candidates: Vec<LogprobsResultCandidate>,
    }

    /// Sources a reply repeats.
    #[derive(Debug)]
    pub struct CitationMetadata {
        /// The sources, under Vertex's name for them.
        pub citations: Vec<Citation>,
        /// The sources, under the developer API's name for them.
        pub citation_sources: Vec<Citation>,
    }

    /// A source that a section of the reply repeats.
    #[derive(Debug)]
    pub struct Citation {
        /// First byte of the section.
        pub start_index: Option<i32>,
        /// First byte after it.
        pub end_index: Option<i32>,
        /// Where the source is.
        pub uri: Option<String>,
        /// Its title.
        pub title: Option<String>,
        /// Its licence.
        pub license: Option<String>,
        /// When it was published.
        pub publication_date: Option<Box<GoogleTypeDate>>,
    }

    /// A calendar date; zero means unknown.
    #[derive(Debug)]
    pub struct GoogleTypeDate {
        /// Year.
        pub year: Option<i32>,
        /// Month, 1 to 12.
        pub month: Option<i32>,
        /// Day, 1 to 31.
        pub day: Option<i32>,
    }

    /// Web pages a reply read.
    #[derive(Debug)]
    pub struct UrlContextMetadata {
        /// The pages.
        pub url_metadata: Vec<UrlMetadata>,
    }

    /// A web page a reply read.
    #[derive(Debug)]
    pub struct UrlMetadata {
        /// Its address.
        pub retrieved_url: Option<String>,
        /// Whether it could be read.
        pub url_retrieval_status: Option<UrlRetrievalStatus>,
    }
}

open_enum! {
    /// Why the model stopped.
    pub enum FinishReason {
        /// Not said.
        Unspecified = "FINISH_REASON_UNSPECIFIED",
        /// The reply is complete, or a stop sequence came.
        Stop = "STOP",
        /// The limit of tokens was reached.
        MaxTokens = "MAX_TOKENS",
        /// The safety settings.
        Safety = "SAFETY",
        /// It repeated a source word for word.
        Recitation = "RECITATION",
        /// A language that is not supported.
        Language = "LANGUAGE",
        /// Another reason.
        Other = "OTHER",
        /// A forbidden word.
        Blocklist = "BLOCKLIST",
        /// Forbidden content.
        ProhibitedContent = "PROHIBITED_CONTENT",
        /// Personal data.
        Spii = "SPII",
        /// A function call that is not valid.
        MalformedFunctionCall = "MALFORMED_FUNCTION_CALL",
        /// An unsafe picture.
        ImageSafety = "IMAGE_SAFETY",
        /// A forbidden picture.
        ImageProhibitedContent = "IMAGE_PROHIBITED_CONTENT",
        /// Another reason with a picture.
        ImageOther = "IMAGE_OTHER",
        /// A picture was asked for and none was made.
        NoImage = "NO_IMAGE",
        /// A picture that repeats a source.
        ImageRecitation = "IMAGE_RECITATION",
        /// A call of a tool that was not offered.
        UnexpectedToolCall = "UNEXPECTED_TOOL_CALL",
        /// Too many calls in a row.
        TooManyToolCalls = "TOO_MANY_TOOL_CALLS",
        /// A thought signature was not sent back.
        MissingThoughtSignature = "MISSING_THOUGHT_SIGNATURE",
        /// The model's output could not be read.
        MalformedResponse = "MALFORMED_RESPONSE",
        /// Handed on.
        Escalation = "ESCALATION",
        /// Not allowed under the usage policy.
        PupLimitedDisabled = "PUP_LIMITED_DISABLED",
        /// Cut; a continuation token resumes it.
        Continuation = "CONTINUATION",
        /// Model Armor.
        ModelArmor = "MODEL_ARMOR",
    }

    /// Whether a web page could be read.
    pub enum UrlRetrievalStatus {
        /// Not said.
        Unspecified = "URL_RETRIEVAL_STATUS_UNSPECIFIED",
        /// It was read.
        Success = "URL_RETRIEVAL_STATUS_SUCCESS",
        /// It failed.
        Error = "URL_RETRIEVAL_STATUS_ERROR",
        /// It costs money.
        Paywall = "URL_RETRIEVAL_STATUS_PAYWALL",
        /// It is unsafe.
        Unsafe = "URL_RETRIEVAL_STATUS_UNSAFE",
    }
}
