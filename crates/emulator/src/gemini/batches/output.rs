//! The answers of a job in the forms they are written in.

use std::time::SystemTime;

use serde_json::{Map, Value, json};

use crate::gemini::{
    batches::store::{Answer, Item, Job, Kind},
    caches::format_time,
};

/// The answers one by one, as they stand inside the job of the developer service.
pub(super) fn inline(job: &Job) -> Vec<Value> {
    let answered = answered(job).map(|(item, answer)| {
        let mut out = outcome(answer);
        if let Some(tag) = &item.tag {
            out.insert("metadata".to_owned(), tag.clone());
        }
        Value::Object(out)
    });
    answered.collect()
}

/// Lines of `key` and `response` or `error`, in the order of the requests.
pub(super) fn keyed_lines(job: &Job) -> String {
    let lines = answered(job).map(|(item, answer)| {
        let mut out = outcome(answer);
        if let Some(tag) = &item.tag {
            out.insert("key".to_owned(), tag.clone());
        }
        format!("{}\n", Value::Object(out))
    });
    lines.collect()
}

/// The lines of an object on Vertex: what was asked, with the answer and a status, which is empty
/// when all went well.
pub(super) fn whole_lines(job: &Job) -> String {
    let lines = rows_of(job, false).map(|row| format!("{row}\n"));
    lines.collect()
}

/// The rows of a table on Vertex: its own columns, and the answer as text of JSON.
pub(super) fn rows(job: &Job) -> Vec<Value> {
    rows_of(job, true).collect()
}

fn rows_of(job: &Job, as_text: bool) -> impl Iterator<Item = Value> {
    answered(job).map(move |(item, answer)| {
        let mut row = match (&item.tag, job.kind) {
            (Some(tag), Kind::Embed) if !as_text => json!({ "instance": tag }),
            (Some(tag), _) => tag.clone(),
            (None, _) => json!({}),
        };
        let name = match job.kind {
            Kind::Generate => "response",
            Kind::Embed => "predictions",
        };
        let (value, status) = match &answer.result {
            Ok(value) => (value.clone(), String::new()),
            Err(error) => (json!({}), format!("Bad Request: {}", error.to_json())),
        };
        row[name] = if as_text {
            value.to_string().into()
        } else {
            value
        };
        row["status"] = status.into();
        row["processed_time"] = format_time(answer.time).into();
        row
    })
}

/// The folder for the answers of a job below `prefix`.
pub(super) fn folder(prefix: &str, job: &Job, time: SystemTime) -> String {
    let prefix = prefix.trim_end_matches('/');
    let stamp = format_time(time);
    format!("{prefix}/prediction-model-{stamp}-{}", job.number)
}

/// The table for the answers: the one that is named, or a new one of the dataset that is.
pub(super) fn table(uri: &str, time: SystemTime) -> String {
    let named = uri.trim_start_matches("bq://").split('.').count() >= 3;
    if named {
        return uri.to_owned();
    }
    let stamp = format_time(time);
    let stamp: String = stamp
        .chars()
        .map(|c| if c.is_ascii_digit() { c } else { '_' })
        .collect();
    format!("{uri}.predictions_{}", stamp.trim_end_matches('_'))
}

fn outcome(answer: &Answer) -> Map<String, Value> {
    let (name, value) = match &answer.result {
        Ok(response) => ("response", response.clone()),
        Err(error) => ("error", error.to_status()),
    };
    [(name.to_owned(), value)].into_iter().collect()
}

fn answered(job: &Job) -> impl Iterator<Item = (&Item, &Answer)> {
    let items = job.items.as_deref().unwrap_or_default();
    items.iter().zip(&job.answers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_dataset_gets_a_table_and_a_table_is_taken() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600);
        assert_eq!(table("bq://p.d.t", time), "bq://p.d.t");
        assert_eq!(
            table("bq://p.d", time),
            "bq://p.d.predictions_2026_01_01T00_00_00".replace('T', "_")
        );
    }
}
