//! What is logged of items that failed: each sort of failure once as an error, and at the end one
//! line that counts the rest. A thousand items that fail alike would bury everything else.
//!
//! Nothing of a prompt or an output is told: what a failure says of an output that has the wrong
//! shape may quote it, so that stays in the result.

use std::collections::HashMap;
use std::sync::Mutex;

use super::shared::lock;
use super::stop::BEFORE_THAT;
use super::{Category, Failure};

/// So many sorts are told apart; what comes after them is always told.
const SORTS: usize = 1_000;
/// So much of a message counts, and is told.
const TOLD: usize = 200;

/// Failures are of one sort when these are equal.
type Sort = (Category, Option<u16>, String);

/// The sorts that were told, with how many items failed like that.
#[derive(Debug, Default)]
pub(crate) struct FailureLog(Mutex<HashMap<Sort, u64>>);

impl FailureLog {
    /// Tells why an item failed, unless another failed alike.
    pub(crate) fn tell(&self, item_id: &str, failure: &Failure) {
        let (category, status) = (&failure.category, failure.status);
        let message: String = shown(failure).chars().take(TOLD).collect();
        let sort = (category.clone(), status, message.clone());
        // What only says how the run ended was told when it did.
        if !category.is_collateral() && self.is_first(sort) {
            tracing::error!(item_id, %category, status, message, "an item failed");
        } else {
            tracing::debug!(item_id, %category, status, message, "an item failed");
        }
    }

    /// Counts a failure; true when it is the first of its sort, as far as that is known.
    fn is_first(&self, sort: Sort) -> bool {
        let mut sorts = lock(&self.0);
        if let Some(count) = sorts.get_mut(&sort) {
            *count += 1;
            return false;
        }
        if sorts.len() < SORTS {
            sorts.insert(sort, 1);
        }
        true
    }

    /// One line on the failures that more than one item had, for the end of a run.
    pub(crate) fn sum_up(&self) {
        let sorts = std::mem::take(&mut *lock(&self.0));
        let mut repeated: Vec<_> = sorts.into_iter().filter(|(_, count)| *count > 1).collect();
        if repeated.is_empty() {
            return;
        }
        repeated.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        let items: u64 = repeated.iter().map(|(_, count)| count).sum();
        let told = repeated
            .iter()
            .map(|((category, _, message), count)| format!("{count} × {category}: {message}"));
        let failures = told.collect::<Vec<_>>().join("; ");
        tracing::error!(items, failures, "items failed alike");
    }
}

/// What may be told of a failure.
fn shown(failure: &Failure) -> &str {
    match failure.category {
        Category::ValidationError | Category::StructuredOutputValidationError => {
            "the output has not the shape that was asked for"
        }
        // The failure before it may be one of those.
        _ => failure
            .message
            .split(BEFORE_THAT)
            .next()
            .unwrap_or_default(),
    }
}
