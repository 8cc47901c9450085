//! Where the arguments of batch jobs go in a body, for each service.

table! {
    /// Settings of a batch on the developer API.
    CONFIG of "CreateBatchJobConfig" {
        "display_name" => "batch.displayName",
        "webhook_config" => "batch.webhookConfig",
    }
}
table! {
    /// Settings of a batch on Vertex.
    CONFIG_VERTEX of "CreateBatchJobConfig" {
        "display_name" => "displayName",
        "dest" => "outputConfig" by (DESTINATION_VERTEX),
    }
}
table! {
    /// Where requests come from on the developer API, besides those sent in place.
    SOURCE of "BatchJobSource" {
        "file_name" => "fileName",
    }
}
table! {
    /// Where requests come from on Vertex.
    SOURCE_VERTEX of "BatchJobSource" {
        "format" => "instancesFormat",
        "gcs_uri" => "gcsSource.uris",
        "bigquery_uri" => "bigquerySource.inputUri",
        "vertex_dataset_name" => "vertexMultimodalDatasetSource.datasetName",
    }
}
table! {
    /// Where answers go on Vertex.
    DESTINATION_VERTEX of "BatchJobDestination" {
        "format" => "predictionsFormat",
        "gcs_uri" => "gcsDestination.outputUriPrefix",
        "bigquery_uri" => "bigqueryDestination.outputUri",
        "vertex_dataset" => "vertexMultimodalDatasetDestination" by (DATASET_VERTEX),
    }
}
table! {
    /// A dataset to be made on Vertex.
    DATASET_VERTEX of "VertexMultimodalDatasetDestination" {
        "bigquery_destination" => "bigqueryDestination.outputUri",
        "display_name" => "displayName",
    }
}
table! {
    /// One request of a batch on the developer API; its model goes in separately, in full.
    REQUEST of "InlinedRequest" {
        "contents" => "request.contents",
        "metadata" => "metadata",
        "config" => "request" by (GENERATION),
    }
}
table! {
    /// Everything about a generation besides its contents, on the developer API.
    GENERATION of "GenerateContentConfig" {
        "system_instruction" => "systemInstruction",
        "temperature" => "generationConfig.temperature",
        "top_p" => "generationConfig.topP",
        "top_k" => "generationConfig.topK",
        "candidate_count" => "generationConfig.candidateCount",
        "max_output_tokens" => "generationConfig.maxOutputTokens",
        "stop_sequences" => "generationConfig.stopSequences",
        "response_logprobs" => "generationConfig.responseLogprobs",
        "logprobs" => "generationConfig.logprobs",
        "presence_penalty" => "generationConfig.presencePenalty",
        "frequency_penalty" => "generationConfig.frequencyPenalty",
        "seed" => "generationConfig.seed",
        "response_mime_type" => "generationConfig.responseMimeType",
        "response_schema" => "generationConfig.responseSchema",
        "response_json_schema" => "generationConfig.responseJsonSchema",
        "safety_settings" => "safetySettings",
        "tools" => "tools",
        "tool_config" => "toolConfig",
        "labels" => "labels",
        "cached_content" => "cachedContent",
        "response_modalities" => "generationConfig.responseModalities",
        "media_resolution" => "generationConfig.mediaResolution",
        "speech_config" => "generationConfig.speechConfig",
        "thinking_config" => "generationConfig.thinkingConfig",
        "image_config" => "generationConfig.imageConfig",
        "enable_enhanced_civic_answers" => "generationConfig.enableEnhancedCivicAnswers",
        "service_tier" => "serviceTier",
        "audio_transcription_config" => "generationConfig.audioTranscriptionConfig",
        "continuation_token" => "continuationToken",
        "store" => "store",
    }
}
table! {
    /// Settings of a batch for embeddings on the developer API.
    EMBEDDINGS_CONFIG of "CreateEmbeddingsBatchJobConfig" {
        "display_name" => "batch.displayName",
    }
}
table! {
    /// Where content to embed comes from on the developer API, besides that sent in place.
    EMBEDDINGS_SOURCE of "EmbeddingsBatchJobSource" {
        "file_name" => "fileName",
    }
}
table! {
    /// How each content is embedded on the developer API.
    EMBEDDING of "EmbedContentConfig" {
        "task_type" => "request.taskType",
        "title" => "request.title",
        "output_dimensionality" => "request.outputDimensionality",
    }
}
