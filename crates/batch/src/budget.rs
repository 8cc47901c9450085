//! What a run may spend. Spending is counted when a call has ended and its tokens are known, so a
//! run overshoots by the calls in flight at the most.

use std::fmt;
use std::sync::{Arc, Mutex};

use super::shared::lock;
use super::{Termination, TerminationKind, Usage};

/// One call that ended, for a [`Budget`] in money.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AttemptUsage<'a> {
    /// The item.
    pub item_id: &'a str,
    /// The strategy, when the item named one.
    pub strategy: Option<&'a str>,
    /// The try.
    pub try_number: u32,
    /// Tokens it took.
    pub usage: Usage,
    /// True when it brought an output.
    pub is_success: bool,
}

type CostFn = Arc<dyn Fn(&AttemptUsage<'_>) -> f64 + Send + Sync>;

/// The most a run may spend.
///
/// ```
/// use gimmal_batch::Budget;
///
/// // Two dollars, at 0.30 per million tokens in and 2.50 per million tokens out.
/// let budget = Budget::new().with_max_cost(2.0, |call| {
///     (call.usage.prompt_tokens as f64 * 0.30 + call.usage.output_tokens as f64 * 2.50) / 1e6
/// });
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct Budget {
    max_tokens: Option<u64>,
    max_cost: Option<f64>,
    cost: Option<CostFn>,
}

impl Budget {
    /// No limit.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the run once so many tokens were used.
    pub fn with_max_tokens(mut self, tokens: u64) -> Self {
        self.max_tokens = Some(tokens);
        self
    }

    /// Ends the run once its calls cost so much. `cost` prices one call; a price that is not a
    /// number of at least 0 ends the run as well.
    pub fn with_max_cost(
        mut self,
        max: f64,
        cost: impl Fn(&AttemptUsage<'_>) -> f64 + Send + Sync + 'static,
    ) -> Self {
        self.max_cost = Some(max);
        self.cost = Some(Arc::new(cost));
        self
    }

    pub(crate) fn is_limited(&self) -> bool {
        self.max_tokens.is_some() || self.max_cost.is_some()
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Budget")
            .field("max_tokens", &self.max_tokens)
            .field("max_cost", &self.max_cost)
            .finish_non_exhaustive()
    }
}

/// What a run has spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct Spent {
    /// Tokens.
    pub tokens: u64,
    /// The sum of the prices, when calls are priced.
    pub cost: Option<f64>,
    /// False once a call could not be priced.
    pub is_cost_complete: bool,
    /// Calls whose tokens nobody knows; they add nothing.
    pub unknown: u64,
}

/// Counts what a run spends.
#[derive(Debug)]
pub(crate) struct Purse {
    budget: Budget,
    spent: Mutex<Spent>,
}

impl Purse {
    pub(crate) fn new(budget: Budget) -> Self {
        let spent = Spent {
            cost: budget.cost.is_some().then_some(0.0),
            is_cost_complete: true,
            ..Spent::default()
        };
        Self {
            budget,
            spent: Mutex::new(spent),
        }
    }

    pub(crate) fn spent(&self) -> Spent {
        *lock(&self.spent)
    }

    /// Takes note that a call of unknown size ended.
    pub(crate) fn spend_unknown(&self) {
        lock(&self.spent).unknown += 1;
    }

    /// Takes note of a call, and tells when the run has to end.
    pub(crate) fn spend(&self, call: &AttemptUsage<'_>) -> Option<Termination> {
        if !self.budget.is_limited() {
            return None;
        }
        let price = self.budget.cost.as_ref().map(|cost| cost(call));
        let mut spent = lock(&self.spent);
        spent.tokens = spent.tokens.saturating_add(call.usage.total_tokens);
        let over_tokens = self.budget.max_tokens.filter(|max| spent.tokens >= *max);
        let stop = |reason: String| {
            let mut termination = Termination::new(TerminationKind::BudgetExceeded, reason);
            termination.item_id = Some(call.item_id.to_owned());
            Some(termination)
        };
        let mut bad_price = None;
        if let Some(price) = price {
            let sum = spent.cost.unwrap_or_default() + price;
            if price >= 0.0 && sum.is_finite() {
                spent.cost = Some(sum);
            } else {
                spent.is_cost_complete = false;
                bad_price = Some(price);
            }
        }
        if let Some(max) = over_tokens {
            return stop(format!("{} of {max} tokens are used", spent.tokens));
        }
        if let Some(price) = bad_price {
            tracing::error!(price, "a call cannot be priced, so the run ends");
            return stop(format!("a call cannot be priced: {price}"));
        }
        let (cost, max) = (spent.cost?, self.budget.max_cost?);
        (cost >= max).then(|| stop(format!("{cost:.6} of {max} are spent")))?
    }
}
