//! What one generated value may cost, and the refusal of a schema that costs more. Counts; what is
//! done when little is left is the generator's business.

use std::fmt;

use serde_json::Value;

use crate::engine::schema::path::Path;

/// The most values, counted at every level, in one generated value.
pub(super) const MOST_NODES: usize = 10_000;
/// The most bytes of names and strings in one generated value.
pub(super) const MOST_BYTES: usize = 1 << 20;

/// A schema that demands more than a generated value may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Excess {
    /// The member of the schema that went beyond.
    pub(crate) member: Path,
    pub(super) limit: Limit,
}

/// What there would have been too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    Nodes,
    Bytes,
}

impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.limit {
            Limit::Nodes => write!(f, "demands more than {MOST_NODES} values in one answer."),
            Limit::Bytes => write!(
                f,
                "demands more than {MOST_BYTES} bytes of text in one answer."
            ),
        }
    }
}

/// What is left of the most a value may hold.
#[derive(Debug)]
pub(super) struct Budget {
    nodes: usize,
    bytes: usize,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self {
            nodes: MOST_NODES,
            bytes: MOST_BYTES,
        }
    }

    /// Whether what is left is to be kept for what the schema demands.
    pub(super) fn is_low(&self) -> bool {
        self.nodes < MOST_NODES / 2 || self.spare_bytes() == 0
    }

    /// The bytes of text that may be spent without need.
    pub(super) fn spare_bytes(&self) -> usize {
        self.bytes.saturating_sub(MOST_BYTES / 2)
    }

    pub(super) fn nodes_left(&self) -> usize {
        self.nodes
    }

    pub(super) fn spend(&mut self, nodes: usize, bytes: usize) -> Result<(), Limit> {
        self.nodes = self.nodes.checked_sub(nodes).ok_or(Limit::Nodes)?;
        self.bytes = self.bytes.checked_sub(bytes).ok_or(Limit::Bytes)?;
        Ok(())
    }

    /// Spends what a value given in the schema itself costs.
    pub(super) fn spend_on(&mut self, value: &Value) -> Result<(), Limit> {
        match value {
            Value::String(text) => self.spend(1, text.len()),
            Value::Array(items) => {
                self.spend(1, 0)?;
                items.iter().try_for_each(|item| self.spend_on(item))
            }
            Value::Object(fields) => {
                self.spend(1, 0)?;
                fields.iter().try_for_each(|(name, value)| {
                    self.spend(0, name.len())?;
                    self.spend_on(value)
                })
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => self.spend(1, 0),
        }
    }
}
