//! What surrounds a generation: settings, feedback, counts, caches.

use gimmal_types::gemini::{
    AutomaticFunctionCallingConfig, HttpOptions, HttpRetryOptions, ListCachedContentsResponse,
    UrlMetadata, UsageMetadata,
};
use serde_json::json;

use crate::support::fills;

#[test]
fn settings() {
    fills::<AutomaticFunctionCallingConfig>(
        json!({"disable": true, "maximumRemoteCalls": 7, "ignoreCallHistory": true}),
    );
    fills::<HttpOptions>(
        json!({"baseUrl": "x", "baseUrlResourceScope": "COLLECTION", "apiVersion": "x", "headers": {"k": "x"}, "timeout": 7, "extraBody": {"a": 1}, "retryOptions": {}}),
    );
    fills::<HttpRetryOptions>(
        json!({"attempts": 7, "initialDelay": 0.5, "maxDelay": 0.5, "expBase": 0.5, "jitter": 0.5, "httpStatusCodes": [7]}),
    );
}

#[test]
fn counts_and_feedback() {
    fills::<UsageMetadata>(
        json!({"promptTokenCount": 7, "cachedContentTokenCount": 7, "candidatesTokenCount": 7, "responseTokenCount": 7, "thoughtsTokenCount": 7, "toolUsePromptTokenCount": 7, "totalTokenCount": 7, "promptTokensDetails": [{}], "cacheTokensDetails": [{}], "candidatesTokensDetails": [{}], "responseTokensDetails": [{}], "toolUsePromptTokensDetails": [{}], "trafficType": "ON_DEMAND", "serviceTier": "flex"}),
    );
    fills::<UrlMetadata>(
        json!({"retrievedUrl": "x", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_SUCCESS"}),
    );
    fills::<ListCachedContentsResponse>(json!({"cachedContents": [{}], "nextPageToken": "x"}));
}
