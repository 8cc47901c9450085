//! Finds every mistake in the settings at once, with its place and the fix.

use std::fmt;
use std::ops::RangeInclusive;

use super::CacheConfig;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// The field, with dots between the parts of its path.
    pub path: String,
    /// What is wrong with it, and what would be right.
    pub message: String,
}

/// All mistakes that were found; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(Vec<Violation>);

impl ConfigErrors {
    /// The mistakes.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.0
    }

    pub(super) fn of(path: &str, message: &str) -> Self {
        Self(vec![Violation {
            path: path.to_owned(),
            message: message.to_owned(),
        }])
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("invalid cache settings")?;
        for (index, violation) in self.0.iter().enumerate() {
            let separator = if index == 0 { ": " } else { "; " };
            write!(f, "{separator}{} {}", violation.path, violation.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

impl CacheConfig {
    /// Checks every value.
    ///
    /// # Errors
    ///
    /// All mistakes at once.
    pub fn validate(&self) -> Result<(), ConfigErrors> {
        let mut found = Vec::new();
        let mut check = |path: &str, value: u64, range: RangeInclusive<u64>| {
            if !range.contains(&value) {
                let (first, last) = range.into_inner();
                found.push(Violation {
                    path: path.to_owned(),
                    message: format!("is {value}: choose between {first} and {last}"),
                });
            }
        };
        let ttl = 1..=31_536_000;
        check("default_ttl_seconds", self.default_ttl_seconds, ttl.clone());
        for (operation, seconds) in &self.operation_ttls_seconds {
            let path = format!("operation_ttls_seconds.{operation}");
            check(&path, *seconds, ttl.clone());
        }
        check("l1_entries", self.l1_entries as u64, 1..=10_000_000);
        let threshold = self.compression_threshold as u64;
        check("compression_threshold", threshold, 100..=100_000);
        check("compression_level", self.compression_level.into(), 1..=9);
        let threshold = self.text_hash_threshold as u64;
        check("text_hash_threshold", threshold, 1..=100_000);
        let timeout = self.connection_timeout_seconds;
        check("connection_timeout_seconds", timeout, 1..=60);
        let tiers = self.text_tiers;
        if !(0 < tiers.small && tiers.small < tiers.medium && tiers.medium < tiers.large) {
            found.push(Violation {
                path: "text_tiers".to_owned(),
                message: "must grow from small over medium to large".to_owned(),
            });
        }
        match found.is_empty() {
            true => Ok(()),
            false => Err(ConfigErrors(found)),
        }
    }
}
