#![doc = include_str!("../README.md")]

mod app;
mod builder;
mod chaos;
mod clock;
mod connection;
mod content;
mod engine;
mod gemini;
mod inflow;
mod journal;
mod live;
mod quirks;
mod reply;
mod rng;
mod route;
mod script;
mod server;
mod storage;
mod tinker;
#[cfg(feature = "tls")]
mod tls;

pub use builder::EmulatorBuilder;
pub use chaos::{Chaos, Fault, FaultRule};
pub use clock::{Clock, ManualClock, Sleep, SystemClock};
pub use gemini::meter::Metered;
pub use gemini::models::ModelCard;
pub use gemini::resources::WebhookMessage;
pub use journal::{Journal, RecordedRequest};
pub use quirks::Quirk;
pub use route::{ResourceCall, Route, RouteMatcher, TinkerCall};
pub use script::{Script, ScriptedReply};
pub use server::{Emulator, StartError};
pub use storage::Storage;
#[cfg(feature = "transformer")]
pub use tinker::TokenizerError;
pub use tinker::{AppliedRequest, QueueState, TinkerControl};
