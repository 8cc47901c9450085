//! The acceptance checks of the batch, each under its name, on a clock that is moved by hand or by
//! tokio: no test waits for real.

mod accounting;
mod classifiers;
mod closing;
mod configuration;
mod cooldown;
mod fairness;
mod guards;
mod hooks;
mod jobs;
mod journal;
mod logging;
mod measured;
mod models;
mod overhead;
mod pipeline;
mod pool;
mod producer;
mod quota;
mod retry;
mod shared;
mod soak;
mod storm;
mod strategies;
mod streaming;
mod support;
