//! Batches, tuning and the models that come of it.

use gimmal_types::gemini::{
    CreateBatchJobConfig, CreateEmbeddingsBatchJobConfig, CreateTuningJobConfig,
    DatasetDistribution, DatasetStats, DistillationSamplingSpec, DistillationSpec, GcsDestination,
    ListBatchJobsResponse, ListModelsResponse, ListTuningJobsResponse, PartnerModelTuningSpec,
    PreferenceOptimizationSpec, ReinforcementTuningHyperParameters, SupervisedTuningDataStats,
    SupervisedTuningDatasetDistribution, SupervisedTuningSpec, TuningJob, TuningJobMetadata,
    UpdateModelConfig, VeoHyperParameters,
};
use serde_json::json;

use crate::support::fills;

#[test]
fn batches() {
    fills::<CreateBatchJobConfig>(json!({"displayName": "x", "dest": {}, "webhookConfig": {}}));
    fills::<CreateEmbeddingsBatchJobConfig>(json!({"displayName": "x"}));
    fills::<ListBatchJobsResponse>(json!({"batchJobs": [{}], "nextPageToken": "x"}));
    fills::<GcsDestination>(json!({"outputUriPrefix": "x"}));
}

#[test]
fn tuning() {
    fills::<DistillationSamplingSpec>(
        json!({"baseTeacherModel": "x", "tunedTeacherModelSource": "x", "validationDatasetUri": "x", "promptDatasetUri": "x", "hyperparameters": {}}),
    );
    fills::<DistillationSpec>(
        json!({"promptDatasetUri": "x", "baseTeacherModel": "x", "hyperParameters": {}, "pipelineRootDirectory": "x", "studentModel": "x", "trainingDatasetUri": "x", "tunedTeacherModelSource": "x", "validationDatasetUri": "x", "tuningMode": "TUNING_MODE_FULL"}),
    );
    fills::<ListTuningJobsResponse>(json!({"tuningJobs": [{}], "nextPageToken": "x"}));
    fills::<PartnerModelTuningSpec>(
        json!({"hyperParameters": {"a": 1}, "trainingDatasetUri": "x", "validationDatasetUri": "x"}),
    );
    fills::<PreferenceOptimizationSpec>(
        json!({"exportLastCheckpointOnly": true, "hyperParameters": {}, "trainingDatasetUri": "x", "validationDatasetUri": "x"}),
    );
    fills::<ReinforcementTuningHyperParameters>(
        json!({"epochCount": 7, "learningRateMultiplier": 0.5, "adapterSize": "ADAPTER_SIZE_ONE", "samplesPerPrompt": 7, "batchSize": 7, "evaluateInterval": 7, "checkpointInterval": 7, "maxOutputTokens": 7, "thinkingLevel": "MINIMAL", "thinkingBudget": 7, "stepCount": 7}),
    );
    fills::<SupervisedTuningSpec>(
        json!({"exportLastCheckpointOnly": true, "hyperParameters": {}, "trainingDatasetUri": "x", "tuningMode": "TUNING_MODE_FULL", "validationDatasetUri": "x"}),
    );
    fills::<TuningJob>(
        json!({"name": "x", "state": "JOB_STATE_QUEUED", "createTime": "2026-01-02T03:04:05Z", "startTime": "2026-01-02T03:04:05Z", "endTime": "2026-01-02T03:04:05Z", "updateTime": "2026-01-02T03:04:05Z", "error": {}, "description": "x", "baseModel": "x", "tunedModel": {}, "preTunedModel": {}, "supervisedTuningSpec": {}, "preferenceOptimizationSpec": {}, "distillationSpec": {}, "reinforcementTuningSpec": {}, "tuningDataStats": {}, "encryptionSpec": {}, "partnerModelTuningSpec": {}, "evaluationConfig": {}, "customBaseModel": "x", "evaluateDatasetRuns": [{}], "experiment": "x", "fullFineTuningSpec": {}, "labels": {"k": "x"}, "outputUri": "x", "pipelineJob": "x", "serviceAccount": "x", "tunedModelDisplayName": "x", "tuningJobState": "TUNING_JOB_STATE_WAITING_FOR_QUOTA", "veoTuningSpec": {}, "tuningJobMetadata": {}, "veoLoraTuningSpec": {}, "distillationSamplingSpec": {}, "gcsMetricsUri": "x"}),
    );
    fills::<TuningJobMetadata>(json!({"completedEpochCount": 7, "completedStepCount": 7}));
    fills::<VeoHyperParameters>(
        json!({"epochCount": 7, "learningRateMultiplier": 0.5, "tuningTask": "TUNING_TASK_I2V", "veoDataMixtureRatio": 0.5, "adapterSize": "ADAPTER_SIZE_ONE", "tuningSpeed": "REGULAR"}),
    );
    fills::<CreateTuningJobConfig>(
        json!({"method": "PREFERENCE_TUNING", "validationDataset": {}, "tunedModelDisplayName": "x", "description": "x", "epochCount": 7, "learningRateMultiplier": 0.5, "exportLastCheckpointOnly": true, "preTunedModelCheckpointId": "x", "adapterSize": "ADAPTER_SIZE_ONE", "tuningMode": "TUNING_MODE_FULL", "customBaseModel": "x", "batchSize": 7, "learningRate": 0.5, "evaluationConfig": {}, "labels": {"k": "x"}, "beta": 0.5, "baseTeacherModel": "x", "tunedTeacherModelSource": "x", "sftLossWeightMultiplier": 0.5, "outputUri": "x", "encryptionSpec": {}, "rewardConfig": {}, "compositeRewardConfig": {}, "samplesPerPrompt": 7, "evaluateInterval": 7, "checkpointInterval": 7, "maxOutputTokens": 7, "thinkingLevel": "MINIMAL", "validationDatasetUri": "x"}),
    );
}

#[test]
fn statistics() {
    fills::<DatasetDistribution>(
        json!({"buckets": [{}], "max": 0.5, "mean": 0.5, "median": 0.5, "min": 0.5, "p5": 0.5, "p95": 0.5, "sum": 0.5}),
    );
    fills::<DatasetStats>(
        json!({"droppedExampleIndices": [7], "droppedExampleReasons": ["x"], "totalBillableCharacterCount": 7, "totalTuningCharacterCount": 7, "tuningDatasetExampleCount": 7, "tuningStepCount": 7, "userDatasetExamples": [{}], "userInputTokenDistribution": {}, "userMessagePerExampleDistribution": {}, "userOutputTokenDistribution": {}, "contentsPerExampleDistribution": {}, "totalBillableTokenCount": 7}),
    );
    fills::<SupervisedTuningDataStats>(
        json!({"droppedExampleReasons": ["x"], "totalBillableCharacterCount": 7, "totalBillableTokenCount": 7, "totalTruncatedExampleCount": 7, "totalTuningCharacterCount": 7, "truncatedExampleIndices": [7], "tuningDatasetExampleCount": 7, "tuningStepCount": 7, "userDatasetExamples": [{}], "userInputTokenDistribution": {}, "userMessagePerExampleDistribution": {}, "userOutputTokenDistribution": {}}),
    );
    fills::<SupervisedTuningDatasetDistribution>(
        json!({"billableSum": 7, "buckets": [{}], "max": 0.5, "mean": 0.5, "median": 0.5, "min": 0.5, "p5": 0.5, "p95": 0.5, "sum": 7}),
    );
}

#[test]
fn models() {
    fills::<ListModelsResponse>(
        json!({"models": [{}], "tunedModels": [{}], "publisherModels": [{}], "nextPageToken": "x"}),
    );
    fills::<UpdateModelConfig>(
        json!({"displayName": "x", "description": "x", "defaultCheckpointId": "x"}),
    );
}
