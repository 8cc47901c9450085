//! What a store keeps of an item: who it was, what was asked as fingerprints alone, and its result
//! in the form that both packages read.

use std::time::{Duration, SystemTime};

use gimmal_client::types::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{ArtifactIdentity, ProviderMetadata, canonical, redact};
use crate::journal::{ItemKey, Kept, StoreError};
use crate::{AttemptTiming, Category, Failure, Outcome, Recovery, Usage, WorkItem, WorkItemResult};

/// The version of records and results.
pub(super) const SCHEMA: u64 = 1;
pub(super) const RESULT_SCHEMA: &str = "async-batch-llm-result";

/// An item and its input, as far as a replay depends on them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Prints {
    pub(super) prompt: String,
    /// `None` without a context.
    pub(super) context: Option<String>,
    /// Of the item's name and the two others together.
    pub(super) input: String,
}

impl Prints {
    pub(super) fn of<C: Serialize>(item: &WorkItem<String, C>) -> Result<Self, StoreError> {
        let context = serde_json::to_value(&item.context)
            .map_err(|error| StoreError::new(format!("the context cannot be written: {error}")))?;
        let context = (!context.is_null()).then(|| canonical::fingerprint(&context));
        Ok(Self::new(&item.id, canonical::sha256(&item.input), context))
    }

    fn new(id: &str, prompt: String, context: Option<String>) -> Self {
        let input = canonical::fingerprint(&json!({
            "context_fingerprint": context, "item_id": id, "prompt_fingerprint": prompt,
        }));
        Self {
            prompt,
            context,
            input,
        }
    }

    /// How versions before 0.21 wrote an item without a context.
    pub(super) fn before_0_21(&self, id: &str) -> Option<Self> {
        let absent = self.context.is_none();
        let null = absent.then(|| canonical::fingerprint(&Value::Null))?;
        Some(Self::new(id, self.prompt.clone(), Some(null)))
    }

    /// As the key of an item, from which they can be had again. The name of the item comes last,
    /// since it may hold anything.
    pub(super) fn key(&self, id: &str) -> ItemKey {
        let context = self.context.as_deref().unwrap_or("-");
        ItemKey::new(format!("{} {context} {} {id}", self.prompt, self.input))
    }

    pub(super) fn from_key(key: &ItemKey) -> Option<(Self, &str)> {
        let mut parts = key.as_str().splitn(4, ' ');
        let mut part = || parts.next();
        let (prompt, context, input, id) = (part()?, part()?, part()?, part()?);
        let prints = Self {
            prompt: prompt.to_owned(),
            context: (context != "-").then(|| context.to_owned()),
            input: input.to_owned(),
        };
        Some((prints, id))
    }

    /// Of a record that a store holds.
    pub(super) fn of_record(record: &Value) -> Option<Self> {
        let text = |name: &str| record[name].as_str().map(str::to_owned);
        Some(Self {
            prompt: text("prompt_fingerprint")?,
            context: text("context_fingerprint"),
            input: text("input_fingerprint")?,
        })
    }
}

/// The time as both packages write it.
pub(super) fn now() -> String {
    let now = Timestamp::try_from(SystemTime::now());
    now.map(|now| now.to_string()).unwrap_or_default()
}

/// The first line of a store.
pub(super) fn manifest(identity: &ArtifactIdentity) -> Value {
    json!({
        "artifact_schema_version": SCHEMA,
        "created_at": now(),
        "identity": identity.stored(),
        "identity_fingerprint": identity.fingerprint(),
        "package_version": env!("CARGO_PKG_VERSION"),
        "record_type": "manifest",
        "user_metadata": {},
    })
}

/// The record of a result.
pub(super) fn item<O: Serialize, C>(
    (prints, identity): (&Prints, &ArtifactIdentity),
    result: &WorkItemResult<O, C>,
) -> Result<Value, StoreError> {
    let category = result.category().map(Category::as_str);
    let replay_eligible = result.category().is_none_or(|it| !it.is_never_replayed());
    let stored = to_json(result)?;
    Ok(json!({
        "application_version": identity.application_version,
        "artifact_schema_version": SCHEMA,
        "calculated_cost": null,
        "context_fingerprint": prints.context,
        "error_category": category,
        "identity": identity.stored(),
        "identity_fingerprint": identity.fingerprint(),
        "input_fingerprint": prints.input,
        "item_id": result.id,
        "model": identity.model,
        "parser_version": identity.parser_version,
        "prompt_fingerprint": prints.prompt,
        "prompt_version": identity.prompt_version,
        "provider": identity.provider,
        "raw_context": null,
        "raw_prompt": null,
        "record_type": "item",
        "recorded_at": now(),
        "replay_eligible": replay_eligible,
        "strategy_class": "gimmal_batch.CallStrategy",
        "submission_index": result.submission_index,
        "success": result.outcome.is_ok(),
        "timing": stored["timing"],
        "token_usage": stored["token_usage"],
        "result": stored,
    }))
}

/// True when a record may stand for an item that is asked again.
pub(super) fn may_replay(record: &Value) -> bool {
    let category = record["error_category"].as_str().map(Category::from);
    let filtered = record["result"]["error"] == "Skipped by middleware";
    record["replay_eligible"] == true
        && !filtered
        && category.is_none_or(|category| !category.is_never_replayed())
}

/// A result in the form that both packages read.
///
/// # Errors
///
/// Fails on an output that has no JSON form.
pub(super) fn to_json<O: Serialize, C>(result: &WorkItemResult<O, C>) -> Result<Value, StoreError> {
    let failure = result.outcome.as_ref().err();
    let output = result.outcome.as_ref().ok().map(|outcome| &outcome.output);
    let output = serde_json::to_value(output)
        .map_err(|error| StoreError::new(format!("the output cannot be written: {error}")))?;
    let attempts: Vec<Value> = result.attempts.iter().map(attempt).collect();
    let error = failure.map(|failure| {
        let message = redact::text(&failure.message);
        (format!("{}: {message}", failure.category), message)
    });
    let timeout = result.attempts.iter().rev().find_map(timeout_category);
    Ok(json!({
        "admission_wait_seconds": result.waited(|timing| timing.admission_wait).as_secs_f64(),
        "context": null,
        "context_included": false,
        "error": error.as_ref().map(|(whole, _)| whole),
        "error_category": failure.map(|failure| failure.category.as_str()),
        "exception": error.as_ref().zip(failure).map(|((_, message), failure)| json!({
            "class_name": failure.category.as_str(), "message": message, "module": "gimmal_batch",
        })),
        "item_id": result.id,
        "metadata": result.recovered().map(recovered),
        "metadata_included": true,
        "output": output,
        "output_included": true,
        "record_type": "work_item_result",
        "replayed_from_artifact": result.is_replayed,
        "schema": RESULT_SCHEMA,
        "schema_version": SCHEMA,
        "submission_index": result.submission_index,
        "success": failure.is_none(),
        "timing": {
            "attempts": attempts,
            "timeout_category": timeout,
            "total_seconds": result.latency.as_secs_f64(),
        },
        "token_usage": tokens(&result.usage()),
    }))
}

/// What the other package says of an output that was made usable.
fn recovered(recovery: Recovery) -> Value {
    json!({
        "structured_output_recovered": true,
        "structured_output_recovery_reason": recovery.as_str(),
        "structured_output_retries_avoided": 1,
    })
}

fn tokens(usage: &Usage) -> Value {
    let mut tokens = json!({
        "cached_input_tokens": usage.cached_tokens,
        "input_tokens": usage.prompt_tokens,
        "output_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
    });
    if usage.thoughts_tokens > 0 {
        tokens["thinking_tokens"] = usage.thoughts_tokens.into();
    }
    tokens
}

fn timeout_category(timing: &AttemptTiming) -> Option<&'static str> {
    match timing.category {
        Some(Category::FrameworkTimeout) => Some("framework_execution_timeout"),
        Some(Category::FrameworkTotalItemTimeout) if timing.execution.is_zero() => {
            Some("admission_timeout")
        }
        Some(Category::FrameworkTotalItemTimeout) => Some("framework_total_item_timeout"),
        Some(Category::ApiTimeout | Category::ServerTimeout) => {
            Some("provider_or_transport_timeout")
        }
        _ => None,
    }
}

fn attempt(timing: &AttemptTiming) -> Value {
    let seconds = |duration: Duration| duration.as_secs_f64();
    let category = timing.category.as_ref().map(Category::as_str);
    let reported = timing.usage.map(|usage| usage.total_tokens);
    let reserved = timing.reserved_tokens;
    let delta = reported.filter(|_| reserved > 0).map(|reported| {
        let number = |tokens| i64::try_from(tokens).unwrap_or(i64::MAX);
        number(reported) - number(reserved)
    });
    json!({
        "admission_wait_seconds": seconds(timing.admission_wait),
        "attempt": timing.attempt,
        "cooldown_wait_seconds": seconds(timing.cooldown_wait),
        "error_category": category,
        "error_type": category,
        "estimated_input_tokens": null,
        "estimated_output_tokens": null,
        "execution_seconds": seconds(timing.execution),
        "provider_seconds": null,
        "quota_scope_id": null,
        "quota_wait_seconds": seconds(timing.quota_wait),
        "reconciliation_delta_tokens": delta,
        "reported_tokens": reported,
        "reserved_tokens": reserved,
        "retry_backoff_seconds": seconds(timing.backoff),
        "startup_ramp_wait_seconds": 0.0,
        "success": category.is_none(),
        "timeout_category": timeout_category(timing),
        "total_seconds": seconds(timing.total),
        "try_number": timing.try_number,
    })
}

/// What a stored result stands for.
///
/// # Errors
///
/// Fails on a result of a later version, and on an output of another form.
pub(super) fn from_json<O: DeserializeOwned>(stored: &Value) -> Result<Kept<O>, StoreError> {
    let version = stored["schema_version"].as_u64();
    if stored["schema"] != RESULT_SCHEMA || version != Some(SCHEMA) {
        let message = format!("a stored result has version {version:?}, which is not known");
        return Err(StoreError::new(message));
    }
    let count = |name: &str| stored["token_usage"][name].as_u64().unwrap_or(0);
    let mut usage = Usage::of(count("input_tokens"), count("output_tokens"));
    usage.cached_tokens = count("cached_input_tokens");
    usage.thoughts_tokens = count("thinking_tokens");
    usage.total_tokens = count("total_tokens").max(usage.total_tokens);
    let tries = stored["timing"]["attempts"].as_array().map_or(0, Vec::len);
    let tries = u32::try_from(tries).unwrap_or(u32::MAX);
    if stored["success"] == true {
        let output = O::deserialize(&stored["output"])
            .map_err(|error| StoreError::new(format!("a stored output: {error}")))?;
        let metadata = ProviderMetadata::from(stored["metadata"].clone());
        return Ok(Ok(Outcome {
            recovered: metadata.recovered(),
            ..Outcome::new(output, usage, tries)
        }));
    }
    let category = stored["error_category"].as_str().unwrap_or("unknown");
    let message = stored["error"].as_str().unwrap_or("no message");
    // Ours begins with the category, which is told apart.
    let own = message.strip_prefix(category);
    let message = own
        .and_then(|own| own.strip_prefix(": "))
        .unwrap_or(message);
    let failure = Failure::new(Category::from(category), message);
    Ok(Err(failure.with_attempts(tries).with_usage(usage)))
}

/// A result as it was, as far as it is kept.
pub(super) fn result_from_json<O: DeserializeOwned>(
    stored: &Value,
) -> Result<WorkItemResult<O, Value>, StoreError> {
    let outcome = from_json(stored)?;
    let unnamed = || StoreError::new("a stored result names no item");
    let timing = &stored["timing"];
    let attempts = timing["attempts"].as_array().map(Vec::as_slice);
    Ok(WorkItemResult {
        id: stored["item_id"].as_str().ok_or_else(unnamed)?.to_owned(),
        submission_index: stored["submission_index"].as_u64().unwrap_or(0),
        outcome,
        latency: duration(&timing["total_seconds"]),
        attempts: attempts.unwrap_or_default().iter().map(timing_of).collect(),
        is_replayed: stored["replayed_from_artifact"] == true,
        deduplicated_from: None,
        context: stored["context"].clone(),
    })
}

/// What the provider said of a stored result, by the item's name.
pub(super) fn metadata_of(mut stored: Value) -> (String, ProviderMetadata) {
    let id = stored["item_id"].as_str().unwrap_or_default().to_owned();
    let metadata = stored.get_mut("metadata").map(Value::take);
    (id, metadata.unwrap_or_default().into())
}

fn duration(seconds: &Value) -> Duration {
    Duration::try_from_secs_f64(seconds.as_f64().unwrap_or(0.0)).unwrap_or_default()
}

fn timing_of(stored: &Value) -> AttemptTiming {
    let number = |name: &str| {
        let number = stored[name].as_u64().unwrap_or(0);
        u32::try_from(number).unwrap_or(u32::MAX)
    };
    let reported = stored["reported_tokens"].as_u64();
    AttemptTiming {
        attempt: number("attempt"),
        try_number: number("try_number"),
        total: duration(&stored["total_seconds"]),
        cooldown_wait: duration(&stored["cooldown_wait_seconds"]),
        quota_wait: duration(&stored["quota_wait_seconds"]),
        admission_wait: duration(&stored["admission_wait_seconds"]),
        execution: duration(&stored["execution_seconds"]),
        backoff: duration(&stored["retry_backoff_seconds"]),
        category: stored["error_category"].as_str().map(Category::from),
        reserved_tokens: stored["reserved_tokens"].as_u64().unwrap_or(0),
        // The total alone is kept of a try.
        usage: reported.map(|total_tokens| Usage {
            total_tokens,
            ..Usage::default()
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_those_of_the_other_package() {
        let print = |id: &str, prompt: &str, context: Value| {
            Prints::of(&WorkItem::new(id, prompt.to_owned()).with_context(context)).unwrap()
        };
        let plain = print("ok1", "alpha", Value::Null);
        assert_eq!(
            (plain.prompt.as_str(), plain.input.as_str()),
            (
                "8ed3f6ad685b959ead7022518e1af76cd816f8e8ec7ccdda1ed4018e8f2223f8",
                "feb53bac53f4cb0db6d3dc2fdc6d1221f93bb610d51f066071999b3b04eabdb8"
            )
        );
        let old = plain.before_0_21("ok1").unwrap();
        assert_eq!(
            (old.context.as_deref(), old.input.as_str()),
            (
                Some("74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b"),
                "3077679bc5add27e850ab22e2568f4ed21a3ebfc7d20c17078e740c4ec1ac60b"
            )
        );
        let with = print("bad", "gamma", json!({"k": 1}));
        assert_eq!(
            (with.context.as_deref(), with.input.as_str()),
            (
                Some("a0da1fce57d0e4f9f0ae4e4cbe040d34dcc046255c6c8d18e97f55aaed0655f0"),
                "01a81920d0bf3df1adf2af295b25c9857e6be74e9872955dc977c655e0d3f8fd"
            )
        );
        for prints in [plain, with] {
            let key = prints.key("a name with spaces");
            assert_eq!(Prints::from_key(&key), Some((prints, "a name with spaces")));
        }
    }

    #[test]
    fn metadata_of_a_result_that_is_no_object_is_empty() {
        for stored in [json!([]), json!("text"), json!(7), json!(null), json!({})] {
            let (id, metadata) = metadata_of(stored);
            assert_eq!((id.as_str(), metadata.as_json()), ("", &Value::Null));
        }
        let (id, metadata) = metadata_of(json!({"item_id": "a", "metadata": {"reasoning": "b"}}));
        assert_eq!((id.as_str(), metadata.reasoning()), ("a", Some("b")));
    }

    /// Covers: AC-RS-1
    /// Covers: AC-RS-4
    #[test]
    fn a_result_comes_back_as_it_was() {
        let mut usage = Usage::of(100, 20);
        (usage.cached_tokens, usage.thoughts_tokens) = (80, 7);
        let mut result = WorkItemResult {
            id: "é\u{2028}".to_owned(),
            submission_index: 3,
            outcome: Ok(Outcome::new(
                json!({"secret": "the word", "n": 1.5}),
                usage,
                1,
            )),
            latency: Duration::from_millis(1_500),
            attempts: vec![AttemptTiming::default()],
            is_replayed: false,
            deduplicated_from: None,
            context: (),
        };
        let mut stored = to_json(&result).unwrap();
        stored["of a later version"] = json!([1]);
        let kept = from_json::<Value>(&stored).unwrap().unwrap();
        assert_eq!(
            &kept,
            result.outcome.as_ref().unwrap(),
            "no key of it is a secret"
        );
        result.outcome.as_mut().unwrap().recovered = Some(Recovery::TrailingMarkdownFence);
        let kept = from_json::<Value>(&to_json(&result).unwrap()).unwrap();
        assert_eq!(&kept.unwrap(), result.outcome.as_ref().unwrap());

        result.outcome = Err(Failure::new(Category::ServerError, "api_key=sk-1 is busy")
            .with_attempts(1)
            .with_usage(usage));
        let stored = to_json(&result).unwrap();
        assert_eq!(stored["error"], "server_error: api_key=[REDACTED] is busy");
        let failure = from_json::<Value>(&stored).unwrap().unwrap_err();
        assert_eq!(failure.category, Category::ServerError);
        assert_eq!(failure.message, "api_key=[REDACTED] is busy");
        assert_eq!(failure.billed(), Some(usage));
        let mut later = stored;
        later["schema_version"] = json!(2);
        assert!(from_json::<Value>(&later).is_err());
    }
}
