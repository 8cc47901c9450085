//! Sessions over WebSocket: Live and live music. Knows what is said on them and when; what the model
//! answers is worked out where all answers are.

mod admission;
mod close;
mod hearing;
mod input;
mod music;
mod session;
mod sessions;
mod setup;
mod speech;
mod switch;
mod turn;
mod wire;

pub(crate) use sessions::Sessions;
pub(crate) use switch::{is_asked_for, switch};
