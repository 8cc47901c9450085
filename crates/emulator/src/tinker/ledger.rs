//! What has been done, for those who look back: the requests applied to each model, the tokens that
//! would be billed, and the events of the audit log. Nothing is decided from it.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use jiff::{Timestamp, ToSpan, Unit, tz::TimeZone};
use serde_json::{Value, json};

use super::time::timestamp;

/// Dollars for a million tokens, whatever is done with them.
pub(crate) const RATE_PER_MILLION: f64 = 0.5;
/// Dollars for a gigabyte that is kept for a month.
pub(crate) const RATE_PER_GIGABYTE_MONTH: f64 = 0.1;

/// A request that a model has carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AppliedRequest {
    /// The model, which is also the training run.
    pub model_id: String,
    /// The request's place in the order of the model; 0 is its making.
    pub seq_id: u64,
    /// The call, such as `forward_backward` or `optim_step`.
    pub call: &'static str,
    /// Whether its result is an error.
    pub failed: bool,
}

/// What tokens are billed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Usage {
    Training,
    Prefill { cached: bool },
    Sample,
    Checkpoint,
}

/// Who and what is billed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Account {
    pub(crate) owner: String,
    pub(crate) session: String,
    pub(crate) project: String,
    pub(crate) base_model: String,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pages: Mutex<Pages>,
}

#[derive(Debug, Default)]
struct Pages {
    applied: Vec<(SystemTime, AppliedRequest)>,
    /// By hour.
    usage: BTreeMap<(Timestamp, Account, Usage), u64>,
    audit: Vec<(String, Timestamp, &'static str, Value)>,
}

impl Ledger {
    pub(crate) fn applied(&self, request: AppliedRequest, now: SystemTime) {
        self.lock().applied.push((now, request));
    }

    pub(crate) fn all_applied(&self) -> Vec<AppliedRequest> {
        let pages = self.lock();
        pages
            .applied
            .iter()
            .map(|(_, request)| request.clone())
            .collect()
    }

    /// What was applied to the models that `wanted` picks, with the times.
    pub(crate) fn applied_to(
        &self,
        wanted: impl Fn(&str) -> bool,
    ) -> Vec<(SystemTime, AppliedRequest)> {
        let pages = self.lock();
        let found = pages
            .applied
            .iter()
            .filter(|(_, request)| wanted(&request.model_id));
        found.cloned().collect()
    }

    pub(crate) fn bill(&self, account: Account, usage: Usage, count: u64, now: SystemTime) {
        if count > 0 {
            let hour = hour_of(timestamp(now));
            *self.lock().usage.entry((hour, account, usage)).or_default() += count;
        }
    }

    /// The events of an owner's bill that begin in a span of time.
    pub(crate) fn bills(&self, owner: &str, from: Timestamp, before: Timestamp) -> Vec<Value> {
        let pages = self.lock();
        let mine = pages.usage.iter().filter(|((hour, account, _), _)| {
            account.owner == owner && *hour >= from && *hour < before
        });
        mine.map(|((hour, account, usage), count)| {
            let info = match usage {
                Usage::Training => json!({"type": "training", "token_count": count}),
                Usage::Prefill { cached } => {
                    json!({"type": "sampling_prefill", "cached": cached, "token_count": count})
                }
                Usage::Sample => json!({"type": "sampling_sample", "token_count": count}),
                Usage::Checkpoint => json!({"type": "checkpoint", "count": count}),
            };
            let by_token = *usage != Usage::Checkpoint;
            let cost = by_token.then_some(*count as f64 * RATE_PER_MILLION / 1e6);
            json!({
                "bucket_start": hour, "bucket_end": end_of(*hour),
                "base_model": account.base_model, "user_id": super::auth::user_urn(owner),
                "user_name": super::auth::email(owner), "session_id": account.session,
                "project_id": account.project, "estimated_cost_usd": cost,
                "effective_rate_usd_per_million_tokens": by_token.then_some(RATE_PER_MILLION),
                "event_info": info,
            })
        })
        .collect()
    }

    pub(crate) fn audit(&self, owner: &str, event: &'static str, details: Value, now: SystemTime) {
        let entry = (owner.to_owned(), timestamp(now), event, details);
        self.lock().audit.push(entry);
    }

    /// The entries of the audit log about a family of events, or all, of one day or all.
    pub(crate) fn audited(
        &self,
        owner: &str,
        family: &str,
        day: Option<jiff::civil::Date>,
    ) -> Vec<Value> {
        let family = family.trim_end_matches('s');
        let pages = self.lock();
        let wanted = pages.audit.iter().filter(|(who, time, event, _)| {
            who == owner
                && (family == "all" || event.split('.').next() == Some(family))
                && day.is_none_or(|day| time.to_zoned(TimeZone::UTC).date() == day)
        });
        wanted
            .map(|(_, time, event, details)| {
                json!({
                    "timestamp": time, "event": event, "event_details": details,
                    "tinker_path": details["tinker_path"],
                })
            })
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The beginning of the hour.
fn hour_of(time: Timestamp) -> Timestamp {
    let hour = jiff::TimestampRound::new()
        .smallest(Unit::Hour)
        .mode(jiff::RoundMode::Floor);
    time.round(hour).unwrap_or(time)
}

fn end_of(hour: Timestamp) -> Timestamp {
    hour.checked_add(1.hour()).unwrap_or(hour)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn tokens_of_an_hour_are_one_event() {
        let ledger = Ledger::default();
        let account = Account {
            owner: "o".to_owned(),
            session: "s".to_owned(),
            project: "p".to_owned(),
            base_model: "m".to_owned(),
        };
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        for seconds in [3_700, 7_100, 7_300] {
            ledger.bill(account.clone(), Usage::Training, 10, at(seconds));
        }
        let events = ledger.bills("o", timestamp(at(3_600)), timestamp(at(10_800)));
        let counts: Vec<&Value> = events
            .iter()
            .map(|e| &e["event_info"]["token_count"])
            .collect();
        assert_eq!(counts, [20, 10]);
        assert_eq!(events[0]["bucket_end"], "1970-01-01T02:00:00Z");
        assert!(ledger.bills("x", Timestamp::MIN, Timestamp::MAX).is_empty());
    }

    #[test]
    fn the_audit_log_is_asked_by_family_and_day() {
        let ledger = Ledger::default();
        let day = |n: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(n * 86_400);
        ledger.audit(
            "o",
            "checkpoint.publish",
            json!({"tinker_path": "x"}),
            day(0),
        );
        ledger.audit("o", "project.assign", json!({}), day(1));
        assert_eq!(ledger.audited("o", "all", None).len(), 2);
        assert_eq!(
            ledger.audited("o", "checkpoints", None)[0]["tinker_path"],
            "x"
        );
        let second = Some(jiff::civil::date(1970, 1, 2));
        assert_eq!(
            ledger.audited("o", "all", second)[0]["event"],
            "project.assign"
        );
    }
}
