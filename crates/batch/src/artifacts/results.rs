//! The results of a run as the JSON that `async-batch-llm` calls `async-batch-llm-result`, whole or
//! a line for each item.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize as _, Serialize};
use serde_json::{Value, json};

use super::canonical::canonical;
use super::record::{self, SCHEMA};
use crate::journal::StoreError;
use crate::{BatchResult, Category, Ended, Stats, Termination, TerminationKind, WorkItemResult};

impl<O: Serialize, C> BatchResult<O, C> {
    /// The results as one JSON value, without contexts.
    ///
    /// # Errors
    ///
    /// Fails on an output that has no JSON form.
    pub fn to_json(&self) -> Result<Value, StoreError> {
        let results = self.results.iter().map(record::to_json);
        Ok(json!({
            "record_type": "batch_result",
            "results": results.collect::<Result<Vec<_>, _>>()?,
            "schema": record::RESULT_SCHEMA,
            "schema_version": SCHEMA,
            "termination": termination(&self.ended.termination),
            "wall_time_seconds": self.wall_time.as_secs_f64(),
        }))
    }

    /// The results as lines of JSON, one for each item.
    ///
    /// # Errors
    ///
    /// Fails on an output that has no JSON form.
    pub fn to_jsonl(&self) -> Result<String, StoreError> {
        let (ended, wall) = (&self.ended.termination, self.wall_time.as_secs_f64());
        let mut text = String::new();
        let mut line = |mut value: Value| {
            value["batch_termination"] = termination(ended);
            value["batch_wall_time_seconds"] = json!(wall);
            text.push_str(&canonical(&value));
            text.push('\n');
        };
        for result in &self.results {
            line(record::to_json(result)?);
        }
        if self.results.is_empty() {
            line(json!({
                "record_type": "batch_metadata", "schema": record::RESULT_SCHEMA,
                "schema_version": SCHEMA,
            }));
        }
        Ok(text)
    }
}

impl<O: DeserializeOwned> BatchResult<O, Value> {
    /// Reads what [`to_json`](Self::to_json), or the other package, wrote. The figures are those that
    /// the results tell by themselves.
    ///
    /// # Errors
    ///
    /// Fails on another schema, on a later version and on outputs of another form.
    pub fn from_json(value: &Value) -> Result<Self, StoreError> {
        let results = value["results"].as_array();
        let results = results.ok_or_else(|| StoreError::new("there are no `results`"))?;
        batch(results, &value["termination"], &value["wall_time_seconds"])
    }

    /// Reads what [`to_jsonl`](Self::to_jsonl), or the other package, wrote.
    ///
    /// # Errors
    ///
    /// Fails as [`from_json`](Self::from_json) does.
    pub fn from_jsonl(text: &str) -> Result<Self, StoreError> {
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        let values = lines.map(serde_json::from_str::<Value>);
        let values = values.collect::<Result<Vec<_>, _>>();
        let mut values = values.map_err(|error| StoreError::new(error.to_string()))?;
        let Some(first) = values.first() else {
            return Err(StoreError::new("there are no results"));
        };
        let (termination, wall) = (
            first["batch_termination"].clone(),
            first["batch_wall_time_seconds"].clone(),
        );
        values.retain(|value| value["record_type"] == "work_item_result");
        batch(&values, &termination, &wall)
    }
}

fn batch<O: DeserializeOwned>(
    results: &[Value],
    termination: &Value,
    wall: &Value,
) -> Result<BatchResult<O, Value>, StoreError> {
    let results = results.iter().map(record::result_from_json);
    let results = results.collect::<Result<Vec<_>, _>>()?;
    let ended = Ended {
        termination: termination_from(termination)?,
        stats: stats_of(&results),
        ..Ended::default()
    };
    let wall = Duration::try_from_secs_f64(wall.as_f64().unwrap_or(0.0)).unwrap_or_default();
    Ok(BatchResult::new(results, ended, wall))
}

fn stats_of<O>(results: &[WorkItemResult<O, Value>]) -> Stats {
    let recorder = crate::stats::Recorder::default();
    for result in results {
        recorder.record(result);
    }
    recorder.snapshot()
}

fn termination(termination: &Termination) -> Value {
    json!({
        "error_category": termination.category.as_ref().map(Category::as_str),
        "kind": termination.kind,
        "reason": termination.reason,
        "triggering_item_id": termination.item_id,
    })
}

fn termination_from(value: &Value) -> Result<Termination, StoreError> {
    if value.is_null() {
        return Ok(Termination::default());
    }
    let kind = TerminationKind::deserialize(&value["kind"])
        .map_err(|error| StoreError::new(format!("the end of the run: {error}")))?;
    let text = |name: &str| value[name].as_str().map(str::to_owned);
    Ok(Termination {
        kind,
        reason: text("reason"),
        category: value["error_category"].as_str().map(Category::from),
        item_id: text("triggering_item_id"),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::stream;

    use super::*;
    use crate::testing::ScriptedStrategy;
    use crate::{Failure, Outcome, Processor, RetryConfig, Usage, WorkItem};

    async fn batch() -> BatchResult<String> {
        let strategy = ScriptedStrategy::new(|input, attempt, _| match input {
            "bad" => Err(Failure::new(Category::ClientError, "refused").with_attempts(1)),
            "busy" if attempt.number == 1 => {
                Err(Failure::new(Category::ServerError, "busy").with_attempts(1))
            }
            _ => Ok(Outcome::new(format!("out:{input}"), Usage::of(100, 20), 1)),
        });
        let items = ["good", "bad", "busy"].map(|text| WorkItem::new(text, text.to_owned()));
        let retry = RetryConfig::new().without_jitter();
        let processor = Processor::new().with_retry(retry);
        let run = processor.start(Arc::new(strategy), stream::iter(items));
        run.await.unwrap().collect_all().await.unwrap()
    }

    /// Covers: AC-MT-3
    /// Covers: BatchResult.summary
    /// Covers: BatchResult.successes
    /// Covers: BatchResult.failures
    /// Covers: BatchResult.by_id
    /// Covers: BatchResult.in_input_order
    /// Covers: BatchResult.outputs
    #[tokio::test(start_paused = true)]
    async fn a_summary_tells_what_a_person_wants_to_know() {
        let batch = batch().await.in_input_order();
        assert_eq!(
            batch.summary(),
            "3 items: 2 succeeded, 1 failed\n\
             retries: 1 tries more, for 1 items\n\
             tokens: 200 in (0 cached, 0.0 %), 40 out\n\
             time: 1.00 s\n\
             items: median 0.00 s, 95 % 1.00 s, 99 % 1.00 s\n\
             client_error: 1 (bad)"
        );
        assert_eq!(batch.successes().count(), 2);
        let outputs: Vec<&String> = batch.outputs().collect();
        assert_eq!(outputs, ["out:good", "out:busy"]);
        assert_eq!(batch.failures().next().unwrap().0.id, "bad");
        assert_eq!(batch.by_id()["busy"].attempts(), 2);
        assert_eq!(batch.usage(), Usage::of(200, 40));
    }

    /// Covers: AC-RS-2
    /// Covers: BatchResult.to_json
    /// Covers: BatchResult.from_json
    /// Covers: BatchResult.to_jsonl
    /// Covers: BatchResult.from_jsonl
    /// Covers: BatchResult.from_dict
    /// Covers: WorkItemResult.from_dict
    #[tokio::test(start_paused = true)]
    async fn results_come_back_as_they_were() {
        let written = batch().await;
        let lines = written.to_jsonl().unwrap();
        assert_eq!(lines.lines().count(), 3);
        let whole = written.to_json().unwrap();
        for read in [
            BatchResult::<String, Value>::from_jsonl(&lines).unwrap(),
            BatchResult::<String, Value>::from_json(&whole).unwrap(),
        ] {
            assert_eq!(read.wall_time, written.wall_time);
            assert_eq!(read.to_json().unwrap(), whole, "nothing was lost");
            let of = |stats: &Stats| (stats.succeeded, stats.failed, stats.tries, stats.usage);
            assert_eq!(of(&read.ended.stats), of(&written.ended.stats));
        }
        let golden: Value = serde_json::from_str(lines.lines().nth(1).unwrap()).unwrap();
        let exception = json!({
            "class_name": "client_error", "message": "refused", "module": "gimmal_batch",
        });
        assert_eq!(golden["exception"], exception);
        assert_eq!(golden["error"], "client_error: refused");
        assert_eq!(golden["batch_termination"]["kind"], "completed");
        let none = BatchResult::<String, Value>::new(Vec::new(), Ended::default(), Duration::ZERO);
        let line = none.to_jsonl().unwrap();
        assert!(line.contains("batch_metadata"));
        let read = BatchResult::<String, Value>::from_jsonl(&line).unwrap();
        assert!(read.results.is_empty());
    }
}
