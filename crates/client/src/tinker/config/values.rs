//! Settings that are one word out of a few.

use std::time::Duration;

use tracing::Level;

/// Whose defaults hold for time limits and retries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Parity {
    /// Those of the official SDK: 60 s for an attempt, 10 retries.
    #[default]
    Python,
    /// Those of a service that runs close to its users: 120 s for an attempt, 2 retries.
    Beam,
}

impl Parity {
    /// How long an attempt may take.
    pub fn timeout(self) -> Duration {
        Duration::from_secs(match self {
            Self::Python => 60,
            Self::Beam => 120,
        })
    }

    /// How often a request is sent again.
    pub fn max_retries(self) -> u32 {
        match self {
            Self::Python => 10,
            Self::Beam => 2,
        }
    }

    pub(super) fn parse(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "python" => Some(Self::Python),
            "beam" | "elixir" => Some(Self::Beam),
            _ => None,
        }
    }
}

/// How much of its doings a client logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogLevel {
    /// Everything.
    Debug,
    /// What is of interest.
    Info,
    /// What is worrying.
    Warn,
    /// What failed.
    Error,
}

impl LogLevel {
    /// The level as `tracing` calls it, to set up a filter for the target `gimmal`.
    ///
    /// ```
    /// use gimmal_client::tinker::LogLevel;
    ///
    /// assert_eq!(LogLevel::Warn.as_tracing().as_str(), "WARN");
    /// ```
    pub fn as_tracing(self) -> Level {
        match self {
            Self::Debug => Level::DEBUG,
            Self::Info => Level::INFO,
            Self::Warn => Level::WARN,
            Self::Error => Level::ERROR,
        }
    }

    pub(super) fn parse(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "debug" => Some(Self::Debug),
            "info" => Some(Self::Info),
            "warn" | "warning" => Some(Self::Warn),
            "error" => Some(Self::Error),
            _ => None,
        }
    }
}
