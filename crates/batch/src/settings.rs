//! Settings that no run could work with, told before anything is prepared or sent. What a type can
//! rule out, such as a concurrency of zero, it does.

use std::time::Duration;

use super::{Category, Failure, Hooks, Processor, RunError};

impl Processor {
    /// Refuses settings under which nothing would ever be done.
    pub(super) fn check<I, O, C>(&self, hooks: &Hooks<I, O, C>) -> Result<(), RunError> {
        more_than_zero("attempt_timeout", self.attempt_timeout)?;
        more_than_zero("item_timeout", self.item_timeout)?;
        more_than_zero("batch_timeout", self.batch_timeout)?;
        more_than_zero("post_processor_timeout", Some(hooks.post_timeout))?;
        if let Some(ramp) = self.scopes.ramp {
            more_than_zero("startup_ramp.interval", Some(ramp.interval))?;
            let most = self.scopes.max_in_flight;
            if let Some(most) = most.filter(|most| ramp.initial > *most) {
                let initial = ramp.initial;
                return Err(refused(format!(
                    "startup_ramp.initial: {initial} calls at first are more than the {most} that \
                     may be in flight"
                )));
            }
        }
        if let Some(empty) = self
            .abort_on
            .iter()
            .find(|it| it.as_str().trim().is_empty())
        {
            let shown = empty.as_str();
            return Err(refused(format!(
                "abort_on: {shown:?} is no kind of failure; name one such as permission_denied"
            )));
        }
        self.budget.check().map_err(refused)
    }
}

fn more_than_zero(field: &str, time: Option<Duration>) -> Result<(), RunError> {
    match time {
        Some(Duration::ZERO) => Err(refused(format!(
            "{field}: no time at all leaves none for the work; set more than zero"
        ))),
        _ => Ok(()),
    }
}

fn refused(message: String) -> RunError {
    RunError {
        failure: Failure::new(Category::LogicError, message),
    }
}
