//! The events of a streamed interaction.
//!
//! An event with an `event_id` is a place to resume the stream at.

use super::{InteractionStatus, ServiceTier, Step, StepDeltaData, Usage};

event_tagged! {
    /// An event of a streamed interaction.
    #[derive(Debug)]
    pub enum InteractionSseEvent {
        /// The interaction exists.
        Created(InteractionCreatedEvent) = "interaction.created",
        /// Its status changed.
        StatusUpdate(InteractionStatusUpdate) = "interaction.status_update",
        /// A step begins.
        StepStart(StepStart) = "step.start",
        /// Something is added to a step.
        StepDelta(StepDelta) = "step.delta",
        /// A step is complete.
        StepStop(StepStop) = "step.stop",
        /// Nothing more comes; also after a cancellation.
        Completed(InteractionCompletedEvent) = "interaction.completed",
        /// Something went wrong.
        Error(ErrorEvent) = "error",
    }
}

snake_wire! {
    /// The interaction exists.
    #[derive(Debug)]
    pub struct InteractionCreatedEvent {
        /// What is known of it so far.
        pub interaction: Option<Box<InteractionSseEventInteraction>>,
        /// Resumes the stream after this event.
        pub event_id: Option<String>,
    }

    /// The status of the interaction changed.
    #[derive(Debug)]
    pub struct InteractionStatusUpdate {
        /// The interaction.
        pub interaction_id: Option<String>,
        /// Its status now.
        pub status: Option<InteractionStatus>,
        /// Goes on from here, should the stream break off.
        pub continuation_token: Option<String>,
        /// Tokens so far.
        pub usage: Option<Box<Usage>>,
        /// Resumes the stream after this event.
        pub event_id: Option<String>,
    }

    /// A step begins.
    #[derive(Debug)]
    pub struct StepStart {
        /// Its place among the steps, from 0.
        pub index: Option<i32>,
        /// What is known of it so far.
        pub step: Option<Box<Step>>,
        /// Resumes the stream after this event.
        pub event_id: Option<String>,
    }

    /// Something is added to a step.
    #[derive(Debug)]
    pub struct StepDelta {
        /// The step's place among the steps, from 0.
        pub index: Option<i32>,
        /// What is added.
        pub delta: Option<Box<StepDeltaData>>,
        /// What else is known by now.
        pub metadata: Option<Box<StepDeltaMetadata>>,
        /// Resumes the stream after this event.
        pub event_id: Option<String>,
    }

    /// What an event tells beside its delta.
    #[derive(Debug)]
    pub struct StepDeltaMetadata {
        /// Tokens so far.
        pub total_usage: Option<Box<Usage>>,
    }

    /// A step is complete.
    #[derive(Debug)]
    pub struct StepStop {
        /// Its place among the steps, from 0.
        pub index: Option<i32>,
        /// Tokens of the interaction so far.
        pub usage: Option<Box<Usage>>,
        /// Tokens of this step.
        pub step_usage: Option<Box<Usage>>,
        /// Resumes the stream after this event.
        pub event_id: Option<String>,
    }

    /// Nothing more comes of the interaction.
    #[derive(Debug)]
    pub struct InteractionCompletedEvent {
        /// How it ended.
        pub interaction: Option<Box<InteractionSseEventInteraction>>,
        /// Names this event.
        pub event_id: Option<String>,
    }

    /// What an event tells of the interaction itself.
    #[derive(Debug)]
    pub struct InteractionSseEventInteraction {
        /// Its identifier.
        pub id: Option<String>,
        /// Its status.
        pub status: Option<InteractionStatus>,
        /// Always `interaction`.
        pub object: Option<String>,
        /// The model that answers.
        pub model: Option<String>,
        /// The agent that answers.
        pub agent: Option<String>,
        /// When it was made, as RFC 3339.
        pub created: Option<String>,
        /// When it changed last, as RFC 3339.
        pub updated: Option<String>,
        /// How it is served.
        pub service_tier: Option<ServiceTier>,
        /// Its steps, when the event holds them.
        pub steps: Vec<Step>,
        /// Its tokens.
        pub usage: Option<Box<Usage>>,
        /// Goes on where the model had to stop.
        pub continuation_token: Option<String>,
    }

    /// Something went wrong.
    #[derive(Debug)]
    pub struct ErrorEvent {
        /// What it was.
        pub error: Option<Box<Error>>,
        /// Names this event.
        pub event_id: Option<String>,
    }

    /// A fault of an interaction.
    #[derive(Debug)]
    pub struct Error {
        /// What kind of fault, as a URI or a name.
        pub code: Option<String>,
        /// What happened, for people.
        pub message: Option<String>,
    }
}
