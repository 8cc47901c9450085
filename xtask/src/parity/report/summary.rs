//! How many rows of which sort have which status.

use crate::parity::assess::{Assessed, Assessment, Status};
use crate::parity::inventory::{Kind, Origin};

/// Rows by status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Complete rows.
    pub(crate) complete: usize,
    /// Partial rows.
    pub(crate) partial: usize,
    /// Missing rows.
    pub(crate) missing: usize,
    /// Rows that are not for us.
    pub(crate) not_counted: usize,
}

impl Counts {
    /// The counts of some rows.
    pub(crate) fn of<'a>(rows: impl Iterator<Item = &'a Assessed>) -> Self {
        let mut counts = Self::default();
        for row in rows {
            match row.status {
                Status::Complete => counts.complete += 1,
                Status::Partial => counts.partial += 1,
                Status::Missing => counts.missing += 1,
                Status::NotCounted => counts.not_counted += 1,
            }
        }
        counts
    }

    /// Rows that are for us.
    pub(crate) fn total(self) -> usize {
        self.complete + self.partial + self.missing
    }

    /// Share of complete rows in tenths of a percent, rounded down so that 1000 means all.
    pub(crate) fn per_mille(self) -> usize {
        (self.complete * 1000)
            .checked_div(self.total())
            .unwrap_or(0)
    }
}

/// One line of the summary.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// One reference, or all of them.
    pub(crate) origin: Option<Origin>,
    /// The sort of rows.
    pub(crate) name: &'static str,
    /// The counts.
    pub(crate) counts: Counts,
}

impl Line {
    /// The name under which the floor is kept.
    pub(crate) fn key(&self) -> String {
        match self.origin {
            Some(origin) => format!("{}: {}", origin.name(), self.name),
            None => self.name.to_owned(),
        }
    }

    /// The share of complete rows in parts of a million, rounded down.
    pub(crate) fn per_million(&self) -> usize {
        (self.counts.complete * 1_000_000)
            .checked_div(self.counts.total())
            .unwrap_or(0)
    }

    /// The share of complete rows in tenths of a percent, rounded down.
    pub(crate) fn per_mille(&self) -> usize {
        self.counts.per_mille()
    }
}

/// The sorts of rows in the order of the summary.
const SORTS: &[(&str, &[Kind])] = &[
    ("Modules", &[Kind::Module]),
    ("Types", &[Kind::Class, Kind::Type, Kind::Alias, Kind::Enum]),
    ("Fields", &[Kind::Field]),
    ("Methods", &[Kind::Method, Kind::Function]),
    ("Enum values", &[Kind::Value]),
    ("Endpoints", &[Kind::Call]),
    ("Commands", &[Kind::Command]),
    ("Behavioural checks", &[Kind::Check]),
    ("Rows of the source documents", &[Kind::Feature]),
];

/// Every line with at least one row: first over all references, then by reference.
pub(crate) fn lines(assessment: &Assessment) -> Vec<Line> {
    let mut lines = Vec::new();
    for origin in [
        None,
        Some(Origin::Gemini),
        Some(Origin::Tinker),
        Some(Origin::Batch),
    ] {
        for (name, kinds) in SORTS {
            let rows = assessment.rows.iter().filter(|row| {
                kinds.contains(&row.row.kind) && origin.is_none_or(|o| row.row.origin == o)
            });
            let counts = Counts::of(rows);
            if counts.total() + counts.not_counted > 0 {
                lines.push(Line {
                    origin,
                    name,
                    counts,
                });
            }
            if *name == "Endpoints" && origin.is_none() {
                lines.push(vectors(assessment));
            }
        }
    }
    lines
}

fn vectors(assessment: &Assessment) -> Line {
    let tally = assessment.vectors.total();
    Line {
        origin: None,
        name: "Vectors",
        counts: Counts {
            complete: tally.equal,
            partial: tally.different,
            missing: tally.unimplemented,
            not_counted: 0,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_all_rows_make_a_hundred_percent() {
        let counts = Counts {
            complete: 999,
            partial: 1,
            ..Counts::default()
        };
        assert_eq!(counts.per_mille(), 999);
        let whole = Counts {
            complete: 3,
            not_counted: 9,
            ..Counts::default()
        };
        assert_eq!(whole.per_mille(), 1000);
        assert_eq!(Counts::default().per_mille(), 0);
    }
}
