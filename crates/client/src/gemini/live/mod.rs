//! Live sessions and live music: conversations over a connection that speaks both ways.

mod connect;
mod incoming;
mod music;
mod session;

pub use connect::{ConnectLive, Live};
pub use incoming::{LiveReceiver, LiveTurn, MusicReceiver};
pub use music::{ConnectLiveMusic, LiveMusic, MusicSender, MusicSession};
pub use session::{LiveSender, LiveSession};
