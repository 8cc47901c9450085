//! What a client tells the service about itself.

use serde_json::{Map, Value};

use super::{EventType, Severity};
use crate::Timestamp;

record! {
    /// A session began.
    #[derive(Debug)]
    pub struct SessionStartEvent {
        /// What the event is about.
        #[default(EventType::SessionStart)]
        pub event: EventType,
        /// Its identifier.
        pub event_id: String,
        /// Its place among the events of the client, from 0.
        pub event_session_index: u64,
        /// How serious it is.
        pub severity: Severity,
        /// When it happened.
        pub timestamp: Timestamp,
    }

    /// A session ended.
    #[derive(Debug)]
    pub struct SessionEndEvent {
        /// How long it was, as `H:MM:SS.ffffff`.
        pub duration: String,
        /// What the event is about.
        #[default(EventType::SessionEnd)]
        pub event: EventType,
        /// Its identifier.
        pub event_id: String,
        /// Its place among the events of the client, from 0.
        pub event_session_index: u64,
        /// How serious it is.
        pub severity: Severity,
        /// When it happened.
        pub timestamp: Timestamp,
    }

    /// Something failed that nobody caught.
    #[derive(Debug)]
    pub struct UnhandledExceptionEvent {
        /// What was said.
        pub error_message: String,
        /// Of which kind it was.
        pub error_type: String,
        /// What the event is about.
        #[default(EventType::UnhandledException)]
        pub event: EventType,
        /// Its identifier.
        pub event_id: String,
        /// Its place among the events of the client, from 0.
        pub event_session_index: u64,
        /// How serious it is.
        pub severity: Severity,
        /// When it happened.
        pub timestamp: Timestamp,
        /// Where it happened.
        pub traceback: Option<String>,
    }

    /// Anything else.
    #[derive(Debug)]
    pub struct GenericEvent {
        /// What the event is about.
        #[default(EventType::GenericEvent)]
        pub event: EventType,
        /// Its identifier.
        pub event_id: String,
        /// What happened.
        pub event_name: String,
        /// Its place among the events of the client, from 0.
        pub event_session_index: u64,
        /// How serious it is.
        pub severity: Severity,
        /// When it happened.
        pub timestamp: Timestamp,
        /// More about it.
        #[default(Map::new())]
        pub event_data: Map<String, Value>,
    }

    /// Events of one client.
    #[derive(Debug)]
    pub struct TelemetryBatch {
        /// The events.
        pub events: Vec<TelemetryEvent>,
        /// What the client runs on.
        pub platform: String,
        /// The version of the client.
        pub sdk_version: String,
        /// The session.
        pub session_id: String,
        /// The process.
        pub process_uuid: String,
    }

    /// Events of one client, as they are sent.
    #[derive(Debug)]
    pub struct TelemetrySendRequest {
        /// The events.
        pub events: Vec<TelemetryEvent>,
        /// What the client runs on.
        pub platform: String,
        /// The version of the client.
        pub sdk_version: String,
        /// The session.
        pub session_id: String,
        /// The process.
        pub process_uuid: String,
    }

    /// Events were taken.
    #[derive(Debug)]
    pub struct TelemetryResponse {
        /// `accepted`.
        #[default("accepted")]
        pub status: String,
    }
}

/// An event of telemetry.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TelemetryEvent {
    /// A session began.
    SessionStart(SessionStartEvent),
    /// A session ended.
    SessionEnd(SessionEndEvent),
    /// Something failed that nobody caught.
    UnhandledException(UnhandledExceptionEvent),
    /// Anything else.
    Generic(GenericEvent),
    /// An event that this version does not know, kept as it came.
    Unknown(Value),
}

/// The events are records that hold their own tag, so nothing is written around them.
macro_rules! events {
    ($($variant:ident($ty:ty) = $kind:ident),* $(,)?) => {
        $(
            impl From<$ty> for TelemetryEvent {
                fn from(event: $ty) -> Self {
                    Self::$variant(event)
                }
            }
        )*

        impl crate::wire::WireValue for TelemetryEvent {
            fn decode<'de, D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                let value: Value = serde::Deserialize::deserialize(deserializer)?;
                let kind = value.get("event").and_then(Value::as_str).map(EventType::from);
                Ok(match kind {
                    $(
                        Some(EventType::$kind) => Self::$variant(
                            serde_json::from_value(value).map_err(serde::de::Error::custom)?,
                        ),
                    )*
                    _ => Self::Unknown(value),
                })
            }
            fn encode<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $( Self::$variant(event) => event.encode(serializer), )*
                    Self::Unknown(value) => serde::Serialize::serialize(value, serializer),
                }
            }
            fn find_member(&self, name: &str) -> Option<&dyn crate::wire::Erased> {
                match self {
                    $( Self::$variant(event) => event.find_member(name), )*
                    Self::Unknown(_) => None,
                }
            }
            fn walk(&self, visitor: &mut dyn crate::wire::FieldVisitor) {
                match self {
                    $( Self::$variant(event) => event.walk(visitor), )*
                    Self::Unknown(_) => visitor.unknown("TelemetryEvent", "event"),
                }
            }
        }
    };
}

events! {
    SessionStart(SessionStartEvent) = SessionStart,
    SessionEnd(SessionEndEvent) = SessionEnd,
    UnhandledException(UnhandledExceptionEvent) = UnhandledException,
    Generic(GenericEvent) = GenericEvent,
}

union_serde!(TelemetryEvent);
