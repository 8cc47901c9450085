//! Jobs, tuned models, embeddings, pictures and tokens: the client and the emulator on one clock,
//! which stands still until it is moved.

mod batches;
mod models;
mod support;
mod tunings;
