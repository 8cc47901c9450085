//! What batch jobs and tuning jobs have in common: their states and how they fail.
//!
//! Nothing here waits for a job.

use serde_json::{Map, Value};

use crate::UnknownValue;

open_enum! {
    /// Where a job is in its life.
    pub enum JobState {
        /// Not said.
        Unspecified = "JOB_STATE_UNSPECIFIED",
        /// Accepted, not yet looked at.
        Queued = "JOB_STATE_QUEUED",
        /// Being prepared.
        Pending = "JOB_STATE_PENDING",
        /// At work.
        Running = "JOB_STATE_RUNNING",
        /// Done.
        Succeeded = "JOB_STATE_SUCCEEDED",
        /// Given up; the job says why.
        Failed = "JOB_STATE_FAILED",
        /// Asked to stop, and still stopping.
        Cancelling = "JOB_STATE_CANCELLING",
        /// Stopped on request.
        Cancelled = "JOB_STATE_CANCELLED",
        /// Stopped, and can go on.
        Paused = "JOB_STATE_PAUSED",
        /// Too old; what it had not done by then stays undone.
        Expired = "JOB_STATE_EXPIRED",
        /// Being changed; only a running job can be.
        Updating = "JOB_STATE_UPDATING",
        /// Ended with some of its results.
        PartiallySucceeded = "JOB_STATE_PARTIALLY_SUCCEEDED",
    }
}

impl JobState {
    /// The state for the developer API's word for the state of a batch, `BATCH_STATE_…`.
    ///
    /// A word that it does not know is kept.
    ///
    /// ```
    /// use gimmal_types::gemini::JobState;
    ///
    /// assert_eq!(JobState::from_batch_state("BATCH_STATE_RUNNING"), JobState::Running);
    /// assert_eq!(JobState::from_batch_state("BATCH_STATE_NEW").name(), "BATCH_STATE_NEW");
    /// ```
    pub fn from_batch_state(text: &str) -> Self {
        match text {
            "BATCH_STATE_UNSPECIFIED" => Self::Unspecified,
            "BATCH_STATE_PENDING" => Self::Pending,
            "BATCH_STATE_RUNNING" => Self::Running,
            "BATCH_STATE_SUCCEEDED" => Self::Succeeded,
            "BATCH_STATE_FAILED" => Self::Failed,
            "BATCH_STATE_CANCELLED" => Self::Cancelled,
            "BATCH_STATE_EXPIRED" => Self::Expired,
            other => Self::from(other),
        }
    }

    /// The state for the developer API's word for the state of a tuned model, such as `CREATING`.
    ///
    /// A word that it does not know is kept.
    pub fn from_tuned_model_state(text: &str) -> Self {
        match text {
            "STATE_UNSPECIFIED" => Self::Unspecified,
            "CREATING" => Self::Running,
            "ACTIVE" => Self::Succeeded,
            "FAILED" => Self::Failed,
            other => Self::from(other),
        }
    }

    /// True when the job will not change any more, however it ended.
    pub fn is_ended(&self) -> bool {
        match self {
            Self::Succeeded
            | Self::PartiallySucceeded
            | Self::Failed
            | Self::Cancelled
            | Self::Expired => true,
            Self::Unknown(UnknownValue::Text(text)) => text == "ACTIVE" || text == "FAILED",
            _ => false,
        }
    }

    /// True when the job ended with everything it was asked for.
    pub fn is_succeeded(&self) -> bool {
        match self {
            Self::Succeeded => true,
            Self::Unknown(UnknownValue::Text(text)) => text == "ACTIVE",
            _ => false,
        }
    }
}

wire! {
    /// Why a batch job, or one request of it, failed.
    #[derive(Debug)]
    pub struct JobError {
        /// Machine-readable details, of any shape.
        pub details: Vec<Value>,
        /// The number of the canonical code, such as 3 for `INVALID_ARGUMENT`.
        pub code: Option<i32>,
        /// Text for a person.
        pub message: Option<String>,
    }

    /// Why something failed, within a resource that tells of it.
    #[derive(Debug)]
    pub struct GoogleRpcStatus {
        /// The number of the canonical code, such as 3 for `INVALID_ARGUMENT`.
        pub code: Option<i32>,
        /// Machine-readable details, of any shape.
        pub details: Vec<Map<String, Value>>,
        /// Text for a person.
        pub message: Option<String>,
    }

    /// What became of a request to delete a job.
    #[derive(Debug)]
    pub struct DeleteResourceJob {
        /// The operation that deletes it.
        pub name: Option<String>,
        /// True when it is gone.
        pub done: Option<bool>,
        /// Why it could not be deleted.
        pub error: Option<Box<JobError>>,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_told_from_stops() {
        for (state, ended, succeeded) in [
            ("JOB_STATE_SUCCEEDED", true, true),
            ("JOB_STATE_PARTIALLY_SUCCEEDED", true, false),
            ("JOB_STATE_FAILED", true, false),
            ("JOB_STATE_CANCELLED", true, false),
            ("JOB_STATE_EXPIRED", true, false),
            ("ACTIVE", true, true),
            ("FAILED", true, false),
            ("JOB_STATE_PAUSED", false, false),
            ("JOB_STATE_CANCELLING", false, false),
            ("JOB_STATE_NEW", false, false),
        ] {
            let state = JobState::from(state);
            assert_eq!(state.is_ended(), ended, "{state}");
            assert_eq!(state.is_succeeded(), succeeded, "{state}");
        }
    }

    #[test]
    fn both_vocabularies_of_the_developer_api() {
        assert_eq!(
            JobState::from_batch_state("BATCH_STATE_EXPIRED"),
            JobState::Expired
        );
        assert_eq!(
            JobState::from_batch_state("JOB_STATE_PENDING"),
            JobState::Pending
        );
        let words = ["STATE_UNSPECIFIED", "CREATING", "ACTIVE", "FAILED"];
        assert_eq!(
            words.map(JobState::from_tuned_model_state),
            [
                JobState::Unspecified,
                JobState::Running,
                JobState::Succeeded,
                JobState::Failed
            ]
        );
        assert_eq!(JobState::from_tuned_model_state("ODD").name(), "ODD");
    }
}
