//! One line of output: what was sent, and what came of it.

use http::{HeaderMap, Method, Uri};
use serde_json::{Map, Value, json};

use crate::wire::failure::Failure;
use crate::wire::record::Record;
use crate::wire::{Memory, gemini, replies};

/// The answer to a record.
#[derive(Debug)]
pub(crate) struct Answer {
    id: Value,
    requests: Vec<Value>,
    outcome: Result<Value, Failure>,
}

impl Answer {
    /// The record could not be read.
    pub(crate) fn refused(id: Value, field: &str, message: impl Into<String>) -> Self {
        Self {
            id,
            requests: Vec::new(),
            outcome: Err(Failure::refused(field, message)),
        }
    }

    /// What was sent, and what came of it.
    pub(super) fn of(id: Value, requests: Vec<Value>, outcome: Result<Value, Failure>) -> Self {
        Self {
            id,
            requests,
            outcome,
        }
    }

    /// True when the record itself was at fault.
    pub(crate) fn is_refused(&self) -> bool {
        matches!(self.outcome, Err(Failure::Refused { .. }))
    }

    /// The line of output.
    pub(crate) fn into_json(self) -> Value {
        let exchanges: Vec<Value> = self
            .requests
            .into_iter()
            .map(|request| json!({"request": request}))
            .collect();
        let mut answer = Map::new();
        answer.insert("id".to_owned(), self.id);
        // A call that failed on its way has sent something worth seeing as well.
        if self.outcome.is_ok() || !exchanges.is_empty() {
            answer.insert("exchanges".to_owned(), exchanges.into());
        }
        match self.outcome {
            Ok(result) => answer.insert("result".to_owned(), result),
            Err(failure) => answer.insert("error".to_owned(), failure.into_json()),
        };
        Value::Object(answer)
    }
}

/// Makes the call of a record.
pub(crate) async fn play(record: Record, chats: &Memory) -> Answer {
    let id = record.id.clone();
    let http = if record.method.starts_with("live.") {
        // Whoever only listens hears everything there is.
        let ends = record.method.ends_with(".receive");
        Ok(replies::socket(record.replies.as_deref(), ends))
    } else {
        replies::script(record.replies.as_deref())
    };
    let http = match http {
        Ok(http) => http,
        Err(failure) => {
            return Answer {
                id,
                requests: Vec::new(),
                outcome: Err(failure),
            };
        }
    };
    let outcome = gemini::call(record, &http, chats).await;
    let sent = http.requests();
    let sent = sent
        .iter()
        .map(|sent| request(sent.method(), sent.uri(), sent.headers(), sent.body()));
    let mut requests: Vec<Value> = sent.collect();
    let said = http.messages();
    if let Some(opening) = requests.last_mut().filter(|_| !said.is_empty()) {
        let said = said.iter().map(|message| body(message.as_bytes()));
        opening["messages"] = said.collect();
    }
    Answer {
        id,
        requests,
        outcome,
    }
}

/// A request as the vectors write it down.
pub(super) fn request(method: &Method, uri: &Uri, headers: &HeaderMap, sent: &[u8]) -> Value {
    let query: Vec<Value> = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
        .map(|(name, value)| json!([name, value]))
        .collect();
    let headers: Map<String, Value> = headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), Value::from(value))
        })
        .collect();
    let mut out = json!({
        "method": method.as_str(),
        "url": uri.to_string(),
        "path": uri.path(),
        "query": query,
        "headers": headers,
    });
    if let Some(body) = body(sent) {
        out["body"] = body;
    }
    out
}

fn body(body: &[u8]) -> Option<Value> {
    if body.is_empty() {
        return None;
    }
    Some(match serde_json::from_slice::<Value>(body) {
        Ok(json) => json!({"json": json}),
        Err(_) => json!({"bytes": replies::bytes_form(body)}),
    })
}
