//! Items of an array that are to be unlike each other.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::engine::schema::{node::Node, shape::Shape};

/// Numbers tried for one item.
const TRIES: usize = 64;

/// The items there are so far.
#[derive(Debug, Default)]
pub(super) struct Distinct {
    seen: HashSet<String>,
    /// Where the search for the next value of an enum, or the next number, goes on.
    next: usize,
}

impl Distinct {
    /// Remembers an item that stays whatever it is.
    pub(super) fn note(&mut self, node: &Node) {
        self.seen.insert(node.to_text());
    }

    /// The node if it is a new one, or a string, number or choice of `shape` in its place.
    pub(super) fn admit(&mut self, node: Node, shape: &Shape<'_>) -> Option<Node> {
        if self.seen.insert(node.to_text()) {
            return Some(node);
        }
        let leaf = match (shape, node) {
            (Shape::Enum(choice), _) => {
                let mut left = choice.different().iter().skip(self.next);
                let value = left.find(|value| {
                    self.next += 1;
                    self.seen.insert(value.to_string())
                });
                Value::clone(value?)
            }
            (Shape::Text(text), Node::Leaf(Value::String(_))) => loop {
                let digits = self.next.to_string();
                self.next += 1;
                let missing = text.least.saturating_sub(digits.len());
                let value = json!(digits + &".".repeat(missing));
                if self.seen.insert(value.to_string()) {
                    break value;
                }
            },
            (Shape::Number(bounds), _) => {
                let mut left = (0..TRIES).filter_map(|_| {
                    let value = bounds.nth(self.next);
                    self.next += 1;
                    value
                });
                left.find(|value| self.seen.insert(value.to_string()))?
            }
            _ => return None,
        };
        Some(Node::Leaf(leaf))
    }
}
