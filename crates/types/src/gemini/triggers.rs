//! Triggers: interactions that the service starts at set times.

use crate::Timestamp;
use crate::gemini::interactions::CreateAgentInteraction;

snake_wire! {
    /// An interaction that the service starts at set times.
    #[derive(Debug)]
    pub struct Trigger {
        /// Its identifier.
        pub id: Option<String>,
        /// A name for people.
        pub display_name: Option<String>,
        /// When it runs, as five fields of cron.
        pub schedule: Option<String>,
        /// The time zone of the schedule, such as `Europe/Berlin`.
        pub time_zone: Option<String>,
        /// What is started.
        pub interaction: Option<Box<CreateAgentInteraction>>,
        /// The environment that it runs in.
        pub environment_id: Option<String>,
        /// How long a run may take.
        pub execution_timeout_seconds: Option<i32>,
        /// So many failures in a row stop it.
        pub max_consecutive_failures: Option<i32>,
        /// Failures since the last success.
        pub consecutive_failure_count: Option<i32>,
        /// How it stands.
        pub status: Option<TriggerStatus>,
        /// The interaction that was started last.
        pub previous_interaction_id: Option<String>,
        /// When it was made.
        pub create_time: Option<Timestamp>,
        /// When it was changed last.
        pub update_time: Option<Timestamp>,
        /// When it ran last.
        pub last_run_time: Option<Timestamp>,
        /// When it runs next.
        pub next_run_time: Option<Timestamp>,
        /// When it was paused last.
        pub last_pause_time: Option<Timestamp>,
        /// When it was resumed last.
        pub last_resume_time: Option<Timestamp>,
    }
}

open_enum! {
    /// How a trigger stands.
    pub enum TriggerStatus {
        /// It runs at its times.
        Active = "active",
        /// It waits until it is resumed.
        Paused = "paused",
        /// It failed too often in a row.
        Error = "error",
    }
}

snake_wire! {
    /// What a trigger is made of.
    #[derive(Debug)]
    pub struct TriggerCreateParams {
        /// When it runs, as five fields of cron.
        pub schedule: Option<String>,
        /// The time zone of the schedule, such as `Europe/Berlin`.
        pub time_zone: Option<String>,
        /// What is started.
        pub interaction: Option<Box<CreateAgentInteraction>>,
        /// A name for people.
        pub display_name: Option<String>,
        /// The environment that it runs in.
        pub environment_id: Option<String>,
        /// How long a run may take.
        pub execution_timeout_seconds: Option<i32>,
        /// So many failures in a row stop it.
        pub max_consecutive_failures: Option<i32>,
    }

    /// What can be changed of a trigger.
    #[derive(Debug)]
    pub struct TriggerUpdate {
        /// A name for people.
        pub display_name: Option<String>,
        /// Pauses or resumes it.
        pub status: Option<TriggerStatus>,
    }

    /// One run of a trigger.
    #[derive(Debug)]
    pub struct TriggerExecution {
        /// Its identifier.
        pub id: Option<String>,
        /// The trigger.
        pub trigger_id: Option<String>,
        /// How it stands.
        pub status: Option<TriggerExecutionStatus>,
        /// The interaction that was started.
        pub interaction_id: Option<String>,
        /// The environment that was used.
        pub environment_id: Option<String>,
        /// Why it failed.
        pub error: Option<String>,
        /// When it was due.
        pub scheduled_time: Option<Timestamp>,
        /// When it began.
        pub start_time: Option<Timestamp>,
        /// When it ended.
        pub end_time: Option<Timestamp>,
    }
}

open_enum! {
    /// How a run of a trigger stands.
    pub enum TriggerExecutionStatus {
        /// It runs.
        InProgress = "in_progress",
        /// It is done.
        Completed = "completed",
        /// It failed.
        Failed = "failed",
        /// It was left out, because the one before still ran.
        Skipped = "skipped",
        /// It took too long.
        TimedOut = "timed_out",
    }
}

snake_wire! {
    /// A page of triggers.
    #[derive(Debug)]
    pub struct ListTriggersResponse {
        /// The triggers.
        pub triggers: Vec<Trigger>,
        /// Asks for the next page; absent or empty on the last.
        pub next_page_token: Option<String>,
    }

    /// A page of runs.
    #[derive(Debug)]
    pub struct ListTriggerExecutionsResponse {
        /// The runs.
        pub trigger_executions: Vec<TriggerExecution>,
        /// Asks for the next page; absent or empty on the last.
        pub next_page_token: Option<String>,
    }
}
