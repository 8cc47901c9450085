//! What a run may spend. Spending is counted when a call has ended and its tokens are known, so a
//! run overshoots by the calls in flight at the most; a strict budget sets aside what a call may
//! take before it is made.

use std::fmt;
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use super::shared::lock;
use super::{Termination, TerminationKind, TokenEstimate, Usage};

/// One call that ended, for a [`Budget`] in money.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AttemptUsage<'a> {
    /// The item.
    pub item_id: &'a str,
    /// The strategy, when the item named one.
    pub strategy: Option<&'a str>,
    /// The try, counted from 1; 0 for one that is yet to be made, of a strict budget.
    pub try_number: u32,
    /// Tokens it took, or will take by estimate.
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
    is_strict: bool,
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

    /// Sets aside what a call will take by estimate before it is made, and makes none that would not
    /// fit.
    ///
    /// Near the limit calls go one by one, so that the limit is passed by what one estimate falls
    /// short at the most, as long as no call takes more than twice its estimate. A call that was given
    /// up counts as estimated, since it may be billed all the same. Items without an estimate fail.
    pub fn strict(mut self) -> Self {
        self.is_strict = true;
        self
    }

    /// What is wrong with it, if anything is.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.max_tokens == Some(0) {
            return Err(
                "budget.max_tokens: a run of no tokens does nothing; set at least 1".into(),
            );
        }
        match self.max_cost {
            Some(cost) if !(cost > 0.0 && cost.is_finite()) => Err(format!(
                "budget.max_cost: {cost} is not a number above zero"
            )),
            _ => Ok(()),
        }
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
            .field("is_strict", &self.is_strict)
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
    /// What is set aside for calls in flight.
    aside: Mutex<Aside>,
    /// Told when a call in flight has ended.
    settled: Notify,
}

/// What is set aside, and for how many calls.
#[derive(Clone, Copy, Debug, Default)]
struct Aside {
    calls: u32,
    tokens: u64,
    cost: f64,
}

/// What is set aside for one call, until this is dropped.
#[derive(Debug)]
pub(crate) struct SetAside<'a> {
    purse: &'a Purse,
    /// What the call should take.
    pub(crate) expected: Usage,
    cost: f64,
}

impl Drop for SetAside<'_> {
    fn drop(&mut self) {
        let mut aside = lock(&self.purse.aside);
        aside.calls -= 1;
        aside.tokens -= self.expected.total_tokens;
        aside.cost -= self.cost;
        drop(aside);
        self.purse.settled.notify_waiters();
    }
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
            aside: Mutex::default(),
            settled: Notify::new(),
        }
    }

    /// True when calls have to be paid for in advance.
    pub(crate) fn is_strict(&self) -> bool {
        self.budget.is_strict && self.budget.is_limited()
    }

    /// Sets aside what a call will take, once there is enough left beside the calls in flight.
    ///
    /// # Errors
    ///
    /// Gives the end of the run when not even that call alone would fit.
    pub(crate) async fn set_aside(
        &self,
        call: &AttemptUsage<'_>,
    ) -> Result<SetAside<'_>, Termination> {
        let cost = self.budget.cost.as_ref().map_or(0.0, |cost| cost(call));
        loop {
            let settled = self.settled.notified();
            if let Some(set_aside) = self.try_set_aside(call.usage, cost, call.item_id)? {
                return Ok(set_aside);
            }
            settled.await;
        }
    }

    fn try_set_aside(
        &self,
        expected: Usage,
        cost: f64,
        item_id: &str,
    ) -> Result<Option<SetAside<'_>>, Termination> {
        // What ends meanwhile is counted as spent before it is no longer set aside.
        let mut aside = lock(&self.aside);
        let spent = self.spent();
        let tokens = expected.total_tokens;
        let (all_tokens, all_cost) = (aside.tokens.saturating_add(tokens), aside.cost + cost);
        // Beside others a call is made only where all of them may take twice what they should.
        let margin = if aside.calls == 0 { 1 } else { 2 };
        let tokens_fit = self.budget.max_tokens.is_none_or(|max| {
            spent
                .tokens
                .saturating_add(all_tokens.saturating_mul(margin))
                <= max
        });
        let cost_fits = self
            .budget
            .max_cost
            .is_none_or(|max| spent.cost.unwrap_or_default() + all_cost * margin as f64 <= max);
        if tokens_fit && cost_fits {
            aside.calls += 1;
            (aside.tokens, aside.cost) = (all_tokens, all_cost);
            return Ok(Some(SetAside {
                purse: self,
                expected,
                cost,
            }));
        }
        if aside.calls > 0 {
            return Ok(None);
        }
        let reason = match (self.budget.max_cost, self.budget.max_tokens) {
            (Some(max), _) if !cost_fits => {
                let spent = spent.cost.unwrap_or_default();
                format!("{spent:.6} of {max} are spent, and the next call takes about {cost:.6}")
            }
            (_, max) => format!(
                "{} of {} tokens are used, and the next call takes about {tokens}",
                spent.tokens,
                max.unwrap_or_default()
            ),
        };
        let mut termination = Termination::new(TerminationKind::BudgetExceeded, reason);
        termination.item_id = Some(item_id.to_owned());
        Err(termination)
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

impl<'a> AttemptUsage<'a> {
    /// A call that is yet to be made, as it is estimated.
    pub(crate) fn expected(
        item_id: &'a str,
        strategy: Option<&'a str>,
        estimate: TokenEstimate,
    ) -> Self {
        Self {
            item_id,
            strategy,
            try_number: 0,
            usage: Usage::of(estimate.input_tokens, estimate.output_tokens),
            is_success: false,
        }
    }
}
