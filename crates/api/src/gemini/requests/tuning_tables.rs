//! Where the arguments of tuning jobs go in a body, for each service and each method.

table! {
    /// Settings on the developer API.
    CONFIG of "CreateTuningJobConfig" {
        "tuned_model_display_name" => "displayName",
        "epoch_count" => "tuningTask.hyperparameters.epochCount",
        "learning_rate_multiplier" => "tuningTask.hyperparameters.learningRateMultiplier",
        "batch_size" => "tuningTask.hyperparameters.batchSize",
        "learning_rate" => "tuningTask.hyperparameters.learningRate",
    }
}
table! {
    /// Examples on the developer API.
    DATASET of "TuningDataset" {
        "examples" => "tuningTask.trainingData.examples.examples",
    }
}
table! {
    /// Settings on Vertex that do not depend on the method.
    CONFIG_VERTEX of "CreateTuningJobConfig" {
        "tuned_model_display_name" => "tunedModelDisplayName",
        "description" => "description",
        "custom_base_model" => "customBaseModel",
        "labels" => "labels",
        "beta" => "preferenceOptimizationSpec.hyperParameters.beta",
        "base_teacher_model" => "distillationSpec.baseTeacherModel",
        "tuned_teacher_model_source" => "distillationSpec.tunedTeacherModelSource",
        "sft_loss_weight_multiplier" => "distillationSpec.hyperParameters.sftLossWeightMultiplier",
        "output_uri" => "outputUri",
        "encryption_spec" => "encryptionSpec",
        "reward_config" => "reinforcementTuningSpec.singleRewardConfig",
        "composite_reward_config" => "reinforcementTuningSpec.compositeRewardConfig",
        "samples_per_prompt" => "reinforcementTuningSpec.hyperParameters.samplesPerPrompt",
        "evaluate_interval" => "reinforcementTuningSpec.hyperParameters.evaluateInterval",
        "checkpoint_interval" => "reinforcementTuningSpec.hyperParameters.checkpointInterval",
        "max_output_tokens" => "reinforcementTuningSpec.hyperParameters.maxOutputTokens",
        "thinking_level" => "reinforcementTuningSpec.hyperParameters.thinkingLevel",
        "validation_dataset_uri" => "reinforcementTuningSpec.validationDatasetUri",
    }
}
table! {
    /// Settings of supervised learning.
    SUPERVISED of "CreateTuningJobConfig" {
        "validation_dataset" => "supervisedTuningSpec" by (VALIDATION),
        "epoch_count" => "supervisedTuningSpec.hyperParameters.epochCount",
        "learning_rate_multiplier" => "supervisedTuningSpec.hyperParameters.learningRateMultiplier",
        "export_last_checkpoint_only" => "supervisedTuningSpec.exportLastCheckpointOnly",
        "adapter_size" => "supervisedTuningSpec.hyperParameters.adapterSize",
        "tuning_mode" => "supervisedTuningSpec.tuningMode",
        "batch_size" => "supervisedTuningSpec.hyperParameters.batchSize",
        "learning_rate" => "supervisedTuningSpec.hyperParameters.learningRate",
        "evaluation_config" => "supervisedTuningSpec.evaluationConfig",
    }
}
table! {
    /// Settings of learning from preferences.
    PREFERENCE of "CreateTuningJobConfig" {
        "validation_dataset" => "preferenceOptimizationSpec" by (VALIDATION),
        "epoch_count" => "preferenceOptimizationSpec.hyperParameters.epochCount",
        "learning_rate_multiplier" =>
            "preferenceOptimizationSpec.hyperParameters.learningRateMultiplier",
        "export_last_checkpoint_only" => "preferenceOptimizationSpec.exportLastCheckpointOnly",
        "adapter_size" => "preferenceOptimizationSpec.hyperParameters.adapterSize",
        "evaluation_config" => "preferenceOptimizationSpec.evaluationConfig",
    }
}
table! {
    /// Settings of distillation.
    DISTILLATION of "CreateTuningJobConfig" {
        "validation_dataset" => "distillationSpec" by (VALIDATION),
        "epoch_count" => "distillationSpec.hyperParameters.epochCount",
        "learning_rate_multiplier" => "distillationSpec.hyperParameters.learningRateMultiplier",
        "export_last_checkpoint_only" => "distillationSpec.exportLastCheckpointOnly",
        "adapter_size" => "distillationSpec.hyperParameters.adapterSize",
        "tuning_mode" => "distillationSpec.tuningMode",
        "batch_size" => "distillationSpec.hyperParameters.batchSize",
        "learning_rate" => "distillationSpec.hyperParameters.learningRate",
        "evaluation_config" => "distillationSpec.evaluationConfig",
    }
}
table! {
    /// Settings of reinforcement.
    REINFORCEMENT of "CreateTuningJobConfig" {
        "validation_dataset" => "reinforcementTuningSpec" by (VALIDATION),
        "epoch_count" => "reinforcementTuningSpec.hyperParameters.epochCount",
        "learning_rate_multiplier" =>
            "reinforcementTuningSpec.hyperParameters.learningRateMultiplier",
        "adapter_size" => "reinforcementTuningSpec.hyperParameters.adapterSize",
        "batch_size" => "reinforcementTuningSpec.hyperParameters.batchSize",
    }
}
table! {
    /// Examples to check with.
    VALIDATION of "TuningValidationDataset" {
        "gcs_uri" => "validationDatasetUri",
        "vertex_dataset_resource" => "validationDatasetUri",
    }
}
table! {
    /// Examples of supervised learning.
    SUPERVISED_DATASET of "TuningDataset" {
        "gcs_uri" => "supervisedTuningSpec.trainingDatasetUri",
        "vertex_dataset_resource" => "supervisedTuningSpec.trainingDatasetUri",
    }
}
table! {
    /// Examples of preferences.
    PREFERENCE_DATASET of "TuningDataset" {
        "gcs_uri" => "preferenceOptimizationSpec.trainingDatasetUri",
        "vertex_dataset_resource" => "preferenceOptimizationSpec.trainingDatasetUri",
    }
}
table! {
    /// Prompts of distillation.
    DISTILLATION_DATASET of "TuningDataset" {
        "gcs_uri" => "distillationSpec.promptDatasetUri",
        "vertex_dataset_resource" => "distillationSpec.promptDatasetUri",
    }
}
table! {
    /// Prompts of reinforcement.
    REINFORCEMENT_DATASET of "TuningDataset" {
        "gcs_uri" => "reinforcementTuningSpec.trainingDatasetUri",
        "vertex_dataset_resource" => "reinforcementTuningSpec.trainingDatasetUri",
    }
}
table! {
    /// What a reward is tried out with.
    VALIDATE_REWARD of "ValidateRewardParameters" {
        "sample_response" => "sampleResponse",
        "example" => "example",
        "single_reward_config" => "singleRewardConfig",
        "composite_reward_config" => "compositeRewardConfig",
    }
}
