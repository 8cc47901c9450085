//! Presets as a table. It holds values and nothing else.

use std::str::FromStr;

use serde::Deserialize;

use super::validate::ConfigErrors;

/// A set of settings that fit together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Preset {
    /// Keeps nothing.
    Disabled,
    /// As little as possible.
    Minimal,
    /// What suits most.
    #[default]
    Simple,
    /// Short lifetimes, quick to try things.
    Development,
    /// Long lifetimes, much in memory.
    Production,
    /// Development of an application that asks models.
    AiDevelopment,
    /// Production of an application that asks models.
    AiProduction,
}

/// What a preset is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Strategy {
    /// To be quick.
    Fast,
    /// A bit of everything.
    Balanced,
    /// To last.
    Robust,
    /// For answers of models.
    AiOptimized,
}

/// How long texts of each size are at most, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextTiers {
    /// Texts of fewer characters are small.
    pub small: usize,
    /// Texts of fewer characters are medium.
    pub medium: usize,
    /// Texts of fewer characters are large, and the rest extra large.
    pub large: usize,
}

/// The size of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TextTier {
    /// A few sentences.
    Small,
    /// A page.
    Medium,
    /// A chapter.
    Large,
    /// A book.
    ExtraLarge,
}

impl TextTiers {
    /// The size of a text.
    ///
    /// ```
    /// use gimmal_cache::{TextTier, TextTiers};
    ///
    /// let tiers = TextTiers { small: 500, medium: 5_000, large: 50_000 };
    /// assert_eq!(tiers.of(&"é".repeat(499)), TextTier::Small);
    /// assert_eq!(tiers.of(&"é".repeat(500)), TextTier::Medium);
    /// ```
    #[must_use]
    pub fn of(&self, text: &str) -> TextTier {
        let characters = text.chars().count();
        if characters < self.small {
            TextTier::Small
        } else if characters < self.medium {
            TextTier::Medium
        } else if characters < self.large {
            TextTier::Large
        } else {
            TextTier::ExtraLarge
        }
    }
}

/// The values of a preset.
#[derive(Clone, Copy, Debug)]
pub(super) struct Values {
    pub(super) strategy: Strategy,
    pub(super) ttl_seconds: u64,
    pub(super) connection_timeout_seconds: u64,
    pub(super) l1_entries: usize,
    pub(super) compression_threshold: usize,
    pub(super) compression_level: u32,
    pub(super) is_monitored: bool,
    pub(super) text_hash_threshold: usize,
    pub(super) text_tiers: TextTiers,
    pub(super) operation_ttls: &'static [(&'static str, u64)],
}

const USUAL_TIERS: TextTiers = tiers(1_000, 5_000, 20_000);

const USUAL_TTLS: &[(&str, u64)] = &[
    ("key_points", 7_200),
    ("qa", 1_800),
    ("questions", 3_600),
    ("sentiment", 86_400),
    ("summarize", 7_200),
];

impl Preset {
    /// All presets.
    pub const ALL: [Self; 7] = [
        Self::Disabled,
        Self::Minimal,
        Self::Simple,
        Self::Development,
        Self::Production,
        Self::AiDevelopment,
        Self::AiProduction,
    ];

    /// The name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Minimal => "minimal",
            Self::Simple => "simple",
            Self::Development => "development",
            Self::Production => "production",
            Self::AiDevelopment => "ai-development",
            Self::AiProduction => "ai-production",
        }
    }

    /// What it is made for.
    #[must_use]
    pub fn strategy(self) -> Strategy {
        self.values().strategy
    }

    /// Whether it is for production.
    #[must_use]
    pub fn is_production(self) -> bool {
        matches!(self, Self::Production | Self::AiProduction)
    }

    #[rustfmt::skip]
    pub(super) fn values(self) -> Values {
        use Strategy::{AiOptimized, Balanced, Fast, Robust};
        match self {
            Self::Disabled => values(Fast, 300, 1, 10, 10_000, 1, false),
            Self::Minimal => values(Fast, 900, 3, 25, 5_000, 1, false),
            Self::Simple => values(Balanced, 3_600, 5, 100, 1_000, 6, true),
            Self::Development => values(Fast, 600, 2, 50, 2_000, 3, true),
            Self::Production => values(Robust, 7_200, 10, 500, 500, 9, true),
            Self::AiDevelopment => Values {
                text_hash_threshold: 500,
                text_tiers: tiers(500, 2_000, 10_000),
                operation_ttls: &[
                    ("key_points", 1_200), ("qa", 900), ("questions", 1_500),
                    ("sentiment", 900), ("summarize", 1_800),
                ],
                ..values(AiOptimized, 1_800, 5, 100, 1_000, 6, true)
            },
            Self::AiProduction => Values {
                text_tiers: tiers(1_000, 5_000, 25_000),
                operation_ttls: &[
                    ("key_points", 10_800), ("qa", 7_200), ("questions", 9_600),
                    ("sentiment", 7_200), ("summarize", 14_400),
                ],
                ..values(AiOptimized, 14_400, 15, 1_000, 300, 9, true)
            },
        }
    }
}

impl FromStr for Preset {
    type Err = ConfigErrors;

    fn from_str(name: &str) -> Result<Self, ConfigErrors> {
        let found = Self::ALL.into_iter().find(|preset| preset.as_str() == name);
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            ConfigErrors::of(
                "preset",
                &format!("`{name}` is unknown: choose from {names}"),
            )
        })
    }
}

const fn tiers(small: usize, medium: usize, large: usize) -> TextTiers {
    TextTiers {
        small,
        medium,
        large,
    }
}

/// In the order of the table of presets: time to live, time to connect, entries in memory, bytes
/// from which on to compress, how hard, and whether it is monitored.
const fn values(
    strategy: Strategy,
    ttl_seconds: u64,
    connection_timeout_seconds: u64,
    l1_entries: usize,
    compression_threshold: usize,
    compression_level: u32,
    is_monitored: bool,
) -> Values {
    Values {
        strategy,
        ttl_seconds,
        connection_timeout_seconds,
        l1_entries,
        compression_threshold,
        compression_level,
        is_monitored,
        text_hash_threshold: 1_000,
        text_tiers: USUAL_TIERS,
        operation_ttls: USUAL_TTLS,
    }
}
