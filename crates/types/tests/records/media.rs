//! Pictures, films, files, and the work that makes them.

use gimmal_types::gemini::{
    ClaudeFile, ControlReferenceConfig, DeleteFileResponse, EditImageConfig, GenerateImagesConfig,
    GenerateVideosConfig, GenerateVideosResponse, GeneratedImage, GeneratedImageMask,
    ListFilesConfig, ListFilesResponse, MaskReferenceConfig, ProjectOperation,
    RecontextImageConfig, SegmentImageConfig, SubjectReferenceConfig,
    UploadToFileSearchStoreOperation, UpscaleImageConfig, VideoGenerationMask,
};
use serde_json::json;

use crate::support::fills;

#[test]
fn pictures() {
    fills::<EditImageConfig>(
        json!({"outputGcsUri": "x", "negativePrompt": "x", "numberOfImages": 7, "aspectRatio": "x", "guidanceScale": 0.5, "seed": 7, "safetyFilterLevel": "BLOCK_MEDIUM_AND_ABOVE", "personGeneration": "ALLOW_ADULT", "includeSafetyAttributes": true, "includeRaiReason": true, "language": "en", "outputMimeType": "x", "outputCompressionQuality": 7, "addWatermark": true, "labels": {"k": "x"}, "editMode": "EDIT_MODE_INPAINT_REMOVAL", "baseSteps": 7}),
    );
    fills::<GenerateImagesConfig>(
        json!({"outputGcsUri": "x", "negativePrompt": "x", "numberOfImages": 7, "aspectRatio": "x", "guidanceScale": 0.5, "seed": 7, "safetyFilterLevel": "BLOCK_MEDIUM_AND_ABOVE", "personGeneration": "ALLOW_ADULT", "includeSafetyAttributes": true, "includeRaiReason": true, "language": "en", "outputMimeType": "x", "outputCompressionQuality": 7, "addWatermark": true, "labels": {"k": "x"}, "imageSize": "x", "enhancePrompt": true}),
    );
    fills::<GeneratedImage>(
        json!({"image": {}, "raiFilteredReason": "x", "safetyAttributes": {}, "enhancedPrompt": "x"}),
    );
    fills::<GeneratedImageMask>(json!({"mask": {}, "labels": [{}]}));
    fills::<RecontextImageConfig>(
        json!({"numberOfImages": 7, "baseSteps": 7, "outputGcsUri": "x", "seed": 7, "safetyFilterLevel": "BLOCK_MEDIUM_AND_ABOVE", "personGeneration": "ALLOW_ADULT", "addWatermark": true, "outputMimeType": "x", "outputCompressionQuality": 7, "enhancePrompt": true, "labels": {"k": "x"}}),
    );
    fills::<SegmentImageConfig>(
        json!({"mode": "BACKGROUND", "maxPredictions": 7, "confidenceThreshold": 0.5, "maskDilation": 0.5, "binaryColorThreshold": 0.5, "labels": {"k": "x"}}),
    );
    fills::<UpscaleImageConfig>(
        json!({"outputGcsUri": "x", "safetyFilterLevel": "BLOCK_MEDIUM_AND_ABOVE", "personGeneration": "ALLOW_ADULT", "includeRaiReason": true, "outputMimeType": "x", "outputCompressionQuality": 7, "enhanceInputImage": true, "imagePreservationFactor": 0.5, "labels": {"k": "x"}}),
    );
    fills::<ControlReferenceConfig>(
        json!({"controlType": "CONTROL_TYPE_CANNY", "enableControlImageComputation": true}),
    );
    fills::<MaskReferenceConfig>(
        json!({"maskMode": "MASK_MODE_USER_PROVIDED", "segmentationClasses": [7], "maskDilation": 0.5}),
    );
    fills::<SubjectReferenceConfig>(
        json!({"subjectType": "SUBJECT_TYPE_PERSON", "subjectDescription": "x"}),
    );
}

#[test]
fn films() {
    fills::<GenerateVideosConfig>(
        json!({"numberOfVideos": 7, "outputGcsUri": "x", "fps": 7, "durationSeconds": 7, "seed": 7, "aspectRatio": "x", "resolution": "x", "personGeneration": "x", "pubsubTopic": "x", "negativePrompt": "x", "enhancePrompt": true, "generateAudio": true, "lastFrame": {}, "referenceImages": [{}], "mask": {}, "compressionQuality": "LOSSLESS", "labels": {"k": "x"}, "webhookConfig": {}, "resizeMode": "PAD"}),
    );
    fills::<GenerateVideosResponse>(
        json!({"generatedVideos": [{}], "raiMediaFilteredCount": 7, "raiMediaFilteredReasons": ["x"]}),
    );
    fills::<VideoGenerationMask>(json!({"image": {}, "maskMode": "REMOVE"}));
}

#[test]
fn files() {
    fills::<ClaudeFile>(
        json!({"createdAt": "2026-01-02T03:04:05Z", "downloadable": true, "expiresAt": "2026-01-02T03:04:05Z", "filename": "x", "id": "x", "mimeType": "x", "sizeBytes": 7, "type": "x"}),
    );
    fills::<DeleteFileResponse>(json!({"id": "x", "type": "x"}));
    fills::<ListFilesConfig>(json!({"pageSize": 7, "pageToken": "x"}));
    fills::<ListFilesResponse>(
        json!({"nextPageToken": "x", "files": [{}], "data": [{}], "nextPage": "x"}),
    );
}

#[test]
fn operations() {
    fills::<ProjectOperation>(
        json!({"name": "x", "metadata": {"a": 1}, "done": true, "error": {"a": 1}, "response": {"a": 1}}),
    );
    fills::<UploadToFileSearchStoreOperation>(
        json!({"name": "x", "metadata": {"a": 1}, "done": true, "error": {"a": 1}, "response": {}}),
    );
}
