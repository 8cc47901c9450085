//! The values that fields of the Tinker API choose from.

use crate::wire::IntoField;

open_enum! {
    /// Which loss the server computes.
    pub enum LossFnType {
        /// Negative log-likelihood of the target tokens, weighted.
        CrossEntropy = "cross_entropy",
        /// Policy gradient weighted with the ratio of the policies.
        ImportanceSampling = "importance_sampling",
        /// Policy gradient with a clipped ratio.
        Ppo = "ppo",
        /// Policy gradient whose ratio is clipped and not differentiated.
        Cispo = "cispo",
        /// Direct reward optimisation.
        Dro = "dro",
        /// Policy gradient with one ratio per sequence.
        Gspo = "gspo",
        /// Policy gradient with a stabilised ratio.
        StableReinforce = "stable_reinforce",
        /// A loss that was registered with the session.
        Custom = "custom",
    }

    /// What the numbers of a tensor are.
    pub enum TensorDtype {
        /// 32-bit floats.
        Float32 = "float32",
        /// 64-bit signed integers.
        Int64 = "int64",
    }

    /// Why a sequence ended.
    pub enum StopReason {
        /// It is as long as was allowed.
        Length = "length",
        /// The model ended it, or a stop sequence did.
        Stop = "stop",
    }

    /// What a checkpoint is for.
    pub enum CheckpointType {
        /// Training goes on from it.
        Training = "training",
        /// Sampling uses it.
        Sampler = "sampler",
        /// It is meant to be downloaded.
        External = "external",
    }

    /// How a sampling client follows the model that it samples from.
    pub enum SamplingClientKind {
        /// The weights as they were when it was made.
        Snapshot = "snapshot",
        /// Weights that later saves of the same kind replace under it.
        Inflight = "inflight",
    }

    /// Whose fault it is that a request failed.
    pub enum RequestErrorCategory {
        /// Nobody can tell.
        Undetermined = "unknown",
        /// The server's.
        Server = "server",
        /// The caller's.
        User = "user",
    }

    /// How the queue stands that a request waits in.
    pub enum QueueState {
        /// Requests are worked on.
        Active = "active",
        /// A limit of the account holds requests back.
        PausedRateLimit = "paused_rate_limit",
        /// The service is short of capacity.
        PausedCapacity = "paused_capacity",
        /// The server named no state that this version knows.
        Undetermined = "unknown",
    }

    /// What an event of telemetry is about.
    pub enum EventType {
        /// A session began.
        SessionStart = "SESSION_START",
        /// A session ended.
        SessionEnd = "SESSION_END",
        /// Something failed that nobody caught.
        UnhandledException = "UNHANDLED_EXCEPTION",
        /// Anything else.
        GenericEvent = "GENERIC_EVENT",
    }

    /// How serious an event of telemetry is.
    pub enum Severity {
        /// Of use to whoever looks for a fault.
        Debug = "DEBUG",
        /// Worth knowing.
        Info = "INFO",
        /// Not as it should be.
        Warning = "WARNING",
        /// Something failed.
        Error = "ERROR",
        /// Nothing works any more.
        Critical = "CRITICAL",
    }

    /// What a node of a custom loss does.
    pub enum CustomLossNodeOp {
        /// Stands for a parameter.
        Placeholder = "placeholder",
        /// Reads an attribute.
        GetAttr = "get_attr",
        /// Calls a function.
        CallFunction = "call_function",
        /// Calls a method of its first argument.
        CallMethod = "call_method",
        /// Calls a module.
        CallModule = "call_module",
        /// Gives the result.
        Output = "output",
    }

    /// How a client says that its session ended.
    pub enum ClientSessionFinishReasonType {
        /// Well.
        Success = "success",
        /// With an error.
        Errored = "errored",
        /// Because somebody stopped it.
        Interrupted = "interrupted",
    }

    /// How an image is encoded.
    pub enum ImageFormat {
        /// PNG.
        Png = "png",
        /// JPEG.
        Jpeg = "jpeg",
    }

    /// Whose resources a list shows.
    pub enum AccessScope {
        /// One's own.
        Owned = "owned",
        /// All that one may see.
        Accessible = "accessible",
    }

    /// Which kind of message an object is; written in its member `type`.
    pub enum MessageType {
        /// A client opens a session.
        CreateSession = "create_session",
        /// A client says that its session still lives.
        SessionHeartbeat = "session_heartbeat",
        /// A model is made.
        CreateModel = "create_model",
        /// A model is described.
        GetInfo = "get_info",
        /// A model is given up.
        UnloadModel = "unload_model",
        /// The optimiser takes a step.
        OptimStep = "optim_step",
        /// Weights are loaded.
        LoadWeights = "load_weights",
        /// Weights are saved, to train on from.
        SaveWeights = "save_weights",
        /// Weights are saved, to sample from.
        SaveWeightsForSampler = "save_weights_for_sampler",
        /// Weights are saved, to be downloaded.
        SaveWeightsExternal = "save_weights_external",
        /// A custom loss is registered.
        CreateCustomLoss = "create_custom_loss",
        /// A sampling session is opened.
        CreateSamplingSession = "create_sampling_session",
        /// A further client enters a sampling session.
        JoinSamplingSession = "join_sampling_session",
        /// Sequences are sampled.
        Sample = "sample",
        /// A result is not there yet.
        TryAgain = "try_again",
        /// The completions of a sampling session are meant.
        SamplingSession = "sampling_session",
    }
}

/// Which value an enum has before one is set.
macro_rules! first_values {
    ($($name:ident::$variant:ident),* $(,)?) => { $(
        impl Default for $name {
            fn default() -> Self {
                Self::$variant
            }
        }

        impl<U: Into<$name>> IntoField<$name> for U {
            fn into_field(self) -> $name {
                self.into()
            }
        }
    )* };
}

first_values!(
    LossFnType::CrossEntropy,
    TensorDtype::Float32,
    StopReason::Stop,
    CheckpointType::Training,
    SamplingClientKind::Snapshot,
    RequestErrorCategory::Undetermined,
    QueueState::Undetermined,
    EventType::GenericEvent,
    Severity::Info,
    CustomLossNodeOp::Placeholder,
    ClientSessionFinishReasonType::Success,
    ImageFormat::Png,
    AccessScope::Owned,
    MessageType::CreateSession,
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_the_wire() {
        assert_eq!(
            LossFnType::VALUES,
            [
                "cross_entropy",
                "importance_sampling",
                "ppo",
                "cispo",
                "dro",
                "gspo",
                "stable_reinforce",
                "custom"
            ]
        );
        assert_eq!(TensorDtype::VALUES, ["float32", "int64"]);
        assert_eq!(StopReason::VALUES, ["length", "stop"]);
        assert_eq!(CheckpointType::VALUES, ["training", "sampler", "external"]);
        assert_eq!(SamplingClientKind::VALUES, ["snapshot", "inflight"]);
        assert_eq!(RequestErrorCategory::VALUES, ["unknown", "server", "user"]);
        assert_eq!(
            QueueState::VALUES,
            ["active", "paused_rate_limit", "paused_capacity", "unknown"]
        );
        assert_eq!(
            EventType::VALUES,
            [
                "SESSION_START",
                "SESSION_END",
                "UNHANDLED_EXCEPTION",
                "GENERIC_EVENT"
            ]
        );
        assert_eq!(
            Severity::VALUES,
            ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
        );
        assert_eq!(
            CustomLossNodeOp::VALUES,
            [
                "placeholder",
                "get_attr",
                "call_function",
                "call_method",
                "call_module",
                "output"
            ]
        );
        assert_eq!(
            ClientSessionFinishReasonType::VALUES,
            ["success", "errored", "interrupted"]
        );
        assert_eq!(ImageFormat::VALUES, ["png", "jpeg"]);
        assert_eq!(AccessScope::VALUES, ["owned", "accessible"]);
        assert_eq!(MessageType::VALUES.len(), 16);
        assert_eq!(MessageType::default(), MessageType::CreateSession);
    }
}
