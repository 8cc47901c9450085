//! How the developer API writes a tuned model, and how it becomes a [`TuningJob`].

use serde_json::Value;

use super::{GoogleRpcStatus, JobState, TunedModel, TuningJob, TuningOperation};
use crate::Timestamp;

wire! {
    /// A tuned model as the developer API sends it.
    #[derive(Debug)]
    pub struct TunedModelReply {
        /// Its name, `tunedModels/…`.
        pub name: Option<String>,
        /// A name for people.
        pub display_name: Option<String>,
        /// What it is for.
        pub description: Option<String>,
        /// The model it is made of.
        pub base_model: Option<String>,
        /// `CREATING`, `ACTIVE` or `FAILED`.
        pub state: Option<String>,
        /// When it was made.
        pub create_time: Option<Timestamp>,
        /// When it was changed last.
        pub update_time: Option<Timestamp>,
        /// How it is tuned.
        pub tuning_task: Option<Box<TunedModelTask>>,
    }

    /// How a model of the developer API is tuned.
    #[derive(Debug)]
    pub struct TunedModelTask {
        /// When tuning began.
        pub start_time: Option<Timestamp>,
        /// When tuning ended.
        pub complete_time: Option<Timestamp>,
    }
}

impl From<TunedModelReply> for TuningJob {
    /// The job that makes the model; it has the model's name.
    fn from(reply: TunedModelReply) -> Self {
        let tuned = reply.name.clone().map(|name| {
            let model = TunedModel::new().set_model(name.clone()).set_endpoint(name);
            Box::new(model)
        });
        let task = reply.tuning_task.unwrap_or_default();
        Self {
            name: reply.name,
            state: reply.state.as_deref().map(JobState::from_tuned_model_state),
            create_time: reply.create_time,
            start_time: task.start_time,
            end_time: task.complete_time,
            update_time: reply.update_time,
            description: reply.description,
            base_model: reply.base_model,
            tuned_model: tuned,
            tuned_model_display_name: reply.display_name,
            unknown_fields: reply.unknown_fields,
            ..Self::default()
        }
    }
}

impl From<TuningOperation> for TuningJob {
    /// The job that was just accepted; it has the name of the model to come.
    fn from(operation: TuningOperation) -> Self {
        let metadata = operation.metadata.unwrap_or_default();
        let model = metadata.get("tunedModel").and_then(Value::as_str);
        let name = operation.name.as_deref();
        let owner = name.and_then(|name| Some(name.split_once("/operations/")?.0));
        let error = operation.error.map(Value::Object);
        let error = error.and_then(|error| serde_json::from_value::<GoogleRpcStatus>(error).ok());
        let state = if error.is_some() {
            JobState::Failed
        } else {
            JobState::Queued
        };
        Self {
            name: model.or(owner).or(name).map(str::to_owned),
            state: Some(state),
            error: error.map(Box::new),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_model_becomes_the_job_that_made_it() {
        let reply: TunedModelReply = serde_json::from_value(json!({
            "name": "tunedModels/t", "displayName": "d", "state": "ACTIVE",
            "tuningTask": {"completeTime": "2025-01-02T03:05:05Z", "snapshots": [{"step": 1}]}
        }))
        .unwrap();
        let job = TuningJob::from(reply);
        assert!(job.has_ended() && job.has_succeeded());
        assert!(job.end_time.is_some());
        assert_eq!(job.tuned_model_display_name.as_deref(), Some("d"));
        let model = job.tuned_model.unwrap();
        assert_eq!(model.endpoint.as_deref(), Some("tunedModels/t"));
    }

    #[test]
    fn an_operation_names_its_model() {
        for (operation, name) in [
            (
                json!({"name": "tunedModels/t/operations/o", "metadata": {"tunedModel": "tunedModels/m"}}),
                "tunedModels/m",
            ),
            (
                json!({"name": "tunedModels/t/operations/o"}),
                "tunedModels/t",
            ),
        ] {
            let operation: TuningOperation = serde_json::from_value(operation).unwrap();
            let job = TuningJob::from(operation);
            assert_eq!(job.name.as_deref(), Some(name));
            assert_eq!(job.state, Some(JobState::Queued));
        }
        let failed = TuningOperation::new().set_error(serde_json::Map::from_iter([(
            "message".to_owned(),
            json!("no"),
        )]));
        let job = TuningJob::from(failed);
        assert_eq!(job.error.unwrap().message.as_deref(), Some("no"));
        assert_eq!(job.state, Some(JobState::Failed));
    }
}
