//! Strategies that are ready to use.

mod function;
mod gemini;
mod gemini_cached;
mod ladder;
mod structured;
mod tinker;

pub use function::FnStrategy;
pub use gemini::{Answer, GeminiStrategy, GeminiStrategyBuilder};
pub use gemini_cached::{GeminiCachedStrategy, GeminiCachedStrategyBuilder};
pub use ladder::{Ladder, Step};
pub use structured::{Structured, strip_code_fences};
pub use tinker::{TinkerSample, TinkerStrategy};

pub(crate) use gemini::outcome_of;
