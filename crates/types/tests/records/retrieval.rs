//! Documents, stores, vectors, and what an answer rests on.

use gimmal_types::gemini::{
    ContentEmbeddingStatistics, CreateFileSearchStoreConfig, DeleteDocumentConfig,
    DeleteFileSearchStoreConfig, EmbedContentConfig, EmbedContentResponse, GroundingChunkImage,
    GroundingChunkMapsPlaceAnswerSourcesReviewSnippet, GroundingChunkMapsRoute,
    GroundingChunkRetrievedContext, GroundingMetadata, ImportFileConfig, ListDocumentsConfig,
    ListDocumentsResponse, ListFileSearchStoresConfig, ListFileSearchStoresResponse, RagChunk,
    UploadToFileSearchStoreConfig,
};
use serde_json::json;

use crate::support::fills;

#[test]
fn documents() {
    fills::<DeleteDocumentConfig>(json!({"force": true}));
    fills::<ListDocumentsConfig>(json!({"pageSize": 7, "pageToken": "x"}));
    fills::<ListDocumentsResponse>(json!({"nextPageToken": "x", "documents": [{}]}));
}

#[test]
fn stores() {
    fills::<CreateFileSearchStoreConfig>(json!({"displayName": "x", "embeddingModel": "x"}));
    fills::<DeleteFileSearchStoreConfig>(json!({"force": true}));
    fills::<ImportFileConfig>(json!({"customMetadata": [{}], "chunkingConfig": {}}));
    fills::<ListFileSearchStoresConfig>(json!({"pageSize": 7, "pageToken": "x"}));
    fills::<ListFileSearchStoresResponse>(json!({"nextPageToken": "x", "fileSearchStores": [{}]}));
    fills::<UploadToFileSearchStoreConfig>(
        json!({"mimeType": "x", "displayName": "x", "customMetadata": [{}], "chunkingConfig": {}}),
    );
}

#[test]
fn vectors() {
    fills::<ContentEmbeddingStatistics>(
        json!({"truncated": true, "tokenCount": 0.5, "tokensDetails": [{}]}),
    );
    fills::<EmbedContentConfig>(
        json!({"taskType": "x", "title": "x", "outputDimensionality": 7, "mimeType": "x", "autoTruncate": true, "documentOcr": true, "audioTrackExtraction": true}),
    );
    fills::<EmbedContentResponse>(
        json!({"embeddings": [{}], "metadata": {}, "truncated": true, "usageMetadata": {}}),
    );
}

#[test]
fn grounding() {
    fills::<GroundingChunkImage>(
        json!({"sourceUri": "x", "imageUri": "x", "title": "x", "domain": "x"}),
    );
    fills::<GroundingChunkMapsPlaceAnswerSourcesReviewSnippet>(
        json!({"reviewId": "x", "review": "x", "title": "x", "authorAttribution": {}, "googleMapsUri": "x", "relativePublishTimeDescription": "x", "flagContentUri": "x"}),
    );
    fills::<GroundingChunkMapsRoute>(
        json!({"distanceMeters": 7, "duration": "x", "encodedPolyline": "x"}),
    );
    fills::<GroundingChunkRetrievedContext>(
        json!({"uri": "x", "title": "x", "text": "x", "documentName": "x", "ragChunk": {}, "customMetadata": [{}], "fileSearchStore": "x", "pageNumber": 7, "mediaId": "x"}),
    );
    fills::<GroundingMetadata>(
        json!({"groundingChunks": [{}], "groundingSupports": [{}], "webSearchQueries": ["x"], "imageSearchQueries": ["x"], "retrievalQueries": ["x"], "retrievalMetadata": {}, "searchEntryPoint": {}, "googleMapsWidgetContextToken": "x", "sourceFlaggingUris": [{}]}),
    );
    fills::<RagChunk>(json!({"text": "x", "pageSpan": {}, "chunkId": "x", "fileId": "x"}));
}
