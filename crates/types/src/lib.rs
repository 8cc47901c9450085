#![doc = include_str!("../README.md")]

#[macro_use]
pub mod wire;
#[macro_use]
mod open_enum;

mod bytes64;
mod duration;
pub mod gemini;
mod invalid_input;
pub mod rpc;
mod timestamp;
pub mod tinker;
mod transform;

pub use bytes64::{Bytes64, InvalidBase64};
pub use duration::{InvalidDuration, WireDuration};
pub use invalid_input::InvalidInput;
pub use open_enum::UnknownValue;
pub use timestamp::{InvalidTimestamp, Timestamp};
pub use transform::{Given, Transform};
