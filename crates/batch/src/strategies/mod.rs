//! Strategies that are ready to use.

mod gemini;

pub use gemini::{Answer, GeminiStrategy, GeminiStrategyBuilder};
