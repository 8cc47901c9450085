//! Losses and regularizers against published figures, central differences and the emulator.

mod custom_loss;
mod executor;
mod numbers;
mod pipeline;
mod properties;
mod recovery;
mod regularizers;
mod telemetry;
mod tracker;
