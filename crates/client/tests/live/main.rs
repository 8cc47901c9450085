//! Live sessions and live music: against scripts, and against the emulator.

#![cfg(feature = "websocket")]

mod bad_input;
mod emulator;
mod music;
mod resumption;
mod session;
mod support;
mod tokens;
