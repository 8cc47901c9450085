//! Which preset a deployment probably wants, by the name of its environment.

use super::preset::Preset;

/// A preset and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Suggestion {
    /// The preset.
    pub preset: Preset,
    /// How sure it is, from 0 to 1.
    pub confidence: f64,
}

/// Names that are known.
const NAMES: [(&str, Preset, f64); 13] = [
    ("development", Preset::Development, 0.95),
    ("dev", Preset::Development, 0.90),
    ("testing", Preset::Development, 0.85),
    ("test", Preset::Development, 0.85),
    ("staging", Preset::Production, 0.90),
    ("stage", Preset::Production, 0.85),
    ("production", Preset::Production, 0.95),
    ("prod", Preset::Production, 0.90),
    ("live", Preset::Production, 0.85),
    ("ai-development", Preset::AiDevelopment, 0.95),
    ("ai-dev", Preset::AiDevelopment, 0.90),
    ("ai-production", Preset::AiProduction, 0.95),
    ("ai-prod", Preset::AiProduction, 0.90),
];

/// Parts of names, in the order in which they are looked for.
const PARTS: [(&[&str], Preset, f64); 3] = [
    (
        &["stag", "pre-prod", "uat", "integration"],
        Preset::Production,
        0.70,
    ),
    (
        &["dev", "local", "test", "sandbox", "demo"],
        Preset::Development,
        0.75,
    ),
    (
        &["prod", "live", "release", "stable", "main", "master"],
        Preset::Production,
        0.75,
    ),
];

impl Suggestion {
    /// The preset for an environment of this name.
    ///
    /// ```
    /// use gimmal_cache::{Preset, Suggestion};
    ///
    /// assert_eq!(Suggestion::for_environment("Prod").preset, Preset::Production);
    /// assert_eq!(Suggestion::for_environment("banana").preset, Preset::Simple);
    /// ```
    #[must_use]
    pub fn for_environment(name: &str) -> Self {
        let name = name.trim().to_lowercase().replace('_', "-");
        let suggest = |preset, confidence| Self { preset, confidence };
        if let Some((_, preset, confidence)) = NAMES.iter().find(|(known, ..)| *known == name) {
            return suggest(*preset, *confidence);
        }
        let is_ai = name.split('-').any(|part| part == "ai");
        if is_ai && name.contains("prod") {
            return suggest(Preset::AiProduction, 0.80);
        }
        if is_ai {
            return suggest(Preset::AiDevelopment, 0.75);
        }
        let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
        match PARTS.iter().find(|(parts, ..)| has(parts)) {
            Some((_, preset, confidence)) => suggest(*preset, *confidence),
            None => suggest(Preset::Simple, 0.40),
        }
    }
}
