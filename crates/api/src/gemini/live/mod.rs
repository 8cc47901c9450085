//! Live sessions and live music: how one is opened, and each message of either side. Nothing here
//! remembers a session; that is the client's.

#[cfg(feature = "websocket")]
mod connect;
mod decode;
mod messages;
mod music;
mod setup;
mod tables;

pub use decode::{live_message, music_message};
pub use messages::{
    live_client_content, live_context_update, live_realtime_input, live_tool_response,
};
pub use music::{
    live_music, music_generation_config, music_playback, music_setup, music_weighted_prompts,
};
pub use setup::{live, live_setup};

pub(super) use setup::with_one_generation_config;
pub(super) use tables::LIVE;
#[cfg(test)]
pub(super) use tables::{CONTENT, RESUMPTION, SAFETY};
