//! The shares that must not fall: one number per line of the summary.
//!
//! The file is generated; `--raise-floor` only ever raises what stands in it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;

use crate::finding::Finding;
use crate::parity::checked_in::checked_in;
use crate::parity::report::Line;

const FILE: &str = "xtask/reference/floors.json";

/// Shares in parts of a million, by line: fine enough for a single row to be missed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Floors(BTreeMap<String, usize>);

impl Floors {
    /// Reads the checked-in floors; an absent file has none.
    pub(crate) fn load(root: &Path) -> anyhow::Result<Self> {
        Ok(Self(checked_in(root, FILE)?))
    }

    /// Writes them.
    pub(crate) fn save(&self, root: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(&self.0)? + "\n";
        std::fs::write(root.join(FILE), text).with_context(|| format!("failed to write {FILE}"))
    }

    /// The floors after what `lines` reached.
    pub(crate) fn raised(&self, lines: &[Line]) -> Self {
        let mut floors = self.0.clone();
        for line in lines {
            let floor = floors.entry(line.key()).or_default();
            *floor = (*floor).max(line.per_million());
        }
        Self(floors)
    }

    /// Lines that fell below their floor, or are gone.
    pub(crate) fn broken(&self, lines: &[Line]) -> Vec<Finding> {
        let reached: BTreeMap<String, usize> = lines
            .iter()
            .map(|line| (line.key(), line.per_million()))
            .collect();
        self.0
            .iter()
            .filter_map(|(key, floor)| {
                let share = reached.get(key).copied().unwrap_or(0);
                let message = format!(
                    "{key}: {}.{:04} % is below the recorded {}.{:04} %",
                    share / 10_000,
                    share % 10_000,
                    floor / 10_000,
                    floor % 10_000
                );
                (share < *floor).then(|| Finding::error(FILE, 1, message))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parity::report::Counts;

    fn line(complete: usize) -> Line {
        Line {
            origin: None,
            name: "Fields",
            counts: Counts {
                complete,
                missing: 10 - complete,
                ..Counts::default()
            },
        }
    }

    #[test]
    fn floors_only_rise() {
        let floors = Floors::default().raised(&[line(5)]);
        assert!(floors.broken(&[line(5)]).is_empty());
        assert_eq!(floors.broken(&[line(4)]).len(), 1);
        assert_eq!(floors.broken(&[]).len(), 1);
        assert_eq!(floors.raised(&[line(4)]), floors);
        assert_eq!(floors.raised(&[line(6)]).broken(&[line(5)]).len(), 1);
    }
}
